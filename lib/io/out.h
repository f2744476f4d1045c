/*
 * Buffered output straight over writev(2): batches while there is more to come, is flushed before
 * any wait, and sees every error. Errors end the process: a full disk with EX_IOERR, a reader that
 * is gone by SIGPIPE, as it ends any filter, or with EX_TEMPFAIL where the stream is supervised.
 *
 * Bytes are copied, or lent: these are written from where they are, between what was copied.
 */
#ifndef OUT_H
#define OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Bytes that were lent, and stand in the output before those of pending from at on. */
struct out_lent {
	const char *bytes;
	size_t len;
	size_t at;
};

struct out {
	int fd;
	const char *name;   /* for messages; borrowed */
	struct buf pending; /* what was copied */
	size_t making_from; /* from where on it is being made */
	bool is_making;
	struct out_lent *lent; /* in order; NULL until the first */
	unsigned lent_count;
	size_t lent_bytes;
	uint64_t bytes;     /* written, pending or lent */
	int64_t writing_ns; /* how long write(2) took, all in all: a slow reader's doing */
	bool supervised;    /* a reader that is gone is a crash of the pipeline */
	bool broken;        /* a write failed: nothing more can be said here */
};

/* Takes over fd for writing and, if it is a pipe, makes it as large as is allowed up to 1 MiB. */
void out_init(struct out *o, int fd, const char *name);

/* Frees the buffer, without writing what is pending. */
void out_release(struct out *o);

/* Appends; long runs are written at once, without being copied. What is broken takes nothing any
 * more. */
void out_add(struct out *o, const void *bytes, size_t len);

/* Appends; the bytes stay as they are until out_settle or out_flush, and only short runs of them
 * are copied. */
void out_lend(struct out *o, const void *bytes, size_t len);

/* Gives back all that was lent: it is written, or copied while it is little. */
void out_settle(struct out *o);

/*
 * What is made where it is written from: add to the buffer that out_make gives, then say that it is
 * made, or that it is not to be. Nothing else is added in between. What is half made when the
 * process has to end is to be dropped as well.
 */
struct buf *out_make(struct out *o);
void out_made(struct out *o);
void out_drop(struct out *o);

/* Where that begins, and how long it is by now. */
static inline const char *out_making(const struct out *o, size_t *len)
{
	*len = o->pending.len - o->making_from;
	return o->pending.data + o->making_from;
}

void out_flush(struct out *o);

/* Ends the process as a write to a reader that is gone does. */
void out_reader_gone(struct out *o);

/* Flushes and closes; closing can fail as well. */
void out_close(struct out *o);

#endif
