#include "io/append.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "io/durable.h"

static void end_last_line(struct out *o)
{
	struct stat s;
	char last = '\n';

	if (fstat(o->fd, &s) != 0)
		die_errno(EX_IOERR, "cannot look at '%s'", o->name);
	if (!S_ISREG(s.st_mode))
		die(EX_CANTCREAT, "'%s' is not a regular file", o->name);
	if (s.st_size > 0 && pread(o->fd, &last, 1, s.st_size - 1) != 1)
		die_errno(EX_IOERR, "cannot read '%s'", o->name);
	if (last != '\n')
		out_add(o, "\n", 1);
}

void append_open(struct out *o, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	if (fd < 0)
		die_errno(EX_CANTCREAT, "cannot open '%s'", path);
	durable_sync_parent(path);
	out_init(o, fd, path);
	end_last_line(o);
}

void append_close(struct out *o)
{
	out_flush(o);
	durable_sync(o->fd, o->name);
	out_close(o);
	out_release(o);
}
