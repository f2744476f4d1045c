#include "flow/calendar.h"

#include "base/civil.h"
#include "base/instant.h"

/* The first day of the unit that holds a day, or with next of the one after it. */
static int64_t first_day(enum calendar_unit unit, int week_start, int64_t day, bool next)
{
	struct civil c = civil_from_days(day);
	int months = unit == CALENDAR_MONTH ? 1 : unit == CALENDAR_QUARTER ? 3 : 12;
	int month = (c.month - 1) / months * months + (next ? months : 0);

	if (unit == CALENDAR_DAY)
		return day + next;
	if (unit == CALENDAR_WEEK)
		return day - (civil_weekday(day) - week_start + 7) % 7 + (next ? 7 : 0);
	return civil_days(c.year + month / 12, month % 12 + 1, 1);
}

/* The first instant of a day: midnight or, where that lies in a gap of the clocks, the gap's end.
 */
static bool begin_of(struct zone *z, int64_t day, int64_t *ns)
{
	int64_t midnight_s = day * CIVIL_DAY_S;
	int64_t s = zone_to_utc(z, midnight_s);
	int32_t offset_s = zone_offset(z, s);
	int64_t before_s = midnight_s - offset_s; /* s itself, or before the gap */

	while (s - before_s > 1) {
		int64_t middle_s = before_s + (s - before_s) / 2;

		if (zone_offset(z, middle_s) == offset_s)
			s = middle_s;
		else
			before_s = middle_s;
	}
	return !__builtin_mul_overflow(s, NS_PER_S, ns);
}

bool calendar_window(enum calendar_unit unit, int week_start, struct zone *z, int64_t time_ns,
	int64_t *start_ns, int64_t *end_ns)
{
	int64_t time_s = time_floor_divide(time_ns, NS_PER_S);
	int64_t day = time_floor_divide(time_s + zone_offset(z, time_s), CIVIL_DAY_S);
	int64_t from = first_day(unit, week_start, day, false);
	int64_t to = first_day(unit, week_start, day, true);

	if (!begin_of(z, from, start_ns) || !begin_of(z, to, end_ns))
		return false;
	/* clocks that were put back over midnight: the new date holds from its first midnight on */
	while (time_ns >= *end_ns) {
		*start_ns = *end_ns;
		to = first_day(unit, week_start, to, true);
		if (!begin_of(z, to, end_ns))
			return false;
	}
	return true;
}
