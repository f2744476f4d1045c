/*
 * Keys: the values of one or several fields as bytes. Two keys are the same bytes exactly when
 * their parts have the same type and value (strings unescaped, all else as written; or, of
 * canonical keys, as record/canonical has it), and the order of the bytes is that of the parts:
 * null, false, true, numbers (as text), strings, arrays, objects. After the tuple encoding of
 * FoundationDB.
 */
#ifndef KEY_H
#define KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "record/canonical.h"
#include "record/scan.h"

enum { KEY_PARTS_MAX = 32 };

/* The fields of a key. */
struct key_fields {
	const char *names[KEY_PARTS_MAX]; /* borrows text */
	int fields[KEY_PARTS_MAX];        /* their places among the spans */
	size_t count;
	char *text;
	struct canonical *canonical; /* NULL: arrays, objects and numbers are taken as written */
};

/* Reads "a,b.c,d": names only. Returns NULL or a static reason. */
const char *key_fields_read(struct key_fields *k, const char *list);
void key_fields_release(struct key_fields *k);

/* Parts that are equal as JSON are the same from now on: 1 and 1.0, objects in any order. */
void key_fields_canonical(struct key_fields *k);

/* Writes the key of a record into *to (cleared first); a missing part is null. False if no part is
 * there at all. */
bool key_encode(struct buf *to, const struct key_fields *k, const struct span *spans);

/* Appends the JSON text of the part at *part, of a key that ends at end, and steps behind it. */
void key_part_print(struct buf *to, const char **part, const char *end);

#endif
