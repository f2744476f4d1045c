/*
 * The usual form of a time, YYYY-MM-DDThh:mm:ss.mmmZ, in the minute of one before: only what comes
 * behind the minute is read.
 */
#ifndef TIMEMINUTE_H
#define TIMEMINUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/digits.h"
#include "base/instant.h"

struct timeminute {
	char text[16]; /* YYYY-MM-DDThh:mm */
	int64_t begin_ns;
};

static const struct timeminute timeminute_first = {.text = "1970-01-01T00:00"};

/* Keeps the minute that the text begins with, UTC. One that does not fit into 64 bits whole is not
 * kept, so that timeminute_read need not look for that. */
static inline void timeminute_keep(struct timeminute *m, const char *text, int64_t minute_s)
{
	int64_t begin_ns, end_ns;

	if (__builtin_mul_overflow(minute_s, (int64_t)NS_PER_S, &begin_ns) ||
		__builtin_mul_overflow(minute_s + 60, (int64_t)NS_PER_S, &end_ns))
		return;
	memcpy(m->text, text, sizeof(m->text));
	m->begin_ns = begin_ns;
}

/* False if it is another minute, or another form. */
static inline bool timeminute_read(
	const struct timeminute *m, const char *text, size_t len, int64_t *ns)
{
	const uint64_t marks = 0xff000000ff0000ff, marked = 0x5a0000002e00003a; /* ":  .   Z" */
	uint64_t word;
	int64_t second, ms;

	if (len != 24 || memcmp(text, m->text, sizeof(m->text)) != 0)
		return false;
	word = digits_load(text + 16);
	if ((word & marks) != marked)
		return false;
	word = (word & ~marks) | (DIGITS_ONES * '0' & marks);
	if (digits_wrong(word))
		return false;
	word -= DIGITS_ONES * '0';
	second = (int64_t)((word >> 8 & 0xff) * 10 + (word >> 16 & 0xff));
	ms = (int64_t)((word >> 32 & 0xff) * 100 + (word >> 40 & 0xff) * 10 + (word >> 48 & 0xff));
	*ns = m->begin_ns + second * NS_PER_S + ms * NS_PER_MS;
	return second <= 59;
}

#endif
