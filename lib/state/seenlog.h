/*
 * The keys of a flow/seen, kept in a changelog: each as it comes, 18 bytes, with a time to live 26.
 *
 * While the clock may still be set back, as it may by the first watermark, what has run out may
 * come back unless it was taken away: then it is noted in the log when that was.
 *
 * Files at the front of which all keys have run out are let go of. Where one that is far ahead of
 * the rest prevents that, and the log has come to three times what the table holds, what is alive
 * is written anew, a slice of it at each snapshot.
 */
#ifndef SEENLOG_H
#define SEENLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/seen.h"
#include "state/changelog.h"
#include "state/snapshot.h"

struct seenlog_file {
	uint64_t position; /* in the chain */
	int64_t newest_ns;
};

struct seenlog {
	struct changelog log;
	struct seen *seen;          /* borrowed */
	struct seenlog_file *files; /* those with keys, in order */
	size_t count;
	size_t cap;
	uint64_t here;       /* the position that is written to */
	uint64_t here_bytes; /* that have been */
	uint64_t added;      /* keys since the last snapshot */
	/* while it is written anew */
	bool is_rewriting;
	uint64_t rewritten_from; /* the first file that stays */
	size_t place;            /* in the table, the next */
	uint64_t builds;         /* of the table, as `place` was said */
	bool at_once;            /* the log has keys that were forgotten */
	/* while the clock may be set back */
	bool is_settled;  /* no more */
	uint64_t swept;   /* seen->builds as it was noted last */
	int64_t swept_ns; /* the clock then */
};

/* The log in a stage's directory, empty. */
void seenlog_init(struct seenlog *l, struct seen *seen, const char *dir, uint64_t run);
void seenlog_release(struct seenlog *l);

/* A key is new, or new again. Amortised O(1). */
void seenlog_add(struct seenlog *l, struct fingerprint key, int64_t time_ns);

/* From now on the clock never falls. */
void seenlog_settle(struct seenlog *l);

/* Makes the log durable and puts what there is to restore it from into a snapshot. */
void seenlog_snapshot(struct seenlog *l, struct snapshot *to);

/* Fills seen, which is empty; its time to live may be another than it was. Dies with EX_TEMPFAIL if
 * there is no room. */
void seenlog_restore(struct seenlog *l, const struct snapshot *from);

#endif
