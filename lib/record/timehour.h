/*
 * The usual form of a time, YYYY-MM-DDThh:mm:ss.mmmZ, in the hour of one before: only what comes
 * behind the hour is read.
 */
#ifndef TIMEHOUR_H
#define TIMEHOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/digits.h"
#include "base/instant.h"

enum { TIMEHOUR_TEXT = sizeof("YYYY-MM-DDThh:") - 1, TIMEHOUR_WORD = sizeof(uint64_t) };

struct timehour {
	char text[TIMEHOUR_TEXT];
	int64_t begin_ns;
};

static const struct timehour timehour_first = {.text = "1970-01-01T00:"};

/* Keeps the hour that the text begins with, UTC. One that does not fit into 64 bits whole is not
 * kept, so that timehour_read need not look for that. */
static inline void timehour_keep(struct timehour *h, const char *text, int64_t hour_s)
{
	int64_t begin_ns, end_ns;

	if (__builtin_mul_overflow(hour_s, (int64_t)NS_PER_S, &begin_ns) ||
		__builtin_mul_overflow(hour_s + 3600, (int64_t)NS_PER_S, &end_ns))
		return;
	memcpy(h->text, text, sizeof(h->text));
	h->begin_ns = begin_ns;
}

/* As two words that have some bytes in common. */
static inline bool timehour_is(const struct timehour *h, const char *text)
{
	const size_t last = TIMEHOUR_TEXT - TIMEHOUR_WORD;

	return !((digits_load(text) ^ digits_load(h->text)) |
		 (digits_load(text + last) ^ digits_load(h->text + last)));
}

/* False if it is another hour, or another form. */
static inline bool timehour_read(
	const struct timehour *h, const char *text, size_t len, int64_t *ns)
{
	const uint64_t marks = 0xff000000ff0000ff, marked = 0x5a0000002e00003a; /* ":  .   Z" */
	uint64_t word;
	unsigned tens, ones;
	int64_t second, ms;

	if (len != 24 || !timehour_is(h, text))
		return false;
	tens = (unsigned)text[TIMEHOUR_TEXT] - '0';
	ones = (unsigned)text[TIMEHOUR_TEXT + 1] - '0';
	word = digits_load(text + TIMEHOUR_TEXT + 2);
	if (tens > 5 || ones > 9 || (word & marks) != marked)
		return false;
	word = (word & ~marks) | (DIGITS_ONES * '0' & marks);
	if (digits_wrong(word))
		return false;
	word -= DIGITS_ONES * '0';
	second = (int64_t)((word >> 8 & 0xff) * 10 + (word >> 16 & 0xff));
	ms = (int64_t)((word >> 32 & 0xff) * 100 + (word >> 40 & 0xff) * 10 + (word >> 48 & 0xff));
	*ns = h->begin_ns + ((tens * 10 + ones) * 60 + second) * NS_PER_S + ms * NS_PER_MS;
	return second <= 59;
}

#endif
