/*
 * The table of an SQLite file that records become rows of. Columns carry no type, so that SQLite
 * changes no value. What the table has is read again for each batch, so that others may change it
 * in between.
 */
#ifndef SQLITE_TABLE_H
#define SQLITE_TABLE_H

#include "record/row.h"
#include "sinks/sqlite-database.h"

enum { SHAPES_MAX = 64 };

/* The keys of a record in the order of their first appearance, and the statement for such records.
 */
struct shape {
	struct column **columns;
	size_t count;
	sqlite3_stmt *insert;
};

struct table {
	struct database *db; /* borrowed */
	struct buf name;
	bool real; /* numbers other than 64-bit integers become REAL, not TEXT */
	bool is_there;
	struct shape shapes[SHAPES_MAX];
	size_t shape_next; /* the one to give up next */
	struct row row;    /* the record at hand, and the columns of the table */
	struct buf text;   /* an unescaped string, a statement */
};

/* name and real are the caller's to set. */
void table_init(struct table *t, struct database *db);
void table_release(struct table *t);

/* Reads what columns there are, and forgets them. Both, as put, within a transaction; they return a
 * result code of SQLite. */
int table_load(struct table *t);
void table_unload(struct table *t);

/*
 * Puts a record in. What is wrong with it alone becomes *reason, with the detail, which is valid
 * until the next one; then the table is as before. After a code that is not SQLITE_OK the caller
 * undoes more than this record.
 */
int table_put(
	struct table *t, const char *line, size_t len, const char **reason, const char **detail);

/* A name for what is wrong with the data, not with the database; NULL if it is not that. */
const char *table_reason(int rc);

#endif
