/* One array of flow/seen, which has the only use for it: how keys are laid out in it. */
#ifndef SEENSEGMENT_H
#define SEENSEGMENT_H

#include "flow/seen.h"

/* Without memory; there is a free place to look at all the same. */
extern const struct seen_segment seensegment_empty;

static inline bool seen_is_timed(const struct seen *s)
{
	return s->ttl_ns != SEEN_FOREVER;
}

static inline bool seen_has_run_out(const struct seen *s, int64_t time_ns, int64_t clock_ns)
{
	int64_t end_ns;

	return seen_is_timed(s) && !__builtin_add_overflow(time_ns, s->ttl_ns, &end_ns) &&
	       end_ns <= clock_ns;
}

static inline struct seen_slot *seen_slot_at(
	const struct seen *s, const struct seen_segment *g, size_t place)
{
	return (struct seen_slot *)(void *)(g->slots + place * s->slot_bytes);
}

static inline struct seen_slot *seen_behind(const struct seen *s, struct seen_slot *slot)
{
	return (struct seen_slot *)(void *)((char *)slot + s->slot_bytes);
}

static inline bool seen_counts(const struct seen *s, const struct seen_slot *slot, int64_t clock_ns)
{
	return slot->key.high &&
	       (!seen_is_timed(s) || !seen_has_run_out(s, *seen_time(slot), clock_ns));
}

/* The memory in which so many keys have room, and some more. */
size_t seensegment_bytes_for(const struct seen *s, size_t count);

/* Gives it so much memory, for seensegment_lay_out to use. */
void seensegment_resize(struct seen *s, struct seen_segment *g, size_t bytes);

/* Moves what counts at that clock to the front, in order and without gaps, and returns how many. */
size_t seensegment_gather(const struct seen *s, const struct seen_segment *g, int64_t clock_ns);

/* Lays out a segment that has its `count` keys at the front like that, in so much memory, or more
 * where there are too many near the end. O(count). */
void seensegment_lay_out(struct seen *s, struct seen_segment *g, size_t count, size_t bytes);

#endif
