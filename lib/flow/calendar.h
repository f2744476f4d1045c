/*
 * Windows of the calendar: days, weeks, months, quarters and years as they begin in a time zone. A
 * day may have 23 or 25 hours; where midnight is skipped it begins with the first instant after,
 * where it comes twice with the first of them.
 */
#ifndef CALENDAR_H
#define CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/zone.h"

enum calendar_unit {
	CALENDAR_DAY,
	CALENDAR_WEEK,
	CALENDAR_MONTH,
	CALENDAR_QUARTER,
	CALENDAR_YEAR,
};

/*
 * The window that holds time_ns. week_start is 1 (Monday, ISO 8601) to 7 (Sunday). The windows of a
 * unit are a partition of time. False if it does not lie in 64 bits. As fast as zone_to_utc.
 */
bool calendar_window(enum calendar_unit unit, int week_start, struct zone *z, int64_t time_ns,
	int64_t *start_ns, int64_t *end_ns);

#endif
