#include "record/aggprint.h"

#include <stdlib.h>

#include "base/mem.h"

static const char *print_null(struct buf *to)
{
	buf_text(to, "null");
	return NULL;
}

static const char *print_number(struct buf *to, const char *why, const struct decimal *value)
{
	if (!why)
		to->len += decimal_print(buf_reserve(to, DECIMAL_TEXT_MAX), value);
	return why;
}

static const char *print_double(struct buf *to, double number)
{
	struct decimal value;
	const char *why = decimal_from_double(&value, number);

	return print_number(to, why, &value);
}

static const char *print_sum(const struct aggregate *g, const struct sum_state *s, struct buf *to)
{
	struct decimal value;
	const char *why;

	if (!s->count)
		return print_null(to);
	why = g->kind == AGGREGATE_SUM ? decimal_sum_value(&s->sum, &value)
				       : decimal_sum_average(&s->sum, s->count, &value);
	return print_number(to, why, &value);
}

static const char *print_stddev(const struct moments *m, struct buf *to)
{
	double stddev;
	const char *why;

	if (m->count < 2)
		return print_null(to);
	why = moments_stddev(m, &stddev);
	return why ? why : print_double(to, stddev);
}

static const char *print_sample(const struct sample *s, struct buf *to)
{
	buf_add(to, s->bytes, s->len);
	return NULL;
}

static const char *print_samples(const struct aggregate *g, const struct samples *s, struct buf *to)
{
	size_t count = samples_count(s);

	if (!g->is_list)
		return count ? print_sample(samples_at(s, 0), to) : print_null(to);
	buf_char(to, '[');
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_char(to, ',');
		print_sample(samples_at(s, i), to);
	}
	buf_char(to, ']');
	return NULL;
}

static void print_top(const struct aggregate *g, const struct top *t, struct buf *to)
{
	struct top_item *items = mem_zero(g->limit, sizeof(*items));
	size_t count = top_list(t, items, g->limit);

	buf_char(to, '[');
	for (size_t i = 0; i < count; i++) {
		buf_text(to, i ? ",{\"value\":" : "{\"value\":");
		buf_add(to, items[i].bytes, items[i].len);
		buf_format(to, ",\"count\":%llu", (unsigned long long)items[i].count);
		if (items[i].error)
			buf_format(to, ",\"error\":%llu", (unsigned long long)items[i].error);
		buf_char(to, '}');
	}
	buf_char(to, ']');
	free(items);
}

static const char *print_distinct(const struct distinct *d, bool as_sketch, struct buf *to)
{
	if (!as_sketch) {
		buf_number(to, distinct_count(d));
		return NULL;
	}
	buf_char(to, '"');
	distinct_print(d, to);
	buf_char(to, '"');
	return NULL;
}

static const char *print_quantile(
	const struct aggregate *g, const struct quantile *q, bool as_sketch, struct buf *to)
{
	if (!quantile_count(q))
		return print_null(to);
	if (!as_sketch)
		return print_double(to, quantile_at(q, &g->at));
	buf_char(to, '"');
	quantile_print(q, to);
	buf_char(to, '"');
	return NULL;
}

const char *aggprint_result(
	const struct aggregate *g, const void *at, bool as_sketch, struct buf *to)
{
	const struct merge_state *m = at;
	const struct extreme_state *x = at;
	const struct extreme *e = at;

	switch (g->kind) {
	case AGGREGATE_COUNT:
		buf_number(to, *(const uint64_t *)at);
		return NULL;
	case AGGREGATE_SUM:
	case AGGREGATE_AVG:
		return print_sum(g, at, to);
	case AGGREGATE_STDDEV:
		return print_stddev(at, to);
	case AGGREGATE_MIN:
	case AGGREGATE_MAX:
		return x->count ? print_number(to, NULL, &x->value) : print_null(to);
	case AGGREGATE_ARGMIN:
	case AGGREGATE_ARGMAX:
		return e->best ? print_sample(&e->best->sample, to) : print_null(to);
	case AGGREGATE_FIRST:
	case AGGREGATE_LAST:
	case AGGREGATE_COLLECT:
		return print_samples(g, at, to);
	case AGGREGATE_TOP:
		print_top(g, at, to);
		return NULL;
	case AGGREGATE_DISTINCT:
		return print_distinct(at, as_sketch, to);
	case AGGREGATE_QUANTILE:
		return print_quantile(g, at, as_sketch, to);
	case AGGREGATE_MERGE:
		return g->has_at ? print_quantile(g, &m->quantile, as_sketch, to)
				 : print_distinct(&m->distinct, as_sketch, to);
	}
	return NULL;
}
