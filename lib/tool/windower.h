/*
 * What all kinds of windows share while records come in and time goes on: the event time reached,
 * how long corrections are taken, where results go, how much may be held. A kind is its handlers.
 */
#ifndef WINDOWER_H
#define WINDOWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "flow/window.h"
#include "record/aggregate.h"
#include "tool/results.h"
#include "tool/windowlog.h"

/* What became of a record. */
enum windower_answer {
	WINDOWER_TAKEN,
	WINDOWER_LATE,   /* too late for all its windows */
	WINDOWER_NONE,   /* it falls between windows */
	WINDOWER_BEYOND, /* a window of it does not lie in 64 bits */
};

struct windower;

struct window_kind {
	/* Makes w->own. */
	void (*init)(struct windower *w);
	/* Lets go of all that is open, and of w->own. */
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

	/* Only under a checkpoint, where w->log is the log that entries are put into. */
	/* How many entries have changed since they were written; and writes as many of them. */
	size_t (*changed)(const struct windower *w);
	void (*write_changed)(struct windower *w, size_t most);
	/* A round of the log begins; and what of it is still to be written, while
	 * windowlog_goes_on: true if that is done. */
	void (*begin_round)(struct windower *w);
	bool (*write_behind)(struct windower *w);
	/* How many there are in a log without what is out of date. */
	size_t (*entries)(const struct windower *w);
	/* Takes an entry of the log, in its order: NULL or the static reason why it is none. Then
	 * they were all. */
	const char *(*take_entry)(struct windower *w, const struct windowlog_entry *e);
	void (*restored)(struct windower *w);
	/* What is not in the log; NULL: nothing. */
	void (*snapshot)(const struct windower *w, json_t *state);
	void (*restore)(struct windower *w, const json_t *state);
};

/* What the command line says of the windows of each kind. */
struct window_shape {
	struct windowing windowing; /* aligned */
	bool fills;                 /* empty windows of keys that were seen give results, too */
	int64_t fill_for_ns;        /* after a key's last record */
	int64_t gap_ns;             /* session */
	uint64_t count;             /* count: records in a window, */
	uint64_t slide;             /* and from one to the next */
	bool gives_partial;
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

	int64_t over_ns; /* windows that end up to here were let go of: with another lateness */
	bool is_kept;    /* there is a checkpoint: changes are to be followed */
	struct windowlog *log; /* borrowed; NULL without, and at the end */
	struct window_shape shape;
	void *own; /* of the kind: what is open */
};

/* Whether a window that ends there takes no record any more. */
static inline bool windower_is_over(const struct windower *w, int64_t end_ns)
{
	return end_ns <= w->over_ns ||
	       (w->watermark_ns != INT64_MIN &&
		       w->watermark_ns >= time_plus(end_ns, w->lateness_ns));
}

/* Puts all that is open, and what bounds it, into a snapshot; and goes on from there. */
void windower_snapshot(struct windower *w, struct snapshot *to);
void windower_restore(struct windower *w, const struct snapshot *from);

/* The state of a key in a window, with what was said of it, appended to the log's value; and
 * back, in place of what there was: NULL or a static reason. */
void windower_pack(struct windower *w, void *state);
const char *windower_unpack(struct windower *w, void *state, const char *at, const char *end);

/* Lets go of what a state points to. */
void windower_clear(struct windower *w, void *state);

/* Dies with EX_TEMPFAIL when more is held than may be, and says what takes most of it. */
void windower_check_memory(const struct windower *w);

#endif
