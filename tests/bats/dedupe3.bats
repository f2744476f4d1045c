#!/usr/bin/env bats
# dd-dedupe: what it keeps under a checkpoint, and the ways to hold keys. What is expected is worked
# out by awk and Python, or written down.
# shellcheck disable=SC2016,SC2086 # $dd is no variable; options are word lists
load helper

teardown() {
	tail -n 20 err 2>/dev/null || true
}

seed() {
	SEED=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
	echo "SEED=$SEED"
}

# ./in through dd-source, STAGE and dd-dedupe OPTION… into ./out, in epochs of a few records.
pipeline() { # OPTION…
	dd-source --once --every 1KiB --checkpoint D in 2>>err | ${STAGE:-cat} 2>>err | (
		echo $BASHPID >pid
		exec dd-dedupe --checkpoint D "$@" 2>err.dedupe
	) | dd-deliver --checkpoint D file:out 2>>err
}

epoch() {
	[ -e D/commit ] || echo 0
	[ ! -e D/commit ] || head -n 1 D/commit | jq .epoch
}

has_ended_or_committed() { # JOB EPOCH
	! kill -0 "$1" 2>/dev/null || [ "$(epoch)" -gt "$2" ]
}

# Kills dd-dedupe as often as it commits something, some times; the last run is undisturbed.
killed_on_the_way() { # OPTION…
	local runs=0 kills=0 before job
	while [ $((runs += 1)) -le 12 ]; do
		before=$(epoch)
		rm -f pid
		pipeline "$@" &
		job=$!
		wait_for has_ended_or_committed $job $before
		kill -9 "$(cat pid)" 2>/dev/null && kills=$((kills + 1))
		wait $job || true
	done
	[ $kills -ge 3 ]
	pipeline "$@"
}

n_of() { # FILE
	without_control "$1" | sed 's/.*"n":\([0-9]*\).*/\1/'
}

@test "killed and started again: what passes, --duplicates and --report are those of one run" {
	awk 'BEGIN { srand(3); for (i = 1; i <= 20000; i++) printf "{\"k\":%d,\"n\":%d}\n", int(rand() * rand() * 4000), i }' >in
	killed_on_the_way -k k --duplicates again --report
	awk -F, '!seen[$1]++' in | cmp - out
	awk -F, 'seen[$1]++' in | cmp - again
	awk -F, '{ d[$1]++ } END { for (k in d) if (d[k] > 1) print d[k] - 1, k }' in | sort -rn | sed -n 1,3p >most
	[ "$(awk -F, '{ d[$1]++ } END { for (k in d) if (d[k] > 1) n++; print n }' in)" -gt 1000 ]
	grep -c 'most duplicated' err.dedupe | equal 10 "$(cat)"
	# more than 1000 keys: ranges
	awk 'NR == FNR { c[$2 "}"] = $1; next } $3 ~ /^duplicated:$/ {
		most = $5 == "to" ? $6 : $4
		if ($NF in c && (c[$NF] < $4 || c[$NF] > most)) { print "wrong: " $0; exit 1 }
		if ($NF in c) seen++
	} END { if (!seen) exit 1 }' most err.dedupe
	[ ! -e D/stages/dedupe/duplicates.0 ]
	[ -z "$(find D/stages/dedupe -name 'duplicates.*.*')" ]
}

@test "killed and started again: --report is exact where few keys have duplicates" {
	awk 'BEGIN { srand(4); for (i = 1; i <= 20000; i++) printf "{\"k\":%d,\"n\":%d}\n", int(rand() * rand() * 60), i }' >in
	killed_on_the_way -k k --report --quiet
	awk -F, '{ d[$1 "}"]++ } END { for (k in d) print d[k] - 1, k }' in | sort -k1,1nr -k2 | head -n 10 |
		sed 's/^\([0-9]*\) /dd-dedupe: most duplicated: \1 of /' | cmp - err.dedupe
}

@test "killed and started again: --newest never lets a key go back" {
	awk 'BEGIN { srand(5); for (i = 1; i <= 20000; i++) printf "{\"k\":%d,\"v\":%d,\"n\":%d}\n", int(rand() * 700), i / 20 + int(rand() * 200), i }' >in
	killed_on_the_way -k k --newest v --duplicates again
	awk -F'[:,]' '!($2 in m) || $4 > m[$2] { m[$2] = $4; print; next } { print >"rest" }' in | cmp - out
	cmp rest again
}

@test "killed and started again: --ttl by the watermark, with --late and --duplicates" {
	awk 'BEGIN { srand(6); for (i = 1; i <= 20000; i++) printf "{\"k\":%d,\"t\":%d,\"n\":%d}\n", int(rand() * 300), 100 + i / 10 - int(rand() * rand() * 100), i }' >in
	STAGE='dd-watermark -t t --time-format s --bound 30s --step 0s --max-jump off --checkpoint D'
	killed_on_the_way -k k -t t --time-format s --ttl 40s --late late --lateness 5s --duplicates again
	awk -F'[:,]' '{
		if (NR > 1 && $4 <= w - 5) print >"want.late"
		else if ($2 in end && end[$2] > w) print >"want.again"
		else { end[$2] = $4 + 40; print }
		if (NR == 1 || $4 - 30 > w) w = $4 - 30
	}' in | cmp - out
	cmp want.late late
	cmp want.again again
}

@test "side files: a stop between the two of an epoch's makes neither twice" {
	printf '{"k":%s,"t":%s}\n' 1 100 1 101 2 200 3 100 2 201 >in
	STAGE='dd-watermark -t t --time-format s --bound 0s --step 0s --max-jump off --checkpoint D'
	mkfifo again
	pipeline -k k -t t --time-format s --ttl 1h --late late --duplicates again &
	# late is published, and that of duplicates waits for a reader
	wait_for [ -s late ]
	kill -9 "$(cat pid)"
	wait || true
	rm again
	pipeline -k k -t t --time-format s --ttl 1h --late late --duplicates again
	same late <<<'{"k":3,"t":100}'
	printf '{"k":1,"t":101}\n{"k":2,"t":201}\n' | same again
}

# A run that takes what is new in ./in.
once() { # STATUS OPTION…
	local want=$1 status=0
	shift
	pipeline "$@" || status=$?
	cat err.dedupe >>err
	equal "$want" $status
}

refused() { # OPTION OPTION…
	local option=$1
	shift
	once 78 "$@"
	has err.dedupe "--$option is '"
}

@test "options that shape what is kept are refused when they change, all others hold" {
	echo '{"k":1,"v":1,"t":1}' >in
	once 0 -k k
	refused key --whole
	refused key -k v
	refused canonical -k k --canonical
	refused exact-keys -k k --exact-keys
	refused newest -k k --newest v
	refused approximate -k k --approximate 1%
	refused state -k k --state rocksdb
	refused ttl -k k --ttl 1h
	refused time -k k --ttl 1h -t t
	echo '{"k":1,"v":1,"t":1}' >>in
	once 0 -k k --memory 1MiB --report --duplicates again
	equal 1 "$(wc -l <again)"
	rm -r D out out.commit
	once 0 -k k -t t --ttl 1h --time-format s
	refused time -k k
	refused time -k k --ttl 1h
	once 0 -k k -t t --ttl 2h --time-format s --lateness 1h --late drop
}

@test "--approximate: the rate is the same however it is written" {
	echo '{"k":1}' >in
	once 0 -k k --approximate 1%
	once 0 -k k --approximate 0.01
	refused approximate -k k --approximate 2%
}

@test "--newest: the kind of the versions is kept" {
	echo '{"k":1,"v":1}' >in
	once 0 -k k --newest v
	printf '{"k":1,"v":%s}\n' '"2026-05-01T12:00:00Z"' 3 2 >>in
	once 0 -k k --newest v --dlq store
	equal not_a_version "$(jq -r .reason store/*)"
	equal '1 3' "$(jq .v out | paste -sd' ')"
}

@test "--report: the figures go on, and are forgotten where it is left out" {
	printf '{"k":1}\n{"k":1}\n' >in
	once 0 -k k --report
	has err.dedupe 'most duplicated: 1 of {"k":1}'
	echo '{"k":1}' >>in
	once 0 -k k --report
	has err.dedupe 'most duplicated: 2 of {"k":1}'
	once 0 -k k
	echo '{"k":1}' >>in
	once 0 -k k --report
	has err.dedupe 'most duplicated: 1 of {"k":1}'
}

# The ways to hold keys

has_rocksdb() {
	[ -e "$(dirname "$(command -v dd-dedupe)")/state-rocksdb.so" ] || skip "state-rocksdb is left out of this build"
}

@test "--exact-keys: random streams are what the model says, and memory has a bound" {
	seed
	"$DATA/dedupe-model" "$SEED" --exact-keys
	seq 1 200000 | awk '{ printf "{\"k\":\"key-%d\"}\n", $1 }' >in
	expect 75 dd-dedupe -k k --exact-keys --memory 1MiB <in
	has err 'keys are all that --memory has room for; give it more, or a --ttl, or --state rocksdb to hold them on disk'
	adds_up err
	[ "$(wc -l <out)" -ge 1000 ]
	head -n "$(wc -l <out)" in | cmp - out
}

@test "--exact-keys: killed and started again" {
	awk 'BEGIN { srand(5); for (i = 1; i <= 20000; i++) printf "{\"k\":%d,\"v\":%d,\"n\":%d}\n", int(rand() * 700), i / 20 + int(rand() * 200), i }' >in
	killed_on_the_way -k k --newest v --duplicates again --exact-keys
	awk -F'[:,]' '!($2 in m) || $4 > m[$2] { m[$2] = $4; print; next } { print >"rest" }' in | cmp - out
	cmp rest again
}

@test "--state rocksdb: random streams are what the model says" {
	has_rocksdb
	seed
	"$DATA/dedupe-model" "$SEED" --state rocksdb
	"$DATA/dedupe-model" "$SEED" --state rocksdb --exact-keys
}

@test "--state rocksdb: more keys than memory has room for, against awk" {
	has_rocksdb
	awk 'BEGIN { for (i = 0; i < 300000; i++) printf "{\"k\":\"a key that is somewhat long: %d\",\"n\":%d}\n", (i * 7919) % 200003, i }' >in
	expect 75 dd-dedupe -k k --memory 2MiB <in
	expect 0 dd-dedupe -k k --memory 2MiB --state rocksdb --duplicates again <in
	awk -F, '!seen[$1]++' in | cmp - out
	awk -F, 'seen[$1]++' in | cmp - again
}

@test "--state rocksdb: killed and started again" {
	has_rocksdb
	awk 'BEGIN { srand(5); for (i = 1; i <= 20000; i++) printf "{\"k\":%d,\"v\":%d,\"n\":%d}\n", int(rand() * 700), i / 20 + int(rand() * 200), i }' >in
	killed_on_the_way -k k --newest v --duplicates again --state rocksdb
	awk -F'[:,]' '!($2 in m) || $4 > m[$2] { m[$2] = $4; print; next } { print >"rest" }' in | cmp - out
	cmp rest again
}

@test "--approximate: no duplicate passes, and of new keys no more than the rate are taken out" {
	for rate in 5 0.5; do
		dd-dedupe -k k --approximate $rate% --memory 64KiB </dev/null 2>told
		room=$(sed -n 's/.*has room for \([0-9]*\) keys$/\1/p' told)
		[ "$room" -gt 20000 ]
		# each key twice, the second time somewhere behind the first
		awk -v n="$room" 'BEGIN { for (i = 0; i < n + 1000; i++) { if (i < n) print "{\"k\":" i "}"; if (i >= 1000) print "{\"k\":" (i * 7 % 1000 > i ? i : i - 1000) "}" } }' >in
		rm -f again
		expect 0 dd-dedupe -k k --approximate $rate% --memory 64KiB --duplicates again <in
		awk '{ if (seen[$0]++) print "came twice: " $0; bad += seen[$0] > 1 } END { exit bad > 0 }' out
		sort out again | cmp - <(sort in)
		adds_up err
		has err "doubtful $(wc -l <again)"
		# four standard deviations above is once in 30,000 runs
		awk -v n="$room" -v rate=$rate -v passed="$(wc -l <out)" \
			'BEGIN { p = rate / 100; print n - passed, p * n; exit n - passed > p * n + 4 * sqrt(p * n) }'
	done
}

@test "--approximate: when it is full it stops, and says what to do" {
	seq 1 100000 | sed 's/.*/{"k":&}/' >in
	expect 75 dd-dedupe -k k --approximate 1% --memory 64KiB <in
	has err 'keys are all that --memory has room for; give it more, or a --ttl' '--approximate 1%: --memory has room for '
	lacks err rocksdb
	expect 75 dd-dedupe -k k --approximate 1% --memory 64KiB --ttl 1d <in
	has err 'or a shorter --ttl'
	expect 0 dd-dedupe --quiet -k k --approximate 1% <<<'{"k":1}'
	[ ! -s err ]
}

@test "--approximate with --ttl: a key is kept for that long, and at most an eighth longer" {
	seed
	"$DATA/dedupe-doubt" "$SEED"
}

@test "--approximate: killed and started again" {
	awk 'BEGIN { srand(3); for (i = 1; i <= 20000; i++) printf "{\"k\":%d,\"n\":%d}\n", int(rand() * rand() * 4000), i }' >in
	killed_on_the_way -k k --approximate 1e-9 --memory 1MiB --duplicates again
	awk -F, '!seen[$1]++' in | cmp - out
	awk -F, 'seen[$1]++' in | cmp - again
}
