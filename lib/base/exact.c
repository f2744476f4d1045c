#include "base/exact.h"

const uint64_t exact_tens[] = {
	UINT64_C(1),
	UINT64_C(10),
	UINT64_C(100),
	UINT64_C(1000),
	UINT64_C(10000),
	UINT64_C(100000),
	UINT64_C(1000000),
	UINT64_C(10000000),
	UINT64_C(100000000),
	UINT64_C(1000000000),
	UINT64_C(10000000000),
	UINT64_C(100000000000),
	UINT64_C(1000000000000),
	UINT64_C(10000000000000),
	UINT64_C(100000000000000),
	UINT64_C(1000000000000000),
	UINT64_C(10000000000000000),
	UINT64_C(100000000000000000),
	UINT64_C(1000000000000000000),
	UINT64_C(10000000000000000000),
};

static void raise_wide(struct wide *w, int power)
{
	for (; power > 0; power -= TENS_MAX)
		wide_multiply(w, exact_tens[power < TENS_MAX ? power : TENS_MAX]);
}

static struct wide aligned(const struct decimal *d, int scale)
{
	struct wide w = wide_from(exact_magnitude(d->coefficient));

	raise_wide(&w, scale - d->scale);
	return w;
}

static int larger_scale(const struct decimal *a, const struct decimal *b)
{
	return a->scale > b->scale ? a->scale : b->scale;
}

static double signed_ratio(bool negative, const struct wide *n, const struct wide *d)
{
	return negative ? -wide_ratio(n, d) : wide_ratio(n, d);
}

double exact_ratio(bool negative, uint128 n, uint128 d)
{
	struct wide x = wide_from(n), y = wide_from(d);

	return signed_ratio(negative, &x, &y);
}

double exact_to_double(const struct decimal *d)
{
	struct wide value = wide_from(exact_magnitude(d->coefficient)), power = wide_from(1);

	raise_wide(&power, d->scale);
	return signed_ratio(d->coefficient < 0, &value, &power);
}

/* Not beyond the doubles, and not 0: that is exact. */
static void set_ratio(struct decimal *d, bool negative, const struct wide *n, const struct wide *by)
{
	*d = (struct decimal){.number = signed_ratio(negative, n, by), .is_double = true};
}

/* The exact value w * 10^-scale, scale at most 76, held exactly or as the nearest double. */
static void settle(struct decimal *result, const struct wide *value, bool negative, int scale)
{
	struct wide w = *value, power = wide_from(1);
	int kept = scale;

	while (kept > DECIMAL_SCALE_MAX || wide_bits(&w) > 128 ||
		!exact_set(result, wide_low(&w), negative, kept)) {
		if (kept == 0 || wide_divide_small(&w, 10) != 0) {
			raise_wide(&power, scale);
			set_ratio(result, negative, value, &power);
			return;
		}
		kept--;
	}
}

void exact_add_wide(struct decimal *result, const struct decimal *a, const struct decimal *b,
	bool negated, int scale)
{
	struct wide x = aligned(a, scale), y = aligned(b, scale);
	bool negative = a->coefficient < 0;

	if (negative == ((b->coefficient < 0) != negated)) {
		wide_add(&x, &y);
		settle(result, &x, negative, scale);
	} else if (wide_compare(&x, &y) >= 0) {
		wide_subtract(&x, &y);
		settle(result, &x, negative, scale);
	} else {
		wide_subtract(&y, &x);
		settle(result, &y, !negative, scale);
	}
}

void exact_multiply_wide(struct decimal *result, const struct decimal *a, const struct decimal *b)
{
	bool negative = (a->coefficient < 0) != (b->coefficient < 0);
	uint128 y = exact_magnitude(b->coefficient);
	struct wide product = wide_from(exact_magnitude(a->coefficient)), high = product;

	wide_multiply(&product, (uint64_t)y);
	wide_multiply(&high, (uint64_t)(y >> 64));
	wide_shift_left(&high, 64);
	wide_add(&product, &high);
	settle(result, &product, negative, a->scale + b->scale);
}

/* How often a prime divides n, which is left without it. */
static int take_out(uint128 *n, unsigned prime)
{
	int times = 0;

	for (; *n % prime == 0; times++)
		*n /= prime;
	return times;
}

/* What is left of d without its twos and fives must divide n; what is missing of either is
 * multiplied in, to make a power of ten. */
bool exact_divide(struct decimal *result, bool negative, uint128 n, uint128 d, int scale)
{
	int twos = take_out(&d, 2), fives = take_out(&d, 5), tens;

	if (n % d != 0)
		return false;
	n /= d;
	for (; n % 2 == 0 && twos; twos--)
		n /= 2;
	for (; n % 5 == 0 && fives; fives--)
		n /= 5;
	tens = twos > fives ? twos : fives;
	for (scale += tens; twos < tens; twos++)
		if (__builtin_mul_overflow(n, 2, &n))
			return false;
	for (; fives < tens; fives++)
		if (__builtin_mul_overflow(n, 5, &n))
			return false;
	for (; scale > 0 && n % 10 == 0 && n; scale--)
		n /= 10;
	for (; scale < 0; scale++)
		if (__builtin_mul_overflow(n, 10, &n))
			return false;
	return scale <= DECIMAL_SCALE_MAX && exact_set(result, n, negative, n ? scale : 0);
}

void exact_divide_wide(struct decimal *result, const struct decimal *a, const struct decimal *b)
{
	bool negative = (a->coefficient < 0) != (b->coefficient < 0);
	int scale = larger_scale(a, b);
	struct wide n = aligned(a, scale), d = aligned(b, scale), rest = n, quotient;

	wide_divide(&rest, &d, &quotient);
	if (wide_bits(&rest) > 0 || wide_bits(&quotient) > 128 ||
		!exact_set(result, wide_low(&quotient), negative, 0))
		set_ratio(result, negative, &n, &d);
}

void exact_modulo_wide(struct decimal *result, const struct decimal *a, const struct decimal *b)
{
	int scale = larger_scale(a, b);
	bool negative = a->coefficient < 0;
	struct wide rest = aligned(a, scale), by = aligned(b, scale), quotient;

	wide_divide(&rest, &by, &quotient);
	exact_set(result, wide_low(&rest), negative, scale);
}
