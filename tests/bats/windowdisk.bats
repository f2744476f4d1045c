#!/usr/bin/env bats
# dd-window --state rocksdb: windows that are larger than memory.

# shellcheck shell=bash disable=SC2016 # $dd is no variable

load helper

setup_file() {
	export KEYS=600000
	# every key once, in an order that is not theirs, and each fifth of another such order again
	awk -v n=$KEYS 'BEGIN {
		for (i = 0; i < n; i++) {
			k = (i * 1000003) % n
			printf "{\"t\":%d,\"k\":\"u%07d\",\"v\":%d}\n", 1777600000 + k % 3600, k, k % 97
			k = (i * 7) % n
			if (i % 5 == 0)
				printf "{\"t\":%d,\"k\":\"u%07d\",\"v\":5}\n", 1777600000 + k % 3600, k
		}
	}' >"$BATS_FILE_TMPDIR/in"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	[ -e "$(dirname "$(command -v dd-window)")/state-rocksdb.so" ] || skip "built without RocksDB"
	in=$BATS_FILE_TMPDIR/in
	w=(dd-window -t t --time-format s -k k -a 'count, sum(v)' --quiet)
	disk=(--state rocksdb --memory 16MiB)
}

# Runs a command on $in with its stdout in ./out; it is to take no more than that at any time (the
# address sanitizer takes memory of its own).
within() { # MIB COMMAND…
	local mib=$1
	shift
	! grep -q __asan_init "$(command -v dd-window)" || mib=100000
	python3 - "$in" "$mib" "$@" <<'END'
import os, subprocess, sys

path, mib, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
with open(path, "rb") as given, open("out", "wb") as out:
    child = subprocess.Popen(command, stdin=given, stdout=out)
    _, status, usage = os.wait4(child.pid, 0)
if os.waitstatus_to_exitcode(status) or usage.ru_maxrss > mib * 1024:
    sys.exit(f"exit {os.waitstatus_to_exitcode(status)}, {usage.ru_maxrss // 1024} MiB")
END
}

# The rows of windows, by sqlite.
oracle() { # SQL
	tr -d '{}"a-z:' <"$in" | sqlite3 :memory: '.mode csv' 'CREATE TABLE r (t INT, k TEXT, v INT)' \
		'.import /dev/stdin r' '.mode list' "$1"
}

at() { # SQL of seconds
	printf "strftime('%%Y-%%m-%%dT%%H:%%M:%%SZ', %s, 'unixepoch')" "$1"
}

row() { # SQL of start and end
	printf "'{\"k\":\"u' || k || '\",\"window_start\":\"' || %s || '\",\"window_end\":\"' || %s" "$(at "$1")" "$(at "$2")"
	printf " || '\",\"count\":' || count(*) || ',\"sum_v\":' || sum(v) || '}'"
}

@test "a window whose keys are more than memory fires in the order of keys" {
	within 64 "${w[@]}" "${disk[@]}" --tumbling 1d
	oracle "SELECT $(row 1777593600 1777680000) FROM r GROUP BY k ORDER BY k" >want
	cmp want out
	# in memory it is not enough
	expect 75 "${w[@]}" --memory 16MiB --tumbling 1d <"$in"
	has err '--state rocksdb keeps them on disk'
}

@test "many windows that are more than memory fire one after the other, at their watermarks" {
	{
		sort -t: -k2,2n -s "$in"
		echo '{"$dd":{"watermark":"2026-05-02T00:00:00Z"}}'
	} >sorted
	in=sorted within 64 "${w[@]}" "${disk[@]}" --tumbling 1m --lateness 1d
	oracle "SELECT $(row 't / 60 * 60' 't / 60 * 60 + 60') FROM r GROUP BY t / 60, k ORDER BY t / 60, k" >want
	cmp want out
}

@test "sessions that are more than memory end in the order of their ends" {
	echo '{"$dd":{"watermark":"2026-05-02T00:00:00Z"}}' | cat "$in" - >marked
	in=marked within 72 "${w[@]}" "${disk[@]}" --session 5s
	oracle "SELECT $(row 'min(t)' 'max(t) + 5') FROM r GROUP BY k ORDER BY max(t), min(t), k" >want
	cmp want out
}

@test "sessions that all end at the same instant" {
	sed 's/"t":[0-9]*/"t":1777600000/' "$in" >same
	in=same within 72 "${w[@]}" "${disk[@]}" --session 1h
	oracle "SELECT $(row 1777600000 1777603600) FROM r GROUP BY k ORDER BY k" >want
	cmp want out
}

@test "the first of a window whose keys are more than memory" {
	within 64 "${w[@]}" "${disk[@]}" --tumbling 1d --top 7:sum_v
	"${w[@]}" --tumbling 1d --top 7:sum_v <"$in" >want
	cmp want out
	equal 7 "$(wc -l <out)"
}

@test "corrections, early results and empty windows are the same from disk" {
	local kind mode
	head -n 3000 "$in" | sed 's/"u[0-9]*\([0-9][0-9]\)"/"u\1"/' >few
	dd-watermark -t t --time-format s --bound 200s --quiet <few >in
	for kind in '--tumbling 1m' '--hopping 4m/1m --fill --fill-for 10m' '--session 20s' \
		'--tumbling 5m --top 3:count' '--all'; do
		for mode in final 'updates --lateness 1h' 'retractions --lateness 20m'; do
			[ "$kind" != --all ] || mode=${mode%% *}
			[ "$kind" = --all ] || mode="$mode --late drop"
			# shellcheck disable=SC2086
			"${w[@]}" $kind --emit $mode <in >want
			# shellcheck disable=SC2086
			"${w[@]}" $kind --emit $mode --state rocksdb --memory 150KiB <in >out
			cmp want out || {
				echo "$kind --emit $mode"
				return 1
			}
		done
	done
}

@test "early results of sessions on disk come in their order" {
	local i
	mkfifo pipe
	"${w[@]}" --session 1h --emit updates --early 100ms --state rocksdb --memory 2KiB <pipe >out 2>err &
	exec 9>pipe
	for i in 5 3 9 1 7; do
		echo '{"t":'$((1777600000 + i))',"k":"k'$((9 - i))'","v":'"$i}"
	done >five
	cat five >&9
	wait_for five_are_out
	exec 9>&-
	wait
	equal 'k8 k6 k4 k2 k0 k8 k6 k4 k2 k0' "$(cut -d'"' -f4 out | paste -sd ' ')"
	equal 5 "$(grep -c '"revision":1' out)"
}

five_are_out() {
	[ "$(wc -l <out)" = 5 ]
}

@test "--state is for the directory: another one is refused" {
	local run='dd-source in --checkpoint dir --once'
	echo '{"t":1777600000,"k":"a","v":1}' >in
	$run | "${w[@]}" --tumbling 1h --checkpoint dir --state rocksdb | dd-deliver - --checkpoint dir >out
	echo '{"t":1777600001,"k":"a","v":1}' >>in
	$run 2>err.source | { "${w[@]}" --tumbling 1h --checkpoint dir 2>err || echo "$?" >status; } |
		dd-deliver - --checkpoint dir >out 2>err.deliver || true
	equal 78 "$(cat status)"
	has err "--state is 'memory'" "was made with 'rocksdb'"
	$run | "${w[@]}" --tumbling 1h --checkpoint dir --state rocksdb | dd-deliver - --checkpoint dir >out
	equal 0 "$(wc -l <out)"
}
