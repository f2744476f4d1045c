/*
 * Dead letters sent again as records of a stream, at a given rate. What can't be a record (its end
 * was cut off, or it is no JSON) is never sent: it is skipped, counted and named on stderr.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "record/path.h"
#include "record/scan.h"
#include "state/letterbox.h"
#include "tool/filter.h"

struct replay {
	struct filter *filter; /* borrowed; a source that has begun, unless it is a dry run */
	double rate_per_s;     /* 0: as fast as it goes */
	bool dry_run;          /* only counts; nothing is told */
	int64_t start_ns;
	uint64_t sent; /* or, in a dry run, what would be */
	uint64_t truncated;
	uint64_t malformed;
	struct paths paths; /* to see what is a record */
	struct span *values;
	struct buf bytes; /* of the letter in hand */
	struct buf source;
};

/* The time that the rate is measured from is now. */
void replay_init(struct replay *r, struct filter *f, double rate_per_s, bool dry_run);
void replay_release(struct replay *r);

/* False if the letter was skipped. May wait, and dies with EX_TEMPFAIL when asked to stop. */
bool replay_letter(struct replay *r, const struct envelope *e);

#endif
