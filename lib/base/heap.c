#include "base/heap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

enum { SMALLEST = 16 };

void heap_init(struct heap *h)
{
	*h = (struct heap){0};
}

void heap_release(struct heap *h)
{
	free(h->items);
	heap_init(h);
}

void heap_put(struct heap *h, int64_t order, void *what)
{
	size_t at = h->count++;

	if (h->count > h->cap) {
		h->cap = h->cap ? h->cap * 2 : SMALLEST;
		h->items = mem_resize(h->items, h->cap * sizeof(*h->items));
	}
	for (; at && h->items[(at - 1) / 2].order > order; at = (at - 1) / 2)
		h->items[at] = h->items[(at - 1) / 2];
	h->items[at] = (struct heap_item){order, what};
}

void *heap_take(struct heap *h)
{
	struct heap_item last;
	void *least;
	size_t at = 0;

	assert(h->count);
	least = h->items[0].what;
	last = h->items[--h->count];
	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < h->count && h->items[child + 1].order < h->items[child].order)
			child++;
		if (child >= h->count || h->items[child].order >= last.order)
			break;
		h->items[at] = h->items[child];
		at = child;
	}
	h->items[at] = last;
	return least;
}
