#include "io/out.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/die.h"
#include "io/loop.h"
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

void out_reader_gone(struct out *o)
{
	o->broken = true;
	if (o->supervised)
		die(EX_TEMPFAIL, "the reader of %s is gone", o->name);
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}

/* A reader that is stuck must not keep a stage that was told twice to stop. */
static void stop_if_insisted(struct out *o)
{
	if (!loop_stop_insisted())
		return;
	o->broken = true;
	die(EX_TEMPFAIL, "interrupted");
}

static void write_all(struct out *o, const char *bytes, size_t len)
{
	int64_t began_ns = loop_now_ns();

	while (len) {
		ssize_t n = write(o->fd, bytes, len);

		if (n < 0 && errno == EINTR) {
			stop_if_insisted(o);
			continue;
		}
		if (n < 0 && errno == EAGAIN) {
			pipe_wait_writable(o->fd);
			continue;
		}
		if (n < 0) {
			o->broken = true;
			if (errno == EPIPE)
				out_reader_gone(o);
			die_errno(EX_IOERR, "cannot write to %s", o->name);
		}
		bytes += n;
		len -= (size_t)n;
	}
	o->writing_ns += loop_now_ns() - began_ns;
}

void out_add(struct out *o, const void *bytes, size_t len)
{
	if (o->broken)
		return;
	o->bytes += len;
	if (o->pending.len + len > PENDING_BYTES)
		out_flush(o);
	if (len >= DIRECT_BYTES && !o->pending.len)
		write_all(o, bytes, len);
	else
		buf_add(&o->pending, bytes, len);
}

struct buf *out_room(struct out *o)
{
	return &o->pending;
}

void out_added(struct out *o, size_t len)
{
	if (o->broken) {
		o->pending.len -= len;
		return;
	}
	o->bytes += len;
	if (o->pending.len >= PENDING_BYTES)
		out_flush(o);
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
