#!/usr/bin/env bats
# The dead-letter store: bytes recovered exactly, and replay as a source.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# One kind of line each, and random ones; none of them is empty or a control line.
nasty_lines() {
	cat >nasty.py <<'END'
import random

rng = random.Random(20260501)
lines = [
    b'{"a": 1.10 ,"b":12345678901234567890,"a":0.1e-7}',
    b'  {"a":"\\u0041\\/\\ud83e\\udd80"} \r',
    b'\t[ ]',
    b'"text"', b'17', b'null', b'true \t',
    b'{"bad":', b'{"a":1}}', b'1,"record":2', b'"a","reason":"x"', b'1}', b'\\', b'"',
    b'\xff\xfe{', b'\xed\xa0\x80', b'{"a":"\xc3"}', b'caf\xc3\xa9', b'\xe2\x80\xa8',
    b'nul \x00 byte', b'\x00', b'\x01\x1f\x7f', b'{"a":"\x00"}',
    b'x\r',
    b'[' * 511 + b'1' + b']' * 511, b'[' * 512 + b']' * 512, b'[' * 513 + b']' * 513,
    b'{"k":"' + b'y' * 70000 + b'"}', b'\xff' * 70000,
    b'{"id":"x","reason":"y","raw":"z","record":1}',
]
for _ in range(2000):
    line = bytes(rng.choices(b'{}[]",:\\ 0123e.-ntu\x00\x80\xc3\xa9\xff\r', k=rng.randint(1, 12)))
    if line.strip(b' \t\r'):
        lines.append(line)
with open("lines", "wb") as file:
    file.write(b"\n".join(lines) + b"\n")
END
	python3 nasty.py
}

@test "take: the bytes come back" {
	nasty_lines
	dd-dlq take --quiet store --reason checked <lines
	dd-dlq show --raw store >got
	cmp lines got
	[ "$(dd-dlq ls store | wc -l)" = "$(wc -l <lines)" ]
	# an envelope is JSON in UTF-8 for everybody
	dd-dlq show store | python3 -c '
import json, sys
for line in sys.stdin.buffer.read().split(b"\n")[:-1]:
    json.loads(line.decode())'
}

@test "a stage's letters: the bytes come back" {
	nasty_lines
	dd-source --quiet --plain --dlq store lines >passed
	dd-dlq show --raw store >letters
	[ -s passed ]
	LC_ALL=C sort lines >want
	cat passed letters | LC_ALL=C sort >got
	cmp want got
	run -0 dd-dlq count store
	[ "$output" = "{\"stage\":\"source\",\"reason\":\"malformed\",\"count\":$(wc -l <letters)}" ]
}

@test "replay: the records' bytes, and nothing that is none" {
	nasty_lines
	dd-source --quiet --plain --dlq bad lines >records
	dd-dlq take --quiet store --reason checked <lines
	dd-dlq replay --quiet --plain store >got 2>told
	cmp records got
	[ "$(grep -c '^dd-dlq: skipped, as it is malformed: letter take-' told)" = \
		"$(dd-dlq ls bad | wc -l)" ]
}

@test "an over-long line keeps its beginning, is named by replay, and not sent" {
	python3 -c 'print("1\n\"" + "é" * 50000 + "\"\n2")' >lines
	dd-dlq take --quiet store --reason checked --max-record 1000 <lines
	id=$(dd-dlq ls store | jq -r 'select(.truncated).id')
	dd-dlq show store "$id" | jq -c '[.source.line, .source.offset, .truncated.length]' >place
	[ "$(cat place)" = '[2,2,100002]' ]
	# the cut goes through a letter of two bytes, so the beginning is no UTF-8
	dd-dlq show --raw store "$id" >got
	{ tail -c +3 lines | head -c 65536; echo; } >want
	cmp want got
	dd-dlq replay --plain store >got 2>told
	printf '1\n2\n' | cmp - got
	cat >want <<-END
		dd-dlq: skipped, as it is truncated: letter $id, of stdin, line 2, byte 2
		dd-dlq: in 3 = passed 2 + truncated 1; out 2
	END
	cmp want told
}

@test "two equal lines are two letters" {
	printf '1\n1\n' | dd-dlq take --quiet store --reason checked
	[ "$(dd-dlq ls store | jq -r .id | sort -u | wc -l)" = 2 ]
}

# Starts a replay that waits an hour behind the first record; its output is descriptor 6.
slow_replay() {
	printf '1\n2\n' | dd-dlq take --quiet store --reason checked
	mkfifo out
	dd-dlq replay --rate 1/h store >out 2>told &
	replay=$!
	exec 6<out
	read -r -t 60 open <&6
	read -r -t 60 record <&6
	[ "$record" = 1 ]
}

@test "replay: one that is killed is not taken for one that has finished" {
	slow_replay
	kill -KILL $replay
	{ printf '%s\n' "$open" "$record"; cat <&6; } >start
	run -75 dd-dlq take other --reason replayed <start
	[[ $output == *"stdin ended without"* ]]
}

@test "replay: one that is asked to stop says so" {
	slow_replay
	kill -TERM $replay
	status=0
	wait $replay || status=$?
	[ $status = 75 ]
	cat <&6 >rest
	[[ $(cat rest) == *'"abort":{"stage":"replay","exit":75,"why":"interrupted"}'* ]]
	grep -q '^dd-dlq: in 1 = passed 1; out 1$' told
}

@test "replay: USR1 asks for the figures, and the wait goes on" {
	slow_replay
	kill -USR1 $replay
	timeout 60 sh -c 'until grep -q "passed 1" told; do :; done'
	kill -0 $replay
	kill -KILL $replay
}

@test "replay: not faster than the rate" {
	seq 1 6 | dd-dlq take --quiet store --reason checked
	begin=$(date +%s%N)
	run --separate-stderr -0 dd-dlq replay --plain --rate 20/s store
	took_ms=$((($(date +%s%N) - begin) / 1000000))
	[ "$output" = "$(seq 1 6)" ]
	# five waits of 50 ms
	[ $took_ms -ge 250 ]
}

@test "DDPIPE_DLQ is not the store that is read or written" {
	export DDPIPE_DLQ=$PWD/elsewhere
	echo 1 | dd-dlq take --quiet store --reason checked
	run --separate-stderr -0 dd-dlq replay --plain store
	[ "$output" = 1 ]
	[ ! -e elsewhere ]
}

@test "a full disk is an I/O error" {
	echo 1 | dd-dlq take --quiet store --reason checked
	for verb in ls show count replay 'replay --dry-run'; do
		run -74 bash -c "dd-dlq $verb store >/dev/full"
	done
}

@test "a store that may not be read" {
	[ "$(id -u)" != 0 ] || skip "root may read everything"
	mkdir -m 0 store
	run -77 dd-dlq ls store
}
