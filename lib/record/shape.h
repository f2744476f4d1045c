/*
 * A scanner with a memory: lines of a stream mostly have the same bytes between their values. Where
 * a line has those of lines before, they are compared, not scanned, and only the values are. All
 * else, and all that is wrong, is record/scan's. It gives what scan gives.
 *
 * What is between values is kept as arcs of a graph, whose states are the values. Outside arrays
 * the graph is a tree, so each way through it is that of a line which was scanned. Inside an array,
 * states that are as deep in the same kinds of containers are one, so elements may be many or few;
 * that needs that nothing in an array is asked for by its number, else arrays are kept as they
 * come.
 *
 * Where lines rarely are as those before, it lets that be for a while. Memory is bounded: what is
 * known is forgotten when it is more than SHAPE_ARCS_MAX arcs or SHAPE_TEXT_MAX bytes.
 */
#ifndef SHAPE_H
#define SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/scan.h"

enum { SHAPE_ARCS_MAX = 1024, SHAPE_MARKS_MAX = 1024, SHAPE_TEXT_MAX = 32 << 10, SHAPE_NONE = -1 };

/* From a value, or the beginning of the line, to the next value or the end. */
struct shape_arc {
	uint32_t text;     /* where its bytes begin, at a multiple of VECTOR_BYTES */
	uint16_t len;      /* of them, not 0 */
	uint16_t next;     /* another arc from the same state, 0: none */
	uint16_t then;     /* the first arc from the state that it leads to, 0: none */
	uint16_t mark;     /* the first of its marks, 0: none */
	int16_t value;     /* which of the spans the value is, or SHAPE_NONE */
	bool is_asked;     /* it has a mark or a value */
	bool is_end : 1;   /* of the line; no value follows */
	bool is_noted : 1; /* see shape_note */
};

/* An object or array that is asked for begins, or ends, in the bytes of an arc. */
struct shape_mark {
	uint16_t at;   /* which of the bytes it begins or ends with */
	int16_t value; /* which of the spans it is */
	bool is_end;
	bool is_last; /* of the arc's */
};

struct shape_state;
struct shape_step;

struct shape {
	const struct paths *paths; /* borrowed */
	struct shape_arc *arcs;    /* arcs[0] is none; its `then` is what a line begins with */
	struct shape_mark *marks;  /* marks[0] is none */
	struct shape_state *states;
	struct shape_step *steps; /* of each arc */
	char *text;
	uint32_t arc_count, mark_count, state_count, text_len;
	struct shape_arc *end; /* the last arc of the line scanned last, NULL if it was not known */
	bool has_missing;      /* a path leads nowhere in some of the lines */
	bool has_elements;     /* a path may be one through an array */
	int credit;            /* falls below 0 when it does not pay */
	unsigned pause;        /* lines left to be scanned without it */
};

/* paths is borrowed, and complete. */
void shape_init(struct shape *s, const struct paths *paths);
void shape_release(struct shape *s);

/* As scan. */
const char *shape_scan(struct shape *s, const char *line, size_t len, struct span *root,
	struct span *values, size_t *where);

/* Whether the caller has noted something of the line scanned last, or of one that is as it is but
 * in its values and the elements of arrays. */
static inline bool shape_is_noted(const struct shape *s)
{
	return s->end && s->end->is_noted;
}

/* Does nothing if the line was not known. */
static inline void shape_note(const struct shape *s)
{
	if (s->end)
		s->end->is_noted = true;
}

#endif
