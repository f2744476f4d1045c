/*
 * Lines out of an input, without copying them: each is a span of the read buffer. A line longer
 * than the limit is not kept whole: its beginning, length and hash are.
 */
#ifndef LINE_H
#define LINE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "io/input.h"

enum {
	LINE_PAD = 64,             /* readable bytes behind the newline of each line */
	LINE_KEPT_BYTES = 64 << 10 /* of a line that is too long */
};

struct line {
	const char *at; /* at[len] is '\n', also for a last line that has none; valid until
			   lines_fill */
	size_t len;
	uint64_t number; /* in its input, from 1 */
	uint64_t offset; /* of its first byte in its input */
	uint64_t length; /* of the whole line; more than len where not all was kept */
	uint64_t hash;   /* of the whole line, only where it is too long */
	bool ended;      /* by a newline */
	bool too_long;
};

struct lines {
	struct input *in;    /* borrowed */
	size_t max_bytes;    /* of a line */
	size_t read_bytes;   /* of one read, at most */
	struct buf data;     /* what was read; len bytes are valid */
	size_t next;         /* where the next line begins */
	size_t searched;     /* no newline from next up to here */
	const char *newline; /* of the next line, where the caller knows it; else NULL */
	uint64_t number;     /* of lines taken */
	uint64_t offset;     /* of next in the input */
	struct buf kept;     /* the beginning of a line that is too long */
	uint64_t skipped;    /* of that line's bytes, those taken out of data; 0: none in hand */
	XXH3_state_t *skipped_hash;
};

/* Reads in from its start; a byte-order mark there is skipped. Borrows in. */
void lines_init(struct lines *l, size_t max_bytes);
void lines_release(struct lines *l);

/* Goes over to another input. What was left of the one before is gone. */
void lines_begin(struct lines *l, struct input *in);

/* The same, where in stands at an offset behind so many lines; no byte-order mark is skipped. */
void lines_begin_at(struct lines *l, struct input *in, uint64_t offset, uint64_t number);

/* Says where the next line's newline is, so that it need not be looked for; NULL: not known. */
static inline void lines_expect(struct lines *l, const char *newline)
{
	assert(!newline || *newline == '\n');
	l->newline = newline;
}

/* What is there behind the lines that were given: others, the last of which may be cut, up to end,
 * and LINE_PAD bytes of 0. */
static inline const char *lines_rest(const struct lines *l, const char **end)
{
	*end = l->data.data + l->data.len;
	return l->data.data + l->next;
}

/* Of lines_next: the next newline, NULL if there is none; and a line of which not all was kept. */
const char *lines_find(struct lines *l);
void lines_give_odd(struct lines *l, struct line *line, const char *newline);

/* The next line that is read whole; false if there is none and lines_fill is wanted. O(line). */
static inline bool lines_next(struct lines *l, struct line *line)
{
	const char *newline = l->newline ? l->newline : lines_find(l);
	const char *at = l->data.data + l->next;
	size_t len;

	if (!newline)
		return false;
	l->newline = NULL;
	len = (size_t)(newline - at);
	if (l->skipped || len > l->max_bytes) {
		struct line odd; /* as the address of line is nobody's it need not be in memory */

		lines_give_odd(l, &odd, newline);
		*line = odd;
		return true;
	}
	l->searched = l->next += len + 1;
	line->at = at;
	line->len = len;
	line->number = ++l->number;
	line->offset = l->offset;
	line->length = len;
	line->hash = 0;
	line->ended = true;
	line->too_long = false;
	l->offset += len + 1;
	return true;
}

/*
 * Reads once more, up to read_bytes (256 KiB); false at the end of the input. May block (see
 * input_waits_on). Moves the lines that were given out. How much came is told to io/turns.
 */
bool lines_fill(struct lines *l);

/* At the end: the last line if it has no newline. */
bool lines_tail(struct lines *l, struct line *line);

#endif
