/*
 * What belongs to the least or the greatest number (argmin, argmax); of equal numbers, to the one
 * that is earlier in time and arrival. Numbers are compared exactly. Order and merging change
 * nothing. Zeros are the empty state, and take no heap.
 */
#ifndef EXTREME_H
#define EXTREME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/decimal.h"
#include "flow/samples.h"

enum extreme_side { EXTREME_LEAST = -1, EXTREME_GREATEST = 1 };

/* Its bytes stand behind it. */
struct extreme_best {
	struct decimal value;
	struct sample sample;
};

struct extreme {
	struct extreme_best *best; /* to be read; NULL if nothing came */
};

void extreme_release(struct extreme *e);

size_t extreme_bytes(const struct extreme *e);

/* Takes a copy of the sample if it is the best so far. The side is always the same. O(len). */
void extreme_add(struct extreme *e, enum extreme_side side, const struct decimal *value,
	const struct sample *sample);

void extreme_merge(struct extreme *e, enum extreme_side side, const struct extreme *from);

/* Appends it for state on disk. */
void extreme_pack(const struct extreme *e, struct buf *to);

/* Takes that into an empty one, which goes on as the packed one would. False for damage, and it
 * stays empty. */
bool extreme_unpack(struct extreme *e, const char **at, const char *end);

#endif
