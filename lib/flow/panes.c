#include "flow/panes.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

enum { SLOTS_MIN = 16 };

void panes_init(struct panes *p, size_t state_bytes)
{
	*p = (struct panes){.state_bytes = state_bytes};
	heap_init(&p->by_end);
}

void pane_free(struct pane *pane)
{
	table_release(&pane->keys);
	free(pane);
}

void panes_release(struct panes *p)
{
	while (p->by_end.count)
		pane_free(heap_take(&p->by_end));
	free(p->by_start);
	heap_release(&p->by_end);
}

static size_t home_of(const struct panes *p, int64_t start_ns)
{
	return hash_bytes(&start_ns, sizeof(start_ns)) & p->start_mask;
}

static size_t slot_of(const struct panes *p, int64_t start_ns)
{
	size_t at = home_of(p, start_ns);

	while (p->by_start[at] && p->by_start[at]->window.start_ns != start_ns)
		at = (at + 1) & p->start_mask;
	return at;
}

/* Keeps the index at most half full. */
static void index_grow(struct panes *p)
{
	size_t slots = p->by_start ? (p->start_mask + 1) * 2 : SLOTS_MIN;

	if (p->by_start && panes_count(p) < slots / 4)
		return;
	free(p->by_start);
	p->by_start = mem_zero(slots, sizeof(*p->by_start));
	p->start_mask = slots - 1;
	for (size_t i = 0; i < panes_count(p); i++) {
		struct pane *pane = p->by_end.items[i].what;

		p->by_start[slot_of(p, pane->window.start_ns)] = pane;
	}
}

/* Empties a slot and moves up what would not be found across the hole (Knuth, algorithm 6.4 R). */
static void index_remove(struct panes *p, int64_t start_ns)
{
	size_t hole = slot_of(p, start_ns);

	for (size_t at = (hole + 1) & p->start_mask; p->by_start[at];
		at = (at + 1) & p->start_mask) {
		size_t home = home_of(p, p->by_start[at]->window.start_ns);

		if (((at - home) & p->start_mask) < ((at - hole) & p->start_mask))
			continue;
		p->by_start[hole] = p->by_start[at];
		hole = at;
	}
	p->by_start[hole] = NULL;
}

static struct pane *pane_of(struct panes *p, const struct window *w)
{
	struct pane **slot;

	if (p->last && p->last->window.start_ns == w->start_ns)
		return p->last;
	index_grow(p);
	slot = &p->by_start[slot_of(p, w->start_ns)];
	if (!*slot) {
		*slot = mem_zero(1, sizeof(**slot));
		(*slot)->window = *w;
		table_init(&(*slot)->keys, p->state_bytes);
		heap_put(&p->by_end, w->end_ns, *slot);
		p->bytes += sizeof(**slot);
	}
	p->last = *slot;
	return *slot;
}

void *panes_state(struct panes *p, const struct window *w, const void *key, size_t len)
{
	struct pane *pane = pane_of(p, w);
	size_t before = pane->keys.bytes;
	bool added;
	void *state = table_add(&pane->keys, key, len, &added);

	p->bytes += pane->keys.bytes - before;
	return state;
}

struct pane *panes_take(struct panes *p, int64_t until_ns)
{
	const struct heap_item *first = heap_least(&p->by_end);
	struct pane *pane;

	if (!first || first->order > until_ns)
		return NULL;
	pane = heap_take(&p->by_end);
	index_remove(p, pane->window.start_ns);
	p->bytes -= sizeof(*pane) + pane->keys.bytes;
	p->last = NULL;
	return pane;
}
