/* How record/shape learns: a line that was scanned is added to its graph. Internal to it. */
#ifndef SHAPELEARN_H
#define SHAPELEARN_H

#include "record/shape.h"

enum { SHAPE_STATES_MAX = SHAPE_ARCS_MAX + 1 };

/* What is before the next arc: a value, or the beginning of the line; or an array, for all that is
 * outside of it. State 0 is the beginning. */
struct shape_state {
	uint16_t home;      /* the array that it is in, the outermost one; 0: none */
	uint16_t first;     /* arc from it, 0: none */
	uint16_t joined;    /* the first of those that are tried before that one, 0: none */
	uint16_t last;      /* of them */
	uint16_t arc_count; /* how many they are */
	uint16_t level;     /* how many containers are open */
	uint64_t kinds;     /* of them, a bit each: set for an object */
	uint64_t place;     /* a hash of the keys that lead to it */
};

/* Where an arc leads; and the part of it that is outside arrays, none if len is 0. */
struct shape_step {
	uint16_t state;    /* behind its value */
	uint16_t from, to; /* states, or arrays as a whole */
	uint16_t at, len;  /* of the arc's bytes */
};

/* Nothing is known. */
void shape_forget(struct shape *s);

/* The arc from a state that is tried first, 0: none. */
static inline uint16_t shape_first(const struct shape *s, uint16_t state)
{
	const struct shape_state *from = &s->states[state];

	return from->joined ? from->joined : from->first;
}

/* Gives an arc its bytes, which are kept at a place of s->text, a multiple of VECTOR_BYTES; returns
 * the next place. arc->is_end is set before. */
uint32_t shape_put_text(
	struct shape *s, struct shape_arc *arc, const char *bytes, size_t len, uint32_t place);

/* Adds a line that scan has passed, with the values that it gave; forgets all when there is no room
 * for it. O(len times what is known). */
void shape_learn(struct shape *s, const char *line, size_t len, const struct span *values);

#endif
