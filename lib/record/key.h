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
#include "record/text.h"
#include "record/vector.h"

enum { KEY_PARTS_MAX = 32 };

/* A part is its tag, its bytes and a NUL; a NUL in a string is followed by what no tag is. */
enum key_tag {
	KEY_NULL = 1,
	KEY_FALSE,
	KEY_TRUE,
	KEY_NUMBER,
	KEY_STRING,
	KEY_ARRAY,
	KEY_OBJECT,
};

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

bool key_encode_any(struct buf *to, const struct key_fields *k, const struct span *spans);

/*
 * Writes the key of a record into *to (cleared first); a missing part is null. False if no part is
 * there at all. What the spans borrow is as for scan: SCAN_PAD bytes can be read behind it.
 *
 * The usual key is mostly hashed at once: what is read then is in one store, as what is in two
 * can't be read before both are in the cache, and that takes as long as the hash. Of up to sixteen
 * bytes hashes read the first word and the last, which may have bytes in common.
 */
static inline bool key_encode(struct buf *to, const struct key_fields *k, const struct span *spans)
{
	const struct span *s = &spans[k->fields[0]];

	if (k->count != 1 || s->type != SPAN_STRING || s->escaped || s->len > VECTOR_BYTES - 2 ||
		to->cap < VECTOR_BYTES)
		return key_encode_any(to, k, spans);
	vector_put_behind(to->data, KEY_STRING, s->at, s->len);
	to->len = s->len + 2;
	return true;
}

/* Appends the JSON text of the part at *part, of a key that ends at end, and steps behind it. */
void key_part_print(struct buf *to, const char **part, const char *end);

enum { KEY_FEW_TEXT = 2 * sizeof(uint64_t) + 2 };

/* The same of most: a string of eight to sixteen bytes that is the last part, written to where so
 * many bytes are. Returns what is behind it; NULL: it is another. */
static inline char *key_part_print_few(char to[KEY_FEW_TEXT], const char *part, const char *end)
{
	size_t len = (size_t)(end - part) - 2;

	return *part == KEY_STRING && short_is(len) ? text_quote_short(to, part + 1, len) : NULL;
}

#endif
