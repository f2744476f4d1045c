#include "tool/feed.h"

#include <string.h>

#include "base/die.h"
#include "tool/intake.h"

void feed_init(struct feed *f, struct filter *filter, const struct feed_format *format)
{
	size_t max_bytes = (size_t)filter->max_record_bytes;

	*f = (struct feed){.filter = filter, .is_csv = format->is_csv};
	buf_init(&f->header);
	lines_init(&f->lines, max_bytes);
	if (!f->is_csv)
		return;
	csv_rows_init(&f->rows, format->delimiter, format->typed, max_bytes);
	if (format->columns)
		csv_rows_columns(&f->rows, format->columns);
	csv_rows_begin(&f->rows, format->delimiter);
}

void feed_release(struct feed *f)
{
	lines_release(&f->lines);
	buf_release(&f->header);
	if (f->is_csv)
		csv_rows_release(&f->rows);
}

void feed_begin(struct feed *f, struct input *in)
{
	lines_begin_at(&f->lines, in, f->offset, f->number);
	shape_forget_ahead(&f->filter->shape);
	f->item = FEED_NOTHING;
	f->has_line = false;
	if (f->is_csv)
		csv_rows_abandon(&f->rows);
}

void feed_forget(struct feed *f)
{
	f->item = FEED_NOTHING;
	f->has_line = false;
	if (f->is_csv)
		csv_rows_abandon(&f->rows);
	lines_begin_at(&f->lines, f->lines.in, f->offset, f->number);
	shape_forget_ahead(&f->filter->shape);
	buf_release(&f->lines.data);
	buf_release(&f->lines.kept);
}

bool feed_set_header(struct feed *f, const char *header, size_t len)
{
	enum row_state state = ROW_OPEN;
	struct buf text;
	size_t from = 0;

	if (!f->is_csv || !f->rows.wants_header)
		return false;
	buf_init(&text);
	buf_add(&text, header, len);
	buf_char(&text, '\n');
	while (state == ROW_OPEN && from < text.len) {
		const char *line = text.data + from;
		size_t line_len =
			(size_t)((const char *)memchr(line, '\n', text.len - from) - line);

		state = csv_rows_line(&f->rows, line, line_len);
		from += line_len + 1;
	}
	buf_clear(&f->header);
	buf_add(&f->header, header, len);
	buf_release(&text);
	return state == ROW_HEADER;
}

/* Rows */

static enum feed_item item_of(struct feed *f, enum row_state state)
{
	switch (state) {
	case ROW_RECORD:
		return FEED_ROW;
	case ROW_BAD:
		return FEED_BAD_ROW;
	case ROW_BLANK:
		return FEED_BLANK;
	case ROW_HEADER:
		buf_clear(&f->header);
		buf_add(&f->header, f->rows.bytes, f->rows.len);
		return FEED_HEADER;
	case ROW_OPEN:
		break;
	}
	return FEED_NOTHING;
}

static void take_csv_line(struct feed *f)
{
	bool too_long = f->line.too_long || f->line.len > f->rows.max_bytes;

	f->has_line = false;
	/* what is too long can't end a row that is open, as its end is not there */
	if (too_long && csv_rows_abandon(&f->rows)) {
		f->item = FEED_BAD_ROW;
		f->has_line = true;
		return;
	}
	if (!f->rows.is_open)
		f->row = f->line;
	if (too_long)
		f->item = FEED_LONG_LINE;
	else
		f->item = item_of(f, csv_rows_line(&f->rows, f->line.at, f->line.len));
}

static void take_line(struct feed *f)
{
	if (f->is_csv)
		take_csv_line(f);
	else
		f->item = FEED_LINE;
}

bool feed_next(struct feed *f)
{
	while (!f->item && (f->has_line || lines_next(&f->lines, &f->line)))
		take_line(f);
	return f->item != FEED_NOTHING;
}

bool feed_fill(struct feed *f)
{
	return lines_fill(&f->lines);
}

bool feed_tail(struct feed *f)
{
	if (!feed_next(f) && lines_tail(&f->lines, &f->line))
		take_line(f);
	if (!f->item && f->is_csv && csv_rows_abandon(&f->rows))
		f->item = FEED_BAD_ROW;
	return f->item != FEED_NOTHING;
}

uint64_t feed_rest(const struct feed *f)
{
	const struct lines *l = &f->lines;

	return l->offset - f->offset + l->skipped + (l->data.len - l->next);
}

bool feed_bytes(const struct feed *f, const char **at, size_t *len)
{
	if (f->item == FEED_LINE && !f->line.too_long) {
		*at = f->line.at;
		*len = f->line.len;
		return true;
	}
	if (f->item == FEED_ROW) {
		*at = f->rows.record.data;
		*len = f->rows.record.len;
		return true;
	}
	return false;
}

/* Sending */

static struct record record_at(const struct feed *f, const char *bytes, size_t len)
{
	return (struct record){
		.bytes = bytes,
		.len = len,
		.length = len,
		.source = f->filter->input.name,
		.line = f->row.number,
		.offset = f->row.offset,
	};
}

/* The bytes are no row. Without a header nothing behind it can be understood. */
static void refuse(struct feed *f, struct record *r, const char *why)
{
	if (f->rows.wants_header)
		die(EX_DATAERR,
			"%s: line %llu: the header can't be used: %s; --columns A,B,... names the "
			"columns, but a header line is data then: cut it off",
			r->source, (unsigned long long)r->line, why);
	intake_refuse(f->filter, r, filter_bad(f->filter, "malformed", "%s", why));
}

/* Of what is too long the letter has the beginning, and the hash of all. */
static void cut(struct record *r)
{
	r->too_long = true;
	if (!r->hash)
		r->hash = hash_bytes(r->bytes, r->len);
	if (r->len > LINE_KEPT_BYTES)
		r->len = LINE_KEPT_BYTES;
}

static void refuse_row(struct feed *f)
{
	struct record r = record_at(f, f->rows.bytes, f->rows.len);

	if (f->rows.too_long)
		cut(&r);
	refuse(f, &r, buf_string(&f->rows.why));
}

static void refuse_long_line(struct feed *f)
{
	struct record r = record_at(f, f->line.at, f->line.len);
	struct buf why;

	r.length = f->line.length;
	r.hash = f->line.hash;
	cut(&r);
	buf_init(&why);
	buf_format(&why, "longer than --max-record (%zu bytes)", f->rows.max_bytes);
	refuse(f, &r, buf_string(&why));
	buf_release(&why);
}

static void give_row(struct feed *f)
{
	struct record r = record_at(f, f->rows.record.data, f->rows.record.len);

	intake_record(f->filter, &r);
}

void feed_give(struct feed *f)
{
	f->filter->input.name = f->lines.in->name;
	switch (f->item) {
	case FEED_LINE:
		intake_line(f->filter, &f->lines, &f->line);
		break;
	case FEED_ROW:
		give_row(f);
		break;
	case FEED_BAD_ROW:
		refuse_row(f);
		break;
	case FEED_LONG_LINE:
		refuse_long_line(f);
		break;
	case FEED_BLANK:
		f->filter->balance.empty++;
		break;
	case FEED_HEADER:
	case FEED_NOTHING:
		break;
	}
	f->item = FEED_NOTHING;
	f->offset = f->has_line ? f->line.offset : f->lines.offset;
	f->number = f->lines.number - f->has_line;
}

void feed_drop(struct feed *f, uint64_t bytes)
{
	struct record r;

	f->row = (struct line){.number = f->number + 1, .offset = f->offset};
	f->filter->input.name = f->lines.in->name;
	r = record_at(f, "\n", 0);
	r.length = bytes;
	r.too_long = true; /* so that no hash is made of it */
	intake_refuse(f->filter, &r, dropped("unterminated"));
	warn("%s: line %llu, byte %llu: %llu bytes at the end have no newline, and nothing will "
	     "come behind them: they were not taken",
		r.source, (unsigned long long)r.line, (unsigned long long)r.offset,
		(unsigned long long)bytes);
	f->offset += bytes;
	f->number++;
}

void feed_drop_rest(struct feed *f)
{
	uint64_t rest = feed_rest(f);

	if (rest)
		feed_drop(f, rest);
	if (f->is_csv)
		csv_rows_abandon(&f->rows);
}
