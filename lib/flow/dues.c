#include "flow/dues.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

enum { SMALLEST = 16, CHUNK_ITEMS = 42, WORD_BITS = 64, CACHE_LINE = 64 };

/* A kilobyte of a pile. */
struct dues_chunk {
	struct dues_chunk *next;
	size_t count;
	struct due items[CHUNK_ITEMS];
};

void dues_init(struct dues *d, due_order *order, const void *context)
{
	*d = (struct dues){.order = order, .context = context, .until_ns = INT64_MIN};
}

static void free_chunks(struct dues_chunk *chunk)
{
	while (chunk) {
		struct dues_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
}

void dues_release(struct dues *d)
{
	for (int i = 0; i < DUES_PILES; i++)
		free_chunks(d->piles[i]);
	free_chunks(d->spare);
	free(d->items);
}

void dues_clear(struct dues *d)
{
	dues_release(d);
	dues_init(d, d->order, d->context);
}

/* What is due */

static bool is_before(const struct dues *d, const struct due *a, const struct due *b)
{
	if (a->due_ns != b->due_ns)
		return a->due_ns < b->due_ns;
	if (a->tie != b->tie)
		return a->tie < b->tie;
	return d->order(d->context, a->what, b->what) < 0;
}

/* Puts one where there is a hole, or above that. */
static void move_up(struct dues *d, size_t at, struct due due)
{
	for (; at && is_before(d, &due, &d->items[(at - 1) / 2]); at = (at - 1) / 2)
		d->items[at] = d->items[(at - 1) / 2];
	d->items[at] = due;
}

static void put_due(struct dues *d, struct due due)
{
	if (d->count == d->cap) {
		size_t cap = d->cap ? d->cap + d->cap / 2 : SMALLEST;

		d->items = mem_resize(d->items, cap * sizeof(*d->items));
		d->bytes += (cap - d->cap) * sizeof(*d->items);
		d->cap = cap;
	}
	/* it comes up soon, and nobody has looked at it for long */
	__builtin_prefetch(due.what);
	__builtin_prefetch((char *)due.what + CACHE_LINE);
	move_up(d, d->count++, due);
}

/* The hole goes down to a leaf, where the last one, which was a leaf, mostly belongs (Wegener,
 * "Bottom-up heapsort", 1993). */
struct due dues_take(struct dues *d)
{
	struct due first, last;
	size_t at = 0, child;

	assert(d->count);
	first = d->items[0];
	last = d->items[--d->count];
	while ((child = 2 * at + 2) <= d->count) {
		child -= child == d->count || is_before(d, &d->items[child - 1], &d->items[child]);
		d->items[at] = d->items[child];
		at = child;
	}
	move_up(d, at, last);
	return first;
}

/* What comes later */

static struct dues_chunk *add_chunk(struct dues *d, struct dues_chunk *next)
{
	struct dues_chunk *chunk = d->spare;

	if (chunk) {
		d->spare = chunk->next;
	} else {
		chunk = mem_alloc(sizeof(*chunk));
		d->bytes += sizeof(*chunk);
	}
	chunk->next = next;
	chunk->count = 0;
	return chunk;
}

/* The pile of a time that is not the one up to which all is due. Ones with a higher number come
 * later. */
static unsigned pile_of(const struct dues *d, int64_t time_ns)
{
	/* as numbers without a sign that have the same order */
	uint64_t differs = (uint64_t)time_ns ^ (uint64_t)d->until_ns;
	uint64_t number = (uint64_t)time_ns ^ (uint64_t)1 << (WORD_BITS - 1);
	unsigned place = (unsigned)(WORD_BITS - 1 - __builtin_clzll(differs)) / DUES_DIGIT_BITS;
	unsigned digit = number >> place * DUES_DIGIT_BITS & ((1 << DUES_DIGIT_BITS) - 1);

	return place << DUES_DIGIT_BITS | digit;
}

/* One by one, as a struct that was just written so is slow to read as a whole. */
void dues_put(struct dues *d, int64_t due_ns, int64_t tie, void *what)
{
	struct dues_chunk *chunk;
	struct due *due;
	unsigned pile;

	if (due_ns <= d->until_ns) {
		put_due(d, (struct due){due_ns, tie, what});
		return;
	}
	pile = pile_of(d, due_ns);
	chunk = d->piles[pile];
	if (!chunk || chunk->count == CHUNK_ITEMS) {
		chunk = d->piles[pile] = add_chunk(d, chunk);
		d->has[pile / WORD_BITS] |= (uint64_t)1 << pile % WORD_BITS;
	}
	due = &chunk->items[chunk->count++];
	due->due_ns = due_ns;
	due->tie = tie;
	due->what = what;
}

/* Puts what is in a pile where it is to be now. */
static void deal_out(struct dues *d, unsigned pile)
{
	struct dues_chunk *chunk = d->piles[pile], *next;

	d->piles[pile] = NULL;
	d->has[pile / WORD_BITS] &= ~((uint64_t)1 << pile % WORD_BITS);
	for (; chunk; chunk = next) {
		next = chunk->next;
		for (size_t i = 0; i < chunk->count; i++)
			dues_put(d, chunk->items[i].due_ns, chunk->items[i].tie,
				chunk->items[i].what);
		chunk->next = d->spare;
		d->spare = chunk;
	}
}

/*
 * Times that differ from the old until_ns in a higher digit than the new one does differ from the
 * new one in the same: their piles stay, as do those of greater digits in the same place. All
 * before the new one's pile is due, and only that pile is divided, among piles before it.
 */
void dues_reach(struct dues *d, int64_t until_ns)
{
	unsigned last = pile_of(d, until_ns);

	d->until_ns = until_ns;
	for (unsigned word = 0; word <= last / WORD_BITS; word++) {
		uint64_t reached = d->has[word];

		if (word == last / WORD_BITS)
			reached &= ~(uint64_t)0 >> (WORD_BITS - 1 - last % WORD_BITS);
		for (; reached; reached &= reached - 1)
			deal_out(d, word * WORD_BITS + (unsigned)__builtin_ctzll(reached));
	}
}
