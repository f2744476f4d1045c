/* The form in which records are delivered to a file or to stdout, --to: their own lines, or rows of
 * CSV behind one header. */
#ifndef TABULAR_H
#define TABULAR_H

#include <stdbool.h>
#include <stddef.h>

#include "io/out.h"
#include "record/csvprint.h"
#include "tool/filter.h"
#include "tool/opt.h"

struct tabular {
	struct filter *filter; /* borrowed */
	bool is_csv;
	const char *columns; /* NULL: those of the first record */
	bool has_header;     /* it stands in the file, or has been given out */
	struct csv_printer printer;
	struct opt options[3];
};

void tabular_init(struct tabular *t, struct filter *f);
void tabular_release(struct tabular *t);

/* --to and --columns; valid while t is. */
const struct opt *tabular_options(struct tabular *t);

/* After parsing. Dies with EX_USAGE. */
void tabular_check(struct tabular *t);

/* The rows go behind what an open file has in its first `bytes` bytes: where that is something, its
 * header says what the columns are. Dies with EX_CONFIG where they can't be ours. */
void tabular_continue(struct tabular *t, int fd, const char *path, uint64_t bytes);

/* Writes a record, the header before it where it is the first. NULL, or the verdict's reason, its
 * detail said to the filter. */
const char *tabular_write(struct tabular *t, const struct record *r, struct out *out);

#endif
