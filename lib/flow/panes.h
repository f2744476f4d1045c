/*
 * The open windows of a windowing that depends on the time alone: for each the keys in it, each
 * with a state of its own. They are found by where they begin and fall due in the order they were
 * queued for.
 */
#ifndef PANES_H
#define PANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/index.h"
#include "base/table.h"
#include "flow/window.h"

struct pane {
	struct window window;
	struct table keys; /* key -> state */
	bool fired;        /* it has given results, and is kept for corrections */
};

struct panes {
	struct index by_start;
	struct heap by_due; /* all of them */
	struct pane *last; /* the one that was found last, as the next record's is often the same */
	size_t state_bytes;
	size_t bytes; /* all that keys and their states take, but for what states point to */
	size_t cells; /* keys in windows */
};

/* state_bytes is the size of a key's state, which begins as zeros. */
void panes_init(struct panes *p, size_t state_bytes);

/* The states must have been let go of before, as by panes_take. */
void panes_release(struct panes *p);

/* The window's pane; where there is none, a new one that falls due at due_ns. O(1) on average, and
 * O(log windows) for a new one. */
struct pane *panes_open(struct panes *p, const struct window *w, int64_t due_ns);

/* The same, but NULL where there is none. */
struct pane *panes_find(struct panes *p, const struct window *w);

/* The entry of key in a pane, made where there is none. */
struct table_entry *panes_entry(struct panes *p, struct pane *pane, const void *key, size_t len);

/* The pane that falls due first if it does so at or before until_ns; else NULL. */
struct pane *panes_due(const struct panes *p, int64_t until_ns);

/* The one that panes_due gave falls due again, at due_ns. */
void panes_requeue(struct panes *p, int64_t due_ns);

/* Takes the one that panes_due gave out; the caller frees it. */
struct pane *panes_take(struct panes *p);
void pane_free(struct pane *pane);

static inline size_t panes_count(const struct panes *p)
{
	return p->by_due.count;
}

#endif
