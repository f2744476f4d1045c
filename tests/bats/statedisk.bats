#!/usr/bin/env bats
# State on disk, end to end: what is killed, damaged, copied, swept or out of room gives what state
# in memory gives, or says what is wrong.
# shellcheck disable=SC2016 # what is asked again is expanded then

load helper

setup_file() {
	PATH=$(realpath "${B:-$BATS_TEST_DIRNAME/../../build}"):$PATH
	[ -e "$(dirname "$(command -v dd-window)")/state-rocksdb.so" ] || skip 'RocksDB is not there'
}

# Three keys in a row are new, then one comes again; windows of twenty seconds with many keys each.
records() { # FROM TO
	awk -v from="$1" -v to="$2" 'BEGIN {
		for (i = from; i <= to; i++) {
			id = i % 4 ? i : int(i * 7919 % i)
			printf "{\"id\":%d,\"t\":%d,\"k\":\"key-%05d\",\"v\":%d}\n", id,
				1767225600 + int(i / 40), i * 31 % 500, i
			if (i % 900 == 0)
				printf "{\"id\":\"l%d\",\"t\":1,\"k\":\"late\",\"v\":1}\n", i
		}
	}'
}

# The memory is too little for what they have, so that it is spilled again and again.
stages() { # STATE
	local on="--state $1"
	[ "$1" = memory ] || on="$on --memory 128KiB"
	echo "dd-dedupe -q --key id $on |
		dd-watermark -q --time t --time-format s --bound 10s |
		dd-window -q --time t --time-format s --tumbling 20s --key k --agg 'count, sum(v)' \
			--late late ${WINDOW:-$on}"
}

# In ./D, from ../in.ndjson to ./made; at `every` so many bytes an epoch.
every=64KiB
job() { # STATE [OPTION OF dd-source…]
	local state=$1
	shift
	dd-run -q --checkpoint D "dd-source -q --every $every --once $* ../in.ndjson |
		$(stages "$state") | dd-deliver -q file:made"
}

job_ends() { # STATUS STATE
	local status=0
	job "$2" 2>err || status=$?
	[ $status = "$1" ] || { echo "exit status $status, want $1"; cat err; return 1; }
}

# What state in memory makes of it all.
wanted() {
	mkdir memory
	(cd memory && job memory && cp made ../want && cp late ../want.late)
	[ -s want ] && [ -s want.late ]
}

is_as_wanted() {
	cmp made ../want && cmp late ../want.late && expect 0 dd-run --check D &&
		expect 0 dd-deliver --verify D
}

bulk_files() { # KIND
	(cd D && find stages -name "$1.*" | sort)
}

flip() { # FILE PLACE
	python3 - "$@" <<-'END'
		import sys
		with open(sys.argv[1], "r+b") as file:
		    data = file.read()
		    place = int(float(sys.argv[2]) * (len(data) - 1))
		    file.seek(place)
		    file.write(bytes([data[place] ^ 0x15]))
	END
}

@test "what state on disk makes is what state in memory makes" {
	records 1 12000 >in.ndjson
	wanted
	mkdir disk
	cd disk
	job rocksdb
	is_as_wanted
	[ -n "$(bulk_files sst)" ]
	[ -n "$(bulk_files map)" ]
	# they end and leave nothing that only a run needs
	equal '' "$(find D -name working)"
}

@test "without a checkpoint, and nothing is left in TMPDIR" {
	records 1 12000 >in.ndjson
	mkdir tmp
	eval "$(stages memory)" <in.ndjson >want
	mv late want.late
	TMPDIR=$PWD/tmp bash -c "set -o pipefail; $(stages rocksdb)" <in.ndjson >out
	cmp out want
	cmp late want.late
	equal '' "$(ls -A tmp)"
	expect 73 env TMPDIR=/nonexistent dd-dedupe --key id --state rocksdb <in.ndjson
	has err "'/nonexistent' (TMPDIR)"
}

@test "what dies leaves nothing in TMPDIR; what is killed, until the next start" {
	records 1 4000 >in.ndjson
	mkdir tmp
	export TMPDIR=$PWD/tmp
	echo '{' >>in.ndjson
	expect 65 dd-dedupe --key id --state rocksdb <in.ndjson
	equal '' "$(ls -A tmp)"
	mkfifo pipe
	dd-dedupe -q --key id --state rocksdb <pipe >out &
	pid=$!
	exec 9>pipe
	records 1 1000 >&9
	wait_for eval '[ -n "$(ls -A tmp)" ] && [ -s out ]'
	kill -KILL $pid
	exec 9>&-
	wait $pid || true
	equal 1 "$(find tmp -mindepth 1 -maxdepth 1 | wc -l)"
	records 1 10 | expect 0 dd-dedupe -q --key id --state rocksdb
	equal '' "$(ls -A tmp)"
}

@test "kill -9 again and again" {
	records 1 20000 >in.ndjson
	wanted
	mkdir disk
	cd disk
	for size in 1 200000 400000 600000 800000 1000000; do
		for stage in window dedupe; do
			job rocksdb --rate 40000/s 2>/dev/null &
			pid=$!
			wait_for eval "[ -e D/stages/$stage/working/map/CURRENT ] &&
				[ \$(cat D/stages/deliver/*.snapshot 2>/dev/null | wc -c) -ge $((size > 1)) ]"
			read -rt "0.$((RANDOM % 4))1" <> <(:) || true
			fuser -s -k -KILL "D/stages/$stage/lock" || true
			wait $pid || true
		done
	done
	job rocksdb
	is_as_wanted
}

@test "a damaged byte in any file of it is named by the check, and never taken in silence" {
	local file place status seen=0
	records 1 9000 >in.ndjson
	every=16KiB
	mkdir whole
	(cd whole && job rocksdb)
	records 9001 12000 >>in.ndjson
	wanted
	while read -r file; do
		for place in 0 0.2 0.5 0.8 1; do
			rm -rf damaged
			cp -a whole damaged
			cd damaged
			flip "D/$file" $place
			expect 74 dd-run --check D
			grep -q "^damaged .*${file##*/}: the state relies on [0-9]* bytes of it: " out
			cp ../whole/made made
			status=0
			job rocksdb 2>err || status=$?
			if [ $status = 0 ]; then
				cmp made ../want && cmp late ../want.late
			else
				equal 74 $status
				has err "${file##*/}" 'dd-run --check'
				seen=$((seen + 1))
			fi
			cd "$BATS_TEST_TMPDIR"
		done
	done < <(cd whole && bulk_files '???')
	[ $seen -gt 20 ]
}

@test "a file that is gone or cut off is named" {
	local file how
	records 1 3000 >in.ndjson
	mkdir whole
	(cd whole && job rocksdb)
	while read -r file; do
		for how in rm 'truncate -s -1' 'truncate -s +1'; do
			rm -rf damaged
			cp -a whole damaged
			cd damaged
			$how "D/$file"
			expect 74 dd-run --check D
			has out "${file##*/}"
			cp ../whole/made made
			job_ends 74 rocksdb
			has err "${file##*/}"
			cd "$BATS_TEST_TMPDIR"
		done
	done < <(cd whole && named_last)
}

# Those that the last record of a stage names.
named_last() {
	for stage in dedupe window; do
		head -qn 1 "$(find "D/stages/$stage" -name '*.snapshot' | sort | tail -n 1)" |
			jq -r '.files[] | select(.xxh3).name' | sed "s|^|stages/$stage/|"
	done
}

@test "records rely on what is there, and nothing else is there" {
	records 1 30000 >in.ndjson
	every=16KiB
	mkdir disk
	cd disk
	for _ in 1 2 3; do
		job rocksdb
		records 1 10 | sed 's/"id":/&1000/' >>../in.ndjson
	done
	for stage in dedupe window; do
		cat "D/stages/$stage/"*.snapshot | grep -a '^{' | jq -r '.files[].name' | sort -u >named
		[ -s named ]
		find "D/stages/$stage" -type f \( -name 'sst.*' -o -name 'map.*' \) -printf '%f\n' |
			sort >there
		grep -E '^(sst|map)' named | diff - there
		# those of older runs as well, by their first name
		equal 1 "$(($(cut -d. -f2 there | sort -u | wc -l) > 1))"
	done
}

@test "a copy goes on as what was copied" {
	records 1 9000 >in.ndjson
	mkdir disk
	cd disk
	job rocksdb
	expect 0 dd-run --backup D copy
	expect 0 dd-run --check copy
	rm -r D
	mv copy D
	records 9001 12000 >>../in.ndjson
	(cd .. && wanted)
	job rocksdb
	is_as_wanted
}

@test "back to an earlier epoch, and on from there" {
	records 1 6000 >in.ndjson
	mkdir disk
	cd disk
	every=32KiB
	job rocksdb
	epoch=$(head -n 1 D/commit | jq .epoch)
	expect 0 dd-deliver -q --checkpoint D --take-over --rewind $((epoch - 1)) file:made </dev/null ||
		cat err
	job rocksdb
	expect 0 dd-run --check D
}

@test "what an older run worked in is taken away, and no matter for the check" {
	records 1 3000 >in.ndjson
	mkdir disk
	cd disk
	job rocksdb
	mkdir -p D/stages/dedupe/working/map
	echo bad >D/stages/dedupe/working/map/CURRENT
	expect 0 dd-run --check D
	lacks out unknown
	records 1 100 >>../in.ndjson
	job rocksdb
	[ ! -e D/stages/dedupe/working ]
}

@test "state in memory does not go on from state on disk, nor the reverse" {
	records 1 3000 >in.ndjson
	for from in memory rocksdb; do
		mkdir $from
		cd $from
		job $from
		to=$([ $from = memory ] && echo rocksdb || echo memory)
		job_ends 78 "$to"
		has err --state
		cd "$BATS_TEST_TMPDIR"
	done
}

@test "the module is not there" {
	mkdir bin
	records 1 10 >in.ndjson
	cp "$(command -v dd-dedupe)" bin
	expect 78 bin/dd-dedupe --key id --state rocksdb <in.ndjson
	has err "state on disk needs state-rocksdb.so: it is not there" librocksdb-dev
	echo no >bin/state-rocksdb.so
	expect 78 bin/dd-dedupe --key id --state rocksdb <in.ndjson
	has err "cannot load '$PWD/bin/state-rocksdb.so'"
}

# Starts in a small file system until it works, with more room each time that it did not.
grow_until_done() {
	local size=600 status
	mount -t tmpfs -o size=${size}k none small || return 1
	cd small || return 1
	until status=0 && job rocksdb 2>../err || status=$? && [ $status = 0 ]; do
		echo "$size KiB: $status $(tr '\n' ' ' <../err)" >>../starts
		case $status in
		73 | 74 | 75) ;;
		*) return 1 ;;
		esac
		size=$((size + 150))
		[ $size -lt 40000 ] || return 1
		mount -o "remount,size=${size}k" . || return 1
	done
	is_as_wanted
}

@test "a disk that is full, at many sizes" {
	unshare -rm true 2>/dev/null || skip 'no user namespaces here, so no file system of our own'
	records 1 9000 >in.ndjson
	wanted
	mkdir small
	export every
	export -f job stages grow_until_done is_as_wanted expect
	unshare -rm bash -c 'set -o pipefail; grow_until_done' || { cat starts err; return 1; }
	has starts 'no space left for the state on disk'
}
