/* The SQL statements that put a row into a table; each is appended to a buffer. */
#ifndef SQL_H
#define SQL_H

#include "base/buf.h"
#include "record/row.h"

/* The table with the columns of the row, which carry no type. */
void sql_create_table(struct buf *to, const char *table, const struct row *row);

void sql_add_column(struct buf *to, const char *table, const char *column);

/* With a placeholder `?` for each column of the row. */
void sql_insert(struct buf *to, const char *table, const struct row *row);

#endif
