/* Event times (record/time.h) written as RFC 3339. */
#ifndef TIMETEXT_H
#define TIMETEXT_H

#include <stddef.h>
#include <stdint.h>

#include "flow/zone.h"

enum {
	TIME_TEXT_MAX = 40, /* the longest printed time, with its NUL */
};

/*
 * Writes t as RFC 3339 in UTC with Z; no fraction if it is zero, else 3, 6 or 9 digits. Returns the
 * length without the NUL.
 */
size_t time_print(char out[TIME_TEXT_MAX], int64_t ns);

/*
 * The same with the zone's offset. RFC 3339 has offsets of whole minutes: one with seconds (local
 * mean time, before about 1900) is rounded down to the minute and the time of day with it, so that
 * the instant is right.
 */
size_t time_print_zone(char out[TIME_TEXT_MAX], int64_t ns, struct zone *z);

#endif
