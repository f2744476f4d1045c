/*
 * What all kinds of windows share while records come in and time goes on: the event time reached,
 * how long corrections are taken, where results go, how much may be held. A kind is its handlers.
 */
#ifndef WINDOWER_H
#define WINDOWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/table.h"
#include "flow/panes.h"
#include "flow/sessions.h"
#include "flow/window.h"
#include "record/aggregate.h"
#include "tool/results.h"

/* What became of a record. */
enum windower_answer {
	WINDOWER_TAKEN,
	WINDOWER_LATE,   /* too late for all its windows */
	WINDOWER_NONE,   /* it falls between windows */
	WINDOWER_BEYOND, /* a window of it does not lie in 64 bits */
};

struct windower;

struct window_kind {
	void (*init)(struct windower *w);
	/* Lets go of all that is open. */
	void (*release)(struct windower *w);
	/* Takes the record that w->aggregates has read; key borrows until the return. */
	enum windower_answer (*take)(struct windower *w, const struct buf *key, int64_t time_ns);
	/* Event time has come to w->watermark_ns; INT64_MAX: the input is complete. */
	void (*advance)(struct windower *w);
	/* Says what has changed in windows that are not complete. */
	void (*say_early)(struct windower *w);
	/* No result that is still to come begins (of sessions: ends) before this. */
	int64_t (*earliest)(const struct windower *w);
	/* How many windows are open, and the bytes and keys in them. */
	size_t (*count)(const struct windower *w);
	size_t (*bytes)(const struct windower *w);
	size_t (*keys)(const struct windower *w);
};

struct windower {
	const struct window_kind *kind;
	struct aggregates *aggregates;
	struct results *results;
	int64_t watermark_ns; /* INT64_MIN before the first */
	int64_t lateness_ns;
	int64_t complete_ns;  /* of a late record: when its last window was complete */
	int64_t issued_bytes; /* of rows that may have to be taken back */
	uint64_t memory_bytes;
	uint64_t max_keys; /* in windows; 0: no limit */

	/* aligned */
	struct windowing windowing;
	struct panes panes;
	bool fills;          /* empty windows of keys that were seen give results, too */
	int64_t fill_for_ns; /* after a key's last record */
	struct table fill_keys;
	struct window fill_at; /* the next window to be filled */
	bool fill_begun;
	int64_t fill_last_ns; /* where the last window with records begins */

	/* session */
	int64_t gap_ns;
	struct sessions sessions;

	/* count */
	uint64_t count;
	uint64_t slide;
	uint64_t slice; /* records, the most that divides both */
	uint64_t ring;  /* slices of a window */
	bool gives_partial;
	struct table tallies;
};

/* Whether a window that ends there takes no record any more. */
static inline bool windower_is_over(const struct windower *w, int64_t end_ns)
{
	return w->watermark_ns != INT64_MIN && w->watermark_ns >= time_plus(end_ns, w->lateness_ns);
}

/* Dies with EX_TEMPFAIL when more is held than may be, and says what takes most of it. */
void windower_check_memory(const struct windower *w);

#endif
