/*
 * The proleptic Gregorian calendar, counted in days from 1970-01-01. Years are astronomical: 0 is
 * the year before 1. Right for every year within +-10^15. All O(1).
 *
 * Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013), days_from_civil and
 * civil_from_days.
 */
#ifndef CIVIL_H
#define CIVIL_H

#include <stdbool.h>
#include <stdint.h>

enum {
	CIVIL_DAY_S = 86400,
	CIVIL_CYCLE_DAYS = 146097, /* 400 years, after which dates and weekdays come again */
};

struct civil {
	int64_t year;
	int month; /* 1..12 */
	int day;   /* 1..31 */
};

/* The day of a date; the month must be 1..12, the day may be any (0 is the day before the first).
 */
int64_t civil_days(int64_t year, int month, int day);

struct civil civil_from_days(int64_t days);

/* 0 is Sunday. */
int civil_weekday(int64_t days);

bool civil_is_leap(int64_t year);

/* The month must be 1..12. */
int civil_month_days(int64_t year, int month);

#endif
