#include "record/timepattern.h"

#include <string.h>
#include <time.h>

#include "base/civil.h"

/*
 * Refused beside what strptime doesn't know: what it would read and ignore (%G %g %V), and a
 * pattern without a year, which it would take for 1970.
 */
const char *timepattern_check(const char *pattern, bool *has_zone)
{
	bool has_year = false;

	*has_zone = false;
	for (const char *p = strchr(pattern, '%'); p; p = strchr(p, '%')) {
		p += 1 + strspn(p + 1, "_-0^#");
		p += *p == 'E' || *p == 'O';
		if (*p == 's')
			return "%s in a time format; the format for seconds is called s";
		if (*p == '\0' || !strchr("%aAbBcCdDeFhHIjklmMnprRStTuUwWxXyYzZ", *p))
			return "a conversion in the time format that strptime(3) cannot read";
		has_year |= strchr("cDFxyY", *p) != NULL;
		*has_zone |= *p == 'z';
		p++;
	}
	return has_year ? NULL : "a time format without a year";
}

/* strptime checks no day against its month, and its %j can leave the year. */
const char *timepattern_read(const char *pattern, const char *text, struct stamp *t)
{
	struct tm tm = {.tm_year = 70, .tm_mday = 1};
	const char *rest = strptime(text, pattern, &tm);
	int64_t year = (int64_t)tm.tm_year + 1900;

	if (!rest)
		return "does not match the time format";
	if (*rest != '\0')
		return "goes on behind what the time format reads";
	if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 ||
		tm.tm_mday > civil_month_days(year, tm.tm_mon + 1))
		return "no such day in the calendar";
	if (tm.tm_sec > 60)
		return "no such time of day";
	if (tm.tm_gmtoff <= -CIVIL_DAY_S || tm.tm_gmtoff >= CIVIL_DAY_S)
		return "an offset of a day or more";
	t->local_s = civil_days(year, tm.tm_mon + 1, tm.tm_mday) * CIVIL_DAY_S;
	stamp_add(t, tm.tm_hour, tm.tm_min, tm.tm_sec);
	t->ns = t->is_leap_second ? NS_PER_S - 1 : 0;
	t->offset_s = (int32_t)tm.tm_gmtoff;
	return NULL;
}
