#!/usr/bin/env bats
# dd-run: how it starts, ends, is told to stop, and that nobody is left behind.
# shellcheck disable=SC2016 # what is quoted is for another shell
load helper

# A name for this test's processes that no other has.
setup_file() {
	export MARK=$((100000 + RANDOM * 7))
}

running() { # TEXT: is in the command line of a process that is no zombie
	local pid
	for pid in $(pgrep -f -- "$1"); do
		[ "$pid" = "$BASHPID" ] || [ "$pid" = $$ ] ||
			[ -z "$(tr -d '\0' </proc/"$pid"/cmdline)" ] || return 0
	done
	return 1
}

nobody() { # TEXT
	wait_for eval "! running '$1'"
}

# A program of ours that tells which signals it gets and from where, until the third or end of file.
fake_head() {
	cat >dd-head <<'END'
#!/usr/bin/env python3
import os, signal, sys
wanted = {signal.SIGTERM, signal.SIGINT}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
print("up", os.getpid(), file=sys.stderr, flush=True)
count = int(sys.argv[1])
for _ in range(count):
    info = signal.sigwaitinfo(wanted)
    came = {-1: "queued", 0: "user", 0x80: "kernel"}.get(info.si_code, info.si_code)
    print(signal.Signals(info.si_signo).name, came, file=sys.stderr, flush=True)
sys.exit(int(sys.argv[2]))
END
	chmod +x dd-head
}

@test "what the shell makes of a pipeline, dd-run makes of it" {
	while IFS= read -r line; do
		line=${line//@/$'\n'}
		sh -c "$line" <"$BATS_TEST_FILENAME" >want 2>/dev/null || true
		dd-run "$line" <"$BATS_TEST_FILENAME" >got 2>/dev/null || true
		cmp want got || {
			echo "$line"
			return 1
		}
	done <<'END'
head -n 5
cat | grep load | tr a-z A-Z
echo 'a|b' "c|d" e\|f | tr '|' '\n'
echo "it's | $(echo "x|y" | tr '|' '"') \" |" | cat
echo `echo 'a|b' | tr '|' x` | cat
{ echo a; echo b | tr b c; } | cat -n
(echo a; exit 3) | cat
(cd / && pwd) | cat
A=1 B="x y" sh -c 'echo $A "$B" $#' | cat
A='*' sh -c 'echo "$A"' | cat
X=1 | echo $X | cat
echo $((1<<2|1)) | cat
echo ${NOTHING:-a|b} | cat # a | comment
echo a |@@ cat -n |@tr a b
echo a \@ | cat
{ while read -r a; do echo "$a" | tr a-z A-Z; done; } | head -n 3
{ case x in y|z) echo no;; x) echo yes | tr y Y;; esac; } | cat
{ if true; then echo a | cat; fi; } 2>&1 | { cat; }
echo a >&2 | cat
sh -c 'echo a; echo b >&2' 2>&1 | sort
</dev/null cat | wc -l
read x | cat
cd / | pwd
: | echo a
exec echo a | cat
echo } | cat
find /dev/null -exec echo {} \; | cat
echo a#b '#' | cat
END
}

@test "it exits with the cause, not with its consequences" {
	while IFS='|' read -r status rest; do
		echo "$rest"
		expect "$status" dd-run "${rest//!/|}" </dev/null
	done <<'END'
0|true ! true
0|yes ! head -n 1
1|true ! false ! cat
3|sh -c "exit 3" ! cat ! sh -c "exec 0<&-; exit 0"
65|echo {x ! dd-source - ! dd-dedupe -k id ! dd-deliver -
64|echo {} ! dd-source - ! dd-dedupe --bogus ! dd-deliver -
127|yes "{}" ! dd-source - ! /nonexistent/program x ! dd-deliver -
126|cat ! /etc/passwd
75|sh -c "kill -9 \$\$" ! cat
75|{ sh -c "kill -9 \$\$"; } ! cat
0|{ yes; } ! head -n 1
5|sh -c "kill -9 \$\$" ! sh -c "cat; exit 5"
75|sh -c "exit 75" ! cat
END
}

@test "it says what others did not" {
	expect 75 dd-run 'sh -c "kill -9 \$\$" a long command line that does not fit in it | cat'
	has err "'sh -c \"kill -9 \\\$\\\$\" a long command line that does…' was killed by signal 9"
	expect 127 dd-run 'nosuch -x | cat'
	has err "'nosuch -x' could not be found (exit status 127)"
	expect 126 dd-run '/ | cat'
	has err "'/' could not be executed"
	expect 5 dd-run 'cat | sh -c "exit 5"' </dev/null
	has err "'sh -c \"exit 5\"' failed with exit status 5"
	expect 75 dd-run '(kill -11 $$) | cat'
	lacks err failed
	has err 'was killed by signal 11'
}

@test "a foreign filter in the middle of a supervised stream" {
	printf '%s\n' '{"id":1,"n":5}' '{"id":2,"n":50}' >in
	expect 0 dd-run "dd-source -q in | jq -c --unbuffered 'select(has(\"\$dd\") or .n > 10)' |
		dd-dedupe -q -k id | dd-deliver -q -"
	echo '{"id":2,"n":50}' | same out
}

@test "a stage's program is the child itself, with signals and descriptors as at a birth" {
	expect 0 dd-run 'cat | python3 -c "
import os
for line in open(\"/proc/self/status\"):
    if line.startswith((\"SigBlk\", \"SigIgn\", \"SigCgt\")):
        print(line.split()[0], [s for s in (1, 2, 3, 10, 13, 15, 17)
            if int(line.split()[1], 16) >> (s - 1) & 1])
print(sorted(int(f) for f in os.listdir(\"/proc/self/fd\"))[:4][:3])
print(open(\"/proc/%d/comm\" % os.getppid()).read().strip())
print(\"DDPIPE_READY_FD\" in os.environ, len(os.environ[\"DDPIPE_RUN\"]))
" | cat' </dev/null
	# Python catches SIGINT where it is not ignored, and ignores SIGPIPE by itself
	same out <<'END'
SigBlk: []
SigIgn: [2, 13, 15]
SigCgt: []
[0, 1, 2]
dd-run
False 16
END
}

@test "no descriptor of dd-run is left open in a program" {
	expect 0 sh -c 'true | ls /proc/self/fd | cat'
	mv out without
	expect 0 dd-run --checkpoint cp 'true | { ls /proc/self/fd; echo $DDPIPE_READY_FD >&2; } | cat'
	# what was open before stays so; one more is the pipe of readiness
	sort without err | same <(sort out)
}

@test "kill -9 of dd-run leaves nobody" {
	dd-run "sleep $MARK.1 | { sleep $MARK.2 & sleep $MARK.3; } | setsid sleep $MARK.4 | cat" &
	pid=$!
	for i in 1 2 3 4; do wait_for running "sleep $MARK.$i"; done
	kill -KILL $pid
	wait $pid || true
	for i in 1 2 3 4; do nobody "sleep $MARK.$i"; done
	nobody "dd-run sleep $MARK"
}

@test "kill -9 of the keeper leaves nobody, and is told" {
	dd-run "sleep $MARK.5 | { sleep $MARK.6; }" 2>err &
	pid=$!
	for i in 5 6; do wait_for running "sleep $MARK.$i"; done
	kill -KILL "$(pgrep -P $pid)"
	status=0
	wait $pid || status=$?
	equal 75 $status
	has err 'the keeper of the pipeline was killed by signal 9'
	! running "sleep $MARK.5" || false
	! running "sleep $MARK.6" || false
}

@test "when all have ended, what they left behind is ended" {
	expect 0 dd-run "(sleep $MARK.7 >/dev/null </dev/null 2>&1 & echo a) | cat"
	echo a | same out
	! running "sleep $MARK.7" || false
}

@test "what does not notice that its neighbours are gone is terminated" {
	expect 1 dd-run "sleep $MARK.8 | false"
	has err "'sleep $MARK.8' goes on though its neighbours are gone: it is terminated"
}

@test "what a killed group left behind does not hold up the rest" {
	expect 75 dd-run "{ echo '{}'; sleep $MARK.9 & kill -9 \$\$; } | dd-source -q -"
	! running "sleep $MARK.9" || false
}

@test "TERM is queued for the head, the second is sent to all, the third kills" {
	fake_head
	dd-run "sleep $MARK.10 | ./dd-head 9 0 | cat" 2>err &
	pid=$!
	wait_for grep -q up err
	kill -TERM $pid
	wait_for grep -q 'SIGTERM queued' err
	kill -TERM $pid
	wait_for grep -q 'SIGTERM user' err
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	equal 75 $status
	printf '%s\n' 'SIGTERM queued' 'SIGTERM user' | same <(grep SIG err | uniq)
	nobody "sleep $MARK.10"
}

@test "what only feeds the head does not hold up a stop" {
	fake_head
	dd-run "sleep $MARK.11 | ./dd-head 1 0 | cat" 2>err &
	pid=$!
	wait_for grep -q up err
	kill -TERM $pid
	wait $pid
	nobody "sleep $MARK.11"
}

@test "without a program of ours the first one is ended by TERM" {
	dd-run "sleep $MARK.12 | cat" 2>err &
	pid=$!
	wait_for running "^sleep $MARK.12"
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	equal 75 $status
	lacks err signal
}

@test "a signal from the terminal has reached everybody, and is not sent again" {
	fake_head
	python3 - <<'END' || return 1
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("dd-run", ["dd-run", "./dd-head 2 0 | cat"])
said = b""
def until(text):
    global said
    while text not in said:
        said += os.read(terminal, 4096)
until(b"up")
os.write(terminal, b"\x03")
until(b"SIGINT kernel")
os.kill(pid, 15)
until(b"SIGTERM")
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(said.decode(), status)
sys.exit(b"queued" in said or said.count(b"SIGINT") != 1 or status != 0)
END
}

@test "dd-source under dd-run, told to stop without a checkpoint" {
	mkfifo pipe
	dd-run 'dd-source pipe | dd-dedupe -k id | dd-deliver -' >out 2>err &
	pid=$!
	exec 9>pipe
	echo '{"id":1}' >&9
	wait_for grep -q 1 out
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	exec 9>&-
	equal 75 $status
	has err interrupted
}

@test "one at a time in a directory" {
	mkfifo pipe
	dd-run --checkpoint cp 'cat pipe | cat' &
	pid=$!
	exec 9>pipe
	wait_for eval '! flock -n cp/lock true'
	expect 75 dd-run --checkpoint cp 'cat'
	has err "'cp/lock' is held: another dd-run runs this pipeline"
	exec 9>&-
	wait $pid
	expect 0 dd-run --checkpoint cp 'cat' </dev/null
}

@test "the environment that it makes" {
	expect 0 env DDPIPE_RUN=x DDPIPE_READY_FD=7 dd-run --pipeline orders \
		'echo "$DDPIPE_PIPELINE $DDPIPE_RUN ${DDPIPE_CHECKPOINT-none} ${DDPIPE_READY_FD-none}"'
	grep -qE '^orders [0-9a-f]{16} none none$' out
	expect 0 env DDPIPE_CHECKPOINT=cp dd-run 'echo "$DDPIPE_CHECKPOINT" | cat'
	echo cp | same out
	[ -f cp/lock ]
	expect 0 env DDPIPE_CHECKPOINT=cp dd-run --checkpoint '' 'echo "${DDPIPE_CHECKPOINT-none}"'
	echo none | same out
}

@test "the head begins when the sink is ready, and not when one has died before" {
	printf '#!/bin/sh\nhead -c 1 </dev/fd/$DDPIPE_READY_FD | od -An -c\n' >dd-first
	printf '#!/bin/sh\n$1; echo r >/dev/fd/$DDPIPE_READY_FD; cat\n' >dd-last
	chmod +x dd-first dd-last
	mkfifo pipe
	dd-run --checkpoint cp './dd-first | cat | ./dd-last "cat pipe"' >out &
	pid=$!
	wait_for running 'cat pipe'
	exec 9>pipe
	[ ! -s out ]
	exec 9>&-
	wait $pid
	echo '   r' | same out
	# nobody will say it any more, so the head reads the end
	expect 3 dd-run --checkpoint cp './dd-first | cat >got | sh -c "exit 3"'
	[ -z "$(cat got)" ]
}

@test "it starts again after what may pass, and says so" {
	expect 0 dd-run --restart 'sh -c "echo x >>tries; test \$(wc -l <tries) = 3 || exit 75" | cat'
	equal 3 "$(wc -l <tries)"
	equal 2 "$(grep -c 'the pipeline stopped with exit status 75 after .*; it starts again in ' err)"
	rm tries
	expect 0 dd-run --restart -q 'sh -c "echo x >>tries; test \$(wc -l <tries) = 2 || kill -9 \$\$" | cat'
	lacks err again
	for status in 1 64 65 70 73 74 77 78 127; do
		: >tries
		expect $status dd-run --restart "sh -c 'echo x >>tries; exit $status' | cat"
		equal 1 "$(wc -l <tries)"
	done
}

@test "each run has a name of its own, and a stop ends the starting again" {
	dd-run --restart 'sh -c "echo \$DDPIPE_RUN >>runs; exit 69" | cat' 2>err &
	pid=$!
	wait_for eval '[ "$(sort -u runs | wc -l)" -ge 2 ]'
	wait_for eval '[ "$(grep -c again err)" -ge 2 ]'
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	# one that came while it ran let it end by itself; either way it is the last run's
	equal 69 $status
}

# Prints what comes to a NOTIFY_SOCKET while COMMAND runs, its status last.
with_manager() { # COMMAND…
	python3 - "$@" <<'END'
import os, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1] if sys.argv[1][0] != "@" else "\0" + sys.argv[1][1:])
s.settimeout(20)
p = subprocess.Popen(sys.argv[2:], env=dict(os.environ, NOTIFY_SOCKET=sys.argv[1]))
end = b""
try:
    while end != b"STOPPING=1":
        end = s.recv(4096)
        print(end.decode(), flush=True)
        if end == b"READY=1":
            p.terminate()
    print(p.wait(20))
finally:
    p.kill()
END
}

@test "a service manager is told: ready, stopping" {
	fake_head
	with_manager "$PWD/socket" dd-run './dd-head 1 0 | sh -c "echo \${NOTIFY_SOCKET-none} >env; cat"' >out
	printf '%s\n' READY=1 STOPPING=1 0 | same out
	echo none | same env
	with_manager "@ddpipe-test-$$" dd-run './dd-head 1 0 | cat' >out
	printf '%s\n' READY=1 STOPPING=1 0 | same out
	NOTIFY_SOCKET=/nonexistent/socket expect 0 dd-run 'echo a'
	has err "nobody listens at NOTIFY_SOCKET '/nonexistent/socket'"
}

@test "a newline for s6, once" {
	expect 0 dd-run --notify-fd 3 'cat | cat' </dev/null 3>ready
	echo | same ready
	expect 64 dd-run --notify-fd 77 'cat'
	has err "'77': not a descriptor that is open"
}

@test "stdin and stdout are those of the first and the last" {
	echo a | dd-run 'cat | cat' >out
	echo a | same out
	dd-run 'cat | cat' <&- >out 2>err || status=$?
	equal 1 "$status"
}
