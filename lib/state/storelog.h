/*
 * The log of a store in memory (state/changelog): at each barrier what has changed since the last
 * one is put into it, so that a barrier costs what came, not what is there; and of much that came
 * the most before.
 *
 * It is compacted in steps. When it has come to half as much again as what is alive takes, a round
 * begins: entries that were written before it are written anew, for each byte that comes two; when
 * that is done with all of them, the files from before the round are let go of. So the log stays
 * below about three times what is alive, and a megabyte.
 *
 * What stands in it, the numbers in the form of base/compact:
 *
 *     letter + 128, the space's number            own words: a space
 *     letter, the space's number, the key         what its kind packs: an entry
 *
 * A space that is deleted is gone with its entries. Of a space that was written anew, entries may
 * come before it does.
 */
#ifndef STORELOG_H
#define STORELOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "state/changelog.h"
#include "state/snapshot.h"

struct store;
struct store_space;
struct table_entry;

struct storelog {
	struct changelog log;
	struct buf key, value; /* of the entry in hand */
	uint64_t entries;      /* that were put of late, */
	uint64_t entry_bytes;  /* and what they took: for their average */
	bool has_entries;      /* of spaces, be they alive or not */
	uint64_t grown_bytes;  /* since the last slice of a round, or barrier */
	bool in_round;
	uint64_t round_from; /* the first file that stays */
	/* of the slice of a round that is being written */
	uint64_t bytes_left;
	size_t steps_left; /* places to look at */
};

/* In a stage's directory, empty. */
void storelog_init(struct storelog *l, const char *dir, uint64_t run);
void storelog_release(struct storelog *l);

/* A space, and an entry, as they are now; and that they are no more. */
void storelog_put_space(struct store *s, struct store_space *space);
void storelog_put(struct store *s, struct store_space *space, const struct table_entry *e);
void storelog_delete(struct store *s, const struct store_space *space, const struct table_entry *e);
void storelog_drop(struct store *s, const struct store_space *space);

/* As store_run_ahead, store_snapshot and store_restore. */
void storelog_run_ahead(struct store *s);
void storelog_seal(struct store *s, struct snapshot *to);
void storelog_restore(struct store *s, const struct snapshot *from);

#endif
