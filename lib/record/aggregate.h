/*
 * Aggregates: what a window keeps of its records. A list of them is compiled into one layout, so
 * that the state of a key in a window is one run of bytes (and what that points to). Arguments are
 * expressions; null and missing values are left out, as in SQL.
 */
#ifndef AGGREGATE_H
#define AGGREGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/decimal.h"
#include "flow/distinct.h"
#include "flow/quantile.h"
#include "record/expr.h"

enum aggregate_kind {
	AGGREGATE_COUNT,
	AGGREGATE_SUM,
	AGGREGATE_AVG,
	AGGREGATE_STDDEV,
	AGGREGATE_MIN,
	AGGREGATE_MAX, /* up to here they are numbers; those below point to what they keep */
	AGGREGATE_ARGMIN,
	AGGREGATE_ARGMAX,
	AGGREGATE_FIRST,
	AGGREGATE_LAST,
	AGGREGATE_COLLECT,
	AGGREGATE_TOP,
	AGGREGATE_DISTINCT,
	AGGREGATE_QUANTILE,
	AGGREGATE_MERGE,
};

enum { AGGREGATES_MAX = 64, AGGREGATE_COLLECT_DEFAULT = 1000 };

/* What a record gives to an aggregate. */
struct aggregate_input {
	bool is_there;
	struct decimal number;
	struct buf text;          /* JSON, for those that keep values */
	struct distinct distinct; /* for merge: one of the two */
	struct quantile quantile;
};

struct aggregate {
	enum aggregate_kind kind;
	char *name;         /* of its field in the result */
	char *argument;     /* the text of value, for messages */
	struct expr *value; /* NULL: none, for count */
	int number_at;      /* of a value that is a field: its place among the spans; else -1 */
	struct expr *other; /* of argmin and argmax: what is given; NULL: the whole record */
	bool is_list;       /* first and last with a number */
	uint32_t limit;     /* of lists and top */
	bool has_at;
	struct decimal at;            /* quantile and merge: from 0 to 1 */
	size_t offset;                /* where its state begins */
	bool is_told;                 /* that it is_inexact */
	bool is_inexact;              /* a sum has left the exact numbers */
	bool has_heap;                /* its states point to something, */
	size_t heap_bytes;            /* and to so much, all together */
	struct aggregate_input input; /* of the record in hand */
};

struct aggregates {
	struct aggregate list[AGGREGATES_MAX];
	size_t count;
	size_t state_bytes; /* of a key in a window: zeros at first, aligned to 8 */
	size_t range_offset;
	bool has_range;  /* the first and last event time are kept */
	bool is_lenient; /* strings that are numbers are taken as such */
	bool gives_sketches;
	bool has_heap;     /* one of them has */
	size_t heap_bytes; /* that all states point to */
	bool has_inexact;  /* one of them is, and was not told yet */
	uint64_t sequence; /* of records applied */
};

/*
 * Reads "count, total=sum(amount), errors=count(status >= 500)" and adds the paths it needs.
 * Returns NULL, or a static reason with *column, from 1. Release either way.
 */
const char *aggregates_compile(
	struct aggregates *a, const char *list, struct paths *paths, size_t *column);
void aggregates_release(struct aggregates *a);

/* From now on the states keep the range of event times as well. Before any state. */
void aggregates_keep_range(struct aggregates *a);

/*
 * Reads what a record gives to each: for aggregates_apply. Returns NULL, or the reason the record
 * is malformed for ("not_a_number", "not_a_sketch"), with *which the aggregate.
 */
const char *aggregates_read(struct aggregates *a, const struct span *values, const char *record,
	size_t len, size_t *which);

/* Takes what was read into a state. */
void aggregates_apply(struct aggregates *a, void *state, int64_t time_ns);

/* The next aggregate of which a sum has left 128 bits, once each; NULL if there is none. */
const char *aggregates_inexact(struct aggregates *a);

/* Adds all of from, which stays as it is. */
void aggregates_merge(struct aggregates *a, void *into, const void *from);

/* Lets go of what a state points to; it is zeros then. */
void aggregates_clear(struct aggregates *a, void *state);

/*
 * Appends a state for the disk: a count and a sum take 4 to 12 bytes, a range 12. What is unpacked
 * into a state that is zeros, by a list that reads the same, goes on as what was packed would, but
 * for a->sequence, which the caller keeps. False for damage, and the state stays zeros: nothing out
 * of bounds is looked at, and no more allocated than len allows for, but for 128 KiB at most.
 */
void aggregates_pack(const struct aggregates *a, const void *state, struct buf *to);
bool aggregates_unpack(struct aggregates *a, void *state, const char *bytes, size_t len);

/* Appends the JSON of the i-th result: null where no value came. A static reason if it is beyond
 * all numbers. */
const char *aggregates_print(
	const struct aggregates *a, size_t i, const void *state, struct buf *to);

/* False while there is none. */
bool aggregates_range(
	const struct aggregates *a, const void *state, int64_t *first_ns, int64_t *last_ns);

#endif
