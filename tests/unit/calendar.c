#include "flow/calendar.h"

#include "base/civil.h"
#include "base/wide.h"
#include "io/zoneinfo.h"
#include "random.h"
#include "test.h"

#define NS INT64_C(1000000000)

enum { HOUR = 3600 };

static const char *const zones[] = {"UTC", "Europe/Berlin", "America/Sao_Paulo", "Africa/Cairo",
	"Asia/Beirut", "Pacific/Apia", "America/St_Johns", "America/Toronto", "Asia/Kathmandu",
	"Australia/Lord_Howe", "America/Juneau", "Asia/Manila", "Pacific/Kwajalein", "Asia/Tehran",
	"America/Havana", "Africa/Monrovia", "America/Scoresbysund", "Atlantic/Azores"};

enum { ZONES = sizeof(zones) / sizeof(*zones) };

static void load(struct zone *z, const char *name)
{
	const char *why = zoneinfo_load(z, name);

	if (why)
		fprintf(stderr, "%s: %s\n", name, why);
	check(!why);
}

/* Facts: the hours of the window that holds noon, UTC, of a day, and when it begins. */
static void check_window(struct zone *z, enum calendar_unit unit, int week_start, int64_t noon_of,
	int64_t start_s, int64_t hours)
{
	int64_t start, end;

	check(calendar_window(
		unit, week_start, z, (noon_of * CIVIL_DAY_S + 12 * HOUR) * NS, &start, &end));
	check_int(start, start_s * NS);
	check_int(end - start, hours * HOUR * NS);
}

/* The second at which a date and an hour begins that is so many hours ahead of UTC. */
static int64_t at(int year, int month, int day, int hour, int ahead)
{
	return civil_days(year, month, day) * CIVIL_DAY_S + (hour - ahead) * HOUR;
}

void test_berlin_in_2026(void)
{
	struct zone z;

	load(&z, "Europe/Berlin");
	check_window(&z, CALENDAR_DAY, 1, civil_days(2026, 3, 28), at(2026, 3, 28, 0, 1), 24);
	check_window(&z, CALENDAR_DAY, 1, civil_days(2026, 3, 29), at(2026, 3, 29, 0, 1), 23);
	check_window(&z, CALENDAR_DAY, 1, civil_days(2026, 3, 30), at(2026, 3, 30, 0, 2), 24);
	check_window(&z, CALENDAR_DAY, 1, civil_days(2026, 10, 25), at(2026, 10, 25, 0, 2), 25);
	/* 2026-03-29 is a Sunday, the last day of its ISO week */
	check_window(&z, CALENDAR_WEEK, 1, civil_days(2026, 3, 29), at(2026, 3, 23, 0, 1), 167);
	check_window(&z, CALENDAR_WEEK, 7, civil_days(2026, 3, 29), at(2026, 3, 29, 0, 1), 167);
	check_window(&z, CALENDAR_WEEK, 6, civil_days(2026, 3, 29), at(2026, 3, 28, 0, 1), 167);
	check_window(&z, CALENDAR_WEEK, 1, civil_days(2026, 10, 25), at(2026, 10, 19, 0, 2), 169);
	/* the ISO week of a new year begins in the old one */
	check_window(&z, CALENDAR_WEEK, 1, civil_days(2026, 1, 1), at(2025, 12, 29, 0, 1), 168);
	check_window(&z, CALENDAR_MONTH, 1, civil_days(2026, 2, 14), at(2026, 2, 1, 0, 1), 28 * 24);
	check_window(
		&z, CALENDAR_MONTH, 1, civil_days(2026, 3, 31), at(2026, 3, 1, 0, 1), 31 * 24 - 1);
	check_window(
		&z, CALENDAR_MONTH, 1, civil_days(2026, 10, 1), at(2026, 10, 1, 0, 2), 31 * 24 + 1);
	check_window(
		&z, CALENDAR_MONTH, 1, civil_days(2026, 12, 31), at(2026, 12, 1, 0, 1), 31 * 24);
	check_window(&z, CALENDAR_QUARTER, 1, civil_days(2026, 3, 31), at(2026, 1, 1, 0, 1),
		90 * 24 - 1);
	check_window(
		&z, CALENDAR_QUARTER, 1, civil_days(2026, 4, 1), at(2026, 4, 1, 0, 2), 91 * 24);
	check_window(&z, CALENDAR_QUARTER, 1, civil_days(2026, 12, 31), at(2026, 10, 1, 0, 2),
		92 * 24 + 1);
	check_window(&z, CALENDAR_YEAR, 1, civil_days(2026, 7, 1), at(2026, 1, 1, 0, 1), 365 * 24);
	check_window(&z, CALENDAR_YEAR, 1, civil_days(2024, 2, 29), at(2024, 1, 1, 0, 1), 366 * 24);
	zone_release(&z);
}

void test_before_1970(void)
{
	struct zone z;

	load(&z, "UTC");
	check_window(&z, CALENDAR_DAY, 1, civil_days(1969, 12, 31), at(1969, 12, 31, 0, 0), 24);
	check_window(&z, CALENDAR_WEEK, 1, civil_days(1970, 1, 1), at(1969, 12, 29, 0, 0), 168);
	check_window(&z, CALENDAR_YEAR, 1, civil_days(1900, 6, 1), at(1900, 1, 1, 0, 0), 365 * 24);
	zone_release(&z);
}

/* A midnight that is skipped: the day begins at one o'clock. */
void test_skipped_midnights(void)
{
	struct zone z;

	load(&z, "America/Sao_Paulo");
	check_window(&z, CALENDAR_DAY, 1, civil_days(2018, 11, 4), at(2018, 11, 4, 1, -2), 23);
	/* and in February midnight comes back after an hour: the old day is longer by it, or the
	 * new one, which begins with the first midnight */
	check_window(&z, CALENDAR_DAY, 1, civil_days(2018, 2, 17), at(2018, 2, 17, 0, -2), 25);
	zone_release(&z);
	load(&z, "Asia/Beirut");
	check_window(&z, CALENDAR_DAY, 1, civil_days(2022, 3, 27), at(2022, 3, 27, 1, 3), 23);
	zone_release(&z);
	load(&z, "Africa/Cairo");
	check_window(&z, CALENDAR_DAY, 1, civil_days(2024, 4, 26), at(2024, 4, 26, 1, 3), 23);
	zone_release(&z);
}

/* Toronto's clocks went from 23:30 to 00:30: the day begins half an hour past midnight. */
void test_a_midnight_in_the_middle_of_a_gap(void)
{
	struct zone z;
	int64_t start, end;

	load(&z, "America/Toronto");
	check(calendar_window(CALENDAR_DAY, 1, &z, at(1919, 3, 31, 12, -4) * NS, &start, &end));
	check_int(start, (at(1919, 3, 31, 0, -4) + HOUR / 2) * NS);
	check_int(end, at(1919, 4, 1, 0, -4) * NS);
	check(calendar_window(CALENDAR_DAY, 1, &z, start - 1, &end, &start));
	check_int(end, at(1919, 3, 30, 0, -5) * NS);
	check_int(start, (at(1919, 3, 30, 23, -5) + HOUR / 2) * NS);
	zone_release(&z);
}

/* Clocks put back at one minute past midnight: the date was there, and holds from then on. */
void test_a_midnight_that_comes_twice(void)
{
	struct zone z;
	int64_t start, end;

	load(&z, "America/St_Johns");
	/* 2006-10-29 00:00 at -2:30 is the first one, 02:30 UTC; the other one comes at 03:30 */
	check(calendar_window(CALENDAR_DAY, 1, &z,
		(civil_days(2006, 10, 29) * CIVIL_DAY_S + 3 * HOUR) * NS, &start, &end));
	check_int(start, (civil_days(2006, 10, 29) * CIVIL_DAY_S + 5 * HOUR / 2) * NS);
	check_int(end - start, 25 * HOUR * NS);
	zone_release(&z);
}

/* Samoa went over the date line, and had no 30 December 2011. */
void test_a_day_that_was_not(void)
{
	struct zone z;
	int64_t start, end;

	load(&z, "Pacific/Apia");
	check(calendar_window(CALENDAR_DAY, 1, &z, at(2011, 12, 29, 12, -10) * NS, &start, &end));
	check_int(start, at(2011, 12, 29, 0, -10) * NS);
	check_int(end, at(2011, 12, 30, 0, -10) * NS);
	check(calendar_window(CALENDAR_DAY, 1, &z, end, &start, &end));
	check_int(start, at(2011, 12, 31, 0, 14) * NS);
	check_int(end - start, 24 * HOUR * NS);
	check_window(
		&z, CALENDAR_MONTH, 1, civil_days(2011, 12, 10), at(2011, 12, 1, 0, -10), 30 * 24);
	zone_release(&z);
}

/* When a local date is first reached: asked of every stretch of the same offset. */
static int64_t model_begin(const struct zone *z, int64_t day)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < z->count; i++) {
		int64_t from = z->segments[i].from_s, to = z->segments[i + 1].from_s;
		int64_t s = day * CIVIL_DAY_S - z->segments[i].offset_s;

		s = i && s < from ? from : s;
		if ((i + 1 == z->count || s < to) && s < first)
			first = s;
	}
	return first;
}

/* The day before which, or with which, a unit begins: by going from day to day. */
static bool begins(enum calendar_unit unit, int week_start, int64_t day)
{
	struct civil c = civil_from_days(day);

	switch (unit) {
	case CALENDAR_DAY:
		return true;
	case CALENDAR_WEEK:
		return civil_weekday(day) == week_start % 7;
	case CALENDAR_MONTH:
		return c.day == 1;
	case CALENDAR_QUARTER:
		return c.day == 1 && c.month % 3 == 1;
	case CALENDAR_YEAR:
		return c.day == 1 && c.month == 1;
	}
	return false;
}

static void check_against_model(
	struct zone *z, enum calendar_unit unit, int week_start, int64_t time_s)
{
	int64_t day = time_s / CIVIL_DAY_S + 3, from, start, end;

	while (!begins(unit, week_start, day) || model_begin(z, day) > time_s)
		day--;
	from = model_begin(z, day);
	do
		day++;
	while (!begins(unit, week_start, day) || model_begin(z, day) <= time_s);
	check(calendar_window(unit, week_start, z, time_s * NS, &start, &end));
	check_int(start / NS, from);
	check_int(end / NS, model_begin(z, day));
}

/* Windows are a partition: what they hold, and how the next one follows. */
static void check_partition(
	struct zone *z, enum calendar_unit unit, int week_start, int64_t time_ns)
{
	int64_t start, end, again, next, edge;

	if (!calendar_window(unit, week_start, z, time_ns, &start, &end))
		return;
	check(start <= time_ns && time_ns < end);
	check(calendar_window(unit, week_start, z, start, &again, &edge));
	check(again == start && edge == end);
	check(calendar_window(unit, week_start, z, end - 1, &again, &edge));
	check(again == start && edge == end);
	if (calendar_window(unit, week_start, z, end, &next, &edge))
		check(next == end && edge > next);
	if (start > INT64_MIN && calendar_window(unit, week_start, z, start - 1, &again, &edge))
		check(edge == start);
}

/* Times about the changes of a zone, where it may go wrong. */
static int64_t random_time_s(const struct zone *z)
{
	int64_t around;

	if (z->count == 1 || random_below(4) == 0)
		return (int64_t)random_below(INT64_C(14000000000)) - INT64_C(5000000000);
	around = z->segments[1 + random_below(z->count - 1)].from_s;
	if (around > INT64_C(9000000000) || around < -INT64_C(9000000000))
		around = 1700000000;
	return around + (int64_t)random_below(4 * CIVIL_DAY_S) - 2 * CIVIL_DAY_S;
}

void test_partition(void)
{
	random_seed();
	for (size_t i = 0; i < ZONES; i++) {
		struct zone z;

		load(&z, zones[i]);
		for (int k = 0; k < 20000; k++) {
			enum calendar_unit unit = (enum calendar_unit)random_below(5);

			check_partition(&z, unit, 1 + (int)random_below(7), random_time_s(&z) * NS);
		}
		zone_release(&z);
	}
}

void test_against_the_model(void)
{
	random_seed();
	for (size_t i = 0; i < ZONES; i++) {
		struct zone z;

		load(&z, zones[i]);
		for (int k = 0; k < 300; k++) {
			int64_t time_s = random_time_s(&z);

			check_against_model(&z, k % 4 ? CALENDAR_DAY : CALENDAR_WEEK,
				1 + (int)random_below(7), time_s);
		}
		for (int k = 0; k < 4; k++)
			check_against_model(&z, (enum calendar_unit)(CALENDAR_MONTH + k % 3), 1,
				random_time_s(&z));
		zone_release(&z);
	}
}

/* Of any time there is; what is beyond 64 bits is refused, and only that. */
void test_the_ends_of_time(void)
{
	int64_t start, end;
	struct zone z;

	random_seed();
	load(&z, "Europe/Berlin");
	for (enum calendar_unit unit = CALENDAR_DAY; unit <= CALENDAR_YEAR; unit++) {
		check(!calendar_window(unit, 1, &z, INT64_MIN, &start, &end));
		check(!calendar_window(unit, 1, &z, INT64_MAX, &start, &end));
		check(calendar_window(
			unit, 1, &z, INT64_MIN + 366 * CIVIL_DAY_S * NS, &start, &end));
		check(calendar_window(
			unit, 1, &z, INT64_MAX - 366 * CIVIL_DAY_S * NS, &start, &end));
		for (int i = 0; i < 10000; i++)
			check_partition(&z, unit, 1, (int64_t)random_next());
	}
	zone_release(&z);
}
