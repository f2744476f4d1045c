#!/usr/bin/env bats
# Four jobs on data that others made; what comes out is what sqlite3 computes from the same file.
# The folder with the files is named by DDPIPE_DATA; it is not part of ddpipe.
# shellcheck disable=SC2016,SC2086 # $dd is no variable; options are word lists
load helper

DATA_FOLDER=${DDPIPE_DATA-}

needs() { # FILE…
	[ -n "$DATA_FOLDER" ] || skip "DDPIPE_DATA does not name the folder with the data"
	for file; do
		[ -f "$DATA_FOLDER/$file" ] || skip "no $file in DDPIPE_DATA"
	done
}

# The lines of an NDJSON file as table raw(line), then the query on stdin.
query_lines() { # FILE
	{
		printf '%s\n' 'create table raw(line text);' '.mode ascii' '.separator "\037" "\n"' ".import '$1' raw" \
			'.mode list' '.separator "|" "\n"'
		cat
	} | sqlite3 :memory:
}

query_csv() { # FILE
	{
		printf '%s\n' '.mode csv' ".import '$1' raw" '.mode list' '.separator "|" "\n"'
		cat
	} | sqlite3 :memory:
}

# A whole pipeline into ./out, records only; every stage's balance must add up. The arrays
# mark_time, mark and window are the options of dd-watermark and dd-window.
pipeline() { # FILE OPTION-OF-SOURCE…
	local file=$1
	shift
	dd-source "$@" "$file" 2>err1 | dd-watermark "${mark[@]}" 2>err2 | dd-window "${mark_time[@]}" "${window[@]}" 2>err3 |
		without_control >out
	for stage in 1 2 3; do adds_up err$stage; done
}

@test "flights: count and delay per origin and hour" {
	needs flights-20k.ndjson
	file=$DATA_FOLDER/flights-20k.ndjson
	mark_time=(-t date --time-format '%Y/%m/%d %H:%M' --tz UTC)
	mark=("${mark_time[@]}" --bound 0s)
	window=(-k origin --tumbling 1h -a 'count, sum(delay)')
	pipeline "$file"
	jq -r '"\(.origin)|\(.window_start)|\(.window_end)|\(.count)|\(.sum_delay)"' out >got
	query_lines "$file" >want <<'END'
with flight as (
	select json_extract(line, '$.origin') origin, json_extract(line, '$.delay') delay,
		strftime('%s', replace(json_extract(line, '$.date'), '/', '-') || ':00') / 3600 * 3600 hour
	from raw)
select origin, strftime('%Y-%m-%dT%H:%M:%SZ', hour, 'unixepoch'),
	strftime('%Y-%m-%dT%H:%M:%SZ', hour + 3600, 'unixepoch'), count(*), sum(delay)
from flight group by origin, hour order by hour, cast(origin as blob);
END
	cmp want got || diff want got | head
	# not the same mistake twice
	equal "$(wc -l <"$file")" "$(awk -F'|' '{ n += $4 } END { print n }' got)"
	has err3 "in $(wc -l <"$file") "
	echo "figures: $(wc -l <got) rows, $(awk -F'|' '{ n += $4; d += $5 } END { print n " flights, delay " d }' got)" >&3
}

apache() { # BOUND WINDOW
	mark_time=(-t ts --time-format ms)
	mark=("${mark_time[@]}" --bound "$1")
	window=(--tumbling "$2" -a 'requests=count, sum(bytes)' --late late)
	rm -f late
	pipeline "$DATA_FOLDER/apache-access.ndjson"
}

apache_sql() { # SECONDS
	query_lines "$DATA_FOLDER/apache-access.ndjson" <<END
with request as (
	select json_extract(line, '\$.ts') / ($1 * 1000) * $1 at, json_extract(line, '\$.bytes') bytes from raw)
select strftime('%Y-%m-%dT%H:%M:%SZ', at, 'unixepoch'), count(*), sum(bytes) from request group by at order by at;
END
}

@test "apache: requests and bytes per minute, shuffled as it is, with a bound that loses nothing" {
	needs apache-access.ndjson
	apache_sql 60 >want
	for bound in 0s 59s; do
		apache $bound 1m
		jq -r '"\(.window_start)|\(.requests)|\(.sum_bytes)"' out >got
		cmp want got || diff want got | head
		[ ! -s late ]
	done
	equal "$(wc -l <"$DATA_FOLDER/apache-access.ndjson")" "$(awk -F'|' '{ n += $2 } END { print n }' got)"
	echo "figures: $(wc -l <got) minutes, $(awk -F'|' '{ n += $2; b += $3 } END { print n " requests, " b " bytes" }' got)" >&3
}

@test "apache: per second, 59 s is the smallest bound that loses nothing" {
	needs apache-access.ndjson
	# the records that are further behind the highest time before them than the bound allows
	for bound in 57 58; do
		apache ${bound}s 1s
		query_lines "$DATA_FOLDER/apache-access.ndjson" >late-want <<END
with request as (select rowid id, line, json_extract(line, '\$.ts') ts from raw),
behind as (select *, max(ts) over (order by id rows between unbounded preceding and 1 preceding) highest from request)
select line from behind where highest - $bound * 1000 >= (ts / 1000 + 1) * 1000 order by id;
END
		[ -s late-want ]
		cmp late-want late
	done
	apache 59s 1s
	[ ! -s late ]
	apache_sql 1 >want
	jq -r '"\(.window_start)|\(.requests)|\(.sum_bytes)"' out | cmp want -
}

# The rows of the table raw with the highest believed time before each (null: none), by the rule of --max-jump.
BELIEVED='
create table block as select rowid id, "Block" block, cast(trim(" Timestamp") as integer) t from raw;
create table believed as
with recursive step(id, before, highest, doubted) as (
	select 0, null, null, null
	union all
	select b.id, s.highest,
		case
		when s.doubted is not null and b.t >= s.doubted - :jump then
			case when b.t <= max(s.doubted, ifnull(s.highest, s.doubted)) + :jump then max(b.t, s.doubted) else s.doubted end
		when s.highest is not null and b.t <= s.highest + :jump then max(b.t, s.highest)
		else s.highest end,
		case
		when s.doubted is not null and b.t >= s.doubted - :jump then
			case when b.t <= s.doubted + :jump then null else b.t end
		when s.highest is not null and b.t <= s.highest + :jump then s.doubted
		else min(b.t, ifnull(s.doubted, b.t)) end
	from step s join block b on b.id = s.id + 1)
select step.id, block.block, block.t, step.before from step join block using (id);'

@test "blocks: with --bound 60s, which are late, whatever --max-jump says" {
	needs blocks_timestamps.csv
	file=$DATA_FOLDER/blocks_timestamps.csv
	mark_time=(-t ' Timestamp' --time-format s)
	for jump in 1h 10m off; do
		case $jump in 1h) seconds=3600 ;; 10m) seconds=600 ;; off) seconds=1000000000000 ;; esac
		mark=("${mark_time[@]}" --bound 60s --max-jump "$jump")
		window=(--tumbling 1s -a count --late late)
		rm -f late
		pipeline "$file"
		query_csv "$file" >want <<END
.parameter set :jump $seconds
$BELIEVED
select block from believed where before - 60 >= t + 1 order by id;
END
		jq -r .Block late | cmp want - || jq -r .Block late | diff want - | head
		[ $jump = 10m ] || equal 135 "$(wc -l <want)"
		echo "figures: --max-jump $jump: $(wc -l <want) late, blocks $(head -n 1 want) to $(tail -n 1 want)" >&3
	done
}

@test "blocks: per hour with --bound 60s" {
	needs blocks_timestamps.csv
	file=$DATA_FOLDER/blocks_timestamps.csv
	mark_time=(-t ' Timestamp' --time-format s)
	mark=("${mark_time[@]}" --bound 60s)
	window=(--tumbling 1h -a count --late late)
	pipeline "$file" --typed
	query_csv "$file" >want <<END
.parameter set :jump 3600
$BELIEVED
select strftime('%Y-%m-%dT%H:%M:%SZ', t / 3600 * 3600, 'unixepoch'), count(*) from believed
where before is null or before - 60 < (t / 3600 + 1) * 3600 group by t / 3600 order by t / 3600;
END
	jq -r '"\(.window_start)|\(.count)"' out >got
	cmp want got || diff want got | head
	echo "figures: $(wc -l <got) hours, $(awk -F'|' '{ n += $2 } END { print n }' got) blocks in time, $(wc -l <late) late" >&3
	# every block is in a window or in the late file
	equal "$(($(wc -l <"$file") - 1))" "$(($(awk -F'|' '{ n += $2 } END { print n }' got) + $(wc -l <late)))"
}

@test "taxi: rides per day of UTC" {
	needs nyc_taxi.csv
	file=$DATA_FOLDER/nyc_taxi.csv
	mark_time=(-t timestamp --tz UTC)
	mark=("${mark_time[@]}" --bound 0s)
	window=(--tumbling 1d -a 'count, sum(value), min(value), max(value), avg(value)')
	pipeline "$file" --typed
	query_csv "$file" >want <<'END'
select date(timestamp) || 'T00:00:00Z', count(*), sum(value), min(cast(value as integer)), max(cast(value as integer))
from (select timestamp, cast(value as integer) value from raw) group by date(timestamp) order by 1;
END
	jq -r '"\(.window_start)|\(.count)|\(.sum_value)|\(.min_value)|\(.max_value)"' out >got
	cmp want got || diff want got | head
	jq -e -n '[inputs | (.avg_value - .sum_value / .count | fabs) < 1e-9] | all and length > 200' out
	echo "figures: $(wc -l <got) days, $(awk -F'|' '{ n += $2; s += $3 } END { print n " half hours, " s " passengers" }' got)" >&3
}
