/*
 * Which windows are open, of a windowing that depends on the time alone. They are found by where
 * they begin and fall due in the order they were queued for; what is in them is the owner's.
 */
#ifndef PANES_H
#define PANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/index.h"
#include "flow/window.h"

struct pane {
	struct window window;
	bool fired; /* it has given results, and is kept for corrections */
	void *keys; /* the owner's; NULL at first */
};

struct panes {
	struct index by_start;
	struct heap by_due; /* all of them */
	struct pane *last; /* the one that was found last, as the next record's is often the same */
	size_t bytes;      /* that all of them take */
};

void panes_init(struct panes *p);
void panes_release(struct panes *p);

/* The window's pane; where there is none, a new one that falls due at due_ns. O(1) on average, and
 * O(log windows) for a new one. */
struct pane *panes_open(struct panes *p, const struct window *w, int64_t due_ns);

/* The same, but NULL where there is none. */
struct pane *panes_find(struct panes *p, const struct window *w);

/* The pane that falls due first if it does so at or before until_ns; else NULL. */
struct pane *panes_due(const struct panes *p, int64_t until_ns);

/* The one that panes_due gave falls due again, at due_ns. */
void panes_requeue(struct panes *p, int64_t due_ns);

/* The one that panes_due gave is no more. */
void panes_drop(struct panes *p);

static inline size_t panes_count(const struct panes *p)
{
	return p->by_due.count;
}

#endif
