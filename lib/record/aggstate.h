/*
 * What one aggregate keeps of a key in a window: a run of bytes that begins as zeros, and what it
 * points to. `at` is that run in all of these.
 */
#ifndef AGGSTATE_H
#define AGGSTATE_H

#include "flow/extreme.h"
#include "flow/moments.h"
#include "flow/samples.h"
#include "flow/top.h"
#include "record/aggregate.h"

/* Where a count comes first it says how many values came. */
struct sum_state {
	uint64_t count;
	struct decimal_sum sum;
};

struct extreme_state {
	uint64_t count;
	struct decimal value;
};

/* One of the two, as the sketches that came were. */
struct merge_state {
	struct distinct distinct;
	struct quantile quantile;
};

/* How long the run is, rounded up to 8. */
size_t aggstate_bytes(enum aggregate_kind kind);

/* Whether it may point to something. */
static inline bool aggstate_has_heap(enum aggregate_kind kind)
{
	return kind > AGGREGATE_MAX;
}

static inline void aggstate_add_sum(struct sum_state *s, const struct decimal *value)
{
	if (s->count++)
		decimal_sum_add(&s->sum, value);
	else
		decimal_sum_begin(&s->sum, value);
}

/* Takes g->input, which is there. The sequence is that of arrival. */
void aggstate_apply(const struct aggregate *g, void *at, int64_t time_ns, uint64_t sequence);

/* Adds all of from, which stays as it is. */
void aggstate_merge(const struct aggregate *g, void *at, const void *from);

/* Lets go of what it points to. */
void aggstate_release(const struct aggregate *g, void *at);

/* Appends it for state on disk. */
void aggstate_pack(const struct aggregate *g, const void *at, struct buf *to);

/* Takes that into zeros, and it goes on as what was packed. False for damage; release it, which is
 * safe then as well. */
bool aggstate_unpack(const struct aggregate *g, void *at, const char **from, const char *end);

/* What it points to, in bytes. */
size_t aggstate_heap(const struct aggregate *g, const void *at);

/* Whether a sum in it has left the exact numbers. */
bool aggstate_is_inexact(const struct aggregate *g, const void *at);

#endif
