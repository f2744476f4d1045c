/*
 * A batch on its way: its records are held until the helper of the destination has answered for
 * each. What is to be sent again is, as the same bytes, when its time has come; a batch that is
 * refused is halved until the record to blame stands alone, and that one is a dead letter.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include <stddef.h>

#include "base/buf.h"
#include "flow/bisect.h"
#include "flow/retry.h"
#include "tool/filter.h"
#include "tool/helper.h"

struct delivery {
	struct filter *filter; /* borrowed, as is the helper */
	struct helper *helper;
	struct retry retry;
	struct buf lines; /* the batch */
	struct carried *held;
	size_t count, cap;
	struct bisect left;
	struct buf piece; /* the lines that are sent */
	struct buf words; /* a verdict, to be printed */
	size_t *again;    /* as many as held */
};

/* retry is the caller's to set. */
void delivery_init(struct delivery *d, struct filter *f, struct helper *h);
void delivery_release(struct delivery *d);

/* Adds a copy of a record whose verdict is HELD. The caller keeps to the helper's bounds. */
void delivery_hold(struct delivery *d, const struct record *r);

/*
 * Delivers the batch, which is not empty: when it returns, each record is settled or rejected, and
 * the batch is empty. Dies with EX_UNAVAILABLE when d->retry gives up.
 */
void delivery_send(struct delivery *d);

#endif
