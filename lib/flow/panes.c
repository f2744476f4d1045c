#include "flow/panes.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

void panes_init(struct panes *p)
{
	*p = (struct panes){.last = NULL};
	index_init(&p->by_start);
	heap_init(&p->by_due);
}

void panes_release(struct panes *p)
{
	for (size_t i = 0; i < p->by_due.count; i++)
		free(p->by_due.items[i].what);
	index_release(&p->by_start);
	heap_release(&p->by_due);
}

static bool begins_at(const void *item, const void *start_ns)
{
	return ((const struct pane *)item)->window.start_ns == *(const int64_t *)start_ns;
}

static uint64_t hash_of(const struct window *w)
{
	return hash_bytes(&w->start_ns, sizeof(w->start_ns));
}

struct pane *panes_find(struct panes *p, const struct window *w)
{
	if (!p->last || p->last->window.start_ns != w->start_ns)
		p->last = index_find(&p->by_start, hash_of(w), begins_at, &w->start_ns);
	return p->last;
}

/* The slots that are free are at most as many. */
enum {
	PANE_BYTES =
		sizeof(struct pane) + 4 * sizeof(struct index_slot) + 2 * sizeof(struct heap_item)
};

struct pane *panes_open(struct panes *p, const struct window *w, int64_t due_ns)
{
	struct pane *pane = panes_find(p, w);

	if (pane)
		return pane;
	pane = mem_zero(1, sizeof(*pane));
	pane->window = *w;
	index_add(&p->by_start, hash_of(w), pane);
	heap_put(&p->by_due, due_ns, pane);
	p->last = pane;
	p->bytes += PANE_BYTES;
	return pane;
}

struct pane *panes_due(const struct panes *p, int64_t until_ns)
{
	const struct heap_item *first = heap_least(&p->by_due);

	return first && first->order <= until_ns ? first->what : NULL;
}

void panes_requeue(struct panes *p, int64_t due_ns)
{
	struct pane *pane = heap_take(&p->by_due);

	heap_put(&p->by_due, due_ns, pane);
}

void panes_drop(struct panes *p)
{
	struct pane *pane = heap_take(&p->by_due);

	index_remove(&p->by_start, hash_of(&pane->window), pane);
	if (p->last == pane)
		p->last = NULL;
	p->bytes -= PANE_BYTES;
	free(pane);
}
