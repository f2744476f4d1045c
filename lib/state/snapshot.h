/*
 * A stage's record of an epoch, (n, run): the document EPOCH.RUN.snapshot in the stage's directory.
 * It names the record that it follows, so that from the commit a chain of records leads back; and
 * the bulk files that it relies on, each up to a length.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "state/checkpoint.h"

/* What a stage puts in and gets back; both always there. */
struct snapshot {
	json_t *state;   /* an object of its own */
	json_t *files;   /* [{"name":…,"bytes":…}…] */
	json_t *options; /* those that shape the state, as text */
	json_t *ledger;  /* a sink's line of this epoch; NULL: none */
};

void snapshot_init(struct snapshot *s);
void snapshot_release(struct snapshot *s);

/* Makes the record durable; what its files hold must be. `after` is the record it follows. */
void snapshot_write(
	const struct checkpoint *c, struct epoch at, struct epoch after, const struct snapshot *s);

/* Reads it, synced before, with all that it names. Dies with EX_IOERR if it is not there, damaged,
 * or a file is not there or too short. Release it. */
void snapshot_read(const struct checkpoint *c, struct epoch at, struct snapshot *s);

/* Whether there is such a record, whole. It is synced then. */
bool snapshot_is_there(const struct checkpoint *c, struct epoch at);

/* Reads a record in a stage's directory without a change; NULL with *why as document_read. */
json_t *snapshot_document(const char *stage_dir, struct epoch at, const char **why);

/* The name of a record's file. */
void snapshot_name(struct buf *to, struct epoch at);
bool snapshot_name_read(const char *name, struct epoch *at);

/* KIND.RUN.NUMBER; kind is borrowed from name and not terminated. */
struct bulk_name {
	const char *kind;
	size_t kind_len;
	uint64_t run;
	uint64_t number;
};

void bulk_name_print(struct buf *to, const char *kind, uint64_t run, uint64_t number);
bool bulk_name_read(const char *name, struct bulk_name *is);

/* The kind of bulk file that says what has happened outside: true whatever was committed, so it is
 * swept only behind a commit of the present run, whose record names those still of use. */
#define BULK_JOURNAL "acked"

/* The kind of what waits for the commit of its epoch to be done, though no record names it. */
#define BULK_SENT "sent"

/*
 * Deletes what no start can need any more. The destination must be known to hold nothing newer than
 * the commit but of the present run and of `spared`: because the commit is of the present run, or
 * because `spared` is the last that has claimed it (checkpoint_claim). Of what the commit follows
 * the last `keep` records stay, and all that is newer and of those two. Where a record of these is
 * damaged nothing is deleted.
 */
void snapshot_sweep(
	const struct checkpoint *c, struct epoch commit, unsigned keep, uint64_t spared);

#endif
