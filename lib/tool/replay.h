/*
 * Dead letters sent again as records of a stream. What can't be a record (its end was cut off, or
 * it is no JSON) is never sent: it is skipped, counted and named on stderr.
 *
 * Under a checkpoint it is a source. Which letters there are is settled at the start, by what
 * stands in the store then; where it is among them is in each epoch's record. The letters of an
 * epoch are resolved when the epoch is committed: their resolutions, in a file of the stage's
 * directory until then, are added to the store's, and adding one again changes nothing. A start
 * behind a completed replay takes what has come since.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "record/path.h"
#include "record/scan.h"
#include "state/epochfile.h"
#include "state/selection.h"
#include "tool/filter.h"
#include "tool/pace.h"

struct replay_rules {
	const char *store;
	struct choice choice;
	struct pace_rules pace;
};

struct replay {
	struct filter *filter;
	const struct replay_rules *rules;
	bool is_dry; /* only counts; nothing is told */
	struct resolutions resolutions;
	bool has_resolutions; /* they are open */
	struct selection selection;
	bool is_open; /* it is */
	struct pace pace;
	uint64_t sent; /* or, in a dry run, what would be */
	uint64_t truncated;
	uint64_t malformed;
	struct paths paths; /* to see what is a record */
	struct span *values;
	struct buf bytes; /* of the letter in hand */
	struct buf source;

	/* under a checkpoint */
	struct resolutions_past past;
	struct place at;  /* behind the last letter that was sent or skipped */
	bool is_resumed;  /* the set was begun by an earlier run */
	bool is_complete; /* all letters of the set are sent or skipped */
	uint64_t before;  /* how many of the set earlier runs have sent */
	json_t *set;      /* a snapshot's entry of the file that names it */
	struct epochfile held;
	struct buf resolution;
};

/* Borrows both. f is a source that has not begun. */
void replay_init(struct replay *r, struct filter *f, const struct replay_rules *rules);
void replay_release(struct replay *r);

/* For the handlers of the same names. */
void replay_restore(struct replay *r, const struct snapshot *from);
void replay_snapshot(struct replay *r, struct snapshot *to);
void replay_committed(struct replay *r, struct epoch at);

/* Between filter_begin and filter_end: sends the letters. Returns EX_OK, or EX_DATAERR where some
 * are damaged or missing. */
int replay_run(struct replay *r);

/* In place of all that: only counts what would be sent. */
int replay_dry_run(struct replay *r);

#endif
