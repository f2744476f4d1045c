/*
 * How late the records of a sample are, and the least bound that keeps a share of them.
 *
 * The counts are exact for up to LATENESS_VALUES_MAX different values (about 64 MiB). Beyond that
 * values are counted in ranges, in each of which the last is less than 1/128 larger than the
 * first; then a bound is the largest value in its range: never too small, and less than 0.8 % too
 * large. The bound that keeps all is exact always.
 */
#ifndef LATENESS_H
#define LATENESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/table.h"

enum {
	LATENESS_VALUES_MAX = 1 << 20,
	LATENESS_RANGES = 57 * 128, /* what 63 bits need */
};

struct lateness_count {
	int64_t behind_ns; /* of a range, its largest that there was */
	uint64_t count;
};

struct lateness {
	uint64_t count;
	bool is_exact;
	struct table exact; /* counts; the keys are the values, most significant byte first */
	struct lateness_count *ranges;
	struct lateness_count *sorted; /* by value, once the sample is complete */
	size_t sorted_count;
};

void lateness_init(struct lateness *l);
void lateness_release(struct lateness *l);

/* A record is behind_ns behind, which is not negative. O(1). */
void lateness_add(struct lateness *l, int64_t behind_ns);

/* The sample is complete. O(n log n) of the different values. The rest may be asked after it. */
void lateness_sort(struct lateness *l);

/* The least bound that makes at most that many records late. 0 if there is no record. */
int64_t lateness_bound(const struct lateness *l, uint64_t late_max);

/* How many records are more than that behind. */
uint64_t lateness_beyond(const struct lateness *l, int64_t behind_ns);

/* Appends a table of the distribution, and one of the bounds that keep 99, 99.9, 99.99 and 100 % of
 * the records; there must be one. */
void lateness_print(const struct lateness *l, struct buf *to);

#endif
