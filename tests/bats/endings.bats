#!/usr/bin/env bats
# How a pipeline ends when one of its stages does not come to its own end: nobody takes that for
# empty input, and each says once what it knows.
# shellcheck disable=SC2016,SC2086 # $dd is no variable
load helper

@test "a mistake on a stage's command line is not empty input for the sink" {
	echo '{"a":1,"id":7}' >in
	while IFS='|' read -r status stage; do
		echo OLD >kept
		sinks=0
		eval "dd-source -q in 2>/dev/null | $stage 2>err | dd-deliver -q file:kept 2>told" || sinks=$?
		equal "$status" $sinks
		has err dd-
		has told "stopped as stage"
		echo OLD | same kept
	done <<'END'
64|dd-dedupe --bogus
64|dd-dedupe --key ''
64|dd-window --tumbling 1h -t a -a 'nonsense(a)'
78|dd-watermark --bound 1s -t a --tz Mars/Olympus
73|dd-dedupe -k id --dlq /nonexistent/store
64|dd-dedupe -k id --where 'id >'
END
}

@test "a reader that is gone is told once, with the balance" {
	seq 200000 | awk '{print "{\"id\":" $1 "}"}' >in
	{ dd-source in 2>source || echo $? >source.status; } |
		{ dd-dedupe -k id 2>dedupe || echo $? >dedupe.status; } | head -n 5 >/dev/null
	for stage in source dedupe; do
		echo 75 | same $stage.status
		equal 1 "$(grep -c 'the reader of stdout is gone' $stage)"
		adds_up $stage
	done
}

@test "a dead-letter store that can't be one is refused before the first record" {
	: >file
	expect 73 dd-dedupe -k id --dlq file <<<'{"id":1}'
	has err "'file' is not a directory"
	[ ! -s out ]
}

@test "a dead-letter segment that can't be read is named; the others are shown" {
	dd-dlq take store --reason why -q <<<'{"n":1}'
	mkdir store/source.0000000000000004.ndjson
	expect 65 dd-dlq show --raw store
	echo '{"n":1}' | same out
	has err 'store/source.0000000000000004.ndjson'
}

@test "compressed input that is cut off says how far it came" {
	seq 50000 | awk '{print "{\"id\":" $1 "}"}' | gzip >whole.gz
	head -c 50000 whole.gz >cut.gz
	expect 65 dd-source --plain cut.gz
	has err "'cut.gz' is damaged or cut off behind" 'unpacked bytes (unexpected end of file)'
	seq 50000 | awk '{print "{\"id\":" $1 "}"}' | zstd -q >whole.zst
	head -c 20000 whole.zst >cut.zst
	expect 65 dd-source --plain cut.zst
	has err "'cut.zst' is damaged or cut off behind"
}

@test "stdin is read once" {
	expect 64 dd-source - - </dev/null
	has err "'-' is given twice"
}

@test "a stage told twice to stop says what is unfinished" {
	mkfifo pipe
	dd-window -t t --time-format s --tumbling 1h -a count <pipe >out 2>err &
	stage=$!
	exec 9>pipe
	open_line >&9
	echo '{"t":1}' >&9
	wait_for eval '[ -s out ]'
	# two of a kind that are pending are one
	kill -TERM $stage
	kill -INT $stage
	status=0
	wait $stage || status=$?
	exec 9>&-
	equal 75 $status
	has err interrupted 'absorbed 1' 'unfinished windows 1'
	has out '"abort":{"stage":"window","exit":75,"why":"interrupted"}'
}

@test "when a stage is killed, those before it end though their input is idle" {
	mkfifo pipe
	{ dd-source pipe 2>source || echo $? >source.status; } | {
		dd-dedupe -k id 2>dedupe &
		echo $! >pid
		wait $!
	} >out &
	exec 9>pipe
	echo '{"id":1}' >&9
	wait_for grep -q '"id":1' out
	kill -KILL "$(cat pid)"
	wait_for test -s source.status
	exec 9>&-
	wait
	echo 75 | same source.status
	has source 'the reader of stdout is gone'
}

@test "a sink delivers what it holds at a pause as well" {
	{
		open_line
		echo '{"n":1}'
		barrier 42 ',"last":"pause"'
	} >in
	expect 0 dd-deliver file:target <in
	echo '{"n":1}' | same target
	expect 0 dd-batch --dir landed --count 9 <in
	cat landed/*.ndjson | same target
	expect 0 dd-window -t n --time-format s --tumbling 1m -a count <in
	lacks out window_start
}

@test "a stream of another version is told from a malformed record" {
	echo "{\"\$dd\":{\"run\":\"$RUN\",\"open\":{\"v\":2,\"epoch\":0}}}" >in
	expect 78 dd-dedupe -k id --dlq store <in
	has err 'the stream is of version 2, this program speaks 1'
}

@test "messages carry no control characters to a terminal" {
	printf '{"$dd":{"run":"%s","abort":{"stage":"a","exit":65,"why":"\\u001b[31mred"}}}\n' $RUN >end
	{ open_line && cat end; } >in
	expect 65 dd-dedupe -k id <in
	has err '?[31mred'
}

@test "what the tools make is its owner's only" {
	umask 022
	echo '{"t":1,"n":1}' >in
	dd-deliver -q file:made <in
	dd-deliver -q 'sqlite:made.db' <in
	dd-batch -q --dir landed --count 1 <in >/dev/null
	dd-dedupe -q -k id --dlq store <in
	for file in made made.db landed/*.ndjson store/*.ndjson; do
		equal 600 "$(stat -c %a "$file")"
	done
}
