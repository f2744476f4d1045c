#!/usr/bin/env bats
# What becomes of kept state when a stage is started again with other options: it does not matter,
# it holds from then on, or it is refused.

load helper

teardown() {
	cat err 2>/dev/null || true
}

records() { # TIME…
	for t; do
		echo "{\"t\":$t,\"k\":\"a\"}"
	done >>in
}

# A run that takes what is new in ./in, through the stage, into ./out.
once() { # STATUS COMMAND…
	local want=$1 status=0
	shift
	timeout 60 dd-source --once --checkpoint D in 2>>err | timeout 60 "$@" --checkpoint D 2>err |
		timeout 60 dd-deliver --checkpoint D file:out 2>>err || status=$?
	[ "$status" = "$want" ] || {
		echo "exit status $status, want $want: $*"
		return 1
	}
}

refused() { # OPTION COMMAND…
	local option=$1
	shift
	once 78 "$@"
	has err "--$option is '"
}

@test "dd-window: what open windows cannot be read by is refused, and the old value still goes" {
	local w=(dd-window -t t --time-format s)
	records 1 2
	once 0 "${w[@]}" -k k -a count --tumbling 1h
	refused tumbling "${w[@]}" -k k -a count --hopping 1h/30m
	refused tumbling "${w[@]}" -k k -a count --tumbling 2h
	refused offset "${w[@]}" -k k -a count --tumbling 1h --offset 5m
	refused tumbling "${w[@]}" -k k -a count --session 1h
	refused tumbling "${w[@]}" -k k -a count --count 5
	refused tumbling "${w[@]}" -k k -a count --all
	refused tumbling "${w[@]}" -k k -a count --calendar day --tz UTC
	refused key "${w[@]}" -k k,t -a count --tumbling 1h
	refused agg "${w[@]}" -k k -a 'count, first(k)' --tumbling 1h
	refused time dd-window -t u --time-format s -k k -a count --tumbling 1h
	refused emit "${w[@]}" -k k -a count --tumbling 1h --emit updates
	once 0 "${w[@]}" -k k -a count --hopping 60m/1h --offset 0s
}

@test "dd-window: calendar windows are those of their zone" {
	local w=(dd-window -t t --time-format s -k k -a count)
	records 1 2
	once 0 "${w[@]}" --calendar week --tz Europe/Berlin
	refused tz "${w[@]}" --calendar week --tz UTC
	refused week-start "${w[@]}" --calendar week --tz Europe/Berlin --week-start sun
	once 0 "${w[@]}" --calendar week --tz Europe/Berlin --week-start mon
}

@test "dd-window: of a larger --lateness windows that were let go of stay complete" {
	local clock='dd-watermark -t t --time-format s --bound 0s --max-jump off --step 0s --checkpoint D'
	records 10 65 66
	once 0 bash -c "$clock | dd-window -t t --time-format s -k k -a count --tumbling 1m --lateness 0s \$0 \$1"
	same out <<-'END'
	{"k":"a","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:01:00Z","count":1}
	END
	records 20 70 130
	once 0 bash -c "$clock | dd-window -t t --time-format s -k k -a count --tumbling 1m --lateness 1h --emit final \$0 \$1"
	has err 'late 1'
	records 30 80 3800
	once 0 bash -c "$clock | dd-window -t t --time-format s -k k -a count --tumbling 1m --lateness 1h \$0 \$1"
	same out <<-'END'
	{"k":"a","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:01:00Z","count":1}
	{"k":"a","window_start":"1970-01-01T00:01:00Z","window_end":"1970-01-01T00:02:00Z","count":4}
	{"k":"a","window_start":"1970-01-01T00:02:00Z","window_end":"1970-01-01T00:03:00Z","count":1}
	END
}

@test "dd-window: what is out under --emit updates is taken back under --emit retractions" {
	local clock='dd-watermark -t t --time-format s --bound 0s --max-jump off --step 0s --checkpoint D'
	records 10 65 66
	once 0 bash -c "$clock | dd-window -t t --time-format s -k k -a count --tumbling 1m --lateness 1h --emit updates \$0 \$1"
	records 20
	once 0 bash -c "$clock | dd-window -t t --time-format s -k k -a count --tumbling 1m --lateness 1h --emit retractions \$0 \$1"
	same out <<-'END'
	{"k":"a","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:01:00Z","count":1,"revision":0}
	{"k":"a","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:01:00Z","count":1,"revision":0,"retract":true}
	{"k":"a","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:01:00Z","count":2,"revision":1}
	END
}

@test "the unit that auto decided is kept, and may be said from then on" {
	records 1777600000
	once 0 dd-dedupe -k t -t t --ttl 1h
	has err 'are taken as s since 1970'
	records 1777600001000
	once 0 dd-dedupe -k t -t t --ttl 1h
	has err 'bad_time 1'
	records 1777600001 1777600000
	once 0 dd-dedupe -k t -t t --time-format s --ttl 1h
	same out <<-'END'
	{"t":1777600000,"k":"a"}
	{"t":1777600001,"k":"a"}
	END
}

@test "dd-dedupe: another --ttl holds for what is kept; what was forgotten stays so" {
	records 100 150
	once 0 dd-dedupe -k t -t t --time-format s --ttl 1m
	# 100 has run out at 200, 150 has not: so it is with a longer time to live, too
	records 200
	once 0 dd-dedupe -k t -t t --time-format s --ttl 1m
	records 100 150
	once 0 dd-dedupe -k t -t t --time-format s --ttl 1h
	records 150
	once 0 dd-dedupe -k t -t t --time-format s --ttl 1h
	records 150
	once 0 dd-dedupe -k t -t t --time-format s --ttl 10s
	same out <<-'END'
	{"t":100,"k":"a"}
	{"t":150,"k":"a"}
	{"t":200,"k":"a"}
	{"t":100,"k":"a"}
	{"t":150,"k":"a"}
	END
}

@test "dd-dedupe: another key or time is refused, and a --ttl where there was none" {
	records 1
	once 0 dd-dedupe -k t
	refused key dd-dedupe -k k
	refused time dd-dedupe -k t -t t --time-format s --ttl 1h
	once 0 dd-dedupe -k t --memory 1MiB
}

@test "dd-watermark: partitions are refused; of a larger --bound no watermark falls" {
	local w=(dd-watermark -t t --time-format s --max-jump off --step 0s)
	records 100 200
	once 0 "${w[@]}" --bound 10s
	refused partition "${w[@]}" --bound 10s --partition k
	refused time dd-watermark -t u --bound 10s
	records 210 300
	once 0 "${w[@]}" --bound 1m --step 1s --idle 1m --idle-advance
	has err 'dd-watermark: in 2 = passed 2;'
}

@test "dd-watermark: --learn keeps nothing" {
	expect 64 dd-watermark -t t --learn --checkpoint D
	has err "undoes DDPIPE_CHECKPOINT"
}

@test "dd-window: what --top has taken back stays taken back" {
	local clock='dd-watermark -t t --time-format s --bound 0s --max-jump off --step 0s --checkpoint D'
	local top='dd-window -t t --time-format s -k k -a count --tumbling 1m --lateness 1h --emit retractions --top 1:count'
	records 10 11 65 66
	once 0 bash -c "$clock | $top \$0 \$1"
	printf '{"t":%s,"k":"b"}\n' 20 21 >>in
	once 0 bash -c "$clock | $top \$0 \$1"
	echo '{"t":22,"k":"b"}' >>in
	once 0 bash -c "$clock | $top \$0 \$1"
	cp out out.before
	echo '{"t":23,"k":"c"}' >>in
	once 0 bash -c "$clock | $top \$0 \$1"
	same out.before <out
	same out <<-'END'
	{"k":"a","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:01:00Z","count":2,"revision":0}
	{"k":"a","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:01:00Z","count":2,"revision":0,"retract":true}
	{"k":"b","window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:01:00Z","count":3,"revision":0}
	END
}
