/*
 * --fill: a key that has been seen gives a result for windows in which it has no records, too,
 * until
 * --fill-for after the last one in which it has. Windows are filled in their order, each just
 * before it fires, so that what is filled depends on the stream alone and no more than one is held
 * for it.
 */
#ifndef FILL_H
#define FILL_H

#include "tool/windower.h"

void fill_init(struct windower *w);
void fill_release(struct windower *w);

/*
 * Before first, the pane that falls due first (NULL: none does), is fired: fills the next window of
 * the sequence if it comes before that or is that. True if it did, and the panes are to be looked
 * at again. O(keys).
 */
bool fill_step(struct windower *w, const struct pane *first);

/* A record has come to a window that has fired: windows behind it that are complete are the key's
 * as well. Calls say for each that is. */
void fill_late(struct windower *w, const struct window *window, const struct buf *key,
	void (*say)(struct windower *w, const struct pane *pane, struct table_entry *e));

#endif
