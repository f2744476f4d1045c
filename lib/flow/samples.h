/*
 * The first or the last N of what came, in the order of event time and, where that is equal, of
 * arrival. Zeros are the empty state, and take no heap.
 */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct sample {
	int64_t time_ns;
	uint64_t sequence; /* of arrival; no two samples have time and sequence in common */
	const char *bytes;
	size_t len;
};

/* Below, equal to or above 0 as a comes before, with or after b. */
int sample_compare(const struct sample *a, const struct sample *b);

/*
 * Appends it for state on disk, the shorter the nearer it is to the one before. What is unpacked
 * borrows the bytes from where they stand; false for damage.
 */
void sample_pack(const struct sample *s, const struct sample *before, struct buf *to);
bool sample_unpack(struct sample *s, const struct sample *before, const char **at, const char *end);

enum samples_side { SAMPLES_FIRST, SAMPLES_LAST };

struct samples_rule {
	enum samples_side side;
	size_t limit; /* at least 1 */
};

struct samples {
	struct samples_list *list;
};

void samples_release(struct samples *s);

size_t samples_bytes(const struct samples *s);

/*
 * Takes a copy of the sample, unless the list is full of others that go before it. The rule is
 * always the same. O(len + log limit) in order; out of order, and for the last of a full list,
 * limit pointers may move.
 */
void samples_add(struct samples *s, const struct samples_rule *rule, const struct sample *sample);

/* Adds all of another one. */
void samples_merge(struct samples *s, const struct samples_rule *rule, const struct samples *from);

/* Appends all for state on disk. */
void samples_pack(const struct samples *s, struct buf *to);

/* Takes that into an empty one, which goes on as the packed one would. False for damage, and it
 * stays empty. */
bool samples_unpack(struct samples *s, const char **at, const char *end);

size_t samples_count(const struct samples *s);

/* The i-th in order; valid until the next change. */
const struct sample *samples_at(const struct samples *s, size_t i);

#endif
