#!/usr/bin/env bats
# dd-source goes on where the commit is, whatever killed it: what is delivered is what was written,
# once and in order.

# shellcheck disable=SC2016 # what is asked again is expanded then

load helper

records() { # FROM TO
	seq -f '{"n":%.0f}' "$1" "$2"
}

teardown() {
	cat err err.sink 2>/dev/null || true
}

lines_are() { # FILE COUNT
	[ "$(wc -l <"$1")" = "$2" ]
}

sink() {
	timeout 60 dd-deliver --quiet --checkpoint D file:out 2>err.sink
}

# Runs dd-source in a pipeline; it is to end so.
source_ends() { # STATUS ARGUMENT…
	local want=$1 status=0
	shift
	{ timeout 60 dd-source --quiet --checkpoint D "$@" 2>err || status=$?; equal "$want" $status >&3; } 3>verdict |
		sink || status=$?
	[ ! -s verdict ] || { cat verdict err err.sink; return 1; }
}

# A pipeline of which the source can be killed: its pid is in ./pid.
begin() { # ARGUMENT… ; stdin is the source's
	rm -f pid
	bash -c 'echo $$ >pid; exec dd-source --quiet --checkpoint D "$@"' begin "$@" <&0 2>err | sink &
	pipeline=$!
	wait_for test -s pid
}

kill_it() {
	# it may have come to its end before
	kill -KILL "$(cat pid)" 2>/dev/null || true
	wait "$pipeline" || true
}

@test "kill -9 while it reads: files, a pattern, compressed and CSV" {
	mkdir in
	records 1 20000 >in/a.ndjson
	records 20001 40000 | gzip >in/b.ndjson.gz
	records 40001 50000 | zstd -q >in/c.ndjson.zst
	{ echo n; seq 50001 60000; } >in/d.csv
	for n in 3000 15000 24000 41000 52000 59000; do
		begin --typed --every 5ms --rate 100000/s 'in/*'
		wait_for eval "[ \$(wc -l <out) -ge $n ]"
		kill_it
	done
	source_ends 0 --typed 'in/*'
	records 1 60000 | same out
}

# Writes 250 records to app.log, rotating it in between.
write_and_rotate() { # ROUND
	records "$from" $((from + 99)) >>app.log
	mv app.log "app.log.$1"
	records $((from + 100)) $((from + 149)) >>"app.log.$1"
	: >app.log
	records $((from + 150)) $((from + 249)) >>app.log
	from=$((from + 250))
}

@test "kill -9 among rotations" {
	: >app.log
	from=1
	for round in $(seq 10 29); do
		begin --follow --every 10ms app.log
		# the second rotation behind a name that was seen would hide a file from it
		wait_for eval '[ "$(head -n 1 out.commit | jq .epoch)" -gt '"$(head -n 1 out.commit 2>/dev/null | jq .epoch || echo 0)"' ]'
		write_and_rotate "$round"
		[ $((round % 2)) = 0 ] || wait_for eval "[ \$(wc -l <out) -ge $((from - 240)) ]"
		kill_it
	done
	source_ends 0 --once app.log
	records 1 $((from - 1)) | same out
}

@test "kill -9 among rotations, of a pattern that has the old names as well" {
	: >app.log
	from=1
	for round in $(seq 10 29); do
		begin --follow --every 10ms 'app.log*'
		write_and_rotate "$round.a"
		write_and_rotate "$round.b"
		[ $((round % 3)) = 0 ] || wait_for eval "[ \$(wc -l <out) -ge $((from - 240)) ]"
		kill_it
	done
	source_ends 0 --once 'app.log*'
	records 1 $((from - 1)) >want
	sort -t : -k 2 -n out | cmp want -
}

@test "a pipe goes through the log: kill -9 loses nothing that was taken out of it" {
	mkfifo in
	exec 5<>in
	records 1 1000 >&5
	begin --every 1h - <in
	wait_for eval '[ "$(cat D/stages/source/log.* | grep -c "^{.n.:")" = 1000 ]'
	kill_it
	records 1001 1500 >&5
	begin --every 10ms - <in
	wait_for eval '[ "$(wc -l <out)" = 1500 ]'
	kill_it
	records 1501 1600 >&5
	exec 6>in 5>&-
	exec 6>&-
	rm -f left
	# the pipe's rest went with its last reader
	source_ends 0 --once - </dev/null
	records 1 1500 | same out
}

@test "a pipe's unterminated end: a record where the end is the end, else not" {
	source_ends 0 - < <(printf '{"n":1}\n{"n":2}')
	records 1 2 | same out
	# another pipe is other input
	source_ends 0 - < <(printf '{"n":3}')
	records 1 3 | same out
	rm -r D out*
	timeout 60 dd-source --checkpoint D --once - < <(printf '{"n":1}\n{"n":2') 2>err | sink
	records 1 1 | same out
	has err "unterminated 1" "6 bytes at the end have no newline"
}

@test "a line that a run was killed in is told, and the next pipe's first is not glued to it" {
	mkfifo in
	exec 5<>in
	printf '{"n":1}\n{"n":' >&5
	begin --every 1h - <in
	wait_for eval 'grep -q "{.n.:$" <(cat D/stages/source/log.*)'
	kill_it
	exec 5>&-
	timeout 60 dd-source --checkpoint D - < <(records 2 3) 2>err | sink
	records 1 3 | same out
	has err "5 bytes at the end have no newline" "unterminated 1"
	# what is committed whole is swept away
	timeout 60 dd-source --quiet --checkpoint D - < <(records 4 4) | sink
	timeout 60 dd-source --quiet --checkpoint D - < <(records 5 5) | sink
	timeout 60 dd-source --quiet --checkpoint D - < <(records 6 6) | sink
	records 1 6 | same out
	[ "$(find D/stages/source -name 'log.*' | wc -l)" -le 3 ]
}

@test "a regular file on stdin is entered where it was left" {
	records 1 3 >a
	source_ends 0 --once - <a
	records 4 5 >>a
	source_ends 0 --once - <a
	records 1 5 | same out
	source_ends 0 - <a
	source_ends 0 - <a
	records 1 5 | same out
	[ -z "$(find D -name 'log.*')" ]
}

@test "--no-source-log refuses a pipe under a checkpoint" {
	source_ends 78 --no-source-log - < <(records 1 1)
	has err "--no-source-log"
	source_ends 0 --no-source-log - < <(records 1 1) --checkpoint ''
}

@test "--source-log: a file that is cut in place, and one that is deleted" {
	records 1 5 >app.log
	begin --follow --source-log --every 1h app.log
	wait_for eval '[ "$(cat D/stages/source/log.* | grep -c "^{.n.:")" = 5 ]'
	kill_it
	# not committed, and no longer in the file
	records 6 7 >app.log
	begin --follow --source-log --every 10ms app.log
	wait_for lines_are out 7
	records 8 9 >>app.log
	wait_for lines_are out 9
	: >app.log
	records 10 12 >app.log
	wait_for lines_are out 12
	mv app.log app.log.1
	records 13 14 >app.log
	wait_for lines_are out 14
	kill_it
	rm app.log.1
	records 15 15 >>app.log
	begin --follow --source-log --every 10ms app.log
	wait_for lines_are out 15
	kill -TERM "$(cat pid)"
	wait "$pipeline"
	records 1 15 | same out
}

@test "--time: several inputs in the order of time, also behind a kill" {
	python3 - <<'END'
import random
rng = random.Random(4)
for name in "abc":
    t = 1000
    with open(name, "w") as file:
        for i in range(4000):
            t += rng.randrange(5)
            file.write('{"t":%d000,"f":"%s","i":%d}\n' % (t + 1700000000, name, i))
            if i % 100 == 7:
                file.write('{"f":"%s","no":"time"}\n' % name)
END
	dd-source --quiet --plain --time t a b c >want
	# the oracle: a stable sort by time, where what has none goes with the one before it
	for f in a b c; do
		jq -c '[(.t // null), input_filename, input_line_number, .]' $f
	done | jq -sc --slurpfile none <(echo null) '
		reduce .[] as $r ([]; . + [[$r[0] // .[-1][0], $r[1], $r[2], $r[3]]]) | sort_by(.[0:3]) | .[] | .[3]' >sorted
	cmp want sorted
	for n in 1000 5000 9000; do
		begin --every 5ms --rate 30000/s --time t a b c
		wait_for eval "[ \$(wc -l <out) -ge $n ]"
		kill_it
	done
	source_ends 0 --time t a b c
	cmp want out
	dd-source --quiet --plain --time t --read-ahead 8k a b c | cmp want -
}

@test "--merge in --follow: what has nothing now does not hold up the others" {
	printf '{"t":"2026-01-01T00:00:0%dZ"}\n' 1 3 >a
	: >b
	begin --follow --every 10ms --time t a b
	wait_for lines_are out 2
	printf '{"t":"2026-01-01T00:00:0%dZ"}\n' 2 5 >>b
	wait_for lines_are out 4
	printf '{"t":"2026-01-01T00:00:0%dZ"}\n' 4 >>a
	wait_for lines_are out 5
	kill -TERM "$(cat pid)"
	wait "$pipeline"
	jq -r .t out | cut -c 19 | tr -d '\n' | grep -qx 13254
}

@test "--rate" {
	records 1 30 >a
	start=$(date +%s%N)
	dd-source --quiet --plain --rate 100/s a >out
	end=$(date +%s%N)
	records 1 30 | same out
	# the thirtieth is due after 290 ms
	[ $((end - start)) -ge 290000000 ]
}

@test "TERM while the pipe is full is a pause all the same" {
	records 1 200000 >a
	mkfifo slow
	exec 5<>slow
	bash -c 'echo $$ >pid; exec dd-source --quiet --checkpoint D a' >slow 2>err &
	wait_for test -s pid
	wait_for eval 'grep -q pipe /proc/$(cat pid)/wchan || [ "$(cut -d" " -f3 /proc/$(cat pid)/stat)" = S ]'
	kill -TERM "$(cat pid)"
	exec 6<slow 5>&-
	sink <&6
	wait
	[ "$(wc -l <out)" -lt 200000 ]
	source_ends 0 a
	records 1 200000 | same out
}
