#include "base/decimal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/compact.h"
#include "base/decimalprint.h"
#include "base/exact.h"
#include "base/numeral.h"

static const char out_of_range[] = "number out of range";
static const char division_by_zero[] = "division by zero";

/* Integers up to here are doubles without rounding. */
static const uint128 double_exact = (uint128)1 << 53;

const char *decimal_from_double(struct decimal *d, double value)
{
	/* Adding 0 makes 0 of -0. */
	*d = (struct decimal){.number = value + 0.0, .is_double = true};
	return isfinite(value) ? NULL : out_of_range;
}

struct decimal decimal_from_integer(int64_t value)
{
	return (struct decimal){.coefficient = value};
}

double decimal_to_double(const struct decimal *d)
{
	if (d->is_double)
		return d->number;
	/* Both exact, so the one division rounds once. 10^19 = 5^19 * 2^19, and 5^19 < 2^53. */
	if (exact_magnitude(d->coefficient) <= double_exact && d->scale <= TENS_MAX)
		return (double)d->coefficient / (double)exact_tens[d->scale];
	return exact_to_double(d);
}

bool decimal_is_number(const char *text, size_t len)
{
	return numeral_is_json(text, len);
}

/* False if it can't be held exactly. */
static bool set_numeral(struct decimal *d, const struct numeral *n)
{
	int64_t scale = n->places < 0 ? 0 : n->places;
	int64_t raised = 0;
	uint128 value = 0;

	if (scale > DECIMAL_SCALE_MAX)
		scale = DECIMAL_SCALE_MAX;
	if (!n->first)
		return exact_set(d, 0, false, (int)scale);
	for (const char *p = n->first; p <= n->last; p++) {
		if (*p == '.')
			continue;
		if (value > exact_most / 10)
			return false;
		value *= 10;
		value += (unsigned)(*p - '0');
	}
	if (n->exponent + scale < 0)
		return false;
	for (; raised < n->exponent + scale && value <= exact_most / 10; raised++)
		value *= 10;
	return raised >= n->exponent &&
	       exact_set(d, value, n->negative, (int)(raised - n->exponent));
}

static const char *parse_any(struct decimal *d, const char *text, size_t len)
{
	struct numeral n;

	numeral_read(&n, text, len);
	return set_numeral(d, &n) ? NULL : decimal_from_double(d, numeral_to_double(&n));
}

const char *decimal_parse(struct decimal *d, const char *text, size_t len)
{
	bool negative = text[0] == '-';
	size_t point = 0;
	uint64_t value = 0;

	/* Nineteen digits fit into 64 bits. */
	if (len - negative > 19)
		return parse_any(d, text, len);
	for (size_t i = negative; i < len; i++) {
		unsigned digit = (unsigned)text[i] - '0';

		if (digit <= 9)
			value = value * 10 + digit;
		else if (text[i] == '.')
			point = i + 1;
		else
			return parse_any(d, text, len);
	}
	*d = (struct decimal){
		.coefficient = negative ? -(int128)value : (int128)value,
		.scale = (uint8_t)(point ? len - point : 0),
	};
	return NULL;
}

static int larger_scale(const struct decimal *a, const struct decimal *b)
{
	return a->scale > b->scale ? a->scale : b->scale;
}

const char *decimal_add(struct decimal *result, const struct decimal *a, const struct decimal *b)
{
	if (a->is_double || b->is_double)
		return decimal_from_double(result, decimal_to_double(a) + decimal_to_double(b));
	if (!exact_add(result, a, b))
		exact_add_wide(result, a, b, false, larger_scale(a, b));
	return NULL;
}

const char *decimal_subtract(
	struct decimal *result, const struct decimal *a, const struct decimal *b)
{
	struct decimal minus;

	if (a->is_double || b->is_double)
		return decimal_from_double(result, decimal_to_double(a) - decimal_to_double(b));
	if (!exact_set(&minus, exact_magnitude(b->coefficient), b->coefficient > 0, b->scale) ||
		!exact_add(result, a, &minus))
		exact_add_wide(result, a, b, true, larger_scale(a, b));
	return NULL;
}

void decimal_negate(struct decimal *d)
{
	struct decimal zero = {.scale = d->scale};

	if (d->is_double)
		decimal_from_double(d, -d->number);
	else
		decimal_subtract(d, &zero, d);
}

const char *decimal_multiply(
	struct decimal *result, const struct decimal *a, const struct decimal *b)
{
	uint128 x, y;
	bool negative;
	int scale = a->scale + b->scale;

	if (a->is_double || b->is_double)
		return decimal_from_double(result, decimal_to_double(a) * decimal_to_double(b));
	negative = (a->coefficient < 0) != (b->coefficient < 0);
	x = exact_magnitude(a->coefficient);
	y = exact_magnitude(b->coefficient);
	if (x > UINT64_MAX || y > UINT64_MAX || scale > DECIMAL_SCALE_MAX ||
		!exact_set(result, x * y, negative, scale))
		exact_multiply_wide(result, a, b);
	return NULL;
}

/* n/d: an exact integer, or the nearest double. Needs d > 0. */
static void divide_narrow(struct decimal *result, bool negative, uint128 n, uint128 d)
{
	if (n % d == 0 && exact_set(result, n / d, negative, 0))
		return;
	if (n <= double_exact && d <= double_exact) {
		double quotient = (double)n / (double)d;

		decimal_from_double(result, negative ? -quotient : quotient);
	} else {
		decimal_from_double(result, exact_ratio(negative, n, d));
	}
}

static bool is_zero(const struct decimal *d)
{
	return d->is_double ? d->number == 0 : d->coefficient == 0;
}

static const char *divide(
	struct decimal *result, const struct decimal *a, const struct decimal *b, bool as_decimal)
{
	int scale = larger_scale(a, b);
	bool negative;
	int128 n, d;

	if (is_zero(b))
		return division_by_zero;
	if (a->is_double || b->is_double)
		return decimal_from_double(result, decimal_to_double(a) / decimal_to_double(b));
	negative = (a->coefficient < 0) != (b->coefficient < 0);
	n = a->coefficient;
	d = b->coefficient;
	if (as_decimal && exact_divide(result, negative, exact_magnitude(n), exact_magnitude(d),
				  a->scale - b->scale))
		return NULL;
	if (exact_raise(&n, scale - a->scale) && exact_raise(&d, scale - b->scale))
		divide_narrow(result, negative, exact_magnitude(n), exact_magnitude(d));
	else
		exact_divide_wide(result, a, b);
	return NULL;
}

const char *decimal_divide(struct decimal *result, const struct decimal *a, const struct decimal *b)
{
	return divide(result, a, b, true);
}

const char *decimal_modulo(struct decimal *result, const struct decimal *a, const struct decimal *b)
{
	int scale = larger_scale(a, b);
	int128 n, d;

	if (is_zero(b))
		return division_by_zero;
	if (a->is_double || b->is_double)
		return decimal_from_double(
			result, fmod(decimal_to_double(a), decimal_to_double(b)));
	n = a->coefficient;
	d = b->coefficient;
	if (exact_raise(&n, scale - a->scale) && exact_raise(&d, scale - b->scale))
		exact_set(
			result, exact_magnitude(n) % exact_magnitude(d), a->coefficient < 0, scale);
	else
		exact_modulo_wide(result, a, b);
	return NULL;
}

static int order(bool less, bool greater)
{
	return greater - less;
}

static int compare_exact(const struct decimal *a, const struct decimal *b)
{
	int128 x = a->coefficient, y = b->coefficient;

	/* What does not fit after raising is beyond the other, on the side of its own sign. */
	if (a->scale < b->scale && !exact_raise(&x, b->scale - a->scale))
		return order(x<0, x> 0);
	if (b->scale < a->scale && !exact_raise(&y, a->scale - b->scale))
		return order(y > 0, y < 0);
	return order(x<y, x> y);
}

/*
 * Rounding is monotonic, so different doubles decide. Where the nearest double is the other number
 * itself, that is not below 10^-38, thus a whole multiple of 2^-180, and not above 2^127: printf
 * gives all its decimal digits, and they are compared with ours.
 */
static int compare_double(const struct decimal *a, double b)
{
	enum { PLACES = 180, WIDTH = 39 + 1 + PLACES };
	double near = decimal_to_double(a);
	char ours[WIDTH + 1], theirs[WIDTH + 1], digits[DECIMAL_TEXT_MAX];
	size_t negative = b < 0, len, whole;
	int difference;

	if (near != b || b == 0)
		return order(near<b, near> b);
	snprintf(theirs, sizeof(theirs), "%0*.*f", WIDTH, PLACES, fabs(b));
	len = decimal_print(digits, a) - negative;
	whole = len - (a->scale ? a->scale + 1u : 0);
	memset(ours, '0', WIDTH);
	ours[WIDTH - PLACES - 1] = '.';
	memcpy(ours + WIDTH - PLACES - 1 - whole, digits + negative, len);
	difference = memcmp(ours, theirs, WIDTH);
	return negative ? order(difference > 0, difference < 0)
			: order(difference<0, difference> 0);
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
	if (a->is_double && b->is_double)
		return order(a->number<b->number, a->number> b->number);
	if (a->is_double)
		return -compare_double(b, a->number);
	if (b->is_double)
		return compare_double(a, b->number);
	return compare_exact(a, b);
}

static void sum_double(struct decimal_sum *s, double value)
{
	double total = s->number + value;

	s->lost += fabs(s->number) >= fabs(value) ? s->number - total + value
						  : value - total + s->number;
	s->number = total;
}

void decimal_sum_add_any(struct decimal_sum *s, const struct decimal *d)
{
	struct decimal total = {.scale = s->scale};

	if (s->is_double) {
		sum_double(s, decimal_to_double(d));
		return;
	}
	total.coefficient = s->coefficient;
	s->largest = d->scale > s->largest ? d->scale : s->largest;
	if (d->is_double)
		decimal_from_double(&total, decimal_to_double(&total));
	else if (!exact_add(&total, &total, d))
		exact_add_wide(&total, &total, d, false, s->largest);
	s->scale = total.scale;
	s->is_double = total.is_double;
	if (!s->is_double) {
		s->coefficient = total.coefficient;
		return;
	}
	s->number = total.number;
	s->lost = 0;
	if (d->is_double)
		sum_double(s, d->number);
}

const char *decimal_sum_value_any(const struct decimal_sum *s, struct decimal *total)
{
	int128 raised = s->coefficient;

	if (s->is_double)
		return decimal_from_double(total, s->number + s->lost);
	*total = (struct decimal){.coefficient = raised, .scale = s->scale};
	/* Numbers that cancelled each other may have made room for a scale given up before. */
	while (total->scale < s->largest && exact_raise(&raised, 1)) {
		total->coefficient = raised;
		total->scale++;
	}
	return NULL;
}

const char *decimal_sum_average(const struct decimal_sum *s, uint64_t count, struct decimal *mean)
{
	struct decimal n = {.coefficient = count};
	const char *reason = decimal_sum_value(s, mean);

	assert(count > 0);
	return reason ? reason : divide(mean, mean, &n, false);
}

/* A packed one begins with its scale, or with one of these. */
enum {
	PACKED_DOUBLE = DECIMAL_SCALE_MAX + 1,
	PACKED_RAISED = 64, /* a sum whose scale is below the largest, which comes next */
};

void decimal_pack(const struct decimal *d, struct buf *to)
{
	if (d->is_double) {
		buf_char(to, PACKED_DOUBLE);
		compact_add_double(to, d->number);
		return;
	}
	buf_char(to, (char)d->scale);
	compact_add_signed_128(to, d->coefficient);
}

static bool unpack_exact(
	decimal_coefficient *coefficient, uint64_t scale, const char **at, const char *end)
{
	int128 value;

	if (scale > DECIMAL_SCALE_MAX || !compact_take_signed_128(at, end, &value))
		return false;
	*coefficient = value;
	return true;
}

bool decimal_unpack(struct decimal *d, const char **at, const char *end)
{
	uint64_t head;

	*d = (struct decimal){.coefficient = 0};
	if (!compact_take(at, end, &head))
		return false;
	if (head == PACKED_DOUBLE) {
		d->is_double = true;
		return compact_take_double(at, end, &d->number) && isfinite(d->number) &&
		       (d->number != 0 || !signbit(d->number));
	}
	d->scale = (uint8_t)head;
	return unpack_exact(&d->coefficient, head, at, end);
}

void decimal_sum_pack(const struct decimal_sum *s, struct buf *to)
{
	if (s->is_double) {
		buf_char(to, PACKED_DOUBLE);
		compact_add_double(to, s->number);
		compact_add_double(to, s->lost);
		return;
	}
	if (s->scale != s->largest) {
		buf_char(to, (char)(PACKED_RAISED + s->scale));
		buf_char(to, (char)s->largest);
	} else {
		buf_char(to, (char)s->scale);
	}
	compact_add_signed_128(to, s->coefficient);
}

bool decimal_sum_unpack(struct decimal_sum *s, const char **at, const char *end)
{
	uint64_t head, largest;

	decimal_sum_init(s);
	if (!compact_take(at, end, &head))
		return false;
	if (head == PACKED_DOUBLE) {
		s->is_double = true;
		return compact_take_double(at, end, &s->number) &&
		       compact_take_double(at, end, &s->lost);
	}
	largest = head;
	if (head >= PACKED_RAISED) {
		head -= PACKED_RAISED;
		if (!compact_take(at, end, &largest) || largest <= head ||
			largest > DECIMAL_SCALE_MAX)
			return false;
	}
	s->scale = (uint8_t)head;
	s->largest = (uint8_t)largest;
	return unpack_exact(&s->coefficient, head, at, end);
}
