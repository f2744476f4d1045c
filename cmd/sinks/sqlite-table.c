#include "sinks/sqlite-table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/sql.h"
#include "record/text.h"

void table_init(struct table *t, struct database *db)
{
	*t = (struct table){.db = db};
	row_init(&t->row);
}

static void shapes_clear(struct table *t)
{
	for (size_t i = 0; i < SHAPES_MAX; i++) {
		sqlite3_finalize(t->shapes[i].insert);
		free(t->shapes[i].columns);
		t->shapes[i] = (struct shape){0};
	}
}

void table_release(struct table *t)
{
	table_unload(t);
	row_release(&t->row);
	buf_release(&t->text);
	buf_release(&t->name);
}

const char *table_reason(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_TOOBIG:
		return "too_big";
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return "constraint";
	}
	return NULL;
}

int table_load(struct table *t)
{
	sqlite3_stmt *names;
	int rc = sqlite3_prepare_v2(
		t->db->handle, "SELECT name FROM pragma_table_xinfo(?1)", -1, &names, NULL);

	if (rc != SQLITE_OK)
		return rc;
	t->row.table_max = (size_t)sqlite3_limit(t->db->handle, SQLITE_LIMIT_COLUMN, -1);
	sqlite3_bind_text(names, 1, buf_string(&t->name), -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(names)) == SQLITE_ROW)
		row_table_has(&t->row, (const char *)sqlite3_column_text(names, 0));
	t->is_there = t->row.table_count > 0;
	sqlite3_finalize(names);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

void table_unload(struct table *t)
{
	shapes_clear(t);
	row_clear(&t->row);
}

/* The statement of a function of sql.h that is about the row at hand. */
static const char *statement(
	struct table *t, void (*make)(struct buf *, const char *, const struct row *))
{
	buf_clear(&t->text);
	make(&t->text, buf_string(&t->name), &t->row);
	return buf_string(&t->text);
}

/* Adds what the record has and the table has not, in a savepoint that is left open. */
static int columns_create(struct table *t)
{
	int rc = database_run(t->db, "SAVEPOINT ddpipe");

	if (rc == SQLITE_OK && !t->is_there)
		return database_run(t->db, statement(t, sql_create_table));
	for (size_t i = 0; rc == SQLITE_OK && i < t->row.count; i++) {
		if (!t->row.columns[i]->is_new)
			continue;
		buf_clear(&t->text);
		sql_add_column(&t->text, buf_string(&t->name), t->row.columns[i]->name);
		rc = database_run(t->db, buf_string(&t->text));
	}
	return rc;
}

static bool is_shape_of_row(const struct table *t, const struct shape *s)
{
	return s->insert && s->count == t->row.count &&
	       memcmp(s->columns, t->row.columns, t->row.count * sizeof(*t->row.columns)) == 0;
}

static int shape_make(struct table *t, struct shape *s)
{
	sqlite3_finalize(s->insert);
	free(s->columns);
	s->columns = mem_copy(t->row.columns, t->row.count * sizeof(*t->row.columns));
	s->count = t->row.count;
	s->insert = NULL;
	return sqlite3_prepare_v2(t->db->handle, statement(t, sql_insert), -1, &s->insert, NULL);
}

static int shape_find(struct table *t, struct shape **shape)
{
	for (size_t i = 0; i < SHAPES_MAX; i++) {
		*shape = &t->shapes[i];
		if (is_shape_of_row(t, *shape))
			return SQLITE_OK;
	}
	*shape = &t->shapes[t->shape_next];
	t->shape_next = (t->shape_next + 1) % SHAPES_MAX;
	return shape_make(t, *shape);
}

static int bind_text(sqlite3_stmt *insert, int at, const char *text, size_t len)
{
	return sqlite3_bind_text64(insert, at, text, len, SQLITE_STATIC, SQLITE_UTF8);
}

/* Number texts end at a byte that is no part of one, so they can be read where they stand. */
static int bind_number(const struct table *t, sqlite3_stmt *insert, int at, const struct span *v)
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
	real = t->real ? strtod(v->at, NULL) : INFINITY;
	if (isfinite(real))
		return sqlite3_bind_double(insert, at, real);
	return bind_text(insert, at, v->at, v->len);
}

static int bind_value(struct table *t, sqlite3_stmt *insert, int at, const struct span *v)
{
	switch ((enum span_type)v->type) {
	case SPAN_FALSE:
	case SPAN_TRUE:
		return sqlite3_bind_int(insert, at, v->type == SPAN_TRUE);
	case SPAN_NUMBER:
		return bind_number(t, insert, at, v);
	case SPAN_STRING:
		if (!v->escaped)
			return bind_text(insert, at, v->at, v->len);
		buf_clear(&t->text);
		text_unescape(&t->text, v);
		buf_string(&t->text);
		return sqlite3_bind_text64(
			insert, at, t->text.data, t->text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
	case SPAN_ARRAY:
	case SPAN_OBJECT:
		return bind_text(insert, at, v->at, v->len);
	case SPAN_NULL:
	case SPAN_MISSING:
		break;
	}
	return sqlite3_bind_null(insert, at);
}

static int row_insert(struct table *t)
{
	struct shape *shape;
	int rc = shape_find(t, &shape);

	for (size_t i = 0; rc == SQLITE_OK && i < t->row.count; i++)
		rc = bind_value(t, shape->insert, (int)i + 1, &t->row.columns[i]->value);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(shape->insert);
		sqlite3_reset(shape->insert);
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Puts the row in. What is wrong with the record alone becomes its reason, and in t->text more
 * about it; else the database's error is returned, and the batch is over. */
static int row_put(struct table *t, const char **reason)
{
	bool widens = t->row.new_count > 0;
	int rc = widens ? columns_create(t) : SQLITE_OK;

	if (rc == SQLITE_OK)
		rc = row_insert(t);
	/* A rule of the table (ON CONFLICT ROLLBACK) may have ended the transaction. */
	if (table_reason(rc) && database_in_transaction(t->db)) {
		*reason = table_reason(rc);
		buf_clear(&t->text);
		buf_text(&t->text, sqlite3_errmsg(t->db->handle));
		rc = widens ? database_run(t->db, "ROLLBACK TO ddpipe") : SQLITE_OK;
	}
	if (rc == SQLITE_OK && widens)
		rc = database_run(t->db, "RELEASE ddpipe");
	if (rc == SQLITE_OK && widens && !*reason) {
		t->is_there = true;
		row_keep_new(&t->row);
	}
	return rc;
}

int table_put(
	struct table *t, const char *line, size_t len, const char **reason, const char **detail)
{
	int rc = SQLITE_OK;

	*reason = row_read(&t->row, line, len);
	if (*reason) {
		*detail = buf_string(&t->row.detail);
	} else {
		rc = row_put(t, reason);
		*detail = buf_string(&t->text);
	}
	if (*reason && t->row.new_count) {
		shapes_clear(t);
		row_drop_new(&t->row);
	}
	return rc;
}
