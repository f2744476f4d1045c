/*
 * A file of the user's that records are taken out into, under a checkpoint: each epoch's records
 * stand in a bulk file of the stage's directory until the epoch is committed, and are appended to
 * the user's file then. How long that was is noted before, so that a crash in between is undone and
 * done again.
 */
#ifndef SIDEFILE_H
#define SIDEFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/checkpoint.h"
#include "state/epochfile.h"

/* The kinds of bulk files: late records, and what repeats others. */
#define SIDE_LATE       "late"
#define SIDE_DUPLICATES "duplicates"

struct sidefile {
	const char *path; /* the user's; borrowed */
	char *note;       /* where the length is noted */
	struct epochfile held;
};

/* Letters of the first epoch in hand are numbered `epoch`. */
void sidefile_init(struct sidefile *s, const struct checkpoint *c, const char *path,
	const char *kind, uint64_t epoch);
void sidefile_release(struct sidefile *s);

/* Takes a line; line[len] is its newline. */
void sidefile_add(struct sidefile *s, const char *line, size_t len);

/* Makes the epoch's lines durable; the next epoch begins. */
void sidefile_seal(struct sidefile *s);

/* The run has come to a committed epoch: what is of it and not beyond it is appended. */
void sidefile_publish(struct sidefile *s, struct epoch committed);

/* What a stage that is there no more has yet to append, though it is committed: gives the path of
 * the first such file in its directory; NULL if there is none. */
char *sidefile_left(const char *stage_dir, struct epoch committed);

#endif
