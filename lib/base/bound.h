/*
 * Which numbers a comparison with a constant holds for, told by their text: as texts of one length
 * with the point at one place are in the order of their numbers, those that it holds for are
 * between two texts, or outside them. So no number is made of a text.
 */
#ifndef BOUND_H
#define BOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/digits.h"

enum { BOUND_BELOW = 1, BOUND_SAME = 2, BOUND_ABOVE = 4 };

struct bound {
	/* by the place of the point among eight characters; the last: there is none */
	struct {
		uint64_t from, width;
		bool is_outside;
	} texts[DIGITS_WORD];
};

/* Of numbers below the constant, of its value, and above it: as many of these as are given. The
 * constant is no double. */
void bound_set(struct bound *b, unsigned holding, const struct decimal *constant);

/*
 * Whether it holds for a JSON number of len bytes (not 0), at which eight bytes can be read. False,
 * and nothing is known, if the number has a sign, an exponent, or more than eight characters. O(1).
 */
static inline bool bound_tells(const struct bound *b, const char *at, size_t len, bool *holds)
{
	const uint64_t bits = DIGITS_ONES * 0x10, last = (uint64_t)1 << 63;
	uint64_t word, others;
	unsigned point;

	if (len > DIGITS_WORD)
		return false;
	word = digits_align(digits_load(at), len);
	/* of the characters of a number, only digits have the one bit, and of the others only the
	 * point lacks the lowest */
	others = ~word & bits;
	if (others >> 4 & word)
		return false;
	point = (unsigned)__builtin_ctzll(others | last) / 8;
	*holds = (digits_in_order(word) - b->texts[point].from <= b->texts[point].width) !=
		 b->texts[point].is_outside;
	return true;
}

#endif
