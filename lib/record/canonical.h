/*
 * JSON values as bytes: two values are equal exactly when their canonical texts are the same bytes.
 *
 * The text is JSON itself: no white space; the members of an object in the order of the bytes of
 * their unescaped keys, of equal keys the last; strings with the shortest escapes; numbers by their
 * exact value, written as ECMAScript writes them (so 1.50e1 is 15 and 1e21 is 1e+21), but with all
 * of their digits, and whatever their exponent. No number becomes a double; -0 is 0. But for the
 * exact numbers, and for keys beyond U+FFFF, which sort by code points, it is RFC 8785.
 */
#ifndef CANONICAL_H
#define CANONICAL_H

#include "base/buf.h"
#include "record/scan.h"

/* What is reused from value to value. */
struct canonical {
	struct buf objects;
	struct buf members;
	struct buf keys;
	struct buf text;
};

void canonical_init(struct canonical *c);
void canonical_release(struct canonical *c);

/*
 * Appends the canonical text of a value, a span of a line that was scanned (not SPAN_MISSING).
 * O(n log n) for n bytes, in memory of at most about 16 n; it doesn't recurse.
 */
void canonical_add(struct canonical *c, struct buf *to, const struct span *value);

#endif
