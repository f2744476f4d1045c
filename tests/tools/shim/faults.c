/*
 * faults.so - preloaded into every process of a pipeline by tests/soak
 *
 * It takes the calls that change what lies under one directory. The n-th of them ends its process,
 * or the whole pipeline, or fails; and each is logged before it is done, with each sync, so that
 * tests/soak/powercut.py can work out what a power cut may leave. One lock orders the calls of all
 * processes, so the log's order is theirs.
 *
 *	FAULTS_ROOT     the directory: absolute, no symbolic links in it, one file system
 *	FAULTS_CONTROL  a file that holds a struct control; the lock is on it
 *	FAULTS_LOG      where the log goes; none without it
 *
 * What changes files in another way (a shared mapping, io_uring, stdio's own writes) is not seen;
 * powercut.py finds that, as the log then makes another tree than the one that is there.
 *
 * A test need not sit out a program's patience: it can put the monotonic clock forward.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { WHAT_MAX = 256, PROGRAM_MAX = 64, LOCK_FD_MIN = 500, MODE_BITS = 07777 };

/* What happens at the call that it is set for. */
enum action {
	KILL,        /* before the call */
	KILL_AFTER,  /* behind it */
	KILL_IN,     /* behind the first half of a write, and behind any other call */
	FAIL_EIO,    /* this call alone */
	FAIL_ENOSPC, /* this and all that need space after it */
	WRITE_SHORT, /* this and every later write takes the first half only, as it may */
	STOP_ALL,    /* before the call, and every process at its next one */
	STOP_ALL_IN, /* the same, behind the first half */
};

/* Shared by all processes and the test, which makes it; its first fields are 64 bits each. */
struct control {
	uint64_t calls; /* of those that are meant */
	uint64_t at;    /* the call that it happens at, from 1; 0: none */
	uint64_t action;
	uint64_t fired;   /* it has happened */
	uint64_t stopped; /* every call ends its process */
	uint64_t log_bytes;
	uint64_t ahead_ns;         /* of the true time, at which the monotonic clock stands */
	char program[PROGRAM_MAX]; /* what the calls that are meant begin with; empty: all */
	char what[WHAT_MAX];       /* where it happened, for people */
};

/* An entry of the log: this, two names without NUL, data. */
struct entry {
	uint32_t bytes; /* of all of it */
	uint8_t state;  /* enum entry_state */
	uint8_t type;   /* 'c'reate, 'd'irectory, 'w'rite, 't'runcate, 's'ync, 'l'ink, 'r'ename,
			   'u'nlink */
	uint16_t name_len;
	uint16_t to_len;
	uint16_t pad;
	uint32_t mode; /* of what was made */
	uint64_t dir;  /* inodes */
	uint64_t to_dir;
	uint64_t inode;
	uint64_t offset; /* of a write; the size, of a truncation */
	uint64_t len;    /* of what was written */
};

enum entry_state { PENDING, DONE, VOID };

/* A name in a directory under the root. */
struct place {
	int dir_fd;
	uint64_t dir;
	char name[NAME_MAX + 1];
};

static struct {
	const char *root;
	size_t root_len;
	const char *control_path;
	struct control *control;
	uint64_t control_inode;
	int lock_fd;
	pid_t lock_pid; /* who opened it: a child must not share its parent's lock */
	int log_fd;
} shim = {.lock_fd = -1, .log_fd = -1};

static void fail(const char *why)
{
	char text[WHAT_MAX];
	int len = snprintf(text, sizeof(text), "faults.so: %s: %s\n", why, strerror(errno));

	syscall(SYS_write, STDERR_FILENO, text, (size_t)len);
	_exit(99);
}

/* Far up, where no program minds it. */
static int open_high(const char *path, int flags)
{
	int low = (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
	int high = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, LOCK_FD_MIN);

	if (high < 0)
		fail(path);
	close(low);
	return high;
}

static void lock_open(void)
{
	struct stat st;

	shim.lock_fd = open_high(shim.control_path, O_RDWR);
	shim.lock_pid = getpid();
	if (fstat(shim.lock_fd, &st) != 0)
		fail("fstat");
	shim.control_inode = st.st_ino;
	if (getenv("FAULTS_LOG"))
		shim.log_fd = open_high(getenv("FAULTS_LOG"), O_WRONLY);
}

/* The lock on the file keeps out processes alone. */
static pthread_mutex_t threads = PTHREAD_MUTEX_INITIALIZER;

/* In a child, whose parent's other threads are not there to give it back. */
static void threads_begin(void)
{
	pthread_mutex_init(&threads, NULL);
}

static void __attribute__((constructor)) shim_init(void)
{
	const char *root = getenv("FAULTS_ROOT");

	shim.control_path = getenv("FAULTS_CONTROL");
	if (!root || !shim.control_path)
		return;
	pthread_atfork(NULL, NULL, threads_begin);
	lock_open();
	shim.control = mmap(
		NULL, sizeof(*shim.control), PROT_READ | PROT_WRITE, MAP_SHARED, shim.lock_fd, 0);
	if (shim.control == MAP_FAILED)
		fail("mmap");
	shim.root_len = strlen(root);
	shim.root = root;
}

static bool lock_is_ours(void)
{
	struct stat st;

	return shim.lock_pid == getpid() && fstat(shim.lock_fd, &st) == 0 &&
	       st.st_ino == shim.control_inode;
}

static void lock_take(void)
{
	pthread_mutex_lock(&threads);
	if (!lock_is_ours())
		lock_open();
	while (flock(shim.lock_fd, LOCK_EX) != 0)
		if (errno != EINTR)
			fail("flock");
}

static void die_now(void)
{
	syscall(SYS_kill, getpid(), SIGKILL);
	for (;;)
		pause();
}

/* ---- the clock ---- */

int clock_gettime(clockid_t clock, struct timespec *t)
{
	enum { NS_PER_S = 1000000000 };
	int result = (int)syscall(SYS_clock_gettime, clock, t);
	uint64_t ns;

	if (result != 0 || clock != CLOCK_MONOTONIC || !shim.control)
		return result;
	ns = (uint64_t)t->tv_nsec + shim.control->ahead_ns % NS_PER_S;
	t->tv_sec += (time_t)(shim.control->ahead_ns / NS_PER_S + ns / NS_PER_S);
	t->tv_nsec = (long)(ns % NS_PER_S);
	return 0;
}

/* ---- which calls are ours ---- */

static bool is_under_root(int fd)
{
	char link[32], path[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < (ssize_t)shim.root_len || memcmp(path, shim.root, shim.root_len) != 0)
		return false;
	return len == (ssize_t)shim.root_len || path[shim.root_len] == '/';
}

static bool is_watched(int fd, struct stat *st)
{
	int before = errno;
	bool is = shim.root && fstat(fd, st) == 0 &&
		  (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) && is_under_root(fd);

	errno = before;
	return is;
}

/* Splits a path into its directory and a name there. Close place.dir_fd when it is true. */
static bool place_find(struct place *p, int at, const char *path)
{
	int before = errno;
	char dir[PATH_MAX];
	const char *slash;
	size_t len = path ? strlen(path) : 0;
	struct stat st;

	if (!shim.root || len == 0 || len >= sizeof(dir))
		return false;
	memcpy(dir, path, len + 1);
	while (len > 1 && dir[len - 1] == '/')
		dir[--len] = '\0';
	slash = strrchr(dir, '/');
	if (snprintf(p->name, sizeof(p->name), "%s", slash ? slash + 1 : dir) > NAME_MAX)
		return false;
	if (slash)
		dir[slash == dir ? 1 : slash - dir] = '\0';
	p->dir_fd = (int)syscall(
		SYS_openat, at, slash ? dir : ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (p->dir_fd >= 0 && fstat(p->dir_fd, &st) == 0 && is_under_root(p->dir_fd)) {
		p->dir = st.st_ino;
		errno = before;
		return true;
	}
	if (p->dir_fd >= 0)
		close(p->dir_fd);
	errno = before;
	return false;
}

static void place_close(struct place *p)
{
	int before = errno;

	close(p->dir_fd);
	errno = before;
}

/* The inode of what has the name, 0 if nothing has. */
static uint64_t place_inode(const struct place *p, int flags, mode_t *mode)
{
	struct stat st;
	int before = errno;

	if (fstatat(p->dir_fd, p->name, &st, flags) != 0)
		st = (struct stat){0};
	if (mode)
		*mode = st.st_mode;
	errno = before;
	return st.st_ino;
}

/* ---- the log ---- */

static uint64_t log_put(const struct entry *e, const void *name, const void *to, const void *data)
{
	uint64_t at = shim.control->log_bytes;
	struct iovec parts[] = {
		{(void *)(uintptr_t)e, sizeof(*e)},
		{(void *)(uintptr_t)name, e->name_len},
		{(void *)(uintptr_t)to, e->to_len},
		{(void *)(uintptr_t)data, e->type == 'w' ? e->len : 0},
	};

	if (shim.log_fd < 0)
		return 0;
	if (syscall(SYS_pwritev, shim.log_fd, parts, 4, (long)at, 0L) != (long)e->bytes)
		fail("the log");
	shim.control->log_bytes = at + e->bytes;
	return at;
}

static uint64_t log_entry(struct entry *e, const char *name, const char *to, const void *data)
{
	e->name_len = (uint16_t)(name ? strlen(name) : 0);
	e->to_len = (uint16_t)(to ? strlen(to) : 0);
	e->bytes = (uint32_t)(sizeof(*e) + e->name_len + e->to_len + (e->type == 'w' ? e->len : 0));
	return log_put(e, name, to, data);
}

/* What became of it: len is what was written, where it is a write. */
static void log_settle(struct entry *e, uint64_t at, bool is_done)
{
	e->state = is_done ? DONE : VOID;
	if (shim.log_fd >= 0 &&
		syscall(SYS_pwrite64, shim.log_fd, e, sizeof(*e), (long)at) != sizeof(*e))
		fail("the log");
}

/* ---- a call ---- */

/* What is to become of the call in hand. */
enum fate { GO, HALF, FAIL };

struct call {
	enum fate fate;
	bool is_last; /* the process ends behind it */
};

/* A program's name means all of its calls; more of what a call is, such calls alone: "mv rename a".
 */
static bool is_meant(const struct control *c, const char *what, const char *name)
{
	char text[WHAT_MAX];

	snprintf(text, sizeof(text), "%s %s %s", program_invocation_short_name, what, name);
	return strncmp(text, c->program, strlen(c->program)) == 0;
}

static void fate_choose(struct call *call, struct control *c, bool takes_space)
{
	switch ((enum action)c->action) {
	case STOP_ALL:
		c->stopped = 1;
		die_now();
		break;
	case KILL:
		die_now();
		break;
	case STOP_ALL_IN:
		c->stopped = 1;
		/* fall through */
	case KILL_IN:
		call->fate = HALF;
		call->is_last = true;
		break;
	case KILL_AFTER:
		call->is_last = true;
		break;
	case WRITE_SHORT:
		call->fate = HALF;
		break;
	case FAIL_EIO:
		call->fate = FAIL;
		errno = EIO;
		break;
	case FAIL_ENOSPC:
		call->fate = takes_space ? FAIL : GO;
		errno = ENOSPC;
		break;
	}
}

static bool is_hit(const struct control *c)
{
	bool lasts = c->action == FAIL_ENOSPC || c->action == WRITE_SHORT;

	return c->at && (c->calls == c->at || (c->calls > c->at && c->fired && lasts));
}

/* Takes the lock. FAIL: give up with the errno that is set. */
static struct call call_begin(const char *what, const char *name, bool takes_space)
{
	struct control *c = shim.control;
	struct call call = {GO, false};

	lock_take();
	if (c->stopped)
		die_now();
	if (!is_meant(c, what, name))
		return call;
	c->calls++;
	if (!is_hit(c))
		return call;
	if (!c->fired)
		snprintf(c->what, sizeof(c->what), "%s %s %s", program_invocation_short_name, what,
			name);
	c->fired = 1;
	fate_choose(&call, c, takes_space);
	return call;
}

static void call_end(const struct call *call)
{
	int before = errno;

	if (call->is_last)
		die_now();
	flock(shim.lock_fd, LOCK_UN);
	pthread_mutex_unlock(&threads);
	errno = before;
}

/* A call that changes names: logged, done, settled. */
static long call_names(const char *what, bool takes_space, struct entry *e, const struct place *p,
	const struct place *to, const long arguments[6])
{
	struct call call = call_begin(what, to ? to->name : p->name, takes_space);
	long result = -1;

	if (call.fate != FAIL) {
		uint64_t at = log_entry(e, p->name, to ? to->name : NULL, NULL);

		result = syscall(arguments[0], arguments[1], arguments[2], arguments[3],
			arguments[4], arguments[5]);
		if (result >= 0 && (e->type == 'c' || e->type == 'd')) {
			mode_t mode;

			e->inode = place_inode(p, AT_SYMLINK_NOFOLLOW, &mode);
			e->mode = mode & MODE_BITS;
		}
		log_settle(e, at, result >= 0);
	}
	call_end(&call);
	return result;
}

/* ---- bytes ---- */

static uint64_t offset_of(int fd, const struct stat *st, bool is_positioned, off_t offset)
{
	int flags;

	if (is_positioned)
		return (uint64_t)offset;
	flags = fcntl(fd, F_GETFL);
	return (uint64_t)(flags & O_APPEND ? st->st_size : lseek(fd, 0, SEEK_CUR));
}

static const char *name_of(int fd)
{
	static char path[PATH_MAX];
	char link[32];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	path[len < 0 ? 0 : len] = '\0';
	return len > (ssize_t)shim.root_len ? path + shim.root_len + 1 : path;
}

static long bytes_write(int fd, const void *bytes, size_t len, bool is_positioned, off_t offset)
{
	return is_positioned ? syscall(SYS_pwrite64, fd, bytes, len, offset)
			     : syscall(SYS_write, fd, bytes, len);
}

static ssize_t file_write(int fd, const void *bytes, size_t len, bool is_positioned, off_t offset)
{
	struct call call = call_begin("write", name_of(fd), true);
	struct entry e = {.type = 'w', .len = len};
	long result = -1;
	struct stat st;

	if (call.fate == HALF)
		e.len = len / 2 + (len == 1 && !call.is_last);
	if (call.fate != FAIL && fstat(fd, &st) == 0) {
		uint64_t at;

		e.inode = st.st_ino;
		e.offset = offset_of(fd, &st, is_positioned, offset);
		at = log_entry(&e, NULL, NULL, bytes);
		result = bytes_write(fd, bytes, e.len, is_positioned, offset);
		if (result >= 0)
			e.len = (uint64_t)result;
		log_settle(&e, at, result >= 0);
	}
	call_end(&call);
	return result;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	struct stat st;

	if (!is_watched(fd, &st))
		return syscall(SYS_write, fd, bytes, len);
	return file_write(fd, bytes, len, false, 0);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	struct stat st;

	if (!is_watched(fd, &st))
		return syscall(SYS_pwrite64, fd, bytes, len, offset);
	return file_write(fd, bytes, len, true, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset)
{
	return pwrite(fd, bytes, len, offset);
}

/* Pieces become one write, as they are to the file system. */
static ssize_t file_writev(
	int fd, const struct iovec *parts, int count, bool is_positioned, off_t offset)
{
	size_t len = 0, at = 0;
	ssize_t result;
	char *bytes;

	for (int i = 0; i < count; i++)
		len += parts[i].iov_len;
	bytes = malloc(len + 1);
	if (!bytes)
		fail("memory");
	for (int i = 0; i < count; at += parts[i++].iov_len)
		memcpy(bytes + at, parts[i].iov_base, parts[i].iov_len);
	result = file_write(fd, bytes, len, is_positioned, offset);
	free(bytes);
	return result;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	struct stat st;

	if (!is_watched(fd, &st))
		return syscall(SYS_writev, fd, parts, count);
	return file_writev(fd, parts, count, false, 0);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
	struct stat st;

	if (!is_watched(fd, &st))
		return syscall(SYS_pwritev, fd, parts, count, offset, 0L);
	return file_writev(fd, parts, count, true, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset)
{
	return pwritev(fd, parts, count, offset);
}

/* From one descriptor into a file by the kernel alone: read first, then it is a write. The source
 * gives back what was not taken only if it is a file, so there is no half of it. */
static ssize_t file_receive(int fd, int from, off_t *from_offset, size_t len)
{
	enum { PIECE = 1 << 16 };
	static char bytes[PIECE];
	ssize_t got;

	if (len > PIECE)
		len = PIECE;
	got = from_offset ? pread(from, bytes, len, *from_offset) : read(from, bytes, len);
	if (got <= 0)
		return got;
	if (from_offset)
		*from_offset += got;
	for (ssize_t done = 0; done < got;) {
		ssize_t n = file_write(fd, bytes + done, (size_t)(got - done), false, 0);

		if (n < 0)
			return n;
		done += n;
	}
	return got;
}

ssize_t splice(
	int from, off64_t *from_offset, int to, off64_t *to_offset, size_t len, unsigned int flags)
{
	struct stat st;

	if (!is_watched(to, &st))
		return syscall(SYS_splice, from, from_offset, to, to_offset, len, flags);
	if (to_offset) {
		errno = EINVAL;
		fail("splice at an offset");
	}
	return file_receive(to, from, from_offset, len);
}

ssize_t sendfile(int to, int from, off_t *offset, size_t len)
{
	struct stat st;

	if (!is_watched(to, &st))
		return syscall(SYS_sendfile, to, from, offset, len);
	return file_receive(to, from, offset, len);
}

ssize_t sendfile64(int to, int from, off_t *offset, size_t len)
{
	return sendfile(to, from, offset, len);
}

ssize_t copy_file_range(
	int from, off64_t *from_offset, int to, off64_t *to_offset, size_t len, unsigned int flags)
{
	struct stat st;

	if (!is_watched(to, &st))
		return syscall(SYS_copy_file_range, from, from_offset, to, to_offset, len, flags);
	errno = to_offset ? ENOSYS : EXDEV; /* its callers must know another way */
	return -1;
}

static int file_resize(int fd, uint64_t inode, off_t size)
{
	struct call call = call_begin("truncate", name_of(fd), false);
	struct entry e = {.type = 't', .inode = inode, .offset = (uint64_t)size};
	long result = -1;

	if (call.fate != FAIL) {
		uint64_t at = log_entry(&e, NULL, NULL, NULL);

		result = syscall(SYS_ftruncate, fd, size);
		log_settle(&e, at, result == 0);
	}
	call_end(&call);
	return (int)result;
}

int ftruncate(int fd, off_t size)
{
	struct stat st;

	if (!is_watched(fd, &st))
		return (int)syscall(SYS_ftruncate, fd, size);
	return file_resize(fd, st.st_ino, size);
}

int ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

int truncate(const char *path, off_t size)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
	int result = fd < 0 ? -1 : ftruncate(fd, size);
	int before = errno;

	if (fd >= 0)
		close(fd);
	errno = before;
	return result;
}

int truncate64(const char *path, off_t size)
{
	return truncate(path, size);
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	struct stat st;

	if (!is_watched(fd, &st))
		return (int)syscall(SYS_fallocate, fd, mode, offset, len);
	errno = EOPNOTSUPP; /* as on many file systems */
	return -1;
}

int fallocate64(int fd, int mode, off_t offset, off_t len)
{
	return fallocate(fd, mode, offset, len);
}

int posix_fallocate(int fd, off_t offset, off_t len)
{
	struct stat st;

	if (!is_watched(fd, &st))
		return syscall(SYS_fallocate, fd, 0, offset, len) == 0 ? 0 : errno;
	if (st.st_size >= offset + len)
		return 0;
	return file_resize(fd, st.st_ino, offset + len) == 0 ? 0 : errno;
}

int posix_fallocate64(int fd, off_t offset, off_t len)
{
	return posix_fallocate(fd, offset, len);
}

/* Nothing needs to reach a disk: what is synced is what the log says. */
static int descriptor_sync(long number, int fd)
{
	struct stat st;
	struct call call;
	struct entry e = {.type = 's'};

	if (!is_watched(fd, &st))
		return (int)syscall(number, fd);
	call = call_begin("sync", name_of(fd), false);
	if (call.fate != FAIL) {
		e.inode = st.st_ino;
		log_settle(&e, log_entry(&e, NULL, NULL, NULL), true);
	}
	call_end(&call);
	return call.fate == FAIL ? -1 : 0;
}

int fsync(int fd)
{
	return descriptor_sync(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return descriptor_sync(SYS_fdatasync, fd);
}

/* ---- names ---- */

/* Only what creates a file or empties it is a change. */
static int file_open(int at, const char *path, int flags, mode_t mode)
{
	struct place p;
	struct entry e = {.type = 'c'};
	uint64_t inode;
	int result;

	if (!(flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE ||
		!place_find(&p, at, path))
		return (int)syscall(SYS_openat, at, path, flags, mode);
	inode = place_inode(&p, 0, NULL);
	e.dir = p.dir;
	if (!inode && flags & O_CREAT) {
		result = (int)call_names("create", true, &e, &p, NULL,
			(const long[6]){SYS_openat, p.dir_fd, (long)p.name, flags, mode, 0});
	} else {
		result = (int)syscall(SYS_openat, at, path, flags & ~O_TRUNC, mode);
		if (result >= 0 && flags & O_TRUNC && file_resize(result, inode, 0) != 0) {
			close(result);
			result = -1;
		}
	}
	place_close(&p);
	return result;
}

static mode_t mode_taken(int flags, va_list rest)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name)                                             \
	int name(const char *path, int flags, ...)             \
	{                                                      \
		va_list rest;                                  \
		mode_t mode;                                   \
                                                               \
		va_start(rest, flags);                         \
		mode = mode_taken(flags, rest);                \
		va_end(rest);                                  \
		return file_open(AT_FDCWD, path, flags, mode); \
	}
#define OPEN_AT(name)                                      \
	int name(int at, const char *path, int flags, ...) \
	{                                                  \
		va_list rest;                              \
		mode_t mode;                               \
                                                           \
		va_start(rest, flags);                     \
		mode = mode_taken(flags, rest);            \
		va_end(rest);                              \
		return file_open(at, path, flags, mode);   \
	}
OPEN(open)
OPEN(open64)
OPEN_AT(openat)
OPEN_AT(openat64)

/* What -D_FORTIFY_SOURCE makes of them. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int at, const char *path, int flags);
int __openat64_2(int at, const char *path, int flags);

int __open_2(const char *path, int flags)
{
	return file_open(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
	return file_open(AT_FDCWD, path, flags, 0);
}

int __openat_2(int at, const char *path, int flags)
{
	return file_open(at, path, flags, 0);
}

int __openat64_2(int at, const char *path, int flags)
{
	return file_open(at, path, flags, 0);
}

int creat(const char *path, mode_t mode)
{
	return file_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode)
{
	return creat(path, mode);
}

int mkdirat(int at, const char *path, mode_t mode)
{
	struct place p;
	struct entry e = {.type = 'd'};
	long result;

	if (!place_find(&p, at, path))
		return (int)syscall(SYS_mkdirat, at, path, mode);
	e.dir = p.dir;
	result = call_names("mkdir", true, &e, &p, NULL,
		(const long[6]){SYS_mkdirat, p.dir_fd, (long)p.name, mode, 0, 0});
	place_close(&p);
	return (int)result;
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

int renameat2(int at, const char *path, int to_at, const char *to_path, unsigned int flags)
{
	struct place p, to;
	struct entry e = {.type = 'r'};
	long result;

	if (!place_find(&p, at, path))
		return (int)syscall(SYS_renameat2, at, path, to_at, to_path, flags);
	if (!place_find(&to, to_at, to_path) || flags & ~(unsigned)RENAME_NOREPLACE) {
		errno = EXDEV;
		fail("a rename that the log has no word for");
	}
	e.dir = p.dir;
	e.to_dir = to.dir;
	e.inode = place_inode(&p, AT_SYMLINK_NOFOLLOW, NULL);
	result = call_names("rename", true, &e, &p, &to,
		(const long[6]){
			SYS_renameat2, p.dir_fd, (long)p.name, to.dir_fd, (long)to.name, flags});
	place_close(&p);
	place_close(&to);
	return (int)result;
}

int renameat(int at, const char *path, int to_at, const char *to_path)
{
	return renameat2(at, path, to_at, to_path, 0);
}

int rename(const char *path, const char *to_path)
{
	return renameat2(AT_FDCWD, path, AT_FDCWD, to_path, 0);
}

int linkat(int at, const char *path, int to_at, const char *to_path, int flags)
{
	struct place to;
	struct entry e = {.type = 'l'};
	struct stat st;
	long result;
	bool is_there;

	if (!place_find(&to, to_at, to_path))
		return (int)syscall(SYS_linkat, at, path, to_at, to_path, flags);
	is_there = fstatat(at, path, &st, flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW) == 0;
	e.inode = is_there ? st.st_ino : 0;
	e.dir = to.dir;
	result = call_names("link", true, &e, &to, NULL,
		(const long[6]){SYS_linkat, at, (long)path, to.dir_fd, (long)to.name, flags});
	place_close(&to);
	return (int)result;
}

int link(const char *path, const char *to_path)
{
	return linkat(AT_FDCWD, path, AT_FDCWD, to_path, 0);
}

int unlinkat(int at, const char *path, int flags)
{
	struct place p;
	struct entry e = {.type = 'u'};
	long result;

	if (!place_find(&p, at, path))
		return (int)syscall(SYS_unlinkat, at, path, flags);
	e.dir = p.dir;
	e.inode = place_inode(&p, AT_SYMLINK_NOFOLLOW, NULL);
	result = call_names("unlink", false, &e, &p, NULL,
		(const long[6]){SYS_unlinkat, p.dir_fd, (long)p.name, flags, 0, 0});
	place_close(&p);
	return (int)result;
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int remove(const char *path)
{
	int result = unlinkat(AT_FDCWD, path, 0);

	return result != 0 && (errno == EISDIR || errno == EPERM) ? rmdir(path) : result;
}
