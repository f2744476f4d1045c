/*
 * dd-source: reads files and begins a stream
 *
 * The inputs follow one another; each is NDJSON, passed byte for byte, or CSV, each row made into
 * an object. The stream is supervised where a program reads it: it says that it begins and that it
 * is complete, and an end that was not said is a crash. Memory is bounded by --max-record.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "record/csv.h"
#include "tool/filter.h"
#include "tool/intake.h"
#include "tool/opt.h"

enum format {
	FORMAT_BY_NAME, /* by the ending of the input's name */
	FORMAT_NDJSON,
	FORMAT_CSV,
	FORMAT_TSV,
};

static struct {
	enum format format;
	const char *columns;
	bool typed;
	bool plain;
} conf;

static const char *read_format(const char *text, void *to)
{
	static const char *const names[] = {
		[FORMAT_NDJSON] = "ndjson", [FORMAT_CSV] = "csv", [FORMAT_TSV] = "tsv"};

	for (enum format f = FORMAT_NDJSON; f <= FORMAT_TSV; f++) {
		if (strcmp(text, names[f]) == 0) {
			*(enum format *)to = f;
			return NULL;
		}
	}
	return "not one of ndjson, csv, tsv";
}

static const struct opt options[] = {
	{.name = "format",
		.arg = "F",
		.help = "ndjson, csv or tsv (default: by the input's name)",
		.read = read_format,
		.to = &conf.format},
	{.name = "columns",
		.arg = "A,B,...",
		.help = "names of CSV columns; there is no header line",
		.read = opt_text,
		.to = &conf.columns},
	{.name = "typed", .help = "CSV: numbers, true, false and null (empty)", .to = &conf.typed},
	{.name = "plain", .help = "records only, no control lines", .to = &conf.plain},
	{.name = NULL},
};

struct source {
	struct filter filter;
	struct csv_rows rows;
	uint64_t line; /* where the row in hand begins */
	uint64_t offset;
	char **inputs;
	int input_count;
};

/* Formats */

/* The length of name without an ending; the whole length if it does not have it. */
static size_t without(const char *name, size_t len, const char *ending)
{
	size_t ending_len = strlen(ending);

	if (len > ending_len && memcmp(name + len - ending_len, ending, ending_len) == 0)
		return len - ending_len;
	return len;
}

static enum format format_of(const char *name)
{
	size_t len = strlen(name);

	if (conf.format != FORMAT_BY_NAME)
		return conf.format;
	len = without(name, without(name, len, ".gz"), ".zst");
	if (without(name, len, ".csv") < len)
		return FORMAT_CSV;
	return without(name, len, ".tsv") < len ? FORMAT_TSV : FORMAT_NDJSON;
}

/* Rows */

static struct record row_of(const struct source *s, const char *bytes, size_t len)
{
	return (struct record){
		.bytes = bytes,
		.len = len,
		.length = len,
		.source = s->filter.input.name,
		.line = s->line,
		.offset = s->offset,
	};
}

/* The bytes are no row. Without a header nothing behind it can be understood. */
static void refuse(struct source *s, struct record *r, const char *why)
{
	if (s->rows.wants_header)
		die(EX_DATAERR,
			"%s: line %llu: the header can't be used: %s; --columns A,B,... names the "
			"columns, but a header line is data then: cut it off",
			r->source, (unsigned long long)r->line, why);
	intake_refuse(&s->filter, r, filter_bad(&s->filter, "malformed", "%s", why));
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

static void refuse_row(struct source *s)
{
	struct record r = row_of(s, s->rows.bytes, s->rows.len);

	if (s->rows.too_long)
		cut(&r);
	refuse(s, &r, buf_string(&s->rows.why));
}

static void refuse_long_line(struct source *s, const struct line *l)
{
	struct record r = row_of(s, l->at, l->len);
	struct buf why;

	r.length = l->length;
	r.hash = l->hash;
	cut(&r);
	buf_init(&why);
	buf_format(&why, "longer than --max-record (%zu bytes)", s->rows.max_bytes);
	refuse(s, &r, buf_string(&why));
	buf_release(&why);
}

static void take_row(struct source *s)
{
	struct record r = row_of(s, s->rows.record.data, s->rows.record.len);

	intake_record(&s->filter, &r);
}

/* Handlers */

static void source_csv_line(void *state, const struct line *l)
{
	struct source *s = state;
	bool too_long = l->too_long || l->len > s->rows.max_bytes;
	enum row_state row;

	/* what is too long can't end a row that is open, as its end is not there */
	if (too_long && csv_rows_abandon(&s->rows))
		refuse_row(s);
	if (!s->rows.is_open) {
		s->line = l->number;
		s->offset = l->offset;
	}
	if (too_long) {
		refuse_long_line(s, l);
		return;
	}
	row = csv_rows_line(&s->rows, l->at, l->len);
	if (row == ROW_RECORD)
		take_row(s);
	else if (row == ROW_BAD)
		refuse_row(s);
	else if (row == ROW_BLANK)
		s->filter.balance.empty++;
}

static void source_input_end(void *state)
{
	struct source *s = state;

	if (csv_rows_abandon(&s->rows))
		refuse_row(s);
}

/* A typing error in the third name must not be found when two inputs have been sent. */
static void source_begin(void *state)
{
	struct source *s = state;
	bool has_stdin = false;
	struct stat st;

	for (int i = 0; i < s->input_count; i++) {
		const char *name = s->inputs[i];

		if (strcmp(name, "-") == 0) {
			if (has_stdin)
				die(EX_USAGE,
					"'-' is given twice: the standard input can be read once");
			has_stdin = true;
			continue;
		}
		if (access(name, R_OK) != 0 || stat(name, &st) != 0)
			die_errno(EX_IOERR, "cannot open '%s'", name);
		if (S_ISDIR(st.st_mode))
			die(EX_IOERR, "'%s' is a directory", name);
	}
}

static void source_input_begin(void *state, const char *name);

/* NDJSON lines are the filter's own; CSV lines are handled here. */
static const struct handlers ndjson = {
	.begin = source_begin,
	.input_begin = source_input_begin,
	.input_end = source_input_end,
};
static const struct handlers csv = {
	.begin = source_begin,
	.input_begin = source_input_begin,
	.input_end = source_input_end,
	.line = source_csv_line,
};

static void source_input_begin(void *state, const char *name)
{
	struct source *s = state;
	enum format format = format_of(name);

	s->filter.handlers = format == FORMAT_NDJSON ? &ndjson : &csv;
	csv_rows_begin(&s->rows, format == FORMAT_TSV ? '\t' : ',');
}

static void take_columns(struct source *s)
{
	const char *why = csv_rows_columns(&s->rows, conf.columns);

	if (why)
		die(EX_USAGE, "option '--columns' '%s': %s", conf.columns, why);
}

int main(int argc, char **argv)
{
	struct source s = {.inputs = argv};
	struct opt_command command = {
		.purpose = "reads files and begins a stream",
		.operands = "[INPUT]...",
		.own = options,
	};
	int status;

	filter_init(&s.filter, FILTER_SOURCE, "source", &ndjson, &s);
	command.common = filter_options(&s.filter);
	s.input_count = opt_parse(&command, argc, argv);
	s.filter.plain = conf.plain;
	csv_rows_init(&s.rows, ',', conf.typed, (size_t)s.filter.max_record_bytes);
	if (conf.columns)
		take_columns(&s);
	status = filter_run(&s.filter, argv, s.input_count);
	csv_rows_release(&s.rows);
	filter_release(&s.filter);
	return status;
}
