/* A binary min-heap of pointers, ordered by a number that each is put in with. */
#ifndef HEAP_H
#define HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_item {
	int64_t order;
	void *what;
};

struct heap {
	struct heap_item *items;
	size_t count;
	size_t cap;
};

void heap_init(struct heap *h);
void heap_release(struct heap *h);

/* O(log n). */
void heap_put(struct heap *h, int64_t order, void *what);

/* The least item, or NULL; valid until the next change. */
static inline const struct heap_item *heap_least(const struct heap *h)
{
	return h->count ? h->items : NULL;
}

/* Takes the least item out; there must be one. Of equal ones any comes first. O(log n). */
void *heap_take(struct heap *h);

#endif
