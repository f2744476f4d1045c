/* Times and durations in nanoseconds, whose sums stop at the ends of what fits. */
#ifndef INSTANT_H
#define INSTANT_H

#include <stdint.h>

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

static inline int64_t time_plus(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN : INT64_MAX) : sum;
}

static inline int64_t time_minus(int64_t a, int64_t b)
{
	int64_t difference;

	return __builtin_sub_overflow(a, b, &difference) ? (b < 0 ? INT64_MAX : INT64_MIN)
							 : difference;
}

/* a / b, rounded down also before 1970; b is positive. */
static inline int64_t time_floor_divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

#endif
