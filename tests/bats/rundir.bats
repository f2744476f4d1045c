#!/usr/bin/env bats
# What dd-run tells of a checkpoint directory, what it finds wrong, and its copies.
# shellcheck disable=SC2016 # $dd is no variable
load helper

# A pipeline that has run twice, with dead letters.
made() {
	printf '{"id":%d}\n' 1 2 2 3 >in
	printf '{"id":4}\n{"id":\n{"x":1}\n' >in2
	dd-run --checkpoint state 'dd-source -q in | dd-dedupe -q -k id | dd-deliver -q file:target'
	dd-run --checkpoint state 'dd-source -q in2 | dd-dedupe -q -k id | dd-deliver -q file:target'
}

# Changes a byte in the middle of a file.
spoil() { # FILE
	python3 - "$1" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 3] ^= 64
open(sys.argv[1], "wb").write(data)
END
}

record_of() { # STAGE: the record that the commit names
	local epoch run
	read -r epoch run < <(head -n 1 state/commit | jq -r '"\(.epoch) \(.run)"')
	printf 'state/stages/%s/%012d.%s.snapshot\n' "$1" "$epoch" "$run"
}

@test "the status in words and as JSON" {
	made
	expect 0 dd-run --status state
	has out 'pipeline      state' 'stages        source, dedupe, deliver' 'running       no' \
		'dead letters  dedupe: no_key 1, source: malformed 1' 'last failure  none'
	grep -qE "^incarnation   $(cat state/incarnation)\$" out
	grep -qE '^epoch         2, committed [0-9]+s ago \(20.*Z\) by run [0-9a-f]{16}$' out
	expect 0 dd-run --status state --pipeline orders --json
	equal '["orders",2,["source","dedupe","deliver"],false,[]]' \
		"$(jq -c '[.pipeline, .epoch, .stages, .under_dd_run, .running]' out)"
	equal "$(head -n 1 state/commit | jq .run)" "$(jq .run out)"
}

@test "the status while it runs" {
	made
	mkfifo pipe
	dd-run --checkpoint state 'cat pipe | cat' &
	pid=$!
	exec 9>pipe
	wait_for eval '! flock -n state/lock true'
	expect 0 dd-run --status state
	has out 'running       yes, under dd-run'
	exec 9>&-
	wait $pid
}

@test "how far the source is behind, and the watermark" {
	made
	# as a source keeps its position
	python3 - "$(record_of source)" <<'END'
import json, os, subprocess, sys
record = json.loads(open(sys.argv[1]).readline())
record["state"]["inputs"] = [{"name": "in", "dev": 0, "ino": os.stat("in").st_ino, "offset": 9},
    {"name": "in2", "dev": 0, "ino": 1, "offset": 20}, {"name": "gone", "offset": 1}]
record["state"]["watermark"] = "2026-01-01T00:00:00Z"
line = json.dumps(record)
open("line", "w").write(line)
END
	# a balance of one line has its XXH3-64 too
	hash=$(dd-source -q line | tail -n 1 | jq -r '.["$dd"].stages[0].hash_in')
	printf '%s\nxxh3:%s\n' "$(cat line)" "$hash" >sealed
	cp sealed "$(record_of source)"
	expect 0 dd-run --status state
	has out "behind        $(($(stat -c %s in) - 9 + $(stat -c %s in2))) bytes of input" \
		"$(stat -c %s in2) of 'in2', and what is left of the one before it" \
		'watermark     2026-01-01T00:00:00Z, '
}

@test "no directory of a pipeline" {
	mkdir empty
	expect 78 dd-run --status empty
	has err "'empty' is no checkpoint directory"
	expect 78 dd-run --backup empty to
	has err "'empty' is no checkpoint directory"
	expect 74 dd-run --check empty
	has out 'incarnation: it is not there'
}

@test "a sound directory is found sound, and left as it is" {
	made
	find state -type f -printf '%p %T@ %s\n' | sort >before
	expect 0 dd-run --check state
	equal 'all is well' "$(tail -n 1 out)"
	has out 'commit: epoch 2' 'ledger.ndjson: 2 lines' 'dlq: 2 letters'
	find state -type f -printf '%p %T@ %s\n' | sort | same before
}

@test "a changed byte in any file is found, and the file named" {
	made
	cp -R state kept
	letters=$(find state/dlq -name '*.ndjson' -printf '%f\n' | sort | head -n 1)
	for file in incarnation commit ledger.ndjson "$(record_of source)" "$(record_of dedupe)" \
		"$(record_of deliver)"; do
		file=${file#state/}
		rm -rf state && cp -R kept state
		spoil "state/$file"
		expect 74 dd-run --check state
		grep -q "^damaged .*$(basename "$file")" out
		grep -q '^damaged: ' out
	done
	rm -rf state && cp -R kept state
	head -c 20 "kept/dlq/$letters" >"state/dlq/$letters"
	echo >>"state/dlq/$letters"
	expect 74 dd-run --check state
	has err "$letters"
}

@test "a changed byte in the state of a stage is found" {
	made
	state=$(find state/stages/dedupe -name 'state.*' | head -n 1)
	[ -n "$state" ] || skip 'dd-dedupe keeps none'
	spoil "$state"
	expect 74 dd-run --check state
	grep -q "^damaged .*$(basename "$state"): the state relies on [0-9]* bytes of it, but at byte" out
}

@test "what is missing, cut off, of elsewhere or open to others" {
	made
	cp -R state kept
	again() { rm -rf state && cp -R kept state; }
	rm "$(record_of dedupe)"
	expect 78 dd-run --check state
	has out 'inconsistent  stages/dedupe/: the commit is epoch 2, and the stage has no record of it'
	again
	rm -r state/stages/dedupe
	expect 78 dd-run --check state
	has out "the commit names stage 'dedupe', which is not there"
	again
	tr 0-9a-f 1-9a-f0 <kept/incarnation >state/incarnation
	expect 78 dd-run --check state
	has out 'inconsistent  commit: it is of incarnation'
	again
	rm state/commit
	expect 78 dd-run --check state
	has out 'inconsistent  ledger.ndjson: it ends at epoch 2'
	again
	chmod g+w state/stages
	expect 78 dd-run --check state
	has out 'inconsistent  stages: others can write it'
	again
	head -n 1 kept/ledger.ndjson >state/ledger.ndjson
	touch state/what state/stages/source/what state/commit.new
	expect 0 dd-run --check state
	has out 'note          what: unknown' 'note          stages/source/what: unknown' \
		'note          commit.new: a file that was not finished' \
		'ledger.ndjson: it ends at epoch 1, before the commit'
}

@test "a pipeline starts from a copy as from what was copied" {
	made
	cp target at-copy
	expect 0 dd-run --backup state copy
	has err "'copy' is a copy as of epoch 2"
	expect 0 dd-run --check copy
	equal 0 "$(find copy -perm /077 | wc -l)"
	diff -r state/dlq copy/dlq
	cmp state/ledger.ndjson copy/ledger.ndjson
	mv state lost
	mv copy state
	expect 0 dd-run --checkpoint state 'dd-source -q in2 | dd-dedupe -q -k id | dd-deliver -q file:target'
	cmp target at-copy
	expect 0 dd-run --check state
}

@test "a copy has nothing that is later than its commit" {
	made
	read -r run < <(head -n 1 state/commit | jq -r .run)
	late=state/dlq/source.$run.000000000003.ndjson
	cp "$(find state/dlq -name '*.ndjson' | head -n 1)" "$late"
	cp "$late" "state/dlq/.aa.source.$run.000000000002.partial"
	cp "$late" "state/dlq/.aa.source.$run.000000000003.partial"
	cp "$late" "state/dlq/.aa.source.00000000000000aa.000000000002.partial"
	echo '{"epoch":3,"run":"00000000000000aa"}' >>state/ledger.ndjson
	cp "$(record_of source)" "state/stages/source/000000000003.$run.snapshot"
	expect 0 dd-run --backup state copy
	equal 2 "$(wc -l <copy/ledger.ndjson)"
	equal 1 "$(find copy/stages/source -type f | wc -l)"
	find copy/dlq -name '*.partial' -printf '%f\n' | same <(echo ".aa.source.$run.000000000002.partial")
	[ ! -e "copy/dlq/${late##*/}" ]
}

@test "a copy goes where nothing is" {
	made
	mkdir full
	touch full/x
	expect 73 dd-run --backup state full
	has err "'full' is not empty"
	mkdir -m 755 there
	expect 0 dd-run -q --backup state there
	equal 700 "$(stat -c %a there)"
	rm "$(record_of source)"
	expect 74 dd-run --backup state other
	has err "what the commit of 'state' relies on is not there"
}

@test "--backup: copies of a pipeline that goes on meanwhile are whole, each of another epoch" {
	: >app.log
	dd-run --checkpoint D 'dd-source --follow --every 10ms app.log | dd-dedupe --key id |
		dd-watermark --time t --time-format s --bound 2s |
		dd-window --time t --time-format s --tumbling 5s --agg count | dd-deliver file:out' 2>err &
	local run=$! copy number epoch before=0
	for copy in 1 2 3 4 5 6 7 8; do
		for number in 1 2 3 4 5; do echo "{\"id\":$copy$number,\"t\":$((1767225600 + copy * 5 + number))}"; done >>app.log
		# the commit moves on between two copies, and during them
		wait_for eval '[ "$(head -n 1 D/commit | jq .epoch)" -gt $before ]'
		expect 0 dd-run --backup D copy.$copy
		expect 0 dd-run --check copy.$copy
		expect 0 dd-deliver --verify copy.$copy
		epoch=$(head -n 1 copy.$copy/commit | jq .epoch)
		[ "$epoch" -gt "$before" ]
		before=$epoch
	done
	kill -TERM $run
	wait $run
	expect 0 dd-run --check D
}

@test "--backup between a commit and its line in the ledger: the copy has the line" {
	for number in 1 2; do
		echo "{\"id\":$number}" >>in
		expect 0 dd-run --checkpoint D 'dd-source --once in | dd-deliver file:result'
	done
	cp D/ledger.ndjson whole
	sed -i '$d' D/ledger.ndjson
	expect 0 dd-run --backup D copy
	cmp whole copy/ledger.ndjson
	expect 0 dd-deliver --verify copy
	expect 0 dd-run --check copy

	# one that is further behind is none of a pipeline that runs
	: >D/ledger.ndjson
	expect 0 dd-run --backup D behind
	[ ! -s behind/ledger.ndjson ]
}
