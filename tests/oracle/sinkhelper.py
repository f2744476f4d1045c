"""dd-deliver's side of the protocol of dd-sink(7), for tests of helpers."""

import json
import os
import subprocess
import zlib

PATIENCE = 60  # seconds until a helper that hangs has failed


def frame(kind, payload):
    if not isinstance(payload, bytes):
        payload = json.dumps(payload).encode()
    return b"%s %d %08x\n" % (kind.encode(), len(payload), zlib.crc32(payload)) + payload


def ndjson(records):
    """Records given as bytes are sent as they are."""
    return b"".join((r if isinstance(r, bytes) else json.dumps(r, ensure_ascii=False).encode()) +
                    b"\n" for r in records)


INCARNATION = "0123456789abcdef" * 2


def run_name(letter):
    return letter * 16


def claim(run, **more):
    """What a fence says, for a run that is named by one hexadecimal digit."""
    return {"pipeline": "p", "stage": "deliver", "incarnation": INCARNATION, "run": run_name(run),
            **more}


def record(epoch, run, **more):
    return {"incarnation": INCARNATION, "epoch": epoch, "run": run_name(run), **more}


class Helper:
    """A running helper. A variable that is None is taken out of its environment."""

    def __init__(self, program, cwd=None, **variables):
        environment = {**os.environ, **variables}
        environment = {n: v for n, v in environment.items() if v is not None}
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=environment, cwd=cwd)
        self.kind, self.hello = self.hear()
        assert self.kind == "hello", self.kind

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.hang_up()
        self.process.stdout.close()
        self.process.stderr.close()
        self.process.wait()

    def hang_up(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def hear(self):
        header = self.process.stdout.readline()
        if not header:
            return None, None
        kind, length, crc = header.decode("ascii").rstrip("\n").split(" ")
        payload = self.process.stdout.read(int(length))
        assert len(payload) == int(length), "a frame is cut short"
        assert crc == "%08x" % zlib.crc32(payload), "a wrong checksum from the helper"
        return kind, json.loads(payload)

    def ask(self, kind, payload):
        self.send(frame(kind, payload))
        return self.hear()

    def open(self, url, **more):
        return self.ask("open", {"protocol": 1, "url": url, "pipeline": "p", "stage": "deliver",
                                 "timeout_ms": 20000, **more})

    def ready(self, url, **more):
        answer = self.open(url, **more)
        assert answer == ("ready", {}), answer
        return self

    def batch(self, *records):
        kind, answer = self.ask("batch", ndjson(records))
        assert kind == "verdict", (kind, answer)
        return answer

    def accepted(self, *records):
        answer = self.batch(*records)
        assert answer == {"verdict": "accepted"}, answer

    def fence(self, run, **more):
        kind, answer = self.ask("fence", claim(run, **more))
        assert kind == "held", (kind, answer)
        return answer

    def commit(self, epoch, run, **more):
        assert self.ask("prepare", {"epoch": epoch}) == ("prepared", {})
        answer = self.ask("commit", record(epoch, run, **more))
        assert answer == ("committed", {}), answer

    def leaves(self, *statuses):
        """The helper says no more, on neither output, and exits so."""
        assert self.hear() == (None, None)
        assert self.process.wait(PATIENCE) in statuses, self.process.returncode
        complaint = self.process.stderr.read()
        assert complaint == b"", complaint

    def end(self):
        assert self.ask("end", {}) == ("done", {})
        self.leaves(0)

    def fails(self, answer, status, *words):
        kind, why = answer
        assert kind == "failed" and why["exit"] == status, answer
        for word in words:
            assert word in why["why"], (word, why["why"])
        self.leaves(status)
