#include "tool/tabular.h"

#include <string.h>
#include <unistd.h>

#include "base/die.h"

enum { HEADER_MAX = 64 << 10 };

void tabular_init(struct tabular *t, struct filter *f)
{
	*t = (struct tabular){.filter = f};
	csv_printer_init(&t->printer, &f->paths, &f->shape);
}

void tabular_release(struct tabular *t)
{
	csv_printer_release(&t->printer);
}

static const char *read_form(const char *text, void *to)
{
	struct tabular *t = to;

	t->is_csv = strcmp(text, "csv") == 0;
	return t->is_csv || strcmp(text, "ndjson") == 0 ? NULL : "not ndjson or csv";
}

const struct opt *tabular_options(struct tabular *t)
{
	t->options[0] = (struct opt){.name = "to",
		.arg = "ndjson|csv",
		.help = "in what form, to a file or stdout (ndjson)",
		.read = read_form,
		.to = t};
	t->options[1] = (struct opt){.name = "columns",
		.arg = "FIELD[,FIELD...]",
		.help = "of csv (the first record's keys)",
		.read = opt_text,
		.to = &t->columns};
	t->options[2] = (struct opt){.name = NULL};
	return t->options;
}

void tabular_check(struct tabular *t)
{
	const char *why;

	if (t->columns && !t->is_csv)
		die(EX_USAGE, "--columns goes with --to csv");
	t->filter->wants_object |= t->is_csv;
	if (!t->columns)
		return;
	why = csv_printer_choose(&t->printer, t->columns);
	if (why)
		die(EX_USAGE, "option '--columns' '%s': %s", t->columns, why);
}

/* The length of a header without its newline; 0: there is none. */
static size_t header_len(const char *bytes, size_t len)
{
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		quoted ^= bytes[i] == '"';
		if (bytes[i] == '\n' && !quoted)
			return i && bytes[i - 1] == '\r' ? i - 1 : i;
	}
	return 0;
}

static void take_header(struct tabular *t, const char *path, const char *header, size_t len)
{
	const char *why;

	if (!len)
		die(EX_CONFIG, "'%s' does not begin with a header of CSV", path);
	if (!t->columns) {
		why = csv_printer_adopt(&t->printer, header, len);
		if (why)
			die(EX_CONFIG, "the header of '%s': %s", path, why);
		filter_fields_added(t->filter, NULL);
	} else if (t->printer.header.len != len + 1 ||
		   memcmp(t->printer.header.data, header, len) != 0) {
		die(EX_CONFIG, "'%s' has other columns than --columns says: %.*s", path, (int)len,
			header);
	}
}

void tabular_continue(struct tabular *t, int fd, const char *path, uint64_t bytes)
{
	struct buf begun;
	ssize_t n;

	if (!t->is_csv || !bytes)
		return;
	buf_init(&begun);
	n = pread(fd, buf_reserve(&begun, HEADER_MAX), bytes < HEADER_MAX ? bytes : HEADER_MAX, 0);
	if (n < 0)
		die_errno(EX_IOERR, "cannot read '%s'", path);
	take_header(t, path, begun.data, header_len(begun.data, (size_t)n));
	buf_release(&begun);
	t->has_header = true;
}

static const char *check_row(struct tabular *t, const struct record *r)
{
	const char *why = NULL;

	if (!t->printer.is_open) {
		why = csv_printer_open(&t->printer, r->bytes, r->len);
		filter_fields_added(t->filter, r);
	}
	return why ? why : csv_printer_check(&t->printer, r->bytes, r->len);
}

static void write_row(struct tabular *t, struct buf *to)
{
	if (!t->has_header)
		buf_add(to, t->printer.header.data, t->printer.header.len);
	t->has_header = true;
	csv_printer_row(&t->printer, t->filter->fields, to);
}

const char *tabular_write(struct tabular *t, const struct record *r, struct out *out)
{
	const char *why;

	if (!t->is_csv) {
		out_add(out, r->bytes, r->len + 1);
		return NULL;
	}
	why = check_row(t, r);
	if (why)
		return filter_bad(t->filter, why, "%s", buf_string(&t->printer.detail)).reason;
	write_row(t, out_make(out));
	out_made(out);
	return NULL;
}
