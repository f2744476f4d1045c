#include "flow/panes.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

void panes_init(struct panes *p, size_t state_bytes)
{
	*p = (struct panes){.state_bytes = state_bytes, .round = CHANGES_FIRST_ROUND};
	index_init(&p->by_start);
	heap_init(&p->by_due);
}

void panes_track(struct panes *p)
{
	p->is_tracked = true;
}

void pane_free(struct pane *pane)
{
	table_release(&pane->keys);
	free(pane);
}

void panes_release(struct panes *p)
{
	while (p->by_due.count)
		pane_free(panes_take(p));
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

static size_t pane_bytes(const struct panes *p)
{
	return sizeof(struct pane) + (p->is_tracked ? sizeof(struct pane_track) : 0);
}

/* Changes */

static void changed_link(struct panes *p, struct pane *pane)
{
	struct pane_track *t = pane->track;

	t->is_changed = true;
	t->changed_before = NULL;
	t->changed_behind = p->changed;
	if (p->changed)
		p->changed->track->changed_before = pane;
	p->changed = pane;
}

static void changed_unlink(struct panes *p, struct pane *pane)
{
	struct pane_track *t = pane->track;

	t->is_changed = false;
	*(t->changed_before ? &t->changed_before->track->changed_behind : &p->changed) =
		t->changed_behind;
	if (t->changed_behind)
		t->changed_behind->track->changed_before = t->changed_before;
}

static void track(struct panes *p, struct pane *pane)
{
	struct pane_track *t = pane->track;

	changes_init(&t->keys, p->round);
	t->behind = p->newest;
	if (p->newest)
		p->newest->track->before = pane;
	p->newest = pane;
	changed_link(p, pane);
}

static void untrack(struct panes *p, struct pane *pane)
{
	struct pane_track *t = pane->track;

	p->changed_keys -= changes_count(&t->keys);
	changes_release(&t->keys);
	if (t->is_changed)
		changed_unlink(p, pane);
	if (p->next_behind == pane)
		p->next_behind = t->behind;
	*(t->before ? &t->before->track->behind : &p->newest) = t->behind;
	if (t->behind)
		t->behind->track->before = t->before;
}

void panes_note_tracked(struct panes *p, struct pane *pane, struct table_entry *e)
{
	if (!pane->track->is_changed)
		changed_link(p, pane);
	p->changed_keys += e && changes_note(&pane->track->keys, e);
}

/* A pane learns of a new round when it comes up. */
static void come_to_round(const struct panes *p, struct pane *pane)
{
	if (pane->track->keys.round != p->round)
		changes_begin_round(&pane->track->keys);
}

struct pane *panes_take_changed(struct panes *p)
{
	struct pane *pane = p->changed;

	if (!pane)
		return NULL;
	changed_unlink(p, pane);
	come_to_round(p, pane);
	return pane;
}

struct table_entry *panes_take_changed_key(struct panes *p, struct pane *pane)
{
	struct table_entry *e = changes_take(&pane->track->keys);

	p->changed_keys -= e != NULL;
	return e;
}

void panes_begin_round(struct panes *p)
{
	p->round = changes_other_round(p->round);
	p->next_behind = p->newest;
}

struct pane *panes_behind(struct panes *p)
{
	if (p->next_behind)
		come_to_round(p, p->next_behind);
	return p->next_behind;
}

void panes_end_behind(struct panes *p)
{
	p->next_behind = p->next_behind->track->behind;
}

/* Coming and going */

struct pane *panes_add(struct panes *p, const struct window *w)
{
	struct pane *pane = mem_zero(1, pane_bytes(p));

	pane->window = *w;
	table_init(&pane->keys, p->state_bytes);
	index_add(&p->by_start, hash_of(w), pane);
	if (p->is_tracked)
		track(p, pane);
	p->bytes += pane_bytes(p);
	p->last = pane;
	return pane;
}

void panes_queue(struct panes *p, struct pane *pane, int64_t due_ns)
{
	heap_put(&p->by_due, due_ns, pane);
}

struct pane *panes_open(struct panes *p, const struct window *w, int64_t due_ns)
{
	struct pane *pane = panes_find(p, w);

	if (pane)
		return pane;
	pane = panes_add(p, w);
	panes_queue(p, pane, due_ns);
	return pane;
}

struct table_entry *panes_entry(struct panes *p, struct pane *pane, const void *key, size_t len)
{
	size_t before = pane->keys.bytes;
	bool added;
	struct table_entry *e = table_entry_of(table_add(&pane->keys, key, len, &added));

	p->cells += added;
	p->bytes += pane->keys.bytes - before;
	if (added)
		panes_note(p, pane, e);
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

void panes_remove(struct panes *p, struct pane *pane)
{
	if (p->is_tracked)
		untrack(p, pane);
	index_remove(&p->by_start, hash_of(&pane->window), pane);
	p->bytes -= pane_bytes(p) + pane->keys.bytes;
	p->cells -= pane->keys.count;
	p->last = NULL;
}

struct pane *panes_take(struct panes *p)
{
	struct pane *pane = heap_take(&p->by_due);

	panes_remove(p, pane);
	return pane;
}
