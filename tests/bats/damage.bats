#!/usr/bin/env bats
# A byte that has changed on disk: whatever file it is in, it is named, or it did no harm; never is a
# wrong result taken for a right one, and never does a start go round in circles.

load helper

job() { # DESTINATION
	export DDPIPE_CHECKPOINT=D
	dd-source -q --every 4KiB --once "$BATS_TEST_TMPDIR/in.ndjson" | dd-dedupe -q --key id |
		dd-watermark -q --time t --time-format s --bound 10s |
		dd-window -q --time t --time-format s --tumbling 20s --key k --agg 'count, sum(v)' \
			--late late |
		dd-deliver -q "$1"
}

records() { # FROM TO
	awk -v from="$1" -v to="$2" 'BEGIN {
		for (i = from; i <= to; i++) {
			printf "{\"id\":%d,\"t\":%d,\"k\":\"k%d\",\"v\":%d}\n", i % 350, 1767225600 + i, i % 37, i
			if (i % 50 == 0) print "{\"id\":" i ",\"t\":"
			if (i % 60 == 0) printf "{\"id\":%d,\"t\":1,\"k\":\"late\",\"v\":1}\n", 1000 + i
		}
	}'
}

# What a pipeline with a state, letters and late records leaves; what it makes of more input in want.
prepare() { # DESTINATION SHOW-COMMAND
	mkdir whole
	cd whole || return 1
	records 1 200 >../in.ndjson
	job "$1"
	records 201 300 >>../in.ndjson
	cd ..
	cp -a whole good
	(cd good && job "$1" && bash -c "$2" >../want && cp late ../want.late)
}

flip() { # FILE PLACE: changes a byte, always
	python3 - "$@" <<-'END'
		import sys
		with open(sys.argv[1], "r+b") as file:
		    data = file.read()
		    place = int(float(sys.argv[2]) * (len(data) - 1))
		    file.seek(place)
		    file.write(bytes([data[place] ^ 0x15]))
	END
}

# Starts with a damaged FILE: 0 if that was seen or did no harm.
start_with() { # FILE PLACE DESTINATION SHOW-COMMAND
	local status=0 name=${1##*/}
	rm -rf damaged
	cp -a whole damaged
	cd damaged || return 1
	flip "$1" "$2"
	job "$3" 2>err || status=$?
	bash -c "$4" >got 2>/dev/null || true
	if [ $status = 0 ]; then
		if ! cmp got ../want || ! cmp late ../want.late; then
			echo "$1 at $2: taken in silence"
			return 1
		fi
	else
		grep -qF -- "$name" err || { echo "$1 at $2: $status without its name"; cat err; return 1; }
		case $status in
		74 | 75 | 78) ;;
		*) echo "$1 at $2: $status"; cat err; return 1 ;;
		esac
	fi
	echo "$status $1 at $2" >>../seen
	cd ..
}

each_file() { # DESTINATION SHOW-COMMAND FILES-COMMAND
	local file place bad=0
	prepare "$1" "$2"
	while read -r file; do
		for place in 0 0.3 0.7 1; do
			start_with "$file" $place "$1" "$2" || bad=$((bad + 1))
			cd "$BATS_TEST_TMPDIR" || return 1
		done
	done < <(cd whole && bash -c "$3" | sort)
	cat seen
	[ $bad = 0 ]
}

# dead letters are read by nobody but the user; locks have no content that matters
in_directory="find D -type f -size +0 ! -path '*/dlq/*' ! -name lock ! -name last-failure"

@test "a damaged byte in any file under the directory, and in file: and its commit" {
	each_file file:out 'cat out' "$in_directory; echo out.commit"
	# what the start relies on was found, each time
	equal 4 "$(grep -c '^7. D/commit' seen)"
	grep -q '^74 D/stages/window/.*snapshot' seen
	grep -q '^74 D/stages/window/state' seen
	grep -q '^74 D/stages/dedupe/state' seen
}

@test "a damaged byte in the manifest of dir:" {
	each_file dir:out 'cat out/*.ndjson' "echo out/.D.deliver/manifest"
	equal 4 "$(grep -c '^74 ' seen)"
}

@test "a file that is gone, or empty, is named" {
	local file how status
	prepare file:out 'cat out'
	while read -r file; do
		for how in 'rm' 'truncate -s 0'; do
			rm -rf damaged
			cp -a whole damaged
			cd damaged
			$how "$file"
			status=0
			job file:out 2>err || status=$?
			if [ $status = 0 ]; then
				cmp out ../want || { echo "$how $file: in silence"; return 1; }
			else
				grep -qF -- "${file##*/}" err || { echo "$how $file: $status"; cat err; return 1; }
			fi
			cd "$BATS_TEST_TMPDIR"
		done
	done < <(cd whole && eval "$in_directory; echo out.commit")
}

@test "another user's directory, and one that others can write to: 77" {
	[ "$(id -u)" = 0 ] || skip "only root can give a directory away"
	mkdir theirs open
	chown 12345 theirs
	chmod 777 open
	for dir in theirs open; do
		echo '{"id":1}' | expect 77 dd-source --checkpoint $dir -
		has err "'$dir'"
	done
}

@test "a directory that can't be written: said, and nothing is begun" {
	mkdir closed
	chmod 500 closed
	if [ "$(id -u)" = 0 ]; then
		# root may write anywhere but on a file system that is read-only
		unshare -rm true 2>/dev/null || skip "no user namespaces here"
		unshare -rm sh -c 'mount -t tmpfs none closed && mount -o remount,ro closed &&
			echo "{\"id\":1}" | dd-source --checkpoint closed/D - >out 2>err; echo $? >status'
		same status <<<73
	else
		echo '{"id":1}' | expect 77 dd-source --checkpoint closed/D -
	fi
	has err "cannot create directory 'closed/D'"
}

@test "a network file system is refused, unless --shared-dir says that locks and syncs hold" {
	local remote
	remote=$(dirname "$(command -v dd-source)")/tools/remote.so
	[ -e "$remote" ] || skip "the shim is not built here"
	echo '{"id":1}' >in.ndjson
	expect 78 env LD_PRELOAD="$remote" dd-source --checkpoint D in.ndjson
	has err "'D' lies on a network file system" '--shared-dir'
	env LD_PRELOAD="$remote" dd-source --checkpoint D --shared-dir in.ndjson |
		env LD_PRELOAD="$remote" dd-deliver --checkpoint D --shared-dir file:out
	cmp in.ndjson out
}
