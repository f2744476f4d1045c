/* An SQLite file, and what its errors mean to dd-deliver. */
#ifndef SQLITE_DATABASE_H
#define SQLITE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct database {
	struct buf file; /* its name, begins with '/' or "./"; the caller's to set */
	sqlite3 *handle;
	bool is_durable; /* commits survive a power cut */
};

/* Opens or creates it. timeout_ms is how long a lock of somebody else's is waited for. */
void database_open(struct database *db, int64_t timeout_ms);

/* Rolls back what is open. Statements must be finalized before. */
void database_close(struct database *db);

/* These return a result code of SQLite. begin is of a transaction that nobody writes beside. */
int database_begin(struct database *db);
int database_run(struct database *db, const char *sql);

bool database_is_busy(int rc);
bool database_in_transaction(const struct database *db);

/* What no other try mends: sink_fail with the status for it, and what to do. */
void database_fail(const struct database *db, int rc) __attribute__((noreturn));

/* That, unless it went well. */
void database_must(const struct database *db, int rc);

#endif
