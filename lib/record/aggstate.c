#include "record/aggstate.h"

#include "base/compact.h"

static const size_t bytes[] = {
	[AGGREGATE_COUNT] = sizeof(uint64_t),
	[AGGREGATE_SUM] = sizeof(struct sum_state),
	[AGGREGATE_AVG] = sizeof(struct sum_state),
	[AGGREGATE_STDDEV] = sizeof(struct moments),
	[AGGREGATE_MIN] = sizeof(struct extreme_state),
	[AGGREGATE_MAX] = sizeof(struct extreme_state),
	[AGGREGATE_ARGMIN] = sizeof(struct extreme),
	[AGGREGATE_ARGMAX] = sizeof(struct extreme),
	[AGGREGATE_FIRST] = sizeof(struct samples),
	[AGGREGATE_LAST] = sizeof(struct samples),
	[AGGREGATE_COLLECT] = sizeof(struct samples),
	[AGGREGATE_TOP] = sizeof(struct top),
	[AGGREGATE_DISTINCT] = sizeof(struct distinct),
	[AGGREGATE_QUANTILE] = sizeof(struct quantile),
	[AGGREGATE_MERGE] = sizeof(struct merge_state),
};

size_t aggstate_bytes(enum aggregate_kind kind)
{
	return (bytes[kind] + 7) & ~(size_t)7;
}

static struct samples_rule rule_of(const struct aggregate *g)
{
	return (struct samples_rule){
		.side = g->kind == AGGREGATE_LAST ? SAMPLES_LAST : SAMPLES_FIRST,
		.limit = g->limit,
	};
}

size_t aggstate_heap(const struct aggregate *g, const void *at)
{
	const struct merge_state *m = at;

	switch (g->kind) {
	case AGGREGATE_COUNT:
	case AGGREGATE_SUM:
	case AGGREGATE_AVG:
	case AGGREGATE_STDDEV:
	case AGGREGATE_MIN:
	case AGGREGATE_MAX:
		return 0;
	case AGGREGATE_ARGMIN:
	case AGGREGATE_ARGMAX:
		return extreme_bytes(at);
	case AGGREGATE_FIRST:
	case AGGREGATE_LAST:
	case AGGREGATE_COLLECT:
		return samples_bytes(at);
	case AGGREGATE_TOP:
		return top_bytes(at);
	case AGGREGATE_DISTINCT:
		return distinct_bytes(at);
	case AGGREGATE_QUANTILE:
		return quantile_bytes(at);
	case AGGREGATE_MERGE:
		return distinct_bytes(&m->distinct) + quantile_bytes(&m->quantile);
	}
	return 0;
}

/* sign is 1 for the largest, -1 for the smallest; of equal ones the first stays. */
static void add_extreme(struct extreme_state *s, const struct decimal *value, int sign)
{
	if (!s->count++ || decimal_compare(value, &s->value) * sign > 0)
		s->value = *value;
}

void aggstate_apply(const struct aggregate *g, void *at, int64_t time_ns, uint64_t sequence)
{
	const struct aggregate_input *in = &g->input;
	const struct samples_rule rule = rule_of(g);
	struct merge_state *m = at;
	struct sample sample = {
		.time_ns = time_ns,
		.sequence = sequence,
		.bytes = in->text.data,
		.len = in->text.len,
	};

	switch (g->kind) {
	case AGGREGATE_COUNT:
		++*(uint64_t *)at;
		break;
	case AGGREGATE_SUM:
	case AGGREGATE_AVG:
		aggstate_add_sum(at, &in->number);
		break;
	case AGGREGATE_STDDEV:
		moments_add(at, &in->number);
		break;
	case AGGREGATE_MIN:
		add_extreme(at, &in->number, -1);
		break;
	case AGGREGATE_MAX:
		add_extreme(at, &in->number, 1);
		break;
	case AGGREGATE_ARGMIN:
		extreme_add(at, EXTREME_LEAST, &in->number, &sample);
		break;
	case AGGREGATE_ARGMAX:
		extreme_add(at, EXTREME_GREATEST, &in->number, &sample);
		break;
	case AGGREGATE_FIRST:
	case AGGREGATE_LAST:
	case AGGREGATE_COLLECT:
		samples_add(at, &rule, &sample);
		break;
	case AGGREGATE_TOP:
		top_add(at, TOP_LIMIT_DEFAULT, in->text.data, in->text.len);
		break;
	case AGGREGATE_DISTINCT:
		distinct_add(at, in->text.data, in->text.len);
		break;
	case AGGREGATE_QUANTILE:
		quantile_add(at, decimal_to_double(&in->number));
		break;
	case AGGREGATE_MERGE:
		distinct_merge(&m->distinct, &in->distinct);
		quantile_merge(&m->quantile, &in->quantile);
		break;
	}
}

static void merge_sum(struct sum_state *into, const struct sum_state *from)
{
	struct decimal total;

	if (!from->count)
		return;
	if (!into->count) {
		*into = *from;
		return;
	}
	if (decimal_sum_value(&from->sum, &total))
		into->sum = from->sum; /* beyond all numbers, and stays so */
	else
		decimal_sum_add(&into->sum, &total);
	into->count += from->count;
}

static void merge_extreme(struct extreme_state *into, const struct extreme_state *from, int sign)
{
	uint64_t count = into->count + from->count;

	if (from->count)
		add_extreme(into, &from->value, sign);
	into->count = count;
}

void aggstate_merge(const struct aggregate *g, void *at, const void *from)
{
	const struct samples_rule rule = rule_of(g);
	const struct merge_state *m = from;

	switch (g->kind) {
	case AGGREGATE_COUNT:
		*(uint64_t *)at += *(const uint64_t *)from;
		break;
	case AGGREGATE_SUM:
	case AGGREGATE_AVG:
		merge_sum(at, from);
		break;
	case AGGREGATE_STDDEV:
		moments_merge(at, from);
		break;
	case AGGREGATE_MIN:
		merge_extreme(at, from, -1);
		break;
	case AGGREGATE_MAX:
		merge_extreme(at, from, 1);
		break;
	case AGGREGATE_ARGMIN:
		extreme_merge(at, EXTREME_LEAST, from);
		break;
	case AGGREGATE_ARGMAX:
		extreme_merge(at, EXTREME_GREATEST, from);
		break;
	case AGGREGATE_FIRST:
	case AGGREGATE_LAST:
	case AGGREGATE_COLLECT:
		samples_merge(at, &rule, from);
		break;
	case AGGREGATE_TOP:
		top_merge(at, TOP_LIMIT_DEFAULT, from);
		break;
	case AGGREGATE_DISTINCT:
		distinct_merge(at, from);
		break;
	case AGGREGATE_QUANTILE:
		quantile_merge(at, from);
		break;
	case AGGREGATE_MERGE:
		distinct_merge(&((struct merge_state *)at)->distinct, &m->distinct);
		quantile_merge(&((struct merge_state *)at)->quantile, &m->quantile);
		break;
	}
}

void aggstate_release(const struct aggregate *g, void *at)
{
	struct merge_state *m = at;

	switch (g->kind) {
	case AGGREGATE_COUNT:
	case AGGREGATE_SUM:
	case AGGREGATE_AVG:
	case AGGREGATE_STDDEV:
	case AGGREGATE_MIN:
	case AGGREGATE_MAX:
		break;
	case AGGREGATE_ARGMIN:
	case AGGREGATE_ARGMAX:
		extreme_release(at);
		break;
	case AGGREGATE_FIRST:
	case AGGREGATE_LAST:
	case AGGREGATE_COLLECT:
		samples_release(at);
		break;
	case AGGREGATE_TOP:
		top_release(at);
		break;
	case AGGREGATE_DISTINCT:
		distinct_release(at);
		break;
	case AGGREGATE_QUANTILE:
		quantile_release(at);
		break;
	case AGGREGATE_MERGE:
		distinct_release(&m->distinct);
		quantile_release(&m->quantile);
		break;
	}
}

static void pack_sum(const struct sum_state *s, struct buf *to)
{
	compact_add(to, s->count);
	if (s->count)
		decimal_sum_pack(&s->sum, to);
}

static void pack_extreme(const struct extreme_state *s, struct buf *to)
{
	compact_add(to, s->count);
	if (s->count)
		decimal_pack(&s->value, to);
}

void aggstate_pack(const struct aggregate *g, const void *at, struct buf *to)
{
	const struct merge_state *m = at;

	switch (g->kind) {
	case AGGREGATE_COUNT:
		compact_add(to, *(const uint64_t *)at);
		break;
	case AGGREGATE_SUM:
	case AGGREGATE_AVG:
		pack_sum(at, to);
		break;
	case AGGREGATE_STDDEV:
		moments_pack(at, to);
		break;
	case AGGREGATE_MIN:
	case AGGREGATE_MAX:
		pack_extreme(at, to);
		break;
	case AGGREGATE_ARGMIN:
	case AGGREGATE_ARGMAX:
		extreme_pack(at, to);
		break;
	case AGGREGATE_FIRST:
	case AGGREGATE_LAST:
	case AGGREGATE_COLLECT:
		samples_pack(at, to);
		break;
	case AGGREGATE_TOP:
		top_pack(at, to);
		break;
	case AGGREGATE_DISTINCT:
		distinct_pack(at, to);
		break;
	case AGGREGATE_QUANTILE:
		quantile_pack(at, to);
		break;
	case AGGREGATE_MERGE:
		if (g->has_at)
			quantile_pack(&m->quantile, to);
		else
			distinct_pack(&m->distinct, to);
		break;
	}
}

static bool unpack_sum(struct sum_state *s, const char **from, const char *end)
{
	return compact_take(from, end, &s->count) &&
	       (!s->count || decimal_sum_unpack(&s->sum, from, end));
}

static bool unpack_extreme(struct extreme_state *s, const char **from, const char *end)
{
	return compact_take(from, end, &s->count) &&
	       (!s->count || decimal_unpack(&s->value, from, end));
}

bool aggstate_unpack(const struct aggregate *g, void *at, const char **from, const char *end)
{
	struct merge_state *m = at;

	switch (g->kind) {
	case AGGREGATE_COUNT:
		return compact_take(from, end, at);
	case AGGREGATE_SUM:
	case AGGREGATE_AVG:
		return unpack_sum(at, from, end);
	case AGGREGATE_STDDEV:
		return moments_unpack(at, from, end);
	case AGGREGATE_MIN:
	case AGGREGATE_MAX:
		return unpack_extreme(at, from, end);
	case AGGREGATE_ARGMIN:
	case AGGREGATE_ARGMAX:
		return extreme_unpack(at, from, end);
	case AGGREGATE_FIRST:
	case AGGREGATE_LAST:
	case AGGREGATE_COLLECT:
		return samples_unpack(at, from, end) && samples_count(at) <= g->limit;
	case AGGREGATE_TOP:
		return top_unpack(at, from, end);
	case AGGREGATE_DISTINCT:
		return distinct_unpack(at, from, end);
	case AGGREGATE_QUANTILE:
		return quantile_unpack(at, from, end);
	case AGGREGATE_MERGE:
		return g->has_at ? quantile_unpack(&m->quantile, from, end)
				 : distinct_unpack(&m->distinct, from, end);
	}
	return false;
}

bool aggstate_is_inexact(const struct aggregate *g, const void *at)
{
	bool is_sum = g->kind == AGGREGATE_SUM || g->kind == AGGREGATE_AVG;

	return is_sum && ((const struct sum_state *)at)->sum.is_double;
}
