#!/usr/bin/env bats
# A disk that is full: every writer of a checkpointed pipeline says so, loses nothing, and goes on
# when there is room again. Each size of the file system stops it at another place.
# shellcheck disable=SC2016

load helper

setup_file() {
	unshare -rm true 2>/dev/null || skip "no user namespaces here, so no file system of our own"
}

records() {
	awk 'BEGIN {
		for (i = 1; i <= 400; i++) {
			printf "{\"id\":%d,\"t\":%d,\"k\":\"k%d\",\"v\":%d}\n", i % 350, 1767225600 + i, i % 37, i
			if (i % 50 == 0) print "{\"id\":" i ",\"t\":"
			if (i % 60 == 0) printf "{\"id\":%d,\"t\":1,\"k\":\"late\",\"v\":1}\n", 1000 + i
		}
	}'
}

job() { # DIR DESTINATION
	export DDPIPE_CHECKPOINT=$1
	dd-source -q --every 2KiB in.ndjson | dd-dedupe -q --key id |
		dd-watermark -q --time t --time-format s --bound 10s |
		dd-window -q --time t --time-format s --tumbling 20s --key k --agg 'count, sum(v)' --late small/late |
		dd-deliver -q "$2"
}

# Starts in a small file system until it works, with more room each time that it did not.
grow_until_done() { # DESTINATION
	local size=24 status=0
	mount -t tmpfs -o size=${size}k none small || return 1
	until status=0 && job small/D "$1" 2>err || status=$? && [ $status = 0 ]; do
		echo "$size KiB: $status $(tr '\n' ' ' <err)" >>starts
		case $status in
		73 | 74 | 75) ;;
		*) return 1 ;;
		esac
		size=$((size + 8))
		[ $size -lt 1200 ] || return 1
		mount -o "remount,size=${size}k" small || return 1
	done
	echo "$size KiB: done" >>starts
	dd-deliver --verify small/D >/dev/null
}

show() { # WHAT-TO COMMAND
	bash -c "$2" >"$1"
	dd-dlq count small/D/dlq | sort >"$1.letters"
	cp small/late "$1.late"
}

full_disk() { # DESTINATION SHOW-COMMAND
	records >in.ndjson
	mkdir -p small
	job small/D "$1" 2>/dev/null
	show want "$2"
	rm -rf small
	mkdir small
	export -f job grow_until_done show
	unshare -rm bash -c 'set -o pipefail; grow_until_done "$1" && show got "$2"' bash "$@" ||
		{ cat starts err; return 1; }
	has starts 'No space left'
	cmp got want
	cmp got.letters want.letters
	cmp got.late want.late
}

@test "file: every size at which the disk is full" {
	full_disk file:small/out 'cat small/out'
}

@test "dir: every size at which the disk is full" {
	full_disk dir:small/out 'cat small/out/*.ndjson'
}

@test "sqlite: every size at which the disk is full" {
	full_disk 'sqlite:small/out.db?table=t' 'sqlite3 small/out.db "select * from t order by rowid"'
}
