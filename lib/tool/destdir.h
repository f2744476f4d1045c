/*
 * A directory as a destination: each epoch's records are a file of their own, which is there whole
 * or not at all. Without a checkpoint the whole input is one.
 */
#ifndef DESTDIR_H
#define DESTDIR_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/url.h"
#include "state/landing.h"
#include "tool/commitment.h"
#include "tool/filter.h"

struct destdir {
	struct filter *filter; /* borrowed */
	struct buf path;
	struct landing landing;
	struct landing_file file;
	uint64_t records; /* in it */
	XXH3_state_t *hash;
	const char *incarnation; /* NULL without a checkpoint */
};

void destdir_init(struct destdir *d, struct filter *f);
void destdir_release(struct destdir *d);

/* DIR; dir:///DIR is read as that. Dies with EX_USAGE. */
void destdir_take_url(struct destdir *d, struct url *u, const char *text);

/* The command's state is the struct. */
extern const struct handlers destdir_handlers, destdir_checkpointed;
extern const struct destination destdir_destination;

#endif
