#!/usr/bin/env bats
# Every step of the RUNBOOK in ddpipe-checkpoints(7), run as it stands there. What a step leads to is
# held against the records that an undisturbed run delivers, which are known beforehand.
load helper

page=$BATS_TEST_DIRNAME/../../man/ddpipe-checkpoints.7

# The N-th display below a heading of the RUNBOOK (of the RUNBOOK itself: "").
display() { # HEADING [N]
	awk -v heading="$1" -v n="${2:-1}" '
		/^\.Sh / { inside = $2 == "RUNBOOK"; here = inside && heading == "" }
		/^\.Ss / { here = inside && substr($0, 5) == heading }
		/^\.Ed/ { shown = 0 }
		shown { sub(/^\\&/, ""); gsub(/\\e/, "\\"); print; found = 1 }
		/^\.Bd/ { shown = here && ++seen == n }
		END { exit !found }' "$page"
}

# Runs the commands of a step in ./out and ./err; another epoch than the page's may stand for 41.
step() { # STATUS HEADING [N [EPOCH]]
	local want=$1 status=0
	display "$2" "${3:-1}" | sed "s/\b41\b/${4:-41}/g" >commands || {
		echo "the page has no display ${3:-1} below '$2'"
		return 1
	}
	timeout -k 5 60 bash -o pipefail commands >out 2>err || status=$?
	[ "$status" = "$want" ] || {
		echo "exit status $status, want $want: $(<commands)"
		cat err
		return 1
	}
}

# The page's pipeline, run once for each epoch: 1 has the records 1 and 2, 2 has 3, 3 has 4.
three_epochs() {
	display "" >orders
	chmod +x orders
	printf '%s\n' '{"id":1,"item":"tea"}' '{"id":2,"item":"rice"}' '{"id":1,"item":"tea"}' >orders.ndjson
	./orders 2>err
	order 3
	./orders 2>err
	order 4
	./orders 2>err
	delivered 1,2,3,4
}

order() { # ID…
	local id
	for id; do
		printf '{"id":%s,"item":"item %s"}\n' "$id" "$id" >>orders.ndjson
	done
}

# What is in the table, in the order that it came in.
delivered() { # ID,…
	equal "$1" "$(sqlite3 orders.db 'select group_concat(id) from (select id from orders order by rowid)')"
	dd-deliver --verify cp >verified
}

epoch() {
	head -n 1 cp/commit | jq .epoch
}

# The destination is a file.
into_file() {
	sed -i "s/'sqlite:[^']*'/file:orders.out/" orders
}

in_file() { # ID,…
	equal "$1" "$(jq -s 'map(.id) | join(",")' -r orders.out)"
	dd-deliver --verify cp >verified
}

# The process of a program of the pipeline that runs here.
pid_of() { # PROGRAM
	local pid
	for pid in $(pgrep -x "$1"); do
		[ "$(readlink "/proc/$pid/cwd")" != "$PWD" ] || echo "$pid"
	done | grep .
}

has_come() { # ID
	[ "$(sqlite3 orders.db "select count(*) from orders where id = $1")" = 1 ]
}

@test "runbook: start again after kill -9, whatever was killed" {
	three_epochs
	sed 's/--once/--follow --every 50ms/' orders >stream
	id=4
	for victim in dd-source dd-dedupe dd-deliver dd-run; do
		order $((++id))
		sh stream 2>err.stream &
		pipeline=$!
		wait_for has_come $id
		kill -9 "$(pid_of $victim | head -n 1)"
		status=0
		wait $pipeline || status=$?
		[ $status = 75 ] || [ $victim = dd-run ] || {
			echo "exit status $status after the death of $victim"
			cat err.stream
			return 1
		}
		order $((++id))
		wait_for eval '! pid_of dd-deliver'
		step 0 "Start it again" || step 0 "Start it again"
	done
	delivered 1,2,3,4,5,6,7,8,9,10,11,12
}

@test "runbook: see what happened" {
	three_epochs
	step 0 "See what happened" 2
	has out '3 epochs' '{"deliver":[1,1,{}]}'
	equal '[3,2,1]' "$(sed 1d out | jq -sc 'map(.[2].source[0]) | [.[0], (.[1:] | add), .[2]]')"
	# something to see: a record that is none
	echo '{"id":' >>orders.ndjson
	./orders 2>err
	cp orders orders.good
	sed -i 's/--key id/--key other/' orders
	expect 78 ./orders
	step 0 "See what happened" 1
	has out "epoch         4" "all is well" '"stage": "dedupe"' '"exit": 78' '"reason":"malformed","count":1'
	cp orders.good orders
	./orders 2>err
	delivered 1,2,3,4
}

@test "runbook: go back, where the destination can" {
	display "" >orders
	chmod +x orders
	into_file
	printf '%s\n' '{"id":1}' '{"id":2}' '{"id":1}' >orders.ndjson
	./orders 2>err
	for id in 3 4 5; do
		order $id
		./orders 2>err
	done
	in_file 1,2,3,4,5
	cp orders.out want
	step 0 "Go back" 1 3
	equal '2 3 4 ' "$(cut -f 1 out | tr '\n' ' ')"
	cmp want orders.out
	in_file 1,2,3,4,5
	equal 4 "$(epoch)"
	equal 3 "$(jq -r 'select(.rewind) | .epoch' cp/ledger.ndjson)"
}

@test "runbook: go back, with a copy of the destination" {
	three_epochs
	cp orders.db orders.db.3
	order 5
	./orders 2>err
	order 6
	./orders 2>err
	delivered 1,2,3,4,5,6
	expect 78 ./orders --rewind 3
	delivered 1,2,3,4,5,6
	step 0 "Go back" 2 3
	delivered 1,2,3,4,5,6
	dd-run --check cp >out
}

@test "runbook: go back without a copy: what came since comes again" {
	three_epochs
	expect 75 ./orders --rewind 2 --take-over
	./orders 2>err
	delivered 1,2,3,4,4
}

@test "runbook: an epoch that is not kept can't be gone back to" {
	three_epochs
	for id in 5 6; do
		order $id
		./orders 2>err
	done
	expect 78 ./orders --rewind 1 --take-over
	has err "epoch 1 is no longer kept"
	expect 78 ./orders --rewind 0 --take-over
	expect 78 ./orders --rewind 3
	./orders 2>err
	delivered 1,2,3,4,5,6
}

@test "runbook: start over" {
	three_epochs
	before=$(cat cp/incarnation)
	step 0 "Start over"
	delivered 1,2,3,4
	[ "$before" != "$(cat cp/incarnation)" ]
	equal 1 "$(epoch)"
	# half of it is refused, and changes nothing
	mv cp cp.old2
	expect 78 ./orders
	has err "belongs to another checkpoint directory"
	rm -r cp
	mv cp.old2 cp
	mv orders.db elsewhere.db
	expect 78 ./orders
	has err "holds nothing of this pipeline"
	mv elsewhere.db orders.db
	./orders 2>err
	delivered 1,2,3,4
}

@test "runbook: move to another machine" {
	three_epochs
	order 5
	mkdir there
	display "Move to another machine" 1 | sed "s|/there|$PWD/there|" >commands
	bash -e -o pipefail commands 2>err
	step 0 "Move to another machine" 2
	[ ! -e cp ]
	cd there
	delivered 1,2,3,4,5
	order 6
	./orders 2>err
	delivered 1,2,3,4,5,6
}

@test "runbook: make a backup of both and restore it" {
	three_epochs
	step 0 "Make a backup"
	cp -a orders.db orders.db.backup
	order 5 6
	./orders 2>err
	step 0 "Restore from a backup" 1
	delivered 1,2,3,4,5,6
	equal 4 "$(epoch)"
}

@test "runbook: restore the directory alone: what came since comes again" {
	three_epochs
	step 0 "Make a backup"
	order 5 6
	./orders 2>err
	mv cp cp.new
	cp -a cp.backup cp
	expect 78 ./orders
	has err "is ahead of this directory (it holds epoch 4, 'cp' is at 3)"
	step 0 "Restore from a backup" 2
	delivered 1,2,3,4,5,6,5,6
}

@test "runbook: restore the destination alone" {
	three_epochs
	cp -a orders.db orders.db.backup
	order 5
	./orders 2>err
	order 6
	./orders 2>err
	cp -a orders.db.backup orders.db
	expect 78 ./orders
	has err "is behind this directory (it holds epoch 3, 'cp' is at 5)"
	step 0 "Restore from a backup" 3 3
	delivered 1,2,3,4,5,6
}

@test "runbook: change an option" {
	three_epochs
	sed 's/--key id/--key order/' orders >other
	expect 78 sh other
	has err "--key is 'order', but the state of epoch 3 was made with 'id'"
	printf '%s\n' '{"order":7,"id":7}' '{"order":7,"id":8}' >>orders.ndjson
	step 0 "Change an option"
	delivered 1,2,3,4,7
	# --init may stay
	order_line='{"order":8,"id":9}'
	echo "$order_line" >>orders.ndjson
	./orders 2>err
	delivered 1,2,3,4,7,9
}

@test "runbook: add a stage and remove it" {
	three_epochs
	cp orders orders.before
	sed 's/dd-deliver/dd-dedupe --name first --key item | &/' orders >unsaid
	expect 78 sh unsaid
	has err "stage 'first' is not in the pipeline that committed epoch 3"
	printf '%s\n' '{"id":5,"item":"figs"}' '{"id":6,"item":"figs"}' >>orders.ndjson
	step 0 "Add a stage"
	delivered 1,2,3,4,5
	echo '{"id":7,"item":"figs"}' >>orders.ndjson
	./orders 2>err
	delivered 1,2,3,4,5
	# and the old pipeline again
	cp orders.before orders
	expect 78 ./orders
	has err "stage 'first' is gone from the pipeline since epoch 5"
	echo '{"id":8,"item":"figs"}' >>orders.ndjson
	./orders --forget first 2>err
	delivered 1,2,3,4,5,8
}

@test "runbook: remove a stage" {
	three_epochs
	order 4 5
	step 0 "Remove a stage"
	delivered 1,2,3,4,4,5
	order 6
	./orders --forget dedupe 2>err
	delivered 1,2,3,4,4,5,6
}

@test "runbook: rename a stage" {
	three_epochs
	order 4 5
	step 0 "Rename a stage"
	delivered 1,2,3,4,5
}

@test "runbook: change the destination" {
	three_epochs
	order 5
	sed "s/'sqlite:[^']*'/file:orders.out/" orders >unsaid
	expect 78 sh unsaid
	step 0 "Change the destination"
	in_file 5
	order 6
	./orders 2>err
	in_file 5,6
	delivered 1,2,3,4
}

@test "runbook: the disk is full" {
	mkdir small
	mount -t tmpfs -o size=1m none small 2>/dev/null || skip "cannot mount a small file system"
	cd small
	three_epochs
	order 5
	dd if=/dev/zero of=ballast bs=4k 2>/dev/null || true
	status=0
	./orders 2>../err || status=$?
	rm ballast
	[ "$status" = 74 ] || [ "$status" = 73 ] || {
		echo "exit status $status"
		cat ../err
		umount -l "$PWD"
		return 1
	}
	step 0 "The disk is full"
	delivered 1,2,3,4,5
	cd "$BATS_TEST_TMPDIR"
	umount small
}

# Turns the first digit of a file's first line into another one.
damage() { # FILE
	cp -a "$1" whole
	sed -i '1s/[0-9]/x/' "$1"
	! cmp -s whole "$1"
}

@test "runbook: a damaged snapshot: put back, or gone back from" {
	three_epochs
	snapshot=$(ls cp/stages/dedupe/000000000003.*.snapshot)
	damage "$snapshot"
	expect 74 ./orders
	has err "'$snapshot' is damaged: its checksum does not match"
	step 74 "A file is damaged" 1
	has out "damaged       stages/dedupe/$(basename "$snapshot")"
	cp -a whole "$snapshot"
	./orders 2>err
	delivered 1,2,3,4
	damage "$(ls cp/stages/dedupe/000000000004.*.snapshot)"
	order 5
	expect 74 ./orders
	expect 75 ./orders --rewind 3 --take-over
	./orders 2>err
	delivered 1,2,3,4,5
}

@test "runbook: a damaged file that a snapshot relies on" {
	three_epochs
	files=(cp/stages/dedupe/state.*)
	file=${files[0]}
	cp -a "$file" whole
	printf '\377' | dd of="$file" bs=1 seek=$(($(stat -c %s whole) - 1)) conv=notrunc 2>/dev/null
	order 5
	expect 74 ./orders
	has err "'$file' is damaged at byte"
	cp -a whole "$file"
	./orders 2>err
	delivered 1,2,3,4,5
}

@test "runbook: a damaged incarnation" {
	three_epochs
	order 5
	damage cp/incarnation
	expect 74 ./orders
	has err "'cp/incarnation' is damaged"
	step 0 "A file is damaged" 2
	cmp whole cp/incarnation
	./orders 2>err
	delivered 1,2,3,4,5
}

@test "runbook: a damaged last line of the ledger" {
	three_epochs
	order 5
	cp cp/ledger.ndjson whole
	sed -i '$s/{/x/' cp/ledger.ndjson
	expect 74 ./orders
	has err "the last line of 'cp/ledger.ndjson' is damaged"
	step 0 "A file is damaged" 3
	delivered 1,2,3,4,5
	head -n 3 cp/ledger.ndjson | cmp - whole
}

@test "runbook: a damaged commit is named, and a backup of it helps" {
	three_epochs
	step 0 "Make a backup"
	damage cp/commit
	expect 74 ./orders
	has err "'cp/commit' is damaged"
	cp -a orders.db orders.db.backup
	step 0 "Restore from a backup" 1
	delivered 1,2,3,4
}

@test "runbook: dead letters have piled up" {
	three_epochs
	printf '%s\n' '{"id":5,' '{"id":6}' >>orders.ndjson
	./orders 2>err
	step 0 "Late records or dead letters have piled up"
	equal '{"id":5,' "$(<bad.lines)"
	has out '{"stage":"source","reason":"malformed","count":1}'
	delivered 1,2,3,4,6
}

@test "files: what the page says may be deleted may be deleted" {
	three_epochs
	sed 's/--key id/--key other/' orders >other
	expect 78 sh other
	touch cp/commit.new cp/stages/dedupe/000000000004.8f3ab2c49d01e657.snapshot.new cp/incarnation.8f3ab2c49d01e657
	rm cp/lock cp/claim cp/last-failure cp/stages/*/lock cp/*.new cp/stages/*/*.new cp/incarnation.*
	order 4 5
	./orders 2>err
	delivered 1,2,3,4,5
	dd-run --check cp >out
}

@test "runbook: all displays of the page are run here" {
	sed -n '/^\.Sh RUNBOOK/,/^\.Sh EXAMPLES/p' "$page" | awk '/^\.Ss / { heading = substr($0, 5); n = 0 } /^\.Bd/ && heading { print heading "|" ++n }' >displays
	[ -s displays ]
	grep -oE '^[^#]*(step [0-9]+|display) "[^"]+"( [0-9]+)?' "$BATS_TEST_DIRNAME/runbook.bats" | sed -E 's/.*"([^"]+)" ?([0-9]*)$/\1|\2/; s/\|$/|1/' | sort -u >run
	sort displays | comm -23 - run | same /dev/null
}

# Every message under a checkpoint, by the longest piece of it that has no %.
@test "diagnostics: the page has every message of the modules that keep checkpoints" {
	lib=$BATS_TEST_DIRNAME/../../lib
	mandoc -T ascii -O width=1000 "$page" | col -b | tr -s ' \n' ' ' >text
	python3 - "$lib"/state/*.c "$lib"/tool/{epochs,commitment,destdir,destfile,batchfiles,handshake}.c >missing <<'END'
import re, sys

text = open("text").read()
for name in sys.argv[1:]:
    for call in re.finditer(r'\bdie(?:_errno)?\(\s*EX_(\w+),\s*((?:"(?:[^"\\]|\\.)*"\s*(?:PRI\w+\s*)?)+)', open(name).read()):
        if call.group(1) == "USAGE" and "dest" in name:
            continue  # the form of a URL
        message = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', call.group(2)))
        piece = max(re.split(r"%[-+ #0-9.*]*(?:ll|l|z|h)?[a-z]|%", message), key=len).strip(" '")
        if len(piece) < 12 or re.match("cannot (create|open|read|look at|cut|list|delete|write|sync|link|rename)|out of memory", message) and "which" not in message:
            continue
        if piece not in text:
            print(f"{name}: {piece}")
END
	same missing </dev/null
}
