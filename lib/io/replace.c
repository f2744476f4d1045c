#include "io/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "io/durable.h"

enum { PERMISSIONS = 07777 };

static void aside_name(struct buf *aside, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	buf_add(aside, path, (size_t)(name - path));
	buf_format(aside, ".%s.partial", name);
}

/* Another writer may have renamed the file between our open and our lock. */
static bool is_still(int fd, const char *path)
{
	struct stat of_fd, of_path;

	return fstat(fd, &of_fd) == 0 && lstat(path, &of_path) == 0 &&
	       of_fd.st_dev == of_path.st_dev && of_fd.st_ino == of_path.st_ino;
}

static int open_locked(const char *path, const char *for_path)
{
	for (;;) {
		int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);

		if (fd < 0)
			die_errno(EX_CANTCREAT, "cannot create '%s'", path);
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			if (errno != EWOULDBLOCK)
				die_errno(EX_OSERR, "cannot lock '%s'", path);
			die(EX_TEMPFAIL, "'%s' is being written by another process", for_path);
		}
		if (is_still(fd, path))
			return fd;
		close(fd);
	}
}

void replace_open(struct replace *r, const char *path)
{
	const char *aside;
	struct stat old;
	bool is_there = lstat(path, &old) == 0;
	int fd;

	if (is_there && !S_ISREG(old.st_mode))
		die(EX_CANTCREAT, "'%s' is not a regular file, and would be replaced by one", path);
	buf_init(&r->path);
	buf_init(&r->aside);
	buf_text(&r->path, path);
	aside_name(&r->aside, path);
	aside = buf_string(&r->aside);
	fd = open_locked(aside, path);
	if (ftruncate(fd, 0) != 0 || (is_there && fchmod(fd, old.st_mode & PERMISSIONS) != 0))
		die_errno(EX_IOERR, "cannot prepare '%s'", aside);
	out_init(&r->out, fd, aside);
}

void replace_land(struct replace *r)
{
	out_flush(&r->out);
	durable_sync(r->out.fd, r->out.name);
	durable_rename(r->out.name, buf_string(&r->path));
	out_close(&r->out);
}

void replace_release(struct replace *r)
{
	out_release(&r->out);
	buf_release(&r->path);
	buf_release(&r->aside);
}
