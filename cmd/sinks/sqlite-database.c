#include "sinks/sqlite-database.h"

#include <errno.h>
#include <limits.h>

#include "base/die.h"
#include "tool/sink.h"

bool database_is_busy(int rc)
{
	int primary = rc & 0xff;

	return primary == SQLITE_BUSY || primary == SQLITE_LOCKED || primary == SQLITE_PROTOCOL;
}

bool database_in_transaction(const struct database *db)
{
	return !sqlite3_get_autocommit(db->handle);
}

void database_fail(const struct database *db, int rc)
{
	int status = EX_CONFIG;
	const char *advice = "";

	switch (rc & 0xff) {
	case SQLITE_FULL:
	case SQLITE_IOERR:
		status = EX_IOERR;
		break;
	case SQLITE_CANTOPEN:
		status = sqlite3_system_errno(db->handle) == EACCES ? EX_NOPERM : EX_CANTCREAT;
		break;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		status = EX_NOPERM;
		break;
	case SQLITE_NOMEM:
		status = EX_TEMPFAIL;
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		status = EX_TEMPFAIL;
		advice = ": an older run or another program uses it";
		break;
	case SQLITE_NOTADB:
		advice = ": name another file, or move this one out of the way";
		break;
	case SQLITE_CORRUPT:
		advice = ": restore it from a backup, or salvage it with sqlite3's .recover";
		break;
	}
	sink_fail(status, "'%s': %s%s", db->file.data, sqlite3_errmsg(db->handle), advice);
}

void database_must(const struct database *db, int rc)
{
	if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
		database_fail(db, rc);
}

int database_run(struct database *db, const char *sql)
{
	return sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
}

/* FULL does not sync the directory after the journal is removed, so a commit could be undone by a
 * power cut. This needs the schema, so it fails while the file is locked. */
static int make_durable(struct database *db)
{
	int rc = db->is_durable ? SQLITE_OK : database_run(db, "PRAGMA synchronous=EXTRA");

	db->is_durable = rc == SQLITE_OK;
	return rc;
}

void database_open(struct database *db, int64_t timeout_ms)
{
	int rc = sqlite3_open_v2(buf_string(&db->file), &db->handle,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);

	if (!db->handle)
		die(EX_TEMPFAIL, "out of memory");
	database_must(db, rc);
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms);
	rc = make_durable(db);
	if (rc == SQLITE_OK)
		rc = database_run(db, "PRAGMA schema_version");
	/* A file that is locked just now is left to what comes. */
	if (!database_is_busy(rc))
		database_must(db, rc);
	if (sqlite3_db_readonly(db->handle, "main") == 1)
		sink_fail(EX_NOPERM, "'%s' cannot be written", buf_string(&db->file));
}

void database_close(struct database *db)
{
	sqlite3_close(db->handle);
	buf_release(&db->file);
}

int database_begin(struct database *db)
{
	int rc = make_durable(db);

	return rc == SQLITE_OK ? database_run(db, "BEGIN IMMEDIATE") : rc;
}
