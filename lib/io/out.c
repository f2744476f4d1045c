#include "io/out.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "io/pipe.h"

enum { PENDING_BYTES = 256 << 10, DIRECT_BYTES = 64 << 10 };

void out_init(struct out *o, int fd, const char *name)
{
	*o = (struct out){.fd = fd, .name = name};
	buf_init(&o->pending);
	pipe_enlarge(fd);
}

void out_release(struct out *o)
{
	buf_release(&o->pending);
}

static void reader_gone(struct out *o)
{
	if (o->supervised)
		die(EX_TEMPFAIL, "the reader of %s is gone", o->name);
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}

static void write_all(struct out *o, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(o->fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			pipe_wait_writable(o->fd);
			continue;
		}
		if (n < 0) {
			o->broken = true;
			if (errno == EPIPE)
				reader_gone(o);
			die_errno(EX_IOERR, "cannot write to %s", o->name);
		}
		bytes += n;
		len -= (size_t)n;
	}
}

void out_add(struct out *o, const void *bytes, size_t len)
{
	o->bytes += len;
	if (o->pending.len + len > PENDING_BYTES)
		out_flush(o);
	if (len >= DIRECT_BYTES && !o->pending.len)
		write_all(o, bytes, len);
	else
		buf_add(&o->pending, bytes, len);
}

void out_flush(struct out *o)
{
	if (o->pending.len && !o->broken) {
		write_all(o, o->pending.data, o->pending.len);
		buf_clear(&o->pending);
	}
}

void out_close(struct out *o)
{
	out_flush(o);
	if (close(o->fd) != 0 && errno != EINTR)
		die_errno(EX_IOERR, "cannot close %s", o->name);
}
