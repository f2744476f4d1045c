/*
 * A batch on its way: its records are held until the helper of the destination has answered for
 * each. What is to be sent again is, as the same bytes, when its time has come; a batch that is
 * refused is halved until the record to blame stands alone, and that one is a dead letter.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/bisect.h"
#include "flow/retry.h"
#include "tool/filter.h"
#include "tool/helper.h"

/* What an answer came to, for the piece that it was about. */
struct delivery_step {
	bool halves;        /* of several records, refused as a whole: its halves are next; else: */
	const size_t *left; /* places of those that are to be sent again, ascending */
	size_t left_count;
	const struct helper_exception *refused; /* those that are dead letters, by place */
	size_t refused_count;
};

/*
 * Who follows what becomes of a batch, so that it can be gone on with after a crash where it stood.
 * piece comes before each try; what it sends is the records with these numbers. step makes durable
 * what the answer came to before anything follows from it. wait may return before the time.
 */
struct delivery_follower {
	void (*piece)(void *state, const size_t *numbers, size_t count);
	void (*step)(void *state, const struct delivery_step *step);
	void (*wait)(void *state, int64_t until_ns);
};

struct delivery {
	struct filter *filter; /* borrowed, as is the helper */
	struct helper *helper;
	struct retry retry;
	struct buf lines; /* the batch */
	struct carried *held;
	size_t count, cap;
	struct bisect left;
	struct buf piece;                         /* the lines that are sent */
	struct buf words;                         /* a verdict, to be printed */
	size_t *again;                            /* as many as held */
	struct helper_exception *refused;         /* as many as held */
	const struct delivery_follower *follower; /* NULL: nobody; the caller's to set, with */
	void *follower_state;
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

/* The same in two: between them steps that were made before a crash are taken again. False if a
 * step can't be one of this batch. */
void delivery_begin(struct delivery *d);
bool delivery_repeat(struct delivery *d, const struct delivery_step *step);
void delivery_go_on(struct delivery *d);

/* A record of the batch, by its number; its bytes are not set. */
const struct record *delivery_record(const struct delivery *d, size_t number);

#endif
