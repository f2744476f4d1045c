/*
 * Unsigned integers of 320 bits: what exact decimals pass through on their way (aligned sums,
 * products, ratios). Plain schoolbook, for the rare slow path: a division takes a few microseconds.
 * A result that doesn't fit is the caller's mistake and asserted.
 */
#ifndef WIDE_H
#define WIDE_H

#include <stdint.h>

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

enum { WIDE_LIMBS = 5 };

struct wide {
	uint64_t limb[WIDE_LIMBS]; /* the least significant first */
};

struct wide wide_from(uint128 value);

/* The number of bits up to the highest one that is set; 0 for 0. */
int wide_bits(const struct wide *w);

/* The low 128 bits. */
uint128 wide_low(const struct wide *w);

int wide_compare(const struct wide *a, const struct wide *b);
void wide_add(struct wide *a, const struct wide *b);

/* Needs a >= b. */
void wide_subtract(struct wide *a, const struct wide *b);

void wide_shift_left(struct wide *w, int bits);
void wide_multiply(struct wide *w, uint64_t by);

/* Leaves the quotient in w and returns the remainder. */
uint64_t wide_divide_small(struct wide *w, uint64_t by);

/* Leaves the remainder in w. Needs by > 0. */
void wide_divide(struct wide *w, const struct wide *by, struct wide *quotient);

/*
 * The double nearest to the exact n/d, ties to even. Needs d > 0, and n and d below 2^256, so that
 * the result is 0 or normal.
 */
double wide_ratio(const struct wide *n, const struct wide *d);

#endif
