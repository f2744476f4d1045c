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
#include "record/scan.h"
#include "record/text.h"
#include "tool/sink.h"

enum { SHAPES_MAX = 64, BATCH_RECORDS_MAX = 100000, BATCH_BYTES_MAX = 64 << 20 };

static struct {
	struct buf file; /* begins with '/' or "./" */
	struct buf table;
	struct buf quoted; /* the table's name as SQL */
	bool real;         /* numbers other than 64-bit integers become REAL, not TEXT */
} conf;

struct column {
	char *name;
	bool pending;      /* of the present record only, not yet in the table */
	uint64_t record;   /* the last record that has it, */
	struct span value; /* and its value there */
};

/* The keys of a record in the order of their first appearance, and the statement for such records.
 */
struct shape {
	struct column **columns;
	size_t count;
	sqlite3_stmt *insert;
};

static struct {
	sqlite3 *handle;
	struct column **columns; /* the table's, sorted as SQLite compares names */
	size_t column_count, column_cap;
	bool has_table;
	struct shape shapes[SHAPES_MAX];
	size_t shape_next; /* the one to give up next */
} db;

/* The record at hand. */
static struct {
	uint64_t number;
	struct column **columns;
	size_t count, cap, pending;
	const char *reason; /* why it can't be a row, or NULL */
	struct buf detail;
	struct buf text; /* an unescaped string, a statement */
	struct paths no_paths;
} row;

/* Appends the percent-decoded text. A NUL byte is an error: neither a file nor a table has one. */
static void url_decode(struct buf *to, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char hex[3] = "";
		char *end = hex;
		char c = text[i];

		if (c == '%') {
			memcpy(hex, text + i + 1, len - i > 2 ? 2 : len - i - 1);
			c = (char)strtoul(hex, &end, 16);
			if (end != hex + 2 || hex[0] == '+' || hex[0] == '-' || hex[0] == ' ' || !c)
				sink_fail(EX_USAGE, "'%%%s' in the URL is no character", hex);
			i += 2;
		}
		buf_char(to, c);
	}
}

static bool is_text(const char *text, size_t len, const char *other)
{
	return len == strlen(other) && memcmp(text, other, len) == 0;
}

static void option_take(const char *option, size_t len)
{
	const char *equals = memchr(option, '=', len);
	size_t name_len = equals ? (size_t)(equals - option) : len;

	if (equals && is_text(option, name_len, "table")) {
		buf_clear(&conf.table);
		url_decode(&conf.table, equals + 1, len - name_len - 1);
	} else if (is_text(option, len, "real")) {
		conf.real = true;
	} else {
		sink_fail(EX_USAGE,
			"unknown option '%.*s' in the URL: table=NAME and real are known", (int)len,
			option);
	}
}

static void identifier_add(struct buf *sql, const char *name)
{
	buf_char(sql, '"');
	for (; *name; name++) {
		if (*name == '"')
			buf_char(sql, '"');
		buf_char(sql, *name);
	}
	buf_char(sql, '"');
}

static void url_take(const char *url)
{
	const char *file = strchr(url, ':');
	const char *option;
	size_t len;

	file = file ? file + 1 : url;
	len = strcspn(file, "?");
	if (len == 0)
		sink_fail(EX_USAGE, "no file in the URL: it is sqlite:FILE?table=NAME");
	/* A relative path is marked as one: SQLite means something else by :memory: and file:. */
	if (*file != '/')
		buf_text(&conf.file, "./");
	url_decode(&conf.file, file, len);
	buf_text(&conf.table, "records");
	option = file + len;
	while (*option) {
		option++;
		len = strcspn(option, "&");
		option_take(option, len);
		option += len;
	}
	identifier_add(&conf.quoted, buf_string(&conf.table));
	buf_string(&conf.quoted);
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

	paths_init(&row.no_paths);
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
	if (sqlite3_db_readonly(db.handle, "main") == 1)
		sink_fail(EX_NOPERM, "'%s' cannot be written", buf_string(&conf.file));
}

/* The place of name among the columns, or where it would go. SQLite folds ASCII letters only. */
static size_t column_place(const char *name, bool *found)
{
	size_t low = 0, high = db.column_count;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = sqlite3_stricmp(name, db.columns[middle]->name);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static struct column *column_insert(size_t place, const char *name)
{
	struct column *c = mem_zero(1, sizeof(*c));

	if (db.column_count == db.column_cap) {
		db.column_cap = db.column_cap ? 2 * db.column_cap : 64;
		db.columns = mem_resize(db.columns, db.column_cap * sizeof(*db.columns));
	}
	memmove(db.columns + place + 1, db.columns + place,
		(db.column_count - place) * sizeof(*db.columns));
	db.columns[place] = c;
	db.column_count++;
	c->name = mem_string(name);
	return c;
}

static void shapes_clear(void)
{
	for (size_t i = 0; i < SHAPES_MAX; i++) {
		sqlite3_finalize(db.shapes[i].insert);
		free(db.shapes[i].columns);
		db.shapes[i] = (struct shape){0};
	}
}

/* Removes the columns that the table does not have, or all. Shapes point to them, so those go too.
 */
static void columns_remove(bool all)
{
	size_t kept = 0;

	shapes_clear();
	for (size_t i = 0; i < db.column_count; i++) {
		struct column *c = db.columns[i];

		if (all || c->pending) {
			free(c->name);
			free(c);
		} else {
			db.columns[kept++] = c;
		}
	}
	db.column_count = kept;
}

static int columns_load(void)
{
	sqlite3_stmt *names;
	int rc = sqlite3_prepare_v2(
		db.handle, "SELECT name FROM pragma_table_xinfo(?1)", -1, &names, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_text(names, 1, buf_string(&conf.table), -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(names)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(names, 0);
		bool found;
		size_t place = column_place(name, &found);

		if (!found)
			column_insert(place, name);
	}
	db.has_table = db.column_count > 0;
	sqlite3_finalize(names);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void row_add(struct column *c)
{
	if (row.count == row.cap) {
		row.cap = row.cap ? 2 * row.cap : 64;
		row.columns = mem_resize(row.columns, row.cap * sizeof(*row.columns));
	}
	row.columns[row.count++] = c;
	c->record = row.number;
}

static void row_refuse(const char *reason, const char *detail)
{
	row.reason = reason;
	buf_clear(&row.detail);
	buf_text(&row.detail, detail);
}

static void column_refuse(const char *key, const char *column)
{
	row_refuse("column_conflict", "");
	buf_format(&row.detail, "key '%s' and column '%s' are one name in SQLite", key, column);
}

/* A member of the record: of equal keys the last one wins, at the place of the first. */
static void member_take(void *context, const struct span *key, const struct span *value)
{
	const char *name;
	struct column *c;
	size_t place;
	bool found;

	(void)context;
	if (row.reason)
		return;
	buf_clear(&row.text);
	text_unescape(&row.text, key);
	name = buf_string(&row.text);
	if (strlen(name) != row.text.len) {
		row_refuse("column_name", "a column's name can't have a NUL character");
		return;
	}
	place = column_place(name, &found);
	if (!found) {
		if (db.column_count >= (size_t)sqlite3_limit(db.handle, SQLITE_LIMIT_COLUMN, -1)) {
			row_refuse("too_many_columns", "the table can't have more columns");
			return;
		}
		c = column_insert(place, name);
		c->pending = true;
		row.pending++;
	} else {
		c = db.columns[place];
		if (strcmp(c->name, name) != 0) {
			column_refuse(name, c->name);
			return;
		}
	}
	if (c->record != row.number)
		row_add(c);
	c->value = *value;
}

/* Finds the record's columns and their values, or row.reason. */
static void row_read(const char *line, size_t len)
{
	struct span root;
	size_t where;
	const char *bad = scan(&row.no_paths, line, len, &root, NULL, &where);

	row.number++;
	row.count = row.pending = 0;
	row.reason = NULL;
	if (bad)
		row_refuse("malformed", bad);
	else if (root.type != SPAN_OBJECT)
		row_refuse("not_an_object", "a row is made of an object");
	else
		scan_members(line, len, member_take, NULL);
	if (!row.reason && row.count == 0)
		row_refuse("no_columns", "an empty object has nothing to make a row of");
}

static void names_add(struct buf *sql, bool pending_only)
{
	const char *comma = "";

	for (size_t i = 0; i < row.count; i++) {
		if (pending_only && !row.columns[i]->pending)
			continue;
		buf_text(sql, comma);
		identifier_add(sql, row.columns[i]->name);
		comma = ", ";
	}
}

static int table_create(void)
{
	buf_clear(&row.text);
	buf_format(&row.text, "CREATE TABLE %s (", buf_string(&conf.quoted));
	names_add(&row.text, true);
	buf_text(&row.text, ")");
	return run(buf_string(&row.text));
}

/* Adds what the record has and the table has not, in a savepoint that is left open. */
static int columns_create(void)
{
	int rc = run("SAVEPOINT ddpipe");

	if (rc == SQLITE_OK && !db.has_table)
		return table_create();
	for (size_t i = 0; rc == SQLITE_OK && i < row.count; i++) {
		if (!row.columns[i]->pending)
			continue;
		buf_clear(&row.text);
		buf_format(&row.text, "ALTER TABLE %s ADD COLUMN ", buf_string(&conf.quoted));
		identifier_add(&row.text, row.columns[i]->name);
		rc = run(buf_string(&row.text));
	}
	return rc;
}

static void columns_keep(void)
{
	db.has_table = true;
	for (size_t i = 0; i < row.count; i++)
		row.columns[i]->pending = false;
}

static bool is_shape_of_row(const struct shape *s)
{
	return s->insert && s->count == row.count &&
	       memcmp(s->columns, row.columns, row.count * sizeof(*row.columns)) == 0;
}

static int shape_make(struct shape *s)
{
	sqlite3_finalize(s->insert);
	free(s->columns);
	s->columns = mem_copy(row.columns, row.count * sizeof(*row.columns));
	s->count = row.count;
	s->insert = NULL;
	buf_clear(&row.text);
	buf_format(&row.text, "INSERT INTO %s (", buf_string(&conf.quoted));
	names_add(&row.text, false);
	buf_text(&row.text, ") VALUES (?");
	for (size_t i = 1; i < row.count; i++)
		buf_text(&row.text, ", ?");
	buf_char(&row.text, ')');
	return sqlite3_prepare_v2(db.handle, buf_string(&row.text), -1, &s->insert, NULL);
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
		buf_clear(&row.text);
		text_unescape(&row.text, v);
		buf_string(&row.text);
		return sqlite3_bind_text64(
			insert, at, row.text.data, row.text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
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

	for (size_t i = 0; rc == SQLITE_OK && i < row.count; i++)
		rc = bind_value(shape->insert, (int)i + 1, &row.columns[i]->value);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(shape->insert);
		sqlite3_reset(shape->insert);
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Puts the row in. What is wrong with the record alone becomes row.reason; else the database's
 * error is returned, and the batch is over. */
static int row_put(void)
{
	int rc = row.pending ? columns_create() : SQLITE_OK;

	if (rc == SQLITE_OK)
		rc = row_insert();
	/* A rule of the table (ON CONFLICT ROLLBACK) may have ended the transaction. */
	if (is_about_record(rc) && !sqlite3_get_autocommit(db.handle)) {
		row_refuse(record_reason(rc), sqlite3_errmsg(db.handle));
		rc = row.pending ? run("ROLLBACK TO ddpipe") : SQLITE_OK;
	}
	if (rc == SQLITE_OK && row.pending)
		rc = run("RELEASE ddpipe");
	if (rc == SQLITE_OK && row.pending && !row.reason)
		columns_keep();
	return rc;
}

static int record_put(const char *line, size_t len, size_t index, struct sink_verdict *verdict)
{
	int rc = SQLITE_OK;

	row_read(line, len);
	if (!row.reason)
		rc = row_put();
	if (row.reason) {
		sink_reject_record(verdict, index, row.reason, "%s", buf_string(&row.detail));
		if (row.pending)
			columns_remove(false);
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
	columns_remove(true);
}

static void sqlite_close(void)
{
	columns_remove(true);
	/* Closing rolls back what is open. */
	sqlite3_close(db.handle);
	free(db.columns);
	free(row.columns);
	paths_release(&row.no_paths);
	buf_release(&row.text);
	buf_release(&row.detail);
	buf_release(&conf.file);
	buf_release(&conf.table);
	buf_release(&conf.quoted);
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
