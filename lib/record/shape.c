#include "record/shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/token.h"

enum {
	CREDIT_MAX = 64,
	PAUSE_LINES = 8192,
	MISSES_TO_LEARN = 2, /* a line that stands alone is not worth it */
};

struct shape_value {
	uint32_t before; /* where in text its bytes begin, at a multiple of VECTOR_BYTES */
	uint32_t before_len;
	int32_t value; /* which of the spans it is, or NONE */
};

enum { NONE = -1 };

void shape_init(struct shape *s, const struct paths *paths)
{
	*s = (struct shape){.paths = paths, .credit = CREDIT_MAX / 2};
	s->values = mem_alloc(SHAPE_VALUES_MAX * sizeof(*s->values));
	s->text = mem_alloc(SHAPE_TEXT_MAX + VECTOR_BYTES);
}

void shape_release(struct shape *s)
{
	free(s->values);
	free(s->text);
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

static bool match(
	const struct shape *s, const char *line, size_t len, struct span *root, struct span *values)
{
	struct tokens t = {.end = line + len};
	const char *p = line;

	if (s->has_missing)
		set_missing(s, values);
	for (uint32_t i = 0; i < s->count; i++) {
		const struct shape_value *v = &s->values[i];
		const char *from;

		if (!vector_same(p, s->text + v->before, v->before_len))
			return false;
		from = p + v->before_len;
		p = leaf(&t, from);
		if (!p)
			return false;
		if (v->value != NONE)
			values[v->value] = token_span(from, p, t.escaped);
	}
	if ((size_t)(t.end - p) != s->tail_len || !vector_same(p, s->text + s->tail, s->tail_len))
		return false;
	*root = (struct span){
		.at = line + s->head_blanks,
		.len = (uint32_t)len - s->head_blanks - s->tail_blanks,
		.type = s->type,
	};
	return true;
}

/* Learning */

/* From the beginning of a line that is JSON, or from behind a value, to the next value or the end:
 * a string is none if a colon follows. */
static const char *next_leaf(struct tokens *t, const char *p)
{
	for (;;) {
		const char *behind;

		while (*p && strchr("{}[],: \t\r", *p))
			p++;
		if (*p != '"')
			return p;
		behind = token_space(token_string(t, p + 1) + 1);
		if (*behind != ':')
			return p;
		p = behind;
	}
}

static int32_t value_at(const struct shape *s, const char *p, const struct span *values)
{
	for (uint32_t i = 0; i < s->paths->count; i++)
		if (values[i].type != SPAN_MISSING && values[i].at == p + (*p == '"'))
			return (int32_t)i;
	return NONE;
}

/* Keeps what stands between two values; false if there is no room. */
static bool keep(struct shape *s, uint32_t *used, const char *from, const char *to)
{
	size_t len = (size_t)(to - from);

	if (len > SHAPE_TEXT_MAX - *used)
		return false;
	memcpy(s->text + *used, from, len);
	*used += (uint32_t)((len + VECTOR_BYTES - 1) / VECTOR_BYTES * VECTOR_BYTES);
	return *used <= SHAPE_TEXT_MAX;
}

static bool learn_values(
	struct shape *s, const char *line, const char *end, const struct span *values)
{
	struct tokens t = {.end = end};
	uint32_t used = 0, found = 0, wanted = 0;
	const char *from = line, *p;

	for (s->count = 0; (p = next_leaf(&t, from)) < end; s->count++) {
		struct shape_value *v = &s->values[s->count];

		if (s->count == SHAPE_VALUES_MAX)
			return false;
		*v = (struct shape_value){used, (uint32_t)(p - from), value_at(s, p, values)};
		found += v->value != NONE;
		if (!keep(s, &used, from, p))
			return false;
		from = leaf(&t, p);
	}
	s->tail = used;
	s->tail_len = (uint32_t)(end - from);
	for (uint32_t i = 0; i < s->paths->count; i++)
		wanted += values[i].type != SPAN_MISSING;
	s->has_missing = wanted < s->paths->count;
	return found == wanted && keep(s, &used, from, end);
}

static void learn(struct shape *s, const char *line, size_t len, const struct span *root,
	const struct span *values)
{
	s->head_blanks = (uint32_t)(root->at - line);
	s->tail_blanks = (uint32_t)len - s->head_blanks - root->len;
	s->type = root->type;
	s->is_known = (root->type == SPAN_OBJECT || root->type == SPAN_ARRAY) &&
		      learn_values(s, line, line + len, values);
	s->learnt += s->is_known;
}

/* Says whether it was worth it. */
static void settle(struct shape *s, bool hit)
{
	if (hit) {
		s->misses = 0;
		s->credit += s->credit < CREDIT_MAX;
		return;
	}
	s->misses++;
	if (--s->credit >= 0)
		return;
	s->pause = PAUSE_LINES;
	s->credit = CREDIT_MAX / 4;
	s->is_known = false;
}

const char *shape_scan(struct shape *s, const char *line, size_t len, struct span *root,
	struct span *values, size_t *where)
{
	const char *why;

	s->is_hit = s->is_known && match(s, line, len, root, values);
	if (s->is_hit) {
		settle(s, true);
		return NULL;
	}
	why = scan(s->paths, line, len, root, values, where);
	if (s->pause) {
		s->pause--;
		return why;
	}
	settle(s, false);
	if (!why && !s->pause && s->misses >= MISSES_TO_LEARN)
		learn(s, line, len, root, values);
	return why;
}
