# What the bats files share: the tools in PATH, comparisons of whole files, hand-made streams.
# `run` is not used: it eats trailing newlines and hides statuses.
# shellcheck shell=bash disable=SC2016,SC2034 # $dd is no variable; the tests use what is set here

bats_require_minimum_version 1.5.0
set -o pipefail
export LC_ALL=C TZ=UTC
PATH=$(realpath "${B:-$BATS_TEST_DIRNAME/../../build}"):$PATH
DATA=$(realpath "$BATS_TEST_DIRNAME/../data")
RUN=8f3ab2c49d01e657

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Runs a command with its stdout in ./out and its stderr in ./err.
expect() { # STATUS COMMAND…
	local want=$1 status=0
	shift
	timeout -k 5 60 "$@" >out 2>err || status=$?
	[ "$status" != "$want" ] || return 0
	echo "exit status $status, want $want: $*"
	head -c 2000 err
	return 1
}

# FILE is what stdin says, byte for byte.
same() { # FILE
	diff -au --label want --label "$1" - "$1" | head -n 60
}

has() { # FILE TEXT…
	local file=$1 text
	shift
	for text; do
		grep -qF -- "$text" "$file" || {
			echo "no '$text' in $file:"
			head -c 2000 "$file"
			return 1
		}
	done
}

lacks() { # FILE TEXT
	if grep -F -- "$2" "$1"; then
		echo "'$2' in $1"
		return 1
	fi
}

equal() { # WANT GOT
	[ "$1" = "$2" ] || {
		echo "want '$1'"
		echo "got  '$2'"
		return 1
	}
}

# Asks again until COMMAND succeeds, for ten seconds at most.
wait_for() { # COMMAND…
	local deadline=$((SECONDS + 10))
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $deadline ] || {
			echo "did not come true: $*"
			return 1
		}
		read -rt 0.01 <> <(:) || true
	done
}

# Every balance in FILE: in = passed + absorbed + reasons, out = passed + made. There must be one.
adds_up() { # FILE
	awk '
		/^dd-[a-z]+: in [0-9]+ = / {
			seen++
			n = split($0, part, "; ")
			sub(/^dd-[a-z]+: in /, "", part[1])
			split(part[1], side, " = ")
			sum = passed = made = 0
			out = "none"
			terms = split(side[2], term, " [+] ")
			for (i = 1; i <= terms; i++) {
				split(term[i], word, " ")
				sum += word[2]
				if (word[1] == "passed") passed = word[2]
			}
			for (i = 2; i <= n; i++) {
				split(part[i], word, " ")
				if (word[1] == "made") made = word[2]
				if (word[1] == "out") out = word[2]
			}
			if (sum != side[1] || out != passed + made) bad = bad "\n" $0
		}
		END {
			if (!seen || bad) print "does not add up:" (seen ? bad : " no balance")
			exit !seen || bad != ""
		}' "$1"
}

# Control lines of the run RUN, restored from epoch 41: the first barrier is 42.
open_line() {
	printf '{"$dd":{"run":"%s","open":{"v":1,"pipeline":"orders","incarnation":"5e1f","epoch":41,"of":"00000000000000a1"}}}\n' $RUN
}
mark() { # TIME
	printf '{"$dd":{"run":"%s","watermark":"%s"}}\n' $RUN "$1"
}
plain_mark() { # TIME
	printf '{"$dd":{"watermark":"%s"}}\n' "$1"
}
barrier() { # NUMBER [REST]
	printf '{"$dd":{"run":"%s","barrier":%s,"stages":[]%s}}\n' $RUN "$1" "${2-}"
}
last_barrier() { # NUMBER
	barrier "$1" ',"last":"end"'
}
abort_line() { # STATUS
	printf '{"$dd":{"run":"%s","abort":{"stage":"source","exit":%s,"why":"the well is dry"}}}\n' $RUN "$1"
}

without_control() { # [FILE…]
	grep -v '^{"\$dd":' "$@" || [ $? = 1 ]
}
