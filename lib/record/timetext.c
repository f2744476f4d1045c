#include "record/timetext.h"

#include "base/civil.h"
#include "base/instant.h"
#include "record/stamp.h"

/* Writes value with leading zeros and returns what is behind it. */
static char *put(char *to, uint32_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + digits;
}

static char *put_fraction(char *to, int32_t ns)
{
	if (ns == 0)
		return to;
	*to++ = '.';
	if (ns % 1000000 == 0)
		return put(to, (uint32_t)ns / 1000000, 3);
	return ns % 1000 == 0 ? put(to, (uint32_t)ns / 1000, 6) : put(to, (uint32_t)ns, 9);
}

static int32_t ns_of_second(int64_t ns)
{
	int32_t rest = (int32_t)(ns % NS_PER_S);

	return rest < 0 ? rest + NS_PER_S : rest;
}

/* All but the offset. */
static char *put_local(char *to, int64_t local_s, int32_t ns)
{
	int64_t days = time_floor_divide(local_s, CIVIL_DAY_S);
	uint32_t second = (uint32_t)(local_s - days * CIVIL_DAY_S);
	struct civil date = civil_from_days(days);

	to = put(to, (uint32_t)date.year, 4);
	*to++ = '-';
	to = put(to, (uint32_t)date.month, 2);
	*to++ = '-';
	to = put(to, (uint32_t)date.day, 2);
	*to++ = 'T';
	to = put(to, second / 3600, 2);
	*to++ = ':';
	to = put(to, second / 60 % 60, 2);
	*to++ = ':';
	to = put(to, second % 60, 2);
	return put_fraction(to, ns);
}

size_t time_print(char out[TIME_TEXT_MAX], int64_t ns)
{
	char *end = put_local(out, time_floor_divide(ns, NS_PER_S), ns_of_second(ns));

	*end++ = 'Z';
	*end = '\0';
	return (size_t)(end - out);
}

size_t time_print_zone(char out[TIME_TEXT_MAX], int64_t ns, struct zone *z)
{
	int64_t s = time_floor_divide(ns, NS_PER_S);
	int64_t minutes = time_floor_divide(zone_offset(z, s), 60);
	char *end = put_local(out, s + minutes * 60, ns_of_second(ns));
	uint32_t offset;

	*end++ = minutes < 0 ? '-' : '+';
	offset = (uint32_t)(minutes < 0 ? -minutes : minutes);
	end = put(end, offset / 60, 2);
	*end++ = ':';
	end = put(end, offset % 60, 2);
	*end = '\0';
	return (size_t)(end - out);
}
