#include "io/out.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/loop.h"
#include "io/parts.h"
#include "io/pipe.h"

enum {
	PENDING_BYTES = 256 << 10, /* what is batched, copied and lent together */
	DIRECT_BYTES = 64 << 10,   /* worth a write of its own */
	LENT_BYTES_MIN = 2 << 10,  /* a shorter copy takes less than another part of a write */
	LENT_MAX = 256,            /* with what is between them fewer parts than IOV_MAX */
};

void out_init(struct out *o, int fd, const char *name)
{
	*o = (struct out){.fd = fd, .name = name};
	buf_init(&o->pending);
	pipe_enlarge(fd);
}

void out_release(struct out *o)
{
	buf_release(&o->pending);
	free(o->lent);
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

static void write_all(struct out *o, struct iovec *parts, int count)
{
	int64_t began_ns = loop_now_ns();

	while (count) {
		ssize_t n = writev(o->fd, parts, count);

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
		count = parts_take(&parts, count, (size_t)n);
	}
	o->writing_ns += loop_now_ns() - began_ns;
}

void out_flush(struct out *o)
{
	struct iovec parts[2 * LENT_MAX + 1];
	size_t from = 0;
	int count = 0;

	for (unsigned i = 0; i < o->lent_count; i++) {
		const struct out_lent *l = &o->lent[i];

		if (l->at > from)
			parts[count++] = parts_of(o->pending.data + from, l->at - from);
		parts[count++] = parts_of(l->bytes, l->len);
		from = l->at;
	}
	if (o->pending.len > from)
		parts[count++] = parts_of(o->pending.data + from, o->pending.len - from);
	if (count && !o->broken)
		write_all(o, parts, count);
	buf_clear(&o->pending);
	o->lent_count = 0;
	o->lent_bytes = 0;
}

static void flush_if_full(struct out *o)
{
	if (o->pending.len + o->lent_bytes >= PENDING_BYTES || o->lent_count == LENT_MAX)
		out_flush(o);
}

static void lend(struct out *o, const void *bytes, size_t len)
{
	if (!o->lent)
		o->lent = mem_alloc(LENT_MAX * sizeof(*o->lent));
	o->lent[o->lent_count++] = (struct out_lent){bytes, len, o->pending.len};
	o->lent_bytes += len;
}

void out_add(struct out *o, const void *bytes, size_t len)
{
	if (o->broken)
		return;
	o->bytes += len;
	if (len < DIRECT_BYTES) {
		buf_add(&o->pending, bytes, len);
		flush_if_full(o);
	} else {
		lend(o, bytes, len);
		out_flush(o);
	}
}

void out_lend(struct out *o, const void *bytes, size_t len)
{
	if (len < LENT_BYTES_MIN) {
		out_add(o, bytes, len);
	} else if (!o->broken) {
		o->bytes += len;
		lend(o, bytes, len);
		flush_if_full(o);
	}
}

/* From the end on, so that each byte moves once. */
static void copy_lent(struct out *o)
{
	char *to = buf_reserve(&o->pending, o->lent_bytes) + o->lent_bytes;
	const char *from = o->pending.data + o->pending.len;

	while (o->lent_count) {
		const struct out_lent *l = &o->lent[--o->lent_count];
		size_t behind = (size_t)(from - (o->pending.data + l->at));

		from -= behind;
		to -= behind;
		memmove(to, from, behind);
		to -= l->len;
		memcpy(to, l->bytes, l->len);
	}
	o->pending.len += o->lent_bytes;
	o->lent_bytes = 0;
}

void out_settle(struct out *o)
{
	if (o->lent_bytes >= DIRECT_BYTES)
		out_flush(o);
	else if (o->lent_count)
		copy_lent(o);
}

struct buf *out_make(struct out *o)
{
	o->making_from = o->pending.len;
	o->is_making = true;
	return &o->pending;
}

void out_drop(struct out *o)
{
	if (o->is_making)
		o->pending.len = o->making_from;
	o->is_making = false;
}

void out_made(struct out *o)
{
	if (o->broken) {
		out_drop(o);
		return;
	}
	o->is_making = false;
	o->bytes += o->pending.len - o->making_from;
	flush_if_full(o);
}

void out_close(struct out *o)
{
	out_flush(o);
	if (close(o->fd) != 0 && errno != EINTR)
		die_errno(EX_IOERR, "cannot close %s", o->name);
}
