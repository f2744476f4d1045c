/*
 * What a filter does with its checkpoint directory: it begins where the commit is, makes each epoch
 * durable as (n, run) before the barrier goes on, and settles what the commit has come to: dead
 * letters and side files are published, old records swept.
 */
#ifndef EPOCHS_H
#define EPOCHS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "state/checkpoint.h"
#include "state/snapshot.h"

struct filter;
struct control;

struct epochs {
	/* options */
	const char *dir; /* NULL: no checkpoint */
	bool may_be_shared;
	bool init;    /* the stage is new in the pipeline */
	bool changed; /* a foreign filter before this stage changes the records */
	uint64_t keep;

	struct checkpoint checkpoint;
	bool is_open;
	char *pipeline;       /* the name that the directory gives it */
	char *dlq;            /* the store that is used where no other is named */
	json_t *options;      /* what shapes the state, as text */
	struct commit start;  /* as it was when this run began */
	struct epoch last;    /* the last record of this stage */
	struct epoch settled; /* what was settled last */
	bool begins_new;      /* a source has other inputs than the commit */
	bool is_missed;       /* the stream has a checkpoint, this stage has none */
	bool has_joined;      /* start is known, and the state restored */
	bool is_init;         /* the stage began empty because it is new */
	const char *pause_by; /* the source stops before its input is complete: "once", "signal" */
};

/* Before the first line: opens the directory; a source waits until the sink is ready. */
void epochs_open(struct filter *f);
void epochs_close(struct filter *f);

/* The run is known: begins where the commit is. A source does so before it says `open`, and a sink
 * that dd-run has told the run. */
void epochs_join(struct filter *f, uint64_t run);

/* The stream says `open`: all others begin now. Dies with EX_CONFIG or EX_TEMPFAIL where stream and
 * directory do not fit. */
void epochs_take_open(struct filter *f, const struct control *open);

/* Makes all that the stage has up to now durable as the next epoch of this run. own may hold more
 * for the record, or be NULL; it is released. */
void epochs_seal(struct filter *f, uint64_t number, struct snapshot *own);

/* Looks at the commit and settles what it has come to. */
void epochs_settle(struct filter *f);

/* The last barrier has been passed on: waits until it is committed. Dies with EX_TEMPFAIL if it
 * will not be. */
void epochs_await(struct filter *f);

/* A stage's entry in a barrier says more under a checkpoint. */
void epochs_mark(const struct filter *f, json_t *balance);

#endif
