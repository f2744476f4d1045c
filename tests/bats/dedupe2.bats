#!/usr/bin/env bats
# dd-dedupe: whole records, values, versions, late records, what is taken out, the time of arrival.
# What is expected is worked out by jq, awk, sqlite and Python, or written down.
# shellcheck disable=SC2016,SC2028,SC2086 # $dd is no variable; JSON's escapes; options are word lists
load helper

teardown() {
	tail -n 20 err 2>/dev/null || true
}

# Runs dd-dedupe OPTION… on stdin and keeps the "n" of what passes, on one line.
passes() { # WANT OPTION…
	local want=$1
	shift
	expect 0 dd-dedupe --quiet "$@" || return
	without_control out >records
	equal "$want" "$(jq .n records | paste -sd' ')"
}

wrong() { # TEXT OPTION…
	local text=$1
	shift
	expect 64 dd-dedupe "$@" </dev/null || return
	has err "$text"
}

seed() {
	SEED=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
	echo "SEED=$SEED"
}

# The command line

@test "options that make no sense, alone or together, are 64 and say why" {
	wrong '--key FIELD or --whole must be given'
	wrong '--key FIELD or --whole must be given' --canonical
	wrong '--key and --whole exclude each other' -k k --whole
	wrong '--ttl must be above 0' -k k --ttl 0s
	wrong '--ttl must be above 0' -k k --ttl 0s -t t
	wrong "'1': " -k k --ttl 1 -t t
	wrong '--time wants --ttl' -k k -t t
	wrong '--late wants --ttl and --time' -k k --late drop
	wrong '--late wants --ttl and --time' -k k --late drop --ttl 1m
	wrong '--lateness wants --ttl and --time' -k k --lateness 0s --ttl 1m
	wrong '--lateness must be shorter than --ttl' -k k --lateness 1m --ttl 1m -t t
	wrong '--late and --duplicates must be two files' -k k --ttl 1m -t t --late x --duplicates x
	wrong '--time-format and --tz want --time' -k k --tz Europe/Berlin
	wrong '--approximate and --newest exclude each other' -k k --approximate 1% --newest v
	wrong '--approximate and --exact-keys exclude' -k k --approximate 1% --exact-keys
	wrong '--approximate and --state rocksdb exclude' -k k --approximate 1% --state rocksdb
	wrong "not memory or rocksdb" -k k --state disk
	for rate in 0 0% -1% 51% 0.6 2 1e-30; do
		wrong 'must be above 0 and at most 50%' -k k --approximate $rate
	done
	for rate in '' % x 1%% 1x nan inf 0x1p-4 ' 1'; do
		wrong 'RATE' -k k --approximate "$rate" || has err "option '--approximate' '$rate'"
	done
	wrong "unexpected operand 'in'" -k k in
	[ ! -e x ]
}

# The key

@test "--whole: the bytes of the line, whatever value it is, against awk" {
	seed
	awk -v seed="$SEED" 'BEGIN {
		srand(seed)
		split("{\"a\":1}|{ \"a\":1}|{\"a\":1.0}| 1|1|1 |\"1\"|[]|null|\"\\u0061\"|\"a\"|{\"a\":1}\t", v, "|")
		for (i = 0; i < 20000; i++)
			print rand() < .5 ? v[1 + int(rand() * 12)] : "{\"n\":" int(rand() * 9000) "}"
	}' >in
	expect 0 dd-dedupe --whole <in
	awk '!seen[$0]++' in | cmp - out
	[ "$(wc -l <out)" -gt 3000 ]
	adds_up err
}

@test "--whole: the end of a line is not of the record" {
	printf '{"n":1}\r\n{"n":1}\n{"n":1}\r\n{"n":1} \n{"n":2}\n{"n":1}' >in
	expect 0 dd-dedupe --whole <in
	printf '{"n":1}\r\n{"n":1} \n{"n":2}\n' | same out
}

@test "--canonical: equal values are one, however they are written" {
	cat >in <<'END'
{"n":1,"k":1}
{"n":2,"k":1.0}
{"n":3,"k":"1"}
{"n":4,"k":10e-1}
{"n":5,"k":true}
{"n":6,"k":{"a":1,"b":[1,2]}}
{"n":7,"k":{ "b":[1.0,2e0], "a":100e-2 }}
{"n":8,"k":{"a":7,"b":[1,2],"a":1}}
{"n":9,"k":[2,1]}
{"n":10,"k":[1,2]}
{"n":11,"k":9007199254740993}
{"n":12,"k":9007199254740992}
{"n":13,"k":9007199254740993.0}
{"n":14,"k":-0.0}
{"n":15,"k":0}
{"n":16,"k":"\u00e9"}
{"n":17,"k":"é"}
{"n":18,"k":{"\u0061":1,"b":[1,2]}}
{"n":19,"k":null}
{"n":20,"k":{}}
{"n":21,"k":[]}
{"n":22,"k":0.1}
{"n":23,"k":0.10000000000000000001}
{"n":24,"k":100E-3}
END
	passes '1 3 5 6 9 10 11 12 14 16 19 20 21 22 23' -k k --canonical <in
	# all of a record: the same values without the n
	jq -c . in >/dev/null
	sed 's/"n":[0-9]*,//' in >whole
	expect 0 dd-dedupe --whole --canonical --quiet <whole
	awk 'NR==1||NR==3||NR==5||NR==6||NR==9||NR==10||NR==11||NR==12||NR==14||NR==16||NR==19||NR==20||NR==21||NR==22||NR==23' whole | cmp - out
}

@test "--canonical: random values written at random, against Python" {
	seed
	"$DATA/dedupe-values" "$SEED"
}

# What is taken out

@test "--duplicates: what does not pass stands there, its own bytes in order, against awk" {
	awk 'BEGIN { for (i = 0; i < 200000; i++) printf "{\"k\" :%d,\"n\":%d, \"x\":\"\\u0041\"}%s\n", (i * 7919) % 50021, i, i % 3 ? "" : "\r" }' >in
	printf 'old' >again
	expect 0 dd-dedupe -k k --duplicates again <in
	awk -F, '!seen[$1]++' in | cmp - out
	(printf 'old\n' && awk -F, 'seen[$1]++' in) | cmp - again
	has err 'passed 50021 + duplicate 149979'
	# a pipe will do
	expect 0 bash -c 'dd-dedupe -k k --duplicates >(cat >piped; touch over) <in >out2'
	wait_for [ -e over ]
	awk -F, 'seen[$1]++' in | cmp - piped
}

@test "--duplicates: a file that cannot be opened is 73 before anything is read, a full one 74" {
	seq 1 100000 | sed 's/.*/{"k":1}/' >in
	expect 73 dd-dedupe -k k --duplicates none/again <in
	[ ! -s out ]
	expect 74 dd-dedupe -k k --duplicates /dev/full <in
}

@test "--report: the keys with the most duplicates, exactly, against awk" {
	awk 'BEGIN { for (i = 1; i <= 30; i++) for (j = 0; j <= i * i % 31; j++) printf "%d %d {\"id\":\"k%d\",\"line\":%d,\"n\":1}\n", (i * 37 + j * 91) % 101, j, i, i }' |
		sort -n | cut -d' ' -f3- >in
	expect 0 dd-dedupe -k id,line --report <in
	awk -F, '{ k = $1 "," $2 "}"; if (c[k]++) d[k]++ } END { for (k in d) print d[k], k }' in |
		sort -k1,1nr -k2 | head -n 10 | sed 's/^\([0-9]*\) /dd-dedupe: most duplicated: \1 of /' >want
	sed 1d err | cmp want -
	head -n 1 err | grep -q '^dd-dedupe: in '
	# --quiet is for the rest
	expect 0 dd-dedupe -k id,line --report --quiet <in
	cmp want err
	# nothing was duplicated
	expect 0 dd-dedupe --quiet -k id --report <<<'{"id":1}'
	[ ! -s err ]
}

@test "--report: keys as JSON; long ones and lines are cut between characters; equal beginnings are told apart" {
	long=$(printf 'é%.0s' {1..150})
	{
		for n in 1 2 3; do
			echo '{"a":{"b":"x\n\"y\u0000"},"n":'$n'}'
		done
		for n in 1 2; do
			echo '{"a":{"b":"'"$long"'1"}}'
			echo '{"a":{"b":"'"$long"'2"}}'
		done
		echo '{"a":{"b":null},"c":[1, 2]}'
		echo '{"c":[1, 2]}'
	} >in
	expect 0 dd-dedupe -k a.b,/c --report --quiet <in
	{
		echo 'dd-dedupe: most duplicated: 2 of {"a.b":"x\n\"y\u0000","/c":null}'
		echo 'dd-dedupe: most duplicated: 1 of {"a.b":"'"${long:0:96}"'é...'
		echo 'dd-dedupe: most duplicated: 1 of {"a.b":"'"${long:0:96}"'é...'
		echo 'dd-dedupe: most duplicated: 1 of {"a.b":null,"/c":[1, 2]}'
	} | sed "s/${long:0:96}é/$(printf 'é%.0s' {1..96})/" | same err
	cat in in in | expect 0 dd-dedupe --whole --report --quiet
	grep -c 'most duplicated: 5 of {"a":{"b":"'"$(printf 'é%.0s' {1..24})"'...$' err | equal 2 "$(cat)"
	has err 'most duplicated: 2 of {"a":{"b":"x\n\"y\u0000"},"n":1}'
	printf '[1,2]\n[1.0, 2]\n[2e0]\n[2]\n[1,2]\n' | expect 0 dd-dedupe --whole --canonical --report --quiet
	same err <<-'END'
	dd-dedupe: most duplicated: 2 of [1,2]
	dd-dedupe: most duplicated: 1 of [2]
	END
}

@test "--report: of more than a thousand keys the frequent ones, as ranges that hold the truth" {
	awk 'BEGIN {
		srand(7)
		for (i = 0; i < 200000; i++) {
			r = int(rand() * 40)
			printf "{\"k\":%d}\n", r < 12 ? r % (1 + r) + r : 100 + int(rand() * 5000)
		}
	}' >in
	expect 0 dd-dedupe -k k --report --quiet <in
	equal 10 "$(grep -c . err)"
	sed 's/.*duplicated: \([0-9]*\)\( to \([0-9]*\)\)* of \(.*\)/\4 \1 \3/' err >told
	awk 'NR == FNR { c[$0]++; next } {
		most = NF == 3 ? $3 : $2
		if (c[$1] - 1 < $2 || c[$1] - 1 > most || most - $2 > 200) { print "wrong: " $0 ", was " c[$1] - 1; bad = 1 }
	} END { exit bad }' in told
}

@test "--report: SIGUSR1 tells it on the way" {
	mkfifo feed
	dd-dedupe -k k --report <feed >out 2>err &
	pid=$!
	exec 7>feed
	printf '{"k":1}\n{"k":1}\n{"k":2}\n' >&7
	wait_for [ -s out ]
	wait_for grep -q 2 out
	kill -USR1 $pid
	wait_for has err 'most duplicated: 1 of {"k":1}'
	exec 7>&-
	wait $pid
	equal 2 "$(grep -c 'most duplicated: 1 of' err)"
}

# Late records

clocked() { # WATERMARK_S, then records {n,t,k} in seconds behind it
	echo '{"n":0,"k":"first","t":"1970-01-01T00:00:00Z"}'
	plain_mark "$1"
	cat
}

@test "late: at or behind the watermark, with --lateness that much behind it" {
	clocked 1970-01-01T00:01:40Z >in <<'END'
{"n":1,"k":1,"t":"1970-01-01T00:01:40Z"}
{"n":2,"k":2,"t":"1970-01-01T00:01:40.000000001Z"}
{"n":3,"k":3,"t":"1970-01-01T00:01:30Z"}
{"n":4,"k":4,"t":"1970-01-01T00:01:30.000000001Z"}
{"n":5,"k":2,"t":"1970-01-01T00:01:20Z"}
{"n":6,"k":2,"t":"1970-01-01T00:01:50Z"}
END
	passes '0 2' -k k -t t --ttl 1m --late drop <in
	passes '0 1 2 4' -k k -t t --ttl 1m --late late --lateness 10s <in
	sed -n '5p;7p' in | cmp - late
	passes '0 1 2 3 4' -k k -t t --ttl 1m --late late --duplicates again --lateness 10000000001ns <in
	equal 6 "$(jq .n again)"
	# without a file
	passes '0 1 2 4' -k k -t t --ttl 1m --dlq store --lateness 10s <in
	jq -rs 'map("\(.reason) \(.record.n) \(.detail)") | join("\n")' store/* | same <(cat <<-'END'
	late 3 10s behind the watermark 1970-01-01T00:01:40Z, where --lateness is 10s
	late 5 20s behind the watermark 1970-01-01T00:01:40Z, where --lateness is 10s
	END
	)
	expect 65 dd-dedupe --quiet -k k -t t --ttl 1m <in
	same err <<-'END'
	dd-dedupe: stdin: line 3, byte 92: late: 0s behind the watermark 1970-01-01T00:01:40Z, where --lateness is 0s; a larger --bound of dd-watermark waits for it, a larger --lateness takes it, --late FILE|drop takes it out; --dlq DIR keeps such records and goes on
	END
	equal 0 "$(jq .n out 2>/dev/null | head -n 1)"
}

@test "late: a record without a version or a time is bad, and not late" {
	clocked 1970-01-01T00:01:40Z >in <<'END'
{"n":1,"k":1,"t":"1970-01-01T00:00:40Z"}
{"n":2,"k":1,"v":1}
{"n":3,"k":1,"v":1,"t":"1970-01-01T00:00:40Z"}
END
	sed -i 's/"first"/&,"v":1/' in
	passes 0 -k k -t t --ttl 1m --newest v --dlq store --late drop <in
	equal 'no_version 1,no_time 2' "$(jq -r '"\(.reason) \(.record.n)"' store/* | paste -sd,)"
}

@test "late: without a watermark, without --time, or without --ttl nothing is" {
	printf '{"n":%s,"k":%s,"t":"1970-01-01T00:%s:00Z"}\n' 1 1 50 2 2 10 3 2 10 >in
	passes '1 2 3' -k k -t t --ttl 1m <in
	clocked 1970-01-01T00:59:00Z <in >marked
	passes '0 1 2' -k k --ttl 1m <marked
	passes '0 1 2' -k k <marked
}

@test "--ttl by the watermark: forgotten exactly when it is that far past the key's time" {
	for past in 0 1; do
		{
			echo '{"n":1,"k":"a","t":"1970-01-01T00:01:40Z"}'
			plain_mark 1970-01-01T00:01:0${past}Z
			echo '{"n":2,"k":"a","t":"1970-01-01T00:02:00Z"}'
			plain_mark 1970-01-01T00:01:49.99999999${past}Z
			echo '{"n":3,"k":"a","t":"1970-01-01T00:02:00Z"}'
			plain_mark 1970-01-01T00:01:5${past}Z
			echo '{"n":4,"k":"a","t":"1970-01-01T00:02:00Z"}'
			echo '{"n":5,"k":"a","t":"1970-01-01T00:02:00Z"}'
		} | passes '1 4' -k k -t t --ttl 10s
	done
}

@test "as Spark's dropDuplicatesWithinWatermark, against a reference of its rules" {
	seed
	"$DATA/dedupe-spark" "$SEED"
}

# Versions

@test "--newest: what passes of each key only goes forward, against sqlite" {
	seed
	awk -v seed="$SEED" 'BEGIN {
		srand(seed)
		for (i = 1; i <= 30000; i++)
			printf "{\"n\":%d,\"k\":%d,\"v\":%d}\n", i, int(rand() * 2000), i / 50 + int(rand() * 300) - 150
	}' >in
	sed 's/[^0-9,-]//g' in >in.csv
	sqlite3 :memory: 'CREATE TABLE r(n INTEGER, k INTEGER, v INTEGER)' '.mode csv' '.import in.csv r' '.mode list' \
		'CREATE TABLE j AS SELECT n, k, v, max(v) OVER (PARTITION BY k ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) m FROM r' \
		'.output passed' 'SELECT n FROM j WHERE m IS NULL OR v > m ORDER BY n' \
		'.output same' 'SELECT n FROM j WHERE v = m ORDER BY n' \
		'.output older' 'SELECT n FROM j WHERE v < m ORDER BY n' \
		'.output last' 'SELECT k, max(v) FROM r GROUP BY k ORDER BY k'
	[ "$(wc -l <passed)" -gt 2500 ] && [ "$(wc -l <older)" -gt 2500 ] && [ -s same ]
	expect 0 dd-dedupe -k k --newest v --duplicates again <in
	sed 's/{"n":\([0-9]*\).*/\1/' out | cmp passed -
	sed 's/{"n":\([0-9]*\).*/\1/' again | cmp <(sort -n same older) -
	has err "older $(wc -l <older)" "duplicate $(wc -l <same)"
	adds_up err
	# written over each other in this order, the newest stays
	jq -rs 'INDEX(.[]; .k)[] | "\(.k)|\(.v)"' out | sort -n | cmp last -
}

@test "--newest: numbers are exact, and compared by value" {
	passes '1 3 5 7 8 9' -k k --newest v <<'END'
{"n":1,"k":1,"v":1.1}
{"n":2,"k":1,"v":1.10}
{"n":3,"k":1,"v":9007199254740992}
{"n":4,"k":1,"v":9007199254740992.0}
{"n":5,"k":1,"v":9007199254740993}
{"n":6,"k":1,"v":9007199254740992.5}
{"n":7,"k":2,"v":-5}
{"n":8,"k":2,"v":-4.999}
{"n":9,"k":2,"v":1e3}
{"n":10,"k":2,"v":999}
END
	[ ! -s err ]
}

@test "--newest: times are instants, also with offsets and local ones" {
	cat >in <<'END'
{"n":1,"k":1,"v":"2026-05-01T12:00:00Z"}
{"n":2,"k":1,"v":"2026-05-01T13:30:00+02:00"}
{"n":3,"k":1,"v":"2026-05-01T14:00:00+02:00"}
{"n":4,"k":1,"v":"2026-05-01T12:00:00.000000001Z"}
{"n":5,"k":1,"v":"2026-05-01T08:00:01-04:00"}
END
	passes '1 4 5' -k k --newest v <in
	echo '{"n":6,"k":1,"v":"2026-05-01 14:00:02"}' >>in
	passes '1 4 5 6' -k k --newest v --tz Europe/Berlin <in
	passes '1 4 5' -k k --newest v --dlq store <in
	equal not_a_version "$(jq -r .reason store/*)"
	expect 78 dd-dedupe -k k --newest v --tz Europe/Nowhere <in
	has err "--tz 'Europe/Nowhere'"
}

@test "--newest: no version, none of its kind, and something else are bad, and say so" {
	cat >in <<'END'
{"n":1,"k":1,"v":2}
{"n":2,"k":1}
{"n":3,"k":1,"v":null}
{"n":4,"k":1,"v":"2026-05-01T12:00:00Z"}
{"n":5,"k":1,"v":"3"}
{"n":6,"k":1,"v":true}
{"n":7,"k":1,"v":[3]}
{"n":8,"k":1,"v":3}
END
	passes '1 8' -k k --newest v --dlq store <in
	equal 'no_version 2,no_version 3,not_a_version 4,not_a_version 5,not_a_version 6,not_a_version 7' \
		"$(jq -r '"\(.reason) \(.record.n)"' store/* | paste -sd,)"
	expect 65 dd-dedupe --quiet -k k --newest v <in
	has err 'line 2, byte 20: no_version: '"'v': " '--dlq DIR'
	sed 's/"v":2/"v":"2026-05-01T12:00:00Z"/' in >timed
	passes '1' -k k --newest v --dlq store2 <timed
	equal 'no_version 2,no_version 3,not_a_version 5,not_a_version 6,not_a_version 7,not_a_version 8' \
		"$(jq -r '"\(.reason) \(.record.n)"' store2/* | paste -sd,)"
}

@test "--newest with --ttl: a newer version renews the key's time, what is taken out does not" {
	passes '1 2 5 6' -k k --newest v -t t --time-format s --ttl 10s <<'END'
{"n":1,"k":"a","v":1,"t":100}
{"n":2,"k":"a","v":5,"t":105}
{"n":3,"k":"a","v":5,"t":109}
{"n":4,"k":"a","v":3,"t":114}
{"n":5,"k":"a","v":2,"t":115}
{"n":6,"k":"a","v":3,"t":116}
END
}

@test "a speed layer and a batch layer make one table, whatever the order in which they come" {
	seed
	"$DATA/dedupe-lambda" "$SEED"
}

# The time of arrival

# dd-dedupe at a time of day that the test sets.
at() { # SECONDS [RECORD…]
	echo "$1" >wall.new
	mv wall.new wall
	shift
	if [ $# -gt 0 ]; then
		printf '%s\n' "$@" >&7
	fi
}

arriving() { # OPTION…
	shim=$(dirname "$(command -v dd-dedupe)")/tools/wall.so
	[ -e "$shim" ] || skip "no shim in this build"
	mkfifo feed
	at 1000
	WALL=wall LD_PRELOAD=$shim dd-dedupe --quiet "$@" <feed >out 2>err &
	pid=$!
	exec 7>feed
}

came() { # N…
	wait_for equal "$*" "$(jq .n out | paste -sd' ')"
}

passed_are() { # N…
	equal "$*" "$(jq .n out | paste -sd' ')"
}

@test "--ttl without --time: a key is forgotten when its record came that long ago" {
	arriving -k k --ttl 10s
	at 1000 '{"n":1,"k":"a"}'
	wait_for passed_are 1
	at 1009 '{"n":2,"k":"a"}' '{"n":3,"k":"b"}'
	wait_for passed_are 1 3
	at 1010 '{"n":4,"k":"a"}' '{"n":5,"k":"b"}'
	wait_for passed_are 1 3 4
	at 1018 '{"n":6,"k":"b"}' '{"n":7,"k":"c"}'
	wait_for passed_are 1 3 4 7
	at 1019 '{"n":8,"k":"b"}'
	wait_for passed_are 1 3 4 7 8
	exec 7>&-
	wait $pid
}

@test "--ttl without --time: the clock never falls" {
	arriving -k k --ttl 10s
	at 1000 '{"n":1,"k":"a"}'
	wait_for passed_are 1
	at 900 '{"n":2,"k":"a"}' '{"n":3,"k":"b"}'
	wait_for passed_are 1 3
	at 1009 '{"n":4,"k":"b"}' '{"n":5,"k":"c"}'
	wait_for passed_are 1 3 5
	at 1010 '{"n":6,"k":"b"}'
	wait_for passed_are 1 3 5 6
	exec 7>&-
	wait $pid
}

@test "--ttl without --time: under a checkpoint the clock goes on, and does not fall behind it" {
	shim=$(dirname "$(command -v dd-dedupe)")/tools/wall.so
	[ -e "$shim" ] || skip "no shim in this build"
	run_at() { # SECONDS RECORD…
		echo "$1" >wall
		shift
		printf '%s\n' "$@" >>in
		dd-source --once --checkpoint D in 2>>err |
			WALL=wall LD_PRELOAD=$shim dd-dedupe -k k --ttl 10s --checkpoint D 2>>err |
			dd-deliver --checkpoint D file:out 2>>err
	}
	run_at 1000 '{"n":1,"k":"a"}' '{"n":2,"k":"a"}'
	run_at 1009 '{"n":3,"k":"a"}' '{"n":4,"k":"b"}'
	passed_are 1 4
	run_at 500 '{"n":5,"k":"a"}' '{"n":6,"k":"c"}'
	passed_are 1 4 6
	run_at 1010 '{"n":7,"k":"a"}' '{"n":8,"k":"b"}' '{"n":9,"k":"c"}'
	passed_are 1 4 6 7
	run_at 1019 '{"n":10,"k":"a"}' '{"n":11,"k":"b"}' '{"n":12,"k":"c"}'
	passed_are 1 4 6 7 11 12
}
