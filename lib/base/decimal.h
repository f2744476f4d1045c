/*
 * Exact numbers: what a JSON number says, not the double near to it.
 *
 * A decimal is coefficient * 10^-scale with a signed coefficient of 128 bits and a scale from 0 to
 * 38 ("exact"), or, for what that cannot hold, a finite double.
 *
 * Scale. 1.10 keeps its scale of 2. A sum or difference has the larger scale of its operands, a
 * product the sum of theirs; where the coefficient would not fit with that scale, trailing zeros
 * are dropped, as few as needed. So a result is exact whenever it can be held exactly.
 *
 * Rounding. Of exact operands every result is exact or the double nearest to the exact result
 * (ties to even). When one operand is a double, both are taken as the nearest doubles and the
 * operation is that of IEEE 754. Comparison is always exact.
 *
 * Zero has no sign: "-0" is 0. A number too small for a double is the double 0.
 *
 * Everything is O(1), but for parsing and checking, which are O(len). Nothing allocates but what
 * packing appends to. The C locale is relied upon.
 */
#ifndef DECIMAL_H
#define DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/digits.h"
#include "base/wide.h"

enum {
	DECIMAL_SCALE_MAX = 38,
	DECIMAL_TEXT_MAX = 48, /* the longest printed decimal and its NUL */
};

/* At 8 bytes' alignment, so that neither struct below is longer than 24. */
typedef int128 decimal_coefficient __attribute__((aligned(8)));

struct decimal {
	union {
		decimal_coefficient coefficient;
		double number; /* finite, where is_double */
	};
	uint8_t scale; /* 0 where is_double */
	bool is_double;
};

/* Whether the text is a JSON number (RFC 8259, section 6) and nothing else. */
bool decimal_is_number(const char *text, size_t len);

/*
 * Reads a JSON number; the caller has checked that it is one. An exponent is worked in: 1.50e1 is
 * 15.0, 1e3 is 1000. Fails with "number out of range" for what is not finite as a double either.
 */
const char *decimal_parse(struct decimal *d, const char *text, size_t len);

/*
 * The same where DIGITS_WORD bytes can be read from text on, as from a span: most without a call.
 * Up to eight bytes that are digits but for a point are one word: how long it is and where its
 * point stands no jump can foretell.
 */
static inline const char *decimal_parse_padded(struct decimal *d, const char *text, size_t len)
{
	uint64_t word = digits_align(digits_load(text), len <= DIGITS_WORD ? len : DIGITS_WORD);
	unsigned scale = digits_take_point(&word);

	if (len > DIGITS_WORD || digits_wrong(word))
		return decimal_parse(d, text, len);
	/* one by one: as a whole it would be cleared first */
	d->coefficient = digits_value(word);
	d->scale = (uint8_t)scale;
	d->is_double = false;
	return NULL;
}

struct decimal decimal_from_integer(int64_t value);

/* Fails with "number out of range" for what is not finite. */
const char *decimal_from_double(struct decimal *d, double value);

/* The nearest double. */
double decimal_to_double(const struct decimal *d);

/*
 * The result may be an operand. They fail with "number out of range" when the result is beyond the
 * doubles, or with "division by zero"; the result is then unspecified.
 */
const char *decimal_add(struct decimal *result, const struct decimal *a, const struct decimal *b);
const char *decimal_subtract(
	struct decimal *result, const struct decimal *a, const struct decimal *b);
const char *decimal_multiply(
	struct decimal *result, const struct decimal *a, const struct decimal *b);

/* Exact where the quotient ends as a decimal that can be held (with no more scale than it needs),
 * else the nearest double. */
const char *decimal_divide(
	struct decimal *result, const struct decimal *a, const struct decimal *b);

/* a - b * trunc(a / b), so with the sign of a, as in C. Of exact operands always exact. */
const char *decimal_modulo(
	struct decimal *result, const struct decimal *a, const struct decimal *b);

void decimal_negate(struct decimal *d);

/* Below, equal to or above 0 as a is less than, equal to or greater than b; 1.0 equals 1. */
int decimal_compare(const struct decimal *a, const struct decimal *b);

/* Appends it for state on disk: the scale, and the coefficient in base/compact; 2 to 20 bytes. */
void decimal_pack(const struct decimal *d, struct buf *to);

/* Takes that back from where *at is; false where there is no such thing. */
bool decimal_unpack(struct decimal *d, const char **at, const char *end);

/*
 * A running sum. Exact, of the largest scale that was added, and independent of the order, as long
 * as every sum on the way can be held exactly and no double is added. After that is_double is set
 * for good, and the sum goes on in doubles with Neumaier's compensation (Neumaier 1974): each
 * number is rounded to the nearest double, and the additions lose about one rounding in all.
 */
struct decimal_sum {
	union {
		decimal_coefficient coefficient;
		struct {
			double number;
			double lost; /* what the additions so far rounded away from number */
		};
	};
	uint8_t scale;   /* of coefficient; below largest only where that would not fit */
	uint8_t largest; /* the largest scale added */
	bool is_double;
};

static inline void decimal_sum_init(struct decimal_sum *s)
{
	*s = (struct decimal_sum){.coefficient = 0};
}

void decimal_sum_add_any(struct decimal_sum *s, const struct decimal *d);

static inline void decimal_sum_add(struct decimal_sum *s, const struct decimal *d)
{
	int128 total;

	if (s->scale == d->scale && !s->is_double && !d->is_double &&
		!__builtin_add_overflow(s->coefficient, d->coefficient, &total))
		s->coefficient = total;
	else
		decimal_sum_add_any(s, d);
}

/* The sum of that number alone. */
static inline void decimal_sum_begin(struct decimal_sum *s, const struct decimal *d)
{
	decimal_sum_init(s);
	if (d->is_double) {
		decimal_sum_add_any(s, d);
		return;
	}
	s->coefficient = d->coefficient;
	s->scale = s->largest = d->scale;
}

/* As decimal_pack and decimal_unpack. What is unpacked goes on as what was packed. */
void decimal_sum_pack(const struct decimal_sum *s, struct buf *to);
bool decimal_sum_unpack(struct decimal_sum *s, const char **at, const char *end);

const char *decimal_sum_value_any(const struct decimal_sum *s, struct decimal *total);

/* Both fail with "number out of range" when the sum left the doubles. */
static inline const char *decimal_sum_value(const struct decimal_sum *s, struct decimal *total)
{
	if (s->is_double || s->scale < s->largest)
		return decimal_sum_value_any(s, total);
	*total = (struct decimal){.coefficient = s->coefficient, .scale = s->scale};
	return NULL;
}

/* Total / count: the exact integer, or else the nearest double. Needs count > 0. */
const char *decimal_sum_average(const struct decimal_sum *s, uint64_t count, struct decimal *mean);

#endif
