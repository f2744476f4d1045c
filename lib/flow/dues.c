#include "flow/dues.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/order.h"

enum { SMALLEST = 16, CHUNK_ITEMS = 42, WORD_BITS = 64, CACHE_LINE = 64, FETCHED_LINES = 3 };

/* A pile of no more is sorted as a whole. */
enum { SORTED_MAX = 2048 };

/* One that is due in part only must then be a small part of all: what is put near goes to the heap.
 */
enum { SMALL_PART = 8 };

/* How many before it is taken something is fetched. */
enum { FETCH_AHEAD = 3 };

/* A kilobyte of a pile. */
struct dues_chunk {
	struct dues_chunk *next;
	size_t count;
	struct due items[CHUNK_ITEMS];
};

void dues_init(struct dues *d, due_order *order, const void *context)
{
	*d = (struct dues){.order = order, .context = context, .edge_ns = INT64_MIN};
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
	free(d->near);
	free(d->sorted);
	free(d->heap);
}

void dues_clear(struct dues *d)
{
	dues_release(d);
	dues_init(d, d->order, d->context);
}

/* What is near */

static bool is_before(const struct dues *d, const struct due *a, const struct due *b)
{
	if (a->due_ns != b->due_ns)
		return a->due_ns < b->due_ns;
	if (a->tie != b->tie)
		return a->tie < b->tie;
	return d->order(d->context, a->what, b->what) < 0;
}

static bool is_in_heap(const struct dues *d)
{
	return d->near_at == d->near_count ||
	       (d->heap_count && is_before(d, &d->heap[0], &d->near[d->near_at]));
}

const struct due *dues_first_near(const struct dues *d)
{
	if (!d->heap_count)
		return d->near_at < d->near_count ? &d->near[d->near_at] : NULL;
	return is_in_heap(d) ? &d->heap[0] : &d->near[d->near_at];
}

/* A session with two aggregates and its key reaches into a third line as often as not. */
static void fetch(const struct due *due)
{
	for (size_t line = 0; line < FETCHED_LINES; line++)
		__builtin_prefetch((char *)due->what + line * CACHE_LINE);
}

/* Puts one where there is a hole, or above that. */
static void move_up(struct dues *d, size_t at, struct due due)
{
	for (; at && is_before(d, &due, &d->heap[(at - 1) / 2]); at = (at - 1) / 2)
		d->heap[at] = d->heap[(at - 1) / 2];
	d->heap[at] = due;
}

static void put_near(struct dues *d, struct due due)
{
	if (d->heap_count == d->heap_cap) {
		size_t cap = d->heap_cap ? d->heap_cap + d->heap_cap / 2 : SMALLEST;

		d->heap = mem_resize(d->heap, cap * sizeof(*d->heap));
		d->bytes += (cap - d->heap_cap) * sizeof(*d->heap);
		d->heap_cap = cap;
	}
	fetch(&due);
	move_up(d, d->heap_count++, due);
}

/* The hole goes down to a leaf, where the last one, which was a leaf, mostly belongs (Wegener,
 * "Bottom-up heapsort", 1993). */
static struct due take_from_heap(struct dues *d)
{
	struct due first = d->heap[0], last = d->heap[--d->heap_count];
	size_t at = 0, child;

	while ((child = 2 * at + 2) <= d->heap_count) {
		child -= child == d->heap_count ||
			 is_before(d, &d->heap[child - 1], &d->heap[child]);
		d->heap[at] = d->heap[child];
		at = child;
	}
	move_up(d, at, last);
	return first;
}

struct due dues_take(struct dues *d)
{
	assert(d->heap_count || d->near_at < d->near_count);
	if (is_in_heap(d))
		return take_from_heap(d);
	if (d->near_count - d->near_at > FETCH_AHEAD)
		fetch(&d->near[d->near_at + FETCH_AHEAD]);
	return d->near[d->near_at++];
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

/* Times as numbers without a sign that have the same order. */
static uint64_t number_of(int64_t time_ns)
{
	return (uint64_t)time_ns ^ (uint64_t)1 << (WORD_BITS - 1);
}

static int64_t time_of(uint64_t number)
{
	return (int64_t)(number ^ (uint64_t)1 << (WORD_BITS - 1));
}

/* The pile of a time behind the edge. Ones with a higher number come later. */
static unsigned pile_of(const struct dues *d, int64_t time_ns)
{
	uint64_t differs = (uint64_t)time_ns ^ (uint64_t)d->edge_ns;
	unsigned place = (unsigned)(WORD_BITS - 1 - __builtin_clzll(differs)) / DUES_DIGIT_BITS;
	unsigned digit = number_of(time_ns) >> place * DUES_DIGIT_BITS & DUES_DIGIT;

	return place << DUES_DIGIT_BITS | digit;
}

/* One by one, as a struct that was just written so is slow to read as a whole. */
void dues_put(struct dues *d, int64_t due_ns, int64_t tie, void *what)
{
	struct dues_chunk *chunk;
	struct due *due;
	unsigned pile;

	if (due_ns <= d->edge_ns) {
		put_near(d, (struct due){due_ns, tie, what});
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
	d->later++;
}

/* Reaching a pile */

/* DUES_PILES: all are empty. */
static unsigned first_pile(const struct dues *d)
{
	for (unsigned word = 0; word < DUES_PILES / WORD_BITS; word++)
		if (d->has[word])
			return word * WORD_BITS + (unsigned)__builtin_ctzll(d->has[word]);
	return DUES_PILES;
}

/* The first time that belongs to a pile, and the last one. */
static void bounds_of(const struct dues *d, unsigned pile, int64_t *first_ns, int64_t *last_ns)
{
	unsigned bit = (pile >> DUES_DIGIT_BITS) * DUES_DIGIT_BITS;
	uint64_t below = ((uint64_t)1 << bit) - 1, digit = (uint64_t)(pile & DUES_DIGIT) << bit;
	uint64_t above = ~(below | (uint64_t)DUES_DIGIT << bit);
	uint64_t first = (number_of(d->edge_ns) & above) | digit;

	*first_ns = time_of(first);
	*last_ns = time_of(first | below);
}

static bool has_few(const struct dues *d, unsigned pile, size_t few)
{
	const struct dues_chunk *chunk = d->piles[pile];
	size_t count = 0;

	for (; chunk && count <= few; chunk = chunk->next)
		count += chunk->count;
	return count <= few;
}

static bool is_sorted_whole(const struct dues *d, unsigned pile, bool is_due_whole)
{
	size_t few = SORTED_MAX;

	if (!is_due_whole && d->later / SMALL_PART < few)
		few = d->later / SMALL_PART;
	return has_few(d, pile, few);
}

static void add_sorted(struct dues *d, struct due *due)
{
	if (d->near_count == d->near_cap) {
		size_t cap = d->near_cap ? d->near_cap + d->near_cap / 2 : SMALLEST;

		d->sorted = mem_resize(d->sorted, cap * sizeof(*d->sorted));
		d->near = mem_resize(d->near, cap * sizeof(*d->near));
		d->bytes += (cap - d->near_cap) * (sizeof(*d->sorted) + sizeof(*d->near));
		d->near_cap = cap;
	}
	d->sorted[d->near_count++] = (struct order_item){number_of(due->due_ns), due};
}

/* Of the same time. */
static int by_rest(const void *a, const void *b, const void *dues)
{
	return is_before(dues, a, b) ? -1 : 1;
}

static void sort_near(struct dues *d)
{
	order_sort(d->sorted, d->near_count, by_rest, d);
	for (size_t i = 0; i < d->near_count; i++)
		d->near[i] = *(const struct due *)d->sorted[i].what;
}

static void give_back(struct dues *d, struct dues_chunk *chunk)
{
	chunk->next = d->spare;
	d->spare = chunk;
}

/* What is up to the edge is near; false if nothing is. The rest goes to other piles. */
static bool deal_out(struct dues *d, struct dues_chunk *chunk)
{
	size_t before = d->near_count;

	d->later -= chunk->count;
	for (size_t i = 0; i < chunk->count; i++) {
		struct due *due = &chunk->items[i];

		if (due->due_ns <= d->edge_ns)
			add_sorted(d, due);
		else
			dues_put(d, due->due_ns, due->tie, due->what);
	}
	return d->near_count > before;
}

static void reach_pile(struct dues *d, unsigned pile, int64_t edge_ns)
{
	struct dues_chunk *chunk = d->piles[pile], *next, *held = NULL;

	d->piles[pile] = NULL;
	d->has[pile / WORD_BITS] &= ~((uint64_t)1 << pile % WORD_BITS);
	d->edge_ns = edge_ns;
	d->near_at = d->near_count = 0;
	for (; chunk; chunk = next) {
		next = chunk->next;
		if (deal_out(d, chunk)) {
			chunk->next = held;
			held = chunk;
		} else {
			give_back(d, chunk);
		}
	}
	sort_near(d);
	for (; held; held = next) {
		next = held->next;
		give_back(d, held);
	}
}

/*
 * Only the first pile that is not empty is reached. The edge goes to its last time, or, to divide
 * it, to its first one: either differs from the times in other piles in the same digit as the edge
 * before, so that those stay.
 */
void dues_reach(struct dues *d, int64_t until_ns)
{
	unsigned pile;

	while (d->near_at == d->near_count && (pile = first_pile(d)) < DUES_PILES) {
		int64_t first_ns, last_ns;

		bounds_of(d, pile, &first_ns, &last_ns);
		if (first_ns > until_ns)
			return;
		if (is_sorted_whole(d, pile, last_ns <= until_ns))
			reach_pile(d, pile, last_ns);
		else
			reach_pile(d, pile, first_ns);
	}
}
