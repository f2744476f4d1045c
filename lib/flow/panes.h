/*
 * The open windows: for each the keys in it, each with a state of its own. They are found by where
 * they begin and taken in the order of their ends.
 */
#ifndef PANES_H
#define PANES_H

#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/table.h"
#include "flow/window.h"

struct pane {
	struct window window;
	struct table keys;
};

struct panes {
	struct pane **by_start; /* open addressing, linear probing */
	size_t start_mask;
	struct heap by_end; /* all of them; its count is theirs */
	struct pane *last; /* the one that was found last, as the next record's is often the same */
	size_t state_bytes;
	size_t bytes; /* all that keys and their states take */
};

/* state_bytes is the size of a key's state, which begins as zeros. */
void panes_init(struct panes *p, size_t state_bytes);
void panes_release(struct panes *p);

/* The state of key in the window w, made where there is none. O(1) for a window that is open. */
void *panes_state(struct panes *p, const struct window *w, const void *key, size_t len);

/* Takes out the window that ends first if it ends at or before until_ns; else NULL. The caller
 * frees it with pane_free. O(log windows). */
struct pane *panes_take(struct panes *p, int64_t until_ns);
void pane_free(struct pane *pane);

static inline size_t panes_count(const struct panes *p)
{
	return p->by_end.count;
}

#endif
