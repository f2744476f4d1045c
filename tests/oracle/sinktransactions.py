"""Transactions of sink helpers (dd-sink(7)): what every helper that says it can them is held to.

What is at the destination is seen by a shell command that has nothing to do with the helper.
"""

import os
import random
import subprocess
import time

from sinkhelper import INCARNATION, Helper, claim, frame, ndjson, record, run_name

OTHER = INCARNATION[::-1]
KILLS = 60


class Destination:
    def __init__(self, program, url, look):
        self.program, self.url, self.look = program, url, look

    def helper(self, **more):
        return Helper(self.program).ready(self.url, **more)

    def fenced(self, run, held, **more):
        h = self.helper(**more)
        answer = h.fence(run)
        assert answer == held, (answer, held)
        return h

    def seen(self):
        done = subprocess.run(self.look, shell=True, capture_output=True, check=True, text=True)
        return sorted(map(int, done.stdout.split()))

    def holds(self, run, held, seen):
        """A run that comes now finds this."""
        with self.fenced(run, held) as h:
            h.end()
        assert self.seen() == seen, self.seen()


def numbered(*numbers):
    return [{"conformance": n} for n in numbers]


def refused(answer, *statuses):
    kind, why = answer
    assert kind == "failed" and why["exit"] in statuses, answer


def can_commit(d):
    with Helper(d.program) as h:
        assert "transactions" in h.hello["can"], h.hello


def can_start_with_nothing(d):
    """A fence is no commit."""
    d.holds("a", {}, [])
    d.holds("b", {}, [])


def can_hide_until_commit(d):
    with d.fenced("a", {}) as h:
        h.accepted(*numbered(1, 2))
        assert d.seen() == []
        h.accepted(*numbered(3))
        assert d.seen() == []
        assert h.ask("prepare", {"epoch": 1}) == ("prepared", {})
        assert d.seen() == []
        assert h.ask("commit", record(1, "a")) == ("committed", {})
        assert d.seen() == [1, 2, 3]
        h.accepted(*numbered(4))
        assert d.seen() == [1, 2, 3]
        h.commit(2, "a")
        assert d.seen() == [1, 2, 3, 4]
        h.end()
    d.holds("b", record(2, "a"), [1, 2, 3, 4])


def can_commit_empty_epochs(d):
    with d.fenced("a", {}) as h:
        h.commit(1, "a")
        h.accepted(*numbered(1))
        h.commit(2, "a")
        h.commit(3, "a")
        h.commit(4, "a")
        h.end()
    d.holds("b", record(4, "a"), [1])


def can_go_without_fence(d):
    """Then a batch is durable by itself, and the record is left alone."""
    with d.fenced("a", {}) as h:
        h.commit(1, "a")
        h.end()
    with d.helper() as h:
        h.accepted(*numbered(1))
        assert d.seen() == [1]
        h.process.kill()
    d.holds("b", record(1, "a"), [1])


def can_keep_pipelines_apart(d):
    with d.fenced("a", {}) as h:
        h.accepted(*numbered(1))
        h.commit(1, "a")
        h.end()
    for other in {"pipeline": "p2"}, {"stage": "deliver2"}, {"pipeline": "pd", "stage": "eliver"}:
        with d.helper() as h:
            assert h.fence("b", **other) == {}
            h.end()
    d.holds("c", record(1, "a"), [1])


def can_be_killed(d):
    """Before the commit: as if the epoch had not been begun."""
    def filled(h):
        h.accepted(*numbered(2, 3))

    def filled_twice(h):
        filled(h)
        h.accepted(*numbered(4))

    def prepared(h):
        filled(h)
        assert h.ask("prepare", {"epoch": 2}) == ("prepared", {})

    def half_a_batch(h):
        filled(h)
        h.send(frame("batch", ndjson(numbered(4)))[:-1])

    def half_a_commit(h):
        prepared(h)
        h.send(frame("commit", record(2, "b"))[:-1])

    with d.fenced("a", {}) as h:
        h.accepted(*numbered(1))
        h.commit(1, "a")
        h.process.kill()
    for go in filled, filled_twice, prepared, half_a_batch, half_a_commit:
        with d.fenced("b", record(1, "a")) as h:
            go(h)
            h.process.kill()
        d.holds("c", record(1, "a"), [1])
        with d.fenced("b", record(1, "a")) as h:
            go(h)
            h.hang_up()
            h.leaves(75)
        d.holds("c", record(1, "a"), [1])


def can_be_killed_within_commit(d):
    """At any moment of it: record and data are both of the old epoch or both of the new one."""
    epoch, held, seen, longest, both = 0, {}, [], 0.001, set()
    for i in range(KILLS):
        run = "%x" % (i % 16)
        with d.fenced(run, held) as h:
            h.accepted(*numbered(i))
            assert h.ask("prepare", {"epoch": epoch + 1}) == ("prepared", {})
            begun = time.monotonic()
            h.send(frame("commit", record(epoch + 1, run)))
            if i % 4 == 0:
                assert h.hear() == ("committed", {})
                longest = max(longest, time.monotonic() - begun)
            else:
                until = begun + random.uniform(0, 1.2 * longest)
                while time.monotonic() < until:
                    pass
            h.process.kill()
        with d.helper() as h:
            now = h.fence("f")
            h.end()
        assert now in (held, record(epoch + 1, run)), (now, held)
        both.add(now == held)
        if now != held:
            epoch, held, seen = epoch + 1, now, seen + [i]
        else:
            assert i % 4 != 0, "committed, and then not"
        assert d.seen() == seen, (d.seen(), seen)
    assert True not in both or False in both


def can_fence_an_older_run_off(d):
    def batch(h):
        return h.ask("batch", ndjson(numbered(2)))

    def commit(h):
        for kind, payload in ("prepare", {"epoch": 2}), ("commit", record(2, "a")):
            answer = h.ask(kind, payload)
            if answer[0] == "failed":
                break
        return answer

    def batch_and_commit(h):
        answer = batch(h)
        return answer if answer[0] == "failed" else commit(h)

    def take(h):
        return h.ask("take", record(7, "a"))

    with d.fenced("a", {}) as h:
        h.accepted(*numbered(1))
        h.commit(1, "a")
        h.end()
    for go in commit, batch_and_commit, take:
        with d.fenced("a", record(1, "a")) as older:
            d.holds("b", record(1, "a"), [1])
            refused(go(older), 75)
            older.leaves(75)
        d.holds("c", record(1, "a"), [1])


def can_fence_what_is_in_flight(d):
    """The older run's commit counts for the fence's answer, or does not count at all."""
    for prepared in False, True:
        with d.helper() as older, d.helper() as newer:
            before = older.fence("a")
            epoch = before.get("epoch", 0) + 1
            seen = d.seen()
            older.accepted(*numbered(epoch))
            if prepared:
                assert older.ask("prepare", {"epoch": epoch}) == ("prepared", {})
            newer.send(frame("fence", claim("b")))
            if not prepared:
                older.send(frame("prepare", {"epoch": epoch}))
                first = older.hear()
            if prepared or first[0] == "prepared":
                first = older.ask("commit", record(epoch, "a"))
            kind, held = newer.hear()
            assert kind == "held"
            if first == ("committed", {}):
                assert held == record(epoch, "a"), held
                assert d.seen() == seen + [epoch]
            else:
                refused(first, 75)
                assert held == before, held
                assert d.seen() == seen
            newer.commit(held.get("epoch", 0) + 1, "b")
            newer.end()


def can_fence_the_dead(d):
    """An older run that dies with an epoch in flight leaves nothing of it."""
    with d.fenced("a", {}) as older, d.helper() as newer:
        older.accepted(*numbered(1))
        newer.send(frame("fence", claim("b")))
        older.process.kill()
        assert newer.hear() == ("held", {})
        newer.accepted(*numbered(2))
        newer.commit(1, "b")
        newer.end()
    assert d.seen() == [2]


def can_refuse_another_predecessor(d):
    with d.fenced("a", {}) as h:
        h.accepted(*numbered(1))
        h.commit(1, "a")
        h.end()
    for epoch, more in (1, {}), (3, {}), (9, {}), (2, {"incarnation": OTHER}):
        with d.helper() as h:
            h.fence("b", **more)
            h.accepted(*numbered(2))
            assert h.ask("prepare", {"epoch": epoch}) == ("prepared", {})
            h.fails(h.ask("commit", record(epoch, "b", **more)), 78)
        d.holds("c", record(1, "a"), [1])
    with d.fenced("b", record(1, "a")) as h:
        h.accepted(*numbered(2))
        h.commit(2, "b", over=False)
        h.end()
    d.holds("c", record(2, "b"), [1, 2])


def can_begin_with_one_only(d):
    with d.fenced("a", {}) as h:
        assert h.ask("prepare", {"epoch": 2}) == ("prepared", {})
        h.fails(h.ask("commit", record(2, "a")), 78)
    d.holds("b", {}, [])


def can_commit_over(d):
    """Whatever it held, but not for a run that is not the owner."""
    with d.fenced("a", {}) as h:
        h.accepted(*numbered(1))
        h.commit(5, "a", over=True)
        h.end()
    with d.helper() as h:
        assert h.fence("b", incarnation=OTHER) == record(5, "a")
        h.commit(3, "b", incarnation=OTHER, over=True)
        h.end()
    with d.fenced("c", record(3, "b", incarnation=OTHER)) as older:
        d.holds("d", record(3, "b", incarnation=OTHER), [1])
        answer = older.ask("prepare", {"epoch": 4})
        if answer == ("prepared", {}):
            answer = older.ask("commit", record(4, "c", over=True))
        refused(answer, 75)
    d.holds("e", record(3, "b", incarnation=OTHER), [1])


def can_take(d):
    with d.fenced("a", {}) as h:
        h.accepted(*numbered(1))
        h.commit(1, "a")
        h.end()
    taken = {"incarnation": OTHER, "epoch": 7, "run": run_name("9")}
    with d.fenced("b", record(1, "a")) as h:
        assert h.ask("take", taken) == ("taken", {})
        h.process.kill()
    d.holds("c", taken, [1])
    with d.fenced("d", taken) as h:
        assert h.ask("take", record(0, "0")) == ("taken", {})
        h.accepted(*numbered(2))
        h.commit(1, "d")
        assert h.ask("take", taken) == ("taken", {})
        h.end()
    d.holds("e", taken, [1, 2])


def can_refuse_disorder(d):
    batch = ("batch", ndjson(numbered(1)))
    fence, take = ("fence", claim("a")), ("take", record(1, "a"))
    prepare, commit = ("prepare", {"epoch": 1}), ("commit", record(1, "a"))
    for *before, last in (
            (prepare,), (commit,), (take,),
            (batch, fence), (batch, prepare), (batch, commit), (batch, take),
            (fence, fence), (fence, commit), (fence, batch, commit), (fence, batch, take),
            (fence, batch, fence), (fence, batch, ("end", {})), (fence, batch, prepare, batch),
            (fence, prepare, prepare), (fence, prepare, ("end", {})), (fence, prepare, take),
            (fence, prepare, fence), (fence, prepare, commit, commit)):
        with d.helper() as h:
            for kind, payload in before:
                assert h.ask(kind, payload)[0] != "failed", (before, last)
            h.fails(h.ask(*last), 78)


def can_refuse_malformed(d):
    def without(message, name):
        return {n: v for n, v in message.items() if n != name}

    def attempt(kind, message, *before):
        with d.helper() as h:
            for order in before:
                assert h.ask(*order)[0] != "failed", before
            h.fails(h.ask(kind, message), 70)

    fence = ("fence", claim("a"))
    for name in claim("a"):
        attempt("fence", without(claim("a"), name))
    for name, wrong in ("run", "a" * 15), ("run", "g" * 16), ("run", "A" * 16), ("run", 1), (
            "incarnation", "a" * 31), ("incarnation", "A" * 32), ("pipeline", None):
        attempt("fence", {**claim("a"), name: wrong})
    for epoch in 0, -1, "1", 1.5, None:
        attempt("prepare", {"epoch": epoch}, fence)
    attempt("take", {}, fence)
    attempt("take", record(-1, "a"), fence)
    for message in (record(2, "a"), record(1, "b"), record(1, "a", incarnation=OTHER),
                    record(1, "a", over="yes"), without(record(1, "a"), "run")):
        attempt("commit", message, fence, ("prepare", {"epoch": 1}))
    d.holds("b", {}, [])


def tests(program, url, look):
    def bind(test):
        return lambda directory: test(Destination(
            program, url.replace("%s", directory), look.replace("%s", directory)))
    return [(os.path.basename(program) + " " + name, bind(test))
            for name, test in globals().items() if name.startswith("can_")]
