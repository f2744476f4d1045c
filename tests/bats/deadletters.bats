#!/usr/bin/env bats
# What becomes of bad records, with and without a dead-letter store.
# shellcheck disable=SC2016,SC2086 # $dd is no variable; options are word lists
load helper

# Lines that are no records, each with a good one before and behind it.
bad_lines() {
	printf '{"a":1}\n'
	printf 'junk\n'                     # 2: no JSON
	printf '{"a":2}\n'
	printf '{"a":3\n'                   # 4: unfinished
	printf '{"a":"\xff\xfe"}\n'         # 5: no UTF-8
	printf '{"a":"x\x00y"}\n'           # 6: a NUL byte
	printf '\x00\n'                     # 7: only that
	printf '{"a":"\\ud800"}\n'          # 8: a lone surrogate
	printf '{"a":1,}\r\n'               # 9: with CR
	printf '[1, 2.50]\n'                # 10: JSON, but no object
	printf '"text"\n'                   # 11
	printf '{"a":01}\n'                 # 12: no number
	printf '{"a":4}{"a":5}\n'           # 13: two values
	printf ' {"b": 1.10}\n'             # 14: without the key
	printf '{"a":6}\n'
}

@test "without a store a stage stops at the first bad record, having passed those before: 65" {
	expect 65 dd-dedupe -k a < <(printf '{"a":1}\n\n{"a": 2}\n{"a":3,]\n{"a":4}\n')
	printf '{"a":1}\n{"a": 2}\n' | same out
	# input, line, byte (the first of the line, from 0), what is wrong, what to do
	has err 'dd-dedupe: stdin: ' 'line 4' 'byte 18' malformed --dlq
	grep -q 'column 8' err
	adds_up err
}

@test "all kinds of bad lines go to the store with what is wrong, and the rest goes on" {
	bad_lines >in
	expect 0 dd-dedupe -k a --dlq store <in
	sed -n '1p;3p;15p' in >want
	cmp want out
	adds_up err
	has err 'in 15 ' 'passed 3' 'malformed 11' 'no_key 1'
	cat store/* >letters
	equal 12 "$(wc -l <letters)"
	jq -r '"\(.reason) \(.source.name) \(.source.line)"' letters >where
	{
		for line in 2 4 5 6 7 8 9 10 11 12 13; do echo "malformed stdin $line"; done
		echo "no_key stdin 14"
	} | same where
	# where each line begins
	jq -r .source.offset letters >offsets
	LC_ALL=C awk 'BEGIN { RS = "\n" } NR != 1 && NR != 3 && NR != 15 { print at } { at += length($0) + 1 }' in |
		same offsets
}

@test "an envelope has the fields of the design in their order" {
	bad_lines >in
	before=$(date -u +%Y-%m-%dT%H:%M:%S)
	expect 0 dd-dedupe -k a --dlq store --pipeline orders --name once <in
	after=$(date -u +%Y-%m-%dT%H:%M:%S)
	cat store/* >letters
	jq -c 'keys_unsorted - ["record", "raw", "raw_base64"]' letters | sort -u >fields
	echo '["id","at","pipeline","stage","reason","detail","source","attempts","first_at"]' | same fields
	jq -c '[(keys_unsorted - ["id","at","pipeline","stage","reason","detail","source","attempts","first_at"] | length), .pipeline, .stage, .attempts, .at == .first_at, (.detail | length > 0), (.source | keys_unsorted)]' letters | sort -u >values
	echo '[1,"orders","once",1,true,true,["name","line","offset"]]' | same values
	jq -r '.at[:19]' letters | sort | awk -v from="$before" -v to="$after" '$0 < from || $0 > to { exit 1 }'
	equal 12 "$(jq -r .id letters | sort -u | wc -l)"
}

@test "the pipeline's name comes from the environment too; a store may be named there" {
	DDPIPE_PIPELINE=nightly DDPIPE_DLQ=$PWD/store expect 0 dd-dedupe -k a <<<junk
	equal 'nightly dedupe junk' "$(jq -r '"\(.pipeline) \(.stage) \(.raw)"' store/*)"
	# the option wins
	DDPIPE_DLQ=$PWD/store expect 0 dd-dedupe -k a --dlq other <<<more
	equal more "$(jq -r .raw other/*)"
	equal junk "$(cat store/* | jq -r .raw)"
}

@test "two equal bad lines are two letters, also over two runs" {
	expect 0 dd-dedupe -k a --dlq store < <(printf 'junk\njunk\n')
	expect 0 dd-dedupe -k a --dlq store <<<junk
	equal 3 "$(cat store/* | jq -r .id | sort -u | wc -l)"
	equal 3 "$(cat store/* | jq -r .raw | grep -cx junk)"
}

# The bytes of the n-th letter, from its envelope by the words of the design.
bytes_of() { # N
	sed -n "$1p" letters | python3 -c '
import base64, json, sys
letter = json.load(sys.stdin)
raw = letter["raw"].encode() if "raw" in letter else base64.b64decode(letter["raw_base64"])
sys.stdout.buffer.write(raw)'
}

@test "the bytes of what is not JSON are in the envelope exactly" {
	bad_lines >in
	expect 0 dd-dedupe -k a --dlq store <in
	cat store/* >letters
	# invalid UTF-8 has raw_base64, all else raw
	equal '["raw_base64"]' "$(sed -n 3p letters | jq -c 'keys - (keys - ["raw","raw_base64","record"])')"
	n=0
	for line in 2 4 5 6 7 8 9; do
		n=$((n + 1))
		# a CR is part of the line's bytes
		LC_ALL=C sed -n "${line}p" in | head -c -1 >want
		bytes_of $n | cmp want -
	done
}

@test "the bytes of each letter come back with dd-dlq show --raw" {
	{
		bad_lines
		printf '  {"b" : 1.10, "c":12345678901234567890,"c":1}  \r\n'
		printf '{"b":"\\u0041\\/"}\t\n'
	} >in
	expect 0 dd-dedupe -k a --dlq store <in
	LC_ALL=C sed -n '2p;4,14p;16,17p' in >want
	expect 0 dd-dlq show --raw store
	cmp want out
	# one by one
	n=0
	expect 0 dd-dlq ls store
	jq -r .id out >ids
	equal 14 "$(wc -l <ids)"
	while read -r id; do
		n=$((n + 1))
		expect 0 dd-dlq show --raw store "$id"
		LC_ALL=C sed -n "${n}p" want | cmp - out
	done <ids
}

@test "records keep their value, or their bytes where the value does not say them" {
	expect 0 dd-dedupe -k a --dlq store < <(printf '{"b":1.10,"n":12345678901234567890}\n{ "b": "\\u0041" }\n')
	cat store/* >letters
	equal '{"b":1.10,"n":12345678901234567890}' "$(sed -n 1p letters | sed -E 's/.*"record":(.*)\}$/\1/')"
	# spacing and escapes are in the record's own bytes, or in raw
	second=$(sed -n 2p letters)
	case $second in
	*'"record":{ "b": "\u0041" }}') ;;
	*) equal '{ "b": "\u0041" }' "$(jq -r .raw <<<"$second")" ;;
	esac
}

@test "a line over --max-record keeps its beginning, length and hash; the rest goes on" {
	line=$(printf '{"a":"%*s"}' 200000 x)
	printf '{"a":1}\n%s\n{"a":2}\n' "$line" >in
	expect 0 dd-dedupe -k a --max-record 100KiB --dlq store <in
	printf '{"a":1}\n{"a":2}\n' | same out
	adds_up err
	cat store/* >letters
	equal 1 "$(wc -l <letters)"
	equal "2 8 $(printf %s "$line" | wc -c)" "$(jq -r '"\(.source.line) \(.source.offset) \(.truncated.length)"' letters)"
	bytes_of 1 >kept
	equal 65536 "$(wc -c <kept)"
	cmp -n 65536 <(printf %s "$line") kept
	hash=$(printf '%s\n' "$line" | "$DATA/line-hashes")
	has letters "$hash"
	# without a store
	expect 65 dd-dedupe -k a --max-record 100KiB <in
	has err 'line 2' 'byte 8' --max-record
	# exactly so long is not over
	printf '%s\n' "$line" >in
	expect 0 dd-dedupe -k a --max-record ${#line} <in
	cmp in out
	expect 65 dd-dedupe -k a --max-record $((${#line} - 1)) <in
}

@test "the default limit of a record is 16 MiB" {
	python3 -c 'import sys; sys.stdout.write("{\"a\":\"" + "x" * ((16 << 20) - 8) + "\"}\n")' >in
	equal $(((16 << 20) + 1)) "$(stat -c %s in)"
	expect 0 dd-dedupe -k a <in
	cmp in out
	python3 -c 'import sys; sys.stdout.write("{\"a\":\"" + "x" * ((16 << 20) - 7) + "\"}\n")' >in
	expect 65 dd-dedupe -k a <in
	has err --max-record
}

@test "an over-long last line without newline goes to the store whole in number" {
	{
		echo '{"a":1}'
		printf '{"a":"%*s"}' 200000 x
	} >in
	expect 0 dd-dedupe -k a --max-record 100KiB --dlq store <in
	echo '{"a":1}' | same out
	equal '2 200008' "$(jq -r '"\(.source.line) \(.truncated.length)"' store/*)"
	# supervised it is debris: no letter
	{
		open_line
		cat in
	} >supervised
	expect 75 dd-dedupe -k a --max-record 100KiB --dlq store2 <supervised
	[ -z "$(find store2 -type f -size +0 2>/dev/null)" ]
}

@test "a small --max-record is obeyed, and does not bind control lines" {
	{
		open_line
		printf '{"a":"%*s"}\n' 30 x 300 x
		last_barrier 42
	} >in
	expect 0 dd-dedupe -k a --max-record 100 --dlq store <in
	# shorter than what is kept of a line that is too long: all of it is there
	sed -n 3p in | cmp - <(dd-dlq show --raw store)
	equal 3 "$(jq .source.line store/*)"
	head -n 2 in | cmp - <(head -n 2 out)
	equal 3 "$(wc -l <out)"
}

@test "a store is private: directories 0700, files 0600, whatever the umask" {
	(
		umask 000
		expect 0 dd-dedupe -k a --dlq store <<<junk
	)
	find store -printf '%y %m\n' | sort -u >modes
	printf 'd 700\nf 600\n' | same modes
	(
		umask 077
		expect 0 dd-dedupe -k a --dlq store2 <<<junk
	)
	find store2 -printf '%y %m\n' | sort -u >modes
	printf 'd 700\nf 600\n' | same modes
}

@test "a store that cannot be made stops the stage before anything is lost" {
	echo file >taken
	status=0
	dd-dedupe -k a --dlq taken <<<junk >out 2>err || status=$?
	case $status in 73 | 74 | 77 | 78) ;; *) equal 'one of 73 74 77 78' $status ;; esac
	has err taken
	[ ! -s out ]
	equal file "$(cat taken)"
}

@test "a letter is in the store while the input stays open" {
	coproc TOOL { exec dd-dedupe -k a --dlq store 2>err; }
	printf 'junk\n{"a":1}\n' >&"${TOOL[1]}"
	IFS= read -rt 10 line <&"${TOOL[0]}"
	equal '{"a":1}' "$line"
	wait_for grep -rq '"raw":"junk"' store
}

@test "letters of a supervised stream are in the store when the barrier comes out" {
	coproc TOOL { exec dd-dedupe -k a --dlq store 2>err; }
	{
		open_line
		echo junk
		barrier 42
	} >&"${TOOL[1]}"
	while IFS= read -rt 10 line <&"${TOOL[0]}"; do
		[[ $line != *'"barrier":42'* ]] || break
	done
	[[ $line == *'"barrier":42'* ]]
	grep -rq '"raw":"junk"' store
}

@test "--max-bad N lets N bad records pass and stops at the next: 65" {
	for bad in 3 4; do
		{
			seq 1 $bad
			seq 1 5 | sed 's/.*/{"a":&}/'
		} >in
		rm -rf store
		want=$((bad > 3 ? 65 : 0))
		expect $want dd-dedupe -k a --dlq store --max-bad 3 <in
		[ $want = 0 ] || has err --max-bad
		[ $want = 65 ] || equal 5 "$(wc -l <out)"
		cat store/* >letters
		[ "$(wc -l <letters)" -ge 3 ]
	done
	expect 65 dd-dedupe -k a --dlq store0 --max-bad 0 <<<junk
}

@test "--max-bad P% is judged from the 100th record on" {
	# 60 of the first 90 are bad, but 60 of 600: fine at the end, and far over 10% at the 100th
	{
		seq 1 60
		seq 1 540 | sed 's/.*/{"a":&}/'
	} >in
	expect 65 dd-dedupe -k a --dlq store --max-bad 10% <in
	has err --max-bad
	# all bad, but only 99 records
	expect 0 dd-dedupe -k a --dlq store2 --max-bad 10% < <(seq 1 99)
	expect 65 dd-dedupe -k a --dlq store3 --max-bad 10% < <(seq 1 100)
	# exactly 10% all the way is not over it
	expect 0 dd-dedupe -k a --dlq store4 --max-bad 10% < <(seq 1 1000 | awk '$1 % 10 == 0 { print "junk"; next } { printf "{\"a\":%d}\n", $1 }')
	equal 900 "$(wc -l <out)"
	# one bad record more at the end is
	expect 65 dd-dedupe -k a --dlq store5 --max-bad 10% < <(
		seq 1 1000 | awk '$1 % 10 == 0 { print "junk"; next } { printf "{\"a\":%d}\n", $1 }'
		echo junk
	)
}

@test "--max-bad is a count or a share" {
	for value in nan inf -1 -1% 1.5 x% % '' 0x10; do
		expect 64 dd-dedupe -k a --max-bad "$value" <<<'{"a":1}'
		has err --max-bad
	done
}

@test "records with a bad time have reasons of their own" {
	cat >in <<'END'
{"t":"2026-05-01T12:00:00Z"}
{"t":"2026-05-01T12:00:00"}
{"t":"yesterday"}
{"x":1}
{"t":null}
{"t":[]}
{"t":"2026-02-30T12:00:00Z"}
{"t":"2300-01-01T00:00:00Z"}
{"t":"2026-05-01T12:00:01Z"}
END
	expect 0 dd-watermark -t t --bound 0s --dlq store <in
	adds_up err
	without_control out >records
	sed -n '1p;9p' in | cmp - records
	equal '2 3 4 5 6 7 8' "$(jq -r .source.line store/* | paste -sd' ')"
	equal no_time_zone "$(jq -r 'select(.source.line == 2).reason' store/*)"
	expect 65 dd-watermark -t t --bound 0s < <(sed -n 2p in)
	has err no_time_zone --tz "'t'"
}
