/*
 * The helper that a destination is served by, as dd-deliver sees it (dd-sink(7)): it is started,
 * given batches and asked what became of them. What it can't answer for ends the process: with the
 * status and the words of its `failed`, or with EX_SOFTWARE when it breaks the protocol or dies.
 */
#ifndef HELPER_H
#define HELPER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/frame.h"
#include "io/spawn.h"
#include "tool/filter.h"
#include "tool/held.h"

enum { HELPER_REASONS_MAX = 40 }; /* names that a helper may give; further ones are `rejected` */

enum helper_outcome {
	HELPER_ACCEPTED,
	HELPER_RETRY,
	HELPER_REJECTED,
};

struct helper_verdict {
	enum helper_outcome outcome;
	const char *reason; /* valid while the helper is */
	const char *detail; /* valid until the next batch; NULL: none */
};

struct helper_exception {
	size_t place; /* in the batch, from 0 */
	struct helper_verdict verdict;
};

/* What became of a batch; borrows the helper until the next one. */
struct helper_answer {
	struct helper_verdict all;                 /* holds for all records but the exceptions */
	const struct helper_exception *exceptions; /* by place, ascending; only where all are
						      HELPER_ACCEPTED */
	size_t exception_count;
	uint64_t retry_after_ms; /* 0: the destination did not say */
};

struct helper {
	struct filter *filter; /* whose loop waits for an answer; borrowed */
	struct buf path;
	const char *name; /* the last part of path */
	struct child child;
	struct frame_in in;
	uint64_t max_records, max_bytes; /* of one batch, as it says */
	json_t *can;                     /* its capabilities */
	bool gives_keys;                 /* each batch has a key; the caller's to set before open */
	json_t *message;                 /* the last one */
	struct helper_exception *exceptions;
	size_t exception_cap;
	char *reasons[HELPER_REASONS_MAX];
	unsigned reason_count;
};

/* Finds the program for a scheme. Dies with EX_USAGE when there is none. */
void helper_init(struct helper *h, struct filter *f, const char *scheme, size_t scheme_len);
void helper_release(struct helper *h);

/* Starts it and gives it the URL. */
void helper_open(struct helper *h, const char *url, int64_t timeout_ms);

/* Whether an open helper has a capability, such as `transactions`. */
bool helper_can(const struct helper *h, const char *capability);

/* Sends count records, whole lines, within the helper's bounds, and waits for the answer. */
void helper_batch(struct helper *h, const void *lines, size_t len, size_t count,
	struct helper_answer *answer);

/* Names the next batch: 1 to 255 printable ASCII characters. With gives_keys this comes before
 * every batch, also one that is sent again; a helper that can't `keys` is not told. */
void helper_key(struct helper *h, const char *key);

/*
 * Transactions, for a helper that can `transactions`. The fence comes first and claims the
 * destination for this run; then batches are of an epoch, which prepare completes and commit makes
 * visible. take makes its record another one without touching the data, and stands between epochs.
 * A commit that is `over` does not mind what the destination held. A run that has lost the claim
 * dies with EX_TEMPFAIL in any of these, or in a batch.
 */
void helper_fence(struct helper *h, const char *incarnation, uint64_t run, struct held *held);
void helper_take(struct helper *h, const struct held *becomes);
void helper_prepare(struct helper *h, uint64_t epoch);
void helper_commit(struct helper *h, const struct held *becomes, bool over);

/* There are no more: the helper finishes and is gone. No epoch is begun and not committed. */
void helper_end(struct helper *h);

#endif
