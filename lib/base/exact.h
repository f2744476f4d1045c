/*
 * Integers times 10^-scale: the arithmetic of exact decimals, in 128 bits as long as they hold it
 * (inline, it is hot), in 320 where they don't. No operand here is a double.
 */
#ifndef EXACT_H
#define EXACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/wide.h"

enum { TENS_MAX = 19 };

/* The powers of ten of 64 bits. */
extern const uint64_t exact_tens[TENS_MAX + 1];

/* The largest coefficient. Signed 128-bit products are avoided: clang wants its own runtime. */
static const uint128 exact_most = ~(uint128)0 >> 1;

static inline uint128 exact_magnitude(int128 value)
{
	return value < 0 ? -(uint128)value : (uint128)value;
}

/* Fails when the magnitude does not fit. */
static inline bool exact_set(struct decimal *d, uint128 magnitude, bool negative, int scale)
{
	if (magnitude > exact_most + negative)
		return false;
	*d = (struct decimal){
		.coefficient = (int128)(negative ? -magnitude : magnitude),
		.scale = (uint8_t)scale,
	};
	return true;
}

/* Multiplies by 10^power unless that leaves 128 bits. */
static inline bool exact_raise(int128 *value, int power)
{
	uint128 m = exact_magnitude(*value);

	for (; power > 0 && m; power -= TENS_MAX) {
		uint64_t by = exact_tens[power < TENS_MAX ? power : TENS_MAX];

		if (m > exact_most / by)
			return false;
		m *= by;
	}
	*value = (int128)(*value < 0 ? -m : m);
	return true;
}

/* The sum with the larger scale, when 128 bits hold all of it. The result may be an operand. */
static inline bool exact_add(
	struct decimal *result, const struct decimal *a, const struct decimal *b)
{
	int128 x = a->coefficient, y = b->coefficient;
	uint8_t scale = a->scale;

	if (a->scale < b->scale) {
		scale = b->scale;
		if (!exact_raise(&x, b->scale - a->scale))
			return false;
	} else if (b->scale < a->scale && !exact_raise(&y, a->scale - b->scale)) {
		return false;
	}
	if (__builtin_add_overflow(x, y, &x))
		return false;
	*result = (struct decimal){.coefficient = x, .scale = scale};
	return true;
}

/*
 * The rest is for what 128 bits don't hold on the way. A sum and a product have as much of their
 * scale as leaves them exact, else they are the nearest double. The result may be an operand.
 */

/* a + b, or a - b where b is to be negated; with a scale not below theirs. */
void exact_add_wide(struct decimal *result, const struct decimal *a, const struct decimal *b,
	bool negated, int scale);

void exact_multiply_wide(struct decimal *result, const struct decimal *a, const struct decimal *b);

/* n / d * 10^-scale with the smallest scale, where it ends as a decimal that can be held; else
 * false. Needs d other than 0. */
bool exact_divide(struct decimal *result, bool negative, uint128 n, uint128 d, int scale);

/* An exact integer, or the nearest double. Needs b other than 0. */
void exact_divide_wide(struct decimal *result, const struct decimal *a, const struct decimal *b);

/* Always exact, as the rest is less than b and no larger than a; with the sign of a. Needs b other
 * than 0. */
void exact_modulo_wide(struct decimal *result, const struct decimal *a, const struct decimal *b);

/* The nearest double. */
double exact_ratio(bool negative, uint128 n, uint128 d);
double exact_to_double(const struct decimal *d);

#endif
