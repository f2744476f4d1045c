#include "flow/dues.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

enum { SMALLEST = 16 };

void dues_init(struct dues *d, due_order *order, const void *context)
{
	*d = (struct dues){.order = order, .context = context};
}

void dues_release(struct dues *d)
{
	free(d->items);
}

void dues_clear(struct dues *d)
{
	free(d->items);
	dues_init(d, d->order, d->context);
}

static bool is_before(const struct dues *d, const struct due *a, const struct due *b)
{
	if (a->due_ns != b->due_ns)
		return a->due_ns < b->due_ns;
	if (a->tie != b->tie)
		return a->tie < b->tie;
	return d->order(d->context, a->what, b->what) < 0;
}

void dues_put(struct dues *d, struct due due)
{
	size_t at = d->count++;

	if (d->count > d->cap) {
		d->cap = d->cap ? d->cap + d->cap / 2 : SMALLEST;
		d->items = mem_resize(d->items, d->cap * sizeof(*d->items));
	}
	for (; at && is_before(d, &due, &d->items[(at - 1) / 2]); at = (at - 1) / 2)
		d->items[at] = d->items[(at - 1) / 2];
	d->items[at] = due;
}

struct due dues_take(struct dues *d)
{
	struct due first, last;
	size_t at = 0;

	assert(d->count);
	first = d->items[0];
	last = d->items[--d->count];
	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < d->count && is_before(d, &d->items[child + 1], &d->items[child]))
			child++;
		if (child >= d->count || !is_before(d, &d->items[child], &last))
			break;
		d->items[at] = d->items[child];
		at = child;
	}
	d->items[at] = last;
	return first;
}
