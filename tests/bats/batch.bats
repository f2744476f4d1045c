#!/usr/bin/env bats
# dd-batch: where it cuts, what it calls the files, and that nobody sees half of one.
# shellcheck disable=SC2012 # ls on purpose: what who lists the directory sees
load helper

records() { # COUNT
	seq "$1" | awk '{print "{\"n\":" $1 "}"}'
}

@test "--count cuts; the batches are the input, and the manifest says what is in them" {
	records 2500 >in
	expect 0 dd-batch --dir landed --count 1000 <in
	jq -c '[.batch, .records, .bytes]' out | same <(
		printf '%s\n' '[1,1000,9893]' '[2,1000,11000]' '[3,500,5500]'
	)
	jq -r .file out >files
	xargs cat <files | same in
	while read -r file; do wc -c <"$file"; done <files | same <(jq .bytes out)
	ls landed | same <(sed 's/.*\///' files)
	# each file's name and its line tell the hash of its bytes
	xargs python3 -c '
import ctypes, sys
xxh3 = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
xxh3.restype, xxh3.argtypes = ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]
for name in sys.argv[1:]:
    content = open(name, "rb").read()
    print(f"{xxh3(content, len(content)):016x}")' <files >hashes
	jq -r .xxh3 out | same hashes
	sed 's/.*-\(.*\)\.ndjson/\1/' files | same hashes
	has err "in 2500 = landed 2500; out 2500"
}

@test "--bytes cuts before a batch would be larger; a larger record has one of its own" {
	{ records 5 && printf '{"long":"%060d"}\n' 0 && records 2; } >in
	expect 0 dd-batch --dir landed --bytes 24 <in
	jq -c .records out | same <(printf '%s\n' 3 2 1 2)
	jq -r .file out | xargs cat | same in
}

@test "the same input has the same names, another does not replace it" {
	records 30 >in
	expect 0 dd-batch --dir landed --count 10 <in
	mv out first
	expect 0 dd-batch --dir landed --count 10 <in
	same out <first
	equal 3 "$(ls landed | wc -l)"
	expect 0 dd-batch --dir landed --count 10 < <(records 31 | tail -n 30)
	equal 6 "$(ls landed | wc -l)"
	xargs cat < <(jq -r .file first) | same in
}

@test "the last batch does not land when the stream ends unannounced" {
	{ open_line && records 15; } >in
	expect 75 dd-batch --dir landed --count 10 <in
	equal 1 "$(ls landed | wc -l)"
	equal 1 "$(wc -l <out)"
	has err 'landed 10 + unfinished 5'
}

@test "a batch is synced before it has its name, the directory after" {
	records 3 >in
	ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=fsync,link dd-batch -q --dir landed --count 3 <in >out
	sed -n 's/^[0-9]* *\(fsync\|link\).*/\1/p' trace | tail -n 4 | same <(printf '%s\n' fsync fsync link fsync)
}

@test "two of one pipeline in one directory: 75" {
	mkfifo pipe
	dd-batch -q --dir landed --count 5 <pipe >first 2>&1 &
	holder=$!
	exec 9>pipe
	wait_for test -e landed/.default.batch/lock
	records 5 >&9
	wait_for test -s first
	expect 75 dd-batch --dir landed --count 5 </dev/null
	has err "landed/.default.batch/lock' is locked"
	exec 9>&-
	wait $holder
}
