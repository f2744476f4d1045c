/*
 * Records made into rows of CSV: RFC 4180, but for lines that end in LF. Without a list of columns
 * they are the keys of the first record, and a record with another key is no row. A string is its
 * text, null and what is missing nothing at all (the empty string is ""), a number or boolean as
 * written, an object or array its JSON text.
 */
#ifndef CSVPRINT_H
#define CSVPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "record/shape.h"

enum { CSV_COLUMNS_MAX = 1024 };

struct csv_printer {
	struct paths *scanned;     /* borrowed: what its caller scans records for */
	const struct shape *shape; /* borrowed: and with it */
	struct paths paths;        /* a column each */
	int *values;               /* which of the scanned values it is */
	bool is_open;              /* the columns are known */
	bool is_chosen;            /* by the user: other keys are left out */
	struct buf header;         /* with its newline */
	struct buf text;
	struct buf detail; /* of the reason given last */
};

/* Adds the fields of its columns to those of a scan, as soon as they are known. Borrows both. */
void csv_printer_init(struct csv_printer *p, struct paths *scanned, const struct shape *shape);
void csv_printer_release(struct csv_printer *p);

/* The columns are these fields, "a,b.c". Returns NULL or a static reason. */
const char *csv_printer_choose(struct csv_printer *p, const char *list);

/* The columns are those of a header that is there, without its newline; NULL or a static reason. */
const char *csv_printer_adopt(struct csv_printer *p, const char *header, size_t len);

/* While the columns are not known: they are the keys of this record, an object that has passed the
 * scanner. Returns NULL, or the static reason that they can't be. */
const char *csv_printer_open(struct csv_printer *p, const char *line, size_t len);

/* Whether an object that was just scanned with the shape can be a row: NULL, or the static reason
 * why it is none. */
const char *csv_printer_check(struct csv_printer *p, const char *line, size_t len);

/* Adds the row of an object that was checked, with its newline; its columns are among the values.
 */
void csv_printer_row(struct csv_printer *p, const struct span *values, struct buf *to);

#endif
