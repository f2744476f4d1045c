/*
 * The rule by which a zone's clocks are set each year: a POSIX TZ string (POSIX.1-2017, 8.3) with
 * the wider times of day of RFC 9636, 3.3.2.
 */
#ifndef ZONERULE_H
#define ZONERULE_H

#include <stdbool.h>
#include <stdint.h>

/* The day on which a clock is set, and when on it by the old clock. */
struct zone_rule_date {
	char kind;            /* 'J' and '0': day of the year, from 1 without Feb 29, from 0; 'M' */
	int day, month, week; /* of 'M': the week'th weekday `day` of the month, week 5 the last */
	int32_t time_s;
};

/* Offsets are east of UTC. */
struct zone_rule {
	bool has_dst;
	int32_t standard_s, dst_s;
	struct zone_rule_date start, end;
};

/* Reads all from text to end. False if it is damaged. */
bool zone_rule_read(struct zone_rule *r, const char *text, const char *end);

/* The instants at which daylight saving time begins and ends by a rule that has it: those of a
 * year, if perhaps a week out of it. */
int64_t zone_rule_start(const struct zone_rule *r, int64_t year);
int64_t zone_rule_end(const struct zone_rule *r, int64_t year);

#endif
