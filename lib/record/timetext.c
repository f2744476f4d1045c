#include "record/timetext.h"

#include <string.h>

#include "base/civil.h"
#include "base/instant.h"
#include "base/pairs.h"
#include "record/stamp.h"

enum { DATE_LEN = sizeof("2026-05-01T") - 1 };

/* The date that was written last: times of a stream are mostly of the same day. */
static struct {
	int64_t begin_s;
	char text[DATE_LEN];
} last = {.text = "1970-01-01T"};

/* Writes a value with leading zeros and returns what is behind it. */
static inline char *put3(char *to, uint32_t value)
{
	*to = (char)('0' + value / 100);
	return pairs_put(to + 1, value % 100);
}

static char *put_fraction(char *to, uint32_t ns)
{
	uint32_t ms = ns / 1000000, us;

	if (ns == 0)
		return to;
	*to++ = '.';
	to = put3(to, ms);
	if (ns == ms * 1000000)
		return to;
	us = ns / 1000;
	to = put3(to, us % 1000);
	return ns == us * 1000 ? to : put3(to, ns % 1000);
}

static void remember_date(int64_t days)
{
	struct civil date = civil_from_days(days);
	char *to = last.text;

	last.begin_s = days * CIVIL_DAY_S;
	to = pairs_put(to, (uint32_t)date.year / 100);
	to = pairs_put(to, (uint32_t)date.year % 100);
	*to++ = '-';
	to = pairs_put(to, (uint32_t)date.month);
	*to++ = '-';
	to = pairs_put(to, (uint32_t)date.day);
	*to = 'T';
}

/* All but the offset. */
static char *put_local(char *to, int64_t local_s, uint32_t ns)
{
	uint64_t within = (uint64_t)local_s - (uint64_t)last.begin_s;
	uint32_t second;

	if (within >= CIVIL_DAY_S) {
		remember_date(time_floor_divide(local_s, CIVIL_DAY_S));
		within = (uint64_t)local_s - (uint64_t)last.begin_s;
	}
	second = (uint32_t)within;
	memcpy(to, last.text, DATE_LEN);
	to = pairs_put(to + DATE_LEN, second / 3600);
	*to++ = ':';
	to = pairs_put(to, second / 60 % 60);
	*to++ = ':';
	to = pairs_put(to, second % 60);
	return put_fraction(to, ns);
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
	end = pairs_put(end, offset / 60);
	*end++ = ':';
	end = pairs_put(end, offset % 60);
	*end = '\0';
	return (size_t)(end - out);
}
