/*
 * A destination that can't hold an epoch, under a checkpoint: the epoch's records stand in the
 * spool (state/spool) and are committed there; the sender delivers them from then on, and goes on
 * with it when the pipeline is started again.
 */
#ifndef SPOOLING_H
#define SPOOLING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "state/acked.h"
#include "state/snapshot.h"
#include "state/spool.h"
#include "tool/opt.h"
#include "tool/sender.h"

struct desthelper;

struct spooling {
	struct desthelper *destination; /* borrowed, as is */
	struct filter *filter;

	/* options */
	uint64_t max_bytes;
	bool sends_at_once; /* without waiting for the commit */

	struct spool spool;
	struct spool_chain chain;
	uint64_t ordered; /* the position behind what the sender was told of */
	uint64_t records; /* that the chain has had in this run */
	uint64_t held;    /* of these, those that are not yet settled */
	struct buf lines; /* the batch in hand */
	uint64_t count;   /* its records */
	int64_t linger_until_ns;

	struct journal journal; /* the sender's; begun here */
	struct acked acked;
	struct sender sender;
	bool has_sender;
	bool was_full; /* and it was said */
	struct opt options[3];
};

void spooling_init(struct spooling *s, struct desthelper *destination);
void spooling_release(struct spooling *s);

/* --spool-max, --at-least-once. */
const struct opt *spooling_options(struct spooling *s);

/* In the begin handler: the filter goes on with the spool as its destination. */
void spooling_take_over(struct spooling *s);

/* Dies with EX_CONFIG where the sink's record has a spool that is not empty, and another
 * destination is served now. */
void spooling_refuse_rest(const struct filter *f, const struct snapshot *own);

/* Behind the balance: what became of what was spooled. */
void spooling_tell(const struct spooling *s);

#endif
