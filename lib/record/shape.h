/*
 * A scanner with a memory: lines of a stream mostly have the same shape, that is, the same bytes
 * between their values. Where a line has those of the line before, they are compared, not scanned,
 * and only the values are. All else, and all that is wrong, is record/scan's.
 *
 * It gives what scan gives. Where shapes change all the time it lets that be for a while. Lines of
 * more than SHAPE_VALUES_MAX values or SHAPE_TEXT_MAX bytes between them have no shape, nor has one
 * of which a whole object or array is asked for.
 */
#ifndef SHAPE_H
#define SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/scan.h"

enum { SHAPE_VALUES_MAX = 512, SHAPE_TEXT_MAX = 16 << 10 };

struct shape_value;

struct shape {
	const struct paths *paths; /* borrowed */
	struct shape_value *values;
	uint32_t count;
	char *text;           /* what stands before each value, and behind the last */
	uint32_t tail;        /* where in text the last such part begins, */
	uint32_t tail_len;    /* its length, */
	uint32_t tail_blanks; /* and the blanks at its end */
	uint32_t head_blanks; /* before the value that is the line */
	uint8_t type;         /* of that */
	bool is_known;
	bool is_hit;      /* the line scanned last was of the known shape */
	uint32_t learnt;  /* how many shapes have been known: their number, from 1 */
	bool has_missing; /* a path leads nowhere */
	int credit;       /* falls below 0 when it does not pay */
	unsigned misses;  /* in a row */
	unsigned pause;   /* lines left to be scanned without it */
};

/* paths is borrowed, and complete. */
void shape_init(struct shape *s, const struct paths *paths);
void shape_release(struct shape *s);

/* As scan. */
const char *shape_scan(struct shape *s, const char *line, size_t len, struct span *root,
	struct span *values, size_t *where);

#endif
