/*
 * An input's lines, made into what is sent: NDJSON lines are records as they are, CSV rows are made
 * into objects. One item at a time is in hand, so that several inputs can be put in order; the
 * place in the input is always behind what was given, at the border of a record.
 */
#ifndef FEED_H
#define FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/input.h"
#include "io/line.h"
#include "record/csv.h"
#include "tool/filter.h"

struct feed_format {
	bool is_csv;
	char delimiter;
	bool typed;
	const char *columns; /* NULL: the first row names them */
};

enum feed_item {
	FEED_NOTHING,
	FEED_LINE,
	FEED_ROW,
	FEED_BAD_ROW,
	FEED_LONG_LINE, /* of CSV */
	FEED_BLANK,     /* of CSV: an empty line, or a header, which is no record */
	FEED_HEADER,
};

struct feed {
	struct filter *filter;
	bool is_csv;
	struct csv_rows rows;
	struct buf header; /* the header's own bytes */
	struct lines lines;
	enum feed_item item; /* in hand */
	struct line line;    /* of it */
	bool has_line;       /* the line is to be looked at again, behind a row that it broke off */
	struct line row;     /* where the row in hand begins */
	uint64_t offset;     /* behind what was given */
	uint64_t number;     /* of lines */
};

void feed_init(struct feed *f, struct filter *filter, const struct feed_format *format);
void feed_release(struct feed *f);

/* The input stands at the feed's offset. Borrows it. */
void feed_begin(struct feed *f, struct input *in);

/* Frees what was read and not given; feed_begin goes on from the same place. */
void feed_forget(struct feed *f);

/* A header that was read before; for a feed that begins behind it. False if it is none. */
bool feed_set_header(struct feed *f, const char *header, size_t len);

/* Sees that an item is in hand; false if feed_fill is wanted. */
bool feed_next(struct feed *f);

/* Reads once more, as lines_fill. What was passed in place must have been flushed. */
bool feed_fill(struct feed *f);

/* The same as feed_next at the end of the input, where a last line needs no newline. */
bool feed_tail(struct feed *f);

/* How many bytes there are behind the last whole record that was read. */
uint64_t feed_rest(const struct feed *f);

/* Counts what is behind the last record as taken out, `unterminated`: it will never be whole. With
 * feed_drop it is bytes that were not even read. */
void feed_drop_rest(struct feed *f);
void feed_drop(struct feed *f, uint64_t bytes);

/* The item in hand if it may be a record: its bytes, fit for a scan. */
bool feed_bytes(const struct feed *f, const char **at, size_t *len);

/* Sends the item in hand and forgets it. */
void feed_give(struct feed *f);

#endif
