/*
 * Rows of CSV or TSV (RFC 4180, read strictly through libcsv), made into JSON objects: the columns
 * are the keys, in their order. It is fed line by line, as a row may go over several of them. A
 * carriage return before the newline that ends a row is no part of it; all other blanks are.
 */
#ifndef CSV_ROWS_H
#define CSV_ROWS_H

#include <csv.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* What a line brought about. */
enum row_state {
	ROW_OPEN,   /* a quote is open: the row goes on in the next line */
	ROW_BLANK,  /* nothing but the end of a line */
	ROW_HEADER, /* the columns are known now */
	ROW_RECORD, /* `record` is the row as JSON */
	ROW_BAD,    /* `why` says why it is no row; a header, if wants_header */
};

struct csv_rows {
	struct csv_parser parser;
	size_t max_bytes; /* of a row, and of its record */
	bool typed;       /* numbers, booleans and null are told from strings */
	bool columns_given;
	bool wants_header;
	struct buf keys;      /* {"a": ,"b": … */
	struct buf key_ends;  /* of size_t */
	size_t columns;       /* how many */
	struct buf cells;     /* the fields of the row in hand, one behind the other */
	struct buf cell_ends; /* of size_t */
	size_t cell_count;    /* also of those beyond the columns, which are not kept */
	struct buf lines;     /* the lines of a row that has more than one */
	bool is_open;
	bool is_done; /* the parser has seen the row's end */

	/* of the row that has ended; valid until the next call, or while its line is */
	const char *bytes; /* its lines, with the newlines between them */
	size_t len;
	bool too_long;     /* more than max_bytes */
	struct buf record; /* record.data[record.len] is '\n', with SCAN_PAD bytes behind it */
	struct buf why;
};

void csv_rows_init(struct csv_rows *c, char delimiter, bool typed, size_t max_bytes);
void csv_rows_release(struct csv_rows *c);

/*
 * Names the columns, so that no input has a header; list is a row of CSV itself, with commas.
 * Returns NULL, or a reason that is valid until the next call.
 */
const char *csv_rows_columns(struct csv_rows *c, const char *list);

/* An input begins, with another delimiter perhaps. */
void csv_rows_begin(struct csv_rows *c, char delimiter);

/* Takes the next line; line[len] must be '\n'. O(len), and O(row) where a row ends. */
enum row_state csv_rows_line(struct csv_rows *c, const char *line, size_t len);

/* The next line can't be had: true if a row was open. It is bad then. */
bool csv_rows_abandon(struct csv_rows *c);

#endif
