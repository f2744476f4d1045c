/*
 * --fill: a key that has been seen gives a result for windows in which it has no records, too,
 * until
 * --fill-for after the last one in which it has. Windows are filled in their order, each just
 * before it fires, so that what is filled depends on the stream alone and no more than one is held
 * for it.
 */
#ifndef FILL_H
#define FILL_H

#include "tool/panekeys.h"
#include "tool/windower.h"

struct fill {
	struct windower *windower;
	struct panekeys *panes;
	struct store_space *keys; /* NULL where nothing is filled */
	struct window at;         /* the next window to be filled */
	bool has_begun;
	int64_t last_ns; /* where the last window with records begins */
};

/* Borrows both, and tells the windower what its store holds. */
void fill_init(struct fill *f, struct windower *w, struct panekeys *panes);

/* The store is open. */
void fill_opened(struct fill *f);

/* The window has got a record. */
static inline void fill_note(struct fill *f, const struct window *window)
{
	if (window->start_ns > f->last_ns)
		f->last_ns = window->start_ns;
}

/* How many keys it holds. */
static inline uint64_t fill_count(const struct fill *f)
{
	return f->keys ? f->keys->count : 0;
}

/*
 * Before first, the pane that falls due first (NULL: none does), is fired: fills the next window of
 * the sequence if it comes before that or is that. True if it did, and the panes are to be looked
 * at again. O(keys).
 */
bool fill_step(struct fill *f, const struct pane *first);

/* A record has come to a window that has fired: windows behind it that are complete are the key's
 * as well. Calls say for each that is. */
void fill_late(struct fill *f, const struct window *window, const struct buf *key,
	void (*say)(struct windower *w, struct pane *pane, struct table_entry *e));

/* The input is complete: no window is to come. */
void fill_end(struct fill *f);

/* As the handlers of a window_kind. */
void fill_snapshot(const struct fill *f, json_t *state);
void fill_restore(struct fill *f, const json_t *state);

#endif
