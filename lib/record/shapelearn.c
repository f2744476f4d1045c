#include "record/shapelearn.h"

#include <string.h>

#include "base/hash.h"
#include "record/shapejoin.h"
#include "record/token.h"

enum { LEVELS_MAX = 64, ARCS_OF_STATE_MAX = 16, MARKS_OF_ARC_MAX = 16 };

/* A line on its way through the graph. */
struct walk {
	struct shape *s;
	struct tokens t;
	const struct span *values;
	uint16_t state;
	unsigned level;
	unsigned array; /* the level inside the outermost array, 0: in none */
	uint64_t kinds;
	uint64_t places[LEVELS_MAX + 1]; /* of the member, or of the elements, on each level */
};

/* What is between two values of the line. */
struct gap {
	const char *from, *to;
	const char *out, *out_end; /* what of it is outside arrays; NULL if nothing is */
	struct shape_mark marks[MARKS_OF_ARC_MAX];
	unsigned mark_count;
};

void shape_forget(struct shape *s)
{
	/* goes nowhere: no line goes on with this byte and ends before it */
	s->arcs[0] = (struct shape_arc){.head = "x", .wanted = 1, .is_end = true};
	s->steps[0] = (struct shape_step){.state = 0};
	s->arc_count = 1;
	s->mark_count = 1;
	s->states[0] = (struct shape_state){.home = 0};
	s->state_count = 1;
	s->text_len = 0;
	memset(s->is_missing, 0, s->paths->count * sizeof(*s->is_missing));
	s->missing_count = 0;
	shapejoin_forget(s);
}

/* Reading a gap */

static uint64_t place_below(const struct walk *w, const char *key, size_t len)
{
	return hash_bytes(key, len) + 31 * w->places[w->level - 1];
}

static int16_t value_at(const struct walk *w, const char *at)
{
	for (uint32_t i = 0; i < w->s->paths->count; i++)
		if (w->values[i].type != SPAN_MISSING && w->values[i].at == at)
			return (int16_t)i;
	return SHAPE_NONE;
}

static int16_t container_ending_at(const struct walk *w, const char *at)
{
	for (uint32_t i = 0; i < w->s->paths->count; i++) {
		const struct span *v = &w->values[i];

		if ((v->type == SPAN_OBJECT || v->type == SPAN_ARRAY) && v->at + v->len == at + 1)
			return (int16_t)i;
	}
	return SHAPE_NONE;
}

static bool add_mark(struct gap *g, const char *at, int16_t value, bool is_end)
{
	if (value == SHAPE_NONE)
		return true;
	if (g->mark_count == MARKS_OF_ARC_MAX)
		return false;
	g->marks[g->mark_count++] = (struct shape_mark){
		.at = (uint16_t)(at - g->from), .value = value, .is_end = is_end};
	return true;
}

static bool enter(struct walk *w, struct gap *g, const char *p)
{
	uint64_t bit;

	if (w->level == LEVELS_MAX)
		return false;
	bit = (uint64_t)1 << w->level;
	w->kinds = *p == '{' ? w->kinds | bit : w->kinds & ~bit;
	w->level++;
	w->places[w->level] = place_below(w, p, 1);
	if (*p == '[' && !w->array && !w->s->has_elements) {
		w->array = w->level;
		g->out_end = p + 1;
	}
	return add_mark(g, p, value_at(w, p), false);
}

static bool leave(struct walk *w, struct gap *g, const char *p)
{
	if (w->level == w->array) {
		w->array = 0;
		g->out = g->out ? g->out : p;
	}
	w->level--;
	w->kinds &= ((uint64_t)1 << w->level) - 1;
	return add_mark(g, p, container_ending_at(w, p), true);
}

/* From g->from to the next value or the end of the line; false if it can't be kept. A string is no
 * value if a colon follows. */
static bool read_gap(struct walk *w, struct gap *g)
{
	const char *p = g->from, *end, *behind;

	for (;; p++) {
		switch (*p) {
		case '{':
		case '[':
			if (!enter(w, g, p))
				return false;
			break;
		case '}':
		case ']':
			if (!leave(w, g, p))
				return false;
			break;
		case ',':
		case ':':
		case ' ':
		case '\t':
		case '\r':
			break;
		case '"':
			end = token_string(&w->t, p + 1);
			behind = token_space(end + 1);
			if (*behind == ':') {
				w->places[w->level] = place_below(w, p, (size_t)(end - p));
				p = behind;
				break;
			}
			/* fall through */
		default:
			g->to = p;
			return true;
		}
	}
}

/* Arcs */

static bool same_mark(
	const struct shape_mark *a, size_t a_from, const struct shape_mark *b, size_t b_from)
{
	return a->at - a_from == b->at - b_from && a->value == b->value && a->is_end == b->is_end;
}

/* Whether the marks among so many bytes from a place of each are the same. */
static bool same_marks(const struct shape *s, const struct shape_arc *arc, size_t arc_from,
	const struct gap *g, size_t gap_from, size_t len)
{
	const struct shape_mark *m = arc->mark ? &s->marks[arc->mark] : NULL;
	unsigned i = 0;

	while (m && m->at < arc_from)
		m = m->is_last ? NULL : m + 1;
	while (i < g->mark_count && g->marks[i].at < gap_from)
		i++;
	while (m && m->at < arc_from + len && i < g->mark_count &&
		g->marks[i].at < gap_from + len) {
		if (!same_mark(m, arc_from, &g->marks[i], gap_from))
			return false;
		m = m->is_last ? NULL : m + 1;
		i++;
	}
	return (!m || m->at >= arc_from + len) &&
	       (i == g->mark_count || g->marks[i].at >= gap_from + len);
}

static const struct shape_arc *find_arc(const struct walk *w, const struct gap *g)
{
	const struct shape *s = w->s;
	size_t len = (size_t)(g->to - g->from);

	for (uint16_t i = s->states[w->state].first; i; i = s->arcs[i].next)
		if (s->arcs[i].len == len && !memcmp(shape_text(s, &s->arcs[i]), g->from, len))
			return &s->arcs[i];
	return NULL;
}

/* The arc that goes the same way outside arrays. */
static const struct shape_arc *find_step(
	const struct shape *s, uint16_t from, const char *out, size_t len)
{
	for (uint32_t i = 1; i < s->arc_count; i++) {
		const struct shape_step *step = &s->steps[i];

		if (step->len == len && step->from == from &&
			!memcmp(shape_text(s, &s->arcs[i]) + step->at, out, len))
			return &s->arcs[i];
	}
	return NULL;
}

static uint16_t new_state(struct shape *s, struct shape_state state)
{
	s->states[s->state_count] = state;
	return (uint16_t)s->state_count++;
}

/* The state of a value in an array: that the kinds are the same is what makes a line JSON, the
 * hash of the keys is for speed only. */
static uint16_t state_inside(const struct walk *w, uint16_t home)
{
	struct shape_state want = {.home = home,
		.level = (uint16_t)w->level,
		.kinds = w->kinds,
		.place = w->places[w->level]};

	for (uint32_t i = 1; i < w->s->state_count; i++) {
		const struct shape_state *have = &w->s->states[i];

		if (have->home == home && have->level == want.level && have->kinds == want.kinds &&
			have->place == want.place)
			return (uint16_t)i;
	}
	return new_state(w->s, want);
}

uint32_t shape_put_text(
	struct shape *s, struct shape_arc *arc, const char *bytes, size_t len, uint32_t place)
{
	memcpy(s->text + place, bytes, len);
	arc->text = (uint16_t)(place / VECTOR_BYTES);
	arc->len = (uint16_t)len;
	arc->wanted = (uint16_t)(len < VECTOR_BYTES ? (1u << len) - 1 : 0xffff);
	memcpy(arc->head, bytes, len < VECTOR_BYTES ? len : VECTOR_BYTES);
	arc->is_short = len <= VECTOR_BYTES && !arc->is_end;
	return place + (uint32_t)((len + VECTOR_BYTES - 1) / VECTOR_BYTES * VECTOR_BYTES);
}

static void keep_bytes(struct shape *s, struct shape_arc *arc, const struct gap *g)
{
	s->text_len = shape_put_text(s, arc, g->from, (size_t)(g->to - g->from), s->text_len);
	if (!g->mark_count)
		return;
	arc->mark = (uint16_t)s->mark_count;
	memcpy(&s->marks[s->mark_count], g->marks, g->mark_count * sizeof(*g->marks));
	s->mark_count += g->mark_count;
	s->marks[s->mark_count - 1].is_last = true;
}

/* Where an arc leads outside arrays: the same way has the same end, and the same values on it. */
static bool set_step(const struct walk *w, const struct gap *g, const struct shape_arc *arc,
	struct shape_step *step)
{
	struct shape *s = w->s;
	uint16_t home = s->states[w->state].home;
	const struct shape_arc *other;
	const struct shape_step *way;

	*step = (struct shape_step){.from = home ? home : w->state,
		.at = (uint16_t)(g->out - g->from),
		.len = (uint16_t)(g->out_end - g->out)};
	other = find_step(s, step->from, g->out, step->len);
	if (!other) {
		step->to = g->to == w->t.end ? 0 : new_state(s, (struct shape_state){.home = 0});
		return true;
	}
	way = &s->steps[other - s->arcs];
	step->to = way->to;
	return (w->array || other->value == arc->value) &&
	       same_marks(s, other, way->at, g, step->at, step->len);
}

/* One more arc from a state; if it is the first one, all that lead to the state lead to it. */
static void link_arc(struct shape *s, uint16_t state, uint16_t arc)
{
	struct shape_state *from = &s->states[state];

	from->arc_count++;
	if (from->first) {
		s->arcs[from->last].next = arc;
		from->last = arc;
		return;
	}
	from->first = from->last = arc;
	for (uint32_t i = 0; i < s->arc_count; i++)
		if (s->steps[i].state == state && (!i || !s->arcs[i].is_end))
			s->arcs[i].then = arc;
}

static bool has_room(const struct shape *s, const struct gap *g)
{
	size_t len = (size_t)(g->to - g->from);

	/* an arc may make two states: an array, and a value in it */
	return s->arc_count < SHAPE_ARCS_MAX && s->state_count + 2 <= SHAPE_STATES_MAX &&
	       len + VECTOR_BYTES <= SHAPE_TEXT_MAX - s->text_len &&
	       g->mark_count <= SHAPE_MARKS_MAX - s->mark_count;
}

static bool add_arc(struct walk *w, const struct gap *g, int16_t value)
{
	struct shape *s = w->s;
	const struct shape_state *from = &s->states[w->state];
	struct shape_arc arc = {.value = value, .is_end = g->to == w->t.end};
	struct shape_step step = {.state = 0};

	if (!has_room(s, g))
		shape_forget(s);
	else if (from->arc_count < ARCS_OF_STATE_MAX && (!g->out || set_step(w, g, &arc, &step))) {
		if (!arc.is_end)
			step.state =
				w->array ? state_inside(w, g->out ? step.to : from->home) : step.to;
		keep_bytes(s, &arc, g);
		arc.is_asked = arc.mark || value != SHAPE_NONE;
		arc.then = shape_first(s, step.state);
		s->steps[s->arc_count] = step;
		s->arcs[s->arc_count] = arc;
		link_arc(s, w->state, (uint16_t)s->arc_count++);
		w->state = step.state;
		return true;
	}
	return false;
}

/* From one value to the next; false if the line can't be kept. */
static bool go(struct walk *w, struct gap *g)
{
	const struct shape_arc *arc;
	int16_t value = SHAPE_NONE;

	g->out = w->array ? NULL : g->from;
	if (!read_gap(w, g))
		return false;
	if (!w->array)
		g->out_end = g->to;
	if (g->to != w->t.end)
		value = value_at(w, g->to + (*g->to == '"'));
	arc = find_arc(w, g);
	if (!arc)
		return add_arc(w, g, value);
	w->state = w->s->steps[arc - w->s->arcs].state;
	return arc->value == value && same_marks(w->s, arc, 0, g, 0, arc->len);
}

static void learn_missing(struct shape *s, const struct span *values)
{
	for (uint32_t i = 0; i < s->paths->count; i++) {
		if (values[i].type != SPAN_MISSING || s->is_missing[i])
			continue;
		s->is_missing[i] = true;
		s->missing[s->missing_count++] = (uint16_t)i;
	}
}

void shape_learn(struct shape *s, const char *line, size_t len, const struct span *values)
{
	struct walk w = {.s = s, .t.end = line + len, .values = values};
	struct gap g = {.from = line};

	if (*token_space(line) != '{' && *token_space(line) != '[')
		return;
	learn_missing(s, values);
	while (go(&w, &g) && g.to != w.t.end) {
		const char *behind = token_scalar(&w.t, g.to);

		g = (struct gap){.from = behind};
	}
}
