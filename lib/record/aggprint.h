/* The result of an aggregate, as JSON. */
#ifndef AGGPRINT_H
#define AGGPRINT_H

#include "base/decimalprint.h"
#include "record/aggstate.h"

/* Appends it: null where no value came; as_sketch: distinct and quantile give what merge takes. A
 * static reason if it is beyond all numbers. */
const char *aggprint_result(
	const struct aggregate *g, const void *at, bool as_sketch, struct buf *to);

/* The same of a count and of a sum of few digits, which most are, written where that many bytes
 * are: returns what is behind it. NULL: it is another. */
static inline char *aggprint_few(
	char to[DECIMAL_TEXT_MAX], const struct aggregate *g, const void *at)
{
	const struct sum_state *s = at;
	struct decimal sum;

	if (g->kind == AGGREGATE_COUNT)
		return digits_put(to, *(const uint64_t *)at, 1);
	if (g->kind != AGGREGATE_SUM || !s->count || decimal_sum_value(&s->sum, &sum))
		return NULL;
	return decimal_print_few(to, &sum);
}

#endif
