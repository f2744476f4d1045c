/*
 * The text of a sketch, fit for a JSON string: its kind and version ("quantile.1"), a point, then
 * base64url (RFC 4648, section 5, no padding) of the content and four bytes of its XXH3-64. A
 * content has one text only, and damage to a text is found, but for one in 2^32.
 */
#ifndef PACKED_H
#define PACKED_H

#include <stddef.h>

#include "base/buf.h"

/* Appends the text of the content. O(n). */
void packed_seal(const struct buf *content, const char *kind, struct buf *text);

/* Reads the content of such a text into an empty buffer. Fails with a static reason, and leaves
 * there what it likes. */
const char *packed_open(struct buf *content, const char *kind, const char *text, size_t len);

#endif
