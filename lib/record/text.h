/* JSON strings: from their escaped form and into it. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "record/scan.h"

/* Appends what a scanned string says, as UTF-8 (a \u0000 is a NUL byte). */
void text_unescape(struct buf *to, const struct span *string);

/* True if a scanned string says exactly text[0..len). */
bool text_says(const struct span *string, const char *text, size_t len);

/* Appends a JSON string, quotes included, that says text: the shortest escapes, the rest as it is.
 * text is valid UTF-8. */
void text_quote(struct buf *to, const char *text, size_t len);

/* The same if there is nothing to escape in it and it is not short; else nothing, and false. A NUL
 * is to be escaped. */
bool text_quote_plain(struct buf *to, const char *text, size_t len);

/* As text_quote, of bytes that need not be UTF-8: what is not well-formed becomes U+FFFD. */
void text_quote_any(struct buf *to, const char *bytes, size_t len);

/* True if the bytes are UTF-8 (RFC 3629). Any bytes, no padding needed. */
bool text_is_utf8(const char *bytes, size_t len);

#endif
