/*
 * Event times: nanoseconds since 1970-01-01T00:00:00Z in a signed 64-bit integer (1677-09-21 to
 * 2262-04-11), read from a record's value. They are written by record/timetext.
 */
#ifndef TIME_H
#define TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/zone.h"
#include "record/scan.h"
#include "record/timehour.h"
#include "record/timetext.h"

enum time_kind {
	TIME_AUTO, /* as a unit: not decided yet */
	TIME_RFC3339,
	TIME_S,
	TIME_MS,
	TIME_US,
	TIME_NS,
	TIME_PATTERN,
};

struct time_format {
	enum time_kind kind;
	enum time_kind unit;   /* of numbers: of TIME_AUTO decided by the first large enough one */
	const char *pattern;   /* borrowed */
	bool pattern_has_zone; /* it has a %z */
	bool has_zone;
	char date[10]; /* the last date that was read, and when it begins */
	int64_t date_s;
	struct timehour hour; /* of the last time in the usual form */
	struct zone zone;     /* of date-times without an offset */
	struct buf text;      /* a value made a C string; reused */
	const char *detail;   /* after a time that can't be read: a sentence why, static */
};

/*
 * format: auto (also NULL), rfc3339, s, ms, us, ns, or a strptime(3) pattern, known by its '%',
 * which is borrowed until release. zone_name, for date-times without an offset, may be NULL.
 * Returns NULL, or a static reason, with nothing to release.
 */
const char *time_format_set(struct time_format *f, const char *format, const char *zone_name);

void time_format_release(struct time_format *f);

/* The unit that auto took for numbers ("s", "ms", "us", "ns"), or NULL while there is none. */
const char *time_unit_decided(const struct time_format *f);

/* Decides it; without effect where the format is not auto. False if there is no such unit. */
bool time_unit_decide(struct time_format *f, const char *unit);

/*
 * Returns NULL, or the reason the record is malformed for, with f->detail: "no_time" (missing or
 * null), "no_time_zone" (a date-time without offset, and no zone to read it in), "bad_time" (all
 * else).
 *
 * RFC 3339: 'T', 't' or a blank, any offset, "-00:00" as Z; a fraction of any length is cut after
 * nine digits; second 60 is read as 59.999999999. Numbers: JSON's, or strings of the same form with
 * blanks around; exact, rounded down to nanoseconds. Under auto strings are RFC 3339, and the first
 * number of at least 1e8 decides the unit: below 1e11 s, 1e14 ms, 1e17 us, else ns; numbers that
 * speak for another unit are bad. Patterns read the whole string; what has no %z is local time, and
 * the process's TZ is not looked at. A number is read by a pattern as the text that it is.
 */
const char *time_read(struct time_format *f, const struct span *value, int64_t *ns);

/* The same of most, without a call: the usual form, in the hour of the one before. False: time_read
 * is to see it. */
static inline bool time_read_few(const struct time_format *f, const struct span *value, int64_t *ns)
{
	return value->type == SPAN_STRING && f->kind <= TIME_RFC3339 && !value->escaped &&
	       timehour_read(&f->hour, value->at, value->len, ns);
}

#endif
