/*
 * The table ddpipe_commits of an SQLite file: what the file holds of each pipeline and stage, and
 * whose it is. A commit stands in the same transaction as the data, so both are there or neither.
 * Failures, and a claim that is lost, end the process by sink_fail.
 */
#ifndef SQLITE_CLAIM_H
#define SQLITE_CLAIM_H

#include <stdbool.h>

#include "sinks/sqlite-database.h"
#include "tool/sink.h"

extern const char claim_table[];

struct claim {
	struct database *db; /* borrowed */
	bool is_made;
	char *pipeline, *stage;
	char owner[RUN_DIGITS + 1];
};

void claim_init(struct claim *c, struct database *db);
void claim_release(struct claim *c);

/* Makes the file this run's, durably, after whoever is writing to it, and says what it holds. */
void claim_make(struct claim *c, const struct sink_claim *by, struct held *held);

/* In a transaction: the claim is still this run's. */
void claim_check(const struct claim *c);

/* In a transaction, which is committed: what the file holds becomes this. Unless `over`, it held
 * the epoch before. */
void claim_commit(const struct claim *c, const struct held *becomes, bool over);

#endif
