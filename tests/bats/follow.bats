#!/usr/bin/env bats
# dd-source --follow and --once: files that grow, rotate, shrink, come and go. The oracle is what was
# written, in the order in which it was written.

# shellcheck disable=SC2016 # what is asked again is expanded then

load helper

# Starts a pipeline that follows, its source's pid in ./pid; it delivers into ./out.
follow() { # ARGUMENT…
	rm -f err.source
	bash -c 'echo $$ >pid; exec dd-source --quiet --checkpoint D --every 50ms --follow "$@"' follow "$@" 2>err.source |
		dd-deliver --quiet --checkpoint D file:out 2>err.sink &
	pipeline=$!
	wait_for test -s pid
}

# The pipeline stops as asked.
stop() {
	kill -TERM "$(cat pid)"
	ended 0
}

ended() { # STATUS of the source and the sink
	local status=0
	wait "$pipeline" || status=$?
	rm -f pid
	equal "$1" "$status"
}

lines_are() { # FILE COUNT
	[ "$(wc -l <"$1")" = "$2" ]
}

records() { # FROM TO
	seq -f '{"n":%.0f}' "$1" "$2"
}

# Runs a pipeline of which the source is to end so.
complete() { # STATUS ARGUMENT…
	local want=$1 status=0
	shift
	{ timeout 60 dd-source --quiet --checkpoint D "$@" 2>err || status=$?; equal "$want" $status >&3; } 3>verdict |
		timeout 60 dd-deliver --quiet --checkpoint D file:out 2>err.sink || status=$?
	[ ! -s verdict ] || { cat verdict err err.sink; return 1; }
}

once() { # STATUS ARGUMENT…
	complete "$1" --once "${@:2}"
}

@test "--follow: what comes is sent, and an unterminated tail is not" {
	records 1 5 >app.log
	follow app.log
	wait_for lines_are out 5
	records 6 7 >>app.log
	printf '{"n":' >>app.log
	wait_for lines_are out 7
	printf '8}\n{"n":9' >>app.log
	wait_for lines_are out 8
	stop
	records 1 8 | same out
	jq -e '.state.inputs[0] | .offset == 64 and .line == 8 and .size == 70' \
		<(head -qn 1 D/stages/source/*.snapshot | tail -n 1)
	printf '}\n' >>app.log
	follow app.log
	wait_for lines_are out 9
	stop
	records 1 9 | same out
}

@test "--follow: a rotated file is read to its end before the new one" {
	records 1 3 >app.log
	follow app.log
	wait_for lines_are out 3
	mv app.log app.log.1
	# the writer has the old one open still
	records 4 6 >>app.log.1
	wait_for lines_are out 6
	: >app.log
	records 7 8 >>app.log.1
	wait_for lines_are out 8
	records 9 9 >app.log
	wait_for lines_are out 9
	mv app.log.1 app.log.2
	mv app.log app.log.1
	records 10 12 >app.log
	wait_for lines_are out 12
	stop
	records 1 12 | same out
}

@test "--follow: a file that is deleted is read to its end" {
	records 1 3 >app.log
	follow app.log
	wait_for lines_are out 3
	exec 5>>app.log
	rm app.log
	records 4 6 >&5
	exec 5>&-
	wait_for lines_are out 6
	records 7 8 >app.log
	wait_for lines_are out 8
	stop
	records 1 8 | same out
}

@test "--follow: files that come to match a pattern are read, and rotation among them is seen" {
	mkdir log
	records 1 2 >log/a.ndjson
	follow 'log/*'
	wait_for lines_are out 2
	records 3 4 >log/b.ndjson
	wait_for lines_are out 4
	# the old one matches under its new name as well: it is no new file
	mv log/a.ndjson log/a.ndjson.1
	records 5 6 >log/a.ndjson
	wait_for lines_are out 6
	records 7 7 >>log/b.ndjson
	wait_for lines_are out 7
	stop
	records 1 7 | same out
	follow 'log/*'
	records 8 8 >>log/b.ndjson
	wait_for lines_are out 8
	stop
	records 1 8 | same out
}

@test "--follow: a file whose name has an asterisk in it is that file" {
	records 1 2 >'*.ndjson'
	records 3 4 >other.ndjson
	expect 0 dd-source --quiet --plain '*.ndjson'
	records 1 2 | same out
}

@test "--follow: a file that shrinks in place stops it with 74" {
	records 1 5 >app.log
	follow app.log
	wait_for lines_are out 5
	: >app.log
	ended 74
	has err.source "'app.log' shrank in place" copytruncate source-log
}

@test "--once: a file that shrank, or was written anew, since is 74" {
	records 1 500 >app.log
	once 0 app.log
	records 1 2 >app.log
	once 74 app.log
	has err "shrank in place"
	records 1001 2000 >app.log
	once 74 app.log
	has err "overwritten or replaced"
	# the first KiB is the same, the bytes before the place are not
	{ records 1 300; records 1001 1500; } >app.log
	once 74 app.log
	has err "overwritten or replaced"
}

@test "--once: what was rotated away before it was read is 74, with what to keep" {
	records 1 5 >app.log
	once 0 app.log
	records 6 7 >>app.log
	gzip app.log
	records 8 9 >app.log
	once 74 app.log
	has err "'app.log'" "rotated away, compressed or deleted" "delaycompress" "rotate 2"
	rm app.log
	once 74 app.log
	records 1 5 | same out
}

@test "--once: a rotated file is found by what it is, and read first" {
	records 1 5 >app.log
	once 0 app.log
	records 6 7 >>app.log
	mv app.log app.log.1
	once 0 app.log
	records 1 7 | same out
	records 8 8 >>app.log.1
	records 9 9 >app.log
	once 0 app.log
	records 1 9 | same out
	# the old one is done with
	rm app.log.1
	records 10 10 >>app.log
	once 0 app.log
	records 1 10 | same out
}

@test "--once: files of a pattern may go when they were read" {
	mkdir in
	records 1 2 >in/a
	records 3 4 >in/b
	once 0 'in/*'
	rm in/a
	records 5 6 >in/c
	once 0 'in/*'
	records 1 6 | same out
	printf '{"n":7' >>in/c
	once 0 'in/*'
	rm in/c
	once 74 'in/*'
}

@test "an input with unread bytes that is not given any more is 78" {
	records 1 2 >a
	records 1 2 >b
	printf '{' >>b
	once 0 a b
	once 78 a
	has err "'b' has bytes that were not read"
	printf '}\n' >>b
	once 0 a b
	once 0 a
}

@test "completion belongs to a set of inputs" {
	records 1 2 >a
	records 3 4 >b
	complete 0 a b
	complete 0 a b
	complete 0 b a
	records 1 4 | same out
	complete 78 a
	has err "overlap"
	records 5 6 >c
	complete 78 a b c
	complete 0 c
	{ records 1 6; } | same out
	jq -e '.epoch == 4' <(head -n 1 D/commit)
	records 7 7 >>c
	complete 78 c
	has err "'c' has changed"
	once 0 c
	records 1 7 | same out
	# and what a pause left is finished
	printf '{"n":8}' >>c
	once 0 c
	records 1 7 | same out
	complete 0 c
	records 1 8 | same out
}

@test "--follow: TERM is a pause, and epochs go on while nothing comes" {
	records 1 2 >a
	follow a
	beyond() { [ "$(head -n 1 D/commit | jq .epoch)" -gt "$1" ]; }
	wait_for beyond 0
	wait_for lines_are out 2
	wait_for beyond 2
	stop
	tail -n 1 D/ledger.ndjson | jq -e '.stages[0].in == 0'
}

@test "CSV goes on with its header" {
	printf 'id,"the\nname"\n1,a\n' >t.csv
	once 0 t.csv
	printf '2,b\n3,"c\n' >>t.csv
	once 0 t.csv
	printf 'd"\n4,e\n' >>t.csv
	once 0 t.csv
	same out <<'END'
{"id":"1","the\nname":"a"}
{"id":"2","the\nname":"b"}
{"id":"3","the\nname":"c\nd"}
{"id":"4","the\nname":"e"}
END
	mv t.csv t.csv.1
	printf 'k\n5\n' >t.csv
	once 0 t.csv
	tail -n 1 out | jq -e '. == {"k":"5"}'
}

@test "letters say line and byte in the file, also behind a resume" {
	records 1 2 >a
	once 0 a
	printf 'no\n' >>a
	once 0 a
	dd-dlq show D/dlq | jq -e '.source == {"name":"a","line":3,"offset":16}'
}

@test "without a checkpoint --once and --follow work as well" {
	records 1 2 >a
	printf '{"n":3' >>a
	expect 0 bash -c 'dd-source --quiet --once a | dd-deliver --quiet -'
	records 1 2 | same out
	bash -c 'echo $$ >pid; exec dd-source --quiet --plain --follow a' >got &
	wait_for lines_are got 2
	printf '}\n' >>a
	wait_for lines_are got 3
	mv a b
	records 4 4 >a
	wait_for lines_are got 4
	kill "$(cat pid)"
	records 1 4 | same got
}

@test "--every: epochs by size, at the borders of records" {
	records 1 1000 >a
	expect 0 bash -c 'dd-source --quiet --checkpoint D --every 1k a | tee stream | dd-deliver --quiet --checkpoint D file:out'
	records 1 1000 | same out
	# 10900 bytes: an epoch ends with the record that brings it to 1024
	want=$(records 1 1000 | awk '{ b += length + 1 } b >= 1024 { n++; b = 0 } END { print n + 1 }')
	equal "$want" "$(grep -c '"barrier":' stream)"
}

@test "--once: of several rotations in a row none is left out" {
	records 1 2 >app.log
	records 101 102 >app.log.7
	once 0 app.log
	records 3 3 >>app.log
	for n in 4 5 6; do
		for k in 9 8 7 6 5 4 3 2 1; do
			[ ! -e app.log.$k ] || mv app.log.$k app.log.$((k + 1))
		done
		mv app.log app.log.1
		records $n $n >app.log
	done
	once 0 app.log
	records 1 6 | same out
	mv app.log app.log-20260501
	records 7 7 >app.log-20260502
	records 8 8 >app.log
	once 0 app.log
	records 1 8 | same out
}

@test "a complete input that was rotated while it was read stays complete" {
	records 1 2 >app.log
	once 0 app.log
	mv app.log app.log.1
	records 3 4 >app.log
	complete 0 app.log
	complete 0 app.log
	records 1 4 | same out
	mv app.log app.log.2
	records 5 6 >app.log
	complete 78 app.log
	has err "'app.log' has changed"
}

@test "an input that was copied, to another machine or from a backup, is gone on with" {
	records 1 300 >a
	once 0 a
	mkdir there
	cp -r a D out out.commit there
	cd there
	records 301 310 >>a
	once 0 a
	records 1 310 | same out
	has err "with the same bytes in it"
	once 0 a
	lacks err "with the same bytes in it"
}
