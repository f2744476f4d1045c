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

#include "base/changes.h"
#include "base/heap.h"
#include "base/index.h"
#include "base/table.h"
#include "flow/window.h"

/* What there is of a pane only where changes are followed. */
struct pane_track {
	struct changes keys;
	struct pane *before, *behind;                 /* all panes, the newest first */
	struct pane *changed_before, *changed_behind; /* those that have changed */
	bool is_changed;
};

struct pane {
	struct window window;
	struct table keys; /* key -> state */
	bool fired;        /* it has given results, and is kept for corrections */
	struct pane_track track[];
};

struct panes {
	struct index by_start;
	struct heap by_due; /* all of them */
	struct pane *last; /* the one that was found last, as the next record's is often the same */
	size_t state_bytes;
	size_t bytes; /* all that keys and their states take, but for what states point to */
	size_t cells; /* keys in windows */

	/* where changes are followed: see base/changes */
	bool is_tracked;
	unsigned round;
	struct pane *newest;
	struct pane *changed;
	size_t changed_keys;      /* of all panes */
	struct pane *next_behind; /* those from it on are to be written anew */
};

/* state_bytes is the size of a key's state, which begins as zeros. */
void panes_init(struct panes *p, size_t state_bytes);

/* From now on, before there is any, changes are followed. */
void panes_track(struct panes *p);

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

/* A pane has changed, and, unless it is NULL, that key of it; of no effect where changes are not
 * followed. */
void panes_note_tracked(struct panes *p, struct pane *pane, struct table_entry *e);

static inline void panes_note(struct panes *p, struct pane *pane, struct table_entry *e)
{
	if (p->is_tracked)
		panes_note_tracked(p, pane, e);
}

/* A pane that has changed, or NULL. Then its keys that have, until it is NULL. */
struct pane *panes_take_changed(struct panes *p);
struct table_entry *panes_take_changed_key(struct panes *p, struct pane *pane);

/* All panes and keys are to be written anew: those of the first that is not done yet, which its
 * track tells. NULL if the round is over. */
void panes_begin_round(struct panes *p);
struct pane *panes_behind(struct panes *p);
void panes_end_behind(struct panes *p);

/*
 * To restore them: adds a pane that does not fall due yet, with panes_find NULL for it; queues it
 * when all is known of it; takes it out, if it was not queued, for the caller to free.
 */
struct pane *panes_add(struct panes *p, const struct window *w);
void panes_queue(struct panes *p, struct pane *pane, int64_t due_ns);
void panes_remove(struct panes *p, struct pane *pane);

static inline size_t panes_count(const struct panes *p)
{
	return p->by_due.count;
}

#endif
