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

struct csv_printer {
	struct paths paths; /* a column each */
	struct shape shape;
	struct span *values;
	bool is_open;   /* the columns are known */
	bool is_chosen; /* by the user: other keys are left out */
	struct buf header;
	struct buf row; /* the last one made; both with their newline */
	struct buf text;
	struct buf detail; /* of the reason given last */
};

void csv_printer_init(struct csv_printer *p);
void csv_printer_release(struct csv_printer *p);

/* The columns are these fields, "a,b.c". Returns NULL or a static reason. */
const char *csv_printer_choose(struct csv_printer *p, const char *list);

/* The columns are those of a header that is there, without its newline; NULL or a static reason. */
const char *csv_printer_adopt(struct csv_printer *p, const char *header, size_t len);

/* Makes the row of a record, an object; the contract of scan for line. Returns NULL, or the static
 * reason why it is none. */
const char *csv_printer_row(struct csv_printer *p, const char *line, size_t len);

#endif
