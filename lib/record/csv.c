#include "record/csv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/die.h"
#include "base/mem.h"
#include "record/scan.h"
#include "record/text.h"

enum { PARSER_BLOCK_BYTES = 64 << 10 };

static int is_newline(unsigned char c)
{
	return c == '\n';
}

static int is_nothing(unsigned char c)
{
	(void)c;
	return 0;
}

static int is_carriage_return(unsigned char c)
{
	return c == '\r';
}

void csv_rows_init(struct csv_rows *c, char delimiter, bool typed, size_t max_bytes)
{
	*c = (struct csv_rows){.typed = typed, .max_bytes = max_bytes};
	if (csv_init(&c->parser, CSV_STRICT) != 0)
		die(EX_SOFTWARE, "cannot set up libcsv");
	csv_set_term_func(&c->parser, is_newline);
	csv_set_blk_size(&c->parser, PARSER_BLOCK_BYTES);
	buf_init(&c->keys);
	buf_init(&c->key_ends);
	buf_init(&c->cells);
	buf_init(&c->cell_ends);
	buf_init(&c->lines);
	buf_init(&c->record);
	buf_init(&c->why);
	csv_rows_begin(c, delimiter);
}

void csv_rows_release(struct csv_rows *c)
{
	csv_free(&c->parser);
	buf_release(&c->keys);
	buf_release(&c->key_ends);
	buf_release(&c->cells);
	buf_release(&c->cell_ends);
	buf_release(&c->lines);
	buf_release(&c->record);
	buf_release(&c->why);
}

static void row_begin(struct csv_rows *c)
{
	buf_clear(&c->cells);
	buf_clear(&c->cell_ends);
	buf_clear(&c->lines);
	buf_clear(&c->why);
	c->cell_count = 0;
	c->is_open = c->is_done = c->too_long = false;
}

static enum row_state row_bad(struct csv_rows *c)
{
	csv_fini(&c->parser, NULL, NULL, NULL); /* the only way to set it back */
	c->is_open = false;
	return ROW_BAD;
}

void csv_rows_begin(struct csv_rows *c, char delimiter)
{
	row_bad(c);
	row_begin(c);
	csv_set_delim(&c->parser, (unsigned char)delimiter);
	c->wants_header = !c->columns_given;
}

/* The parser's callbacks */

static void add_end(struct buf *ends, size_t end)
{
	buf_add(ends, &end, sizeof(end));
}

static size_t end_of(const struct buf *ends, size_t i)
{
	size_t end;

	memcpy(&end, ends->data + i * sizeof(end), sizeof(end));
	return end;
}

static void on_cell(void *text, size_t len, void *rows)
{
	struct csv_rows *c = rows;

	if (c->wants_header || c->cell_count < c->columns) {
		buf_add(&c->cells, text, len);
		add_end(&c->cell_ends, c->cells.len);
	}
	c->cell_count++;
}

static void on_row(int terminator, void *rows)
{
	struct csv_rows *c = rows;

	(void)terminator;
	c->is_done = true;
}

/* Returns how many bytes were fine. */
static size_t parse(struct csv_rows *c, const char *bytes, size_t len)
{
	size_t done = csv_parse(&c->parser, bytes, len, on_cell, on_row, c);

	if (done < len && csv_error(&c->parser) != CSV_EPARSE)
		die(EX_TEMPFAIL, "out of memory for a row of %zu bytes", len);
	return done;
}

/*
 * A line with its newline. Only the carriage return at its end may be taken for a blank, and only
 * by the parser, who knows whether it stands inside of quotes.
 */
static size_t parse_line(struct csv_rows *c, const char *line, size_t len)
{
	size_t text_len = len && line[len - 1] == '\r' ? len - 1 : len, done;

	csv_set_space_func(&c->parser, is_nothing);
	done = parse(c, line, text_len);
	if (done < text_len)
		return done;
	csv_set_space_func(&c->parser, is_carriage_return);
	return text_len + parse(c, line + text_len, len + 1 - text_len);
}

/* The columns */

struct column {
	const char *name;
	size_t len;
	size_t place; /* from 1 */
};

static int column_order(const void *a, const void *b)
{
	const struct column *x = a, *y = b;
	int order = memcmp(x->name, y->name, x->len < y->len ? x->len : y->len);

	if (order)
		return order;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return x->place < y->place ? -1 : 1;
}

static struct column cell(const struct csv_rows *c, size_t i)
{
	size_t from = i ? end_of(&c->cell_ends, i - 1) : 0;

	/* where all cells are empty there are no bytes to point to */
	return (struct column){
		.name = c->cells.data ? c->cells.data + from : "",
		.len = end_of(&c->cell_ends, i) - from,
		.place = i + 1,
	};
}

/* Says in why what stands against the names, which are in order. */
static bool names_are_fit(struct csv_rows *c, const struct column *sorted)
{
	for (size_t i = 0; i < c->cell_count && !c->why.len; i++) {
		const struct column *one = &sorted[i], *next = one + 1;

		if (!one->len)
			buf_format(&c->why, "column %zu has no name", one->place);
		else if (one->len == 3 && memcmp(one->name, "$dd", 3) == 0)
			buf_format(
				&c->why, "column %zu is named $dd, which is reserved", one->place);
		else if (i + 1 < c->cell_count && one->len == next->len &&
			 memcmp(one->name, next->name, one->len) == 0)
			buf_format(&c->why, "columns %zu and %zu are both named '%.*s'", one->place,
				next->place, (int)(one->len < 80 ? one->len : 80), one->name);
	}
	return !c->why.len;
}

/* The row in hand becomes the columns. */
static bool take_header(struct csv_rows *c)
{
	struct column *sorted = mem_zero(c->cell_count, sizeof(*sorted));
	bool fit;

	for (size_t i = 0; i < c->cell_count; i++)
		sorted[i] = cell(c, i);
	qsort(sorted, c->cell_count, sizeof(*sorted), column_order);
	fit = names_are_fit(c, sorted);
	free(sorted);
	if (!fit)
		return false;
	buf_clear(&c->keys);
	buf_clear(&c->key_ends);
	for (size_t i = 0; i < c->cell_count; i++) {
		struct column name = cell(c, i);

		buf_char(&c->keys, i ? ',' : '{');
		text_quote(&c->keys, name.name, name.len);
		buf_char(&c->keys, ':');
		add_end(&c->key_ends, c->keys.len);
	}
	c->columns = c->cell_count;
	c->wants_header = false;
	return true;
}

const char *csv_rows_columns(struct csv_rows *c, const char *list)
{
	size_t len = strlen(list);
	unsigned char delimiter = csv_get_delim(&c->parser);
	bool fine;

	row_begin(c);
	c->wants_header = true;
	csv_set_delim(&c->parser, ',');
	csv_set_space_func(&c->parser, is_nothing);
	fine = parse(c, list, len) == len && parse(c, "\n", 1) == 1 && c->is_done;
	row_bad(c);
	csv_set_delim(&c->parser, delimiter);
	c->columns_given = true;
	if (!fine)
		return "not a row of names with commas between them";
	if (!text_is_utf8(list, len))
		return "not UTF-8";
	return take_header(c) ? NULL : buf_string(&c->why);
}

/* Values */

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static bool is_word(const char *at, const char *end, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(end - at) == len && memcmp(at, word, len) == 0;
}

static void add_typed(struct buf *to, const char *text, size_t len)
{
	const char *at = text, *end = text + len;

	while (at < end && is_blank(*at))
		at++;
	while (end > at && is_blank(end[-1]))
		end--;
	if (!len)
		buf_text(to, "null");
	else if (decimal_is_number(at, (size_t)(end - at)) || is_word(at, end, "true") ||
		 is_word(at, end, "false"))
		buf_add(to, at, (size_t)(end - at));
	else
		text_quote(to, text, len);
}

static void make_record(struct csv_rows *c)
{
	size_t key = 0, from = 0;

	buf_clear(&c->record);
	for (size_t i = 0; i < c->columns; i++) {
		size_t key_end = end_of(&c->key_ends, i), end = end_of(&c->cell_ends, i);
		const char *text = c->cells.data ? c->cells.data + from : "";

		buf_add(&c->record, c->keys.data + key, key_end - key);
		if (c->typed)
			add_typed(&c->record, text, end - from);
		else
			text_quote(&c->record, text, end - from);
		key = key_end;
		from = end;
	}
	buf_char(&c->record, '}');
	memset(buf_reserve(&c->record, 1 + SCAN_PAD), 0, 1 + SCAN_PAD);
	c->record.data[c->record.len] = '\n';
}

/* Rows */

/* What stands against a row whose lines are complete, in why. */
static bool row_is_fit(struct csv_rows *c)
{
	if (c->len > c->max_bytes) {
		c->too_long = true;
		buf_format(&c->why, "longer than --max-record (%zu bytes)", c->max_bytes);
	} else if (!text_is_utf8(c->bytes, c->len)) {
		buf_text(&c->why, "not UTF-8");
	} else if (!c->wants_header && c->cell_count != c->columns) {
		buf_format(&c->why, "fields in the row: %zu, in %s: %zu", c->cell_count,
			c->columns_given ? "--columns" : "the header", c->columns);
	}
	return !c->why.len;
}

static enum row_state row_complete(struct csv_rows *c)
{
	if (!row_is_fit(c))
		return row_bad(c);
	if (c->wants_header)
		return take_header(c) ? ROW_HEADER : ROW_BAD;
	make_record(c);
	if (c->record.len <= c->max_bytes)
		return ROW_RECORD;
	buf_format(&c->why, "as a record longer than --max-record (%zu bytes)", c->max_bytes);
	return ROW_BAD;
}

static enum row_state row_goes_on(struct csv_rows *c, const char *line, size_t len)
{
	if (!c->is_open)
		buf_add(&c->lines, line, len);
	c->is_open = true;
	return c->lines.len > c->max_bytes ? row_complete(c) : ROW_OPEN;
}

enum row_state csv_rows_line(struct csv_rows *c, const char *line, size_t len)
{
	size_t done;

	if (!c->is_open) {
		row_begin(c);
		c->bytes = line;
		c->len = len;
		if (len == 0 || (len == 1 && *line == '\r'))
			return ROW_BLANK;
	} else {
		buf_char(&c->lines, '\n');
		buf_add(&c->lines, line, len);
		c->bytes = c->lines.data;
		c->len = c->lines.len;
	}
	done = parse_line(c, line, len);
	if (done < len) {
		buf_format(&c->why,
			line[done] == '"' ? "a quote inside of a field without quotes at column %zu"
					  : "text behind a closing quote at column %zu",
			done + 1);
		return row_bad(c);
	}
	if (!c->is_done)
		return row_goes_on(c, line, len);
	c->is_open = false;
	return row_complete(c);
}

bool csv_rows_abandon(struct csv_rows *c)
{
	if (!c->is_open)
		return false;
	c->bytes = c->lines.data;
	c->len = c->lines.len;
	buf_text(&c->why, "a quote that is never closed");
	row_bad(c);
	return true;
}
