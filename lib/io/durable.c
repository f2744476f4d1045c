#include "io/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"

/* False, with errno, if the directory can't be opened. */
static bool sync_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) + (slash == path) : 1;
	char *parent = mem_zero(1, len + 1);
	int fd;

	memcpy(parent, slash ? path : ".", len);
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		durable_sync(fd, parent);
		close(fd);
	}
	free(parent);
	return fd >= 0;
}

void durable_dir(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		die_errno(EX_CANTCREAT, "cannot create directory '%s'", path);
	/* also where it is there: whoever made it may have died before this; but where it is in a
	 * directory that we may not read, it was not us who made it */
	if (!sync_parent(path) && errno != EACCES)
		die_errno(EX_IOERR, "cannot open the directory of '%s'", path);
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		die(EX_CANTCREAT, "'%s' is not a directory", path);
	if (access(path, W_OK | X_OK) != 0)
		die_errno(EX_CANTCREAT, "cannot write to directory '%s'", path);
}

int durable_create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EEXIST)
		die_errno(EX_CANTCREAT, "cannot create '%s'", path);
	return fd;
}

bool durable_write(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return true;
}

void durable_sync(int fd, const char *name)
{
	if (fsync(fd) != 0)
		die_errno(EX_IOERR, "cannot sync '%s'", name);
}

void durable_begin(int fd, uint64_t offset, size_t len)
{
#ifdef SYNC_FILE_RANGE_WRITE
	/* what goes wrong is told by the sync */
	(void)sync_file_range(fd, (off_t)offset, (off_t)len, SYNC_FILE_RANGE_WRITE);
#else
	(void)fd, (void)offset, (void)len;
#endif
}

void durable_sync_parent(const char *path)
{
	if (!sync_parent(path))
		die_errno(EX_IOERR, "cannot open the directory of '%s'", path);
}

void durable_rename(const char *from, const char *to)
{
	if (rename(from, to) != 0)
		die_errno(EX_CANTCREAT, "cannot rename '%s' to '%s'", from, to);
	durable_sync_parent(to);
}

void durable_adopt(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0)
		die_errno(EX_IOERR, "cannot open '%s'", path);
	durable_sync(fd, path);
	durable_sync_parent(path);
	close(fd);
}
