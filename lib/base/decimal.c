#include "base/decimal.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char out_of_range[] = "number out of range";
static const char division_by_zero[] = "division by zero";

/* The largest coefficient. Signed 128-bit products are avoided: clang wants its own runtime. */
static const uint128 most = ~(uint128)0 >> 1;

/* Integers up to here are doubles without rounding. */
static const uint128 double_exact = (uint128)1 << 53;

static const uint64_t tens[] = {
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

enum { TENS_MAX = 19 };

static uint128 magnitude(int128 value)
{
	return value < 0 ? -(uint128)value : (uint128)value;
}

/* Fails when the magnitude does not fit. */
static bool set_exact(struct decimal *d, uint128 value, bool negative, int scale)
{
	if (value > most + negative)
		return false;
	*d = (struct decimal){
		.coefficient = (int128)(negative ? -value : value),
		.scale = (uint8_t)scale,
	};
	return true;
}

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

/* Multiplies by 10^power unless that leaves 128 bits. */
static bool raise_integer(int128 *value, int power)
{
	uint128 m = magnitude(*value);

	for (; power > 0 && m; power -= TENS_MAX) {
		uint64_t by = tens[power < TENS_MAX ? power : TENS_MAX];

		if (m > most / by)
			return false;
		m *= by;
	}
	*value = (int128)(*value < 0 ? -m : m);
	return true;
}

static void raise_wide(struct wide *w, int power)
{
	for (; power > 0; power -= TENS_MAX)
		wide_multiply(w, tens[power < TENS_MAX ? power : TENS_MAX]);
}

static double signed_ratio(bool negative, const struct wide *n, const struct wide *d)
{
	return negative ? -wide_ratio(n, d) : wide_ratio(n, d);
}

/* The exact value w * 10^-scale, scale at most 76, held exactly or as the nearest double. */
static void settle(struct decimal *result, const struct wide *value, bool negative, int scale)
{
	struct wide w = *value, power = wide_from(1);
	int kept = scale;

	while (kept > DECIMAL_SCALE_MAX || wide_bits(&w) > 128 ||
		!set_exact(result, wide_low(&w), negative, kept)) {
		if (kept == 0 || wide_divide_small(&w, 10) != 0) {
			raise_wide(&power, scale);
			decimal_from_double(result, signed_ratio(negative, value, &power));
			return;
		}
		kept--;
	}
}

double decimal_to_double(const struct decimal *d)
{
	struct wide value, power = wide_from(1);

	if (d->is_double)
		return d->number;
	value = wide_from(magnitude(d->coefficient));
	/* Both exact, so the one division rounds once. 10^19 = 5^19 * 2^19, and 5^19 < 2^53. */
	if (wide_low(&value) <= double_exact && d->scale <= TENS_MAX)
		return (double)d->coefficient / (double)tens[d->scale];
	raise_wide(&power, d->scale);
	return signed_ratio(d->coefficient < 0, &value, &power);
}

static size_t digits_end(const char *text, size_t i, size_t len)
{
	while (i < len && text[i] >= '0' && text[i] <= '9')
		i++;
	return i;
}

bool decimal_is_number(const char *text, size_t len)
{
	size_t i, begin = len > 0 && text[0] == '-';

	i = digits_end(text, begin, len);
	if (i == begin || (text[begin] == '0' && i > begin + 1))
		return false;
	if (i < len && text[i] == '.') {
		begin = i + 1;
		i = digits_end(text, begin, len);
		if (i == begin)
			return false;
	}
	if (i < len && (text[i] == 'e' || text[i] == 'E')) {
		begin = i + 1;
		begin += begin < len && (text[begin] == '+' || text[begin] == '-');
		i = digits_end(text, begin, len);
		if (i == begin)
			return false;
	}
	return i == len;
}

/* A number's text taken apart: the digits from first to last, a point perhaps among them, times
 * 10^exponent. */
struct literal {
	const char *first; /* a digit but 0; NULL: the number is zero */
	const char *last;  /* likewise */
	int64_t exponent;
	int64_t places; /* digits behind the point, were it written without exponent */
	bool negative;
};

/* Stops at a magnitude that no number of digits in memory can make up for. */
static int64_t read_exponent(const char *text, size_t len)
{
	const int64_t enough = INT64_C(1000000000000000);
	bool negative = len > 0 && text[0] == '-';
	int64_t value = 0;

	for (size_t i = len > 0 && (text[0] == '-' || text[0] == '+'); i < len; i++)
		if (value < enough)
			value = value * 10 + (text[i] - '0');
	return negative ? -value : value;
}

static struct literal dissect(const char *text, size_t len)
{
	struct literal l = {.negative = text[0] == '-'};
	int64_t trailing = 0;
	bool fraction = false;
	size_t i;

	for (i = l.negative; i < len && text[i] != 'e' && text[i] != 'E'; i++) {
		if (text[i] == '.') {
			fraction = true;
			continue;
		}
		l.places += fraction;
		trailing++;
		if (text[i] != '0') {
			l.first = l.first ? l.first : text + i;
			l.last = text + i;
			trailing = 0;
		}
	}
	if (i < len)
		l.places -= read_exponent(text + i + 1, len - i - 1);
	l.exponent = trailing - l.places;
	return l;
}

static bool parse_exact(struct decimal *d, const struct literal *l)
{
	int64_t scale = l->places < 0 ? 0 : l->places;
	int64_t raised = 0;
	uint128 value = 0;

	if (scale > DECIMAL_SCALE_MAX)
		scale = DECIMAL_SCALE_MAX;
	if (!l->first)
		return set_exact(d, 0, false, (int)scale);
	for (const char *p = l->first; p <= l->last; p++) {
		if (*p == '.')
			continue;
		if (value > most / 10)
			return false;
		value *= 10;
		value += (unsigned)(*p - '0');
	}
	if (l->exponent + scale < 0)
		return false;
	for (; raised < l->exponent + scale && value <= most / 10; raised++)
		value *= 10;
	return raised >= l->exponent &&
	       set_exact(d, value, l->negative, (int)(raised - l->exponent));
}

/*
 * By strtod, which rounds correctly, from a copy with an end. No point half-way between two doubles
 * has more than 767 significant digits, so a digit in place of all beyond DIGITS rounds as they do.
 */
static const char *parse_double(struct decimal *d, const struct literal *l)
{
	enum { DIGITS = 800, EXPONENT = 24 };
	char text[DIGITS + 1 + EXPONENT];
	size_t len = 0;
	int64_t beyond = 0;

	for (const char *p = l->first; p <= l->last; p++) {
		if (*p == '.')
			continue;
		if (len < DIGITS)
			text[len++] = *p;
		else
			beyond++;
	}
	if (beyond > 0) {
		text[len++] = '1';
		beyond--;
	}
	snprintf(text + len, EXPONENT, "e%lld", (long long)(l->exponent + beyond));
	return decimal_from_double(d, l->negative ? -strtod(text, NULL) : strtod(text, NULL));
}

static const char *parse_any(struct decimal *d, const char *text, size_t len)
{
	struct literal l = dissect(text, len);

	return parse_exact(d, &l) ? NULL : parse_double(d, &l);
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

static size_t print_exact(char out[DECIMAL_TEXT_MAX], const struct decimal *d)
{
	char text[DECIMAL_TEXT_MAX];
	char *p = text + sizeof(text);
	uint128 rest = magnitude(d->coefficient);
	int places = d->scale;
	size_t len;

	do {
		/* Most fit into 64 bits, where a division is much cheaper. */
		bool is_short = rest <= UINT64_MAX;

		*--p = (char)('0' + (is_short ? (uint64_t)rest % 10 : (uint64_t)(rest % 10)));
		rest = is_short ? (uint64_t)rest / 10 : rest / 10;
		if (--places == 0)
			*--p = '.';
	} while (rest || places >= 0);
	if (d->coefficient < 0)
		*--p = '-';
	len = (size_t)(text + sizeof(text) - p);
	memcpy(out, p, len);
	out[len] = '\0';
	return len;
}

size_t decimal_print(char out[DECIMAL_TEXT_MAX], const struct decimal *d)
{
	int digits, len;

	if (!d->is_double)
		return print_exact(out, d);
	/* A normal double that has a form of fewer than 15 digits shows it at 15 too, as %g leaves
	 * trailing zeros out. Seventeen always suffice. */
	digits = fabs(d->number) < DBL_MIN ? 1 : DBL_DIG;
	do {
		len = snprintf(out, DECIMAL_TEXT_MAX, "%.*g", digits, d->number);
	} while (++digits <= DBL_DECIMAL_DIG && strtod(out, NULL) != d->number);
	return (size_t)len;
}

/* The sum with the larger scale, when 128 bits hold all of it. */
static bool add_narrow(struct decimal *result, const struct decimal *a, const struct decimal *b)
{
	int128 x = a->coefficient, y = b->coefficient;
	uint8_t scale = a->scale;

	if (a->scale < b->scale) {
		scale = b->scale;
		if (!raise_integer(&x, b->scale - a->scale))
			return false;
	} else if (b->scale < a->scale && !raise_integer(&y, a->scale - b->scale)) {
		return false;
	}
	if (__builtin_add_overflow(x, y, &x))
		return false;
	*result = (struct decimal){.coefficient = x, .scale = scale};
	return true;
}

static struct wide aligned(const struct decimal *d, int scale)
{
	struct wide w = wide_from(magnitude(d->coefficient));

	raise_wide(&w, scale - d->scale);
	return w;
}

static int larger_scale(const struct decimal *a, const struct decimal *b)
{
	return a->scale > b->scale ? a->scale : b->scale;
}

/* a + b, or a - b where b is to be negated; with a scale not below theirs. */
static void add_wide(struct decimal *result, const struct decimal *a, const struct decimal *b,
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

const char *decimal_add(struct decimal *result, const struct decimal *a, const struct decimal *b)
{
	if (a->is_double || b->is_double)
		return decimal_from_double(result, decimal_to_double(a) + decimal_to_double(b));
	if (!add_narrow(result, a, b))
		add_wide(result, a, b, false, larger_scale(a, b));
	return NULL;
}

const char *decimal_subtract(
	struct decimal *result, const struct decimal *a, const struct decimal *b)
{
	struct decimal minus;

	if (a->is_double || b->is_double)
		return decimal_from_double(result, decimal_to_double(a) - decimal_to_double(b));
	if (!set_exact(&minus, magnitude(b->coefficient), b->coefficient > 0, b->scale) ||
		!add_narrow(result, a, &minus))
		add_wide(result, a, b, true, larger_scale(a, b));
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
	bool negative;
	uint128 x, y;
	struct wide product, high;
	int scale = a->scale + b->scale;

	if (a->is_double || b->is_double)
		return decimal_from_double(result, decimal_to_double(a) * decimal_to_double(b));
	negative = (a->coefficient < 0) != (b->coefficient < 0);
	x = magnitude(a->coefficient);
	y = magnitude(b->coefficient);
	if (x <= UINT64_MAX && y <= UINT64_MAX && scale <= DECIMAL_SCALE_MAX &&
		set_exact(result, x * y, negative, scale))
		return NULL;
	product = high = wide_from(x);
	wide_multiply(&product, (uint64_t)y);
	wide_multiply(&high, (uint64_t)(y >> 64));
	wide_shift_left(&high, 64);
	wide_add(&product, &high);
	settle(result, &product, negative, scale);
	return NULL;
}

/* n/d: an exact integer, or the nearest double. Needs d > 0. */
static void divide_wide(
	struct decimal *result, bool negative, const struct wide *n, const struct wide *d)
{
	struct wide rest = *n, quotient;

	wide_divide(&rest, d, &quotient);
	if (wide_bits(&rest) > 0 || wide_bits(&quotient) > 128 ||
		!set_exact(result, wide_low(&quotient), negative, 0))
		decimal_from_double(result, signed_ratio(negative, n, d));
}

static void divide_narrow(struct decimal *result, bool negative, uint128 n, uint128 d)
{
	if (n % d == 0 && set_exact(result, n / d, negative, 0))
		return;
	if (n <= double_exact && d <= double_exact) {
		double quotient = (double)n / (double)d;

		decimal_from_double(result, negative ? -quotient : quotient);
	} else {
		struct wide x = wide_from(n), y = wide_from(d);

		decimal_from_double(result, signed_ratio(negative, &x, &y));
	}
}

static bool is_zero(const struct decimal *d)
{
	return d->is_double ? d->number == 0 : d->coefficient == 0;
}

const char *decimal_divide(struct decimal *result, const struct decimal *a, const struct decimal *b)
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
	if (raise_integer(&n, scale - a->scale) && raise_integer(&d, scale - b->scale)) {
		divide_narrow(result, negative, magnitude(n), magnitude(d));
	} else {
		struct wide x = aligned(a, scale), y = aligned(b, scale);

		divide_wide(result, negative, &x, &y);
	}
	return NULL;
}

const char *decimal_modulo(struct decimal *result, const struct decimal *a, const struct decimal *b)
{
	bool negative = a->coefficient < 0;
	int scale = larger_scale(a, b);
	int128 n, d;

	if (is_zero(b))
		return division_by_zero;
	if (a->is_double || b->is_double)
		return decimal_from_double(
			result, fmod(decimal_to_double(a), decimal_to_double(b)));
	n = a->coefficient;
	d = b->coefficient;
	/* The rest is no larger than a and less than b, one of which has this scale: it fits. */
	if (raise_integer(&n, scale - a->scale) && raise_integer(&d, scale - b->scale)) {
		set_exact(result, magnitude(n) % magnitude(d), negative, scale);
	} else {
		struct wide x = aligned(a, scale), y = aligned(b, scale), quotient;

		wide_divide(&x, &y, &quotient);
		set_exact(result, wide_low(&x), negative, scale);
	}
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
	if (a->scale < b->scale && !raise_integer(&x, b->scale - a->scale))
		return order(x<0, x> 0);
	if (b->scale < a->scale && !raise_integer(&y, a->scale - b->scale))
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
	len = print_exact(digits, a) - negative;
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

void decimal_sum_init(struct decimal_sum *s)
{
	*s = (struct decimal_sum){.coefficient = 0};
}

static void sum_double(struct decimal_sum *s, double value)
{
	double total = s->number + value;

	s->lost += fabs(s->number) >= fabs(value) ? s->number - total + value
						  : value - total + s->number;
	s->number = total;
}

static void sum_any(struct decimal_sum *s, const struct decimal *d)
{
	struct decimal total = {.coefficient = s->coefficient, .scale = s->scale};

	s->largest = d->scale > s->largest ? d->scale : s->largest;
	if (d->is_double)
		decimal_from_double(&total, decimal_to_double(&total));
	else if (!add_narrow(&total, &total, d))
		add_wide(&total, &total, d, false, s->largest);
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

void decimal_sum_add(struct decimal_sum *s, const struct decimal *d)
{
	int128 total;

	if (s->is_double)
		sum_double(s, decimal_to_double(d));
	else if (s->scale == d->scale && !d->is_double &&
		 !__builtin_add_overflow(s->coefficient, d->coefficient, &total))
		s->coefficient = total;
	else
		sum_any(s, d);
}

void decimal_sum_add_integer(struct decimal_sum *s, int64_t value)
{
	struct decimal d = decimal_from_integer(value);

	decimal_sum_add(s, &d);
}

const char *decimal_sum_value(const struct decimal_sum *s, struct decimal *total)
{
	int128 raised = s->coefficient;

	if (s->is_double)
		return decimal_from_double(total, s->number + s->lost);
	*total = (struct decimal){.coefficient = raised, .scale = s->scale};
	/* Numbers that cancelled each other may have made room for a scale given up before. */
	while (total->scale < s->largest && raise_integer(&raised, 1)) {
		total->coefficient = raised;
		total->scale++;
	}
	return NULL;
}

const char *decimal_sum_average(const struct decimal_sum *s, uint64_t count, struct decimal *mean)
{
	bool negative = s->coefficient < 0;
	uint128 n = magnitude(s->coefficient);

	assert(count > 0);
	if (s->is_double)
		return decimal_from_double(mean, (s->number + s->lost) / (double)count);
	if (s->scale <= TENS_MAX) {
		divide_narrow(mean, negative, n, (uint128)tens[s->scale] * count);
	} else {
		struct wide x = wide_from(n), y = wide_from(count);

		raise_wide(&y, s->scale);
		divide_wide(mean, negative, &x, &y);
	}
	return NULL;
}
