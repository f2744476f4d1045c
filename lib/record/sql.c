#include "record/sql.h"

/* As an identifier, quoted. */
static void add_name(struct buf *to, const char *name)
{
	buf_char(to, '"');
	for (; *name; name++) {
		if (*name == '"')
			buf_char(to, '"');
		buf_char(to, *name);
	}
	buf_char(to, '"');
}

static void table_and_columns(struct buf *to, const char *table, const struct row *row)
{
	add_name(to, table);
	for (size_t i = 0; i < row->count; i++) {
		buf_text(to, i ? ", " : " (");
		add_name(to, row->columns[i]->name);
	}
	buf_char(to, ')');
}

void sql_create_table(struct buf *to, const char *table, const struct row *row)
{
	buf_text(to, "CREATE TABLE ");
	table_and_columns(to, table, row);
}

void sql_add_column(struct buf *to, const char *table, const char *column)
{
	buf_text(to, "ALTER TABLE ");
	add_name(to, table);
	buf_text(to, " ADD COLUMN ");
	add_name(to, column);
}

void sql_insert(struct buf *to, const char *table, const struct row *row)
{
	buf_text(to, "INSERT INTO ");
	table_and_columns(to, table, row);
	for (size_t i = 0; i < row->count; i++)
		buf_text(to, i ? ", ?" : " VALUES (?");
	buf_char(to, ')');
}
