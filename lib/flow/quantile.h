/*
 * Quantiles of doubles with a guaranteed relative error: DDSketch (Masson, Rim, Lee 2019).
 *
 * Of n values in order, x[0] to x[n-1], the q-quantile is the lower one, x[floor(q * (n-1))], with
 * q taken as the exact decimal that it is. The answer differs from it by at most 1 % of it, and is
 * exact for the least and the greatest value (so for q = 0 and q = 1, or when all are equal).
 *
 * Positive values are counted by powers of 1.02, negative ones likewise, and zeros on their own,
 * as is what lies below the normal doubles (2.2e-308). QUANTILE_BUCKETS_MAX powers are kept for
 * each sign, from the largest magnitude down; what is smaller counts into the last of them. So the
 * error is guaranteed for magnitudes down to 1 / 3e17 of the largest one of their sign; for
 * smaller ones it is less than 1 / 3e17 of that largest one.
 *
 * What is kept is a function of the values: neither order nor merging changes it. Zeros are the
 * empty state, and take no heap.
 */
#ifndef QUANTILE_H
#define QUANTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/decimal.h"

enum { QUANTILE_BUCKETS_MAX = 2048 };

struct quantile {
	struct quantile_sketch *sketch;
};

void quantile_release(struct quantile *q);

/* The heap that it takes: 16 bytes a bucket in use, and up to as much again; 128 KiB at most. */
size_t quantile_bytes(const struct quantile *q);

/* The value is finite. O(log buckets), or O(buckets) where it needs a new one. */
void quantile_add(struct quantile *q, double value);

/* Adds all of another one. O(buckets). */
void quantile_merge(struct quantile *q, const struct quantile *from);

uint64_t quantile_count(const struct quantile *q);

/* The quantile at a number from 0 to 1. There must be a value. O(buckets). */
double quantile_at(const struct quantile *q, const struct decimal *at);

/* Appends "quantile.1." and what follows; the same text for the same values. */
void quantile_print(const struct quantile *q, struct buf *to);

/* Reads that back into an empty one, which stays empty if it fails with a static reason. */
const char *quantile_parse(struct quantile *q, const char *text, size_t len);

/* Appends it for state on disk. O(buckets). */
void quantile_pack(const struct quantile *q, struct buf *to);

/* Takes that into an empty one, which goes on as the packed one would. False for damage, and it
 * stays empty. */
bool quantile_unpack(struct quantile *q, const char **at, const char *end);

#endif
