#include "record/shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/shapejoin.h"
#include "record/shapelearn.h"
#include "record/token.h"

enum {
	CREDIT_MAX = 128,
	CREDIT_FIRST = 96,
	CREDIT_AGAIN = 32,
	MISS_COST = 4, /* hits that pay for a line which was compared, scanned and learnt */
	PAUSE_LINES = 8192,
	ALONE_LINES = 64, /* by themselves, after one was looked at for nothing */
	NEAR = 2,         /* vectors in which a newline is looked for before memchr is called */
	BYTE_PARTS = 256, /* what skipped_parts counts */
};

void shape_init(struct shape *s, const struct paths *paths)
{
	*s = (struct shape){.paths = paths, .credit = CREDIT_FIRST, .skips_more = BYTE_PARTS};
	shape_forget_ahead(s);
	s->arcs = mem_alloc((SHAPE_ARCS_MAX + SHAPE_JOINED_MAX) * sizeof(*s->arcs));
	s->marks = mem_alloc(SHAPE_MARKS_MAX * sizeof(*s->marks));
	s->text = mem_alloc(SHAPE_TEXT_MAX + SHAPE_JOINED_TEXT_MAX + VECTOR_BYTES);
	s->states = mem_alloc(SHAPE_STATES_MAX * sizeof(*s->states));
	s->steps = mem_alloc((SHAPE_ARCS_MAX + SHAPE_JOINED_MAX) * sizeof(*s->steps));
	s->missing = mem_zero(paths->count, sizeof(*s->missing));
	s->is_missing = mem_zero(paths->count, sizeof(*s->is_missing));
	shapejoin_init(s);
	for (uint32_t i = 0; i < paths->node_count; i++)
		s->has_elements |= paths->nodes[i].element >= 0;
	shape_forget(s);
}

void shape_release(struct shape *s)
{
	free(s->arcs);
	free(s->marks);
	free(s->text);
	free(s->states);
	free(s->steps);
	free(s->missing);
	free(s->is_missing);
	shapejoin_release(s);
}

/* Matching */

/* A line on its way through the graph. */
struct way {
	const char *at;      /* the line; its newline, when it has ended */
	const char *end;     /* of the line, or of what may be one */
	const char *escaped; /* the string with escapes that was read last */
	struct span *values;
	struct shape_arc *last; /* NULL: the line has not ended, or not as one that is known */
};

/* All values that are not plain and short: apart, so that those which are need no call. */
static __attribute__((noinline)) const char *rare_leaf(struct way *w, const char *p)
{
	struct tokens t = {.end = w->end};
	const char *behind = token_scalar(&t, p);

	if (*p == '"' && t.escaped)
		w->escaped = p;
	return behind;
}

/* From a value to what is behind it; NULL if it is none. */
static inline __attribute__((always_inline)) const char *leaf(struct way *w, const char *p)
{
	const char *end;

	if (*p == '"') {
		end = vector_plain_end(p + 1);
		return *end == '"' ? end + 1 : rare_leaf(w, p);
	}
	end = token_is_digit(*p) ? token_short_number(p) : token_short_word(p);
	return end ? end : rare_leaf(w, p);
}

static inline void set_missing(const struct shape *s, struct span *values)
{
	for (uint32_t i = 0; i < s->missing_count; i++) {
		struct span *v = &values[s->missing[i]];

		v->len = 0;
		v->type = SPAN_MISSING;
	}
}

/* The objects and arrays that begin or end in the bytes of an arc, which are those at p. */
static void apply_marks(const struct shape_mark *m, const char *p, struct span *values)
{
	for (;; m++) {
		struct span *v = &values[m->value];

		if (m->is_end)
			v->len = (uint32_t)(p + m->at + 1 - v->at);
		else
			*v = (struct span){.at = p + m->at,
				.type = p[m->at] == '{' ? SPAN_OBJECT : SPAN_ARRAY};
		if (m->is_last)
			return;
	}
}

static inline void give(const struct shape *s, const struct shape_arc *arc, const struct way *w,
	const char *at, const char *from, const char *behind)
{
	if (arc->mark)
		apply_marks(&s->marks[arc->mark], at, w->values);
	if (arc->value != SHAPE_NONE)
		token_give(&w->values[arc->value], from, behind, w->escaped == from);
}

/* The bytes of the arc behind its head. */
static inline bool has_rest(const struct shape *s, const struct shape_arc *arc, const char *p)
{
	return arc->len <= VECTOR_BYTES ||
	       vector_same(p + VECTOR_BYTES, shape_text(s, arc) + VECTOR_BYTES,
		       (uint32_t)arc->len - VECTOR_BYTES);
}

/* The line ends with the bytes of the arc, which are at p. */
static void give_end(const struct shape *s, struct shape_arc *arc, struct way *w, const char *p)
{
	if (arc->mark)
		apply_marks(&s->marks[arc->mark], p, w->values);
	w->at = p + arc->len;
	w->last = arc;
}

/* Goes one arc, or not, and gives the one to be tried next; NULL if the line has ended, or leaves
 * what is known. */
static inline __attribute__((always_inline)) struct shape_arc *step(
	const struct shape *s, struct shape_arc *arc, struct way *w, const char **at)
{
	const char *from = *at + arc->len, *behind;

	/* the bytes of one arc may begin those of another */
	if (!vector_begins(*at, arc->head, arc->wanted))
		goto other;
	if (!arc->is_short) {
		if (!has_rest(s, arc, *at) || (arc->is_end && *from != '\n'))
			goto other;
		if (arc->is_end) {
			give_end(s, arc, w, *at);
			return NULL;
		}
	}
	behind = leaf(w, from);
	if (!behind)
		goto other;
	if (arc->is_asked)
		give(s, arc, w, *at, from, behind);
	*at = behind;
	return &s->arcs[arc->then];
other:
	return arc->next ? &s->arcs[arc->next] : NULL;
}

static void follow(const struct shape *s, struct shape_arc *arc, struct way *w, const char *at)
{
	while (arc)
		arc = step(s, arc, w, &at);
}

/* At what a line begins with. arcs[0] is an end that no line has. */
static struct shape_arc *first_arc(const struct shape *s)
{
	return &s->arcs[s->arcs->then];
}

/* The line at w->at. */
static void match(const struct shape *s, struct way *w)
{
	set_missing(s, w->values);
	follow(s, first_arc(s), w, w->at);
}

/* The same of two lines, of which the second is behind the first: where a value ends is known only
 * when it has been read, and while one line waits for that so can the other. */
static void match_both(const struct shape *s, struct way *v, struct way *w)
{
	const char *v_at = v->at, *w_at = w->at;
	struct shape_arc *v_arc = first_arc(s), *w_arc = v_arc;

	set_missing(s, v->values);
	set_missing(s, w->values);
	while (v_arc && w_arc) {
		v_arc = step(s, v_arc, v, &v_at);
		w_arc = step(s, w_arc, w, &w_at);
	}
	follow(s, v_arc, v, v_at);
	if (v->last)
		follow(s, w_arc, w, w_at);
}

void shape_odd_root(struct span *root, const char *line, size_t len)
{
	const char *from = token_space(line), *end = line + len;

	while (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')
		end--;
	root->at = from;
	root->len = (uint32_t)(end - from);
	root->type = *from == '{' ? SPAN_OBJECT : SPAN_ARRAY;
	root->escaped = false;
}

/* Whether it pays */

static void reward(struct shape *s, int lines)
{
	if (s->credit < CREDIT_MAX)
		s->credit += lines;
}

static void charge(struct shape *s)
{
	s->credit -= MISS_COST;
	if (s->credit >= 0)
		return;
	s->pause = PAUSE_LINES;
	s->credit = CREDIT_AGAIN;
}

/* Ahead */

/* Where the line at p ends, or, where it is shorter than lines mostly are, maybe one behind it;
 * NULL: not before end. */
static const char *likely_newline(const struct shape *s, const char *p, const char *end)
{
	size_t skipped = s->skipped_parts / BYTE_PARTS;
	const char *newline = NULL;

	if (skipped >= (size_t)(end - p))
		return NULL;
	p += skipped;
	for (int i = 0; !newline && i < NEAR; i++, p += VECTOR_BYTES)
		newline = vector_newline(p);
	if (!newline && p < end)
		newline = memchr(p, '\n', (size_t)(end - p));
	return newline;
}

/* What is skipped grows while that spares anything: by bytes up to the first line that is shorter,
 * then slowly, as each such one costs a look at a line for nothing. */
static void learn_length(struct shape *s, size_t len)
{
	size_t skipped = s->skipped_parts / BYTE_PARTS;

	if (len < skipped) {
		s->skipped_parts = len * BYTE_PARTS;
		s->skips_more = 1;
	} else if (len >= skipped + VECTOR_BYTES) {
		s->skipped_parts += s->skips_more;
	}
}

static void keep(struct shape_ahead *a, const char *line, const struct way *w)
{
	a->line = line;
	a->newline = w->at;
	a->values = w->values;
	a->end = w->last;
}

void shape_look(struct shape *s, const struct shape_view *view)
{
	struct way v = {.at = view->at, .end = view->end, .values = view->values};
	struct way w = {.end = view->end, .values = view->next_values};
	const char *newline, *next;

	s->strange = NULL;
	if (s->pause || s->alone || view->at == view->end)
		return;
	newline = w.values ? likely_newline(s, v.at, v.end) : NULL;
	next = newline ? newline + 1 : NULL;
	w.at = next;
	if (next)
		match_both(s, &v, &w);
	else
		match(s, &v);
	if (!v.last) {
		s->strange = view->at;
		return;
	}
	learn_length(s, (size_t)(v.at - view->at));
	if (w.last && v.at == newline)
		keep(--s->next, next, &w);
	keep(--s->next, view->at, &v);
	reward(s, (int)(&s->ahead[SHAPE_AHEAD] - s->next));
	if (!--s->join_in)
		shapejoin_look(s, view->at, (size_t)(v.at - view->at));
}

const char *shape_scan_new(
	struct shape *s, const struct shape_line *l, struct span *root, size_t *where)
{
	struct way w = {.at = l->at, .end = l->at + l->len, .values = l->values};
	bool is_strange = s->strange == l->at;
	const char *why;

	if (s->next->newline)
		s->alone = ALONE_LINES;
	shape_forget_ahead(s);
	s->strange = NULL;
	s->end = NULL;
	if (s->pause) {
		s->pause--;
		return scan(s->paths, l->at, l->len, root, l->values, where);
	}
	s->alone -= s->alone > 0;
	if (!is_strange)
		match(s, &w);
	s->end = w.last;
	if (s->end) {
		shape_root(root, l->at, l->len);
		reward(s, 1);
		if (!--s->join_in)
			shapejoin_look(s, l->at, l->len);
		return NULL;
	}
	why = scan(s->paths, l->at, l->len, root, l->values, where);
	charge(s);
	if (!why)
		shape_learn(s, l->at, l->len, l->values);
	return why;
}
