/*
 * sink-sqlite - a table in an SQLite file as a destination of dd-deliver
 *
 * sqlite:FILE?table=NAME&real: a record is a row, a top-level key a column. One batch is one
 * transaction, and is accepted when that is committed and synced. Columns carry no type, so that
 * SQLite changes no value; what the table has is read again for each batch, so that others may
 * change it in between.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/die.h"
#include "base/mem.h"
#include "base/url.h"
#include "record/row.h"
#include "record/sql.h"
#include "record/text.h"
#include "tool/sink.h"

enum { SHAPES_MAX = 64, BATCH_RECORDS_MAX = 100000, BATCH_BYTES_MAX = 64 << 20 };

static struct {
	struct buf file; /* begins with '/' or "./" */
	struct buf table;
	bool real; /* numbers other than 64-bit integers become REAL, not TEXT */
} conf;

/* The keys of a record in the order of their first appearance, and the statement for such records.
 */
struct shape {
	struct column **columns;
	size_t count;
	sqlite3_stmt *insert;
};

static struct {
	sqlite3 *handle;
	bool has_table;
	struct shape shapes[SHAPES_MAX];
	size_t shape_next; /* the one to give up next */
	struct row row;    /* the record at hand, and the columns of the table */
	struct buf text;   /* an unescaped string, a statement */
} db;

static void decode(struct buf *to, const char *text, size_t len)
{
	const char *why = url_decode(to, text, len);

	if (why)
		sink_fail(EX_USAGE, "'%.*s' in the URL: %s", (int)len, text, why);
}

static void option_take(const struct url_option *o)
{
	if (url_option_is(o, "table") && o->value) {
		buf_clear(&conf.table);
		decode(&conf.table, o->value, o->value_len);
		if (!conf.table.len)
			sink_fail(EX_USAGE, "an empty name in the URL: table=NAME");
	} else if (url_option_is(o, "real") && !o->value) {
		conf.real = true;
	} else {
		sink_fail(EX_USAGE,
			"unknown option '%.*s' in the URL: table=NAME and real are known",
			(int)o->len, o->name);
	}
}

static void url_take(const char *text)
{
	struct url_option option;
	struct url url;

	if (!url_split(&url, text) || !url.path_len)
		sink_fail(EX_USAGE, "no file in the URL: it is sqlite:FILE?table=NAME");
	if (url.path_len >= 2 && memcmp(url.path, "//", 2) == 0 &&
		(url.path_len < 3 || url.path[2] != '/'))
		sink_fail(EX_USAGE, "a file has no host: it is sqlite:FILE?table=NAME");
	/* A relative path is marked as one: SQLite means something else by :memory: and file:. */
	if (*url.path != '/')
		buf_text(&conf.file, "./");
	decode(&conf.file, url.path, url.path_len);
	buf_text(&conf.table, "records");
	while (url_next_option(&url, &option))
		option_take(&option);
}

/* A failure that no other try mends: its exit status, and what to do. */
static void fail(int rc) __attribute__((noreturn));

static void fail(int rc)
{
	int status = EX_CONFIG;
	const char *advice = "";

	switch (rc & 0xff) {
	case SQLITE_FULL:
	case SQLITE_IOERR:
		status = EX_IOERR;
		break;
	case SQLITE_CANTOPEN:
		status = sqlite3_system_errno(db.handle) == EACCES ? EX_NOPERM : EX_CANTCREAT;
		break;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		status = EX_NOPERM;
		break;
	case SQLITE_NOMEM:
		status = EX_TEMPFAIL;
		break;
	case SQLITE_NOTADB:
		advice = ": name another file, or move this one out of the way";
		break;
	case SQLITE_CORRUPT:
		advice = ": restore it from a backup, or salvage it with sqlite3's .recover";
		break;
	}
	sink_fail(status, "'%s': %s%s", buf_string(&conf.file), sqlite3_errmsg(db.handle), advice);
}

/* True for what is wrong with the record, not with the database. */
static bool is_about_record(int rc)
{
	int primary = rc & 0xff;

	return primary == SQLITE_CONSTRAINT || primary == SQLITE_TOOBIG ||
	       primary == SQLITE_MISMATCH;
}

static const char *record_reason(int rc)
{
	return (rc & 0xff) == SQLITE_TOOBIG ? "too_big" : "constraint";
}

static int run(const char *sql)
{
	return sqlite3_exec(db.handle, sql, NULL, NULL, NULL);
}

static void sqlite_open(const struct sink_target *target)
{
	int rc;

	row_init(&db.row);
	url_take(target->url);
	rc = sqlite3_open_v2(buf_string(&conf.file), &db.handle,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (!db.handle)
		die(EX_TEMPFAIL, "out of memory");
	if (rc != SQLITE_OK)
		fail(rc);
	sqlite3_extended_result_codes(db.handle, 1);
	sqlite3_busy_timeout(
		db.handle, target->timeout_ms > INT_MAX ? INT_MAX : (int)target->timeout_ms);
	/* FULL does not sync the directory after the journal is removed, so a commit can be undone
	 * by a power cut; a file that is locked just now is left to the batch. */
	rc = run("PRAGMA synchronous=EXTRA; PRAGMA schema_version");
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
		fail(rc);
	db.row.table_max = (size_t)sqlite3_limit(db.handle, SQLITE_LIMIT_COLUMN, -1);
	if (sqlite3_db_readonly(db.handle, "main") == 1)
		sink_fail(EX_NOPERM, "'%s' cannot be written", buf_string(&conf.file));
}

static void shapes_clear(void)
{
	for (size_t i = 0; i < SHAPES_MAX; i++) {
		sqlite3_finalize(db.shapes[i].insert);
		free(db.shapes[i].columns);
		db.shapes[i] = (struct shape){0};
	}
}

static int columns_load(void)
{
	sqlite3_stmt *names;
	int rc = sqlite3_prepare_v2(
		db.handle, "SELECT name FROM pragma_table_xinfo(?1)", -1, &names, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_text(names, 1, buf_string(&conf.table), -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(names)) == SQLITE_ROW)
		row_table_has(&db.row, (const char *)sqlite3_column_text(names, 0));
	db.has_table = db.row.table_count > 0;
	sqlite3_finalize(names);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The statement of a function of sql.h that is about the row at hand. */
static const char *statement(void (*make)(struct buf *, const char *, const struct row *))
{
	buf_clear(&db.text);
	make(&db.text, buf_string(&conf.table), &db.row);
	return buf_string(&db.text);
}

/* Adds what the record has and the table has not, in a savepoint that is left open. */
static int columns_create(void)
{
	int rc = run("SAVEPOINT ddpipe");

	if (rc == SQLITE_OK && !db.has_table)
		return run(statement(sql_create_table));
	for (size_t i = 0; rc == SQLITE_OK && i < db.row.count; i++) {
		if (!db.row.columns[i]->is_new)
			continue;
		buf_clear(&db.text);
		sql_add_column(&db.text, buf_string(&conf.table), db.row.columns[i]->name);
		rc = run(buf_string(&db.text));
	}
	return rc;
}

static bool is_shape_of_row(const struct shape *s)
{
	return s->insert && s->count == db.row.count &&
	       memcmp(s->columns, db.row.columns, db.row.count * sizeof(*db.row.columns)) == 0;
}

static int shape_make(struct shape *s)
{
	sqlite3_finalize(s->insert);
	free(s->columns);
	s->columns = mem_copy(db.row.columns, db.row.count * sizeof(*db.row.columns));
	s->count = db.row.count;
	s->insert = NULL;
	return sqlite3_prepare_v2(db.handle, statement(sql_insert), -1, &s->insert, NULL);
}

static int shape_find(struct shape **shape)
{
	for (size_t i = 0; i < SHAPES_MAX; i++) {
		*shape = &db.shapes[i];
		if (is_shape_of_row(*shape))
			return SQLITE_OK;
	}
	*shape = &db.shapes[db.shape_next];
	db.shape_next = (db.shape_next + 1) % SHAPES_MAX;
	return shape_make(*shape);
}

static int bind_text(sqlite3_stmt *insert, int at, const char *text, size_t len)
{
	return sqlite3_bind_text64(insert, at, text, len, SQLITE_STATIC, SQLITE_UTF8);
}

/* Number texts end at a byte that is no part of one, so they can be read where they stand. */
static int bind_number(sqlite3_stmt *insert, int at, const struct span *v)
{
	double real;

	if (!memchr(v->at, '.', v->len) && !memchr(v->at, 'e', v->len) &&
		!memchr(v->at, 'E', v->len)) {
		long long integer;

		errno = 0;
		integer = strtoll(v->at, NULL, 10);
		if (errno == 0)
			return sqlite3_bind_int64(insert, at, integer);
	}
	real = conf.real ? strtod(v->at, NULL) : INFINITY;
	if (isfinite(real))
		return sqlite3_bind_double(insert, at, real);
	return bind_text(insert, at, v->at, v->len);
}

static int bind_value(sqlite3_stmt *insert, int at, const struct span *v)
{
	switch ((enum span_type)v->type) {
	case SPAN_FALSE:
	case SPAN_TRUE:
		return sqlite3_bind_int(insert, at, v->type == SPAN_TRUE);
	case SPAN_NUMBER:
		return bind_number(insert, at, v);
	case SPAN_STRING:
		if (!v->escaped)
			return bind_text(insert, at, v->at, v->len);
		buf_clear(&db.text);
		text_unescape(&db.text, v);
		buf_string(&db.text);
		return sqlite3_bind_text64(
			insert, at, db.text.data, db.text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
	case SPAN_ARRAY:
	case SPAN_OBJECT:
		return bind_text(insert, at, v->at, v->len);
	case SPAN_NULL:
	case SPAN_MISSING:
		break;
	}
	return sqlite3_bind_null(insert, at);
}

static int row_insert(void)
{
	struct shape *shape;
	int rc = shape_find(&shape);

	for (size_t i = 0; rc == SQLITE_OK && i < db.row.count; i++)
		rc = bind_value(shape->insert, (int)i + 1, &db.row.columns[i]->value);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(shape->insert);
		sqlite3_reset(shape->insert);
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Puts the row in. What is wrong with the record alone becomes its reason, and in db.text more
 * about it; else the database's error is returned, and the batch is over. */
static int row_put(const char **reason)
{
	bool widens = db.row.new_count > 0;
	int rc = widens ? columns_create() : SQLITE_OK;

	if (rc == SQLITE_OK)
		rc = row_insert();
	/* A rule of the table (ON CONFLICT ROLLBACK) may have ended the transaction. */
	if (is_about_record(rc) && !sqlite3_get_autocommit(db.handle)) {
		*reason = record_reason(rc);
		buf_clear(&db.text);
		buf_text(&db.text, sqlite3_errmsg(db.handle));
		rc = widens ? run("ROLLBACK TO ddpipe") : SQLITE_OK;
	}
	if (rc == SQLITE_OK && widens)
		rc = run("RELEASE ddpipe");
	if (rc == SQLITE_OK && widens && !*reason) {
		db.has_table = true;
		row_keep_new(&db.row);
	}
	return rc;
}

static int record_put(const char *line, size_t len, size_t index, struct sink_verdict *verdict)
{
	const char *reason = row_read(&db.row, line, len);
	struct buf *detail = reason ? &db.row.detail : &db.text;
	int rc = SQLITE_OK;

	if (!reason)
		rc = row_put(&reason);
	if (reason)
		sink_reject_record(verdict, index, reason, "%s", buf_string(detail));
	if (reason && db.row.new_count) {
		shapes_clear();
		row_drop_new(&db.row);
	}
	return rc;
}

/* The transaction failed as a whole: undone, and said why. */
static void batch_undo(int rc, struct sink_verdict *verdict)
{
	int primary = rc & 0xff;

	if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED || primary == SQLITE_PROTOCOL)
		sink_retry(verdict, "busy", 0, "%s", sqlite3_errmsg(db.handle));
	else if (is_about_record(rc))
		sink_reject(verdict, record_reason(rc), "%s", sqlite3_errmsg(db.handle));
	else
		fail(rc);
	if (!sqlite3_get_autocommit(db.handle)) {
		rc = run("ROLLBACK");
		if (rc != SQLITE_OK)
			fail(rc);
	}
}

static void sqlite_batch(const struct sink_batch *batch, struct sink_verdict *verdict)
{
	const char *line = batch->lines;
	int rc = run("BEGIN IMMEDIATE");

	if (rc == SQLITE_OK)
		rc = columns_load();
	for (size_t i = 0; rc == SQLITE_OK && i < batch->count; i++) {
		const char *end = memchr(line, '\n', batch->len - (size_t)(line - batch->lines));

		assert(end);
		rc = record_put(line, (size_t)(end - line), i, verdict);
		line = end + 1;
	}
	if (rc == SQLITE_OK)
		rc = run("COMMIT");
	if (rc != SQLITE_OK)
		batch_undo(rc, verdict);
	shapes_clear();
	row_clear(&db.row);
}

static void sqlite_close(void)
{
	shapes_clear();
	/* Closing rolls back what is open. */
	sqlite3_close(db.handle);
	row_release(&db.row);
	buf_release(&db.text);
	buf_release(&conf.file);
	buf_release(&conf.table);
}

int main(int argc, char **argv)
{
	static const struct sink sink = {
		.name = "sqlite",
		.max_records = BATCH_RECORDS_MAX,
		.max_bytes = BATCH_BYTES_MAX,
		.open = sqlite_open,
		.batch = sqlite_batch,
		.close = sqlite_close,
	};

	return sink_run(&sink, argc, argv);
}
