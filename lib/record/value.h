/*
 * A value that an expression works on: what a record holds, or what was worked out from it.
 */
#ifndef VALUE_H
#define VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/decimal.h"
#include "record/scan.h"

enum value_type {
	VALUE_MISSING,
	VALUE_NULL,
	VALUE_FALSE,
	VALUE_TRUE,
	VALUE_NUMBER,
	VALUE_STRING,
	VALUE_OTHER, /* an array, an object, or a number beyond the doubles: only its JSON is known
		      */
};

struct value {
	enum value_type type;
	struct span source; /* where it stands in a record; SPAN_MISSING: it was worked out */
	union {
		struct decimal number;
		struct {
			const char *text; /* what a string says: UTF-8, NULs possible; borrowed */
			size_t len;
		};
	};
};

/* Takes what a scan has found. A string with escapes is unescaped into *text (cleared first), which
 * *v then borrows; all else borrows the line. */
void value_from_span(struct value *v, const struct span *span, struct buf *text);

/* Appends its JSON: what stands in a record byte for byte; a missing value is null. */
void value_print(struct buf *to, const struct value *v);

/* Types, and values within the type: numbers by value, strings by their bytes, the rest as written.
 * Nothing equals a missing value. */
bool value_equal(const struct value *a, const struct value *b);

/* Below, equal to or above 0 in *order. False if the two have no order: only two numbers and two
 * strings have one. */
bool value_order(const struct value *a, const struct value *b, int *order);

/* The characters of a string, the elements of an array, the members of an object (as written: a
 * key that comes twice counts twice); -1 for all else. O(length). */
int64_t value_length(const struct value *v);

#endif
