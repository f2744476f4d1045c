#!/usr/bin/env bats
# dd-deliver under a checkpoint, to a destination without transactions: the spool. The source's lines
# are written by hand; what arrived is judged by the log of an HTTP server in Python, and by jq.
# shellcheck disable=SC2016 # $dd is no variable
load helper

HTTPD=$(realpath "$BATS_TEST_DIRNAME/../oracle/httpd.py")

# An HTTP server; its log is ./log. Started again it has the same port.
PORT=0
HONOUR=()
serve() { # ARGUMENT…
	rm -f server.in server.out
	mkfifo server.in server.out
	{
		[ -z "${FEED-}" ] || exec {FEED}>&-
		exec python3 "$HTTPD" --port "$PORT" "${HONOUR[@]}" log "$@"
	} <server.in >server.out 3>&- &
	SERVER_PID=$!
	exec {SERVER}>server.in
	IFS= read -rt 10 PORT <server.out
	URL=http://127.0.0.1:$PORT/in
}
unserve() {
	kill -9 $SERVER_PID
	wait $SERVER_PID || true
	exec {SERVER}>&-
}

numbers() { # FROM TO
	seq "$1" "$2" | sed 's/.*/{"n":&}/'
}

# The next run's first line: it begins where ck/commit is.
INCARNATION=0123456789abcdef0123456789abcdef
runs=0
next_run() {
	local epoch=0 of=0000000000000000
	if [ ! -d ck ]; then
		mkdir -m 700 ck
		echo $INCARNATION >ck/incarnation
	fi
	if [ -e ck/commit ]; then
		epoch=$(head -n 1 ck/commit | jq .epoch)
		of=$(head -n 1 ck/commit | jq -r .run)
	fi
	((++runs))
	RUN=$(printf '%016x' $runs)
	EPOCH=$epoch
	OPEN=$(printf '{"$dd":{"run":"%s","open":{"v":1,"pipeline":"p","incarnation":"%s","epoch":%s,"of":"%s"}}}' \
		"$RUN" $INCARNATION "$epoch" "$of")
}

# A barrier as a source writes it. What it says of records is not compared: --changed.
mark_epoch() { # [LAST]
	((++EPOCH))
	printf '{"$dd":{"run":"%s","barrier":%s,"stages":[{"name":"source","in":0,"out":0,"made":0,"reasons":{},"hash_in":"0000000000000000","hash_out":"0000000000000000","durable":true}]%s}}\n' \
		"$RUN" $EPOCH "${1-}"
}
END=',"last":"end"'
ONCE=',"last":"pause","by":"once"'
SIGNAL=',"last":"pause","by":"signal"'

# One run over the records of stdin: an epoch, the last.
run_to() { # STATUS LAST OPTION…
	local status=$1 last=$2
	shift 2
	next_run
	{ echo "$OPEN"; cat; mark_epoch "$last"; } >in
	expect "$status" dd-deliver --checkpoint ck --changed --backoff 10ms "$@" "$URL" <in
}

# A run that is fed line by line, at descriptor FEED.
begin() { # OPTION…
	next_run
	rm -f feed
	mkfifo feed
	dd-deliver --checkpoint ck --changed --backoff 10ms "$@" "$URL" <feed 2>err 3>&- &
	DELIVER=$!
	exec {FEED}>feed
	echo "$OPEN" >&"$FEED"
}
ends_with() { # STATUS
	local status=0
	exec {FEED}>&-
	wait $DELIVER || status=$?
	equal "$1" "$status"
}
# The same, but by itself: its input stays open.
stops_with() { # STATUS
	local status=0
	wait $DELIVER || status=$?
	exec {FEED}>&-
	equal "$1" "$status"
}
kill_deliver() {
	kill -9 $DELIVER
	ends_with 137
}
sender() { pgrep -P $DELIVER; }

committed() { # EPOCH
	[ "$(head -n 1 ck/commit | jq .epoch)" = "$1" ]
}
requests() { # COUNT
	[ "$(wc -l <log)" -ge "$1" ]
}

# The numbers that the server took, each request that had an effect one line.
taken() {
	jq -c 'select(.status == 200 and (.repeat | not)) | [.body | splits("\n") | select(. != "") | fromjson.n]' log
}
# Each of 1…COUNT arrived once and in order.
all_taken() { # COUNT
	seq "$1" | diff -u - <(taken | jq '.[]')
}
# What has one key is the same bytes, and what is the same bytes has one key.
keys_hold() {
	equal 0 "$(jq -s '[group_by(.key)[] | [.[].body] | unique | length | select(. != 1)] | length' log)"
	equal 0 "$(jq -s '[group_by(.body)[] | [.[].key] | unique | length | select(. != 1)] | length' log)"
	equal 0 "$(jq -s '[.[] | select(.status == 422 or .key == null)] | length' log)"
}
letters() {
	cat ck/dlq/*.ndjson
}

@test "records are spooled, committed and sent, and an empty run sends nothing" {
	serve
	run_to 0 "$END" --batch 5 < <(numbers 1 12)
	all_taken 12
	equal "5 5 2" "$(taken | jq length | paste -sd ' ')"
	tail -n 2 err >told
	same told <<'EOF'
dd-deliver: in 12 = spooled 12; out 12
dd-deliver: sent 12, rejected 0 of 12
EOF
	run_to 0 "$END" </dev/null
	requests 4 && return 1
	keys_hold
}

@test "a key names incarnation, segment, offset and length" {
	serve
	run_to 0 "$END" --batch 2 < <(numbers 1 4)
	# the frames' heads are 57 bytes
	jq -r .key log >got
	same got <<EOF
"$INCARNATION-0000000000000001.1-57-16"
"$INCARNATION-0000000000000001.1-130-16"
EOF
}

@test "what waits is sent by the next start, cut as it was, whatever the options are" {
	serve
	unserve
	run_to 0 "$SIGNAL" --batch 2 < <(numbers 1 6)
	has err "in 6 = spooled 6; out 6" "sent 0, rejected 0 of 6; 6 wait in the spool"
	committed 1
	serve
	run_to 0 "$END" --batch 100 --batch-bytes 1MiB < <(numbers 7 9)
	equal "[1,2] [3,4] [5,6] [7,8,9]" "$(taken | paste -sd ' ')"
	has err "sent 9, rejected 0 of 9"
	keys_hold
}

@test "a receiver that does not answer holds no commit" {
	serve '{"status":200,"hold":"go"}'
	begin --batch 1
	for epoch in 1 2 3; do
		numbers $epoch $epoch >&"$FEED"
		mark_epoch >&"$FEED"
		wait_for committed $epoch
	done
	wait_for requests 1
	equal 1 "$(wc -l <log)"
	touch go
	mark_epoch "$END" >&"$FEED"
	ends_with 0
	all_taken 3
}

@test "kill -9 of dd-deliver: what was on its way comes again, the same, and nothing else does" {
	serve '{"status":200}' '{"status":200,"hold":"go"}'
	begin --batch 2
	numbers 1 8 >&"$FEED"
	mark_epoch >&"$FEED"
	wait_for requests 2
	kill_deliver
	touch go
	run_to 0 "$END" --batch 3 < <(numbers 9 10)
	jq -c '.body' log >bodies
	equal 6 "$(wc -l <bodies)"
	equal 5 "$(sort -u bodies | wc -l)"
	equal "$(sed -n 2p bodies)" "$(sed -n 3p bodies)"
	keys_hold
}

@test "kill -9 of dd-deliver: a server that honours the key has each record once" {
	HONOUR=(--honour-keys)
	serve '{"status":200}' '{"status":200,"hold":"go"}'
	begin --batch 2
	numbers 1 8 >&"$FEED"
	mark_epoch >&"$FEED"
	wait_for requests 2
	kill_deliver
	touch go
	run_to 0 "$END" < <(numbers 9 10)
	equal 1 "$(jq -s 'map(select(.repeat)) | length' log)"
	all_taken 10
}

@test "kill -9 of the sender ends the pipeline with 75, and of its helper with 70" {
	HONOUR=(--honour-keys)
	serve '{"status":200,"hold":"go1"}' '{"status":200,"hold":"go2"}'
	begin --batch 2
	numbers 1 4 >&"$FEED"
	mark_epoch >&"$FEED"
	wait_for requests 1
	kill -9 "$(sender)"
	stops_with 75
	has err "the sender was killed by signal 9"
	touch go1
	begin
	wait_for requests 3 # the repeated one and the next
	kill -9 "$(pgrep -P "$(sender)")"
	stops_with 70
	has err "sink-http was killed by signal 9"
	touch go2
	run_to 0 "$END" </dev/null
	all_taken 4
	keys_hold
}

@test "helper and sender do not outlive dd-deliver, and hold the lock while they live" {
	serve '{"status":200,"hold":"go"}'
	begin
	numbers 1 1 >&"$FEED"
	mark_epoch >&"$FEED"
	wait_for requests 1
	local sender helper
	sender=$(sender)
	helper=$(pgrep -P "$sender")
	kill_deliver
	gone() { ! kill -0 "$sender" 2>/dev/null && ! kill -0 "$helper" 2>/dev/null; }
	wait_for gone
	flock -n ck/stages/deliver/lock true
}

@test "a server that dies without an answer gets the same again" {
	serve '{"close":true}' '{"status":200}' '{"close":true}'
	run_to 0 "$END" --batch 2 < <(numbers 1 4)
	equal "0 200 0 200" "$(jq .status log | paste -sd ' ')"
	all_taken 4
	keys_hold
}

@test "a server that is gone for a while is waited for" {
	serve
	begin --batch 1
	numbers 1 1 >&"$FEED"
	mark_epoch >&"$FEED"
	wait_for requests 1
	unserve
	numbers 2 4 >&"$FEED"
	mark_epoch >&"$FEED"
	wait_for grep -q "trying again" err
	committed 2
	serve
	mark_epoch "$END" >&"$FEED"
	ends_with 0
	all_taken 4
}

@test "a record that is refused is one letter, and says where it was" {
	serve '{"when_body_has":"\"n\":3}","status":400,"body":"no threes"}'
	run_to 0 "$END" --batch 8 < <(numbers 1 8)
	equal "1 2 4 5 6 7 8" "$(taken | jq '.[]' | paste -sd ' ')"
	has err "in 8 = spooled 8; out 8" "sent 7, rejected 1 of 8"
	letters | jq -c '[.reason, .detail, .stage, .source, .record]' >got
	same got <<'EOF'
["http_400","400 no threes","deliver",{"name":"spool.0000000000000001.000001","line":3,"offset":73},{"n":3}]
EOF
	equal 1 "$(letters | jq -r .id | grep -c '^deliver-spool.0000000000000001.000001.0000000000000000-1-')"
	run_to 0 "$END" </dev/null
	equal 1 "$(letters | wc -l)"
	equal '{"stage":"deliver","reason":"http_400","count":1}' "$(dd-dlq count ck/dlq)"
	equal "" "$(find ck/dlq -name '.*.partial')"
}

@test "kill -9 in the middle of a bisection: it goes on with the very piece" {
	# 3 is refused; [5…8] is on its way when all is killed
	HONOUR=(--honour-keys)
	serve '{"when_body_has":"\"n\":3}","status":400}' \
		'{"when_body_has":"\"n\":8}","status":200,"hold":"go"}'
	begin --batch 8
	numbers 1 8 >&"$FEED"
	mark_epoch >&"$FEED"
	wait_for grep -q '"body": "{\\"n\\":5}' log
	kill_deliver
	equal "" "$(find ck/dlq -name '*.ndjson' ! -name '.*')"
	touch go
	run_to 0 "$END" </dev/null
	equal "1 2 4 5 6 7 8" "$(taken | jq '.[]' | paste -sd ' ')"
	equal "[5,6,7,8]" "$(jq -c 'select(.repeat) | [.body | splits("\n") | select(. != "") | fromjson.n]' log)"
	equal '{"n":3}' "$(letters | jq -c .record)"
	keys_hold
}

@test "letters that a crash left are published if they are in the journal, else forgotten" {
	serve '{"when_body_has":"\"n\":3}","status":400}'
	run_to 0 "$SIGNAL" --batch 4 < <(numbers 1 4)
	if [ ! -e ck/dlq ] || ! letters >published 2>/dev/null; then
		run_to 0 "$END" </dev/null # the pause came before the last answer
		letters >published
	fi
	local visible
	visible=$(basename ck/dlq/*.ndjson .ndjson)
	mv "ck/dlq/$visible.ndjson" "ck/dlq/.${INCARNATION:0:16}.$visible.partial"
	echo '{"id":"x"}' >"ck/dlq/.${INCARNATION:0:16}.deliver.spool.0000000000000001.000001.0000000000001000.partial"
	run_to 0 "$END" </dev/null
	letters | cmp - published
	equal "" "$(find ck/dlq -name '.*.partial')"
}

@test "a full spool holds the input, says so once, and goes on" {
	serve '{"status":200}' '{"status":200,"hold":"go"}'
	begin --batch 10 --spool-max 1KiB
	numbers 1 20 >&"$FEED"
	mark_epoch >&"$FEED"
	wait_for requests 2
	{ numbers 21 400; mark_epoch; } >&"$FEED"
	wait_for grep -q "the spool is full" err
	committed 1
	touch go
	wait_for committed 2
	mark_epoch "$END" >&"$FEED"
	ends_with 0
	equal 1 "$(grep -c 'the spool is full' err)"
	all_taken 400
}

@test "an epoch that is larger than the spool may be is taken whole" {
	serve
	run_to 0 "$END" --batch 10 --spool-max 1 < <(numbers 1 100)
	all_taken 100
	lacks err "is full"
}

@test "once: the spool is worked for --retry-for, and 75 says what is left" {
	serve
	unserve
	run_to 75 "$ONCE" --batch 2 --retry-for 200ms < <(numbers 1 5)
	has err "5 records wait in the spool: the next start sends them" "connection: "
	committed 1
	run_to 75 "$ONCE" --retry-for 0 < <(numbers 6 6)
	has err "6 records wait"
	serve '{"when_body_has":"\"n\":5}","status":503}'
	run_to 75 "$ONCE" --retry-for 0 </dev/null
	has err "2 records wait"
	unserve
	serve
	run_to 0 "$ONCE" </dev/null
	all_taken 6
}

@test "end: it gives up with 69, and the next start empties the spool" {
	serve
	unserve
	run_to 69 "$END" --retry-for 100ms < <(numbers 1 5)
	has err "with 5 records left in the spool" "in 5 = spooled 5"
	committed 1
	run_to 69 "$END" --retries 2 </dev/null
	has err "gave up at try 3"
	serve
	run_to 0 "$END" </dev/null
	all_taken 5
}

@test "signal: the answer in hand is waited for, the rest is left" {
	serve '{"status":200,"hold":"go"}'
	begin --batch 2
	numbers 1 6 >&"$FEED"
	mark_epoch >&"$FEED"
	wait_for requests 1
	mark_epoch "$SIGNAL" >&"$FEED"
	wait_for committed 2
	touch go
	ends_with 0
	equal 1 "$(wc -l <log)"
	has err "sent 2, rejected 0 of 6; 4 wait in the spool"
	run_to 0 "$END" </dev/null
	all_taken 6
	equal 3 "$(wc -l <log)"
}

@test "what a run that committed nothing has sent is not sent again" {
	serve
	unserve
	run_to 0 "$SIGNAL" --batch 2 < <(numbers 1 6)
	serve '{"when_body_has":"\"n\":5}","status":200,"hold":"go"}'
	for requests in 3 4; do # of two such runs
		begin
		wait_for requests $requests
		kill_deliver
	done
	committed 1
	touch go
	run_to 0 "$END" </dev/null
	equal "[1,2] [3,4] [5,6] [5,6] [5,6]" "$(taken | paste -sd ' ')"
	keys_hold
}

@test "other inputs do not forget what waits" {
	serve
	unserve
	run_to 0 "$SIGNAL" < <(numbers 1 3)
	serve
	next_run
	{ echo "${OPEN%\}\}\}},\"new\":true}}}"; numbers 4 5; mark_epoch "$END"; } >in
	expect 0 dd-deliver --checkpoint ck --changed "$URL" <in
	all_taken 5
}

@test "another kind of destination is refused while records wait" {
	serve
	unserve
	run_to 0 "$SIGNAL" < <(numbers 1 3)
	URL=file:out run_to 78 "$END" --take-over </dev/null
	has err "wait in the spool"
	URL=- run_to 78 "$END" </dev/null
	serve
	run_to 0 "$END" </dev/null
	URL=file:out run_to 0 "$END" --take-over < <(numbers 4 4)
	equal '{"n":4}' "$(cat out)"
	all_taken 3
}

@test "--rewind with --take-over: what waits of kept epochs is sent, what came since comes again" {
	serve '{"when_body_has":"\"n\":2}","status":503}'
	run_to 0 "$SIGNAL" --batch 1 < <(numbers 1 3)
	run_to 0 "$SIGNAL" --batch 1 < <(numbers 4 5)
	run_to 78 "$END" --rewind 1 </dev/null
	run_to 75 "$END" --rewind 1 --take-over </dev/null
	committed 1
	unserve
	serve
	run_to 0 "$END" --batch 1 < <(numbers 4 6)
	all_taken 6
}

@test "a damaged byte in the spool is named and never sent" {
	serve
	unserve
	run_to 0 "$SIGNAL" --batch 2 < <(numbers 1 6)
	local spool=ck/stages/deliver/spool.$RUN.000001
	sed -i 's/"n":3/"n":8/' "$spool"
	serve
	begin
	stops_with 74
	has err "'$spool' is damaged at byte 73: the checksum of a frame is wrong"
	equal "[1,2]" "$(taken)"
	begin
	stops_with 74
	sed -i 's/"n":8/"n":3/; s/^#0/#1/' "$spool"
	begin
	stops_with 74
	has err "'$spool' is damaged at byte 73"
	equal "[1,2]" "$(taken)"
	sed -i 's/^#1/#0/' "$spool"
	run_to 0 "$END" </dev/null
	all_taken 6
}

@test "a damaged journal is named; its torn last line is not there" {
	serve '{"status":200}' '{"status":200}' '{"status":200,"hold":"go"}'
	begin --batch 2
	numbers 1 8 >&"$FEED"
	mark_epoch >&"$FEED"
	wait_for requests 3
	kill_deliver
	touch go
	local journal=ck/stages/deliver/acked.$RUN.000001
	cp "$journal" kept
	sed -i '1s/"end"/"ent"/' "$journal"
	begin
	stops_with 74
	has err "'$journal' is damaged at byte 0"
	head -c -5 kept >"$journal"
	begin
	mark_epoch "$END" >&"$FEED"
	ends_with 0
	# the torn one and the one that was on its way
	equal "[1,2] [3,4] [5,6] [3,4] [5,6] [7,8]" "$(taken | paste -sd ' ')"
	keys_hold
}

@test "--at-least-once sends before the commit" {
	serve
	begin --at-least-once
	numbers 1 3 >&"$FEED"
	wait_for requests 1
	[ ! -e ck/commit ]
	kill_deliver
	run_to 0 "$END" --at-least-once < <(numbers 1 5)
	equal "1 2 3 1 2 3 4 5" "$(taken | jq '.[]' | paste -sd ' ')"
}

@test "what is sent is deleted when no kept record names it" {
	serve
	for epoch in 1 2 3 4 5; do
		run_to 0 "$END" --keep-checkpoints 2 < <(numbers $epoch $epoch)
	done
	all_taken 5
	equal 2 "$(find ck -name 'spool.*' | wc -l)"
	equal 2 "$(find ck -name 'acked.*' | wc -l)"
}

@test "a helper that fails for good ends the pipeline with its status" {
	mkdir bin
	cp "$(command -v dd-deliver)" bin/
	cat >bin/sink-script <<'EOF'
#!/usr/bin/env python3
import json, sys, zlib
def say(kind, message):
    text = json.dumps(message).encode()
    sys.stdout.buffer.write(b"%s %d %08x\n" % (kind.encode(), len(text), zlib.crc32(text)) + text)
    sys.stdout.buffer.flush()
say("hello", {"protocol": 1, "can": ["batch"], "max_records": 9, "max_bytes": 999, "sink": "script"})
while True:
    kind, length, crc = sys.stdin.buffer.readline().decode().split(" ")
    sys.stdin.buffer.read(int(length))
    if kind == "open":
        say("ready", {})
    elif kind == "end":
        say("done", {})
        sys.exit(0)
    else:
        say("failed", {"exit": 77, "why": "the account is closed"})
        sys.exit(77)
EOF
	chmod +x bin/sink-script
	PATH=$PWD/bin:$PATH
	URL=script:x
	begin
	numbers 1 3 >&"$FEED"
	mark_epoch >&"$FEED"
	stops_with 77
	has err "sink-script: the account is closed" "sent 0, rejected 0 of 3; 3 wait in the spool"
	equal '"the account is closed"' "$(head -n 1 ck/last-failure | jq '.why | split(": ")[1]')"
}

@test "twelve times killed, each time another process and in another place" {
	HONOUR=(--honour-keys)
	serve '{"when_body_has":"7}","status":400}'
	local round victim
	for round in 1 2 3 4 5 6 7 8 9 10 11 12; do
		begin --batch $((round % 3 + 2))
		numbers $((round * 10 - 9)) $((round * 10)) >&"$FEED"
		mark_epoch >&"$FEED"
		wait_for committed "$EPOCH"
		wait_for requests $((round * 7))
		case $((round % 3)) in
		0) victim=$DELIVER ;;
		1) victim=$(sender) || victim=$DELIVER ;;
		2) victim=$(pgrep -P "$(sender)") || victim=$DELIVER ;;
		esac
		kill -9 "$victim"
		exec {FEED}>&-
		wait $DELIVER || true
	done
	run_to 0 "$END" </dev/null
	seq 120 | grep -v '7$' | diff -u - <(taken | jq '.[]')
	equal "$(seq 120 | grep '7$' | paste -sd ' ')" "$(letters | jq .record.n | sort -n | paste -sd ' ')"
	keys_hold
}
