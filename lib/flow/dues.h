/*
 * What falls due, and in which order: by time, then by another number, then as the owner says.
 *
 * Only what is near is in order. What comes later lies in piles, as in a radix heap: by the highest
 * digit in which its time differs from the edge, up to which all is near, and by that digit (Ahuja,
 * Mehlhorn, Orlin, Tarjan, "Faster Algorithms for the Shortest Path Problem", 1990). The first pile
 * is reached when nothing near is left: it is sorted, or, where it is large, divided among piles of
 * lower digits. What is put when it is near already lies in a binary heap.
 */
#ifndef DUES_H
#define DUES_H

#include <stddef.h>
#include <stdint.h>

struct due {
	int64_t due_ns;
	int64_t tie;
	void *what; /* is fetched into the cache before it is taken, never looked at */
};

/* Which of two comes first, as memcmp says it. */
typedef int due_order(const void *context, const void *what, const void *other);

enum {
	DUES_DIGIT_BITS = 4,
	DUES_DIGIT = (1 << DUES_DIGIT_BITS) - 1,
	DUES_PILES = 64 / DUES_DIGIT_BITS << DUES_DIGIT_BITS,
};

struct dues {
	int64_t edge_ns;
	struct due *near; /* sorted */
	size_t near_at;   /* the first that is not taken */
	size_t near_count;
	size_t near_cap;
	struct due *heap;
	size_t heap_count;
	size_t heap_cap;
	struct dues_chunk *piles[DUES_PILES];
	uint64_t has[DUES_PILES / 64]; /* which of them have any */
	size_t later;                  /* how many are in piles */
	struct dues_chunk *spare;
	struct order_item *sorted; /* near_cap of them; while a pile is sorted */
	size_t bytes;              /* all that is allocated */
	due_order *order;
	const void *context;
};

/* order decides where due_ns and tie are equal; it gets the context. */
void dues_init(struct dues *d, due_order *order, const void *context);
void dues_release(struct dues *d);

/* Forgets all of them. */
void dues_clear(struct dues *d);

/* O(1), and O(log n) of those that are near where it is; over its time in here at most 16 moves. */
void dues_put(struct dues *d, int64_t due_ns, int64_t tie, void *what);

/* For dues_first: nothing is near. */
void dues_reach(struct dues *d, int64_t until_ns);
const struct due *dues_first_near(const struct dues *d);

/* The first of those that are due at or before until_ns, or NULL; valid until the next change. */
static inline const struct due *dues_first(struct dues *d, int64_t until_ns)
{
	const struct due *first;

	if (d->near_at == d->near_count && !d->heap_count && until_ns > d->edge_ns)
		dues_reach(d, until_ns);
	first = dues_first_near(d);
	return first && first->due_ns <= until_ns ? first : NULL;
}

/* What probably comes up behind the first one; NULL: nobody knows. */
static inline void *dues_coming(const struct dues *d)
{
	return d->near_count - d->near_at > 1 ? d->near[d->near_at + 1].what : NULL;
}

/* Takes that one out; there must be one. O(log n) of those that are near. */
struct due dues_take(struct dues *d);

#endif
