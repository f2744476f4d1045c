#!/usr/bin/env bats
# dd-window: results that are corrected, said early, filled, bounded; sketches; watermarks sent on.
# shellcheck disable=SC2016,SC2086 # $dd is no variable; options are word lists
load helper

S="-t t --time-format s -k k"

# A table as a consumer keeps it: rows by key and window, replaced by newer ones, deleted on retract.
table() { # FILE
	without_control "$1" | jq -cs '
		reduce .[] as $r ({};
			($r | [.k, .window_start, .window_end] | tostring) as $id
			| if $r.retract then del(.[$id]) else .[$id] = ($r | del(.revision)) end)
		| to_entries | sort_by(.key)[] | .value'
}

# Two keys, three windows of 10 s; two records come late for the first, one of them too late.
corrected_stream() {
	printf '%s\n' '{"t":1,"k":"a","v":1}' '{"t":2,"k":"b","v":50}' '{"t":12,"k":"a","v":2}'
	plain_mark 1970-01-01T00:00:13Z
	printf '%s\n' '{"t":5,"k":"a","v":100}' '{"t":25,"k":"b","v":3}'
	plain_mark 1970-01-01T00:00:26Z
	printf '%s\n' '{"t":3,"k":"b","v":7}' '{"t":15,"k":"b","v":9}'
}

@test "each mode ends in the table of the batch, less what was too late" {
	corrected_stream >in
	without_control in | grep -v '"t":3' >in_time
	for options in "--tumbling 10s" "--hopping 10s/5s" "--tumbling 10s --having n>1" \
		"--tumbling 10s --top 1:s" "--session 4s"; do
		expect 0 dd-window $S $options -a 'n=count, s=sum(v)' <in_time
		table out >want
		for mode in updates retractions; do
			expect 0 dd-window $S $options -a 'n=count, s=sum(v)' --lateness 10s \
				--late drop --emit $mode <in
			has err 'late 1'
			table out >got
			diff want got
		done
	done
}

@test "a correction takes back the row that it replaces, word for word" {
	corrected_stream >in
	expect 0 dd-window $S --tumbling 10s -a 's=sum(v)' --lateness 10s --late drop --emit retractions <in
	grep 'retract' out >taken_back
	echo '{"k":"a","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:00:10Z","s":1,"revision":0,"retract":true}' |
		same taken_back
	has out '"s":101,"revision":1}'
	expect 0 dd-window $S --tumbling 10s -a 's=sum(v)' --lateness 10s --late drop --emit updates <in
	lacks out retract
	has out '"s":1,"revision":0}' '"s":101,"revision":1}'
}

@test "the final result waits for what is late" {
	corrected_stream >in
	expect 0 dd-window $S --tumbling 10s -a 's=sum(v)' --lateness 10s --late drop <in
	same out <<'END'
{"k":"a","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:00:10Z","s":101}
{"k":"b","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:00:10Z","s":50}
{"k":"a","window_start":"1970-01-01T00:00:10Z","window_end":"1970-01-01T00:00:20Z","s":2}
{"k":"b","window_start":"1970-01-01T00:00:10Z","window_end":"1970-01-01T00:00:20Z","s":9}
{"k":"b","window_start":"1970-01-01T00:00:20Z","window_end":"1970-01-01T00:00:30Z","s":3}
END
}

@test "a late record stops the stage, is a letter, goes to a file, or is dropped" {
	corrected_stream >in
	expect 65 dd-window $S --tumbling 10s -a count <in
	has err 'late: 8s behind the watermark 1970-01-01T00:00:13Z' --bound --lateness --dlq --late
	expect 0 dd-window $S --tumbling 10s -a count --dlq store <in
	dd-dlq show store --raw 2>/dev/null | same <(printf '%s\n' '{"t":5,"k":"a","v":100}' '{"t":3,"k":"b","v":7}' '{"t":15,"k":"b","v":9}')
	expect 0 dd-window $S --tumbling 10s -a count --late side <in
	same side <<'END'
{"t":5,"k":"a","v":100}
{"t":3,"k":"b","v":7}
{"t":15,"k":"b","v":9}
END
	expect 0 dd-window $S --tumbling 10s -a count --late drop <in
	has err 'late 3'
	adds_up err
}

@test "--early says what there is while the window is open, and only when it has changed" {
	mkfifo pipe
	dd-window $S --tumbling 1h -a 's=sum(v)' --emit updates --early 20ms <pipe >out 2>err &
	exec 9>pipe
	echo '{"t":1,"k":"a","v":1}' >&9
	wait_for grep -q '"s":1,"revision":0' out
	echo '{"t":2,"k":"a","v":2}' >&9
	wait_for grep -q '"s":3,"revision":1' out
	echo '{"t":2,"k":"b","v":9}' >&9
	wait_for grep -q '"k":"b".*"s":9,"revision":0' out
	exec 9>&-
	wait $!
	same out <<'END'
{"k":"a","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T01:00:00Z","s":1,"revision":0}
{"k":"a","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T01:00:00Z","s":3,"revision":1}
{"k":"b","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T01:00:00Z","s":9,"revision":0}
END
}

@test "--memory and --max-keys are reached with a message that says what takes it" {
	seq 200000 | awk '{printf "{\"t\":1,\"k\":\"key%d\",\"u\":\"user%d\"}\n", $1, $1}' >in
	expect 75 dd-window $S --tumbling 10s -a count --memory 1M <in
	has err '--memory is used up' 'key(s) in 1 open window(s)'
	expect 75 dd-window -t t --time-format s --tumbling 10s -a 'users=collect(u, 1000000)' --memory 1M <in
	has err '--memory is used up' "is what 'users' keeps for 1 key(s)"
	expect 75 dd-window $S --session 10s -a count --memory 1M <in
	has err '--memory is used up'
	expect 75 dd-window $S --count 10 -a count --memory 1M <in
	has err '--memory is used up'
	expect 75 dd-window $S --tumbling 10s -a count --max-keys 1000 <in
	has err '--max-keys is used up: 1001 keys in 1 open window(s)'
}

@test "--memory counts the rows that may have to be taken back" {
	local each
	each=$(printf 'a%0100d=count,' 1 2 3 4 5 6 7 8)
	{
		seq 1000 | awk '{printf "{\"t\":1,\"k\":\"key%d\"}\n", $1}'
		echo '{"$dd":{"watermark":"1970-01-01T00:00:11Z"}}'
		echo '{"t":100,"k":"z"}'
	} >in
	expect 75 dd-window $S --tumbling 10s -a "${each%,}" --lateness 1h --emit retractions --memory 512K <in
	has err '--memory is used up'
	dd-window -q $S --tumbling 10s -a "${each%,}" --lateness 1h --memory 512K <in >out
}

@test "--memory counts sessions beside the latest of a key, as long as they are there" {
	seq 100 100 10000000 | awk '{printf "{\"t\":%d,\"k\":\"a\"}\n", $1}' >in
	expect 75 dd-window $S --session 10s -a count --memory 1M <in
	has err '--memory is used up'
	dd-watermark -q -t t --time-format s --bound 0s <in |
		dd-window -q $S --session 10s -a count --memory 64K >out
	[ "$(wc -l <out)" = 100000 ]
	# a record between two of them joins them
	seq 14 14 1400000 | awk '{printf "{\"t\":%d,\"k\":\"a\"}\n{\"t\":%d,\"k\":\"a\"}\n", $1, $1 - 7}' >in
	dd-window -q $S --session 10s -a count --memory 64K <in >out
	same out <<'END'
{"k":"a","window_start":"1970-01-01T00:00:07Z","window_end":"1970-01-17T04:53:30Z","count":200000}
END
}

@test "--fill gives empty windows of keys that were seen, for so long" {
	printf '%s\n' '{"t":1,"k":"a"}' '{"t":45,"k":"a"}' '{"t":12,"k":"b"}' '{"t":95,"k":"c"}' >in
	expect 0 dd-window $S --tumbling 10s -a count --fill --fill-for 20s <in
	jq -r '[.k, .window_start[14:19], .count] | join(" ")' out | same <(
		printf '%s\n' 'a 00:00 1' 'a 00:10 0' 'b 00:10 1' 'a 00:20 0' 'b 00:20 0' \
			'b 00:30 0' 'a 00:40 1' 'a 00:50 0' 'a 01:00 0' 'c 01:30 1'
	)
}

@test "--fill holds one window at a time, however long the gap" {
	printf '%s\n' '{"t":1,"k":"a"}' '{"t":400000,"k":"a"}' >in
	expect 0 dd-window $S --tumbling 1s -a count --fill --memory 64k <in
	equal 400000 "$(wc -l <out)"
}

@test "sketches of hours roll up to days" {
	for i in $(seq 300); do
		echo "{\"t\":$((i * 600)),\"k\":\"a\",\"u\":\"user$((i * i % 97))\",\"ms\":$((i * 37 % 1000))}"
	done >in
	expect 0 dd-window $S --tumbling 1h -a 'users=distinct(u), p90=quantile(ms, 0.9)' --emit-sketch <in
	mv out hours
	expect 0 dd-window -t window_start -k k --tumbling 1d -a 'users=merge(users), p90=merge(p90, 0.9)' <hours
	mv out rolled
	expect 0 dd-window $S --tumbling 1d -a 'users=distinct(u), p90=quantile(ms, 0.9)' <in
	same rolled <out
	equal "$(jq -r .u in | sort -u | wc -l)" \
		"$(dd-window -q -k k --all -a 'users=merge(users)' <hours | jq .users)"
	echo '{"t":1,"k":"a","users":"distinct.1.AAAA"}' >bad
	expect 65 dd-window $S --tumbling 1d -a 'merge(users)' <bad
	has err not_a_sketch "'users'"
}

@test "--watermarks: windows upon windows are never late" {
	seq 2000 | awk 'BEGIN {srand(7)} {printf "{\"t\":%d,\"k\":\"k%d\",\"v\":%d}\n", $1 - int(rand() * 30), $1 % 7, $1 % 11}' >in
	for kind in "--tumbling 10s" "--hopping 20s/5s"; do
		dd-watermark -q -t t --time-format s --bound 30s --step 0 --max-jump off <in |
			dd-window -q $S $kind -a 's=sum(v)' --watermarks |
			dd-window -q -t window_start --tumbling 1m -a 's=sum(s), n=count' >out
		dd-window -q $S $kind -a 's=sum(v)' <in | dd-window -q -t window_start --tumbling 1m -a 's=sum(s), n=count' >want
		same want <out
		[ "$(wc -l <out)" -gt 30 ]
	done
}

@test "an exact sum that leaves 128 bits says so, once" {
	printf '{"v":%s}\n' 170141183460469231731687303715884105727 1 1 >in
	expect 0 dd-window --all -a 's=sum(v)' <in
	equal 1 "$(grep -c "'s' has left the exact numbers" err)"
	same out <<<'{"s":1.7014118346046923e+38}'
}

@test "options that do not go together are refused with what is wrong" {
	while IFS='|' read -r options why; do
		eval "expect 64 dd-window $options </dev/null"
		has err "$why"
	done <<'END'
-a count|a kind of window must be given
--tumbling 1s --session 1s -t t -a count|more than one kind
--tumbling 1s -a count|--time FIELD must be given
--calendar day -t t -a count|--calendar wants --tz
--tumbling 1s -t t|--agg LIST must be given
--tumbling 1s -t t -a 'count, sum'|at column 11
--tumbling 1s -t t -a 'quantile(ms)'|quantile(ms, 0.99)
--tumbling 1s -t t -a 'quantile(ms, 2)'|not a number from 0 to 1
--tumbling 1s -t t -a 'sum(a +)'|column
--tumbling 1s -t t -a 'n=count, n=sum(x)'|two fields of the result are called 'n'
--tumbling 1s -t t -a count --having 'count >'|--having 'count >'
--tumbling 1s -t t -a count --let 'x=1 +'|--let 'x=1 +'
--tumbling 1s -t t -a count --top 3|not N:FIELD
--tumbling 1s -t t -a count --top 3:nope|--top: no result has a field 'nope'
--tumbling 1s -t t -a count --having 'nope > 1'|--having: no result has a field 'nope'
--tumbling 1s -t t -a count --let 'x=y' --let 'y=count'|--let: no result has a field 'y'
--tumbling 1s -t t -a count --emit all|not final, updates or retractions
--tumbling 1s -t t -a count --early 1s|--early wants --emit
--count 3 -a count --lateness 1s|for windows that end with time
--hopping 10s -t t -a count|not SIZE/SLIDE
--tumbling 10s --offset 10s -t t -a count|--offset must be shorter
--tumbling 10s -t t -a count --fill-for 1h|--fill-for wants --fill
END
	expect 78 dd-window --calendar day --tz Mars/Olympus -t t -a count </dev/null
	has err "unknown time zone"
}
