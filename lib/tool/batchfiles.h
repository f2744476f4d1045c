/*
 * Batches as files in a directory, each with a name that says its number and the hash of its bytes.
 * Without a checkpoint a batch lands when it is full; under one with the epoch that it is full in,
 * and what is in the open batch is kept from run to run.
 */
#ifndef BATCHFILES_H
#define BATCHFILES_H

#include "base/hash.h"
#include "flow/cut.h"
#include "state/landing.h"
#include "tool/commitment.h"
#include "tool/filter.h"

struct batchfiles {
	struct filter *filter; /* borrowed */
	struct cut *cut;       /* borrowed */
	const char *dir;       /* borrowed */
	struct landing landing;
	struct landing_file file;
	XXH3_state_t *hash;
	const char *incarnation;
};

void batchfiles_init(struct batchfiles *b, struct filter *f, struct cut *cut, const char *dir);
void batchfiles_release(struct batchfiles *b);

/* The command's state is the struct. */
extern const struct handlers batchfiles_handlers, batchfiles_checkpointed;
extern const struct destination batchfiles_destination;

#endif
