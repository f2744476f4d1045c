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

void durable_dir(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) == 0) {
		durable_sync_parent(path);
		return;
	}
	if (errno != EEXIST)
		die_errno(EX_CANTCREAT, "cannot create directory '%s'", path);
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

void durable_sync(int fd, const char *name)
{
	if (fsync(fd) != 0)
		die_errno(EX_IOERR, "cannot sync '%s'", name);
}

void durable_sync_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) + (slash == path) : 1;
	char *parent = mem_zero(1, len + 1);
	int fd;

	memcpy(parent, slash ? path : ".", len);
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		die_errno(EX_IOERR, "cannot open directory '%s'", parent);
	durable_sync(fd, parent);
	close(fd);
	free(parent);
}

void durable_rename(const char *from, const char *to)
{
	if (rename(from, to) != 0)
		die_errno(EX_CANTCREAT, "cannot rename '%s' to '%s'", from, to);
	durable_sync_parent(to);
}
