/*
 * A record as a row of an SQL table: a top-level key is a column. The names of columns are compared
 * as SQL databases do, without regard to the case of ASCII letters; but a key belongs only to the
 * column that is written as it is.
 */
#ifndef ROW_H
#define ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "record/scan.h"

struct column {
	char *name;
	bool is_new;       /* of the present record only, not yet in the table */
	uint64_t record;   /* the last record that has it, */
	struct span value; /* and its value there; borrows the line */
};

struct row {
	struct column **table; /* the table's columns, and the new ones, sorted by name */
	size_t table_count, table_cap;
	size_t table_max; /* how many columns the table can have; the caller's to set */

	struct column **columns; /* of the record, in the order of their first appearance */
	size_t count, cap;
	size_t new_count;
	uint64_t number; /* of the record */
	const char *reason;
	struct buf detail; /* more about the reason */
	struct buf key;
	struct paths no_paths;
};

void row_init(struct row *row);
void row_release(struct row *row);

/* The table has a column of this name. */
void row_table_has(struct row *row, const char *name);

/*
 * Finds the columns of a record and their values; of equal keys the last one wins, at the place of
 * the first. The contract of scan for line. Returns NULL, or a static reason that stands against a
 * row, with the detail in row->detail; new columns are there all the same, until row_drop_new.
 * O(k log c) for k keys and c columns of the table, but O(c) for a new one.
 */
const char *row_read(struct row *row, const char *line, size_t len);

/* The new columns are the table's now; or they are not to be. */
void row_keep_new(struct row *row);
void row_drop_new(struct row *row);

/* Forgets all columns. */
void row_clear(struct row *row);

#endif
