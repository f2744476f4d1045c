/*
 * A destination that a helper serves. Records are held in a batch until the helper says what became
 * of each: delivered, a dead letter, or to be sent again. Under a checkpoint, where the helper has
 * transactions, an epoch's batches are one of them; where it has none, they go to the spool.
 */
#ifndef DESTHELPER_H
#define DESTHELPER_H

#include <stdint.h>

#include "tool/commitment.h"
#include "tool/delivery.h"
#include "tool/filter.h"
#include "tool/helper.h"
#include "tool/spooling.h"

struct desthelper {
	struct filter *filter; /* borrowed */
	const char *url;       /* borrowed, as is its */
	const char *scheme;
	size_t scheme_len;
	uint64_t batch_records, batch_bytes;
	int64_t linger_ns;
	int64_t timeout_ns;
	struct helper helper;
	struct delivery batch;
	const struct checkpoint *checkpoint;
	struct spooling spooling;
	struct opt options[9];
	int64_t linger_until_ns; /* LOOP_NEVER: input has not run dry since the batch was begun */
};

void desthelper_init(struct desthelper *d, struct filter *f);
void desthelper_release(struct desthelper *d);

/* --batch, --retry-for and the like; then their values must make sense (EX_USAGE). */
const struct opt *desthelper_options(struct desthelper *d);
void desthelper_check(const struct desthelper *d);

/* Finds the helper for the URL's scheme. Dies with EX_USAGE when there is none. */
void desthelper_find(struct desthelper *d, const char *url, const char *scheme, size_t scheme_len);

/* In the process that sends what is in the spool: the helper begins again, and batches have keys.
 */
void desthelper_reopen(struct desthelper *d);

/* The command's state is the struct. */
extern const struct handlers desthelper_handlers, desthelper_checkpointed;
extern const struct destination desthelper_destination;

#endif
