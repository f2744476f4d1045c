#include "record/timetext.h"

#include <string.h>

#include "base/civil.h"
#include "base/digits.h"
#include "base/instant.h"
#include "record/stamp.h"

enum {
	DATE_LEN = sizeof("2026-05-01T") - 1,
	HOUR_LEN = sizeof("2026-05-01T12:") - 1,
	HOUR_S = 3600,
	PLACE = 16, /* of an hour's text, which is copied as a whole */
};

/* The hour that was written last: times of a stream are mostly of the same, or of the same day. */
static struct {
	int64_t begin_s;
	int64_t day_s;
	char text[PLACE + DIGITS_WORD];
} last = {.text = "1970-01-01T00:"};

static void remember_day(int64_t days)
{
	struct civil date = civil_from_days(days);
	char *to = last.text;

	last.day_s = days * CIVIL_DAY_S;
	to = digits_put(to, (uint32_t)date.year, 4);
	*to++ = '-';
	to = digits_put(to, (uint32_t)date.month, 2);
	*to++ = '-';
	to = digits_put(to, (uint32_t)date.day, 2);
	*to = 'T';
}

static void remember_hour(int64_t local_s)
{
	uint64_t within = (uint64_t)local_s - (uint64_t)last.day_s;

	if (within >= CIVIL_DAY_S) {
		remember_day(time_floor_divide(local_s, CIVIL_DAY_S));
		within = (uint64_t)local_s - (uint64_t)last.day_s;
	}
	last.begin_s = local_s - (int64_t)(within % HOUR_S);
	*digits_put(last.text + DATE_LEN, within / HOUR_S, 2) = ':';
}

/* What is in a word of digits where another character is to be, of which it takes the place. */
static uint64_t instead_of_0(char c, unsigned at)
{
	return (uint64_t)(c ^ '0') << 8 * at;
}

/* Of two numbers of two digits, as in 12:34. */
static uint64_t clock_word(uint32_t first, uint32_t second, uint32_t behind)
{
	return digits_of(first * 1000000 + second * 1000 + behind) ^ instead_of_0(':', 2);
}

/* All but the offset. Most have no fraction, or one of three digits. */
static char *put_local(char *to, int64_t local_s, uint32_t ns)
{
	uint32_t ms = ns / 1000000, us = ns / 1000, within;

	if ((uint64_t)local_s - (uint64_t)last.begin_s >= HOUR_S)
		remember_hour(local_s);
	within = (uint32_t)(local_s - last.begin_s);
	memcpy(to, last.text, PLACE);
	to += HOUR_LEN;
	if (ns && ns == ms * 1000000) {
		uint64_t word = clock_word(within / 60, within % 60, ms / 10);

		digits_store(to, word ^ instead_of_0('.', 5));
		to[8] = (char)('0' + ms % 10);
		return to + 9;
	}
	digits_store(to, clock_word(within / 60, within % 60, 0));
	to += 5;
	if (!ns)
		return to;
	*to++ = '.';
	return ns == us * 1000 ? digits_put(to, us, 6) : digits_put(to, ns, 9);
}

size_t time_print(char out[TIME_TEXT_MAX], int64_t ns)
{
	int64_t s = time_floor_divide(ns, NS_PER_S);
	char *end = put_local(out, s, (uint32_t)(ns - s * NS_PER_S));

	*end++ = 'Z';
	*end = '\0';
	return (size_t)(end - out);
}

size_t time_print_zone(char out[TIME_TEXT_MAX], int64_t ns, struct zone *z)
{
	int64_t s = time_floor_divide(ns, NS_PER_S);
	int64_t minutes = time_floor_divide(zone_offset(z, s), 60);
	char *end = put_local(out, s + minutes * 60, (uint32_t)(ns - s * NS_PER_S));
	uint32_t offset;

	*end++ = minutes < 0 ? '-' : '+';
	offset = (uint32_t)(minutes < 0 ? -minutes : minutes);
	digits_store(end, clock_word(offset / 60, offset % 60, 0));
	end += sizeof("12:34") - 1;
	*end = '\0';
	return (size_t)(end - out);
}
