/*
 * What falls due, and in which order: by time, then by another number, then as the owner says.
 *
 * Only what is due is in order. What comes later lies in piles, as in a radix heap: by the highest
 * digit in which its time differs from that up to which all is due, and by that digit (Ahuja,
 * Mehlhorn, Orlin, Tarjan, "Faster Algorithms for the Shortest Path Problem", 1990). When a pile is
 * reached, what is in it goes to piles of lower digits, or is due.
 */
#ifndef DUES_H
#define DUES_H

#include <stddef.h>
#include <stdint.h>

struct due {
	int64_t due_ns;
	int64_t tie;
	void *what; /* is fetched into the cache when it is due, never looked at */
};

/* Which of two comes first, as memcmp says it. */
typedef int due_order(const void *context, const void *what, const void *other);

enum { DUES_DIGIT_BITS = 4, DUES_PILES = 64 / DUES_DIGIT_BITS << DUES_DIGIT_BITS };

struct dues {
	struct due *items; /* up to until_ns: a binary heap */
	size_t count;
	size_t cap;
	int64_t until_ns;
	struct dues_chunk *piles[DUES_PILES];
	uint64_t has[DUES_PILES / 64]; /* which of them have any */
	struct dues_chunk *spare;
	size_t bytes; /* all that is allocated */
	due_order *order;
	const void *context;
};

/* order decides where due_ns and tie are equal; it gets the context. */
void dues_init(struct dues *d, due_order *order, const void *context);
void dues_release(struct dues *d);

/* Forgets all of them. */
void dues_clear(struct dues *d);

/* O(1), and O(log n) of those that are due where it is; over its time in here at most 16 moves. */
void dues_put(struct dues *d, int64_t due_ns, int64_t tie, void *what);

/* For dues_first. */
void dues_reach(struct dues *d, int64_t until_ns);

/* The first of those that are due at or before until_ns, or were so at an earlier call, or NULL;
 * valid until the next change. */
static inline const struct due *dues_first(struct dues *d, int64_t until_ns)
{
	if (until_ns > d->until_ns)
		dues_reach(d, until_ns);
	return d->count ? d->items : NULL;
}

/* Takes that one out; there must be one. O(log n) of those that are due. */
struct due dues_take(struct dues *d);

#endif
