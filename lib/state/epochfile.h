/*
 * What a stage holds back until its epoch is committed: lines in a bulk file of the stage's
 * directory for each epoch that has some, KIND.RUN.EPOCH. Once the commit covers it whoever writes
 * it does with it what is to be done, and deletes it.
 */
#ifndef EPOCHFILE_H
#define EPOCHFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/out.h"
#include "state/checkpoint.h"

struct epochfile {
	const struct checkpoint *checkpoint; /* borrowed */
	const char *kind;                    /* static */
	uint64_t epoch;                      /* the one in hand */
	char *path;                          /* of its file; NULL until its first line */
	struct out out;
};

/* The first epoch in hand is `epoch`. */
void epochfile_init(
	struct epochfile *f, const struct checkpoint *c, const char *kind, uint64_t epoch);
void epochfile_release(struct epochfile *f);

/* Adds to the epoch in hand. */
void epochfile_add(struct epochfile *f, const char *bytes, size_t len);

/* Makes the epoch's lines durable; the next epoch begins. */
void epochfile_seal(struct epochfile *f);

/* The path of the oldest file of the committed run that the commit covers, and that has not been
 * deleted: gives it; NULL if there is none. */
char *epochfile_due(const struct epochfile *f, struct epoch committed);

/* What was to be done with it is done, and durable. */
void epochfile_delete(const char *path);

#endif
