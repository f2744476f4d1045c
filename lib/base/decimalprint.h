/* Decimals as text. */
#ifndef DECIMALPRINT_H
#define DECIMALPRINT_H

#include <stddef.h>

#include "base/decimal.h"

/*
 * Writes a JSON number with a NUL behind it and returns its length. Exact ones are written without
 * exponent and with all digits of their scale. Doubles are rounded to 15, 16 or 17 digits (fewer
 * below the normal ones), the first of which reads back as the same double.
 */
size_t decimal_print(char out[DECIMAL_TEXT_MAX], const struct decimal *d);

#endif
