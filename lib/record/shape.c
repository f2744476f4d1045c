#include "record/shape.h"

#include <stdlib.h>

#include "base/mem.h"
#include "record/shapelearn.h"
#include "record/token.h"

enum {
	CREDIT_MAX = 128,
	CREDIT_FIRST = 96,
	CREDIT_AGAIN = 32,
	MISS_COST = 4, /* hits that pay for a line which was compared, scanned and learnt */
	PAUSE_LINES = 8192,
};

void shape_init(struct shape *s, const struct paths *paths)
{
	*s = (struct shape){.paths = paths, .credit = CREDIT_FIRST};
	s->arcs = mem_alloc(SHAPE_ARCS_MAX * sizeof(*s->arcs));
	s->marks = mem_alloc(SHAPE_MARKS_MAX * sizeof(*s->marks));
	s->text = mem_alloc(SHAPE_TEXT_MAX + VECTOR_BYTES);
	s->states = mem_alloc(SHAPE_STATES_MAX * sizeof(*s->states));
	s->steps = mem_alloc(SHAPE_ARCS_MAX * sizeof(*s->steps));
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
}

/* Matching */

static inline const char *leaf(struct tokens *t, const char *p)
{
	const char *end;

	if (*p != '"')
		return token_scalar(t, p);
	end = vector_plain_end(p + 1);
	t->escaped = false;
	if (*end == '"')
		return end + 1;
	end = token_string(t, p + 1);
	return end ? end + 1 : NULL;
}

static void set_missing(const struct shape *s, struct span *values)
{
	for (uint32_t i = 0; i < s->paths->count; i++)
		values[i] = (struct span){.type = SPAN_MISSING};
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

static inline void give(const struct shape *s, const struct shape_arc *arc, const char *p,
	const char *from, const char *behind, bool escaped, struct span *values)
{
	if (arc->mark)
		apply_marks(&s->marks[arc->mark], p, values);
	if (arc->value != SHAPE_NONE)
		values[arc->value] = token_span(from, behind, escaped);
}

/* Field by field: a span that is put together and copied waits for its parts to be written. */
static void set_root(struct span *root, const char *line, size_t len)
{
	const char *from = token_space(line), *end = line + len;

	while (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')
		end--;
	root->at = from;
	root->len = (uint32_t)(end - from);
	root->type = *from == '{' ? SPAN_OBJECT : SPAN_ARRAY;
	root->escaped = false;
}

/* The last arc of the way that the line goes, NULL if it leaves what is known. arcs[0] is an end
 * that no line has. */
static struct shape_arc *match(
	const struct shape *s, const char *line, size_t len, struct span *values)
{
	struct tokens t = {.end = line + len};
	struct shape_arc *arcs = s->arcs, *arc = &arcs[arcs->then];
	const char *text = s->text, *p = line;

	for (;;) {
		const char *from = p + arc->len, *behind;

		/* the bytes of one arc may begin those of another */
		if (vector_same(p, text + arc->text, arc->len)) {
			if (arc->is_end && from == t.end) {
				give(s, arc, p, from, NULL, false, values);
				return arc;
			}
			if (!arc->is_end && (behind = leaf(&t, from))) {
				if (arc->is_asked)
					give(s, arc, p, from, behind, t.escaped, values);
				p = behind;
				arc = &arcs[arc->then];
				continue;
			}
		}
		if (!arc->next)
			return NULL;
		arc = &arcs[arc->next];
	}
}

/* Whether it pays */

static void reward(struct shape *s)
{
	s->credit += s->credit < CREDIT_MAX;
}

static void charge(struct shape *s)
{
	s->credit -= MISS_COST;
	if (s->credit >= 0)
		return;
	s->pause = PAUSE_LINES;
	s->credit = CREDIT_AGAIN;
}

const char *shape_scan(struct shape *s, const char *line, size_t len, struct span *root,
	struct span *values, size_t *where)
{
	const char *why;

	s->end = NULL;
	if (s->pause) {
		s->pause--;
		return scan(s->paths, line, len, root, values, where);
	}
	if (s->has_missing)
		set_missing(s, values);
	s->end = match(s, line, len, values);
	if (s->end) {
		set_root(root, line, len);
		reward(s);
		return NULL;
	}
	why = scan(s->paths, line, len, root, values, where);
	charge(s);
	if (!why)
		shape_learn(s, line, len, values);
	return why;
}
