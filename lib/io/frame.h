/*
 * Frames: how dd-deliver and a sink helper talk over two pipes (dd-sink(7)). A header line
 * "KIND LENGTH CRC\n", then LENGTH bytes of payload, whose CRC-32 (IEEE 802.3, as zlib's) is CRC.
 *
 * Reading and writing block; EINTR, short reads and short writes are seen to.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum {
	FRAME_KIND_MAX = 15,
	FRAME_HEADER_MAX = 64, /* its newline included */
	FRAME_PAD = 64,        /* readable bytes behind each payload, for record/scan */
};

struct frame {
	char kind[FRAME_KIND_MAX + 1];
	const char *payload; /* borrows the reader's buffer until its next read */
	size_t len;
};

struct frame_in {
	int fd; /* borrowed */
	size_t max_bytes;
	struct buf bytes; /* read and not yet given out */
	size_t at;        /* where in bytes the next frame begins */
};

/* No payload may have more than max_bytes. What is read ahead is at most 64 KiB. */
void frame_in_init(struct frame_in *in, int fd, size_t max_bytes);
void frame_in_release(struct frame_in *in);

/* Two reasons of frame_read: the input ends between two frames, or within one. */
extern const char frame_end[];
extern const char frame_cut[];

/*
 * Reads the next frame. Returns NULL, or why there is none (a static string): one of the two above,
 * a breach of the protocol, or "cannot read" with errno. After a reason the reader is of no further
 * use.
 */
const char *frame_read(struct frame_in *in, struct frame *frame);

/* Writes one frame; kind is [a-z]{1,FRAME_KIND_MAX}. False, with errno, when it can't be written.
 */
bool frame_write(int fd, const char *kind, const void *payload, size_t len);

#endif
