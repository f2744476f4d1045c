#!/usr/bin/env bats
# The jobs people run elsewhere, each through dd-watermark and dd-window on seeded events that come
# out of order; the answers are sqlite's or brute force's.
# shellcheck disable=SC2016 # $dd is no variable
load helper

T="-t at --time-format ms"

# Makes the events of a job into ./in.
events() { # JOB
	"$DATA/jobs" make "$1" "${SEED:-2026}" >in
	[ "$(wc -l <in)" -gt 1000 ]
	# out of order, or the watermark does nothing here
	! jq .at in | sort -nc 2>/dev/null || return 1
}

# dd-watermark | dd-window with the balances looked at: nothing is late, all is in some window.
windows() { # BOUND OPTION…
	local bound=$1
	shift
	# shellcheck disable=SC2086 # options
	dd-watermark $T --bound "$bound" <in 2>err.mark | dd-window $T "$@" >out 2>err
	adds_up err.mark
	adds_up err
	has err "in $(wc -l <in) = absorbed $(wc -l <in);"
	[ -s out ]
}

# The answer of sqlite to a question about ./in, as events.COLUMN, in JSON lines.
sqlite() { # SQL
	jq -c '[.]' in >rows
	sqlite3 :memory: "create table raw(line text)" ".mode ascii" ".separator \"\\001\" \"\\n\"" ".import in raw" \
		"create table events as select
			line ->> 'at' as at, line ->> 'user' as user, line ->> 'platform' as platform,
			line ->> 'status' as status, line ->> 'page' as page, line ->> 'cell' as cell,
			line ->> 'type' as type
		from raw" \
		".mode list" "$1"
}

# SQL for the text of a time in milliseconds that are whole seconds.
utc() { # EXPRESSION
	echo "strftime('%Y-%m-%dT%H:%M:%SZ', ($1) / 1000, 'unixepoch')"
}

# SQL for the text of a time in milliseconds.
utc_ms() { # EXPRESSION
	echo "strftime('%Y-%m-%dT%H:%M:%S', ($1) / 1000, 'unixepoch') ||
		case when ($1) % 1000 then printf('.%03dZ', ($1) % 1000) else 'Z' end"
}

@test "velocity fraud: more than 5 attempts of a user in 3 minutes, every minute" {
	events velocity
	windows 5m -k user --hopping 3m/1m -a 'attempts=count' --having 'attempts > 5'
	sqlite "
		with slides(n) as (values (0), (1), (2)),
		windows as (select user, (at / 60000 - n) * 60000 as start from events, slides)
		select json_object('user', user, 'window_start', $(utc start), 'window_end', $(utc 'start + 180000'), 'attempts', count(*))
		from windows group by user, start having count(*) > 5 order by start, user" | same out
}

@test "error rate: platforms and minutes with more than one percent of errors" {
	events errors
	windows 10s -k platform --tumbling 1m -a 'requests=count, errors=count(status >= 500)' \
		--let 'percent=100 * errors / requests' --having 'errors / requests > 0.01'
	sqlite "
		with minutes as (select platform, at / 60000 * 60000 as start, count(*) as requests, sum(status >= 500) as errors
			from events group by 1, 2)
		select json_object('platform', platform, 'window_start', $(utc start), 'window_end', $(utc 'start + 60000'),
			'requests', requests, 'errors', errors)
		from minutes where errors * 100 > requests order by start, platform" >want
	jq -c 'del(.percent)' out | same want
	jq -es 'all(.percent - 100 * .errors / .requests | fabs < 1e-12)' out >percents
}

@test "the last ten events of a user, every 30 seconds" {
	events recent
	windows 5s -k user --tumbling 30s -a 'recent=last(page, 10)'
	"$DATA/jobs" answer recent <in | same out
}

@test "sessions of page views: duration, count and distinct pages" {
	events sessions
	windows 10m -k user --session 30m -a 'views=count, pages=distinct(page), begin=min(at), last=max(at)' \
		--let 'seconds=(last - begin) / 1000'
	sqlite "
		with marked as (select *, at - lag(at, 1, 0) over (partition by user order by at) > 1800000 as fresh from events),
		numbered as (select *, sum(fresh) over (partition by user order by at rows unbounded preceding) as n from marked),
		sessions as (select user, min(at) as begin, max(at) as last, count(*) as views, count(distinct page) as pages
			from numbered group by user, n)
		select json_object('user', user, 'window_start', $(utc_ms begin), 'window_end', $(utc_ms 'last + 1800000'),
			'views', views, 'pages', pages, 'begin', begin, 'last', last)
		from sessions order by last, begin, user" >want
	jq -c 'del(.seconds)' out | same want
	jq -es 'all(.seconds * 1000 - (.last - .begin) | fabs < 1e-6)' out >durations
	# with a result for a session of some length
	jq -es 'any(.views > 5 and .pages < .views)' out >any
}

@test "surge: requests for each driver in a cell, in windows of 5 seconds" {
	events surge
	windows 3s -k cell --tumbling 5s -a 'requests=count(type == "request"), drivers=count(type == "driver")' \
		--let 'surge=requests / drivers' --having 'requests > 2 * drivers and drivers > 0'
	sqlite "
		with cells as (select cell, at / 5000 * 5000 as start, sum(type = 'request') as requests, sum(type = 'driver') as drivers
			from events group by 1, 2)
		select json_object('cell', cell, 'window_start', $(utc start), 'window_end', $(utc 'start + 5000'),
			'requests', requests, 'drivers', drivers)
		from cells where requests > 2 * drivers and drivers > 0 order by start, cell" >want
	jq -c 'del(.surge)' out | same want
	jq -es 'all(.surge - .requests / .drivers | fabs < 1e-12)' out >ratios
}

@test "the hottest item of ten seconds, every two seconds: --top, and windows upon windows" {
	events hottest
	windows 2s -k item --hopping 10s/2s -a 'bids=count' --top 1:bids
	"$DATA/jobs" answer hottest <in >want
	same out <want
	# the second windows hold the rows that end at their start
	# shellcheck disable=SC2086 # options
	dd-watermark $T --bound 2s <in 2>err1 |
		dd-window $T -k item --hopping 10s/2s -a 'bids=count' --watermarks 2>err2 |
		dd-window -t window_end --tumbling 2s -a 'bids=max(bids), item=argmax(bids, item)' >out 2>err3
	for n in 1 2 3; do adds_up err$n; done
	jq -c '[.window_start, .bids, .item]' out >got
	jq -c '[.window_end, .bids, .item]' want | same got
}

@test "windows upon windows come as soon as they are complete, not at the end" {
	events hottest
	head -n 2000 in >half
	mkfifo feed
	# shellcheck disable=SC2086 # options
	(dd-watermark $T --bound 2s <feed |
		dd-window $T -k item --hopping 10s/2s -a 'bids=count' --watermarks |
		dd-window -t window_end --tumbling 2s -a 'bids=max(bids), item=argmax(bids, item)' >out) 2>err &
	exec 7>feed
	cat half >&7
	"$DATA/jobs" answer hottest <in | jq -c '[.window_end, .bids, .item]' >want
	newest=$(jq -s 'max_by(.at).at' half)
	# rows may be of windows that begin 10 s before they end, so the second watermark is as far behind
	due=$(jq -r '.[0]' want | awk -v now="$(date -u -d "@$((newest / 1000 - 2 - 10 - 2 - 2))" +%FT%TZ)" '$0 <= now' | wc -l)
	[ "$due" -gt 50 ]
	is_out() { [ "$(wc -l <out)" -ge "$due" ]; }
	wait_for is_out
	exec 7>&-
	wait
	jq -c '[.window_start, .bids, .item]' out | head -n "$due" >got
	head -n "$due" want | same got
}

@test "the highest bid of ten seconds, with its whole record" {
	events bids
	windows 4s --tumbling 10s -a 'best=argmax(price)'
	"$DATA/jobs" answer bids <in >want
	jq -c . out | same want
	# the record's own bytes
	sed -n 's/.*"best":\(.*\)}$/\1/p' out | sort >records
	equal "$(wc -l <out)" "$(wc -l <records)"
	sort in | comm -23 records - | same /dev/null
}

@test "new users who opened an auction in the window in which they came" {
	events auctions
	windows 2s -k user --tumbling 10s -a 'came=count(type == "person"), opened=count(type == "auction")' \
		--having 'came > 0 and opened > 0'
	sqlite "
		with persons as (select user, at / 10000 * 10000 as start, count(*) as came from events where type = 'person' group by 1, 2),
		auctions as (select user, at / 10000 * 10000 as start, count(*) as opened from events where type = 'auction' group by 1, 2)
		select json_object('user', user, 'window_start', $(utc start), 'window_end', $(utc 'start + 10000'),
			'came', came, 'opened', opened)
		from persons join auctions using (user, start) order by start, cast(user as text)" | same out
}

@test "daily active users, where a day has 23 hours, and where the offset is 5:45" {
	events daily
	windows 1h --calendar day --tz America/New_York -a 'users=distinct(user)'
	"$DATA/jobs" answer daily <in | same out
	has out '"window_start":"2026-03-08T00:00:00-05:00","window_end":"2026-03-09T00:00:00-04:00"'
	windows 1h --calendar day --tz Asia/Kathmandu -a 'users=distinct(user)'
	"$DATA/jobs" answer daily_kathmandu <in | same out
}

@test "cohorts: users and events of a month by the month of their registration" {
	events cohorts
	windows 1d -k cohort --calendar month --tz Europe/Berlin -a 'users=distinct(user), events=count'
	"$DATA/jobs" answer cohorts <in | same out
	has out '"window_start":"2026-03-01T00:00:00+01:00","window_end":"2026-04-01T00:00:00+02:00"'
}
