/*
 * The text of a number, taken apart: JSON's form (RFC 8259, section 6), but that zeros may stand
 * before it. Everything is O(len), whatever the exponent.
 */
#ifndef NUMERAL_H
#define NUMERAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The digits from first to last, a point perhaps among them, times 10^exponent. An exponent in the
 * text is taken for the end of its range (10^15) where no digits in memory could make up for it.
 */
struct numeral {
	const char *first; /* borrows; a digit but 0; NULL: the number is zero */
	const char *last;  /* likewise */
	int64_t exponent;
	int64_t point; /* digits from first on before the point, were it written without exponent */
	int64_t places; /* digits behind the point, likewise */
	bool negative;
};

/* Whether the text is a JSON number and nothing else. */
bool numeral_is_json(const char *text, size_t len);

/* False if it is no such text. */
bool numeral_read(struct numeral *n, const char *text, size_t len);

/* Rounds the number times 10^power down to an integer; false if it doesn't fit. */
bool numeral_floor(const struct numeral *n, int power, int64_t *floored);

/* The nearest double, infinite if it is beyond all of them. */
double numeral_to_double(const struct numeral *n);

#endif
