/*
 * Batches as records of the stream: a full one goes on as one line,
 * {"batch":1,"count":2,"bytes":18,"xxh3":"…","records":[…]}, in which each record's bytes are as
 * they came. What is in the open batch is kept from run to run.
 */
#ifndef BATCHLINES_H
#define BATCHLINES_H

#include <stdbool.h>

#include "base/hash.h"
#include "flow/cut.h"
#include "state/changelog.h"
#include "tool/filter.h"

struct batchlines {
	struct filter *filter; /* borrowed */
	struct cut *cut;       /* borrowed */
	struct buf records;    /* of the open batch, with commas between them */
	struct buf line;
	XXH3_state_t *hash;
	bool has_log; /* under a checkpoint */
	struct changelog log;
};

void batchlines_init(struct batchlines *b, struct filter *f, struct cut *cut);
void batchlines_release(struct batchlines *b);

/* The command's state is the struct. */
extern const struct handlers batchlines_handlers;

#endif
