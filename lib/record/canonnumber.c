#include "record/canonnumber.h"

#include <assert.h>
#include <string.h>

#include "base/numeral.h"

/* Numbers of at most so many digits before the point, or zeros behind it, have no exponent. */
enum { PLAIN_POINT_MAX = 21, PLAIN_POINT_MIN = -5 };

/* Longer exponents than that are added to digit by digit; shorter ones fit with any shift. */
enum { EXPONENT_DIGITS = 17 };

/* The digits of a numeral from *at on, at most count of them; *at is left behind them. */
static void add_digits(struct buf *to, const struct numeral *n, const char **at, int64_t count)
{
	for (; *at <= n->last && count > 0; ++*at) {
		if (**at == '.')
			continue;
		buf_char(to, **at);
		count--;
	}
}

static void add_zeros(struct buf *to, int64_t count)
{
	for (; count > 0; count--)
		buf_char(to, '0');
}

static bool is_all_said(const struct numeral *n, const char *at)
{
	return at > n->last;
}

/* Without exponent; the point stands behind so many digits, or in front of so many zeros. */
static void add_plain(struct buf *to, const struct numeral *n, int64_t point)
{
	const char *at = n->first;
	size_t from = to->len;

	add_digits(to, n, &at, point);
	if (is_all_said(n, at)) {
		add_zeros(to, point - (int64_t)(to->len - from));
		return;
	}
	buf_text(to, point > 0 ? "." : "0.");
	add_zeros(to, -point);
	add_digits(to, n, &at, INT64_MAX);
}

static void add_mantissa(struct buf *to, const struct numeral *n)
{
	const char *at = n->first;

	add_digits(to, n, &at, 1);
	if (!is_all_said(n, at))
		buf_char(to, '.');
	add_digits(to, n, &at, INT64_MAX);
}

/* Adds shift to a magnitude of many digits, so that its sign and most of them stay. */
static void add_long_exponent(struct buf *to, const char *digits, size_t len, int64_t shift)
{
	size_t from = to->len, zeros = 0;
	char *sum;

	buf_char(to, '0');
	buf_add(to, digits, len);
	sum = to->data + from;
	for (size_t i = len; shift; i--) {
		int64_t digit = (sum[i] - '0' + shift) % 10;

		digit += digit < 0 ? 10 : 0;
		shift = (sum[i] - '0' + shift - digit) / 10;
		sum[i] = (char)('0' + digit);
	}
	while (sum[zeros] == '0')
		zeros++;
	memmove(sum, sum + zeros, len + 1 - zeros);
	to->len -= zeros;
}

/* A number's exponent as it is written: 10^±digits. */
struct exponent {
	const char *digits; /* no zero before them */
	size_t len;
	bool is_negative;
};

static struct exponent read_exponent(const char *at, const char *end)
{
	struct exponent e = {.is_negative = at < end && *at == '-'};

	while (at < end && (*at == '+' || *at == '-' || *at == '0'))
		at++;
	e.digits = at;
	e.len = (size_t)(end - at);
	return e;
}

static int64_t exponent_value(const struct exponent *e)
{
	int64_t value = 0;

	for (size_t i = 0; i < e->len; i++)
		value = value * 10 + (e->digits[i] - '0');
	return e->is_negative ? -value : value;
}

static void add_finite(struct buf *to, const struct numeral *n, const struct exponent *e)
{
	bool is_long = e->len > EXPONENT_DIGITS;
	int64_t point = is_long ? 0 : n->point + exponent_value(e);

	if (n->negative)
		buf_char(to, '-');
	if (!is_long && point >= PLAIN_POINT_MIN && point <= PLAIN_POINT_MAX) {
		add_plain(to, n, point);
		return;
	}
	add_mantissa(to, n);
	if (!is_long) {
		buf_format(to, "e%+lld", (long long)point - 1);
		return;
	}
	buf_text(to, e->is_negative ? "e-" : "e+");
	add_long_exponent(to, e->digits, e->len, e->is_negative ? 1 - n->point : n->point - 1);
}

static bool is_short_integer(const char *text, size_t len)
{
	size_t i = *text == '-';

	if (len > PLAIN_POINT_MAX || text[i] == '0')
		return false;
	while (i < len && (unsigned)text[i] - '0' <= 9)
		i++;
	return i == len;
}

void canonical_number(struct buf *to, const char *text, size_t len)
{
	const char *end = text + len, *mantissa_end = text;
	struct exponent e;
	struct numeral n;
	bool good;

	if (is_short_integer(text, len)) { /* most are, and canonical already */
		buf_add(to, text, len);
		return;
	}
	while (mantissa_end < end && (*mantissa_end | 0x20) != 'e')
		mantissa_end++;
	good = numeral_read(&n, text, (size_t)(mantissa_end - text));
	assert(good);
	if (!good || !n.first) {
		buf_char(to, '0');
		return;
	}
	e = read_exponent(mantissa_end + (mantissa_end < end), end);
	add_finite(to, &n, &e);
}
