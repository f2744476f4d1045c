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
 * Values that stay the same from line to line are taken for bytes between others, as long as they
 * do: see shapejoin.h.
 *
 * Where a value ends is known only when it has been read, and most of the time would go by waiting
 * for that. So two lines are looked at together, before they are scanned: see shape_view. That
 * finds their newlines as well, which then need not be looked for.
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
#include "record/vector.h"

enum { SHAPE_ARCS_MAX = 1024, SHAPE_MARKS_MAX = 1024, SHAPE_TEXT_MAX = 32 << 10, SHAPE_NONE = -1 };

/* So many lines are looked at before they are scanned. */
enum { SHAPE_AHEAD = 2 };

/* From a value, or the beginning of the line, to the next value or the end. */
struct shape_arc {
	_Alignas(VECTOR_BYTES) char head[VECTOR_BYTES]; /* its first bytes */
	uint16_t text;     /* where its bytes begin, in VECTOR_BYTES: see shape_text */
	uint16_t wanted;   /* a bit for each byte of the head that is one */
	uint16_t len;      /* of its bytes, not 0 */
	uint16_t next;     /* another arc from the same state, 0: none */
	uint16_t then;     /* the first arc from the state that it leads to, 0: none */
	uint16_t mark;     /* the first of its marks, 0: none */
	int16_t value;     /* which of the spans the value is, or SHAPE_NONE */
	bool is_asked : 1; /* it has a mark or a value */
	bool is_noted : 1; /* see shape_note */
	bool is_end : 1;   /* of the line; no value follows */
	bool is_short : 1; /* the head is all of it, and a value follows */
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
struct shape_join;

/* What is known already of a line that is yet to be scanned. */
struct shape_ahead {
	const char *line;
	const char *newline;   /* NULL: nothing is known */
	struct span *values;   /* where they were put */
	struct shape_arc *end; /* the last arc of its way */
};

struct shape {
	const struct paths *paths; /* borrowed */
	struct shape_arc *arcs;    /* arcs[0] is none; its `then` is what a line begins with */
	struct shape_mark *marks;  /* marks[0] is none */
	struct shape_state *states;
	struct shape_step *steps; /* of each arc */
	struct shape_join *join;  /* the values that stay the same */
	char *text;
	uint32_t arc_count, mark_count, state_count, text_len;
	struct shape_arc *end; /* the last arc of the line scanned last, NULL if it was not known */
	struct shape_ahead ahead[SHAPE_AHEAD + 1]; /* nothing is known of the last */
	struct shape_ahead *next;                  /* of the line to be scanned next */
	const char *strange;  /* the line that was looked at last, where it was not known */
	size_t skipped_parts; /* parts of bytes of a line in which its newline is not looked for */
	unsigned skips_more;  /* so many more of them, where that spares anything */
	uint16_t *missing;    /* the paths that lead nowhere in some of the lines */
	bool *is_missing;     /* of each path: whether it is one of those */
	uint32_t missing_count;
	bool has_elements; /* a path may be one through an array */
	int credit;        /* falls below 0 when it does not pay */
	unsigned pause;    /* lines left to be scanned without it */
	unsigned join_in;  /* lines known until shapejoin_look is to see one */
	unsigned alone;    /* lines left that are not looked at before */
};

/* The bytes of an arc. */
static inline const char *shape_text(const struct shape *s, const struct shape_arc *arc)
{
	return s->text + (size_t)arc->text * VECTOR_BYTES;
}

/* paths is borrowed, and complete. */
void shape_init(struct shape *s, const struct paths *paths);
void shape_release(struct shape *s);

/* A line to be scanned, as for scan. */
struct shape_line {
	const char *at;
	size_t len;
	struct span *values;
};

/* shape_scan for a line that nothing is known of. */
const char *shape_scan_new(
	struct shape *s, const struct shape_line *l, struct span *root, size_t *where);

/* root of a line that does not begin with '{' or does not end with '}'. */
void shape_odd_root(struct span *root, const char *line, size_t len);

/* Field by field: a span that is put together and copied waits for its parts to be written. */
static inline void shape_root(struct span *root, const char *line, size_t len)
{
	if (*line != '{' || line[len - 1] != '}') {
		shape_odd_root(root, line, len);
		return;
	}
	root->at = line;
	root->len = (uint32_t)len;
	root->type = SPAN_OBJECT;
	root->escaped = false;
}

/* As scan. */
static inline const char *shape_scan(
	struct shape *s, const struct shape_line *l, struct span *root, size_t *where)
{
	const struct shape_ahead *known = s->next;

	if (known->newline != l->at + l->len || known->line != l->at || known->values != l->values)
		return shape_scan_new(s, l, root, where);
	s->end = known->end;
	s->next++;
	shape_root(root, l->at, l->len);
	return NULL;
}

/* What lies before the scanner: lines up to end, the last of which may be cut, and SCAN_PAD bytes
 * of 0 behind them. */
struct shape_view {
	const char *at;
	const char *end;
	struct span *values;      /* where those of the first line will be wanted, */
	struct span *next_values; /* and of the second; NULL: it is not to be looked at */
};

/* Where nothing is known of the line that is to be scanned next: looks at it, and mostly at the one
 * behind it. */
void shape_look(struct shape *s, const struct shape_view *v);

/* The newline of the line to be scanned next, NULL if it is not known. */
static inline const char *shape_next_newline(const struct shape *s)
{
	return s->next->newline;
}

/* The bytes behind the line that was scanned last are not there any more, or are others. */
static inline void shape_forget_ahead(struct shape *s)
{
	s->next = &s->ahead[SHAPE_AHEAD];
}

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
