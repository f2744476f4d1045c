#include "record/row.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "record/text.h"

enum { FIRST_CAP = 64 };

void row_init(struct row *row)
{
	*row = (struct row){.table_max = SIZE_MAX};
	paths_init(&row->no_paths);
}

void row_release(struct row *row)
{
	row_clear(row);
	free(row->table);
	free(row->columns);
	paths_release(&row->no_paths);
	buf_release(&row->detail);
	buf_release(&row->key);
}

static void make_room(struct column ***columns, size_t count, size_t *cap)
{
	if (count < *cap)
		return;
	*cap = *cap ? 2 * *cap : FIRST_CAP;
	*columns = mem_resize(*columns, *cap * sizeof(**columns));
}

/* The place of name among the table's columns, or where it would go. */
static size_t place_of(const struct row *row, const char *name, bool *found)
{
	size_t low = 0, high = row->table_count;

	*found = false;
	while (low < high && !*found) {
		size_t middle = low + (high - low) / 2;
		/* no program here sets a locale, so only ASCII letters are folded */
		int order = strcasecmp(name, row->table[middle]->name);

		if (order == 0) {
			low = middle;
			*found = true;
		} else if (order < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return low;
}

static struct column *column_insert(struct row *row, size_t place, const char *name)
{
	struct column *c = mem_zero(1, sizeof(*c));

	make_room(&row->table, row->table_count, &row->table_cap);
	memmove(row->table + place + 1, row->table + place,
		(row->table_count - place) * sizeof(*row->table));
	row->table[place] = c;
	row->table_count++;
	c->name = mem_string(name);
	return c;
}

void row_table_has(struct row *row, const char *name)
{
	bool found;
	size_t place = place_of(row, name, &found);

	if (!found)
		column_insert(row, place, name);
}

static void refuse(struct row *row, const char *reason, const char *detail)
{
	row->reason = reason;
	buf_clear(&row->detail);
	buf_text(&row->detail, detail);
}

/* The column of a key; NULL, with the reason, if it can't have one. */
static struct column *column_of(struct row *row, const char *key)
{
	bool found;
	size_t place = place_of(row, key, &found);
	struct column *c;

	if (!found && row->table_count >= row->table_max) {
		refuse(row, "too_many_columns", "the table can't have more columns");
		return NULL;
	}
	if (!found) {
		c = column_insert(row, place, key);
		c->is_new = true;
		row->new_count++;
		return c;
	}
	c = row->table[place];
	if (strcmp(c->name, key) == 0)
		return c;
	refuse(row, "column_conflict", "");
	buf_format(&row->detail, "key '%s' and column '%s' are one name in SQL", key, c->name);
	return NULL;
}

static void member_take(void *context, const struct span *key, const struct span *value)
{
	struct row *row = context;
	struct column *c;
	const char *name;

	if (row->reason)
		return;
	buf_clear(&row->key);
	text_unescape(&row->key, key);
	name = buf_string(&row->key);
	if (strlen(name) != row->key.len) {
		refuse(row, "column_name", "a column's name can't have a NUL character");
		return;
	}
	c = column_of(row, name);
	if (!c)
		return;
	if (c->record != row->number) {
		make_room(&row->columns, row->count, &row->cap);
		row->columns[row->count++] = c;
		c->record = row->number;
	}
	c->value = *value;
}

const char *row_read(struct row *row, const char *line, size_t len)
{
	struct span root;
	size_t where;
	const char *bad = scan(&row->no_paths, line, len, &root, NULL, &where);

	row->number++;
	row->count = row->new_count = 0;
	row->reason = NULL;
	if (bad)
		refuse(row, "malformed", bad);
	else if (root.type != SPAN_OBJECT)
		refuse(row, "not_an_object", "a row is made of an object");
	else
		scan_members(line, len, member_take, row);
	if (!row->reason && row->count == 0)
		refuse(row, "no_columns", "an empty object has nothing to make a row of");
	return row->reason;
}

void row_keep_new(struct row *row)
{
	for (size_t i = 0; i < row->count; i++)
		row->columns[i]->is_new = false;
	row->new_count = 0;
}

static void remove_columns(struct row *row, bool all)
{
	size_t kept = 0;

	for (size_t i = 0; i < row->table_count; i++) {
		struct column *c = row->table[i];

		if (all || c->is_new) {
			free(c->name);
			free(c);
		} else {
			row->table[kept++] = c;
		}
	}
	row->table_count = kept;
	row->count = row->new_count = 0;
}

void row_drop_new(struct row *row)
{
	remove_columns(row, false);
}

void row_clear(struct row *row)
{
	remove_columns(row, true);
}
