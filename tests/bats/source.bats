#!/usr/bin/env bats
# dd-source where it takes more than a file in and a file out.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# Random tables, written by Python's csv module, must come back as the same keys and values.
@test "CSV: what another program writes is read back" {
	cat >tables.py <<'END'
import csv, json, random, sys

seed = int(sys.argv[1])
rng = random.Random(seed)
pieces = ["a", "7", " ", ",", "\t", '"', '""', "\n", "\r\n", "\r", "\\", "é", "\U0001f980", "\x01",
          "null", "-1.50", "\u2028", "/"]
end = rng.choice(["\n", "\r\n"])
quoting = rng.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
if end == "\n" and quoting == csv.QUOTE_MINIMAL:
    pieces.remove("\r")  # it would stand before a newline without quotes

def text(least=0):
    return "".join(rng.choices(pieces, k=rng.randint(least, 5)))

def unique(n):
    names = []
    while len(names) < n:
        name = text(1)
        if name not in names:
            names.append(name)
    return names

columns = unique(rng.randint(1, 6))
rows = [[text() for _ in columns] for _ in range(rng.randint(0, 60))]
with open("table", "w", newline="", encoding=rng.choice(["utf-8", "utf-8-sig"])) as file:
    writer = csv.writer(file, delimiter=sys.argv[2], lineterminator=end, quoting=quoting)
    writer.writerow(columns)
    writer.writerows(rows)
with open("want", "w") as file:
    for row in rows:
        file.write(json.dumps(list(zip(columns, row))) + "\n")
END
	cat >pairs.py <<'END'
import json, sys

for line in sys.stdin.buffer.read().split(b"\n")[:-1]:
    print(json.dumps(json.loads(line, object_pairs_hook=list)))
END
	for seed in $(seq 1 60); do
		python3 tables.py "$seed" ,
		dd-source --quiet --plain --format csv table >records
		python3 pairs.py <records >got
		cmp want got || { echo "seed $seed, csv"; return 1; }

		python3 tables.py "$seed" "$(printf '\t')"
		dd-source --quiet --plain --format tsv - <table >records
		python3 pairs.py <records >got
		cmp want got || { echo "seed $seed, tsv"; return 1; }
	done
}

@test "CSV: a row over several lines that is too long keeps its beginning" {
	python3 - <<'END'
line = b"0123456789" * 9 + b"\r\n"
with open("rows.csv", "wb") as file:
    file.write(b"a,b\n1,2\n")
    file.write(b'"' + line * 2000 + b'",3\n4,5\n')
END
	run --separate-stderr -0 dd-source --plain --dlq dlq --max-record 100000 rows.csv
	[ "${lines[0]}" = '{"a":"1","b":"2"}' ]
	# the row ends with its line that goes beyond the limit; one quote later all is well again
	dd-dlq show dlq | head -n 1 >letter
	run -0 jq -c '[.source.line, .source.offset, .reason, .truncated.length]' letter
	# 1 byte for the quote and 92 for each line: 1087 lines are more than 100000
	[ "$output" = '[3,8,"malformed",100004]' ]
	dd-dlq show --raw dlq "$(jq -r .id letter)" >kept
	{ tail -c +9 rows.csv | head -c 65536; echo; } >want
	cmp want kept
}

@test "CSV: a row is sent at once while the input goes on" {
	mkfifo in out
	dd-source --plain --quiet --format csv - <in >out &
	exec 5>in 6<out
	printf 'a,b\n1,2\n"3\n' >&5
	read -r -t 60 record <&6
	[ "$record" = '{"a":"1","b":"2"}' ]
	printf '",4\n' >&5
	read -r -t 60 record <&6
	[ "$record" = '{"a":"3\n","b":"4"}' ]
	exec 5>&-
	wait $!
}

@test "a full disk is an I/O error" {
	printf 'a\n1\n' >x.csv
	run -74 bash -c 'dd-source x.csv >/dev/full'
	[[ $output == *"cannot write"* ]]
}

@test "compressed CSV that is cut off is told and sent as a failure" {
	{ echo a; seq 1 100000; } >n.csv
	gzip -c n.csv | head -c 1000 >cut.csv.gz
	zstd -q -c n.csv | head -c 1000 >cut.csv.zst
	for file in cut.csv.gz cut.csv.zst; do
		run -65 bash -c "dd-source $file | tail -n 1 >last; exit \${PIPESTATUS[0]}"
		[[ $output == *"'$file' is"*"cut off"* ]]
		grep -q '"abort":{"stage":"source","exit":65,' last
	done
}
