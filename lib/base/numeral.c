#include "base/numeral.h"

#include <stdio.h>
#include <stdlib.h>

enum { DIGITS_64 = 19 }; /* of the largest int64 */

static const char *digits_end(const char *at, const char *end)
{
	while (at < end && (unsigned)*at - '0' <= 9)
		at++;
	return at;
}

/* Stops at a magnitude that no number of digits in memory can make up for. */
static int64_t exponent(const char *at, const char *end)
{
	const int64_t enough = INT64_C(1000000000000000);
	bool negative = *at == '-';
	int64_t value = 0;

	for (at += *at == '-' || *at == '+'; at < end; at++)
		if (value < enough)
			value = value * 10 + (*at - '0');
	return negative ? -value : value;
}

/* Where the parts of a text are. */
struct form {
	const char *digits;
	const char *point; /* or where it would be */
	const char *digits_end;
	const char *exponent; /* NULL: none */
};

static inline bool read_form(struct form *f, const char *text, const char *end)
{
	const char *p, *from;

	*f = (struct form){.digits = text + (text < end && *text == '-')};
	p = f->point = digits_end(f->digits, end);
	if (p == f->digits)
		return false;
	if (p < end && *p == '.') {
		from = p + 1;
		p = digits_end(from, end);
		if (p == from)
			return false;
	}
	f->digits_end = p;
	if (p < end && (*p | 0x20) == 'e') {
		f->exponent = from = p + 1;
		from += from < end && (*from == '-' || *from == '+');
		p = digits_end(from, end);
		if (p == from)
			return false;
	}
	return p == end;
}

bool numeral_is_json(const char *text, size_t len)
{
	struct form f;

	return read_form(&f, text, text + len) && (*f.digits != '0' || f.point == f.digits + 1);
}

bool numeral_read(struct numeral *n, const char *text, size_t len)
{
	const char *end = text + len, *p;
	struct form f;
	int64_t shift;

	if (!read_form(&f, text, end))
		return false;
	shift = f.exponent ? exponent(f.exponent, end) : 0;
	*n = (struct numeral){
		.point = f.point - f.digits + shift,
		.places = (f.digits_end > f.point ? f.digits_end - f.point - 1 : 0) - shift,
		.negative = *text == '-',
	};
	n->exponent = -n->places;
	/* the zeros at both ends */
	for (p = f.digits; p < f.digits_end && (*p == '0' || *p == '.'); p++)
		n->point -= *p == '0';
	if (p == f.digits_end)
		return true;
	n->first = p;
	for (p = f.digits_end - 1; *p == '0' || *p == '.'; p--)
		n->exponent += *p == '0';
	n->last = p;
	return true;
}

bool numeral_floor(const struct numeral *n, int power, int64_t *floored)
{
	int64_t wanted = n->first ? n->point + power : 0;
	uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX + n->negative;
	bool has_rest = false;

	if (wanted > DIGITS_64)
		return false;
	for (const char *p = n->first; p && p <= n->last; p++) {
		if (*p == '.')
			continue;
		if (wanted > 0)
			magnitude = magnitude * 10 + (uint64_t)(*p - '0');
		else
			has_rest = true;
		wanted -= wanted > 0;
	}
	for (; wanted > 0; wanted--)
		magnitude *= 10;
	magnitude += n->negative && has_rest;
	*floored = (int64_t)(n->negative ? 0 - magnitude : magnitude);
	return magnitude <= limit;
}

/*
 * By strtod, which rounds correctly, from a copy with an end. No point half-way between two doubles
 * has more than 767 significant digits, so a digit in place of all beyond DIGITS rounds as they do.
 */
double numeral_to_double(const struct numeral *n)
{
	enum { DIGITS = 800, EXPONENT = 24 };
	char text[DIGITS + 1 + EXPONENT];
	size_t len = 0;
	int64_t beyond = 0;

	if (!n->first)
		return 0;
	for (const char *p = n->first; p <= n->last; p++) {
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
	snprintf(text + len, EXPONENT, "e%lld", (long long)(n->exponent + beyond));
	return n->negative ? -strtod(text, NULL) : strtod(text, NULL);
}
