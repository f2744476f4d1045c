/*
 * The text of a sketch, fit for a JSON string: its kind and version ("quantile.1"), a point, then
 * base64url (RFC 4648, section 5, no padding) of the content and four bytes of its XXH3-64. A
 * content has one text only, and damage to a text is found, but for one in 2^32.
 */
#ifndef PACKED_H
#define PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct packed {
	struct buf content;
	size_t at; /* how much of it has been taken */
};

void packed_init(struct packed *p);
void packed_release(struct packed *p);

/* The less the shorter: 7 bits a byte, the lowest first (LEB128). */
void packed_add(struct packed *p, uint64_t value);

/* Eight bytes, the lowest first. */
void packed_add_word(struct packed *p, uint64_t word);

/* Appends the text of what was added. O(n). */
void packed_seal(const struct packed *p, const char *kind, struct buf *text);

/* Reads such a text back. Fails with a static reason. Release either way. */
const char *packed_open(struct packed *p, const char *kind, const char *text, size_t len);

/* They take what was added, in that order; false where there is no such thing. */
bool packed_take(struct packed *p, uint64_t *value);
bool packed_take_word(struct packed *p, uint64_t *word);

static inline bool packed_is_empty(const struct packed *p)
{
	return p->at == p->content.len;
}

#endif
