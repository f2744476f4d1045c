"""What a power cut leaves of a directory, by the log that tests/tools/shim/faults.c writes.

What is durable: the bytes of a file up to its last sync, the names of a directory up to its last
sync. Of everything after that each write, truncation and change of a name is there or not on its
own, a write also in part, at random. A rename is one change; between two directories it is durable
with either.
"""
import fcntl
import itertools
import mmap
import os
import shutil
import stat
import struct

ENTRY = struct.Struct("=IBBHHHIQQQQQ")
PENDING, DONE, VOID = range(3)

# The order is that of enum action in faults.c.
ACTIONS = ["kill", "kill-after", "kill-in", "eio", "enospc", "short", "stop-all", "stop-all-in"]


class Control:
    """struct control of faults.c: the one place where the processes of a pipeline meet the test."""

    FIELDS = ["calls", "at", "action", "fired", "stopped", "log_bytes", "ahead_ns"]
    PROGRAM, WHAT, SIZE = 56, 120, 376

    def __init__(self, path):
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self.fd, self.SIZE)
        self.map = mmap.mmap(self.fd, self.SIZE)

    def close(self):
        self.map.close()
        os.close(self.fd)

    def __getitem__(self, name):
        return struct.unpack_from("=Q", self.map, 8 * self.FIELDS.index(name))[0]

    def __setitem__(self, name, value):
        struct.pack_into("=Q", self.map, 8 * self.FIELDS.index(name), value)

    def text(self, at):
        return self.map[at:self.SIZE].split(b"\0")[0].decode(errors="replace")

    def what(self):
        return self.text(self.WHAT)

    def arm(self, at=0, action="kill", program=""):
        """Counts anew; at 0 nothing happens."""
        for name in "calls", "fired", "stopped":
            self[name] = 0
        self["action"] = ACTIONS.index(action)
        self["at"] = at
        self.map[self.PROGRAM:self.SIZE] = program.encode().ljust(self.SIZE - self.PROGRAM, b"\0")

    def __enter__(self):
        """No call is under way as long as this is held."""
        fcntl.flock(self.fd, fcntl.LOCK_EX)

    def __exit__(self, *_):
        fcntl.flock(self.fd, fcntl.LOCK_UN)


class Hardest:
    """Decides in place of chance how a power cut goes: nothing is kept that was not synced."""

    @staticmethod
    def choice(kinds):
        return kinds[0]

    @staticmethod
    def random():
        return .5


class Coin:
    """Whether one change is kept; None: not yet decided."""

    def __init__(self):
        self.kept = None


class File:
    def __init__(self, mode, content=b""):
        self.mode = mode
        self.durable = bytearray(content)
        self.pending = []  # (offset, bytes), or (size, None)

    def change(self, offset, data):
        self.pending.append((offset, data))

    def sync(self):
        self.durable = self.live()
        self.pending = []

    def live(self):
        content = bytearray(self.durable)
        for change in self.pending:
            apply(content, *change)
        return content


class Dir:
    def __init__(self, mode):
        self.mode = mode
        self.durable = {}  # name: node
        self.pending = []  # (coin, name, node that it names; or None, node that it names no more)

    def change(self, name, node, old=None, coin=None):
        self.pending.append((coin or Coin(), name, node, old))

    def sync(self):
        self.durable = self.live()
        for coin, *_ in self.pending:
            coin.kept = True
        self.pending = []

    def live(self):
        return self.names(lambda coin: coin.kept is not False)

    def names(self, is_kept):
        names = dict(self.durable)
        for coin, name, node, old in self.pending:
            if not is_kept(coin):
                continue
            if node:
                names[name] = node
            elif names.get(name) is old:
                del names[name]
        return names


def apply(content, offset, data):
    if data is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
    else:
        content.extend(bytes(max(0, offset - len(content))))
        content[offset:offset + len(data)] = data


class Mismatch(Exception):
    """The log makes another tree than the one that is there: a call was not seen."""


class Disk:
    """A directory and what of it is durable. At first all of it is."""

    IGNORED = "-shm"  # SQLite's shared memory: mapped, rebuilt after a crash

    def __init__(self, root, log, control):
        self.root = root
        self.log = log
        self.control = control
        open(log, "wb").close()
        control["log_bytes"] = 0
        self.position = 0
        self.load()

    def load(self):
        self.nodes = {}
        self.top = self.load_dir(self.root)

    def load_dir(self, path):
        st = os.lstat(path)
        node = self.nodes[st.st_ino] = Dir(stat.S_IMODE(st.st_mode))
        for entry in os.scandir(path):
            st = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(st.st_mode):
                node.durable[entry.name] = self.load_dir(entry.path)
                continue
            if st.st_ino not in self.nodes:
                with open(entry.path, "rb") as f:
                    self.nodes[st.st_ino] = File(stat.S_IMODE(st.st_mode), f.read())
            node.durable[entry.name] = self.nodes[st.st_ino]
        return node

    def entries(self):
        size = self.control["log_bytes"]
        with open(self.log, "rb") as f:
            f.seek(self.position)
            data = f.read(size - self.position)
        self.position = size
        at = 0
        while at < len(data):
            (total, state, kind, name_len, to_len, _, mode, directory, to_dir, inode, offset,
             length) = ENTRY.unpack_from(data, at)
            name_at = at + ENTRY.size
            to_at = name_at + name_len
            name = data[name_at:to_at].decode()
            to = data[to_at:to_at + to_len].decode()
            content = bytes(data[to_at + to_len:at + total][:length])
            yield state, chr(kind), mode, directory, to_dir, inode, name, to, offset, content
            at += total

    def absorb(self):
        """Takes in what the log has since; no process is running."""
        entries = list(self.entries())
        pending = [i for i, e in enumerate(entries) if e[0] == PENDING]
        if not pending:
            self.replay(entries)
            self.verify()
            return
        # A process died between its entry and the end of its call: what is there tells.
        trouble = None
        for i in pending:
            entries[i] = self.completed(entries[i])
        for choice in itertools.product((DONE, VOID), repeat=len(pending)):
            for i, state in zip(pending, choice):
                entries[i] = (state,) + entries[i][1:]
            trial = self.copy()
            trial.replay(entries)
            try:
                trial.verify()
            except Mismatch as e:
                trouble = trouble or e
                continue
            self.nodes, self.top = trial.nodes, trial.top
            return
        raise trouble

    def completed(self, entry):
        """An entry that a creation left without inode and mode, from what was made."""
        state, kind, mode, directory, to_dir, inode, name, *rest = entry
        if kind not in "cd":
            return entry
        for path, _, _ in os.walk(self.root):
            made = os.path.join(path, name)
            if os.lstat(path).st_ino == directory and os.path.lexists(made):
                st = os.lstat(made)
                mode, inode = stat.S_IMODE(st.st_mode), st.st_ino
        return (state, kind, mode, directory, to_dir, inode, name, *rest)

    def copy(self):
        trial = Disk.__new__(Disk)
        trial.root = self.root
        memo = {}
        trial.nodes = {inode: clone(node, memo) for inode, node in self.nodes.items()}
        trial.top = memo[id(self.top)]
        return trial

    def replay(self, entries):
        for state, kind, mode, directory, to_dir, inode, name, to, offset, content in entries:
            if state != DONE:
                continue
            if not inode and kind in "cd":
                continue  # killed within the call; another choice takes it as not done
            if kind == "w":
                self.node(inode).change(offset, content)
            elif kind == "t":
                self.node(inode).change(offset, None)
            elif kind == "s":
                self.node(inode).sync()
            elif kind in "cd":
                self.nodes[inode] = node = File(mode) if kind == "c" else Dir(mode)
                self.node(directory).change(name, node)
            elif kind == "l":
                self.node(directory).change(name, self.node(inode))
            elif kind == "u":
                self.node(directory).change(name, None, self.node(inode))
            elif kind == "r":
                self.rename(directory, name, to_dir, to, self.node(inode))
            else:
                raise Mismatch(f"an entry of kind {kind!r}")

    def node(self, inode):
        if inode not in self.nodes:
            raise Mismatch(f"inode {inode} came from nowhere")
        return self.nodes[inode]

    def rename(self, directory, name, to_dir, to, node):
        coin = Coin()
        if self.node(to_dir).live().get(to) is node:
            return  # two names of one file: nothing happens
        self.node(directory).change(name, None, node, coin)
        self.node(to_dir).change(to, node, None, coin)

    def verify(self):
        self.verify_dir(self.top, self.root)

    def verify_dir(self, node, path):
        names = node.live()
        seen = set(os.listdir(path))
        if seen != set(names):
            raise Mismatch(f"{path}: {sorted(seen ^ set(names))} by the log or the directory alone")
        for name, child in names.items():
            child_path = os.path.join(path, name)
            if isinstance(child, Dir):
                self.verify_dir(child, child_path)
            elif not name.endswith(self.IGNORED):
                with open(child_path, "rb") as f:
                    if f.read() != child.live():
                        raise Mismatch(f"{child_path}: not the bytes of the log")

    def cut(self, rng):
        """Makes the directory what a power cut may have left; what is left is durable. Returns in
        words which kind of cut it was."""
        self.absorb()
        kind = self.rebuild(rng)
        with open(self.log, "wb"):
            pass
        self.control["log_bytes"] = 0
        self.position = 0
        self.load()
        return kind

    def rebuild(self, rng):
        kind, names_kept, data_kept = rng.choice([
            ("what was not synced is lost", 0, 0),
            ("what was not synced is kept", 1, 1),
            ("names are kept, bytes are lost", 1, 0),
            ("bytes are kept, names are lost", 0, 1),
            ("each change on its own", .5, .5),
            ("each change on its own", .5, .5),
            ("most is kept", .9, .9),
        ])
        made = {}
        for entry in os.scandir(self.root):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
        self.build_dir(self.top, self.root, rng, names_kept, data_kept, made)
        return kind

    def build_dir(self, node, path, rng, names_kept, data_kept, made):
        def is_kept(coin):
            if coin.kept is None:
                coin.kept = rng.random() < names_kept
            return coin.kept

        made[id(node)] = path
        for name, child in sorted(node.names(is_kept).items()):
            child_path = os.path.join(path, name)
            if isinstance(child, Dir):
                if id(child) not in made:
                    os.mkdir(child_path)
                    self.build_dir(child, child_path, rng, names_kept, data_kept, made)
                    os.chmod(child_path, child.mode)
            elif id(child) in made:
                os.link(made[id(child)], child_path)
            elif not name.endswith(self.IGNORED):
                made[id(child)] = child_path
                with open(child_path, "wb") as f:
                    f.write(self.left_of(child, rng, data_kept))
                os.chmod(child_path, child.mode)

    @staticmethod
    def left_of(node, rng, data_kept):
        content = bytearray(node.durable)
        for offset, data in node.pending:
            if rng.random() >= data_kept:
                continue
            if data and data_kept < 1 and rng.random() < .3:
                data = data[:rng.randrange(len(data))]
            apply(content, offset, data)
        return content


def clone(node, memo):
    if node is None or id(node) in memo:
        return memo.get(id(node))
    if isinstance(node, File):
        memo[id(node)] = copied = File(node.mode)
        copied.durable = node.durable
        copied.pending = list(node.pending)
        return copied
    memo[id(node)] = copied = Dir(node.mode)
    copied.durable = {name: clone(child, memo) for name, child in node.durable.items()}
    for coin, name, child, old in node.pending:
        twin = memo.setdefault(id(coin), Coin())
        twin.kept = coin.kept
        copied.pending.append((twin, name, clone(child, memo), clone(old, memo)))
    return copied
