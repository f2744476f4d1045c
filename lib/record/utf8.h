/* UTF-8 (RFC 3629), one character at a time. */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>

/*
 * Steps over the multi-byte character at p, whose first byte is 0x80 or above. Looks at no byte at
 * or behind end. Returns NULL, with a static reason in *why, if it is not well-formed.
 */
const char *utf8_next(const char *p, const char *end, const char **why);

/* Writes a code point up to U+10FFFF and returns how many bytes it took. */
size_t utf8_encode(unsigned code, char out[4]);

#endif
