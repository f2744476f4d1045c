/*
 * Versions: what says of two records of a key which is the newer. A JSON number, compared exactly,
 * or a string that is a date-time (RFC 3339), compared by its instant. The first one decides which
 * of the two the stream's are.
 */
#ifndef VERSION_H
#define VERSION_H

#include <stdbool.h>

#include "base/decimal.h"
#include "record/scan.h"
#include "record/time.h"

enum version_kind { VERSION_ANY /* not decided yet */, VERSION_NUMBER, VERSION_TIME };

struct version_reader {
	enum version_kind kind;
	struct time_format time;
	const char *detail; /* after one that can't be read: why, static */
};

/* zone_name, for date-times without an offset, may be NULL. Returns NULL, or a static reason, with
 * nothing to release. */
const char *version_init(struct version_reader *v, const char *zone_name);
void version_release(struct version_reader *v);

/*
 * Reads a version; of a time it is the nanoseconds since 1970. Versions that are read compare
 * exactly by decimal_compare, and none is a double: a number that struct decimal can't hold exactly
 * is refused, as two of them could compare equal. Returns NULL, or the reason, with v->detail:
 * "no_version" (missing or null), "not_a_version" (neither number nor time, or not of the stream's
 * kind).
 */
const char *version_read(
	struct version_reader *v, const struct span *value, struct decimal *version);

/* The kind that was decided ("number", "time"), or NULL; and decides it: false if there is no such
 * kind. */
const char *version_kind(const struct version_reader *v);
bool version_decide(struct version_reader *v, const char *kind);

#endif
