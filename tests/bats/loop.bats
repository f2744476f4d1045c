#!/usr/bin/env bats
# The one loop: prompt when idle, large when busy, and what happens when reading or writing fails.
# The tools stand for all: they share it.
# shellcheck disable=SC2016,SC2086 # $dd is no variable; options are word lists
load helper

# records with keys 0, 1…; 60000 of them are about 10 MB: much more than two enlarged pipes hold
many() { # [COUNT]
	seq 0 $((${1-60000} - 1)) | awk '{ printf "{\"id\":%d,\"pad\":\"%150s\"}\n", $1, "x" }'
}

bytes_per_call() { # CALL FD TRACE
	awk -v call="^([0-9]+ +)?$1\\\\($2," '
		$0 ~ call && $NF > 0 { n++; bytes += $NF }
		END { if (!n) exit 1; printf "%d\n", bytes / n }' "$3"
}

@test "a record comes out at once while the input stays open" {
	coproc TOOL { exec dd-dedupe -k a 2>err; }
	for i in 1 2 3; do
		printf '{"a":%d}\n' $i >&"${TOOL[1]}"
		IFS= read -rt 10 line <&"${TOOL[0]}"
		equal "{\"a\":$i}" "$line"
	done
}

@test "a record comes out although the next one is only half there" {
	coproc TOOL { exec dd-dedupe -k a 2>err; }
	printf '{"a":1}\n{"a":' >&"${TOOL[1]}"
	IFS= read -rt 10 line <&"${TOOL[0]}"
	equal '{"a":1}' "$line"
	printf '2}\n' >&"${TOOL[1]}"
	IFS= read -rt 10 line <&"${TOOL[0]}"
	equal '{"a":2}' "$line"
}

@test "a watermark comes out with its record while the input stays open" {
	coproc TOOL { exec dd-watermark -t t --time-format s --bound 5s --max-jump off 2>err; }
	printf '{"t":100}\n' >&"${TOOL[1]}"
	IFS= read -rt 10 line <&"${TOOL[0]}"
	equal '{"t":100}' "$line"
	IFS= read -rt 10 line <&"${TOOL[0]}"
	equal '{"$dd":{"watermark":"1970-01-01T00:01:35Z"}}' "$line"
}

@test "a watermark that is passed on comes out while the input stays open" {
	coproc TOOL { exec dd-dedupe -k a 2>err; }
	printf '{"a":1}\n{"$dd":{"watermark":"1970-01-01T00:01:35Z"}}\n' >&"${TOOL[1]}"
	IFS= read -rt 10 line <&"${TOOL[0]}"
	equal '{"a":1}' "$line"
	IFS= read -rt 10 line <&"${TOOL[0]}"
	equal '{"$dd":{"watermark":"1970-01-01T00:01:35Z"}}' "$line"
}

@test "while blocks come a stage does not push others off the processor, and for single records it does" {
	has_policy() { # NUMBER, as in sched(7): 0 is SCHED_OTHER, 3 SCHED_BATCH
		[ "$1" = "$(sed 's/.*) //' "/proc/$tool/stat" | cut -d ' ' -f 39)" ]
	}
	mkfifo in
	dd-dedupe -k id <in >out 2>err &
	tool=$!
	exec {feed}>in
	has_policy 0
	many 10000 >records
	cat records >&"$feed"
	wait_for has_policy 3
	for i in {1..20}; do
		printf '{"id":-%d}\n' "$i" >&"$feed"
		wait_for grep -q "^{\"id\":-$i}" out
	done
	has_policy 0
	exec {feed}>&-
	wait "$tool"
}

@test "a record comes out of a whole pipeline at once, and its window with the record that ends it" {
	mkfifo in records
	dd-source - <in 2>err1 | dd-dedupe -k id 2>err2 | dd-watermark -t t --time-format s --bound 0s --max-jump off 2>err3 |
		tee records | dd-window -t t --time-format s --tumbling 10s -a count 2>err4 >out &
	pipeline=$!
	exec {feed}>in
	exec {seen}<records
	IFS= read -rt 10 line <&$seen
	[[ $line == *'"open"'* ]]
	for id in 1 2 3; do
		echo "{\"id\":$id,\"t\":$((id * 4))}" >&$feed
		IFS= read -rt 10 line <&$seen
		equal "{\"id\":$id,\"t\":$((id * 4))}" "$line"
		IFS= read -rt 10 line <&$seen
		[[ $line == *'"watermark"'* ]]
	done
	wait_for grep -q '"window_end":"1970-01-01T00:00:10Z","count":2' out
	lacks out '00:00:20Z'
	exec {feed}>&-
	cat <&$seen >rest
	wait $pipeline
	has out '"window_end":"1970-01-01T00:00:20Z","count":1'
	for n in 1 2 3 4; do adds_up err$n; done
}

@test "a window comes out with its watermark while the input stays open" {
	coproc TOOL { exec dd-window -t t --time-format s --tumbling 10s -a count 2>err; }
	printf '{"t":1}\n{"t":2}\n{"$dd":{"watermark":"1970-01-01T00:00:10Z"}}\n' >&"${TOOL[1]}"
	IFS= read -rt 10 line <&"${TOOL[0]}"
	equal '{"window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:00:10Z","count":2}' "$line"
}

@test "a file is read and written in large pieces" {
	many >in
	strace -o trace -e trace=read,write,writev dd-dedupe -k id <in >out 2>err
	cmp in out
	[ "$(bytes_per_call read 0 trace)" -ge 131072 ]
	[ "$(bytes_per_call 'writev?' 1 trace)" -ge 65536 ]
}

@test "many results of one watermark are written in large pieces" {
	seq 0 39999 | awk '{ printf "{\"t\":1,\"k\":%d}\n", $1 }' >in
	strace -o trace -e trace=write,writev dd-window -t t --time-format s -k k --tumbling 1s -a count \
		<in >out 2>err
	equal 40000 "$(wc -l <out)"
	[ "$(bytes_per_call 'writev?' 1 trace)" -ge 65536 ]
}

@test "pipes are enlarged where the system allows it, and not made non-blocking" {
	for tool in "dd-dedupe -k a" "dd-watermark -t a --time-format s --bound 1s" \
		"dd-window -t a --time-format s --tumbling 1s -a count"; do
		python3 - $tool <<'END'
import fcntl, os, subprocess, sys
SET, GET, MIB = 1031, 1032, 1 << 20
probe, _ = os.pipe()
try:
    possible = fcntl.fcntl(probe, SET, MIB)
except PermissionError:
    possible = fcntl.fcntl(probe, GET)
in_read, in_write = os.pipe()
out_read, out_write = os.pipe()
tool = subprocess.Popen(sys.argv[1:], stdin=in_read, stdout=out_write, stderr=subprocess.DEVNULL)
# two seconds apart: a window and its watermark, or the record itself, says that the loop runs
os.write(in_write, b'{"a":100}\n{"$dd":{"watermark":"1970-01-01T00:03:00Z"}}\n')
assert os.read(out_read, 1)
for fd in in_write, out_read:
    assert fcntl.fcntl(fd, GET) == possible, (fcntl.fcntl(fd, GET), possible)
for fd in in_read, out_write:
    assert not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK
os.close(in_write)
assert tool.wait(10) == 0
END
	done
}

@test "storms of USR1, with the reader stalling, lose nothing; the figures come on stderr" {
	many >in
	python3 - dd-dedupe -k id <<'END'
import fcntl, os, re, select, signal, struct, subprocess, sys, termios, threading
want = open("in", "rb").read()
tool = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                        stderr=open("err", "wb"))
def state():
    return open(f"/proc/{tool.pid}/stat").read().rsplit(")", 1)[1].split()[0]
# one record through: the handler is there
head = want.index(b"\n") + 1
os.write(tool.stdin.fileno(), want[:head])
got = bytearray(os.read(tool.stdout.fileno(), 1 << 20))
assert got == want[:head], got
tool.send_signal(signal.SIGUSR1)  # while it waits for input
while not re.search(r"^dd-dedupe: in 1 .*\n", open("err").read(), re.M):
    assert tool.poll() is None

def feed():
    at = head
    while at < len(want):
        at += os.write(tool.stdin.fileno(), want[at:at + 50021])
        tool.send_signal(signal.SIGUSR1)
    tool.stdin.close()
feeder = threading.Thread(target=feed)
feeder.start()

def unread():
    return struct.unpack("i", fcntl.ioctl(tool.stdin, termios.FIONREAD, b"\0" * 4))[0]
# asleep with input at hand: it waits for us to read
while not (state() == "S" and unread() > 0):
    pass
for _ in range(200):
    tool.send_signal(signal.SIGUSR1)
while True:
    select.select([tool.stdout], [], [])
    piece = os.read(tool.stdout.fileno(), 4093 if len(got) < 2000000 else 1 << 20)
    if not piece:
        break
    got += piece
    if len(got) < 2000000:
        tool.send_signal(signal.SIGUSR1)
feeder.join()
assert tool.wait(10) == 0
assert got == want, (len(got), len(want))
figures = [int(n) for n in re.findall(r"^dd-dedupe: in (\d+)", open("err").read(), re.M)]
assert len(figures) >= 3, figures
assert figures == sorted(figures) and figures[0] == 1 and figures[-1] == 60000, figures
END
}

@test "an interrupted read or write is tried again" {
	many 20000 >in
	: >out
	strace -o trace -P "$PWD/in" -P "$PWD/out" \
		-e inject=read:error=EINTR:when=1+2 -e inject=write,writev:error=EINTR:when=1+2 \
		dd-dedupe -k id <in >out 2>err
	cmp in out
	[ "$(grep -c 'EINTR.*INJECTED' trace)" -ge 10 ]
}

@test "short writes into a full non-blocking pipe, and a non-blocking input, lose nothing" {
	many >in
	python3 - dd-dedupe -k id <<'END'
import fcntl, os, struct, subprocess, sys, termios, threading
want = open("in", "rb").read()
in_read, in_write = os.pipe()
out_read, out_write = os.pipe()
os.set_blocking(in_read, False)
os.set_blocking(out_write, False)
tool = subprocess.Popen(sys.argv[1:], stdin=in_read, stdout=out_write, stderr=open("err", "wb"))
os.close(in_read)
os.close(out_write)
def feed():
    at = 0
    while at < len(want):
        at += os.write(in_write, want[at:at + 70001])
    os.close(in_write)
threading.Thread(target=feed, daemon=True).start()
def asleep_with_input():
    state = open(f"/proc/{tool.pid}/stat").read().rsplit(")", 1)[1].split()[0]
    return state == "S" and struct.unpack("i", fcntl.ioctl(in_write, termios.FIONREAD, b"\0" * 4))[0] > 0
# what it writes meets a full pipe before anything is read
while tool.poll() is None and not asleep_with_input():
    pass
got = bytearray()
while piece := os.read(out_read, 3001):
    got += piece
assert tool.wait(10) == 0, open("err").read()
assert got == want, (len(got), len(want))
END
}

@test "a reader that went away ends an unsupervised stage by SIGPIPE, as it does cat" {
	many >in
	for tool in "cat" "dd-dedupe -k id" "dd-watermark -t id --time-format s --bound 1s"; do
		rm -f status
		{ env --default-signal=PIPE $tool <in 2>err || echo $? >status; } | head -n 1 >first
		equal 141 "$(cat status)"
		head -n 1 in | cmp - first
	done
}

@test "a reader that went away is exit 75 in a supervised stream" {
	{
		open_line
		many
		last_barrier 42
	} >in
	for tool in "dd-dedupe -k id" "dd-watermark -t id --time-format s --bound 1s"; do
		rm -f status
		{ $tool <in 2>err || echo $? >status; } | head -n 1 >first
		equal 75 "$(cat status)"
		head -n 1 in | cmp - first
	done
}

@test "a full device is exit 74, for many records and for one, for results of the end too" {
	many 20000 >in
	for tool in "dd-dedupe -k id" "dd-watermark -t id --time-format s --bound 1s" \
		"dd-window -t id --time-format s --tumbling 1s -a count"; do
		expect 74 sh -c 'exec "$@" >/dev/full' - $tool <in
		has err "${tool%% *}: " "No space left on device"
		expect 74 sh -c 'head -n 1 in | { "$@" >/dev/full; }' - $tool
		has err "No space left on device"
	done
}

@test "a device that is full in the middle is exit 74" {
	many >in
	: >out
	status=0
	strace -o trace -P "$PWD/out" -e inject=write,writev:error=ENOSPC:when=3 dd-dedupe -k id \
		<in >out 2>err || status=$?
	equal 74 $status
	has err "No space left on device"
	has trace INJECTED
	# what is there is a beginning of it
	[ -s out ]
	cmp -n "$(stat -c %s out)" in out
}

@test "an input that cannot be read is exit 74 and flushes no windows" {
	seq 1 200000 | awk '{ printf "{\"t\":%d}\n", $1 }' >in
	expect 74 strace -o trace -P "$PWD/in" -e inject=read:error=EIO:when=3 \
		dd-window -t t --time-format s --tumbling 1h -a count <in
	has trace INJECTED
	has err "Input/output error"
	[ ! -s out ]
}

@test "a closed stdin, a closed stdout and a directory as stdin are exit 74" {
	for tool in "dd-dedupe -k a" "dd-watermark -t a --time-format s --bound 1s" \
		"dd-window -t a --time-format s --tumbling 1s -a count"; do
		{
			expect 74 sh -c 'exec "$@" <&-' - $tool
			has err "${tool%% *}: "
			expect 74 sh -c 'echo "{\"a\":1}" | { "$@" >&-; }' - $tool
			has err "${tool%% *}: "
			expect 74 $tool <.
			has err "Is a directory"
		}
	done
}

@test "a closed stdout does not become the dead-letter store" {
	printf 'junk\n{"a":1}\n' >in
	expect 74 sh -c 'exec dd-dedupe -k a --dlq store <in >&-'
	cat store/* >letters
	has letters '"raw":"junk"'
	lacks letters '"a":1'
	expect 74 sh -c 'exec dd-dedupe -k a --dlq store <&-'
}

@test "the balance of each stage adds up to what was counted from outside; --quiet drops it" {
	seq 1 3000 | awk '{ printf "{\"k\":%d,\"t\":%d}\n", $1 % 1000, $1 } $1 % 100 == 0 { print "junk" } $1 % 500 == 0 { print "" }' >in
	expect 0 dd-dedupe -k k --dlq store <in
	adds_up err
	has err 'in 3030 ' 'passed 1000' 'duplicate 2000' 'malformed 30' 'out 1000' 'empty lines 6'
	equal 1 "$(wc -l <err)"
	expect 0 dd-dedupe -k k --dlq store2 --quiet <in
	[ ! -s err ]
}
