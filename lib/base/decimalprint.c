#include "base/decimalprint.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "base/exact.h"

static char *put_point(char *end, unsigned scale)
{
	memmove(end - scale + 1, end - scale, scale);
	end[-(int)scale] = '.';
	return end + 1;
}

/* Most fit into 64 bits, where a division is much cheaper. */
static size_t print_short(
	char out[DECIMAL_TEXT_MAX], uint64_t magnitude, bool negative, uint8_t scale)
{
	char *end;

	*out = '-';
	end = digits_put(out + negative, magnitude, scale + 1u);
	if (scale)
		end = put_point(end, scale);
	*end = '\0';
	return (size_t)(end - out);
}

static size_t print_exact(char out[DECIMAL_TEXT_MAX], const struct decimal *d)
{
	char text[DECIMAL_TEXT_MAX];
	char *p = text + sizeof(text);
	uint128 rest = exact_magnitude(d->coefficient);
	int places = d->scale;
	size_t len;

	if (rest <= UINT64_MAX)
		return print_short(out, (uint64_t)rest, d->coefficient < 0, d->scale);
	do {
		*--p = (char)('0' + (int)(rest % 10));
		rest /= 10;
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

static size_t print_double(char out[DECIMAL_TEXT_MAX], double number)
{
	/* A normal double that has a form of fewer than 15 digits shows it at 15 too, as %g leaves
	 * trailing zeros out. Seventeen always suffice. */
	int digits = fabs(number) < DBL_MIN ? 1 : DBL_DIG, len;

	do {
		len = snprintf(out, DECIMAL_TEXT_MAX, "%.*g", digits, number);
	} while (++digits <= DBL_DECIMAL_DIG && strtod(out, NULL) != number);
	return (size_t)len;
}

size_t decimal_print(char out[DECIMAL_TEXT_MAX], const struct decimal *d)
{
	return d->is_double ? print_double(out, d->number) : print_exact(out, d);
}
