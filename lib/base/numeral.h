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

/* Reads digits with perhaps a point among them, no sign: the number without its point, and how many
 * digits are behind that. False if it is none or not of four to eight characters. */
bool numeral_read_short(const char *text, size_t len, uint64_t *value, int *places);

enum { NUMERAL_SHORT_MAX = 17 };

/* Writes value * 10^-places with all places, no NUL, and returns its length; what is behind that
 * up to NUMERAL_SHORT_MAX is undefined. 0 where it has not less than nine digits, or eight places.
 */
size_t numeral_print_short(char to[NUMERAL_SHORT_MAX], uint64_t value, int places);

/* The nearest double, infinite if it is beyond all of them. */
double numeral_to_double(const struct numeral *n);

#endif
