#!/usr/bin/env bats
# dd-window: tumbling windows, their order, exact numbers, late records, and a model on random streams.
# shellcheck disable=SC2016,SC2086 # $dd is no variable; options are word lists
load helper

S="-t t --time-format s"

@test "windows are half open, and tumbling starts at the epoch, before it too" {
	printf '{"t":%s}\n' 0 9.999999999 10 19 -0.000000001 -10 -10.5 >in
	expect 0 dd-window $S --tumbling 10s -a count <in
	same out <<'END'
{"window_start":"1969-12-31T23:59:40Z","window_end":"1969-12-31T23:59:50Z","count":1}
{"window_start":"1969-12-31T23:59:50Z","window_end":"1970-01-01T00:00:00Z","count":2}
{"window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:00:10Z","count":2}
{"window_start":"1970-01-01T00:00:10Z","window_end":"1970-01-01T00:00:20Z","count":2}
END
	has err 'in 7 ' 'absorbed 7' 'made 4' 'out 4'
	adds_up err
}

@test "--offset moves the windows, by less than their length as in Flink" {
	printf '{"t":%d}\n' 0 2 3 12 13 -7 -8 >in
	expect 0 dd-window $S --tumbling 10s --offset 3s -a count <in
	same out <<'END'
{"window_start":"1969-12-31T23:59:43Z","window_end":"1969-12-31T23:59:53Z","count":1}
{"window_start":"1969-12-31T23:59:53Z","window_end":"1970-01-01T00:00:03Z","count":3}
{"window_start":"1970-01-01T00:00:03Z","window_end":"1970-01-01T00:00:13Z","count":2}
{"window_start":"1970-01-01T00:00:13Z","window_end":"1970-01-01T00:00:23Z","count":1}
END
	expect 64 dd-window $S --tumbling 10s --offset 10s -a count <in
}

@test "times of windows have no fraction, or 3, 6 or 9 digits" {
	while read -r size start end; do
		expect 0 dd-window -t t --time-format ns --tumbling "$size" -a count <<<'{"t":1777636800123456789}'
		echo "{\"window_start\":\"$start\",\"window_end\":\"$end\",\"count\":1}" | same out
	done <<'END'
1w 2026-04-30T00:00:00Z 2026-05-07T00:00:00Z
1d 2026-05-01T00:00:00Z 2026-05-02T00:00:00Z
250ms 2026-05-01T12:00:00Z 2026-05-01T12:00:00.250Z
10ms 2026-05-01T12:00:00.120Z 2026-05-01T12:00:00.130Z
1us 2026-05-01T12:00:00.123456Z 2026-05-01T12:00:00.123457Z
1ns 2026-05-01T12:00:00.123456789Z 2026-05-01T12:00:00.123456790Z
END
}

@test "a window at the ends of 64-bit time is right or refused, not wrapped" {
	for t in 9223372036854775807 -9223372036854775808; do
		rm -rf store
		expect 0 dd-window -t t --time-format ns --tumbling 1d -a count --dlq store <<<"{\"t\":$t}"
		if [ -s out ]; then
			jq -e '.window_start < .window_end and .count == 1' out
		else
			equal 1 "$(cat store/* | wc -l)"
		fi
	done
}

@test "results of one watermark are ordered by end, start, key; watermarks are consumed" {
	cat >in <<'END'
{"t":25,"k":"b"}
{"t":5,"k":"b"}
{"t":15,"k":"ab"}
{"t":15,"k":"b"}
{"t":5,"k":"ab"}
{"t":15,"k":"aab"}
{"t":5,"k":"B"}
{"$dd":{"watermark":"1970-01-01T00:00:09.999999999Z"}}
{"t":5,"k":"a"}
{"$dd":{"watermark":"1970-01-01T00:00:20Z"}}
{"t":25,"k":"a"}
{"t":35,"k":"c"}
END
	expect 0 dd-window $S --tumbling 10s -k k -a count <in
	jq -r '"\(.window_end[17:19]) \(.k) \(.count)"' out >got
	same got <<'END'
10 B 1
10 a 1
10 ab 1
10 b 1
20 aab 1
20 ab 1
20 b 1
30 a 1
30 b 1
40 c 1
END
	lacks out '$dd'
}

@test "a result is flat: key fields under their own names, then the window, then what was asked for" {
	cat >in <<'END'
{"t":1,"user":{"id":12345678901234567890},"shop":"\u00e9 \"x\"","v":1}
{"t":2,"user":{"id":12345678901234567890},"shop":"é \"x\"","v":2.50}
{"t":2,"shop":"s","v":7}
END
	expect 0 dd-window $S --tumbling 10s -k shop,user.id -a 'total=sum(v), count, max(v), n=count' <in
	jq -c 'keys_unsorted' out | sort -u >names
	echo '["shop","user.id","window_start","window_end","total","count","max_v","n"]' | same names
	has out '"user.id":12345678901234567890,' '"total":3.50,' '"user.id":null,'
	jq -c '[.shop, .count, .n]' out | sort >values
	printf '%s\n' '["s",1,1]' '["é \"x\"",2,2]' | same values
	# two names for one field of the result
	expect 64 dd-window $S --tumbling 10s -a 'count, count=sum(v)' <in
	expect 64 dd-window $S --tumbling 10s -a 'window_start=count' <in
	expect 64 dd-window $S --tumbling 10s -k shop -a 'shop=count' <in
}

@test "sums are exact: decimals, and integers beyond doubles and 64 bits" {
	printf '{"t":1,"v":%s}\n' 0.1 0.2 >in
	expect 0 dd-window $S --tumbling 10s -a 'sum(v)' <in
	has out '"sum_v":0.3}'
	printf '{"t":1,"v":%s}\n' 9223372036854775807 9223372036854775807 1 >in
	expect 0 dd-window $S --tumbling 10s -a 'sum(v), avg(v)' <in
	has out '"sum_v":18446744073709551615,' '"avg_v":6148914691236517205}'
	printf '{"t":1,"v":%s}\n' 12345678901234567890.10 -12345678901234567890 -0.05 >in
	expect 0 dd-window $S --tumbling 10s -a 'sum(v), min(v), max(v)' <in
	has out '"sum_v":0.05,' '"min_v":-12345678901234567890,' '"max_v":12345678901234567890.10}'
	printf '{"t":1,"v":%s}\n' 1e2 1.5E1 25e-2 >in
	expect 0 dd-window $S --tumbling 10s -a 'sum(v)' <in
	has out '"sum_v":115.25}'
	printf '{"t":1,"v":%s}\n' 0.1 -0.1 >in
	expect 0 dd-window $S --tumbling 10s -a 'sum(v), avg(v)' <in
	equal 0,0 "$(jq -r '"\(.sum_v),\(.avg_v)"' out)"
}

@test "minimum and maximum compare by value and are written as they came" {
	printf '{"t":1,"v":%s}\n' 2 10 1.50 -3e0 9.99 >in
	expect 0 dd-window $S --tumbling 10s -a 'min(v), max(v)' <in
	jq -e '.min_v == -3 and .max_v == 10' out
	printf '{"t":1,"v":%s}\n' 9007199254740993 9007199254740992 9007199254740994 >in
	expect 0 dd-window $S --tumbling 10s -a 'min(v), max(v)' <in
	has out '"min_v":9007199254740992,"max_v":9007199254740994}'
}

@test "an average is exact where it ends, and right to a double's precision where not" {
	printf '{"t":1,"v":%s}\n' 1 2 >in
	expect 0 dd-window $S --tumbling 10s -a 'avg(v)' <in
	has out '"avg_v":1.5}'
	printf '{"t":1,"v":%s}\n' 0.1 0.2 0.3 0.2 >in
	expect 0 dd-window $S --tumbling 10s -a 'avg(v)' <in
	has out '"avg_v":0.2'
	printf '{"t":1,"v":%s}\n' 1 1 2 >in
	expect 0 dd-window $S --tumbling 10s -a 'avg(v)' <in
	jq -e '(.avg_v - 4 / 3 | fabs) < 1e-15' out
}

@test "ten million times 0.01 are 100000.00" {
	yes '{"t":1,"v":0.01}' | head -n 10000000 2>/dev/null >in || [ -s in ]
	equal 10000000 "$(wc -l <in)"
	expect 0 dd-window $S --tumbling 10s -a 'sum(v), count' <in
	rm in
	has out '"sum_v":100000.00,"count":10000000}'
}

@test "missing and null values are no numbers to add; anything else that is none is bad" {
	printf '%s\n' '{"t":1,"v":4}' '{"t":1}' '{"t":1,"v":null}' '{"t":1,"v":2}' >in
	expect 0 dd-window $S --tumbling 10s -a 'count, sum(v), avg(v), min(v), max(v)' <in
	has out '"count":4,"sum_v":6,"avg_v":3,"min_v":2,"max_v":4}'
	for value in '"3"' true '[1]' '{}'; do
		printf '%s\n' '{"t":1,"v":4}' "{\"t\":1,\"v\":$value}" >in
		rm -rf store
		expect 0 dd-window $S --tumbling 10s -a 'count, sum(v)' --dlq store <in
		has out '"count":1,"sum_v":4}'
		adds_up err
		equal 2 "$(cat store/* | jq .source.line)"
		expect 65 dd-window $S --tumbling 10s -a 'count, sum(v)' <in
		has err 'line 2' "'v'" --dlq
		[ ! -s out ]
	done
}

# A stream whose lines 4 and 6 are late in windows of 10 s: by 1 s behind their window's end, and 190 s.
late_stream() {
	cat <<'END'
{"t":5}
{"$dd":{"watermark":"1970-01-01T00:00:11Z"}}
{"t":12}
{ "t": 9 , "x":1.10}
{"$dd":{"watermark":"1970-01-01T00:03:20Z"}}
{"t":5,"x":"\u0041"}
{"t":200}
END
}
late_results() {
	cat <<'END'
{"window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:00:10Z","count":1}
{"window_start":"1970-01-01T00:00:10Z","window_end":"1970-01-01T00:00:20Z","count":1}
{"window_start":"1970-01-01T00:03:20Z","window_end":"1970-01-01T00:03:30Z","count":1}
END
}

@test "a result beyond all numbers ends it: the rows before it are out, and of its own nothing" {
	printf '{"t":1,"u":"%s","x":%s}\n' aaaaaaaa 1 bbbbbbbb 1e308 bbbbbbbb 1e308 cccccccc 5 >in
	expect 65 dd-window $S --tumbling 10s -k u -a 'count,sum(x)' <in
	same out <<'END'
{"u":"aaaaaaaa","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:00:10Z","count":1,"sum_x":1}
END
	has err "'sum_x' of the result {\"u\":\"bbbbbbbb\"," 'number out of range' 'made 1'
}

@test "late records: without any way to keep them the stage stops with 65 and says the ways" {
	expect 65 dd-window $S --tumbling 10s -a count < <(late_stream)
	has err 'line 4' late --bound --dlq --late
	# 9 is 2 s behind the watermark, its window was complete for 1 s
	grep -qE '\b(1|2)s\b' err
	head -n 1 <(late_results) | same out
	adds_up err
}

@test "late records: with a store they are dead letters with that reason" {
	expect 0 dd-window $S --tumbling 10s -a count --dlq store < <(late_stream)
	late_results | same out
	jq -r '"\(.reason) \(.source.line)"' store/* >letters
	printf 'late %d\n' 4 6 | same letters
	has err 'in 5 ' 'absorbed 3' 'late 2'
	adds_up err
}

@test "late records: --late FILE gets their own bytes, also with a store" {
	expect 0 dd-window $S --tumbling 10s -a count --late late --dlq store < <(late_stream)
	late_results | same out
	late_stream | sed -n '4p;6p' | same late
	[ -z "$(find store -type f -size +0 2>/dev/null)" ]
	has err 'late 2'
	# appended to, not replaced
	expect 0 dd-window $S --tumbling 10s -a count --late late < <(late_stream)
	equal 4 "$(wc -l <late)"
}

@test "late records: only --late drop drops them, counted" {
	expect 0 dd-window $S --tumbling 10s -a count --late drop --dlq store < <(late_stream)
	late_results | same out
	has err 'late 2'
	adds_up err
	[ -z "$(find store -type f -size +0 2>/dev/null)" ]
	[ ! -e drop ]
}

@test "a record behind the watermark whose window is still open is not late" {
	cat >in <<'END'
{"t":5}
{"$dd":{"watermark":"1970-01-01T00:00:09.999999999Z"}}
{"t":0}
{"$dd":{"watermark":"1970-01-01T00:00:10Z"}}
{"t":9.999999999}
END
	expect 0 dd-window $S --tumbling 10s -a count --late late <in
	echo '{"window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:00:10Z","count":2}' | same out
	echo '{"t":9.999999999}' | same late
}

@test "without a watermark nothing is late" {
	seq 1000 -1 1 | sed 's/.*/{"t":&}/' >in
	expect 0 dd-window $S --tumbling 1s -a count <in
	equal 1000 "$(wc -l <out)"
	jq -r .window_start out | sort -c
	has err 'absorbed 1000'
}

@test "the --late file cannot be opened: 73, before anything is read" {
	expect 73 dd-window $S --tumbling 10s -a count --late no/such/dir/file < <(late_stream)
	has err "'no/such/dir/file'"
	[ ! -s out ]
}

@test "the --late file is full: 74, not silence" {
	expect 74 dd-window $S --tumbling 10s -a count --late /dev/full < <(late_stream)
}

@test "the memory bound is exit 75 with the reason; no window is flushed for it" {
	seq 1 200000 | awk '{ printf "{\"t\":1,\"k\":\"key-%d\"}\n", $1 }' >in
	expect 75 dd-window $S --tumbling 10s -k k -a 'count, sum(v)' --memory 1MiB <in
	has err --memory
	[ ! -s out ]
}

@test "random streams: results, order and late records are what the model says" {
	seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
	echo "SEED=$seed"
	"$DATA/window-model" "$seed" .
}

@test "batch and stream agree where nothing is late, and dedupe and watermark before it change nothing" {
	seq 1 20000 | awk 'BEGIN { srand(3) } { printf "{\"id\":%d,\"t\":%d,\"k\":\"%s\",\"v\":%d.%02d}\n", $1, $1 / 10 + int(rand() * 60), substr("abc", $1 % 3 + 1, 1), $1 % 97, $1 % 100 }' >in
	awk '{ print } NR % 3 == 0 { print }' in >twice
	expect 0 dd-window $S --tumbling 1m -k k -a 'count, sum(v), avg(v), min(v), max(v)' <in
	cp out batch
	dd-dedupe -k id <twice 2>err1 | dd-watermark $S --bound 60s 2>err2 | dd-window $S --tumbling 1m -k k -a 'count, sum(v), avg(v), min(v), max(v)' 2>err3 >stream
	cmp batch stream
	for n in 1 2 3; do adds_up err$n; done
	has err1 'in 26666 ' 'duplicate 6666'
	# figures of their own
	awk -F'[:,"]+' '{ w = int($5 / 60); n[w " " $7]++; s[w " " $7] += $9 * 100 } END { for (i in n) printf "%s %d %.0f\n", i, n[i], s[i] }' in | sort >want
	jq -r '"\(.window_start | fromdate / 60 | floor) \(.k) \(.count) \(.sum_v * 100 | round)"' batch | sort | cmp want -
}
