/*
 * The sample standard deviation, with n - 1 (SQL's stddev_samp): of fewer than two values there is
 * none.
 *
 * Sum and sum of squares are kept exactly, as integers of 128 bits at the largest scale that came,
 * and the variance is the double nearest to the exact one: nothing cancels, whatever the mean, and
 * neither order nor merging changes it. That goes on until a value is no exact decimal or has more
 * than 19 places, or the sum of squares leaves 127 bits (values of 9 digits in all: beyond 10^20 of
 * them; of 15: beyond 10^8; of 19: after a few). From there it is mean and squared distance in
 * doubles (Welford 1962; merged as in Chan, Golub, LeVeque 1979), which depend a little on the
 * order.
 *
 * Zeros are the empty state; there is no heap.
 */
#ifndef MOMENTS_H
#define MOMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/decimal.h"

struct moments {
	uint64_t count;
	union {
		struct {
			decimal_coefficient sum;     /* * 10^-scale */
			decimal_coefficient squares; /* * 10^-(2 * scale) */
		};
		struct {
			double mean;
			double distance; /* the sum of (value - mean)^2 */
		};
	};
	uint8_t scale;
	bool is_double;
};

/* O(1). */
void moments_add(struct moments *m, const struct decimal *value);
void moments_merge(struct moments *m, const struct moments *from);

/* Appends it for state on disk; what is unpacked goes on as what was packed. False for damage. */
void moments_pack(const struct moments *m, struct buf *to);
bool moments_unpack(struct moments *m, const char **at, const char *end);

/* Needs a count of 2. Fails with "number out of range" where squares are beyond the doubles. */
const char *moments_stddev(const struct moments *m, double *stddev);

#endif
