#include "base/wide.h"

#include <assert.h>
#include <math.h>

struct wide wide_from(uint128 value)
{
	return (struct wide){{(uint64_t)value, (uint64_t)(value >> 64)}};
}

int wide_bits(const struct wide *w)
{
	for (int i = WIDE_LIMBS - 1; i >= 0; i--)
		if (w->limb[i])
			return 64 * (i + 1) - __builtin_clzll(w->limb[i]);
	return 0;
}

uint128 wide_low(const struct wide *w)
{
	return (uint128)w->limb[1] << 64 | w->limb[0];
}

int wide_compare(const struct wide *a, const struct wide *b)
{
	for (int i = WIDE_LIMBS - 1; i >= 0; i--)
		if (a->limb[i] != b->limb[i])
			return a->limb[i] < b->limb[i] ? -1 : 1;
	return 0;
}

void wide_add(struct wide *a, const struct wide *b)
{
	uint128 carry = 0;

	for (int i = 0; i < WIDE_LIMBS; i++) {
		carry += (uint128)a->limb[i] + b->limb[i];
		a->limb[i] = (uint64_t)carry;
		carry >>= 64;
	}
	assert(carry == 0);
}

void wide_subtract(struct wide *a, const struct wide *b)
{
	uint64_t borrow = 0;

	for (int i = 0; i < WIDE_LIMBS; i++) {
		uint128 difference = (uint128)a->limb[i] - b->limb[i] - borrow;

		a->limb[i] = (uint64_t)difference;
		borrow = (uint64_t)(difference >> 64) & 1;
	}
	assert(borrow == 0);
}

void wide_shift_left(struct wide *w, int bits)
{
	int limbs = bits / 64, rest = bits % 64;

	assert(wide_bits(w) + bits <= 64 * WIDE_LIMBS);
	for (int i = WIDE_LIMBS - 1; i >= 0; i--) {
		uint64_t high = i >= limbs ? w->limb[i - limbs] : 0;
		uint64_t low = i > limbs ? w->limb[i - limbs - 1] : 0;

		w->limb[i] = rest ? high << rest | low >> (64 - rest) : high;
	}
}

void wide_multiply(struct wide *w, uint64_t by)
{
	uint128 carry = 0;

	for (int i = 0; i < WIDE_LIMBS; i++) {
		carry += (uint128)w->limb[i] * by;
		w->limb[i] = (uint64_t)carry;
		carry >>= 64;
	}
	assert(carry == 0);
}

uint64_t wide_divide_small(struct wide *w, uint64_t by)
{
	uint128 rest = 0;

	for (int i = WIDE_LIMBS - 1; i >= 0; i--) {
		rest = rest << 64 | w->limb[i];
		w->limb[i] = (uint64_t)(rest / by);
		rest %= by;
	}
	return (uint64_t)rest;
}

void wide_divide(struct wide *w, const struct wide *by, struct wide *quotient)
{
	*quotient = wide_from(0);
	for (int shift = wide_bits(w) - wide_bits(by); shift >= 0; shift--) {
		struct wide part = *by;

		wide_shift_left(&part, shift);
		if (wide_compare(w, &part) >= 0) {
			wide_subtract(w, &part);
			quotient->limb[shift / 64] |= UINT64_C(1) << shift % 64;
		}
	}
}

double wide_ratio(const struct wide *n, const struct wide *d)
{
	struct wide rest = *n, by = *d;
	int exponent = wide_bits(n) - wide_bits(d);
	uint64_t bits = 0;

	if (wide_bits(n) == 0)
		return 0;
	if (exponent < 0)
		wide_shift_left(&rest, -exponent);
	else
		wide_shift_left(&by, exponent);
	/* Long division: rest < 2 * by always, so each step gives one bit. */
	for (int i = 0; i < 64; i++) {
		bits <<= 1;
		if (wide_compare(&rest, &by) >= 0) {
			wide_subtract(&rest, &by);
			bits |= 1;
		}
		wide_shift_left(&rest, 1);
	}
	/*
	 * At least 63 bits are significant, so the last lies behind the 53 of a double and the
	 * one that decides a tie: with the remainder gathered in it the conversion rounds as if
	 * it saw the endless quotient.
	 */
	bits |= wide_bits(&rest) != 0;
	return ldexp((double)bits, exponent - 63);
}
