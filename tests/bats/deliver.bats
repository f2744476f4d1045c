#!/usr/bin/env bats
# dd-deliver. What arrived is judged by the sqlite3 shell, by the log of an HTTP server in Python,
# and by jq.
load helper

HTTPD=$(realpath "$BATS_TEST_DIRNAME/../oracle/httpd.py")

# An HTTP server with these answers; its URL is in URL, its log in ./log.
serve() { # ANSWER…
	local port
	mkfifo server.in server.out
	python3 "$HTTPD" log "$@" <server.in >server.out 3>&- &
	# shellcheck disable=SC2034 # held open: the server ends when the test does
	exec {SERVER}>server.in
	IFS= read -rt 10 port <server.out
	URL=http://127.0.0.1:$port/in
}

# The bodies of the requests that the server answered with STATUS, in their order.
bodies() { # STATUS
	jq -rj --argjson status "$1" 'select(.status == $status).body' log
}

# A copy of dd-deliver beside the helper sink-script, in Python: the n-th line of ./answers is the
# answer to the n-th batch, a JSON object, or `kill` or `exit N`; each batch is a line of ./batches,
# a list of its records.
scripted() {
	mkdir bin
	cp "$(command -v dd-deliver)" bin/
	cat >bin/sink-script <<'END'
#!/usr/bin/env python3
import json, os, signal, sys, zlib
def say(kind, message):
    text = json.dumps(message).encode()
    sys.stdout.buffer.write(b"%s %d %08x\n" % (kind.encode(), len(text), zlib.crc32(text)) + text)
    sys.stdout.buffer.flush()
def hear():
    kind, length, crc = sys.stdin.buffer.readline().decode().split(" ")
    payload = sys.stdin.buffer.read(int(length))
    assert crc == "%08x\n" % zlib.crc32(payload)
    return kind, payload
hello = os.environ.get("HELLO", '{"protocol":1,"can":["batch"],"max_records":9999,"max_bytes":999999}')
say("hello", json.loads(hello) | {"sink": "script"})
kind, target = hear()
open("target", "wb").write(target)
say("ready", {})
if "QUIT" in os.environ:
    sys.exit(int(os.environ["QUIT"]))
answers = open("answers").read().splitlines()
for answer in answers + ['{"verdict":"accepted"}'] * 1000:
    kind, payload = hear()
    if kind == "end":
        open("ended", "w")
        say("done", {})
        sys.exit(int(os.environ.get("STATUS", "0")))
    open("batches", "a").write(json.dumps([json.loads(l) for l in payload.splitlines()]) + "\n")
    if answer == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if answer.startswith("exit"):
        sys.exit(int(answer[5:]))
    answer = json.loads(answer)
    say("failed" if "exit" in answer else "verdict", answer)
    if "exit" in answer:
        sys.exit(answer["exit"])
END
	chmod +x bin/sink-script
	PATH=$PWD/bin:$PATH
	: >answers
}

numbers() { # COUNT
	seq "$1" | sed 's/.*/{"n":&}/'
}

# The last balance in FILE is this, and it adds up.
balance() { # FILE TEXT
	equal "dd-deliver: $2" "$(tail -n 1 "$1")"
	awk -F '[=;]' '{
		sub(/^in /, "", $1)
		n = split($2, word, " ")
		for (i = 2; i <= n; i += 3)
			sum += word[i]
		exit sum != $1 + 0
	}' <<<"$2"
}

# Closes the input of the coprocess TOOL and waits for its good end.
finish() {
	local pid=$TOOL_PID in=${TOOL[1]}
	exec {in}>&-
	wait "$pid"
}

letters() {
	cat dlq/*.ndjson
}

# Destinations of its own

@test "-: records only, their own bytes" {
	{
		open_line
		printf '{"b":1.10, "a":12345678901234567890}\n'
		mark 2026-01-01T00:00:00Z
		printf '{"a":"\\u00e9"}\n'
		last_barrier 42
	} >in
	expect 0 dd-deliver - <in
	same out <<'END'
{"b":1.10, "a":12345678901234567890}
{"a":"\u00e9"}
END
	balance err "in 2 = delivered 2; out 2"
}

@test "-: a record comes out at once while the input stays open" {
	coproc TOOL { exec dd-deliver - 2>err; }
	printf '{"a":1}\n' >&"${TOOL[1]}"
	IFS= read -rt 10 line <&"${TOOL[0]}"
	equal '{"a":1}' "$line"
}

@test "-: a full disk is 74" {
	numbers 10 >in
	local status=0
	dd-deliver - <in >/dev/full 2>err || status=$?
	equal 74 $status
	has err "cannot write to stdout" "No space left"
}

@test "-: a reader that is gone ends it by SIGPIPE, and in a supervised stream with 75" {
	numbers 100000 >in
	local statuses
	statuses=$(dd-deliver - <in 2>err | :; echo "${PIPESTATUS[0]}")
	equal 141 "$statuses"
	statuses=$({ open_line; cat in; last_barrier 42; } | dd-deliver - 2>err | :; echo "${PIPESTATUS[1]}")
	equal 75 "$statuses"
}

@test "file: is replaced whole, with the permissions that it had" {
	numbers 100000 >in
	echo old >target
	chmod 640 target
	expect 0 dd-deliver file:target <in
	cmp in target
	equal 640 "$(stat -c %a target)"
	equal "" "$(find . -name '.*.partial')"
	balance err "in 100000 = delivered 100000; out 100000"
	expect 0 dd-deliver "file://$PWD/a%20new%3Fone" <in
	cmp in "a new?one"
}

@test "file: an input without records makes an empty file" {
	echo old >target
	expect 0 dd-deliver file:target </dev/null
	same target </dev/null
}

@test "file: kill -9 in the middle leaves the old one, and the next run is not in its way" {
	echo old >target
	coproc TOOL { exec dd-deliver file:target 2>err; }
	numbers 3 >&"${TOOL[1]}"
	wait_for grep -qsF '{"n":3}' .target.partial
	local pid=$TOOL_PID
	kill -9 "$pid"
	wait "$pid" || equal 137 $?
	equal old "$(cat target)"
	numbers 1 >in
	expect 0 dd-deliver file:target <in
	cmp in target
}

@test "file: an end that was not said, and bad data, leave the old one" {
	echo old >target
	{ open_line; numbers 3; } >in
	expect 75 dd-deliver file:target <in
	equal old "$(cat target)"
	balance err "in 3 = delivered 0 + unfinished 3; out 0"
	{ numbers 3; echo '{'; } >in
	expect 65 dd-deliver file:target <in
	equal old "$(cat target)"
}

@test "file: a disk that is full leaves the old one" {
	echo old >target
	numbers 20000 >in
	(
		trap '' XFSZ
		ulimit -f 64
		expect 74 dd-deliver file:target <in
	)
	has err "cannot write to .target.partial: File too large"
	equal old "$(cat target)"
}

@test "file: a second writer is turned away" {
	coproc TOOL { exec dd-deliver file:target 2>err.first; }
	numbers 1 >&"${TOOL[1]}"
	wait_for grep -qsF '{"n":1}' .target.partial
	expect 75 dd-deliver file:target </dev/null
	has err "'target' is being written by another process"
	finish
	equal '{"n":1}' "$(cat target)"
}

@test "file: only regular files are replaced" {
	mkdir dir
	mkfifo pipe
	ln -s nowhere link
	for name in dir pipe link /dev/null; do
		expect 73 dd-deliver "file:$name" </dev/null
		has err "'$name' is not a regular file"
	done
	[ -c /dev/null ]
	expect 73 dd-deliver file:missing/target </dev/null
	has err "cannot create 'missing/.target.partial'"
}

@test "file: ?append appends, and ends a torn line first" {
	printf '{"n":0}\n{"torn' >target
	numbers 2 >in
	expect 0 dd-deliver 'file:target?append' <in
	expect 0 dd-deliver 'file:target?append' <in
	same target <<'END'
{"n":0}
{"torn
{"n":1}
{"n":2}
{"n":1}
{"n":2}
END
	expect 0 dd-deliver 'file:another?append' <in
	cmp in another
	expect 64 dd-deliver 'file:target?apend' <in
	has err "unknown option 'apend'"
}

@test "file: ?append shows a record while the input stays open" {
	coproc TOOL { exec dd-deliver 'file:target?append' 2>err; }
	numbers 1 >&"${TOOL[1]}"
	wait_for grep -qsF '{"n":1}' target
}

@test "files are synced before they get their name, and the directory after it" {
	numbers 1 >in
	# leaks can't be looked for under ptrace
	ASAN_OPTIONS=detect_leaks=0 strace -o trace -e trace=fsync,rename,write,writev dd-deliver -q file:target <in
	awk '/^writev?.*"n/ { print "write" } /^fsync/ { print "fsync" } /^rename/ { print "rename" }' trace >calls
	printf 'write\nfsync\nrename\nfsync\n' | same calls
}

# The command line

@test "a URL with a password is refused, and the password is not said" {
	for url in http://user:geheim@localhost/ script://user:geheim@x; do
		expect 64 dd-deliver "$url" </dev/null
		has err "password" ".netrc"
		lacks err geheim
	done
}

@test "what is no URL, and a scheme without helper" {
	expect 64 dd-deliver </dev/null
	has err "no destination"
	expect 64 dd-deliver - - </dev/null
	has err "more than one destination"
	expect 64 dd-deliver out.db </dev/null
	has err "'out.db' is no URL"
	expect 64 dd-deliver foo:bar </dev/null
	has err "'foo:'" "sink-foo" "/../libexec/ddpipe/sink-foo"
	expect 64 dd-deliver ../x:bar </dev/null
	expect 64 dd-deliver file: </dev/null
	expect 64 dd-deliver file://host/path </dev/null
	expect 64 dd-deliver file:a%0 </dev/null
}

@test "options that make no sense" {
	for option in --batch=0 --batch-bytes=0 --timeout=0 --backoff=0 --backoff=2s..1s --backoff=1s.. \
		--backoff=..1s --backoff=x --retries=-1 --retry-for=x --linger=-1s; do
		expect 64 dd-deliver "$option" - </dev/null
		has err "${option%%=*}"
	done
	expect 0 dd-deliver --backoff 1.5s..30s - </dev/null
	expect 0 dd-deliver --backoff 20ms - </dev/null
}

# sqlite

@test "sqlite: from records to rows" {
	cat >in <<'END'
{"id":9223372036854775807,"big":12345678901234567890,"price":1.10,"ok":true,"no":false,"nothing":null}
{"id":-1,"text":"gr\u00fcn","nested":{"a":[1, 2.0]},"new column":"x"}
END
	expect 0 dd-deliver 'sqlite:a%20b.db?table=t' <in
	balance err "in 2 = delivered 2; out 2"
	equal '9223372036854775807|12345678901234567890|text|1.10|text|1|0|' "$(sqlite3 'a b.db' \
		'SELECT id, big, typeof(big), price, typeof(price), ok, no, "nothing" FROM t WHERE id > 0')"
	equal 'grün|{"a":[1, 2.0]}|x|integer' "$(sqlite3 'a b.db' \
		'SELECT text, nested, "new column", typeof(id) FROM t WHERE id < 0')"
	expect 0 dd-deliver 'sqlite:real.db?real' <in
	equal '1.1|real' "$(sqlite3 real.db 'SELECT price, typeof(price) FROM records WHERE id > 0')"
}

@test "sqlite: many records arrive in their order, once" {
	numbers 20000 >in
	expect 0 dd-deliver sqlite:x.db <in
	balance err "in 20000 = delivered 20000; out 20000"
	sqlite3 x.db 'SELECT n FROM records ORDER BY rowid' >got
	seq 20000 | cmp - got
}

@test "sqlite: a record that breaks a rule is a dead letter, the rest of the batch is there" {
	sqlite3 x.db 'CREATE TABLE records (n UNIQUE)'
	{ numbers 5; numbers 3; echo '[1]'; echo '{"n":6}'; } >in
	expect 0 dd-deliver --dlq dlq sqlite:x.db <in
	balance err "in 10 = delivered 6 + constraint 3 + not_an_object 1; out 6"
	equal "1 2 3 4 5 6" "$(sqlite3 x.db 'SELECT n FROM records ORDER BY rowid' | paste -sd ' ')"
	letters | jq -c '[.reason, .source.line, .record]' >got
	same got <<'END'
["constraint",6,{"n":1}]
["constraint",7,{"n":2}]
["constraint",8,{"n":3}]
["not_an_object",9,[1]]
END
}

@test "sqlite: without a store the first such record stops it, and what was taken is counted" {
	sqlite3 x.db 'CREATE TABLE records (n UNIQUE)'
	{ numbers 2; numbers 1; } >in
	expect 65 dd-deliver sqlite:x.db <in
	has err "stdin: line 3, byte 16: constraint: UNIQUE constraint failed: records.n; --dlq"
	balance err "in 3 = delivered 2 + constraint 1; out 2"
}

@test "sqlite: a stream that ends unsaid leaves nothing of the open batch" {
	{ open_line; numbers 7; } >in
	expect 75 dd-deliver --batch 5 sqlite:x.db <in
	equal 5 "$(sqlite3 x.db 'SELECT count(*) FROM records')"
	balance err "in 7 = delivered 5 + unfinished 2; out 5"
	{ open_line; numbers 7; last_barrier 42; } >in
	expect 0 dd-deliver --batch 5 sqlite:y.db <in
	equal 7 "$(sqlite3 y.db 'SELECT count(*) FROM records')"
}

@test "sqlite: a file that is none is 78, in the words of the helper" {
	printf 'this is no database, and long enough to be seen as none: %080d' 0 >x.db
	expect 78 dd-deliver sqlite:x.db <<<'{"n":1}'
	has err "sink-sqlite: './x.db': file is not a database"
}

@test "sqlite: a record is there while the input stays open" {
	coproc TOOL { exec dd-deliver sqlite:x.db 2>err; }
	numbers 2 >&"${TOOL[1]}"
	two() { [ "$(sqlite3 x.db 'SELECT count(*) FROM records' 2>&1)" = 2 ]; }
	wait_for two
}

# http

@test "http: the batches are the input" {
	numbers 1234 >in
	serve
	expect 0 dd-deliver --batch 100 "$URL" <in
	balance err "in 1234 = delivered 1234; out 1234"
	bodies 200 | cmp in -
	equal "100 34 13" "$(jq -r '.body | split("\n") | length - 1' log |
		awk 'NR == 1 { first = $1 } { last = $1 } END { print first, last, NR }')"
	equal 1 "$(jq .connection log | sort -u | wc -l)"
}

@test "http: --batch-bytes cuts, and a record above it goes alone" {
	serve
	{ numbers 5; printf '{"pad":"%090d"}\n' 0; numbers 5; } >in
	expect 0 dd-deliver --batch-bytes 24 "$URL" <in
	bodies 200 | cmp in -
	equal "24 16 101 24 16" "$(jq '.body | length' log | paste -sd ' ')"
}

@test "http: poison is found by halving; the rest arrives, in order" {
	numbers 1000 | awk '{ if (NR % 143 == 5 || NR == 6 || NR == 1000) sub(/}/, ",\"poison\":1}"); print }' >in
	serve '{"when_body_has":"poison","status":422,"body":"no, thanks"}'
	expect 0 dd-deliver --dlq dlq --batch 100 "$URL" <in
	grep -v poison in >want
	bodies 200 | cmp want -
	grep poison in >want
	letters | jq -c .record | cmp want -
	equal "$(wc -l <want)" "$(letters | grep -cF '"reason":"http_422","detail":"422 no, thanks"')"
	balance err "in 1000 = delivered $((1000 - $(wc -l <want))) + http_422 $(wc -l <want); out $((1000 - $(wc -l <want)))"
}

@test "http: without a store poison stops it at that record" {
	numbers 9 | sed 's/7}/7,"poison":1}/' >in
	serve '{"when_body_has":"poison","status":400}'
	expect 65 dd-deliver "$URL" <in
	has err "stdin: line 7, byte 48: http_400: 400; --dlq DIR"
	bodies 200 | cmp <(head -n 6 in) -
	balance err "in 9 = delivered 6 + http_400 1 + unfinished 2; out 6"
}

@test "http: 429 waits as long as Retry-After says; the bytes are the same" {
	serve '{"status":429,"headers":{"Retry-After":"1"}}'
	numbers 3 >in
	expect 0 dd-deliver --backoff 1ms "$URL" <in
	cmp in <(bodies 429)
	cmp in <(bodies 200)
	equal true "$(jq -s '.[1].at - .[0].at >= 1' log)"
	has err "http_429: 429; trying again"
	balance err "in 3 = delivered 3; out 3"
}

@test "http: a wait that is longer than --retry-for is not waited" {
	serve '{"status":503,"headers":{"Retry-After":"3600"},"body":"<b>\ntomorrow"}'
	numbers 3 >in
	expect 69 dd-deliver --retry-for 10s "$URL" <in
	has err "dd-deliver: http_503: 503 <b> tomorrow; gave up at try 1 after 0s, with 3 records not delivered"
}

@test "http: 503s and closed connections, then success" {
	serve '{"status":503}' '{"close":true}' '{"status":408}' '{"status":425}' '{"status":500}'
	numbers 3 >in
	expect 0 dd-deliver --backoff 1ms..2ms "$URL" <in
	equal "503 0 408 425 500 200" "$(jq .status log | paste -sd ' ')"
	equal 1 "$(jq .body log | sort -u | wc -l)"
	balance err "in 3 = delivered 3; out 3"
}

@test "http: --retries bounds the tries; success begins anew" {
	serve '{"status":503}' '{"status":503}' '{"status":200}' '{"status":503}' '{"status":503}' '{"status":503}'
	numbers 4 >in
	expect 69 dd-deliver --backoff 1ms --retries 2 --batch 2 "$URL" <in
	equal "503 503 200 503 503 503" "$(jq .status log | paste -sd ' ')"
	has err "gave up at try 3" "with 2 records not delivered"
	balance err "in 4 = delivered 2 + unfinished 2; out 2"
}

@test "http: nobody listens: 69 when the time is over, and not before" {
	numbers 3 >in
	local start=$EPOCHREALTIME
	expect 69 dd-deliver --backoff 10ms --retry-for 300ms http://127.0.0.1:1/ <in
	awk -v from="$start" -v to="$EPOCHREALTIME" 'BEGIN { exit !(to - from >= 0.3 && to - from < 10) }'
	has err "connection: " "; trying again" "with 3 records not delivered"
	balance err "in 3 = delivered 0 + unfinished 3; out 0"
}

@test "http: while it waits for another try it answers USR1" {
	numbers 3 >in
	dd-deliver --backoff 1h --retry-for 1h http://127.0.0.1:1/ <in 2>err 3>&- &
	local pid=$!
	wait_for grep -qsF 'trying again' err
	kill -USR1 $pid
	wait_for grep -qsF 'in 3 = delivered 0 + unfinished 3; out 0' err
	kill $pid
	wait $pid || equal 143 $?
}

@test "http: bad records go to the store before the wait, good ones around them arrive" {
	serve
	{ numbers 1; echo '{"n":'; echo '{"n":2}'; } >in
	expect 0 dd-deliver --dlq dlq "$URL" <in
	equal '{"n":1}{"n":2}' "$(bodies 200 | tr -d '\n')"
	equal '["malformed","{\"n\":"]' "$(letters | jq -c '[.reason, .raw]')"
	balance err "in 3 = delivered 2 + malformed 1; out 2"
}

@test "--linger lets a batch wait for more" {
	serve
	coproc TOOL { exec dd-deliver --linger 1h --batch 3 "$URL" 2>err; }
	numbers 2 >&"${TOOL[1]}"
	printf '{"n":3}\n{"n":4}\n' >&"${TOOL[1]}"
	wait_for test -s log
	equal 3 "$(bodies 200 | wc -l)"
	finish
	equal "3 1" "$(jq -r '.body | split("\n") | length - 1' log | paste -sd ' ')"
}

@test "--linger is over after its time" {
	serve
	coproc TOOL { exec dd-deliver --linger 50ms "$URL" 2>err; }
	numbers 2 >&"${TOOL[1]}"
	wait_for test -s log
}

# Helpers

@test "what the helper is told" {
	scripted
	expect 0 dd-deliver --pipeline orders --name out --timeout 1500ms 'script:x?y' </dev/null
	jq -cS . target >got
	same got <<'END'
{"pipeline":"orders","protocol":1,"stage":"out","timeout_ms":1500,"url":"script:x?y"}
END
	[ -e ended ]
}

@test "of a batch that is taken in part only the rest is sent again" {
	scripted
	cat >answers <<'END'
{"records":[[1,"retry","busy","b"],[2,"rejected","odd","o"],[4,"retry","busy","b"]]}
{"records":[[0,"retry","busy","b"]]}
{"verdict":"retry","reason":"busy","detail":"b"}
END
	numbers 5 >in
	expect 0 dd-deliver --backoff 1ms --dlq dlq script: <in
	jq -c 'map(.n)' batches >got
	same got <<'END'
[1,2,3,4,5]
[2,5]
[2]
[2]
END
	equal '["odd","o",{"n":3}]' "$(letters | jq -c '[.reason, .detail, .record]')"
	balance err "in 5 = delivered 4 + odd 1; out 4"
}

@test "bounds of the helper are kept, and a record above them is a dead letter" {
	scripted
	export HELLO='{"protocol":1,"can":["batch","x"],"max_records":2,"max_bytes":20}'
	{ numbers 5; echo '{"n":"01234567890123456"}'; } >in
	expect 0 dd-deliver --dlq dlq script: <in
	equal '[2,2,1]' "$(jq -s -c 'map(length)' batches)"
	balance err "in 6 = delivered 5 + too_big 1; out 5"
}

@test "a helper that dies is named, with how it died" {
	scripted
	numbers 1 >in
	echo kill >answers
	expect 70 dd-deliver script: <in
	has err "sink-script was killed by signal 9 (Killed)"
	echo 'exit 3' >answers
	expect 70 dd-deliver script: <in
	has err "sink-script ended with status 3 and no word"
	QUIT=5 expect 70 dd-deliver --batch-bytes 1MiB script: < <(numbers 10000)
	has err "sink-script ended with status 5 and no word"
	printf '#!/bin/sh\nexit 0\n' >bin/sink-silent
	chmod +x bin/sink-silent
	expect 70 dd-deliver silent: <in
	has err "sink-silent ended with status 0 and no word"
	: >answers
	STATUS=4 expect 70 dd-deliver script: <in
	has err "sink-script said that it is done and then failed"
}

@test "what a helper says in failed is said, and its status is ours" {
	scripted
	numbers 1 >in
	echo '{"exit":77,"why":"the key is lost"}' >answers
	expect 77 dd-deliver script: <in
	has err "dd-deliver: sink-script: the key is lost"
	balance err "in 1 = delivered 0 + unfinished 1; out 0"
}

@test "a helper that breaks the protocol" {
	scripted
	numbers 2 >in
	for answer in '{}' '{"verdict":"perhaps"}' '{"verdict":"retry","detail":"x"}' \
		'{"verdict":"rejected","reason":"Not a name","detail":"x"}' '{"records":[[2,"retry","x","y"]]}' \
		'{"records":[[1,"retry","x","y"],[0,"retry","x","y"]]}' '{"records":[[0,"accepted","x","y"]]}' \
		'{"records":[[0,"retry"]]}' '{"verdict":"accepted","records":[]}' '{"exit":"x","why":"y"}'; do
		echo "$answer" >answers
		expect 70 dd-deliver script: <in
		has err "sink-script breaks the protocol"
	done
	HELLO='{"protocol":2}' expect 78 dd-deliver script: <in
	has err "version 2"
	HELLO='{"protocol":1,"can":[],"max_records":1,"max_bytes":1}' expect 78 dd-deliver script: <in
	HELLO='{"protocol":1,"can":["batch"],"max_records":0,"max_bytes":1}' expect 70 dd-deliver script: <in
}

@test "more reasons than can be counted apart are counted together" {
	scripted
	seq 0 59 | sed 's/.*/{"verdict":"rejected","reason":"r&","detail":"d"}/' >answers
	numbers 60 >in
	expect 0 dd-deliver --dlq dlq --batch 1 script: <in
	has err "r39 1 + rejected 20; out 0"
	equal 60 "$(letters | wc -l)"
}

@test "the helper does not outlive it" {
	scripted
	echo '{"verdict":"retry","reason":"busy","detail":"b"}' >answers
	numbers 1 >in
	dd-deliver --backoff 1h --retry-for 1h script: <in 2>err 3>&- &
	local pid=$! helper
	wait_for grep -qsF 'trying again' err
	helper=$(pgrep -P $pid)
	kill -9 $pid
	wait $pid || equal 137 $?
	gone() { ! kill -0 "$helper" 2>/dev/null; }
	wait_for gone
}
