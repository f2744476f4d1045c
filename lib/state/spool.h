/*
 * What is committed and has yet to be sent: segments spool.RUN.NUMBER in the stage's directory,
 * each a sequence of frames. A frame is a batch, and that is a request: it is cut when it is
 * written, so what is sent again is the same bytes, whatever the options are then. A run appends to
 * segments of its own, and to nothing else.
 *
 * The format, version 1: a frame is the line
 *
 *     #LENGTH RECORDS FIRST CHECK
 *
 * and LENGTH bytes of whole lines, RECORDS in number, of which the first is the segment's FIRST-th,
 * from 1. The three have 12 decimal digits; CHECK is 16 hexadecimal ones: XXH3-64 of the lines,
 * seeded with that of the text "SEGMENT OFFSET LENGTH RECORDS FIRST", the numbers without zeros in
 * front; OFFSET is where the frame begins. A record of a line never begins with '#'.
 *
 * The segments that are not sent yet are a chain, in the order of sending; a position is a number
 * of bytes in all of it.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/out.h"

struct spool_segment {
	char *name;
	uint64_t run, number;
	uint64_t start; /* the position of its first byte */
	uint64_t bytes; /* of whole frames */
};

struct spool_chain {
	struct spool_segment *segments;
	size_t count, cap;
	uint64_t end; /* the position behind the last segment */
};

void spool_chain_init(struct spool_chain *c);
void spool_chain_release(struct spool_chain *c);

/* The last segment has grown to so many bytes, or a new one is behind it. */
void spool_chain_grow(struct spool_chain *c, uint64_t run, uint64_t number, uint64_t bytes);

/* The segment that a position is in; NULL: it is the end. */
const struct spool_segment *spool_chain_at(const struct spool_chain *c, uint64_t position);

/* Takes off the segments that end at or before a position, but for the last, which may grow. */
void spool_chain_drop(struct spool_chain *c, uint64_t position);

struct spool_frame {
	uint64_t offset; /* in its segment, as is next, where the frame ends */
	uint64_t next;
	uint64_t len; /* of the lines */
	uint64_t records;
	uint64_t first; /* the number of the first in the segment, from 1 */
	uint64_t check;
};

/* Where the lines of a frame begin in the segment. */
uint64_t spool_lines_offset(const struct spool_frame *f);

/* Reads the head of the frame at an offset of a segment of so many bytes. NULL or a static reason.
 */
const char *spool_head_read(int fd, uint64_t offset, uint64_t bytes, struct spool_frame *f);

/* Reads the lines of that frame, in place of what is in `lines`, and checks them. NULL or a static
 * reason. name is the segment's. */
const char *spool_lines_read(
	int fd, const char *name, const struct spool_frame *f, struct buf *lines);

/* Whether so much of a segment is whole frames: NULL, or a static reason with the offset of the
 * frame. Changes nothing. */
const char *spool_check(const char *path, uint64_t bytes, uint64_t *offset);

/* Appends frames. */
struct spool {
	const char *dir; /* borrowed */
	uint64_t run;
	uint64_t number; /* of the segment in hand; the next one's if none is open */
	bool is_open;
	bool is_named; /* the directory has been synced since the segment was made */
	struct out out;
	char *path;
	uint64_t records; /* in the segment */
	struct buf head;
};

void spool_init(struct spool *s, const char *dir, uint64_t run);

/* What was not synced may be lost, as in a crash. */
void spool_release(struct spool *s);

/* Appends a frame, which a reader sees after spool_flush, and grows the chain by it. */
void spool_add(
	struct spool *s, struct spool_chain *chain, const struct buf *lines, uint64_t records);
void spool_flush(struct spool *s);

/* All that was appended is durable. */
void spool_sync(struct spool *s);

#endif
