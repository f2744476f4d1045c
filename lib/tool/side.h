/*
 * A file of the user's that records are taken out into: appended to as they come, or, under a
 * checkpoint, with the commit of their epoch. Without a checkpoint it may be a pipe or a device.
 */
#ifndef SIDE_H
#define SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/out.h"
#include "state/sidefile.h"

struct side {
	const char *path; /* borrowed */
	const char *kind; /* static: what is in it */
	struct out out;
	bool is_open;
	bool is_file;             /* and no pipe or device */
	struct sidefile segments; /* under a checkpoint in place of out */
	bool has_segments;
};

/* Under a checkpoint side_begin_epoch comes before the first line. */
void side_init(struct side *s, const char *path, const char *kind, bool is_checkpointed);
void side_release(struct side *s);

/* Takes a line; line[len] is its newline. */
void side_add(struct side *s, const char *line, size_t len);

/* Writes what there is, and makes it durable. Under a checkpoint side_seal does. */
void side_flush(struct side *s);
void side_sync(struct side *s);

/* As outlet_begin_epoch, outlet_seal and outlet_publish. */
void side_begin_epoch(struct side *s, const struct checkpoint *c, uint64_t epoch);
void side_seal(struct side *s);
void side_publish(struct side *s, struct epoch committed);

#endif
