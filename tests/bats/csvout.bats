#!/usr/bin/env bats
# dd-deliver --to csv. The rows are read back by Python's csv module, and by dd-source.
load helper

# Compares ./rows.csv with the records of FILE, of which the first has all keys.
as_python_reads() { # FILE
	python3 - "$1" <<'END'
import csv, json, sys

def cell(line, value):
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

with open(sys.argv[1], encoding="utf-8") as f:
    records = [json.loads(line, parse_float=lambda s: float(s)) for line in f.read().split("\n") if line]
columns = list(records[0])
with open("rows.csv", encoding="utf-8", newline="") as f:
    rows = list(csv.reader(f, strict=True, lineterminator="\n"))
assert rows[0] == columns, (rows[0], columns)
assert len(rows) == len(records) + 1, (len(rows), len(records))
for row, record in zip(rows[1:], records):
    want = [cell(None, record.get(c)) for c in columns]
    assert row == want, (row, want)
END
}

@test "cells: strings are their text, null and missing are nothing, the rest is as written" {
	cat >in <<'END'
{"s":"plain","n":1.10,"b":true,"o":{"x":[1,"a,b"]},"e":"","z":null}
{"n":12345678901234567890,"s":"a,b"}
{"s":"say \"hi\"","b":false,"o":[]}
{"s":"two\nlines\r\n","z":"\u00e9\ud83d\ude00","n":-1e400}
{ "z" : " blank " , "s" : "last", "s" : "wins" }
END
	expect 0 dd-deliver --to csv file:rows.csv <in
	printf '%s\n' 's,n,b,o,e,z' 'plain,1.10,true,"{""x"":[1,""a,b""]}","",' \
		'"a,b",12345678901234567890,,,,' '"say ""hi""",,false,[],,' \
		$'"two\nlines\r\n",-1e400,,,,é😀' 'wins,,,,, blank ' | same rows.csv
	equal "dd-deliver: in 5 = delivered 5; out 5" "$(cat err)"
	expect 0 dd-deliver --to csv - <in
	cmp out rows.csv
}

@test "random records, against Python's csv" {
	python3 - >in <<'END'
import json, random
random.seed(7)
names = ["id", "a b", "x,y", 'q"', "é", "n/~t", "0"]
pieces = ["", "a", ",", '"', "\n", "\r\n", " ", "é", "\u0001", "\\", "long text of more than sixteen bytes"]
for n in range(20000):
    keys = names if n == 0 else random.sample(names, random.randint(1, len(names)))
    value = lambda: random.choice([None, True, False, random.randint(-10**18, 10**18),
        "".join(random.choices(pieces, k=random.randint(0, 4))), [1, {"a": ","}], {}])
    print(json.dumps({k: value() for k in keys}, separators=(",", ":"), ensure_ascii=random.random() < .5))
END
	expect 0 dd-deliver --to csv file:rows.csv <in
	as_python_reads in
}

@test "a key that is no column is a dead letter; --columns chooses" {
	printf '%s\n' '{"a":1,"b":{"c":2,"d":3}}' '{"a":4,"new":5}' '{"a":6}' >in
	expect 0 dd-deliver --to csv --dlq letters file:rows.csv <in
	printf '%s\n' a,b '1,"{""c"":2,""d"":3}"' 6, | same rows.csv
	equal "dd-deliver: in 3 = delivered 2 + unknown_column 1; out 2" "$(cat err)"
	cat letters/*.ndjson >filed
	has filed '"reason":"unknown_column"' 'no column is called new'
	expect 65 dd-deliver --to csv file:none.csv <in
	has err 'line 2, byte 26: unknown_column: no column is called new'
	expect 0 dd-deliver --to csv --columns b.c,new,a - <in
	printf '%s\n' b.c,new,a 2,,1 ,5,4 ,,6 | same out
}

@test "columns and the fields of --where beside each other" {
	printf '%s\n' '{"a":1,"b":"x"}' '{"a":3,"b":"y","w":1}' '{"b":"z","a":5}' >in
	expect 0 dd-deliver --to csv --where 'not has(w) and a != 1' - <in
	printf '%s\n' b,a z,5 | same out
	expect 0 dd-deliver --to csv --where 'a != 5' --dlq letters - <in
	printf '%s\n' a,b 1,x | same out
	has err 'in 3 = delivered 1 + unknown_column 1 + filtered 1'
	expect 0 dd-deliver --to csv --where 'a > 1' --columns "b,\$dd,w" - <in
	printf '%s\n' "b,\$dd,w" y,,1 z,, | same out
	jq -cn '[range(1024) | {key: "k\(.)", value: .}] | from_entries' >in
	expect 0 dd-deliver --to csv --where 'k0 == 0 and not has(other)' - <in
	{ seq -s, -f k%g 0 1023 && seq -s, 0 1023; } | same out
	jq -cn '[range(1025) | {key: "k\(.)", value: .}] | from_entries' >in
	expect 65 dd-deliver --to csv - <in
	has err 'no_columns: more than 1024 columns'
}

@test "a first record that can't name the columns leaves that to the next" {
	printf '%s\n' '{}' '{"a":1,"b":"x"}' '{"b":"y","a":2}' >in
	expect 0 dd-deliver --to csv --dlq letters - <in
	printf '%s\n' a,b 1,x 2,y | same out
	has err 'in 3 = delivered 2 + no_columns 1'
}

@test "appending: the header stands once, and the columns are the file's" {
	expect 0 dd-deliver --to csv 'file:rows.csv?append' <<<'{"b":1,"a,c":"x"}'
	expect 0 dd-deliver --to csv 'file:rows.csv?append' <<<'{"a,c":"y","b":2}'
	printf '%s\n' 'b,"a,c"' 1,x 2,y | same rows.csv
	expect 65 dd-deliver --to csv 'file:rows.csv?append' <<<'{"d":1}'
	has err 'unknown_column'
	expect 78 dd-deliver --to csv --columns a,b 'file:rows.csv?append' <<<'{"a":1}'
	has err "'rows.csv' has other columns than --columns says: b,\"a,c\""
}

@test "under a checkpoint the file goes on by its own header, and nothing comes twice" {
	seq 1 3000 | jq -c '{id:., text:"a,\(.)"}' >in
	head -n 1000 in >growing
	expect 0 sh -c 'dd-source --once --checkpoint cp growing | dd-deliver --to csv --checkpoint cp file:rows.csv'
	cat in >growing
	expect 0 sh -c 'dd-source --once --checkpoint cp growing | dd-deliver --to csv --checkpoint cp file:rows.csv'
	{ echo id,text && jq -r '[.id,.text]|@csv' in | sed 's/^"\(.*\)",/\1,/'; } | same rows.csv
}

@test "dd-source reads the rows back" {
	printf '%s\n' '{"id":"1","t":"a\nb, \"c\""}' '{"id":"2","t":"é"}' >in
	expect 0 dd-deliver --to csv file:rows.csv <in
	expect 0 sh -c 'dd-source --plain --format csv rows.csv >back'
	cmp in back
}

@test "what does not go together" {
	expect 64 dd-deliver --to csv sqlite:x.db </dev/null
	has err '--to csv is for a file or stdout'
	expect 64 dd-deliver --columns a - </dev/null
	has err '--columns goes with --to csv'
	expect 64 dd-deliver --to xml - </dev/null
	expect 64 dd-deliver --to csv --columns a,,b - </dev/null
	has err 'a column without a name'
	expect 64 dd-deliver --to csv --columns a,a - </dev/null
	has err 'a column that comes twice'
}
