#!/usr/bin/env bats
# dd-dedupe: what makes two keys the same, how long they are kept, and what happens when they don't fit.
# shellcheck disable=SC2016,SC2086 # $dd is no variable; options are word lists
load helper

# Runs dd-dedupe OPTION… on stdin and keeps the "n" of what passes, on one line.
passes() { # WANT OPTION…
	local want=$1
	shift
	expect 0 dd-dedupe --quiet "$@" || return
	equal "$want" "$(jq .n out | paste -sd' ')"
}

@test "keys are equal when type and value are" {
	passes '1 2 3 4 5 6 8 10 12 13 14 16 18 19 20' -k k <<'END'
{"n":1,"k":1}
{"n":2,"k":1.0}
{"n":3,"k":"1"}
{"n":4,"k":"1.0"}
{"n":5,"k":1e0}
{"n":6,"k":true}
{"n":7,"k": 1 }
{"n":8,"k":"true"}
{"n":9,"k":true}
{"n":10,"k":null}
{"n":11,"k":null}
{"n":12,"k":"null"}
{"n":13,"k":""}
{"n":14,"k":"a/b"}
{"n":15,"k":"\u0061\/b"}
{"n":16,"k":"é"}
{"n":17,"k":"\u00e9"}
{"n":18,"k":-0}
{"n":19,"k":0}
{"n":20,"k":false}
{"n":21,"k":"\u00E9"}
{"n":22,"k":-0}
END
}

@test "long integers that doubles would merge are different keys" {
	passes '1 2 3 4' -k k <<'END'
{"n":1,"k":12345678901234567890}
{"n":2,"k":12345678901234567891}
{"n":3,"k":9007199254740992}
{"n":4,"k":9007199254740993}
{"n":5,"k":12345678901234567890}
END
}

@test "strings with surrogate pairs, NUL and control characters are compared unescaped" {
	passes '1 3 4 5' -k k <<'END'
{"n":1,"k":"😀"}
{"n":2,"k":"\ud83d\ude00"}
{"n":3,"k":"a\u0000"}
{"n":4,"k":"a"}
{"n":5,"k":"a\u0000b"}
{"n":6,"k":"\u0061\u0000"}
END
}

@test "objects and arrays as keys are compared as written" {
	passes '1 3 4 5' -k k <<'END'
{"n":1,"k":{"a":1,"b":2}}
{"n":2,"k":{"a":1,"b":2}}
{"n":3,"k":{"b":2,"a":1}}
{"n":4,"k":[1,2]}
{"n":5,"k":"[1,2]"}
{"n":6,"k":[1,2]}
END
}

@test "several parts: each counts, a missing one is null, and none at all is no key" {
	cat >in <<'END'
{"n":1,"a":"x","b":"y"}
{"n":2,"a":"xy","b":""}
{"n":3,"a":"","b":"xy"}
{"n":4,"a":"x"}
{"n":5,"a":"x","b":null}
{"n":6,"b":"x"}
{"n":7,"b":"x","a":null}
{"n":8,"b":"y","a":"x"}
{"n":9,"a":"x\",\"y"}
{"n":10,"a":null}
{"n":11,"a":null,"b":null}
END
	passes '1 2 3 4 6 9 10' -k a,b <in
	echo '{"n":1}' >none
	expect 65 dd-dedupe -k a,b <none
	has err no_key 'line 1'
	expect 0 dd-dedupe -k a,b --dlq store <none
	equal no_key "$(jq -r .reason store/*)"
	[ ! -s out ]
}

@test "fields are dotted paths, array indices and JSON pointers; of equal keys the last wins" {
	passes '1 3' -k user.id <<'END'
{"n":1,"user":{"id":7}}
{"n":2,"user":{"x":{"id":8},"id":7}}
{"n":3,"user":{"id":8}}
{"n":4,"user":{"id":7},"user":{"id":8}}
{"n":5,"user":{"id":1,"id":7}}
END
	passes '1 2' -k items.1.sku <<'END'
{"n":1,"items":[{"sku":1},{"sku":2}]}
{"n":2,"items":[{"sku":2},{"sku":1}]}
{"n":3,"items":[{"sku":9},{"sku":2},{"sku":3}]}
END
	passes '1 2 4' -k '/a~1b/~0c/0' <<'END'
{"n":1,"a/b":{"~c":[1]}}
{"n":2,"a/b":{"~c":[2]}}
{"n":3,"a\/b":{"\u007ec":[1,5]}}
{"n":4,"a/b":{"~c":["1"]}}
END
}

@test "the bytes of what passes are the bytes that came" {
	printf '%s\n' '{ "k" : 1.10 }' $'{\t"k":12345678901234567890, "z":"\\u0041\\/", "a":1E5}' '{"k":"\u00e9","é":"é"}' '  {"k":[ 1 , 2 ]}  ' '{"k":{}}' >in
	printf '{"k":"crlf"}\r\n' >>in
	expect 0 dd-dedupe -k k <in
	cmp in out
	sed 's/{/{"t":"2026-05-01T12:00:00Z",/' in | sed -n 1,4p >timed
	expect 0 dd-watermark -t t --bound 1s <timed
	without_control out | cmp timed -
}

@test "a byte-order mark at the start and empty lines are skipped, a missing last newline is not missed" {
	printf '\xef\xbb\xbf{"k":1}\n\n\r\n  \n{"k":2}\n{"k":\xef\xbb\xbf3}\n{"k":4}' >in
	expect 0 dd-dedupe -k k --dlq store <in
	printf '{"k":1}\n{"k":2}\n{"k":4}\n' | same out
	has err 'empty lines 3' 'malformed 1'
	# the mark counts where bytes are counted
	equal 25 "$(jq .source.offset store/*)"
	equal '{"k":'$'\xef\xbb\xbf''3}' "$(jq -r .raw store/*)"
}

@test "a million records with half a million keys: first of each, against awk" {
	awk 'BEGIN { for (i = 0; i < 1000000; i++) printf "{\"k\":\"user-%d\",\"n\":%d}\n", (i * 7919 + int(i / 3)) % 500009, i }' >in
	expect 0 dd-dedupe -k k <in
	awk -F, '!seen[$1]++' in | cmp - out
	adds_up err
}

@test "--ttl: event time is what the records say; a key is forgotten exactly that far past it" {
	for d in 9 10; do
		printf '{"n":1,"k":"a","t":100}\n{"n":2,"k":"b","t":%d}\n{"n":3,"k":"a","t":100}\n' $((100 + d)) >in
		want='1 2'
		[ $d = 9 ] || want='1 2 3'
		passes "$want" -k k -t t --time-format s --ttl 10s <in
	done
	# a duplicate does not make it live longer
	passes '1 3' -k k -t t --time-format s --ttl 10s <<'END'
{"n":1,"k":"a","t":100}
{"n":2,"k":"a","t":108}
{"n":3,"k":"a","t":112}
{"n":4,"k":"a","t":115}
END
	# nor does an older record pass for being old
	passes '1' -k k -t t --time-format s --ttl 10s <<'END'
{"n":1,"k":"a","t":100}
{"n":2,"k":"a","t":50}
END
}

@test "--ttl: a record without time is bad" {
	expect 0 dd-dedupe -k k --ttl 1m -t t --dlq store <<<'{"k":1}'
	[ ! -s out ]
	equal 1 "$(cat store/* | jq .source.line)"
}

@test "--ttl: one broken clock that dd-watermark does not believe makes no key run out" {
	cat >in <<'END'
{"n":1,"k":"x","t":"2099-01-01T00:00:00Z"}
{"n":2,"k":"a","t":"2026-05-01T12:00:00Z"}
{"n":3,"k":"b","t":"2026-05-01T12:00:01Z"}
{"n":4,"k":"a","t":"2026-05-01T12:00:02Z"}
{"n":5,"k":"a","t":"2026-05-01T12:00:03Z"}
{"n":6,"k":"y","t":"2099-01-01T00:00:00Z"}
{"n":7,"k":"a","t":"2026-05-01T12:00:04Z"}
{"n":8,"k":"b","t":"2026-05-01T12:00:05Z"}
END
	dd-watermark -t t --bound 1m <in 2>err1 | expect 0 dd-dedupe -k k -t t --ttl 1h
	without_control out | jq .n | paste -sd' ' >passed
	has passed '6'
	lacks passed 7
	lacks passed 5
	# but what had run out before the first watermark, by the clock of that time, is gone
	has passed ' 8'
}

@test "random streams: what passes is what the model says" {
	seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
	echo "SEED=$seed"
	"$DATA/dedupe-model" "$seed"
}

@test "the memory bound is exit 75 with the reason, and what passed before is right" {
	seq 1 200000 | awk '{ printf "{\"k\":\"key-%d\"}\n", $1 }' >in
	expect 75 dd-dedupe -k k --memory 1MiB <in
	has err --memory
	adds_up err
	passed=$(wc -l <out)
	[ "$passed" -ge 1000 ]
	head -n "$passed" in | cmp - out
	# a time to live makes it fit
	awk '{ sub(/}/, ",\"t\":" NR "}"); print }' in >timed
	expect 0 dd-dedupe -k k -t t --time-format s --ttl 1000s --memory 1MiB <timed
	cmp timed out
}

@test "the memory really stays near the bound" {
	seq 1 4000000 | awk '{ printf "{\"k\":\"a key of some length, number %d\"}\n", $1 }' >in
	status=0
	(
		ulimit -v 200000
		exec dd-dedupe -k k --memory 64MiB <in >/dev/null 2>err
	) || status=$?
	equal 75 $status
	has err --memory
}

@test "the bound in a supervised stream is an abort with 75" {
	{
		open_line
		seq 1 200000 | awk '{ printf "{\"k\":\"key-%d\"}\n", $1 }'
		last_barrier 42
	} >in
	expect 75 dd-dedupe -k k --memory 1MiB <in
	equal 75 "$(tail -n 1 out | jq '."$dd".abort.exit')"
}
