#!/usr/bin/env bats
# dd-watermark: partitions, silence, what it explains, and what it learns.
# shellcheck disable=SC2016,SC2086 # $dd is no variable; options are word lists
load helper

# The watermarks in a stream, one a line.
marks() { # [FILE…]
	jq -r '."$dd".watermark // empty' "$@"
}

# Records with a partition and a second each: "a1 b5" is a at 1 s and b at 5 s.
records() { # WORD…
	local word
	for word; do
		printf '{"p":"%s","t":%s}\n' "${word%%[0-9]*}" "${word#"${word%%[0-9]*}"}"
	done
}

SECONDS_OF="-t t --time-format s --max-jump off --partition p"

# Starts dd-watermark in the background between ./in, whose end to write is $feed, and ./out.
begin() { # OPTION…
	rm -f in
	mkfifo in
	dd-watermark "$@" <in >out 2>err &
	tool=$!
	exec {feed}>in
}

finish() {
	exec {feed}>&-
	wait $tool
}

said() { # TIME
	marks out | grep -qx "$1"
}

has_lines() { # COUNT
	[ "$(wc -l <out)" -ge "$1" ]
}

# Asks for the figures, for wait_for; once a line has come out, as before it a signal would kill.
explains() { # TEXT
	has_lines 1 && kill -USR1 $tool && grep -qF -- "$1" err
}

@test "--partition: the slowest one holds time, a new one never moves it back" {
	records a1 a10 b4 b8 a20 b9 c30 b30 a40 >in
	expect 0 dd-watermark $SECONDS_OF --bound 0s --step 0 <in
	{
		records a1
		plain_mark 1970-01-01T00:00:01Z
		records a10
		plain_mark 1970-01-01T00:00:10Z
		records b4 b8 a20 b9 c30 b30
		plain_mark 1970-01-01T00:00:20Z
		records a40
		plain_mark 1970-01-01T00:00:30Z
	} | same out
}

@test "--partition: several fields; a missing one is null; a string is not a number" {
	cat >in <<'END'
{"x":1,"t":10}
{"x":"1","t":20}
{"t":30}
{"x":null,"y":2,"t":40}
{"x":1,"y":null,"t":50}
{"x":"\u0031","t":60}
{"y":2,"t":70}
{"y":null,"t":80}
END
	expect 0 dd-watermark -t t --time-format s --max-jump off --partition x,y --bound 0s --explain --max-partitions 4 <in
	marks out >got
	printf '1970-01-01T00:00:%s0Z\n' 1 2 3 5 | same got
	has err '; partition 1,null holds it back: its last time is 1970-01-01T00:00:50Z, 10s behind the next one, "1",null;' \
		'; partitions 4, idle 0;'
	expect 75 dd-watermark -t t --time-format s --max-jump off --partition x,y --bound 0s --max-partitions 3 <in
	has err 'stdin: line 4: more than 3 partitions, the limit of --max-partitions'
	equal 3 "$(without_control out | wc -l)"
}

@test "--partition: a broken clock is confirmed by its own partition only, first or in the middle" {
	for n in 0 1 2 3 4 5 6; do
		for i in 1 2 3 4 5 6; do
			[ $i != $n ] || echo '{"p":"b","t":"2099-01-01T00:00:00Z"}'
			echo '{"p":"a","t":"2026-05-01T12:00:0'$i'Z"}'
			echo '{"p":"b","t":"2026-05-01T12:00:0'$i'Z"}'
		done >in
		expect 0 dd-watermark -t t --partition p --bound 0s --explain <in
		marks out >got
		[ -s got ]
		# nothing is late: no record is behind the watermark before it
		jq -e -n '
			reduce inputs as $r ({mark: "", late: 0};
				if $r."$dd" then .mark = $r."$dd".watermark
				elif $r.t < .mark then .late += 1 else . end) | .late == 0' out
		equal 2026-05-01T12:00:06Z "$(tail -n 1 got)"
	done
}

@test "--where: other records pass untouched, and hold nothing back" {
	{
		records a1 a10
		echo '{"p":"b","t":"broken"}'
		records b1 a20
	} >in
	expect 0 dd-watermark $SECONDS_OF --bound 0s --where 'p == "a"' <in
	without_control out | cmp in -
	marks out >got
	printf '1970-01-01T00:00:%sZ\n' 01 10 20 | same got
	adds_up err
}

@test "random streams with partitions, and what --learn says of them: what the model says" {
	seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
	echo "SEED=$seed"
	"$DATA/partitions-model" "$seed"
}

@test "the partitions' result does not depend on how the input is cut into reads" {
	seq 1 3000 | awk '{ printf "{\"p\":%d,\"t\":%d}\n", $1 * $1 % 7, ($1 * 7919) % 1000 + $1 }' >in
	expect 0 dd-watermark $SECONDS_OF --bound 100s --quiet <in
	cp out whole
	python3 -c '
import sys, random
random.seed(7)
data = open("in", "rb").read()
while data:
    n = random.choice([1, 2, 5, 100, 3000])
    sys.stdout.buffer.write(data[:n]); sys.stdout.flush(); data = data[n:]' |
		expect 0 dd-watermark $SECONDS_OF --bound 100s --quiet
	cmp whole out
}

@test "--idle: a silent partition holds nothing back, though no record comes; back again it moves nothing" {
	begin $SECONDS_OF --bound 0s --idle 50ms
	records b1 a1 a100 b5 a200 >&$feed
	# a spoke last: b is silent first
	wait_for said 1970-01-01T00:03:20Z
	records b6 a210 b7 >&$feed
	wait_for explains 'partitions 2, idle 2;'
	records b300 >&$feed
	wait_for said 1970-01-01T00:05:00Z
	finish
	marks out | sort -c
	marks out >got
	# 210: when b is silent again; but b may be silent before a
	sed -i '/00:03:30Z/d' got
	printf '1970-01-01T00:0%sZ\n' 0:01 0:05 3:20 5:00 | same got
	adds_up err
	without_control out | same <(records b1 a1 a100 b5 a200 b6 a210 b7 b300) -
}

@test "--idle: also in a stream that is always busy" {
	(
		records b1
		awk 'BEGIN { for (n = 2;; n++) printf "{\"p\":\"a\",\"t\":%d}\n", n }'
	) 2>/dev/null | dd-watermark $SECONDS_OF --bound 0s --idle 50ms 2>err | grep -m 2 '^{"$dd"' >got || [ $? = 141 ]
	equal 2 "$(wc -l <got)"
}

@test "--idle: that the reader is slow is no silence" {
	seq 1 20000 | awk '{ printf "{\"p\":\"a\",\"t\":%d,\"pad\":\"%70s\"}\n", $1, "x" }' >many
	{
		records b1 a1
		cat many many many
		records b5
	} >stream
	expect 0 dd-watermark $SECONDS_OF --bound 0s <stream
	cp out want
	mkfifo out.pipe clock.in
	dd-watermark $SECONDS_OF --bound 0s --idle 500ms <stream >out.pipe 2>err &
	tool=$!
	exec {slow}<out.pipe
	# another one's ticks tell that much more than --idle has passed
	dd-watermark -t t --time-format s --max-jump off --bound 0s --step 100ms --idle 1ms --idle-advance \
		<clock.in >ticks 2>/dev/null &
	exec {clock}>clock.in
	echo '{"t":0}' >&$clock
	wait_for grep -q '00:00:01.[2-9]' ticks
	cat <&$slow >got
	exec {clock}>&-
	wait $tool
	cmp want got
}

@test "--idle: when all are silent time stands" {
	begin $SECONDS_OF --bound 10s --idle 20ms
	records a100 b50 a101 >&$feed
	wait_for explains 'partitions 2, idle 2;'
	has err 'time stands at 1970-01-01T00:01:31Z since' '; all is silent; partitions 2, idle 2;'
	finish
	marks out >got
	printf '1970-01-01T00:01:%sZ\n' 30 31 | same got
}

@test "--idle-advance: time follows the clock from where it stood, in steps, and stands when a record comes" {
	begin -t t --time-format s --max-jump off --bound 10s --step 200ms --idle 50ms --idle-advance
	echo '{"t":100}' >&$feed
	wait_for said 1970-01-01T00:01:31.200Z
	# a record of long ago is passed, moves nothing, and begins a new silence
	echo '{"t":3}' >&$feed
	wait_for grep -q '^{"t":3}' out
	wait_for has_lines $(($(sed '/^{"t":3}/q' out | wc -l) + 3))
	finish
	marks out >got
	head -n 1 got | same <(echo 1970-01-01T00:01:30Z) -
	# all of them are whole steps from where it stood
	python3 - <<'END'
import datetime
times = [datetime.datetime.fromisoformat(line.strip()[:-1]) for line in open("got")]
steps = [(t - times[0]) / datetime.timedelta(milliseconds=200) for t in times]
assert all(s == int(s) for s in steps) and steps == sorted(set(steps)) and len(steps) > 5, steps
END
}

@test "--idle-advance: a window comes out by the clock" {
	mkfifo in
	dd-watermark -t t --time-format s --max-jump off --bound 0s --idle 20ms --idle-advance <in 2>err |
		dd-window -t t --time-format s --tumbling 1s -a count >out 2>err2 &
	exec {feed}>in
	records a7 >&$feed
	wait_for grep -q '"window_end":"1970-01-01T00:00:08Z","count":1' out
	exec {feed}>&-
	wait
}

@test "--idle-advance: without a time that is believed there is nothing to go on from" {
	begin -t t --time-format s --bound 0s --idle 1ms --idle-advance
	echo '{"t":100}' >&$feed
	wait_for grep -q . out
	wait_for explains 'there is no time yet'
	echo '{"t":100}' >&$feed
	wait_for said 1970-01-01T00:01:41Z
	finish
	sed -n 2p out | same <(echo '{"t":100}') -
}

@test "--idle: in a supervised stream its watermarks carry the run, and none follows the last barrier" {
	begin -t t --time-format s --max-jump off --bound 0s --idle 1ms --idle-advance
	open_line >&$feed
	echo '{"t":7}' >&$feed
	wait_for grep -q '00:00:09Z' out
	last_barrier 42 >&$feed
	wait_for grep -q '"last":"end"' out
	kill -USR1 $tool
	wait_for grep -q 'time stands' err
	finish
	tail -n 1 out | grep -q '"last":"end"'
	equal 0 "$(grep -c '"watermark"' out | awk '{ print ($1 < 3) }')"
	equal '' "$(grep '"watermark"' out | grep -v '"run":"'$RUN'"' || true)"
}

@test "--idle: a partition that is idle makes room for a new one" {
	begin $SECONDS_OF --bound 0s --idle 20ms --max-partitions 2
	records a1 b1 >&$feed
	wait_for explains 'partitions 2, idle 2;'
	records c50 >&$feed
	wait_for grep -q '"c"' out
	wait_for explains 'partitions 2, idle 2;'
	finish
	adds_up err
}

@test "USR1 and --explain: who holds time back, since when, and by how much" {
	begin $SECONDS_OF --bound 10s
	records eu-3 eu-4 >/dev/null
	printf '{"p":"%s","t":%s}\n' eu-1 400 eu-3 100 eu-2 352 eu-1 500 >&$feed
	wait_for explains 'time stands at 1970-01-01T00:06:30Z since '
	finish
	grep -qE '^dd-watermark: time stands at 1970-01-01T00:06:30Z since [0-9.]+m?s; partition "eu-3" holds it back: its last time is 1970-01-01T00:01:40Z, 4m12s behind the next one, "eu-2"; last seen [0-9.]+m?s ago; partitions 3, idle 0; times not believed at once 0, confirmed later 0$' err
	# the end says it only when asked to
	n=$(grep -c 'time stands' err)
	printf '{"p":"a","t":400}\n' | expect 0 dd-watermark $SECONDS_OF --bound 10s
	lacks err 'time stands'
	printf '{"p":"a","t":400}\n' | expect 0 dd-watermark $SECONDS_OF --bound 10s --explain --quiet
	equal 1 "$(wc -l <err)"
	grep -qE '^dd-watermark: time stands at .*:30Z since .*; partition "a" holds it back: its last time is 1970-01-01T00:06:40Z; last seen' err
	printf '{"t":400}\n' | expect 0 dd-watermark -t t --time-format s --bound 10s --explain
	has err 'there is no time yet: no record'"'"'s time is confirmed by a later one' 'not believed at once 1, confirmed later 0'
	expect 0 dd-watermark -t t --bound 10s --explain </dev/null
	has err 'there is no time yet'
	[ "$n" -ge 1 ]
}

@test "usage errors are 64, and say what to do" {
	while IFS='|' read -r options text; do
		expect 64 dd-watermark -t t $options <<<'{"t":1}'
		has err "$text"
		[ ! -s out ]
	done <<'END'
|--learn finds it in a sample
--bound 1s --learn|leave out --bound
--learn --idle 1s --partition p|leave out --bound
--bound 1s --idle 1s|--idle wants --partition FIELD or --idle-advance
--bound 1s --idle-advance|--idle-advance wants --idle D
--bound 1s --idle 0s --idle-advance|must be at least 1ms
--bound 1s --partition p --idle x|--idle
--bound 1s --max-partitions 0|must be at least 1
--bound 1s --partition a,,b|--partition
END
}

@test "--learn: what awk counts, and the bound that it says is the least that keeps all" {
	seq 1 20000 | awk 'BEGIN { srand(5) } { printf "%d\n", 1777636800000 + $1 * 10 - int(rand() ** 9 * 60000) }' >sent
	awk '{ printf "{\"t\":%d}\n", $1 }' sent >in
	expect 0 dd-watermark -t t --time-format ms --max-jump off --learn <in
	has err 'in 20000 = absorbed 20000; out 0'
	adds_up err
	awk 'NR > 1 && $1 < max { print max - $1; next } { max = $1; print 0 }' sent | sort -n >behind
	equal "--bound $(tail -n 1 behind | awk '{ print $1 / 1000 }')s" "$(tail -n 1 out)"
	bound=$(tail -n 1 behind)
	for late in 200 20 2; do
		want=$(sed -n "$((20000 - late))p" behind)
		grep -qE "^[0-9.]+ % +$(awk -v b=$want 'BEGIN { print b >= 1000 ? b / 1000 "s" : b "ms" }') +$(awk -v b=$want '$1 > b' behind | wc -l)\$" out
	done
	grep -qE "^not +$(grep -cx 0 behind) " out
	# replayed: nothing is behind the watermark with it, one record is with a millisecond less
	for less in 0 1; do
		dd-watermark -t t --time-format ms --max-jump off --step 0 --bound $((bound - less))ms --quiet <in |
			jq -n 'reduce inputs as $r ({mark: 0, late: 0};
				if $r."$dd" then .mark = ($r."$dd".watermark | sub("\\.[0-9]+"; "") | fromdate) * 1000
					+ ($r."$dd".watermark | if test("\\.") then capture("\\.(?<f>[0-9]{3})").f | tonumber else 0 end)
				elif $r.t < .mark then .late += 1 else . end) | .late' >late
		[ $less = 0 ] && equal 0 "$(cat late)"
		[ $less = 1 ] && equal "$(grep -cx $bound behind)" "$(cat late)"
	done
}

@test "--learn: broken clocks are counted and do not count as late" {
	cat >in <<'END'
{"t":"2099-01-01T00:00:00Z"}
{"t":"2026-05-01T12:00:00Z"}
{"t":"2026-05-01T12:00:10Z"}
{"t":"2098-01-01T00:00:00Z"}
{"t":"2026-05-01T12:00:03Z"}
{"t":"2026-05-01T18:00:00Z"}
{"t":"2026-05-01T18:00:00Z"}
END
	expect 0 dd-watermark -t t --learn --quiet <in
	same out <<'END'
records 7
times not believed at once 4: confirmed later 2, never 2

behind             records      share
not                      6   85.714 %
up to 10s                1   14.286 %

to keep            --bound   too late
99 %                    7s          0
99.9 %                  7s          0
99.99 %                 7s          0
100 %                   7s          0

--bound 7s
END
}

@test "--learn: in a supervised stream nothing goes on but the table; without records it is 65" {
	{
		open_line
		echo '{"t":"2026-05-01T12:00:00Z"}'
		mark 2026-05-01T11:00:00Z
		echo '{"t":"2026-05-01T12:00:00Z"}'
		barrier 42
		echo '{"t":"2026-05-01T11:59:59.5Z"}'
		last_barrier 43
	} >in
	expect 0 dd-watermark -t t --learn <in
	lacks out '$dd'
	equal '--bound 500ms' "$(tail -n 1 out)"
	# an unannounced end: no table
	head -n 6 in | expect 75 dd-watermark -t t --learn
	[ ! -s out ]
	expect 65 dd-watermark -t t --learn </dev/null
	has err 'there is no record to learn from'
	equal '--bound 0s' "$(dd-watermark -t t --learn --quiet <<<'{"t":1777636800}' 2>/dev/null | tail -n 1)"
}

@test "--learn: records that --where does not choose, and bad ones, are left out" {
	{
		records a1 a10
		echo '{"p":"b","t":"broken"}'
		echo '{"p":"a","t":"broken"}'
		records b1 a5
	} >in
	expect 0 dd-watermark -t t --time-format s --max-jump off --learn --where 'p == "a"' --dlq store <in
	has out 'records 3'
	equal '--bound 5s' "$(tail -n 1 out)"
	adds_up err
	has err 'filtered 2' 'bad_time 1'
}

DATA_FOLDER=${DDPIPE_DATA-}

needs() { # FILE
	[ -n "$DATA_FOLDER" ] || skip "DDPIPE_DATA does not name the folder with the data"
	[ -f "$DATA_FOLDER/$1" ] || skip "no $1 in DDPIPE_DATA"
}

# The rows "keep bound late" from a list of how many seconds each record is behind.
by_counting() { # FILE
	sort -n "$1" | awk '
		{ behind[NR] = $1 }
		END {
			split("100 1000 10000 0", of, " ")
			split("99 99.9 99.99 100", keep, " ")
			for (i = 1; i <= 4; i++) {
				bound = behind[NR - (of[i] ? int(NR / of[i]) : 0)]
				late = 0
				for (n = NR; n && behind[n] > bound; n--) late++
				print keep[i], bound, late
			}
		}'
}

# The same rows out of the table, with bounds in seconds.
by_learning() {
	tail -n 6 out | head -n 4 | awk '
		{
			seconds = 0
			text = $3
			while (match(text, /^[0-9.]+[hms]/)) {
				part = substr(text, 1, RLENGTH)
				unit = substr(part, RLENGTH)
				seconds += part * (unit == "h" ? 3600 : unit == "m" ? 60 : 1)
				text = substr(text, RLENGTH + 1)
			}
			print $1, seconds, $4
		}'
}

@test "--learn: apache, as sqlite3 counts it" {
	needs apache-access.ndjson
	file=$DATA_FOLDER/apache-access.ndjson
	expect 0 dd-watermark -t ts --time-format ms --learn <"$file"
	sqlite3 :memory: >behind <<END
create table raw(line text);
.mode ascii
.separator "\037" "\n"
.import '$file' raw
.mode list
with request as (select rowid id, json_extract(line, '\$.ts') / 1000 t from raw)
select max(0, ifnull(max(t) over (order by id rows between unbounded preceding and 1 preceding), t) - t) from request;
END
	by_learning >got
	by_counting behind | same got
	equal '--bound 59s' "$(tail -n 1 out)"
	grep -qE "^not +$(grep -cx 0 behind) " out
	echo "figures: apache: $(paste -sd';' got)" >&3
}

@test "--learn: blocks, as sqlite3 counts them" {
	needs blocks_timestamps.csv
	file=$DATA_FOLDER/blocks_timestamps.csv
	dd-source --plain "$file" 2>/dev/null >records
	sqlite3 :memory: >behind <<END
.mode csv
.import '$file' raw
.mode list
with block as (select rowid id, cast(trim(" Timestamp") as integer) t from raw)
select max(0, ifnull(max(t) over (order by id rows between unbounded preceding and 1 preceding), t) - t) from block;
END
	expect 0 dd-watermark -t ' Timestamp' --time-format s --max-jump off --learn <records
	by_learning >got
	by_counting behind | same got
	equal '--bound 9m5s' "$(tail -n 1 out)"
	echo "figures: blocks: $(paste -sd';' got)" >&3
}

@test "--learn: flights by origin, as sqlite3 counts them; GitHub's events, the newest first" {
	needs flights-20k.ndjson
	file=$DATA_FOLDER/flights-20k.ndjson
	expect 0 dd-watermark -t date --time-format '%Y/%m/%d %H:%M' --tz UTC --partition origin --learn <"$file"
	equal '--bound 0s' "$(tail -n 1 out)"
	has out "records 20000, partitions $(jq -r .origin "$file" | sort -u | wc -l)"
	needs github_events.ndjson
	file=$DATA_FOLDER/github_events.ndjson
	expect 0 dd-watermark -t created_at --learn <"$file"
	# nothing is before the first, which the second confirms
	jq -s -r '(.[0].created_at | fromdate) as $first | .[] | $first - (.created_at | fromdate)' "$file" >from-first
	sed '2s/.*/0/' from-first >behind
	by_learning >got
	by_counting behind | same got
	echo "figures: github: $(paste -sd';' got)" >&3
}
