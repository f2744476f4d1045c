#!/usr/bin/env bats
# Pipelines that share a checkpoint directory, from outside: what is in the directory, what is at the
# destination, what is refused. Destinations: a file where it does not matter which.
# shellcheck disable=SC2016,SC2153 # $dd is no variable; SOURCE, STAGE and TO are set by tests
load helper

export DDPIPE_CHECKPOINT=cp

# source | dedupe | deliver, each with what its variable adds; statuses of all in ./statuses, what
# they say in ./err. Exits as the sink does.
pipeline() { # [OPTION of dd-deliver…]
	# shellcheck disable=SC2086 # options
	{
		timeout 60 dd-source --once $SOURCE in.ndjson | dd-dedupe --key id $STAGE | dd-deliver "$@" "${TO:-file:got}"
		printf '%s ' "${PIPESTATUS[@]}" >statuses
	} 2>err
	awk '{ exit $NF }' statuses
}

goes() { # STATUS [OPTION…]
	local want=$1 status=0
	shift
	pipeline "$@" || status=$?
	[ "$status" = "$want" ] || {
		echo "exit status $status of the sink ($(<statuses)), want $want"
		cat err
		return 1
	}
}

record() { # ID…
	local id
	for id; do
		echo "{\"id\":$id}" >>in.ndjson
	done
}

# A run of its own for each of the records.
epochs() { # ID…
	local id
	for id; do
		record "$id"
		goes 0
	done
}

ids() { # WANT [FILE…]
	local want=$1
	shift
	equal "$want" "$(cat "${@:-got}" | jq -s -r 'map(.id) | join(" ")')"
}

commit() { # JQ
	head -n 1 cp/commit | jq -cr "$1"
}

snapshot() { # STAGE JQ
	head -n 1 "cp/stages/$1/$(commit '("000000000000" + (.epoch | tostring))[-12:] + "." + .run').snapshot" | jq -cr "$2"
}

# What counts, to see that nothing has touched it: records that a dead run leaves do not.
state_of() { # FILE…
	cksum cp/incarnation cp/commit cp/ledger.ndjson "$@"
}

@test "the first run: files, commit, records" {
	record 1 2 1 3
	goes 0
	ids '1 2 3'
	equal '0 0 0 ' "$(<statuses)"
	equal 33 "$(wc -c <cp/incarnation)"
	equal '[1,1,["source","dedupe","deliver"]]' "$(commit '[.v, .epoch, .stages]')"
	equal "$(<cp/incarnation)" "$(commit .incarnation)"
	for stage in source dedupe deliver; do
		equal "[\"$stage\",1,\"$(commit .run)\",0]" "$(snapshot $stage '[.stage, .epoch, .run, .previous.epoch]')"
	done
	equal "$(commit '[.incarnation, .epoch, .run]')" "$(head -n 1 got.commit | jq -c '[.incarnation, .epoch, .run]')"
	equal "$(wc -c <got)" "$(head -n 1 got.commit | jq .bytes)"
	# what says so is its owner's only
	equal '' "$(find cp -perm /077)"
}

@test "a complete input run again: an empty epoch, all exit 0" {
	record 1 2 1
	: >err
	dd-source in.ndjson 2>>err | dd-dedupe --key id 2>>err | dd-deliver file:got 2>>err
	cp got want
	: >err
	dd-source in.ndjson 2>>err | dd-dedupe --key id 2>>err | dd-deliver file:got 2>>err
	cmp want got
	equal '[2,[0,0,0]]' "$(tail -n 1 cp/ledger.ndjson | jq -c '[.epoch, (.stages | map(.in))]')"
	has err 'dd-deliver: in 0 = delivered 0'
}

@test "other inputs in the same directory: stages begin empty, numbers go on" {
	record 1 2
	: >err
	dd-source in.ndjson 2>>err | dd-dedupe --key id 2>>err | dd-deliver file:got 2>>err
	cp in.ndjson in2.ndjson
	: >err
	dd-source in2.ndjson 2>>err | dd-dedupe --key id 2>>err | dd-deliver file:got 2>>err
	ids '1 2 1 2'
	equal 2 "$(commit .epoch)"
	record 3
	status=0
	: >err
	dd-source in.ndjson in2.ndjson 2>>err | dd-dedupe --key id 2>>err | dd-deliver file:got 2>>err || status=$?
	equal 78 "$status"
	ids '1 2 1 2'
}

@test "runs take what has come since, and go on where the last one was" {
	epochs 1 2 2 3
	ids '1 2 3'
	equal '1 2 3 4' "$(jq -s -r 'map(.epoch) | join(" ")' cp/ledger.ndjson)"
	equal '[[1,1],[1,1],[1,0],[1,1]]' "$(jq -sc 'map(.stages[1] | [.in, .out])' cp/ledger.ndjson)"
}

@test "a stream that is cut off commits nothing" {
	record 1 2
	goes 0
	record 3 4 5
	for lines in 0 1 2 3 4; do
		status=0
		dd-source --once in.ndjson 2>err.1 | head -n $lines | dd-dedupe --key id 2>err.2 | dd-deliver file:got 2>err.3 || status=$?
		[ $status = 75 ] || {
			echo "exit status $status behind $lines lines"
			cat err.?
			return 1
		}
		equal 1 "$(commit .epoch)"
	done
	# what died left files, and none of them counts
	goes 0
	ids '1 2 3 4 5'
	equal 2 "$(commit .epoch)"
	equal '' "$(find cp -name "*.snapshot" ! -name "*.$(commit .run).snapshot" ! -name '000000000001.*')"
}

@test "the commit is where the destination's is: a crash between the two" {
	for TO in file:got dir:got.d sqlite:got.db; do
		rm -rf cp in.ndjson got*
		mkdir got.d
		epochs 1
		cp cp/commit cp/ledger.ndjson .
		epochs 2
		# as if the sink had died before it wrote them
		cp commit ledger.ndjson cp/
		record 3
		goes 75
		has err 'the destination has epoch 2, which this directory did not know to be committed'
		equal 2 "$(commit .epoch)"
		equal '["source","dedupe","deliver"]' "$(commit .stages)"
		goes 0
		case $TO in
		file:*) ids '1 2 3' ;;
		dir:*) ids '1 2 3' got.d/* ;;
		sqlite:*) equal '1 2 3' "$(sqlite3 got.db 'select group_concat(id, " ") from records')" ;;
		esac
		dd-deliver --verify cp >out
		has out '3 epochs'
	done
}

@test "epochs of one run: each is committed" {
	seq 1 2000 | jq -c '{id: .}' >in.ndjson
	SOURCE='--every 1k' goes 0
	[ "$(commit .epoch)" -ge 10 ]
	cmp in.ndjson got
	dd-deliver --verify cp >out
	equal 2000 "$(jq -s 'map(.stages[-1].out) | add' cp/ledger.ndjson)"
}

@test "records of the last epochs are kept, as many as was said" {
	epochs 1 2 3 4 5
	for stage in source dedupe deliver; do
		equal '3 4 5' "$(find cp/stages/$stage -name '*.snapshot' -printf '%f\n' | sort | cut -c 12 | paste -sd ' ')"
	done
	STAGE='--keep-checkpoints 2' goes 0 --keep-checkpoints 5
	equal '5 6' "$(find cp/stages/dedupe -name '*.snapshot' -printf '%f\n' | sort | cut -c 12 | paste -sd ' ')"
	record 7
	goes 0 --keep-checkpoints 5
	equal '3 4 5 6 7' "$(find cp/stages/deliver -name '*.snapshot' -printf '%f\n' | sort | cut -c 12 | paste -sd ' ')"
	for n in 0 1; do
		expect 64 dd-deliver --keep-checkpoints $n - </dev/null
		has err 'must be at least 2'
	done
}

@test "the lines that README.md promises it with" {
	sed -n '/^\*\*The pipe is safe/,/^#/p' "$BATS_TEST_DIRNAME/../../README.md" | sed -n 's/^    //p' >lines
	equal 4 "$(wc -l <lines)"
	for id in 1 2 2 3; do
		echo "{\"id\":$id}" >>orders.ndjson
	done
	# the first of the two runs is killed behind two records
	sed -i '2s/dd-dedupe/head -n 3 | &/' lines
	expect 0 bash lines
	has out '1 epochs' '3 records delivered'
	equal '1 2 3' "$(sqlite3 shop.db 'select group_concat(id, " ") from records')"
	grep -q 'died' err
}

# The list of stages

@test "a new stage wants --init, one that is gone --forget; both may stay" {
	epochs 1
	between() { # STATUS OPTION… -- OPTION…
		local want=$1 status=0 own=()
		shift
		while [ "$1" != -- ]; do
			own+=("$1")
			shift
		done
		shift
		: >err
		dd-source --once in.ndjson 2>>err | dd-dedupe --key id 2>>err | dd-dedupe --name more --key id "${own[@]}" 2>>err | dd-deliver "$@" file:got 2>>err || status=$?
		[ $status = "$want" ] || {
			echo "exit status $status, want $want"
			cat err
			return 1
		}
	}
	state_of got >before
	between 78 --
	has err "stage 'more' is not in the pipeline that committed epoch 1"
	state_of got | same before
	record 2
	between 0 --init --
	record 3
	between 0 --init -- --forget gone
	equal '["source","dedupe","more","deliver"]' "$(commit .stages)"
	equal '[null,true,null]' "$(jq -sc 'map(.stages[2].init)' cp/ledger.ndjson)"
	record 4
	goes 78
	has err "stage 'more' is gone from the pipeline since epoch 3"
	goes 0 --forget more
	record 5
	goes 0 --forget more
	ids '1 2 3 4 5'
	equal '["source","dedupe","deliver"]' "$(commit .stages)"
	# --init at a stage that is known says nothing: its keys are there
	record 5
	STAGE=--init goes 0
	ids '1 2 3 4 5'
}

@test "stages in another order are refused" {
	record 1
	: >err
	dd-source --once in.ndjson 2>>err | dd-dedupe --name a --key id 2>>err | dd-dedupe --name b --key id 2>>err | dd-deliver file:got 2>>err
	record 2
	status=0
	: >err
	dd-source --once in.ndjson 2>>err | dd-dedupe --name b --key id 2>>err | dd-dedupe --name a --key id 2>>err | dd-deliver file:got 2>>err || status=$?
	equal 78 $status
	has err "the stages stand in another order than when epoch 1 was committed: 'b' in place of 'a'"
	equal 1 "$(commit .epoch)"
}

@test "two stages of one name are refused" {
	record 1
	status=0
	: >err
	timeout 60 dd-run --checkpoint cp 'dd-source --once in.ndjson | dd-dedupe --key id | dd-dedupe --key id | dd-deliver file:got' 2>>err || status=$?
	equal 78 $status
	has err "two stages of this pipeline are named 'dedupe'"
	lacks got .
	[ ! -e cp/commit ]
}

@test "all stages share the directory, or none" {
	record 1
	# the sink and the source, but not the stage between them
	STAGE='--checkpoint=' goes 78
	has err "stage 'dedupe' keeps no checkpoint"
	# the source not
	status=0
	: >err
	dd-source --checkpoint '' in.ndjson 2>>err | dd-dedupe --key id 2>>err | dd-deliver file:got 2>>err || status=$?
	equal 78 $status
	has err 'the source of this stream has no checkpoint directory, but this stage has'
	# another directory
	STAGE='--checkpoint other' goes 78
	has err "the source's checkpoint directory is not 'other'"
	# no source at all
	expect 78 dd-dedupe --key id <in.ndjson
	has err "does not begin with 'open'"
	[ ! -e cp/commit ]
	[ ! -s got ]
	goes 0
	ids 1
}

@test "an empty --checkpoint undoes the variable" {
	record 1 1
	DDPIPE_CHECKPOINT=elsewhere dd-dedupe --checkpoint '' --key id <in.ndjson >out 2>err
	ids 1 out
	[ ! -e elsewhere ]
}

@test "a running pipeline keeps a second one out" {
	record 1
	dd-source --follow --every 50ms in.ndjson 2>err.1 | dd-dedupe --key id 2>>err.1 | dd-deliver file:got 2>>err.1 &
	wait_for grep -q 1 got
	wait_for test -e cp/commit
	goes 75
	has err 'is held: an older run of this pipeline is still there'
	for pid in $(pgrep -x dd-source); do
		[ "$(readlink "/proc/$pid/cwd")" != "$PWD" ] || kill "$pid"
	done
	wait
	record 2
	goes 0
	ids '1 2'
}

@test "one sink a pipeline" {
	record 1
	status=0
	: >err
	dd-source --once in.ndjson 2>>err | dd-deliver --name first - 2>>err | dd-deliver file:got 2>>err || status=$?
	[ $status != 0 ]
	[ ! -s got ]
}

# Options, versions, causes

@test "an option of the state that was changed is named with both its values" {
	epochs 1
	state_of got >before
	status=0
	: >err
	dd-source --once in.ndjson 2>>err | dd-dedupe --key other 2>>err | dd-deliver file:got 2>>err || status=$?
	equal 78 $status
	has err "--key is 'other', but the state of epoch 1 was made with 'id'"
	state_of got | same before
	# of no matter: bounds and wiring
	record 2
	STAGE='--max-record 1M --quiet' goes 0
	ids '1 2'
}

@test "last-failure has the cause, not what followed from it" {
	epochs 1
	echo '{"no":"key"}' >>in.ndjson
	SOURCE=-q STAGE='-q --max-bad 0' goes 65 -q
	equal '65 65 ' "$(cut -d ' ' -f 2- statuses)"
	equal '["dedupe",65]' "$(head -n 1 cp/last-failure | jq -c '[.stage, .exit]')"
	has err "stopped as stage 'dedupe' did"
	equal 1 "$(commit .epoch)"
	# and stays when all is well again
	STAGE='--max-bad 5' goes 0
	equal '["dedupe",65]' "$(head -n 1 cp/last-failure | jq -c '[.stage, .exit]')"
	ids 1
}

@test "a stage that can't begin is not taken for a filter that drops lines" {
	epochs 1
	status=0
	dd-source --once in.ndjson 2>err.1 | dd-dedupe --key other 2>err.2 | dd-deliver file:got 2>err.3 || status=$?
	equal 78 $status
	has err.3 "stopped as stage 'dedupe' did: --key is 'other'"
	equal dedupe "$(head -n 1 cp/last-failure | jq -r .stage)"
}

@test "the pipeline's name is the last part of the directory's path, or what is said" {
	record 1
	mkdir deep
	DDPIPE_CHECKPOINT=deep/orders/ TO=sqlite:got.db goes 0
	equal 'orders|deliver|1' "$(sqlite3 got.db 'select pipeline, stage, epoch from ddpipe_commits')"
	rm -r deep/orders got.db
	DDPIPE_CHECKPOINT=deep/orders DDPIPE_PIPELINE=shop TO=sqlite:got.db goes 0 --name out
	equal 'shop|out|1' "$(sqlite3 got.db 'select pipeline, stage, epoch from ddpipe_commits')"
}

@test "a directory that others may write or own is refused" {
	epochs 1
	record 2
	chmod 770 cp
	goes 77
	has err "'cp' can be written by others: chmod go-w it"
	chmod 700 cp
	[ "$(id -u)" = 0 ] || skip 'only root can give it away'
	chown 12345 cp
	goes 77
	has err "'cp' is user 12345's, this is user 0"
	chown 0 cp
	goes 0
	ids '1 2'
}

# Another byte in the place of one.
flip() { # FILE OFFSET
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	# shellcheck disable=SC2059 # an octal escape
	printf "\\$(printf %03o $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# Damages each file that a start relies on, at its beginning, in its middle, at its end: it is named,
# nothing is committed, and once it is whole again the pipeline goes on.
damage_tour() { # DIR…
	local file bytes offset status
	while read -r file; do
		cp -a "$file" whole
		bytes=$(stat -c %s "$file")
		for offset in 0 $((bytes / 2)) $((bytes - 1)); do
			flip "$file" "$offset"
			state_of >before 2>&1 || true
			for _ in 1 2; do
				status=0
				pipeline || status=$?
				# a digit that became another digit makes another incarnation
				[ "$status" != 78 ] || [ "$file" != cp/incarnation ] || status=74
				grep -qF "'$file'" err || status="$status, not named"
				[ "$status" = 74 ] || {
					echo "byte $offset of $file: exit status $status ($(<statuses))"
					cat err
					return 1
				}
			done
			state_of 2>&1 | same before || return 1
			cp -a whole "$file"
		done
	done < <(find "$@" -type f ! -name lock ! -name claim ! -name 'last-failure*' ! -name ledger.ndjson ! -name '*.ndjson' \
		\( ! -name '*.snapshot' -o -name "$(commit '("000000000000" + (.epoch | tostring))[-12:] + "." + .run').snapshot" \) | sort)
	goes 0
}

@test "a damaged byte in any file is named, again and again, and nothing goes on" {
	epochs 1 2 3
	record 4
	damage_tour cp got.commit
	ids '1 2 3 4'
	dd-deliver --verify cp >out
}

@test "a damaged byte in the manifest of a directory" {
	mkdir got.d
	export TO=dir:got.d
	epochs 1 2
	record 3
	damage_tour got.d
	equal '1 2 3' "$(jq .id got.d/*.ndjson | sort -n | paste -sd ' ')"
}

# The ledger

# The chain, by sha256sum.
chain_holds() { # LEDGER
	local line want
	want=$(printf '%064d' 0)
	while IFS= read -r line; do
		equal "$want" "$(jq -r .previous <<<"$line")" || return 1
		want=$(printf %s "$line" | sha256sum | cut -d ' ' -f 1)
	done <"$1"
}

@test "each line of the ledger holds the hash of the one before" {
	epochs 1 2 3 4
	equal 4 "$(wc -l <cp/ledger.ndjson)"
	chain_holds cp/ledger.ndjson
	dd-deliver --verify cp >out
	has out '4 epochs' '4 records delivered, 0 rejected; gone back 0 times'
}

@test "a doctored ledger is told, whatever was done to it" {
	epochs 1 2 3 4
	cp cp/ledger.ndjson whole
	doctored() { # LINE COMMAND…
		local line=$1
		shift
		"$@" <whole >cp/ledger.ndjson
		! cmp -s whole cp/ledger.ndjson
		expect 65 dd-deliver --verify cp
		[ -z "$line" ] || has err "(line $line of 'cp/ledger.ndjson')"
		[ ! -s out ]
	}
	doctored 3 sed '2s/"at":"2/"at":"3/'
	doctored 2 sed 2d
	doctored 1 sed 1d
	doctored 2 awk '{ line[NR] = $0 } END { print line[1]; print line[3]; print line[2]; print line[4] }'
	doctored 3 sed '2p'
	doctored 2 sed '2s/{/x/'
	# the end
	doctored '' sed '$d'
	has err "the ledger ends with epoch 3: the next start brings it up to the commit"
	doctored 4 sed '$s/"out":1/"out":2/'
	cp whole cp/ledger.ndjson
	dd-deliver --verify cp >out
	# a stage that lost a record, in a chain that was made anew
	python3 - <<'END'
import hashlib, json
lines, previous = [], "0" * 64
for text in open("whole"):
    line = json.loads(text)
    line["previous"] = previous
    if line["epoch"] == 3:
        line["stages"][1]["in"] = 0
    lines.append(json.dumps(line, separators=(",", ":")))
    previous = hashlib.sha256(lines[-1].encode()).hexdigest()
open("cp/ledger.ndjson", "w").write("\n".join(lines) + "\n")
END
	chain_holds cp/ledger.ndjson
	expect 65 dd-deliver --verify cp
	has err "stage 'source' put out 1 records" "but 'dedupe' took in 0" "(line 3 of"
	mkdir empty
	expect 65 dd-deliver --verify empty
}

@test "a ledger that lost its end gets it back from the sink's records" {
	epochs 1 2 3
	cp cp/ledger.ndjson whole
	for lost in 1 2; do
		head -n -$lost whole >cp/ledger.ndjson
		# torn as well
		printf '{"epoch":' >>cp/ledger.ndjson
		goes 0
		head -n 3 cp/ledger.ndjson | cmp - whole
		chain_holds cp/ledger.ndjson
	done
	dd-deliver --verify cp >out
	ids '1 2 3'
}

# Foreign filters

foreign() { # STATUS FILTER [OPTION of dd-dedupe…]
	local want=$1 filter=$2 status=0
	shift 2
	: >err
	dd-source --once in.ndjson 2>>err | jq -c --unbuffered "$filter" | dd-dedupe --key id "$@" 2>>err | dd-deliver file:got 2>>err || status=$?
	[ $status = "$want" ] || {
		echo "exit status $status, want $want"
		cat err
		return 1
	}
}

@test "a foreign filter that keeps all records needs no word; one that does not, --changed" {
	record 1 2 3
	foreign 0 .
	ids '1 2 3'
	record 4 5 6
	state_of got got.commit >before
	foreign 78 'select(has("$dd") or .id != 5)'
	has err "stage 'source' put out 3 records" "'dedupe' took in 2" '--changed'
	equal 1 "$(commit .epoch)"
	foreign 0 'select(has("$dd") or .id != 5)' --changed
	ids '1 2 3 4 6'
	# as many, but others
	record 7
	foreign 78 'if has("$dd") then . else .id += 100 end'
	foreign 0 'if has("$dd") then . else .id += 100 end' --changed
	ids '1 2 3 4 6 107'
	dd-deliver --verify cp >out
	chain_holds cp/ledger.ndjson
}

@test "one that drops or reorders control lines is found" {
	record 1 2
	# the sink gets nothing at all
	foreign 75 'select(has("$dd") | not)'
	has err "dd-dedupe: stdin: the stream does not begin with 'open'" 'is a filter in between dropping control lines?'
	equal 78 "$(head -n 1 cp/last-failure | jq .exit)"
	[ ! -s got ]
	foreign 75 'select((.["$dd"] // {} | has("open")) | not)'
	equal 78 "$(head -n 1 cp/last-failure | jq .exit)"
	[ ! -s got ]
	# the barrier: as if the source had died
	foreign 75 'select((.["$dd"] // {} | has("barrier")) | not)'
	[ ! -e cp/commit ]
	foreign 0 .
	ids '1 2'
}

# Directory and destination that do not fit

# What the destination has, in order.
at_destination() { # WANT
	case $TO in
	file:*) ids "$1" ;;
	dir:*) equal "$(tr ' ' '\n' <<<"$1" | sort -n)" "$(jq .id got.d/*.ndjson | sort -n)" ;;
	sqlite:*) equal "$1" "$(sqlite3 got.db 'select group_concat(id, " ") from (select id from records order by rowid)')" ;;
	esac
}

begin_anew() {
	rm -rf cp* in.ndjson got*
	mkdir got.d
}

@test "--take-over: a directory that is older than the destination" {
	for TO in file:got dir:got.d sqlite:got.db; do
		begin_anew
		epochs 1
		cp -a cp cp.old
		epochs 2 3
		rm -r cp
		mv cp.old cp
		record 4
		state_of >before
		goes 78
		has err "is ahead of this directory (it holds epoch 3, 'cp' is at 1)"
		state_of | same before
		at_destination '1 2 3'
		goes 0 --take-over
		at_destination '1 2 3 2 3 4'
		record 5
		goes 0 --take-over
		at_destination '1 2 3 2 3 4 5'
		dd-deliver --verify cp >out
	done
}

@test "--take-over: a directory that was made anew, a destination that was" {
	for TO in file:got dir:got.d sqlite:got.db; do
		begin_anew
		epochs 1 2
		mv cp cp.old
		goes 78
		has err 'belongs to another checkpoint directory'
		at_destination '1 2'
		goes 0 --take-over
		at_destination '1 2 1 2'
		# and the other way round
		rm -rf got*
		mkdir got.d
		record 3
		goes 78
		has err 'holds nothing of this pipeline'
		goes 0 --take-over
		at_destination 3
	done
}

@test "--rewind: back to a kept epoch; only a file can be cut back" {
	for TO in file:got dir:got.d sqlite:got.db; do
		begin_anew
		epochs 1 2 3 4
		if [ $TO != file:got ]; then
			goes 78 --rewind 2
			has err "this destination can't be taken back to epoch 2"
			at_destination '1 2 3 4'
			equal 4 "$(commit .epoch)"
		fi
		goes 75 --rewind 2 "$([ $TO = file:got ] && echo -q || echo --take-over)"
		has err 'the pipeline is back at epoch 2: start it again without --rewind'
		equal 2 "$(commit .epoch)"
		goes 0
		equal 3 "$(commit .epoch)"
		case $TO in
		file:*) at_destination '1 2 3 4' ;;
		*) at_destination '1 2 3 4 3 4' ;;
		esac
		equal '[[1,null],[2,null],[3,null],[4,null],[2,4],[3,null]]' "$(jq -sc 'map([.epoch, .rewind])' cp/ledger.ndjson)"
		chain_holds cp/ledger.ndjson
		dd-deliver --verify cp >out
		has out 'gone back 1 times'
	done
}

@test "--rewind to what is not there is refused" {
	epochs 1 2 3 4 5
	for n in 0 1 2; do
		goes 78 --rewind $n
		equal 5 "$(commit .epoch)"
	done
	goes 0 --rewind 5
	goes 0 --rewind 17
	ids '1 2 3 4 5'
}

@test "a file: what lies beyond the commit is cut, what was there before is not" {
	epochs 1
	echo garbage >>got
	epochs 2
	ids '1 2'
	rm -r cp got got.commit
	echo '{"id":"mine"}' >got
	goes 78
	has err "'got' has 14 bytes, of which 'got.commit' knows nothing"
	TO='file:got?append' goes 0
	ids 'mine 1 2'
	truncate -s 14 got
	goes 74
	has err "'got' is shorter than the 32 bytes that were committed"
	record 3
	goes 0 --take-over
	equal '{"id":"mine"}|{"id":3}' "$(paste -sd '|' got)"
}

@test "to stdout: at least once" {
	epochs 1
	rm -r cp got*
	TO=- goes 0 >out.1
	record 2
	TO=- goes 0 >out.2
	ids 1 out.1
	ids 2 out.2
	goes 75 --rewind 1 --take-over
	TO=- goes 0 >out.3
	ids 2 out.3
}

@test "a first run that died before its first commit, with records at the destination" {
	seq 1 50000 | jq -c '{id: .}' >in.ndjson
	for TO in file:got dir:got.d sqlite:got.db; do
		rm -rf cp got*
		mkdir got.d
		: >err
		status=0
		dd-source --once in.ndjson 2>>err | head -n 40000 | dd-dedupe --key id 2>>err | dd-deliver "$TO" 2>>err || status=$?
		equal 75 $status
		[ ! -e cp/commit ]
		goes 0
		case $TO in
		file:*) cmp in.ndjson got ;;
		dir:*) cat got.d/*.ndjson | cmp in.ndjson - ;;
		sqlite:*) equal '50000|1250025000' "$(sqlite3 got.db 'select count(*), sum(id) from records')" ;;
		esac
	done
}

# What stands beside the output

letters() {
	dd-dlq show "${1:-cp/dlq}" | jq -s -c 'map(.raw)'
}

@test "dead letters are seen when their epoch is committed, and once" {
	record 1
	echo bad >>in.ndjson
	# an epoch that does not end by itself
	dd-source --follow --every 1h in.ndjson 2>err.1 | dd-dedupe --key id 2>>err.1 | dd-deliver file:got 2>>err.1 &
	wait_for eval 'grep -qs "\"raw\":\"bad\"" cp/dlq/.*.partial'
	equal '[]' "$(letters)"
	for pid in $(pgrep -x dd-source); do
		[ "$(readlink "/proc/$pid/cwd")" != "$PWD" ] || kill "$pid"
	done
	wait
	equal '["bad"]' "$(letters)"
	equal '' "$(find cp/dlq -name '.*')"
	# a run that dies files nothing
	echo worse >>in.ndjson
	status=0
	: >err
	dd-source --once in.ndjson 2>>err | head -n 1 | dd-dedupe --key id 2>>err | dd-deliver file:got 2>>err || status=$?
	equal 75 $status
	equal '["bad"]' "$(letters)"
	goes 0
	equal '["bad","worse"]' "$(letters)"
	goes 0
	equal '["bad","worse"]' "$(letters)"
	dd-dlq ls cp/dlq | jq -r .id >id
	equal 2 "$(sort -u id | wc -l)"
	grep -qE '^source-1-1-[0-9a-f]{16}$' id
	grep -qE '^source-2-1-[0-9a-f]{16}$' id
}

# Runs on ./disk, each killed behind a CALL, or '' none; then the power is cut: soak/cut.
cut_power() { # CALL… -- COMMAND…
	"$BATS_TEST_DIRNAME/../soak/cut" disk "$@"
}

@test "letters whose stage died between their renaming and the sync outlast a power cut" {
	export DDPIPE_CHECKPOINT=disk/cp TO=file:disk/got
	export -f pipeline
	mkdir disk
	record 1
	goes 0
	echo bad >>in.ndjson
	cut_power 'dd-source rename source.' -- bash -c pipeline
	equal '[]' "$(letters disk/cp/dlq)"
	# to the last start they are published, and its commit is another run's than theirs
	cut_power 'dd-source rename source.' '' -- bash -c pipeline
	equal 3 "$(head -n 1 disk/cp/commit | jq .epoch)"
	goes 0
	equal '["bad"]' "$(letters disk/cp/dlq)"
}

@test "the same input gives the same ids of letters" {
	for dir in a b; do
		printf '%s\n' '{"id":1}' bad '{"no":1}' worse >in.ndjson
		DDPIPE_CHECKPOINT=$dir TO=file:got.$dir goes 0
		dd-dlq ls $dir/dlq | jq -c '[.id, .reason]' | sort >ids.$dir
	done
	equal 3 "$(wc -l <ids.a)"
	cmp ids.a ids.b
}

@test "--dlq names another store" {
	echo bad >in.ndjson
	DDPIPE_DLQ=store goes 0
	equal '["bad"]' "$(letters store)"
	[ ! -e cp/dlq ]
}

@test "--late FILE has each late record once, when it is committed" {
	windows() { # LINES
		: >err
		dd-source --once in.ndjson 2>>err | head -n "$1" |
			dd-watermark --time at --time-format s --bound 0s 2>>err |
			dd-window --time at --time-format s --tumbling 10s --agg count --late late 2>>err |
			dd-deliver file:got 2>>err
	}
	at() {
		local t
		for t; do
			echo "{\"at\":$((1777636800 + t))}" >>in.ndjson
		done
	}
	at 1 2 25 26 3
	windows 99
	equal 1777636803 "$(jq .at late)"
	at 4 5 47 48 6
	status=0
	windows 4 || status=$?
	equal 75 $status
	equal 1777636803 "$(jq .at late)"
	windows 99
	equal '[3,4,5,6]' "$(jq -s -c 'map(.at - 1777636800)' late)"
	# windows that were open at the end of a run went on
	equal '[[0,2],[20,2]]' "$(jq -s -c 'map([(.window_start | fromdate) - 1777636800, .count])' got)"
	windows 99
	equal 4 "$(wc -l <late)"
}

@test "--late FILE: its noted length outlasts a power cut, though who noted it died before the sync" {
	windows() {
		dd-run 'dd-source -q --once in.ndjson | dd-watermark -q --time at --time-format s --bound 0s |
			dd-window -q --time at --time-format s --tumbling 10s --agg count --late disk/late |
			dd-deliver -q file:disk/got'
	}
	export DDPIPE_CHECKPOINT=disk/cp
	export -f windows
	mkdir disk
	printf '{"at":%s}\n' 1777636801 1777636825 1777636803 >in.ndjson
	windows
	echo '{"at":1777636804}' >>in.ndjson
	cut_power 'dd-window rename late.note' 'dd-window unlink late.' -- bash -c windows
	windows
	equal '[3,4]' "$(jq -s -c 'map(.at - 1777636800)' disk/late)"
}

without_dedupe() { # [OPTION of dd-deliver…]
	: >err
	dd-source -q --once in.ndjson 2>>err | dd-deliver -q "$@" file:disk/got 2>>err
}

@test "a stage that was killed before it published its letters is forgotten, and they are seen" {
	export DDPIPE_CHECKPOINT=disk/cp TO=file:disk/got
	export -f pipeline
	mkdir disk
	record 1
	echo '{"no":"id"}' >>in.ndjson
	# the letter has its hidden name again
	cut_power 'dd-dedupe rename dedupe.' -- bash -c pipeline
	equal 1 "$(head -n 1 disk/cp/commit | jq .epoch)"
	equal '' "$(dd-dlq ls disk/cp/dlq)"
	record 2
	status=0
	without_dedupe --forget other || status=$?
	equal 78 $status
	equal '' "$(dd-dlq ls disk/cp/dlq)"
	without_dedupe --forget dedupe
	equal '{"no":"id"}' "$(dd-dlq show --raw disk/cp/dlq)"
	equal '' "$(find disk/cp/dlq -name '.*')"
	record 3
	without_dedupe --forget dedupe
	equal '{"no":"id"}' "$(dd-dlq show --raw disk/cp/dlq)"
	ids '1 2 3' disk/got
}

@test "a stage that was killed before it appended to --late FILE is not forgotten until it has" {
	windows() {
		dd-run 'dd-source -q --once in.ndjson | dd-watermark -q --time at --time-format s --bound 0s |
			dd-window -q --time at --time-format s --tumbling 10s --agg count --late disk/late |
			dd-deliver -q file:disk/got'
	}
	plain() {
		: >err
		dd-source -q --once in.ndjson 2>>err | dd-watermark -q --time at --time-format s --bound 0s 2>>err |
			dd-deliver -q --forget window file:disk/got 2>>err
	}
	export DDPIPE_CHECKPOINT=disk/cp
	export -f windows
	mkdir disk
	printf '{"at":%s}\n' 1777636801 1777636825 1777636803 >in.ndjson
	cut_power 'dd-window rename late.note' -- bash -c windows
	cp disk/cp/commit before
	status=0
	plain || status=$?
	equal 78 $status
	has err "stage 'window' is to be forgotten, but has yet to append 'disk/cp/stages/window/late."
	cmp before disk/cp/commit
	windows
	plain
	equal '[3]' "$(jq -s -c 'map(.at - 1777636800)' disk/late)"
}

@test "the same of --duplicates FILE" {
	keys() {
		dd-run 'dd-source -q --once in.ndjson | dd-dedupe -q --key id --duplicates disk/again |
			dd-deliver -q file:disk/got'
	}
	plain() {
		: >err
		dd-source -q --once in.ndjson 2>>err | dd-deliver -q --forget dedupe file:disk/got 2>>err
	}
	export DDPIPE_CHECKPOINT=disk/cp
	export -f keys
	mkdir disk
	printf '{"id":%s}\n' 1 2 1 >in.ndjson
	cut_power 'dd-dedupe rename duplicates.note' -- bash -c keys
	status=0
	plain || status=$?
	equal 78 $status
	has err "stage 'dedupe' is to be forgotten, but has yet to append 'disk/cp/stages/dedupe/duplicates."
	keys
	plain
	equal '{"id":1}' "$(cat disk/again)"
}

# dd-batch

# The input grows to so many lines of ./all.
grow() { # LINES
	local lines
	lines=$(wc -l <in.ndjson)
	head -n "$1" all | tail -n +$((lines + 1)) >>in.ndjson
}

@test "dd-batch --dir: an open batch goes on from run to run, as in one run" {
	seq 1 25 | jq -c '{id: .}' >all
	dd-batch --checkpoint '' -q --pipeline cp --dir want --count 4 <all >want.manifest
	: >in.ndjson
	for upto in 3 7 8 9 20 24; do
		grow $upto
		: >err
		dd-source --once in.ndjson 2>>err | dd-batch --dir got.d --count 4 2>>err >>got.manifest
		# whole batches and nothing else
		equal $((upto / 4)) "$(find got.d -maxdepth 1 -name '*.ndjson' | wc -l)"
		find got.d -maxdepth 1 -name '*.ndjson' -exec wc -l {} + | awk '$2 != "total" && $1 != 4 { exit 1 }'
		# a run that dies leaves no trace
		status=0
		: >err
		dd-source --once --every 1h all 2>>err | head -n 4 | dd-batch --dir got.d --count 4 2>>err >>dead.manifest || status=$?
		[ $status != 0 ]
	done
	[ ! -s dead.manifest ]
	grow 25
	# the end of the input lands the last one
	: >err
	dd-source in.ndjson 2>>err | dd-batch --dir got.d --count 4 2>>err >>got.manifest
	(cd want && find . -name '*.ndjson' -exec cksum {} + | sort -k 3) >want.files
	(cd got.d && find . -name '*.ndjson' -exec cksum {} + | sort -k 3) | same want.files
	sed 's|want/|got.d/|' want.manifest | same got.manifest
	dd-deliver --verify cp >out
}

@test "dd-batch --dir: a file that was taken away does not come again" {
	seq 1 4 | jq -c '{id: .}' >in.ndjson
	: >err
	dd-source --once in.ndjson 2>>err | dd-batch --dir got.d --count 2 2>>err >manifest
	rm got.d/*.ndjson
	for _ in 1 2; do
		record 9
		: >err
		dd-source --once in.ndjson 2>>err | dd-batch --dir got.d --count 2 2>>err >manifest
	done
	ids '9 9' got.d/*.ndjson
}

@test "dd-batch --dir: another limit is refused, a directory of a pipeline left alone" {
	record 1 2 3
	: >err
	dd-source --once in.ndjson 2>>err | dd-batch --dir got.d --count 2 2>>err >manifest
	status=0
	: >err
	dd-source --once in.ndjson 2>>err | dd-batch --dir got.d --count 3 2>>err >manifest || status=$?
	equal 78 $status
	has err "--count is '3', but the state of epoch 1 was made with '2'"
	expect 78 dd-batch --checkpoint '' --pipeline cp --dir got.d --count 2 <in.ndjson
	has err 'belongs to a pipeline with a checkpoint directory'
}

@test "dd-batch as a stage: each batch is a record, and an open one is kept" {
	seq 1 11 | jq -c '{id: ., text: "\(.) , ] \""}' >all
	dd-batch --checkpoint '' -q --count 4 <all >want
	: >in.ndjson
	for upto in 3 5 6 11; do
		grow $upto
		status=0
		: >err
		dd-source --once in.ndjson 2>>err | head -n 2 | dd-batch --count 4 2>>err | dd-deliver file:got 2>>err || status=$?
		equal 75 $status
		: >err
		dd-source --once in.ndjson 2>>err | dd-batch --count 4 2>>err | dd-deliver file:got 2>>err
	done
	: >err
	dd-source in.ndjson 2>>err | dd-batch --count 4 2>>err | dd-deliver file:got 2>>err
	cmp want got
	# the form, by what the page says
	equal '[[1,4],[2,4],[3,3]]' "$(jq -s -c 'map([.batch, .count])' got)"
	jq -c '.records[]' got | cmp - all
	equal "$(wc -c <all)" "$(jq -s 'map(.bytes) | add' got)"
	jq -r .xxh3 got >hashes
	split -l 4 all part.
	find . -name 'part.*' | sort | while read -r part; do
		mkdir "$part.d"
		dd-batch --checkpoint '' -q --dir "$part.d" --count 9 <"$part" | jq -r .xxh3
	done | same hashes
}
