/*
 * How a sink commits an epoch for the whole pipeline: the destination is claimed for this run and
 * asked what it holds, which must be what the directory says; then, barrier by barrier, everything
 * is at the destination, the sink's own record is durable, the destination commits, and DIR/commit
 * names the epoch. A destination is its handlers; each is called with the command's state.
 */
#ifndef COMMITMENT_H
#define COMMITMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "record/control.h"
#include "state/checkpoint.h"
#include "state/ledger.h"
#include "state/snapshot.h"
#include "tool/held.h"
#include "tool/opt.h"

struct filter;

/* All but prepare may be NULL. Under a checkpoint the filter's handlers.end is not called; its
 * restore and snapshot are, for the sink's own record. */
struct destination {
	/*
	 * Claims the destination for the present run: when it returns no older run can change it
	 * any more. Says what it holds. NULL: it can't hold an epoch (a spool), so DIR/commit is
	 * what it holds.
	 */
	void (*fence)(void *state, const struct checkpoint *c, struct held *held);

	/* The destination keeps what it has, and from now on says that it holds `at`. */
	void (*take)(void *state, struct epoch at);

	/* Takes the destination back to an older epoch, of which own is the sink's record; false if
	 * it can't be taken back. */
	bool (*rewind)(void *state, struct epoch at, const struct snapshot *own);

	/* All records up to here are at the destination, durably, and settled or rejected; but as
	 * if they were not there. */
	void (*prepare)(void *state, const struct control *barrier);

	/* Commits them as epoch `at`, on condition that the claim still is this run's and the
	 * destination holds `after`; else dies with EX_TEMPFAIL. */
	void (*commit)(void *state, struct epoch at, struct epoch after);

	/* DIR/commit names the epoch. barrier is its line: behind the last one all that is to be
	 * done is done here. */
	void (*committed)(void *state, const struct control *barrier);
};

struct commitment {
	const struct destination *destination;
	bool take_over;
	uint64_t rewind_to;
	bool rewinds;
	json_t *forgotten; /* names of stages */
	struct ledger_tail ledger;
	bool is_claimed;
	bool is_checked; /* the list of stages fits the commit's */
	bool takes;      /* the destination's record is to become ours */
	struct opt options[4];
};

void commitment_init(struct commitment *c, const struct destination *destination);
void commitment_release(struct commitment *c);

/* --take-over, --rewind, --forget. */
const struct opt *commitment_options(struct commitment *c);

/* The commit is known, and the run: claims, compares, recovers. Once; dies with EX_TEMPFAIL or
 * EX_CONFIG where directory and destination do not fit. */
void commitment_claim(struct filter *f);

/* With --rewind to an epoch before the commit: goes back and ends the process, before anything is
 * read, as the way forward may be closed. Otherwise does nothing. */
void commitment_rewind(struct filter *f);

/* Commits the epoch of a barrier. */
void commitment_barrier(struct filter *f, const struct control *barrier);

#endif
