/* Numbers as bytes whose order (memcmp) is that of the numbers: the highest first, with the sign
 * turned around. */
#ifndef ORDERED_H
#define ORDERED_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { ORDERED_WORD = 8 };

static inline void ordered_add(struct buf *to, int64_t number)
{
	uint64_t word = (uint64_t)number ^ (uint64_t)1 << 63;
	char *at = buf_reserve(to, ORDERED_WORD);

	for (int i = 0; i < ORDERED_WORD; i++)
		at[i] = (char)(word >> (56 - 8 * i));
	to->len += ORDERED_WORD;
}

static inline int64_t ordered_read(const char *at)
{
	uint64_t word = 0;

	for (int i = 0; i < ORDERED_WORD; i++)
		word = word << 8 | (unsigned char)at[i];
	return (int64_t)(word ^ (uint64_t)1 << 63);
}

/* The order of two runs of bytes, as of keys: a prefix comes first. */
int bytes_order(const void *a, size_t a_len, const void *b, size_t b_len);

#endif
