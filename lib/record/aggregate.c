#include "record/aggregate.h"

#include <stdlib.h>
#include <string.h>

#include "base/compact.h"
#include "record/aggparse.h"
#include "record/aggprint.h"
#include "record/aggstate.h"
#include "record/text.h"
#include "record/value.h"

/* The first and the last event time. */
struct range_state {
	int64_t first_ns;
	int64_t last_ns;
	bool is_there;
};

/* Where its number stands, if it stands in a field; else -1. */
static int number_at(const struct aggregate *g)
{
	switch (g->kind) {
	case AGGREGATE_SUM:
	case AGGREGATE_AVG:
	case AGGREGATE_STDDEV:
	case AGGREGATE_MIN:
	case AGGREGATE_MAX:
	case AGGREGATE_QUANTILE:
		return g->value ? expr_path(g->value) : -1;
	default:
		return -1;
	}
}

const char *aggregates_compile(
	struct aggregates *a, const char *list, struct paths *paths, size_t *column)
{
	const char *why = aggparse_list(a, list, paths, column);

	for (size_t i = 0; i < a->count; i++) {
		a->list[i].number_at = number_at(&a->list[i]);
		a->list[i].input.is_there = !a->list[i].value;
		a->list[i].offset = a->state_bytes;
		a->list[i].has_heap = aggstate_has_heap(a->list[i].kind);
		a->has_heap |= a->list[i].has_heap;
		a->state_bytes += aggstate_bytes(a->list[i].kind);
	}
	return why;
}

void aggregates_release(struct aggregates *a)
{
	for (size_t i = 0; i < a->count; i++) {
		struct aggregate *g = &a->list[i];

		free(g->name);
		free(g->argument);
		expr_free(g->value);
		expr_free(g->other);
		buf_release(&g->input.text);
		distinct_release(&g->input.distinct);
		quantile_release(&g->input.quantile);
	}
	*a = (struct aggregates){0};
}

void aggregates_keep_range(struct aggregates *a)
{
	a->has_range = true;
	a->range_offset = a->state_bytes;
	a->state_bytes += sizeof(struct range_state);
}

/* Reading a record */

static bool is_absent(const struct value *v)
{
	return v->type == VALUE_MISSING || v->type == VALUE_NULL;
}

static bool number_from_text(const struct value *v, struct decimal *number)
{
	const char *from = v->text, *end = v->text + v->len;

	while (from < end && (*from == ' ' || *from == '\t'))
		from++;
	while (end > from && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return decimal_is_number(from, (size_t)(end - from)) &&
	       !decimal_parse(number, from, (size_t)(end - from));
}

static const char *read_number(
	const struct aggregates *a, struct aggregate_input *in, const struct value *v)
{
	in->is_there = true;
	if (v->type == VALUE_NUMBER) {
		in->number = v->number;
		return NULL;
	}
	if (v->type == VALUE_STRING && a->is_lenient && number_from_text(v, &in->number))
		return NULL;
	return "not_a_number";
}

/* A number in a field needs no expression. */
static const char *read_field(struct aggregate_input *in, const struct span *number)
{
	in->is_there = true;
	return decimal_parse_padded(&in->number, number->at, number->len) ? "not_a_number" : NULL;
}

/* Values are kept as JSON in which equal ones are the same bytes. */
static void read_text(struct aggregate_input *in, const struct value *v)
{
	buf_clear(&in->text);
	if (v->type == VALUE_STRING)
		text_quote(&in->text, v->text, v->len);
	else
		value_print(&in->text, v);
	in->is_there = true;
}

static const char *read_sketch(
	const struct aggregate *g, struct aggregate_input *in, const struct value *v)
{
	const char *why = "not a string";

	distinct_release(&in->distinct);
	quantile_release(&in->quantile);
	if (v->type == VALUE_STRING)
		why = g->has_at ? quantile_parse(&in->quantile, v->text, v->len)
				: distinct_parse(&in->distinct, v->text, v->len);
	in->is_there = true;
	return why ? "not_a_sketch" : NULL;
}

/* What argmin and argmax give: the measure comes first, as a value stands until the next one. */
static const char *read_best(const struct aggregates *a, struct aggregate *g,
	const struct value *measure, const struct span *values, const char *record, size_t len)
{
	const char *why = read_number(a, &g->input, measure);

	if (why)
		return why;
	buf_clear(&g->input.text);
	if (g->other)
		value_print(&g->input.text, expr_eval(g->other, values));
	else
		buf_add(&g->input.text, record, len);
	return NULL;
}

/* Apart, as apply_any is: a number in a field then takes no call that saves registers for these. */
static __attribute__((noinline)) const char *read_any(const struct aggregates *a,
	struct aggregate *g, const struct span *values, const char *record, size_t len)
{
	const struct value *v = expr_eval(g->value, values);

	g->input.is_there = false;
	if (is_absent(v))
		return NULL;
	switch (g->kind) {
	case AGGREGATE_COUNT:
		g->input.is_there = v->type != VALUE_FALSE;
		return NULL;
	case AGGREGATE_SUM:
	case AGGREGATE_AVG:
	case AGGREGATE_STDDEV:
	case AGGREGATE_MIN:
	case AGGREGATE_MAX:
	case AGGREGATE_QUANTILE:
		return read_number(a, &g->input, v);
	case AGGREGATE_ARGMIN:
	case AGGREGATE_ARGMAX:
		return read_best(a, g, v, values, record, len);
	case AGGREGATE_FIRST:
	case AGGREGATE_LAST:
	case AGGREGATE_COLLECT:
	case AGGREGATE_TOP:
	case AGGREGATE_DISTINCT:
		read_text(&g->input, v);
		return NULL;
	case AGGREGATE_MERGE:
		return read_sketch(g, &g->input, v);
	}
	return NULL;
}

const char *aggregates_read(struct aggregates *a, const struct span *values, const char *record,
	size_t len, size_t *which)
{
	for (size_t i = 0; i < a->count; i++) {
		struct aggregate *g = &a->list[i];
		const char *why = NULL;

		if (g->number_at >= 0 && values[g->number_at].type == SPAN_NUMBER)
			why = read_field(&g->input, &values[g->number_at]);
		else if (g->value)
			why = read_any(a, g, values, record, len);
		if (why) {
			*which = i;
			return why;
		}
	}
	return NULL;
}

/* States */

/* Kept for the command to say, as a result does not show it. */
static void note_inexact(struct aggregates *a, struct aggregate *g, const void *at)
{
	if (g->is_inexact || !aggstate_is_inexact(g, at))
		return;
	g->is_inexact = true;
	a->has_inexact = true;
}

const char *aggregates_inexact(struct aggregates *a)
{
	a->has_inexact = false;
	for (size_t i = 0; i < a->count; i++)
		if (a->list[i].is_inexact && !a->list[i].is_told) {
			a->list[i].is_told = true;
			a->has_inexact = true;
			return a->list[i].name;
		}
	return NULL;
}

static void widen(struct range_state *r, int64_t first_ns, int64_t last_ns)
{
	if (!r->is_there || first_ns < r->first_ns)
		r->first_ns = first_ns;
	if (!r->is_there || last_ns > r->last_ns)
		r->last_ns = last_ns;
	r->is_there = true;
}

static void *part(void *state, size_t offset)
{
	return (char *)state + offset;
}

static const void *part_of(const void *state, size_t offset)
{
	return (const char *)state + offset;
}

/* So many bytes more; what is less wraps around. */
static void count_heap(struct aggregates *a, struct aggregate *g, size_t bytes)
{
	g->heap_bytes += bytes;
	a->heap_bytes += bytes;
}

static __attribute__((noinline)) void apply_any(
	struct aggregates *a, struct aggregate *g, void *at, int64_t time_ns)
{
	size_t before = g->has_heap ? aggstate_heap(g, at) : 0;

	aggstate_apply(g, at, time_ns, a->sequence);
	note_inexact(a, g, at);
	if (g->has_heap)
		count_heap(a, g, aggstate_heap(g, at) - before);
}

static inline void apply_sum(struct aggregates *a, struct aggregate *g, struct sum_state *s)
{
	aggstate_add_sum(s, &g->input.number);
	if (s->sum.is_double)
		note_inexact(a, g, s);
}

void aggregates_apply(struct aggregates *a, void *state, int64_t time_ns)
{
	a->sequence++;
	for (size_t i = 0; i < a->count; i++) {
		struct aggregate *g = &a->list[i];
		void *at = part(state, g->offset);

		if (!g->input.is_there)
			continue;
		if (g->kind == AGGREGATE_COUNT)
			++*(uint64_t *)at;
		else if (g->kind == AGGREGATE_SUM)
			apply_sum(a, g, at);
		else
			apply_any(a, g, at, time_ns);
	}
	if (a->has_range)
		widen(part(state, a->range_offset), time_ns, time_ns);
}

void aggregates_merge(struct aggregates *a, void *into, const void *from)
{
	const struct range_state *r = part_of(from, a->range_offset);

	for (size_t i = 0; i < a->count; i++) {
		struct aggregate *g = &a->list[i];
		void *at = part(into, g->offset);
		size_t before = aggstate_heap(g, at);

		aggstate_merge(g, at, part_of(from, g->offset));
		note_inexact(a, g, at);
		count_heap(a, g, aggstate_heap(g, at) - before);
	}
	if (a->has_range && r->is_there)
		widen(part(into, a->range_offset), r->first_ns, r->last_ns);
}

void aggregates_clear(struct aggregates *a, void *state)
{
	for (size_t i = 0; a->has_heap && i < a->count; i++) {
		struct aggregate *g = &a->list[i];
		void *at = part(state, g->offset);

		count_heap(a, g, 0 - aggstate_heap(g, at));
		aggstate_release(g, at);
	}
	memset(state, 0, a->state_bytes);
}

bool aggregates_range(
	const struct aggregates *a, const void *state, int64_t *first_ns, int64_t *last_ns)
{
	const struct range_state *r = part_of(state, a->range_offset);

	if (!a->has_range || !r->is_there)
		return false;
	*first_ns = r->first_ns;
	*last_ns = r->last_ns;
	return true;
}

/* The length of the range wraps around, as it may not fit into 63 bits. */
static void pack_range(const struct range_state *r, struct buf *to)
{
	buf_char(to, r->is_there);
	if (!r->is_there)
		return;
	compact_add_signed(to, r->first_ns);
	compact_add(to, (uint64_t)r->last_ns - (uint64_t)r->first_ns);
}

static bool unpack_range(struct range_state *r, const char **from, const char *end)
{
	uint64_t is_there, length;

	if (!compact_take(from, end, &is_there) || is_there > 1)
		return false;
	if (!is_there)
		return true;
	if (!compact_take_signed(from, end, &r->first_ns) || !compact_take(from, end, &length))
		return false;
	r->last_ns = (int64_t)((uint64_t)r->first_ns + length);
	r->is_there = true;
	return r->first_ns <= r->last_ns;
}

void aggregates_pack(const struct aggregates *a, const void *state, struct buf *to)
{
	for (size_t i = 0; i < a->count; i++)
		aggstate_pack(&a->list[i], part_of(state, a->list[i].offset), to);
	if (a->has_range)
		pack_range(part_of(state, a->range_offset), to);
}

static bool unpack_all(struct aggregates *a, void *state, const char *from, const char *end)
{
	for (size_t i = 0; i < a->count; i++)
		if (!aggstate_unpack(&a->list[i], part(state, a->list[i].offset), &from, end))
			return false;
	return (!a->has_range || unpack_range(part(state, a->range_offset), &from, end)) &&
	       from == end;
}

bool aggregates_unpack(struct aggregates *a, void *state, const char *bytes, size_t len)
{
	bool good = unpack_all(a, state, bytes, bytes + len);

	for (size_t i = 0; i < a->count; i++) {
		struct aggregate *g = &a->list[i];

		count_heap(a, g, aggstate_heap(g, part(state, g->offset)));
	}
	if (!good)
		aggregates_clear(a, state);
	return good;
}

const char *aggregates_print(
	const struct aggregates *a, size_t i, const void *state, struct buf *to)
{
	const struct aggregate *g = &a->list[i];

	return aggprint_result(g, part_of(state, g->offset), a->gives_sketches, to);
}
