/*
 * The log of what a windower has open (state/changelog): at each barrier what has changed since the
 * last one is put into it, so that a barrier costs what came, not what is there; and of much that
 * came the most before.
 *
 * It is compacted in steps. When it has come to half as much again as what is alive takes, a round
 * begins: entries that were written before it are written anew, for each byte that comes two; when
 * that is done with all of them, the files from before the round are let go of.
 * So the log stays below about three times what is alive, and a megabyte.
 */
#ifndef WINDOWLOG_H
#define WINDOWLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "state/changelog.h"
#include "state/snapshot.h"

struct windower;

struct windowlog {
	struct changelog log;
	struct buf key, value; /* of the entry in hand */
	uint64_t entries;      /* that were put of late, */
	uint64_t entry_bytes;  /* and what they took: for their average */
	uint64_t grown_bytes;  /* since the last slice of a round, or barrier */
	bool in_round;
	uint64_t round_from; /* the first file that stays */
	/* of the slice of a round that is being written */
	uint64_t bytes_left;
	size_t steps_left; /* places to look at */
};

/* What stands in it. */
struct windowlog_entry {
	char what;
	const char *key; /* behind that letter */
	size_t key_len;
	const char *value; /* NULL: it was deleted */
	size_t value_len;
};

/* In a stage's directory, empty. */
void windowlog_init(struct windowlog *j, const char *dir, uint64_t run);
void windowlog_release(struct windowlog *j);

/* Begins an entry: its key begins with a letter for what it is; the rest is appended to j->key, and
 * the value to j->value. */
void windowlog_begin(struct windowlog *j, char what);
void windowlog_put(struct windowlog *j);
void windowlog_delete(struct windowlog *j);

/* Whether the slice in hand goes on. */
static inline bool windowlog_goes_on(const struct windowlog *j)
{
	return j->bytes_left && j->steps_left;
}

/* Behind a record: where so much has changed that it would take long at the barrier, some of it is
 * written already. */
void windowlog_run_ahead(struct windower *w);

/* At a barrier: makes the log durable and puts its files into the snapshot. At the end of the input
 * nothing of it is needed any more. */
void windowlog_seal(struct windower *w, struct snapshot *to);
void windowlog_empty(struct windowlog *j);

/* Reads what the snapshot names. */
void windowlog_restore(struct windower *w, const struct snapshot *from);

#endif
