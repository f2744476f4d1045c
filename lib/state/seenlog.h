/*
 * The keys of a flow/seen, kept in a changelog: each as it comes, 18 bytes, and 8 more with a time
 * to live, and 2 to 20 more with a version, which is a decimal. A key that stands there twice is as
 * it stands there last.
 *
 * What has run out at the clock of a snapshot is not there any more, whether or not it was taken
 * out of the table; only where the clock is set back there is a note in the log, behind the keys
 * that had run out by then.
 *
 * Files at the front of which all keys have run out are let go of. Where the log has come to three
 * times what the table holds all the same, by keys that come again and again or a file that is far
 * ahead of the rest, what is alive is written anew, some thousands at a time while keys come;
 * then what was before goes. So it takes at most some four and a half times what it must.
 */
#ifndef SEENLOG_H
#define SEENLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/seen.h"
#include "state/changelog.h"
#include "state/snapshot.h"

struct seenlog_file {
	uint64_t position; /* in the chain */
	int64_t newest_ns;
};

struct seenlog {
	struct changelog log;
	struct seen *seen;          /* borrowed; its values are versions, or of no length */
	struct seenlog_file *files; /* those with keys, in order */
	size_t count;
	size_t cap;
	uint64_t here;       /* the position that is written to */
	uint64_t here_bytes; /* that have been */
	uint64_t looked_at;  /* the same, as the length of all was looked at last */
	uint64_t puts;       /* keys in all files, those that were dropped included, */
	uint64_t put_bytes;  /* and what they took */
	struct buf value;
	/* while it is written anew */
	bool is_rewriting;
	uint64_t rewritten_from; /* the first file that stays */
	uint64_t walk;           /* for seen_walk */
	uint64_t credit;         /* so many keys may be */
	bool at_once;            /* the log has keys that were forgotten */
};

/* The log in a stage's directory, empty. */
void seenlog_init(struct seenlog *l, struct seen *seen, const char *dir, uint64_t run);
void seenlog_release(struct seenlog *l);

/* A key is new, or new again, or its time or version is. Amortised O(1). */
void seenlog_add(struct seenlog *l, const struct seen_slot *slot);

/* The clock is to be set back: what has run out at the clock as it stands is gone. */
void seenlog_sweep(struct seenlog *l);

/* Makes the log durable and puts what there is to restore it from into a snapshot. */
void seenlog_snapshot(struct seenlog *l, struct snapshot *to);

/* Fills seen, which is empty; its time to live may be another than it was, but not be there where
 * it was not, or the reverse. Dies with EX_TEMPFAIL if there is no room. */
void seenlog_restore(struct seenlog *l, const struct snapshot *from);

#endif
