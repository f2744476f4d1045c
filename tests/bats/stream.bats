#!/usr/bin/env bats
# Control lines and the automaton, with streams made by hand: the run is RUN, restored from epoch 41.
# shellcheck disable=SC2016,SC2086 # $dd is no variable; options are word lists
load helper

WINDOW="dd-window -t t --time-format s --tumbling 10s -a count"
MARK="dd-watermark -t t --time-format s --bound 0s --max-jump off"
DEDUPE="dd-dedupe -k a"

# The abort that a stage sends when it stops, with the status it then exits with.
aborts_as() { # STAGE STATUS
	tail -n 1 out >abort
	equal "$RUN $1 $2 true" "$(jq -r '."$dd" | "\(.run) \(.abort.stage) \(.abort.exit) \(.abort.why | length > 0)"' abort)"
}

@test "control lines that a stage doesn't consume are passed on in their place, byte for byte" {
	{
		open_line
		echo '{"a":1,"t":1}'
		printf '{"$dd":{"run":"%s","hello":[1, 2.50,"x"]}}\n' $RUN
		echo '{"a":2,"t":2}'
		mark 1970-01-01T00:00:01Z
		printf '{"$dd":{"run":"%s","hello":null}}\n' $RUN
		echo '{"a":3,"t":3}'
		mark 1970-01-01T00:00:02Z
		mark 1970-01-01T00:00:02.5Z
		last_barrier 42
	} >in
	expect 0 $DEDUPE <in
	head -n 9 in >want
	head -n 9 out | diff -u want -
	equal 10 "$(wc -l <out)"
}

@test "the place of an unknown control line is kept by a stage that makes watermarks" {
	{
		open_line
		echo '{"t":1}'
		printf '{"$dd":{"run":"%s","hello":1}}\n' $RUN
		echo '{"t":2}'
		last_barrier 42
	} >in
	expect 0 $MARK <in
	head -n 6 out >begin
	{
		open_line
		echo '{"t":1}'
		mark 1970-01-01T00:00:01Z
		printf '{"$dd":{"run":"%s","hello":1}}\n' $RUN
		echo '{"t":2}'
		mark 1970-01-01T00:00:02Z
	} | same begin
	equal 7 "$(wc -l <out)"
}

@test "a window is sent before the unknown control line that follows its watermark" {
	{
		open_line
		echo '{"t":1}'
		mark 1970-01-01T00:00:10Z
		printf '{"$dd":{"run":"%s","hello":1}}\n' $RUN
		echo '{"t":11}'
		last_barrier 42
	} >in
	expect 0 $WINDOW <in
	head -n 4 out >begin
	{
		open_line
		echo '{"window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:00:10Z","count":1}'
		printf '{"$dd":{"run":"%s","hello":1}}\n' $RUN
		echo '{"window_start":"1970-01-01T00:00:10Z","window_end":"1970-01-01T00:00:20Z","count":1}'
	} | same begin
	equal 5 "$(wc -l <out)"
}

@test "a control line of another run is malformed: it does nothing" {
	{
		open_line
		echo '{"t":1}'
		printf '{"$dd":{"run":"0123456789abcdef","watermark":"2030-01-01T00:00:00Z"}}\n'
		printf '{"$dd":{"run":"0123456789abcdef","barrier":42,"stages":[],"last":"end"}}\n'
		printf '{"$dd":{"run":"0123456789abcdef","abort":{"stage":"x","exit":77,"why":"y"}}}\n'
		printf '{"$dd":{"run":"0123456789abcdef","open":{"v":1}}}\n'
		printf '{"$dd":{"watermark":"2030-01-01T00:00:00Z"}}\n'
		echo '{"t":2}'
		last_barrier 42
	} >in
	expect 0 $WINDOW --dlq store <in
	adds_up err
	has err 'in 7 ' 'malformed 5'
	equal '{"window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:00:10Z","count":2}' "$(sed -n 2p out)"
	jq -r '"\(.reason) \(.source.line)"' store/* >letters
	printf 'malformed %d\n' 3 4 5 6 7 | same letters
	# without a store it stops there
	expect 65 $WINDOW <in
	has err 'line 3' malformed --dlq
}

@test "the reserved key in any other form is malformed, alone and in a supervised stream" {
	cat >forms <<'END'
{ "$dd":{"watermark":"1970-01-01T00:00:01Z"}}
{"$dd" :{"watermark":"1970-01-01T00:00:01Z"}}
 {"$dd":{"watermark":"1970-01-01T00:00:01Z"}}
{"\u0024dd":{"watermark":"1970-01-01T00:00:01Z"}}
{"\u0024\u0064d":1,"a":1}
{"$dd":{"watermark":"1970-01-01T00:00:01Z"},"a":1}
{"a":1,"$dd":{"watermark":"1970-01-01T00:00:01Z"}}
{"$dd":1}
{"$dd":{}}
{"$dd":[]}
{"$dd":{"watermark":"soon"}}
{"$dd":{"watermark":1}}
{"$dd":{"watermark":"1970-01-01T00:00:01Z"}
{"$dd":{"watermark":"1970-01-01T00:00:01Z"}}}
END
	expect 0 $DEDUPE --dlq alone <forms
	[ ! -s out ]
	has err 'in 14 ' 'malformed 14'
	jq -r '"\(.reason) \(.source.line)"' alone/* >letters
	seq -f 'malformed %g' 14 | same letters
	{
		open_line
		sed "s/\"watermark\"/\"run\":\"$RUN\",&/" forms
		last_barrier 42
	} >in
	expect 0 $DEDUPE --dlq supervised <in
	has err 'in 14 ' 'malformed 14'
	equal 2 "$(wc -l <out)"
	# further down, and in a string, the key is nobody's
	printf '%s\n' '{"a":{"$dd":1}}' '{"a":"{\"$dd\":1}"}' '{"a":2,"$ddx":1,"dd":1}' >fine
	expect 0 $DEDUPE <fine
	cmp fine out
}

@test "an unsupervised stream obeys watermarks, and nothing else" {
	{
		echo '{"t":1}'
		plain_mark 1970-01-01T00:00:10Z
		echo '{"t":3}'
		echo '{"t":11}'
	} >in
	expect 0 $WINDOW --late late <in
	echo '{"t":3}' | same late
	same out <<'END'
{"window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:00:10Z","count":1}
{"window_start":"1970-01-01T00:00:10Z","window_end":"1970-01-01T00:00:20Z","count":1}
END
	for line in '{"$dd":{"barrier":42,"stages":[],"last":"end"}}' '{"$dd":{"abort":{"stage":"x","exit":70,"why":"y"}}}' '{"$dd":{"hello":1}}'; do
		printf '{"a":1}\n%s\n{"a":2}\n' "$line" >in
		rm -rf store
		expect 0 $DEDUPE --dlq store <in
		printf '{"a":1}\n{"a":2}\n' | same out
		has err 'malformed 1'
	done
}

@test "falling watermarks are a breach, equal ones are not; so too without open" {
	{
		open_line
		mark 1970-01-01T00:00:05Z
		mark 1970-01-01T00:00:05Z
		mark 1970-01-01T00:00:04.999999999Z
		last_barrier 42
	} >in
	for tool in "$DEDUPE" "$WINDOW"; do
		expect 78 $tool <in
		has err 'line 4' watermark
		aborts_as "$(echo "${tool%% *}" | cut -c 4-)" 78
	done
	{
		plain_mark 1970-01-01T00:00:05Z
		plain_mark 1970-01-01T00:00:04Z
	} >in
	expect 78 $DEDUPE <in
	has err 'line 2' watermark
}

@test "barriers are consecutive from the epoch of open on" {
	{
		open_line
		barrier 42
		barrier 43
		last_barrier 44
	} >in
	expect 0 $DEDUPE <in
	equal '42 43 44' "$(jq -r '."$dd".barrier // empty' out | paste -sd' ')"
	for first in 41 43; do
		{
			open_line
			last_barrier $first
		} >in
		expect 78 $DEDUPE <in
		has err 'line 2' barrier
		aborts_as dedupe 78
	done
	for second in 42 44 41; do
		{
			open_line
			barrier 42
			echo '{"a":1}'
			last_barrier $second
		} >in
		expect 78 $DEDUPE <in
		has err 'line 4' barrier
		aborts_as dedupe 78
	done
}

@test "nothing may follow the last barrier, and open comes first and once" {
	for line in '{"a":1}' 'junk' "$(barrier 43)" "$(mark 1970-01-01T00:00:05Z)" "$(open_line)" "$(abort_line 75)"; do
		{
			open_line
			last_barrier 42
			echo "$line"
		} >in
		expect 78 $DEDUPE <in
		has err 'line 3'
	done
	{
		open_line
		open_line
		last_barrier 42
	} >in
	expect 78 $DEDUPE <in
	has err 'line 2' open
	{
		echo '{"a":1}'
		open_line
		last_barrier 42
	} >in
	expect 78 $DEDUPE <in
	has err 'line 2' open
}

@test "a sort in the middle is a breach for every stage, in either direction" {
	{
		open_line
		seq 1 50 | sed 's/.*/{"a":&,"t":&}/'
		last_barrier 42
	} >in
	for tool in "$DEDUPE" "$WINDOW" "$MARK"; do
		expect 78 $tool < <(sort in)
		has err filter
		expect 78 $tool < <(sort -r in)
		has err filter
	done
}

@test "an end without a last barrier is 75: windows are counted, not flushed" {
	{
		open_line
		echo '{"t":1}'
		echo '{"t":12}'
		echo '{"t":25}'
		mark 1970-01-01T00:00:10Z
		barrier 42
		echo '{"t":26}'
	} >in
	expect 75 $WINDOW <in
	has out '"window_start":"1970-01-01T00:00:00Z"'
	lacks out '00:00:20Z'
	aborts_as window 75
	has err 'unfinished windows 2'
	adds_up err
}

@test "when a stage is killed, those behind it flush nothing and those before it stop: all 75" {
	mkfifo in a b c
	dd-source - <in >a 2>err1 &
	source=$!
	$DEDUPE <a >b 2>err2 &
	victim=$!
	$MARK <b >c 2>err3 &
	mark=$!
	$WINDOW <c >out 2>err4 &
	window=$!
	exec {feed}>in
	printf '{"a":1,"t":1}\n{"a":2,"t":12}\n' >&$feed
	# the first window says that both records have come to the last stage
	wait_for grep -q '"window_end":"1970-01-01T00:00:10Z"' out
	kill -KILL $victim
	for stage in $mark $window; do
		status=0
		wait $stage || status=$?
		equal 75 $status
	done
	equal 1 "$(grep -c window_start out)"
	has err4 'unfinished windows 1'
	# the source notices while its own input is idle
	status=0
	wait $source || status=$?
	equal 75 $status
}

@test "an unterminated last line of a supervised stream is debris: 75, and not a record" {
	for debris in '{"a":1,"t":1}' '{"a":1,"t"' "$(last_barrier 42)" "$(abort_line 70)"; do
		for tool in "$DEDUPE" "$WINDOW" "$MARK"; do
			{
				open_line
				printf %s "$debris"
			} >in
			rm -rf store
			expect 75 $tool --dlq store <in
			equal 2 "$(wc -l <out)"
			aborts_as "$(echo "${tool%% *}" | cut -c 4-)" 75
			has err 'in 0 '
			[ -z "$(find store -type f -size +0 2>/dev/null)" ]
		done
	done
	# unsupervised, the same is a record
	expect 0 $DEDUPE < <(printf '{"a":1}\n{"a":2}')
	printf '{"a":1}\n{"a":2}\n' | same out
}

@test "an abort is passed on and decides the exit status of every stage" {
	for status in 65 69 75 77; do
		{
			open_line
			echo '{"a":1,"t":1}'
			abort_line $status
		} >in
		{ $MARK || echo "$?" >one; } <in 2>err1 | { $DEDUPE || echo "$?" >two; } 2>err2 | { $WINDOW || echo "$?" >three; } 2>err3 >out
		equal "$status $status $status" "$(cat one two three | paste -sd' ')"
		{
			open_line
			abort_line $status
		} | same out
		has err2 'well is dry'
		has err3 'unfinished windows 1' 'well is dry'
	done
}

@test "a pause keeps windows open and is exit 0; an end flushes them before its barrier" {
	{
		open_line
		echo '{"t":1}'
		echo '{"t":11}'
		barrier 42 ',"last":"pause","by":"once"'
	} >in
	expect 0 $WINDOW <in
	lacks out window_start
	has err 'unfinished windows 2'
	equal 'pause once' "$(tail -n 1 out | jq -r '."$dd" | "\(.last) \(.by)"')"
	{
		open_line
		echo '{"t":1}'
		echo '{"t":11}'
		last_barrier 42
	} >in
	expect 0 $WINDOW <in
	lacks err unfinished
	sed -n '2,3p' out >middle
	same middle <<'END'
{"window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:00:10Z","count":1}
{"window_start":"1970-01-01T00:00:10Z","window_end":"1970-01-01T00:00:20Z","count":1}
END
	equal end "$(tail -n 1 out | jq -r '."$dd".last')"
}

# What stage NAME put into the n-th barrier of ./out.
entry() { # NAME N
	jq -c --arg name "$1" '."$dd" | select(.barrier) | .stages[] | select(.name == $name)' out | sed -n "$2p"
}

@test "a barrier gets each stage's balance of its epoch, with counts and hash sums" {
	# two epochs; in each, some records once and twice, some malformed
	for epoch in 42 43; do
		seq 1 500 | awk -v e=$epoch '{ printf "{\"a\": %d ,\"t\":%d.0,\"pad\":\"%*s\"}\n", $1 % 400 + e * 1000, 10 * e + $1 / 100, $1 % 300, "p" }
			$1 % 50 == 0 { print "[" $1 }' >records$epoch
	done
	{
		open_line
		cat records42
		barrier 42
		cat records43
		last_barrier 43
	} >in
	expect 0 $DEDUPE --dlq store <in
	for n in 1 2; do
		records=records$((41 + n))
		# an oracle of its own: text before the comma is the key, first lines stay
		awk -F, '/^\{/ && !seen[$1]++' $records >passed
		equal "{\"name\":\"dedupe\",\"in\":510,\"out\":400,\"made\":0,\"reasons\":{\"duplicate\":100,\"malformed\":10},\"hash_in\":\"$("$DATA/line-hashes" <$records)\",\"hash_out\":\"$("$DATA/line-hashes" <passed)\"}" \
			"$(entry dedupe $n | jq -c '.reasons |= (to_entries | sort_by(.key) | from_entries)')"
	done
}

@test "balances line up along a pipeline: what one put out the next took in" {
	{
		open_line
		seq 1 900 | awk '{ printf "{\"a\":%d,\"t\":%d}\n", $1 % 700, $1 }'
		barrier 42
		seq 901 1000 | awk '{ printf "{\"a\":%d,\"t\":%d}\n", $1, $1 }'
		last_barrier 43
	} >in
	$DEDUPE <in 2>err1 | $MARK 2>err2 | $WINDOW --name by-ten 2>err3 >out
	for n in 1 2; do
		first=$(entry dedupe $n) second=$(entry watermark $n) third=$(entry by-ten $n)
		equal "$(jq -c '[.out, .hash_out]' <<<"$first")" "$(jq -c '[.in, .hash_in]' <<<"$second")"
		equal "$(jq -c '[.out, .hash_out]' <<<"$second")" "$(jq -c '[.in, .hash_in]' <<<"$third")"
	done
	equal '[900,700]' "$(jq -c '[.in,.out]' <<<"$(entry dedupe 1)")"
	# what the last one made: the lines of that epoch in the output
	awk '/"barrier"/ { n++; next } !/^\{"\$dd"/ { print > ("made" n + 1) }' out
	for n in 1 2; do
		equal "[$(wc -l <made$n),$(wc -l <made$n),\"$("$DATA/line-hashes" <made$n)\"]" \
			"$(jq -c '[.made, .out, .hash_out]' <<<"$(entry by-ten $n)")"
	done
	equal 'dedupe watermark by-ten' "$(tail -n 1 out | jq -r '."$dd".stages | map(.name) | join(" ")')"
}

@test "balances of the stages before are kept as they are" {
	source='{"name":"source","in":7,"out":1,"made":0,"reasons":{"x":6},"hash_in":"00000000000000ff","hash_out":"00000000000000fe"}'
	{
		open_line
		printf '{"$dd":{"run":"%s","barrier":42,"stages":[%s],"last":"end"}}\n' $RUN "$source"
	} >in
	expect 0 $DEDUPE <in
	tail -n 1 out >barrier
	has barrier "$source"
	equal 'source dedupe' "$(jq -r '."$dd".stages | map(.name) | join(" ")' barrier)"
	equal end "$(jq -r '."$dd".last' barrier)"
}

@test "a stage that stops for a bad record sends an abort with 65" {
	{
		open_line
		echo '{"a":1}'
		echo 'junk'
		echo '{"a":2}'
		last_barrier 42
	} >in
	expect 65 $DEDUPE <in
	head -n 2 in >want
	head -n 2 out | diff -u want -
	equal 3 "$(wc -l <out)"
	aborts_as dedupe 65
}
