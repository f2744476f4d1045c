/* Numbers as bytes: part of record/canonical. */
#ifndef CANONNUMBER_H
#define CANONNUMBER_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Appends the one text that all JSON numbers of that exact value have, with the digits and the
 * exponent that ECMAScript would write (15, 0.001, 1e+21, 1.5e-7), however many there are. text is
 * a JSON number. O(len), and not longer than len and 24 bytes.
 */
void canonical_number(struct buf *to, const char *text, size_t len);

#endif
