/*
 * A file as a destination. Without a checkpoint it is replaced whole at the end of the input, or
 * appended to. Under one it grows by an epoch at a time: PATH.commit, a document, says how long it
 * is and what epoch that is, and what lies beyond is cut off at the start.
 */
#ifndef DESTFILE_H
#define DESTFILE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/url.h"
#include "io/out.h"
#include "io/replace.h"
#include "tool/commitment.h"
#include "tool/filter.h"
#include "tool/tabular.h"

struct destfile {
	struct filter *filter; /* borrowed, */
	struct tabular *form;  /* and so is this */
	struct buf path;
	bool appends;
	struct out appended;
	struct replace replaced;
	uint64_t begun_bytes; /* of the output: so many when the disk was last told to begin */

	/* under a checkpoint */
	const struct checkpoint *checkpoint;
	struct buf commit_path;
	struct out out;
	bool has_commit; /* PATH.commit is there */
	uint64_t bytes;  /* of the epochs that are committed */
};

void destfile_init(struct destfile *d, struct filter *f, struct tabular *form);
void destfile_release(struct destfile *d);

/* FILE[?append]; file:///FILE is read as that. Dies with EX_USAGE. */
void destfile_take_url(struct destfile *d, struct url *u, const char *text);

/* The command's state is the struct. */
extern const struct handlers destfile_handlers, destfile_checkpointed;
extern const struct destination destfile_destination;

#endif
