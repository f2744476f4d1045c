#!/usr/bin/env bats
# dd-watermark: formats of time, zones, bound, step, jumps, and a model of it on random streams.
# shellcheck disable=SC2016,SC2086 # $dd is no variable; options are word lists
load helper

# The watermarks in a stream, one a line.
marks() { # [FILE…]
	jq -r '."$dd".watermark // empty' "$@"
}

# The time that VALUE (as JSON) is understood as: the watermark after it with no bound.
time_of() { # VALUE OPTION…
	local value=$1
	shift
	printf '{"t":%s}\n' "$value" | expect 0 dd-watermark -t t --bound 0s --max-jump off --quiet "$@" || return
	marks out
}

refused() { # VALUE OPTION…
	local value=$1
	shift
	printf '{"t":%s}\n' "$value" | expect 65 dd-watermark -t t --bound 0s --max-jump off "$@"
	[ ! -s out ]
}

@test "RFC 3339: any offset, T t space, fractions of any length, leap second" {
	while read -r want value; do
		equal "$want" "$(time_of "$value" --time-format rfc3339)"
		equal "$want" "$(time_of "$value")"
	done <<'END'
2026-05-01T12:00:00Z "2026-05-01T12:00:00Z"
2026-05-01T12:00:00Z "2026-05-01t12:00:00z"
2026-05-01T12:00:00Z "2026-05-01 12:00:00Z"
2026-05-01T10:00:00Z "2026-05-01T12:00:00+02:00"
2026-05-01T17:30:00Z "2026-05-01T12:00:00-05:30"
2026-05-02T11:59:00Z "2026-05-01T12:00:00-23:59"
2026-05-01T12:00:00.500Z "2026-05-01T12:00:00.5Z"
2026-05-01T12:00:00.123400Z "2026-05-01T12:00:00.1234Z"
2026-05-01T12:00:00.123456789Z "2026-05-01T12:00:00.123456789Z"
2026-05-01T12:00:00.123456789Z "2026-05-01T12:00:00.1234567899999999Z"
2026-05-01T12:00:00.000000001Z "2026-05-01T12:00:00.00000000100000000000000000001Z"
2016-12-31T23:59:59.999999999Z "2016-12-31T23:59:60Z"
2016-12-31T23:59:59.999999999Z "2016-12-31T23:59:60.5Z"
2017-01-01T22:59:59.999999999Z "2017-01-01T23:59:60+01:00"
2024-02-29T00:00:00Z "2024-02-29T00:00:00Z"
1969-12-31T23:59:59.999999999Z "1969-12-31T23:59:59.999999999Z"
1900-03-01T00:00:00Z "1900-03-01T00:00:00Z"
2262-04-11T23:47:16.854775807Z "2262-04-11T23:47:16.854775807Z"
1677-09-21T00:12:43.145224192Z "1677-09-21T00:12:43.145224192Z"
2026-05-01T12:00:00Z "\u0032026-05-01T12:00:00\u005a"
END
	while read -r value; do
		refused "$value" --time-format rfc3339
	done <<'END'
"2026-05-01T12:00:00"
"2026-05-01"
"2026-02-29T00:00:00Z"
"2026-13-01T00:00:00Z"
"2026-00-01T00:00:00Z"
"2026-05-01T24:00:00Z"
"2026-05-01T12:60:00Z"
"2026-05-01T12:00:61Z"
"2026-05-01T12:00:00.Z"
"2026-05-01T12:00:00+24:00"
"2026-05-01T12:00:00+0200"
"2026-05-01T12:00:00Zx"
" 2026-05-01T12:00:00Z"
"26-05-01T12:00:00Z"
"2262-04-11T23:47:16.854775808Z"
"1677-09-21T00:12:43.145224191Z"
"9999-12-31T23:59:59Z"
1777636800
END
}

@test "s ms us ns: numbers and numeric strings, decimals exact" {
	while read -r format value want; do
		equal "$want" "$(time_of "$value" --time-format "$format")"
		[[ $value == \"* ]] || equal "$want" "$(time_of "\"$value\"" --time-format "$format")"
	done <<'END'
s 0 1970-01-01T00:00:00Z
s -1 1969-12-31T23:59:59Z
s 1777636800 2026-05-01T12:00:00Z
s 1777636800.1 2026-05-01T12:00:00.100Z
s 1777636800.123456789 2026-05-01T12:00:00.123456789Z
s 1777636800.1234567899 2026-05-01T12:00:00.123456789Z
s 1.7776368e9 2026-05-01T12:00:00Z
s 17776368E+2 2026-05-01T12:00:00Z
s 0.000000001 1970-01-01T00:00:00.000000001Z
s 1e-9 1970-01-01T00:00:00.000000001Z
s 9223372036.854775807 2262-04-11T23:47:16.854775807Z
s -9223372036.854775808 1677-09-21T00:12:43.145224192Z
ms 1777636800123 2026-05-01T12:00:00.123Z
ms 1777636800123.456789 2026-05-01T12:00:00.123456789Z
ms -1 1969-12-31T23:59:59.999Z
us 1777636800123456 2026-05-01T12:00:00.123456Z
us 0.001 1970-01-01T00:00:00.000000001Z
ns 1777636800123456789 2026-05-01T12:00:00.123456789Z
ns 9223372036854775807 2262-04-11T23:47:16.854775807Z
ns -9223372036854775808 1677-09-21T00:12:43.145224192Z
END
	while read -r format value; do
		refused "$value" --time-format "$format"
	done <<'END'
s 9223372036.854775808
s -9223372036.854775809
s 1e400
ns 9223372036854775808
ns 1e30
ms "x"
ms ""
s "0x10"
s true
s null
s "2026-05-01T12:00:00Z"
END
}

@test "auto: the unit is decided by the first value of at least 1e8, told, and kept" {
	while read -r value want unit; do
		equal "$want" "$(time_of "$value")"
		printf '{"t":%s}\n' "$value" | dd-watermark -t t --bound 0s 2>told >out
		grep -qw "$unit" told
	done <<'END'
100000000 1973-03-03T09:46:40Z s
9223372036 2262-04-11T23:47:16Z s
100000000000 1973-03-03T09:46:40Z ms
9223372036854 2262-04-11T23:47:16.854Z ms
100000000000000 1973-03-03T09:46:40Z us
1777636800123456 2026-05-01T12:00:00.123456Z us
100000000000000000 1973-03-03T09:46:40Z ns
1777636800.5 2026-05-01T12:00:00.500Z s
END
}

@test "auto: a string is RFC 3339, not a number, and a time beyond 64 bits is none" {
	refused '"1777636800"'
	refused 9223372037
	refused 99999999999
	refused 5
}

@test "auto: smaller numbers before, and other magnitudes after, are malformed; strings are RFC 3339" {
	cat >in <<'END'
{"t":5}
{"t":99999999}
{"t":1777636800000}
{"t":1777636801}
{"t":1777636802000000}
{"t":1777636803000}
{"t":"2026-05-01T12:00:04Z"}
END
	expect 0 dd-watermark -t t --bound 0s --max-jump off --dlq store <in
	marks out >got
	printf '2026-05-01T12:00:0%dZ\n' 0 3 4 | same got
	equal '1 2 4 5' "$(jq .source.line store/* | paste -sd' ')"
	adds_up err
}

@test "strptime patterns, with and without zone" {
	equal 2001-01-01T00:47:00Z "$(time_of '"2001/01/01 00:47"' --time-format '%Y/%m/%d %H:%M' --tz UTC)"
	equal 2026-05-01T10:00:00Z "$(time_of '"01.05.2026 12:00:00"' --time-format '%d.%m.%Y %H:%M:%S' --tz Europe/Berlin)"
	equal 2000-10-10T20:55:36Z "$(time_of '"10/Oct/2000:13:55:36 -0700"' --time-format '%d/%b/%Y:%H:%M:%S %z')"
	equal 2026-05-01T00:00:00Z "$(time_of '"2026-05-01"' --time-format '%Y-%m-%d' --tz UTC)"
	refused '"2001/01/01 00:47"' --time-format '%Y/%m/%d %H:%M'
	has err no_time_zone --tz
	refused '"2001/01/01 00:47x"' --time-format '%Y/%m/%d %H:%M' --tz UTC
	refused '"2001/02/30 00:47"' --time-format '%Y/%m/%d %H:%M' --tz UTC
	refused '"2001/01/01"' --time-format '%Y/%m/%d %H:%M' --tz UTC
}

@test "--tz: offsets of the zone, a repeated hour means the first, a skipped one moves by the gap" {
	while read -r zone local want; do
		equal "$want" "$(time_of "\"$local\"" --tz "$zone")"
	done <<'END'
UTC 2026-05-01T12:00:00 2026-05-01T12:00:00Z
Europe/Berlin 2026-01-01T12:00:00 2026-01-01T11:00:00Z
Europe/Berlin 2026-07-01T12:00:00 2026-07-01T10:00:00Z
Europe/Berlin 2026-03-29T01:59:59.999 2026-03-29T00:59:59.999Z
Europe/Berlin 2026-03-29T02:00:00 2026-03-29T01:00:00Z
Europe/Berlin 2026-03-29T02:30:00 2026-03-29T01:30:00Z
Europe/Berlin 2026-03-29T03:00:00 2026-03-29T01:00:00Z
Europe/Berlin 2026-10-25T01:59:59 2026-10-24T23:59:59Z
Europe/Berlin 2026-10-25T02:30:00 2026-10-25T00:30:00Z
Europe/Berlin 2026-10-25T03:00:00 2026-10-25T02:00:00Z
America/New_York 2014-11-02T01:30:00 2014-11-02T05:30:00Z
America/New_York 2015-03-08T02:30:00 2015-03-08T07:30:00Z
America/New_York 2060-07-01T00:00:00 2060-07-01T04:00:00Z
Australia/Lord_Howe 2026-10-04T02:15:00 2026-10-03T15:45:00Z
Australia/Lord_Howe 2026-04-05T01:45:00 2026-04-04T14:45:00Z
Asia/Kathmandu 2026-05-01T00:00:00 2026-04-30T18:15:00Z
Pacific/Apia 2011-12-30T12:00:00 2011-12-30T22:00:00Z
END
	# an offset in the value wins
	equal 2026-05-01T11:00:00Z "$(time_of '"2026-05-01T12:00:00+01:00"' --tz America/New_York)"
	# numbers have no zone
	equal 2026-05-01T12:00:00Z "$(time_of 1777636800 --tz America/New_York)"
}

@test "every day's hours of two years agree with Python's zoneinfo" {
	for zone in Europe/Berlin America/St_Johns Africa/Casablanca; do
		python3 - $zone >in 2>want <<'END'
import datetime, sys, zoneinfo
zone, utc = zoneinfo.ZoneInfo(sys.argv[1]), datetime.timezone.utc
t = datetime.datetime(2025, 1, 1)
rows = []
while t.year < 2027:
    # fold 0: the first of a repeated hour; a skipped one with the offset before it, moved by the gap
    rows.append((t.isoformat(), t.replace(tzinfo=zone, fold=0).astimezone(utc).strftime("%Y-%m-%dT%H:%M:%SZ")))
    t += datetime.timedelta(minutes=37)
highest = ""
for local, at in rows:
    print('{"t":"%s"}' % local)
    if at > highest:
        highest = at
        print(at, file=sys.stderr)
END
		expect 0 dd-watermark -t t --tz $zone --bound 0s --step 0 --max-jump off <in
		marks out | diff -q want - || {
			marks out | diff want - | head
			return 1
		}
	done
}

@test "an unknown zone is a configuration error, never UTC" {
	for zone in Europe/Berlim utc2 '' ../../etc/passwd /etc/passwd; do
		status=0
		dd-watermark -t t --bound 0s --tz "$zone" <<<'{"t":"2026-05-01T12:00:00"}' >out 2>err || status=$?
		# 64 where the name is refused as such
		case $status in 64 | 78) ;; *) equal 78 $status ;; esac
		[ ! -s out ]
		has err "'$zone'"
	done
	expect 78 dd-watermark -t t --bound 0s --tz Europe/Berlim </dev/null
}

@test "usage errors are 64, before anything is read" {
	for options in "--bound 5s" "-t t" "-t t --bound 5" "-t t --bound -5s" "-t t --bound 5x" \
		"-t t --bound 1s --step -1s" "-t t --bound 1s --max-jump never" "-t t --bound 1s --max-jump -1s" \
		"-t t --bound 1s --time-format hours" "-t t --bound 1s extra"; do
		expect 64 dd-watermark $options <<<'{"t":1}'
		has err 'dd-watermark: '
		[ ! -s out ]
	done
}

@test "--bound holds the watermark back, in all units" {
	while read -r bound want; do
		printf '{"t":"2026-05-01T12:00:00Z"}\n' | expect 0 dd-watermark -t t --bound "$bound" --max-jump off
		equal "$want" "$(marks out)"
	done <<'END'
0s 2026-05-01T12:00:00Z
1ms 2026-05-01T11:59:59.999Z
250ms 2026-05-01T11:59:59.750Z
30s 2026-05-01T11:59:30Z
5m 2026-05-01T11:55:00Z
1h 2026-05-01T11:00:00Z
1d 2026-04-30T12:00:00Z
1w 2026-04-24T12:00:00Z
END
}

@test "--step: a second unless said, 0 every advance, else the first that is far enough" {
	printf '{"t":%d}\n' 1000 1000 1400 1999 2000 1500 2999 3100 3099 10000 >in
	expect 0 dd-watermark -t t --time-format ms --bound 0s --max-jump off <in
	marks out >got
	printf '1970-01-01T00:00:%sZ\n' 01 02 03.100 10 | same got
	expect 0 dd-watermark -t t --time-format ms --bound 0s --max-jump off --step 0 <in
	marks out >got
	printf '1970-01-01T00:00:%sZ\n' 01 01.400 01.999 02 02.999 03.100 10 | same got
	expect 0 dd-watermark -t t --time-format ms --bound 0s --max-jump off --step 2100ms <in
	marks out >got
	printf '1970-01-01T00:00:%sZ\n' 01 03.100 10 | same got
	without_control out | cmp in -
}

@test "--max-jump: one broken clock in the middle, and at the start, is not believed" {
	cat >middle <<'END'
{"t":"2026-05-01T12:00:00Z"}
{"t":"2026-05-01T12:00:10Z"}
{"t":"2099-01-01T00:00:00Z"}
{"t":"2026-05-01T12:00:20Z"}
{"t":"2026-05-01T12:00:30Z"}
END
	expect 0 dd-watermark -t t --bound 0s <middle
	marks out >got
	printf '2026-05-01T12:00:%dZ\n' 10 20 30 | same got
	without_control out | cmp middle -
	expect 0 dd-watermark -t t --bound 0s --max-jump off <middle
	marks out >got
	printf '%s\n' 2026-05-01T12:00:00Z 2026-05-01T12:00:10Z 2099-01-01T00:00:00Z | same got

	# first: two unconfirmed, the earlier is kept; the next confirms it
	sed -n '3p;1p;2p;4p' middle >first
	expect 0 dd-watermark -t t --bound 0s <first
	marks out >got
	printf '2026-05-01T12:00:%02dZ\n' 10 20 | same got

	# the first alone is not believed, and is confirmed by an equal one
	expect 0 dd-watermark -t t --bound 0s < <(sed -n 1p middle)
	equal '' "$(marks out)"
	expect 0 dd-watermark -t t --bound 0s < <(sed -n '1p;1p' middle)
	equal 2026-05-01T12:00:00Z "$(marks out)"
}

@test "--max-jump: a real gap is believed with its second record; the limit itself is no jump" {
	cat >in <<'END'
{"t":0}
{"t":0}
{"t":3600}
{"t":7201}
{"t":3601}
{"t":3600}
{"t":100000}
{"t":96400}
END
	expect 0 dd-watermark -t t --time-format s --bound 0s <in
	cat >want <<'END'
{"t":0}
{"t":0}
{"$dd":{"watermark":"1970-01-01T00:00:00Z"}}
{"t":3600}
{"$dd":{"watermark":"1970-01-01T01:00:00Z"}}
{"t":7201}
{"t":3601}
{"$dd":{"watermark":"1970-01-01T02:00:01Z"}}
{"t":3600}
{"t":100000}
{"t":96400}
{"$dd":{"watermark":"1970-01-02T03:46:40Z"}}
END
	cmp want out || diff want out
	# one second further back confirms nothing
	sed -i 's/96400/96399/' in
	expect 0 dd-watermark -t t --time-format s --bound 0s <in
	equal 3 "$(marks out | wc -l)"
}


@test "random streams: byte for byte what the model says" {
	seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
	echo "SEED=$seed"
	"$DATA/watermark-model" "$seed"
}

@test "the result does not depend on how the input is cut into reads" {
	seq 1 3000 | awk '{ printf "{\"t\":%d}\n", ($1 * 7919) % 1000 + $1 }' >in
	expect 0 dd-watermark -t t --time-format s --bound 100s --quiet <in
	cp out whole
	python3 -c '
import sys, random
random.seed(7)
data = open("in", "rb").read()
while data:
    n = random.choice([1, 2, 5, 100, 3000])
    sys.stdout.buffer.write(data[:n]); sys.stdout.flush(); data = data[n:]' |
		expect 0 dd-watermark -t t --time-format s --bound 100s --quiet
	cmp whole out
}
