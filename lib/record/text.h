/* JSON strings: from their escaped form and into it. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/short.h"
#include "record/scan.h"
#include "record/vector.h"

/* Appends what a scanned string says, as UTF-8 (a \u0000 is a NUL byte). */
void text_unescape(struct buf *to, const struct span *string);

/* True if a scanned string says exactly text[0..len). */
bool text_says(const struct span *string, const char *text, size_t len);

/* Appends a JSON string, quotes included, that says text: the shortest escapes, the rest as it is.
 * text is valid UTF-8. */
void text_quote(struct buf *to, const char *text, size_t len);

/* Writes the same to where there is room for it, of a text for which short_is true and which is
 * plain: returns what is behind it. NULL: it is not. */
static inline char *text_quote_short(char *to, const char *text, size_t len)
{
	struct short_words words = short_load(text, len);

	if (!vector_is_plain(words.first, words.last))
		return NULL;
	to[0] = to[len + 1] = '"';
	short_store(to + 1, words, len);
	return to + len + 2;
}

/* As text_quote, of bytes that need not be UTF-8: what is not well-formed becomes U+FFFD. */
void text_quote_any(struct buf *to, const char *bytes, size_t len);

/* True if the bytes are UTF-8 (RFC 3629). Any bytes, no padding needed. */
bool text_is_utf8(const char *bytes, size_t len);

#endif
