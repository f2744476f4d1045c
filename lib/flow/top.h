/*
 * The most frequent byte strings.
 *
 * Counts are exact while there are at most `limit` different strings. Beyond that it is
 * Space-Saving with `limit` counters (Metwally, Agrawal, El Abbadi 2005): the new string takes the
 * counter of the rarest, and its count as a possible error. Then count - error <= true count <=
 * count, the error is at most (number of strings added) / limit, and each string that occurs more
 * often than that is listed. A merge keeps these bounds (Agarwal et al. 2012, "Mergeable
 * summaries").
 *
 * Of equal counts the string that is lower in bytewise order comes first, and the last one of this
 * order is the rarest. Exact counts do not depend on order or merging; others do, but nothing else
 * matters to them than the sequence of calls. Zeros are the empty state, and take no heap.
 */
#ifndef TOP_H
#define TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { TOP_LIMIT_DEFAULT = 10000 };

struct top {
	struct top_counters *counters;
};

struct top_item {
	const char *bytes; /* borrowed until the next change */
	size_t len;
	uint64_t count;
	uint64_t error;
};

void top_release(struct top *t);

size_t top_bytes(const struct top *t);

/* The limit is at least 1 and always the same. Amortised O(len + log limit). */
void top_add(struct top *t, uint32_t limit, const char *bytes, size_t len);

/* Adds all of another one, of the same limit. O(limit log limit). */
void top_merge(struct top *t, uint32_t limit, const struct top *from);

/* Appends all of it for state on disk. */
void top_pack(const struct top *t, struct buf *to);

/* Takes that into an empty one, which goes on as the packed one would. False for damage, and it
 * stays empty. */
bool top_unpack(struct top *t, const char **at, const char *end);

/* Writes the first of them, most frequent first, and returns how many: n, or all. O(m log m). */
size_t top_list(const struct top *t, struct top_item *items, size_t n);

#endif
