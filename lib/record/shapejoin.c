#include "record/shapejoin.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/shapelearn.h"
#include "record/token.h"

enum {
	LINE_MAX_BYTES = 16 << 10, /* only so many of a line are held */
	VALUES_MAX = 1024,
	APART_MAX = 256,    /* values that arrays of two lines may differ by */
	BYTES_MAX = 1024,   /* of a joined arc */
	LINES = 16,         /* compared with the one that is held */
	LINES_MIN = 4,      /* that had a value, where lines are of several forms */
	WAIT_FIRST = 32,    /* lines that are known, before one is held */
	WAIT_MORE = 4,      /* times as many before the next one */
	WAIT_MAX = 1 << 15, /* until all that is joined is dropped, and it begins anew */
};

/* A value of the line that is held, and the arc before it. */
struct held_value {
	uint16_t arc;
	uint16_t at, end;
	uint8_t seen; /* by how many lines */
	bool differs; /* in one of them */
};

struct shape_join {
	char line[LINE_MAX_BYTES];
	struct held_value values[VALUES_MAX];
	unsigned value_count;
	uint16_t end;  /* the arc at the end of the line, 0: it is not held so far */
	size_t len;    /* of the line, or of what is held of it */
	unsigned left; /* lines yet to be compared; 0: none is held */
	unsigned wait; /* for the next one */
	uint32_t arc_count, text_len;
};

void shapejoin_init(struct shape *s)
{
	s->join = mem_zero(1, sizeof(*s->join));
}

void shapejoin_release(struct shape *s)
{
	free(s->join);
}

void shapejoin_forget(struct shape *s)
{
	s->join->arc_count = 0;
	s->join->text_len = 0;
	s->join->left = 0;
	s->join->wait = WAIT_FIRST;
	s->join_in = WAIT_FIRST;
}

/* Holding a line */

/* The arc, of those that were learnt, by which the line goes on at p, and what is behind the value
 * at its end; NULL if there is none. */
static const struct shape_arc *arc_at(
	const struct shape *s, uint16_t state, const char *p, struct tokens *t, const char **behind)
{
	for (uint16_t i = s->states[state].first; i; i = s->arcs[i].next) {
		const struct shape_arc *arc = &s->arcs[i];

		if (arc->len > t->end - p || memcmp(shape_text(s, arc), p, arc->len) != 0)
			continue;
		*behind = p + arc->len;
		if (!arc->is_end)
			*behind = token_scalar(t, *behind);
		if (*behind && (!arc->is_end || *behind == t->end))
			return arc;
	}
	return NULL;
}

static void hold(struct shape *s, const char *line, size_t len)
{
	struct shape_join *j = s->join;
	struct tokens t = {.end = line + len};
	const struct shape_arc *arc;
	const char *p = line, *behind;
	uint16_t state = 0;

	j->value_count = j->end = 0;
	while ((arc = arc_at(s, state, p, &t, &behind))) {
		uint16_t number = (uint16_t)(arc - s->arcs);

		if (behind - line > LINE_MAX_BYTES)
			break;
		if (arc->is_end) {
			j->end = number;
			p = behind;
			break;
		}
		if (j->value_count == VALUES_MAX)
			break;
		j->values[j->value_count++] = (struct held_value){.arc = number,
			.at = (uint16_t)(p + arc->len - line),
			.end = (uint16_t)(behind - line)};
		state = s->steps[number].state;
		p = behind;
	}
	j->len = (size_t)(p - line);
	memcpy(j->line, line, j->len);
}

/* The next value that is held, from one on, behind the same arc; NULL if there is none near. */
static struct held_value *find_held(struct shape_join *j, unsigned from, uint16_t arc)
{
	for (unsigned i = from; i < j->value_count && i - from < APART_MAX; i++)
		if (j->values[i].arc == arc)
			return &j->values[i];
	return NULL;
}

/* Where arrays are not equally long, what only one of the lines has is left out. */
static void compare(struct shape *s, const char *line, size_t len)
{
	struct shape_join *j = s->join;
	struct tokens t = {.end = line + len};
	const struct shape_arc *arc;
	const char *p = line, *behind;
	uint16_t state = 0;
	unsigned next = 0;

	for (; (arc = arc_at(s, state, p, &t, &behind)) && !arc->is_end; p = behind) {
		uint16_t number = (uint16_t)(arc - s->arcs);
		struct held_value *v = find_held(j, next, number);

		state = s->steps[number].state;
		if (v) {
			size_t value = v->end - (size_t)v->at;

			p += arc->len;
			v->differs |= (size_t)(behind - p) != value ||
				      memcmp(j->line + v->at, p, value) != 0;
			v->seen++;
			next = (unsigned)(v - j->values) + 1;
		}
	}
}

/* Joining */

static bool is_joined(const struct shape_arc *arc, const struct shape *s)
{
	return arc && arc - s->arcs >= SHAPE_ARCS_MAX;
}

static void drop_joined(struct shape *s)
{
	if (is_joined(s->end, s))
		s->end = NULL;
	for (struct shape_ahead *a = s->next; a->newline; a++)
		if (is_joined(a->end, s))
			shape_forget_ahead(s);
	for (uint32_t i = 0; i < s->state_count; i++)
		s->states[i].joined = 0;
	s->join->arc_count = 0;
	s->join->text_len = 0;
}

static void lead_on(struct shape *s, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		if (!i || !s->arcs[i].is_end)
			s->arcs[i].then = shape_first(s, s->steps[i].state);
}

/* All arcs lead to the first of those that are to be tried now. */
static void lead_on_all(struct shape *s)
{
	lead_on(s, 0, s->arc_count);
	lead_on(s, SHAPE_ARCS_MAX, SHAPE_ARCS_MAX + s->join->arc_count);
}

static bool has_joined(const struct shape *s, uint16_t state, const char *bytes, size_t len)
{
	for (uint16_t i = s->states[state].joined; i >= SHAPE_ARCS_MAX; i = s->arcs[i].next)
		if (s->arcs[i].len == len && !memcmp(shape_text(s, &s->arcs[i]), bytes, len))
			return true;
	return false;
}

/* Of those of a state the last two are tried. */
static void link_joined(struct shape *s, uint16_t state, uint16_t number)
{
	struct shape_state *from = &s->states[state];

	if (from->joined)
		s->arcs[from->joined].next = from->first;
	s->arcs[number].next = shape_first(s, state);
	from->joined = number;
}

/* Bytes from a state on up to those of another arc, and these. Does nothing if there are such, or
 * no room. */
static void join(struct shape *s, uint16_t state, const char *bytes, size_t len,
	const struct shape_arc *last)
{
	struct shape_join *j = s->join;
	struct shape_arc arc = {
		.value = last->value, .is_asked = last->is_asked, .is_end = last->is_end};
	uint32_t number = SHAPE_ARCS_MAX + j->arc_count;

	if (j->arc_count == SHAPE_JOINED_MAX ||
		len + VECTOR_BYTES > SHAPE_JOINED_TEXT_MAX - j->text_len ||
		has_joined(s, state, bytes, len))
		return;
	j->text_len =
		shape_put_text(s, &arc, bytes, len, SHAPE_TEXT_MAX + j->text_len) - SHAPE_TEXT_MAX;
	s->steps[number] = (struct shape_step){.state = s->steps[last - s->arcs].state};
	s->arcs[number] = arc;
	j->arc_count++;
	link_joined(s, state, (uint16_t)number);
}

static bool stays(const struct shape *s, const struct held_value *v)
{
	return !v->differs && v->seen >= LINES_MIN && !s->arcs[v->arc].is_asked;
}

/* How many values from here on stay, with arcs that can be joined to one before the next value. */
static unsigned run_of(const struct shape *s, unsigned first)
{
	const struct shape_join *j = s->join;
	unsigned count = 0;
	size_t from = first ? j->values[first - 1].end : 0;

	while (first + count < j->value_count && stays(s, &j->values[first + count]) &&
		j->values[first + count].end - from < BYTES_MAX)
		count++;
	return count;
}

static void join_all(struct shape *s)
{
	const struct shape_join *j = s->join;
	unsigned first = 0, next;

	for (; first < j->value_count; first = next + 1) {
		uint16_t arc;

		next = first + run_of(s, first);
		arc = next < j->value_count ? j->values[next].arc : j->end;
		/* marks are of bytes of their own arcs */
		if (next > first && (!arc || s->arcs[arc].mark))
			arc = j->values[--next].arc;
		if (next > first) {
			size_t from = first ? j->values[first - 1].end : 0;
			size_t to = next < j->value_count ? j->values[next].at : j->len;
			uint16_t state = first ? s->steps[j->values[first - 1].arc].state : 0;

			join(s, state, j->line + from, to - from, &s->arcs[arc]);
		}
	}
	lead_on_all(s);
}

void shapejoin_look(struct shape *s, const char *line, size_t len)
{
	struct shape_join *j = s->join;

	s->join_in = 1;
	if (!j->left) {
		hold(s, line, len);
		j->left = LINES;
		return;
	}
	compare(s, line, len);
	if (--j->left)
		return;
	if (j->wait == WAIT_MAX) {
		drop_joined(s);
		j->wait = WAIT_FIRST;
	} else {
		j->wait *= WAIT_MORE;
	}
	join_all(s);
	s->join_in = j->wait;
}
