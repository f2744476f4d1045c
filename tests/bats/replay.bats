#!/usr/bin/env bats
# dd-dlq replay as a source under a checkpoint, and resolutions: each letter's effect once, resolved
# once, and not before the commit. Oracles: sqlite3, jq, comm.
# shellcheck disable=SC2034 # bats reads what the tests set

load helper

teardown() {
	exec 5>&- 7>&-
	[ -z "${source-}" ] || end_all
}

letters() { # FROM TO
	seq "$1" "$2" | jq -c '{n:.}' | dd-dlq take --quiet store --reason checked
}

# The replay pipeline into $sink; each process's ID is kept, so that a test ends only its own.
pipeline() { # [OPTION…]
	rm -f pipe
	mkfifo pipe
	dd-dlq replay --quiet store --checkpoint cp "$@" >pipe 2>source.err 3>&- &
	source=$!
	dd-deliver --quiet --checkpoint cp "$sink" <pipe 2>sink.err 3>&- &
	deliver=$!
}

finish() { # [OPTION…]
	local status=0
	pipeline "$@"
	wait $source || status=$?
	wait $deliver || status=$?
	[ $status = 0 ] || cat source.err sink.err
	return $status
}

fails() { # STATUS
	local status=0
	finish >finish.err || status=$?
	equal "$1" "$status"
}

end_all() {
	kill -KILL $source $deliver 2>kill.err || :
	wait $source $deliver 2>wait.err || :
}

# The sink ends what it has begun.
kill_source() {
	kill -KILL $source
	wait $source $deliver 2>wait.err || :
}

delivered() {
	if [[ $sink == sqlite:* ]]; then
		[ ! -e db ] || sqlite3 db 'select n from t' 2>sqlite.err | sort
	else
		# what lies behind the committed length is of no epoch
		[ ! -e out.ndjson.commit ] ||
			head -c "$(head -n 1 out.ndjson.commit | jq .bytes)" out.ndjson | jq .n | sort
	fi
}

# The records of the letters that are resolved, from the file itself.
resolved() {
	[ ! -e store/resolved.ndjson ] ||
		jq -rn --slurpfile r store/resolved.ndjson '
			($r | map({(.id): true}) | add // {}) as $is
			| inputs | select($is[.id]) | .record.n' store/[!.r]*.ndjson | sort
}

resolved_once() {
	equal "" "$(jq -c '[.id, .segment]' store/resolved.ndjson | sort | uniq -d)"
}

epoch() {
	if [ -e cp/commit ]; then head -n 1 cp/commit | jq .epoch; else echo 0; fi
}
epoch_is_past() { # N
	[ "$(epoch)" -gt "$1" ]
}
some_resolved() { # N
	[ "$(wc -l <store/resolved.ndjson)" -ge "$1" ]
}

each_sink() { # FUNCTION
	local s
	for s in 'sqlite:db?table=t' file:out.ndjson; do
		sink=$s
		rm -rf store cp db out.ndjson*
		"$1" || {
			echo "with $sink"
			return 1
		}
	done
}

@test "a letter is sent once and resolved once" {
	once() {
		letters 1 5
		finish
		equal "$(seq 1 5)" "$(delivered)"
		equal "$(seq 1 5)" "$(resolved)"
		equal '"cp" 1 5' "$(head -n 1 store/resolved.ndjson |
			jq -r '"\"\(.by.pipeline)\" \(.by.epoch) \(length)"')"
		equal "$(head -n 1 cp/ledger.ndjson | jq -r .run)" \
			"$(head -n 1 store/resolved.ndjson | jq -r .by.run)"
		equal "" "$(dd-dlq ls store)"
		equal 5 "$(dd-dlq ls --resolved store | wc -l)"
		equal "" "$(dd-dlq replay --plain --quiet store)"
		equal "$(seq 1 5)" "$(dd-dlq replay --plain --quiet --resolved store | jq .n)"

		# nothing has come: an empty epoch; then what has come, and only that
		finish
		equal 2 "$(epoch)"
		letters 6 7
		finish
		equal 3 "$(epoch)"
		equal "$(seq 1 7)" "$(delivered)"
		equal "$(seq 1 7)" "$(resolved)"
		resolved_once
	}
	each_sink once
}

@test "killed before a commit nothing is resolved, and all is sent again" {
	before() {
		letters 1 5
		pipeline --rate 1/h --every 1h
		wait_for compgen -G 'cp/stages/replay/sent.*'
		kill_source
		has sink.err "stdin ended without"
		equal "" "$(resolved)"
		equal 0 "$(epoch)"
		finish
		equal "$(seq 1 5)" "$(delivered)"
		equal "$(seq 1 5)" "$(resolved)"
		resolved_once
	}
	each_sink before
}

@test "killed between epochs: what is resolved is at the destination, and all is once at the end" {
	between() {
		local victim round=0
		letters 1 40
		for victim in source deliver both source both deliver; do
			round=$((round + 1))
			pipeline --rate 100/s --every 5ms
			wait_for epoch_is_past $((round * 2))
			case $victim in
			source) kill -KILL $source ;;
			deliver) kill -KILL $deliver ;;
			both) kill -KILL $source $deliver ;;
			esac
			wait $source $deliver 2>wait.err || :
			resolved >is_resolved
			delivered >is_delivered
			equal "" "$(comm -23 is_resolved is_delivered)"
			equal "" "$(uniq -d is_delivered)"
		done
		# a sink that died behind its destination's commit says so once
		finish || finish
		equal "$(seq 1 40 | sort)" "$(delivered)"
		equal "$(seq 1 40 | sort)" "$(resolved)"
		resolved_once
	}
	each_sink between
}

# The replay sends all it has and can't resolve it: 7 holds the lock. It is killed when all is
# committed.
commit_unresolved() {
	local epoch
	epoch=$(epoch)
	: >>store/resolved.ndjson
	exec 7<store/resolved.ndjson
	pipeline --rate 4/s --every 1h
	wait_for compgen -G 'cp/stages/replay/sent.*'
	flock 7
	wait_for epoch_is_past "$epoch"
	kill -KILL $source
	wait $source || :
	wait $deliver
	exec 7<&-
}

@test "killed between the commit and the resolution: the next start resolves" {
	behind() {
		letters 1 5
		commit_unresolved
		equal "$(seq 1 5)" "$(delivered)"
		equal "" "$(resolved)"
		equal 5 "$(dd-dlq ls store | wc -l)"

		# what a crash has left of a line is cut
		printf '{"id":"torn' >>store/resolved.ndjson
		equal 5 "$(dd-dlq ls store | wc -l)"
		finish
		equal "$(seq 1 5)" "$(delivered)"
		equal "$(seq 1 5)" "$(resolved)"
		resolved_once
		lacks <(ls cp/stages/replay) sent
	}
	each_sink behind
}

@test "killed between two resolutions: the next start makes the others" {
	sink='sqlite:db?table=t'
	letters 1 5
	commit_unresolved
	# the first two are written, and half of the third
	head -n 2 cp/stages/replay/sent.* >store/resolved.ndjson
	sed -n 3p cp/stages/replay/sent.* | head -c 50 >>store/resolved.ndjson
	equal "$(seq 3 5)" "$(dd-dlq show store | jq .record.n)"
	finish
	equal "$(seq 1 5)" "$(delivered)"
	equal "$(seq 1 5)" "$(resolved)"
	resolved_once
}

@test "the destination has an epoch that the directory does not know of: resolved at the second start" {
	sink='sqlite:db?table=t'
	letters 1 5
	finish
	letters 6 9
	cp cp/commit commit
	commit_unresolved
	cp commit cp/commit
	fails 75
	equal 2 "$(epoch)"
	equal "$(seq 1 5)" "$(resolved)"
	finish
	equal "$(seq 1 9)" "$(delivered)"
	equal "$(seq 1 9)" "$(resolved)"
	resolved_once
}

@test "interrupted: the rest is sent by the next start, and what has come by the one after it" {
	stop() {
		letters 1 6
		pipeline --rate 1/h --every 20ms
		wait_for epoch_is_past 0
		kill -TERM $source
		wait $source
		wait $deliver
		equal 1 "$(delivered)"
		equal 1 "$(resolved)"
		letters 7 8
		finish
		equal "$(seq 1 6)" "$(delivered)"
		equal "$(seq 1 6)" "$(resolved)"
		finish
		equal "$(seq 1 8)" "$(delivered)"
		equal "$(seq 1 8)" "$(resolved)"
		resolved_once
	}
	each_sink stop
}

@test "an epoch that ends while a letter waits for its turn does not count the letter" {
	sink='sqlite:db?table=t'
	letters 1 3
	pipeline --rate 1/h --every 20ms
	wait_for epoch_is_past 2
	kill_source
	finish
	equal "$(seq 1 3)" "$(delivered)"
	equal "$(seq 1 3)" "$(resolved)"
}

@test "letters that are no records are skipped, counted and stay open" {
	sink=file:out.ndjson
	printf '{"n":1}\n{"n":\n{"n":2}\n' | dd-dlq take --quiet store --reason checked
	dd-dlq replay store --checkpoint cp 2>err | dd-deliver --quiet --checkpoint cp "$sink"
	has err "skipped, as it is malformed: letter take-" "in 3 = passed 2 + malformed 1; out 2"
	equal '{"n":' "$(dd-dlq show --raw store)"
	dd-dlq replay store --checkpoint cp 2>err | dd-deliver --quiet --checkpoint cp "$sink"
	has err "in 1 = passed 0 + malformed 1; out 0"
	equal "$(seq 1 2)" "$(delivered)"
}

@test "letters of a pipeline in flight are not there, and are once they are committed" {
	sink=file:out.ndjson
	mkfifo in middle
	dd-source --quiet --checkpoint first --dlq store --every 50ms - <in >middle 2>first.err 3>&- &
	feeder=$!
	exec 5>in
	# nobody reads the barriers of the first pipeline, so that nothing is committed
	exec 6<>middle
	for n in 1 2 3; do printf '{"n":%s\n' $n; done >&5
	wait_for compgen -G 'store/.*.partial'
	equal "" "$(dd-dlq ls store)"
	finish
	equal 1 "$(epoch)"
	dd-deliver --quiet --checkpoint first --dlq store file:first.out <middle 2>second.err \
		3>&- 5>&- 6>&- &
	other=$!
	exec 6>&- 5>&-
	wait $feeder
	wait $other
	equal 3 "$(dd-dlq ls store | wc -l)"
	dd-dlq replay store --checkpoint cp 2>err | dd-deliver --quiet --checkpoint cp "$sink"
	has err "in 3 = passed 0 + malformed 3; out 0"
}

@test "what the replaying pipeline fails at again is a new letter, and not of this run" {
	printf '{"n":1}\n{"n":2,"k":1}\n' | dd-dlq take --quiet store --reason checked
	for round in 1 2 3; do
		dd-dlq replay --quiet store --checkpoint cp |
			dd-dedupe --quiet -k k --checkpoint cp --dlq store |
			dd-deliver --quiet --checkpoint cp file:out.ndjson
		equal 1 "$(dd-dlq ls store | wc -l)"
		equal no_key "$(dd-dlq ls store | jq -r .reason)"
		equal $((round + 2)) "$(dd-dlq show store >open; dd-dlq show --resolved store |
			cat - open | jq -r .id | sort -u | wc -l)"
	done
	same out.ndjson <<<'{"n":2,"k":1}'
}

@test "letters of two pipelines that give them the same ID are two letters" {
	sink='sqlite:db?table=t'
	for dir in a b; do
		echo '{"n":1}' | dd-source --quiet --checkpoint $dir --dlq store - |
			dd-dedupe --quiet --checkpoint $dir --dlq store -k k |
			dd-deliver --quiet --checkpoint $dir file:$dir.out
	done
	equal 1 "$(dd-dlq ls store | jq -r .id | sort -u | wc -l)"
	finish --limit 1
	equal 1 "$(delivered | wc -l)"
	equal 1 "$(dd-dlq ls store | wc -l)"
	finish
	equal 2 "$(delivered | wc -l)"
	equal "" "$(dd-dlq ls store)"
}

@test "a destination that goes back has its letters open again" {
	sink=file:out.ndjson
	letters 1 2
	finish
	letters 3 4
	finish
	equal 2 "$(epoch)"
	status=0
	dd-dlq replay --quiet store --checkpoint cp 2>source.err |
		dd-deliver --quiet --checkpoint cp --rewind 1 "$sink" 2>sink.err || status=$?
	equal 75 $status
	equal 1 "$(epoch)"
	# until a commit nothing is said of it
	equal 4 "$(resolved | wc -l)"
	finish
	equal "$(seq 1 4)" "$(delivered)"
	equal 4 "$(dd-dlq ls --resolved store | wc -l)"
	equal 2 "$(jq -r 'select(.open) | .id' store/resolved.ndjson | wc -l)"
	finish
	equal "$(seq 1 4)" "$(delivered)"
	# a new directory knows nothing of that, and takes what is resolved as it is
	rm -rf cp out.ndjson*
	finish
	equal "" "$(delivered)"
}

@test "another choice of letters while a replay is under way is refused" {
	sink=file:out.ndjson
	letters 1 3
	pipeline --rate 1/h --every 20ms --where 'record.n > 1'
	wait_for epoch_is_past 0
	kill_source
	fails 78
	has source.err 'the replay that was begun is of letters with where "record.n > 1", not ""'
	finish --where 'record.n > 1'
	equal "$(seq 2 3)" "$(delivered)"
	finish
	equal "$(seq 1 3)" "$(delivered)"
}

@test "a limit holds over restarts, and IDs" {
	sink=file:out.ndjson
	letters 1 6
	pipeline --rate 1/h --every 20ms --limit 3
	wait_for epoch_is_past 0
	kill_source
	finish --limit 3
	equal "$(seq 1 3)" "$(delivered)"
	id=$(dd-dlq ls store | jq -r 'select(.source.line == 5).id')
	dd-dlq replay --quiet store "$id" --checkpoint cp |
		dd-deliver --quiet --checkpoint cp "$sink"
	dd-dlq replay --quiet store "$id" --checkpoint cp |
		dd-deliver --quiet --checkpoint cp "$sink"
	equal "$(printf '1\n2\n3\n5')" "$(delivered)"
	equal "$(printf '4\n6')" "$(dd-dlq show store | jq .record.n)"
}

@test "resolve: by IDs, by an expression, dry, all; two at a time" {
	letters 1 9
	id=$(dd-dlq ls store | jq -r 'select(.source.line == 5).id')
	expect 0 dd-dlq resolve --dry-run store
	same out <<<'{"resolve":9}'
	[ ! -e store/resolved.ndjson ]
	expect 0 dd-dlq resolve store "$id"
	same out <<<'{"resolved":1}'
	equal 5 "$(resolved)"
	equal "$(id -u)" "$(jq .by.uid store/resolved.ndjson)"
	expect 65 dd-dlq resolve store "$id"
	has err "letter '$id' is resolved"
	expect 65 dd-dlq show store "$id"
	expect 0 dd-dlq show --resolved store "$id"
	expect 0 dd-dlq resolve --where 'record.n < 5' store
	same out <<<'{"resolved":4}'
	dd-dlq resolve store >one &
	dd-dlq resolve store >two
	wait $!
	equal 4 "$(cat one two | jq -s 'map(.resolved) | add')"
	equal "$(seq 1 9)" "$(resolved)"
	resolved_once
}

@test "a letter that is resolved by hand while a replay is down is not sent" {
	sink=file:out.ndjson
	letters 1 4
	pipeline --rate 1/h --every 20ms
	wait_for epoch_is_past 0
	kill_source
	dd-dlq resolve --where 'record.n == 3' store >count
	finish
	equal "$(printf '1\n2\n4')" "$(delivered)"
	equal "$(seq 1 4)" "$(resolved)"
	resolved_once
}

@test "a damaged byte in resolved.ndjson is named, wherever it is" {
	letters 1 3
	dd-dlq resolve store >count
	cp store/resolved.ndjson good
	size=$(head -n 1 good | wc -c)
	for at in 1 9 60 $((size - 5)); do
		cp good store/resolved.ndjson
		byte=$(dd if=good bs=1 skip=$at count=1 status=none | tr '0-9a-z":{},' '1-90b-za:";},{')
		printf %s "$byte" | dd of=store/resolved.ndjson bs=1 seek=$at conv=notrunc status=none
		for verb in ls count resolve 'replay --plain'; do
			# shellcheck disable=SC2086
			expect 74 dd-dlq $verb store
			has err "'store/resolved.ndjson': line 1 is damaged"
		done
	done
}

@test "what can't go together" {
	letters 1 1
	expect 64 dd-dlq replay --resolved --checkpoint cp store
	has err "--resolved has no place there"
	expect 64 dd-dlq resolve --resolved store
	expect 64 dd-dlq ls --every 1s store
	expect 64 dd-dlq count --dry-run store
	expect 64 dd-dlq replay --plain --checkpoint cp store
	[ ! -e store/resolved.ndjson ]
}

@test "a damaged list of letters is named by dd-run --check and by the start" {
	sink=file:out.ndjson
	letters 1 3
	pipeline --rate 1/h --every 20ms
	wait_for epoch_is_past 0
	kill_source
	expect 0 dd-run --check cp
	printf x | dd of="$(echo cp/stages/replay/letters.*)" bs=1 seek=20 conv=notrunc status=none
	status=0
	dd-run --check cp >check || status=$?
	[ $status != 0 ]
	has check letters. "its checksum does not match"
	fails 74
	has source.err letters. "is damaged: its checksum does not match"
}

@test "a backup has the resolutions that are still to be made" {
	sink='sqlite:db?table=t'
	letters 1 5
	commit_unresolved
	dd-run --backup cp copy >backup.out
	rm -rf cp
	mv copy cp
	finish
	equal "$(seq 1 5)" "$(delivered)"
	equal "$(seq 1 5)" "$(resolved)"
}
