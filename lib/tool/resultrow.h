/*
 * The row of a result: its key, its bounds, its aggregates. What stands between their values is the
 * same in most rows that come one behind the other, and is put together once.
 */
#ifndef RESULTROW_H
#define RESULTROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "record/aggregate.h"
#include "record/key.h"

struct zone;

/* What bounds a result: a window, or the first and last event time of its records. */
struct result_bounds {
	bool is_window;
	bool is_there; /* a range may be unknown: then it is left out */
	int64_t from_ns;
	int64_t to_ns;
};

/* A result of a key. */
struct result {
	struct result_bounds bounds;
	const char *key; /* as key_encode wrote it; borrowed */
	size_t key_len;
	const void *state; /* of the aggregates; borrowed */
};

/* What stands between two values. Behind it as many bytes can be read as are copied at once. */
struct resultpiece {
	const char *text;
	size_t len;
};

struct resultrow {
	const struct key_fields *key;
	const struct aggregates *aggregates; /* at least one */
	struct zone *zone;                   /* that bounds are written in; NULL: UTC */
	struct buf names;                    /* the text of all pieces */
	struct resultpiece pieces[KEY_PARTS_MAX + AGGREGATES_MAX]; /* before key and aggregates */
	struct buf between; /* bounds and the first aggregate's piece; empty: not known yet */
	struct result_bounds bounds; /* of the row before */
	size_t room;                 /* for all of a row that is as most are */
};

void resultrow_init(struct resultrow *r);
void resultrow_release(struct resultrow *r);

/* Before the first row, when key and aggregates are known. */
void resultrow_prepare(struct resultrow *r);

/* Appends the row with a comma in place of its closing brace. Dies with EX_DATAERR where an
 * aggregate has no value that could be written. */
void resultrow_put(struct resultrow *r, struct buf *to, const struct result *what);

#endif
