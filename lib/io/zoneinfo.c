#include "io/zoneinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

enum { FILE_MAX_BYTES = 1 << 20 }; /* far above any zone's file */

/* A name must not lead out of the directory. */
static bool is_name(const char *name)
{
	if (*name == '\0' || *name == '/')
		return false;
	for (const char *part = name; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
			return false;
	}
	return true;
}

static const char *why_not_opened(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
	case ELOOP:
		return "unknown time zone";
	default:
		return "the time zone's file cannot be opened";
	}
}

static const char *read_whole(int fd, struct buf *b)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return "the time zone's file cannot be read";
	if (!S_ISREG(st.st_mode))
		return "unknown time zone";
	while (b->len <= FILE_MAX_BYTES) {
		ssize_t got = read(fd, buf_reserve(b, 4096), 4096);

		if (got == 0)
			return NULL;
		if (got > 0)
			b->len += (size_t)got;
		else if (errno != EINTR)
			return "the time zone's file cannot be read";
	}
	return "the time zone's file is too large";
}

/* O_NONBLOCK: a name may be that of a pipe. */
static const char *read_file(int directory, const char *name, struct buf *b)
{
	const char *reason;
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return why_not_opened(errno);
	reason = read_whole(fd, b);
	close(fd);
	return reason;
}

const char *zoneinfo_load(struct zone *z, const char *name)
{
	const char *path = getenv("TZDIR");
	const char *reason;
	struct buf b;
	int directory;

	*z = (struct zone){0};
	if (!is_name(name))
		return "not a time zone name (such as Europe/Berlin)";
	if (strcmp(name, "UTC") == 0) {
		zone_fixed(z, 0);
		return NULL;
	}
	directory = open(
		path && *path ? path : "/usr/share/zoneinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return "no time zone data on this system (package tzdata, or set TZDIR)";
	buf_init(&b);
	reason = read_file(directory, name, &b);
	close(directory);
	if (!reason)
		reason = zone_parse(z, b.data, b.len);
	buf_release(&b);
	return reason;
}
