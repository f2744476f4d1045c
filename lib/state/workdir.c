#include "state/workdir.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/die.h"
#include "base/mem.h"
#include "state/survey.h"

static const char prefix[] = "ddpipe-state.";

enum { OPEN_DIRS_MAX = 16 };

/* One, as exit(3) has no argument for what is to be done then. */
static struct {
	char *path; /* NULL: there is none */
	pid_t owner;
	int lock; /* of one in $TMPDIR: it is in use; else -1 */
	bool is_at_exit;
} work;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static bool remove_tree(const char *path)
{
	return nftw(path, remove_one, OPEN_DIRS_MAX, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT;
}

/* A child that ends is none of the owner's ends. */
static void at_exit(void)
{
	if (work.path && work.owner == getpid())
		(void)remove_tree(work.path);
}

/* -1 where it is another's, in use, or no directory. */
static int lock_dir(const char *path, int how)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_uid != geteuid() || flock(fd, how) != 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* What killed processes have left; best effort, for there may be room enough without. */
static void remove_left(const char *tmp)
{
	struct names names;
	struct buf path;

	buf_init(&path);
	names_read(&names, tmp);
	for (size_t i = 0; i < names.count; i++) {
		int lock;

		if (strncmp(names.list[i], prefix, strlen(prefix)) != 0)
			continue;
		buf_clear(&path);
		buf_format(&path, "%s/%s", tmp, names.list[i]);
		lock = lock_dir(buf_string(&path), LOCK_EX | LOCK_NB);
		if (lock >= 0) {
			(void)remove_tree(buf_string(&path));
			close(lock);
		}
	}
	names_release(&names);
	buf_release(&path);
}

/* Another process that begins may have taken it for left before it was locked. */
static bool is_still_there(const char *path, int lock)
{
	struct stat there, locked;

	return lock >= 0 && fstat(lock, &locked) == 0 && stat(path, &there) == 0 &&
	       there.st_ino == locked.st_ino && there.st_dev == locked.st_dev;
}

static void make_temporary(void)
{
	const char *tmp = getenv("TMPDIR");
	struct buf path;

	if (!tmp || !*tmp)
		tmp = "/tmp";
	remove_left(tmp);
	buf_init(&path);
	do {
		if (work.lock >= 0)
			close(work.lock);
		buf_clear(&path);
		buf_format(&path, "%s/%sXXXXXX", tmp, prefix);
		buf_string(&path);
		if (!mkdtemp(path.data))
			die_errno(EX_CANTCREAT, "cannot create a directory in '%s' (TMPDIR)", tmp);
		work.lock = lock_dir(path.data, LOCK_EX);
	} while (!is_still_there(path.data, work.lock));
	work.path = mem_string(path.data);
	buf_release(&path);
}

static void make_in_stage(const char *stage_dir)
{
	struct buf path;

	buf_init(&path);
	buf_format(&path, "%s/" WORKDIR_NAME, stage_dir);
	if (!remove_tree(buf_string(&path)))
		die_errno(EX_CANTCREAT, "cannot remove '%s', which an older run left", path.data);
	if (mkdir(buf_string(&path), 0700) != 0)
		die_errno(EX_CANTCREAT, "cannot create directory '%s'", path.data);
	work.path = mem_string(path.data);
	buf_release(&path);
}

const char *workdir_make(const char *stage_dir)
{
	assert(!work.path);
	work.owner = getpid();
	work.lock = -1;
	if (stage_dir)
		make_in_stage(stage_dir);
	else
		make_temporary();
	if (!work.is_at_exit && atexit(at_exit) != 0)
		die(EX_TEMPFAIL, "out of memory");
	work.is_at_exit = true;
	return work.path;
}

void workdir_clear(const char *name)
{
	struct buf path;

	buf_init(&path);
	buf_format(&path, "%s/%s", work.path, name);
	if (!remove_tree(buf_string(&path)))
		die_errno(EX_IOERR, "cannot remove '%s'", path.data);
	buf_release(&path);
}

void workdir_remove(void)
{
	if (!remove_tree(work.path))
		die_errno(EX_IOERR, "cannot remove '%s'", work.path);
	if (work.lock >= 0)
		close(work.lock);
	free(work.path);
	work.path = NULL;
}
