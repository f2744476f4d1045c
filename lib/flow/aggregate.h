/*
 * Aggregates: what a window keeps of its records. A list of them is compiled into one layout, so
 * that the state of a key in a window is one run of bytes.
 */
#ifndef AGGREGATE_H
#define AGGREGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/decimal.h"

enum aggregate_kind { AGGREGATE_COUNT, AGGREGATE_SUM, AGGREGATE_AVG, AGGREGATE_MIN, AGGREGATE_MAX };

enum { AGGREGATES_MAX = 64 };

struct aggregate {
	enum aggregate_kind kind;
	char *name;  /* of its field in the result */
	char *field; /* what it is of; NULL for count */
	size_t at;   /* where its state begins */
};

struct aggregates {
	struct aggregate list[AGGREGATES_MAX];
	size_t count;
	size_t state_bytes; /* of a key in a window: zeros at first, aligned to 8 */
};

/* Reads "count, total=sum(amount), avg(ms)". Returns NULL, or a static reason. Release either way.
 */
const char *aggregates_read(struct aggregates *a, const char *list);
void aggregates_release(struct aggregates *a);

/*
 * Takes one record into a state: values[i] is what the i-th aggregate's field holds, NULL where it
 * is null or missing (and for count).
 */
void aggregates_add(const struct aggregates *a, void *state, const struct decimal *const *values);

/* Appends the JSON of the i-th aggregate's result: null where no value came. A static reason if it
 * is beyond all numbers. */
const char *aggregate_print(
	const struct aggregates *a, size_t i, const void *state, struct buf *to);

#endif
