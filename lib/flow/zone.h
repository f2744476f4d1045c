/*
 * A time zone: how local time goes with UTC, as a table read from the bytes of a TZif file (RFC
 * 9636, RFC 8536), with the rule for later times that stands in its footer.
 *
 * The rule is unrolled for one cycle of the Gregorian calendar (400 years), after which it repeats;
 * so all times are looked up in the same table. In a file without transitions the rule holds from
 * 1600 on.
 */
#ifndef ZONE_H
#define ZONE_H

#include <stddef.h>
#include <stdint.h>

enum { ZONE_OFFSET_MAX_S = 26 * 3600 }; /* no offset is this far from UTC, or farther */

/* An offset and the instant it holds from, up to the next one. */
struct zone_segment {
	int64_t from_s;
	int32_t offset_s; /* east is positive */
};

struct zone {
	struct zone_segment *segments; /* [0] is from ever, [count] a sentinel; neighbours differ */
	size_t count;
	int64_t fold_s; /* from here on the table of 400 years before holds; INT64_MAX: never */
	size_t hit;     /* where the last answer was found: one thread at a time */
};

/*
 * Reads a TZif file of any version; any bytes are safe. The caller releases. Returns NULL, or a
 * static reason, with nothing to release: damaged data, and zones that count leap seconds
 * ("right/") as their seconds are not those of UTC. O(len).
 */
const char *zone_parse(struct zone *z, const void *tzif, size_t len);

/* A zone that always has the same offset. */
void zone_fixed(struct zone *z, int32_t offset_s);

void zone_release(struct zone *z);

/* The offset that holds at an instant. O(log transitions), O(1) near the last answer. */
int32_t zone_offset(struct zone *z, int64_t utc_s);

/*
 * The instant of a local time (its date and time of day, counted as if it were UTC): of a repeated
 * one the first, a skipped one is moved forward by what was skipped. local_s is within +-2^62.
 * O(log transitions + transitions within two days), O(1) near the last answer.
 */
int64_t zone_to_utc(struct zone *z, int64_t local_s);

#endif
