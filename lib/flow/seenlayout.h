/*
 * How the keys of flow/seen, which has the only use for it, are laid out in its array, and how they
 * move when that grows or shrinks. Keys stand in their order, and between a key's home and the
 * place where it stands there is no gap; so what is taken of a group is in front of what is not.
 * While the array grows, keys from the border on are where they belong in the larger one; while it
 * shrinks, keys below the border are where they belong in the smaller one.
 */
#ifndef SEENLAYOUT_H
#define SEENLAYOUT_H

#include "flow/seen.h"

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

/* Slots of a key, and of a key with its time. */
enum {
	SEEN_BARE = sizeof(struct seen_slot),
	SEEN_TIMED = sizeof(struct seen_slot) + sizeof(int64_t),
};

static inline struct seen_slot *seen_slot_at(const struct seen *s, size_t place)
{
	return (struct seen_slot *)(void *)(s->slots + place * s->slot_bytes);
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

/* The array without memory: one free place. */
void seenlayout_init(struct seen *s);
void seenlayout_release(struct seen *s);

/* Lays an empty table out in so much memory. */
void seenlayout_reserve(struct seen *s, size_t bytes);

/* The memory in which so many keys have room, and some more. */
size_t seenlayout_bytes_for(const struct seen *s, size_t count);

/* Makes a place free for a key that belongs in front of the one that stands there, if one does:
 * keys up to the next gap move by one. False if that is the last place. */
bool seenlayout_open(struct seen *s, struct seen_slot *slot);

/* Some places more at the end. False if there is no memory for that. */
bool seenlayout_widen(struct seen *s);

/* Takes away what has run out at that clock, from a place on: so many places, and on to the next
 * gap. Where that is. */
size_t seenlayout_tidy(struct seen *s, size_t from, size_t places, int64_t clock_ns);

/* A still array begins to grow, or to shrink to so much memory. False if there is none to grow. */
bool seenlayout_grow(struct seen *s);
void seenlayout_shrink(struct seen *s, size_t bytes);

/* One step of it: a few hundred keys move, and what has run out goes. */
void seenlayout_move(struct seen *s);

/* How many keys may come between two steps of growing, so that none of them is far from its home.
 */
size_t seenlayout_keys_a_move(const struct seen *s);

/* The least key whose home is that place or one behind. */
uint64_t seenlayout_key_of(size_t groups, size_t place);

#endif
