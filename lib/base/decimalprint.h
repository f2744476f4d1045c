/* Decimals as text. */
#ifndef DECIMALPRINT_H
#define DECIMALPRINT_H

#include <stddef.h>

#include "base/decimal.h"
#include "base/digits.h"

/*
 * Writes a JSON number with a NUL behind it and returns its length. Exact ones are written without
 * exponent and with all digits of their scale. Doubles are rounded to 15, 16 or 17 digits (fewer
 * below the normal ones), the first of which reads back as the same double.
 */
size_t decimal_print(char out[DECIMAL_TEXT_MAX], const struct decimal *d);

/* The same for most, and without a NUL: an exact one of up to eight digits. Returns what is behind
 * it, or NULL for another. */
static inline char *decimal_print_few(char out[DECIMAL_TEXT_MAX], const struct decimal *d)
{
	if (d->is_double || (uint128)d->coefficient >= DIGITS_WORD_END || d->scale >= DIGITS_WORD)
		return NULL;
	return digits_put_scaled(out, (uint32_t)d->coefficient, d->scale);
}

#endif
