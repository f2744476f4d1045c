/*
 * The open windows that depend on time alone, with the keys in them: flow/panes knows which there
 * are and when they fall due; the keys of each, with their states, are a space of the store, found
 * by where the window begins.
 */
#ifndef PANEKEYS_H
#define PANEKEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/panes.h"
#include "tool/windower.h"

struct panekeys {
	struct windower *windower;
	struct panes panes;
	uint32_t expected; /* how many keys a window has: as many as the last that was dropped */
};

/* Borrows it, and tells it what its store holds. */
void panekeys_init(struct panekeys *p, struct windower *w);
void panekeys_release(struct panekeys *p);

/* The store is open: the windows are those that it has. */
void panekeys_opened(struct panekeys *p);

/* The window's pane; where there is none, a new one, which has fired where that is said. */
struct pane *panekeys_open(struct panekeys *p, const struct window *window, bool fired);

static inline struct store_space *panekeys_of(const struct pane *pane)
{
	return pane->keys;
}

/* The pane that panes_due gave has given results: it falls due again when it takes no more
 * corrections; and it is no more. */
void panekeys_fired(struct panekeys *p);
void panekeys_drop(struct panekeys *p);

#endif
