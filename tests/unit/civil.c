#include "base/civil.h"

#include "test.h"

static void check_date(int64_t days, int64_t year, int month, int day)
{
	struct civil c = civil_from_days(days);

	check_int(civil_days(year, month, day), days);
	check_int(c.year, year);
	check_int(c.month, month);
	check_int(c.day, day);
}

void test_known_days(void)
{
	check_date(0, 1970, 1, 1);
	check_date(-1, 1969, 12, 31);
	check_date(11016, 2000, 2, 29);
	check_date(11017, 2000, 3, 1);
	check_date(-25509, 1900, 2, 28);
	check_date(-25508, 1900, 3, 1);
	check_date(-106752, 1677, 9, 21);
	check_date(106751, 2262, 4, 11);
	check_date(-719162, 1, 1, 1);
	check_date(-719528, 0, 1, 1);
	check_date(2932896, 9999, 12, 31);
	check_date(-719163, 0, 12, 31);
}

/* A calendar that counts day by day, over more than a cycle on both sides of year 0. */
void test_every_day(void)
{
	static const int length[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t days = civil_days(-801, 1, 1);
	int weekday = civil_weekday(days);

	for (int64_t year = -801; year < 1300; year++) {
		bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);

		for (int month = 1; month <= 12; month++) {
			int last = length[month] + (month == 2 && leap);

			check_int(civil_month_days(year, month), last);
			for (int day = 1; day <= last; day++, days++) {
				check_date(days, year, month, day);
				check_int(civil_weekday(days), weekday);
				weekday = (weekday + 1) % 7;
			}
		}
	}
	check_date(days, 1300, 1, 1);
}

void test_weekdays(void)
{
	check_int(civil_weekday(0), 4);
	check_int(civil_weekday(civil_days(2026, 5, 1)), 5);
	check_int(civil_weekday(civil_days(1815, 6, 18)), 0);
	check_int(civil_weekday(-5), 6);
}

void test_distant_years(void)
{
	const int64_t cycles = 2000000000000;

	check_date(cycles * CIVIL_CYCLE_DAYS, 1970 + 400 * cycles, 1, 1);
	check_date(-cycles * CIVIL_CYCLE_DAYS, 1970 - 400 * cycles, 1, 1);
}
