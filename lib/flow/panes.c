#include "flow/panes.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

void panes_init(struct panes *p, size_t state_bytes)
{
	*p = (struct panes){.state_bytes = state_bytes};
	index_init(&p->by_start);
	heap_init(&p->by_due);
}

void pane_free(struct pane *pane)
{
	table_release(&pane->keys);
	free(pane);
}

void panes_release(struct panes *p)
{
	while (p->by_due.count)
		pane_free(heap_take(&p->by_due));
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

struct pane *panes_open(struct panes *p, const struct window *w, int64_t due_ns)
{
	struct pane *pane = panes_find(p, w);

	if (pane)
		return pane;
	pane = mem_zero(1, sizeof(*pane));
	pane->window = *w;
	table_init(&pane->keys, p->state_bytes);
	index_add(&p->by_start, hash_of(w), pane);
	heap_put(&p->by_due, due_ns, pane);
	p->bytes += sizeof(*pane);
	p->last = pane;
	return pane;
}

struct table_entry *panes_entry(struct panes *p, struct pane *pane, const void *key, size_t len)
{
	size_t before = pane->keys.bytes;
	bool added;
	struct table_entry *e = table_entry_of(table_add(&pane->keys, key, len, &added));

	p->cells += added;
	p->bytes += pane->keys.bytes - before;
	return e;
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

struct pane *panes_take(struct panes *p)
{
	struct pane *pane = heap_take(&p->by_due);

	index_remove(&p->by_start, hash_of(&pane->window), pane);
	p->bytes -= sizeof(*pane) + pane->keys.bytes;
	p->cells -= pane->keys.count;
	p->last = NULL;
	return pane;
}
