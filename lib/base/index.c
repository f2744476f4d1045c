#include "base/index.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

enum { SLOTS_MIN = 16 };

void index_init(struct index *x)
{
	*x = (struct index){0};
}

void index_release(struct index *x)
{
	free(x->slots);
	index_init(x);
}

void *index_find(const struct index *x, uint64_t hash,
	bool (*is_it)(const void *item, const void *wanted), const void *wanted)
{
	if (!x->slots)
		return NULL;
	for (size_t at = hash & x->mask; x->slots[at].item; at = (at + 1) & x->mask)
		if (x->slots[at].hash == hash && is_it(x->slots[at].item, wanted))
			return x->slots[at].item;
	return NULL;
}

static void put(struct index *x, struct index_slot slot)
{
	size_t at = slot.hash & x->mask;

	while (x->slots[at].item)
		at = (at + 1) & x->mask;
	x->slots[at] = slot;
}

static void grow(struct index *x)
{
	struct index old = *x;
	size_t slots = old.slots ? (old.mask + 1) * 2 : SLOTS_MIN;

	x->slots = mem_zero(slots, sizeof(*x->slots));
	x->mask = slots - 1;
	for (size_t i = 0; old.slots && i <= old.mask; i++)
		if (old.slots[i].item)
			put(x, old.slots[i]);
	free(old.slots);
}

void index_add(struct index *x, uint64_t hash, void *item)
{
	if (!x->slots || x->count >= (x->mask + 1) / 2)
		grow(x);
	put(x, (struct index_slot){item, hash});
	x->count++;
}

void index_remove(struct index *x, uint64_t hash, const void *item)
{
	size_t hole = hash & x->mask;

	while (x->slots[hole].item != item) {
		assert(x->slots[hole].item);
		hole = (hole + 1) & x->mask;
	}
	/* what would not be found across the hole moves up (Knuth, algorithm 6.4 R) */
	for (size_t at = (hole + 1) & x->mask; x->slots[at].item; at = (at + 1) & x->mask) {
		size_t from_home = (at - x->slots[at].hash) & x->mask;

		if (from_home < ((at - hole) & x->mask))
			continue;
		x->slots[hole] = x->slots[at];
		hole = at;
	}
	x->slots[hole].item = NULL;
	x->count--;
}
