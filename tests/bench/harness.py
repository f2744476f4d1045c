"""What the benchmarks share: the build, seeded data, runs that are measured, verdicts.

B is the build directory (default: build). Temporary files are under TMPDIR and go away at the end,
also after SIGINT and SIGTERM. DDPIPE_* variables are taken out of the environment.
"""
import os
import signal
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
BUILD = os.path.abspath(os.environ.get("B") or HERE + "/../../build")
os.environ.update(PATH=BUILD + ":" + os.environ["PATH"], LC_ALL="C", TZ="UTC", B=BUILD)
for variable in [v for v in os.environ if v.startswith("DDPIPE_")]:
    del os.environ[variable]
for program in "data", "launch":
    if not os.path.exists(f"{BUILD}/bench/{program}"):
        sys.exit(f"{sys.argv[0]}: '{BUILD}/bench/{program}' is not built: make test-programs")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
median = statistics.median


def scratch():
    return tempfile.TemporaryDirectory(prefix="ddpipe-bench.")


def cores():
    """The processors of this process, as taskset(1) names them; the first is for what is around."""
    return [str(c) for c in sorted(os.sched_getaffinity(0))]


def load():
    return "load " + " ".join(f"{x:.1f}" for x in os.getloadavg())


class Stage:
    """A program of a pipeline; cpus is a list for the kernel, such as "0,1"."""

    def __init__(self, *argv, cpus=None, read=None, write=None):
        self.argv, self.cpus, self.read, self.write = [str(a) for a in argv], cpus, read, write

    def words(self):
        return ([f"@{self.cpus}"] if self.cpus else []) + ([f"<{self.read}"] if self.read else []) + \
            ([f">{self.write}"] if self.write else []) + self.argv


class Failure(Exception):
    pass


class Run:
    """Of a pipeline: the seconds it took, its CPU seconds, the largest resident set of its programs in KiB."""

    def __init__(self, text):
        lines = [line.split() for line in text.split("\n") if line]
        self.wall = float(lines[0][0])
        self.cpus = [float(user) + float(system) for _, user, system, _ in lines[1:]]
        self.peaks = [int(peak) for _, _, _, peak in lines[1:]]
        self.statuses = [int(status) for status, _, _, _ in lines[1:]]
        self.cpu, self.peak = sum(self.cpus), max(self.peaks)


def run(*stages, limit_s=3600):
    """Runs them as a pipeline. A program that fails, or takes longer, is a Failure."""
    words = []
    for stage in stages:
        words += (["|"] if words else []) + stage.words()
    child = subprocess.Popen([BUILD + "/bench/launch", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, start_new_session=True)
    try:
        out, err = child.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise Failure(f"not done after {limit_s} s") from None
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if child.returncode != 0:
        raise Failure(err.strip())
    result = Run(out)
    if any(result.statuses):
        raise Failure((err.strip().split("\n") or [""])[0] or f"exit status {result.statuses}")
    return result


def generator(*args, **where):
    return Stage(BUILD + "/bench/data", *args, **where)


def make_data(path, *args):
    run(generator(*args, write=path))
    return path


def has_option(tool, option):
    """Whether the build's tool has it."""
    done = subprocess.run([tool, "--help"], capture_output=True, text=True)
    return f" {option} " in done.stdout.replace("\n", " ").replace(",", " ")


class Tally:
    """Bounds that were held and missed; its last line is what the test runners read."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def verdict(self, good):
        """A word for the table; None is a bound that could not be looked at."""
        if good is None:
            self.skipped += 1
            return "-"
        self.passed += good
        self.failed += not good
        return "pass" if good else "FAIL"

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else ""))
        sys.exit(self.failed > 0)
