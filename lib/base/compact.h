/*
 * Numbers and byte strings in few bytes, for state on disk. A number has one form only, and what is
 * read may be damaged: a take never looks at or behind end, and returns false, with *at anywhere up
 * to end, where there is no such thing.
 */
#ifndef COMPACT_H
#define COMPACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/wide.h"

enum { COMPACT_MAX = 10, COMPACT_WORD = 8 };

/* The less the shorter: 7 bits a byte, the lowest first (LEB128). Writes at most COMPACT_MAX bytes
 * and returns where it ended. */
static inline char *compact_write(char *to, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		*to++ = (char)(value | 0x80);
	*to++ = (char)value;
	return to;
}

/* Eight bytes, the lowest first. */
static inline char *compact_write_word(char *to, uint64_t word)
{
	for (int i = 0; i < COMPACT_WORD; i++)
		to[i] = (char)(word >> (8 * i));
	return to + COMPACT_WORD;
}

static inline uint64_t compact_read_word(const char *from)
{
	uint64_t word = 0;

	for (int i = 0; i < COMPACT_WORD; i++)
		word |= (uint64_t)(unsigned char)from[i] << (8 * i);
	return word;
}

void compact_add(struct buf *to, uint64_t value);
void compact_add_word(struct buf *to, uint64_t word);

/* Those near to zero are short, of either sign. */
void compact_add_signed(struct buf *to, int64_t value);

/* As compact_add and compact_add_signed. */
void compact_add_128(struct buf *to, uint128 value);
void compact_add_signed_128(struct buf *to, int128 value);

/* All its bits. */
void compact_add_double(struct buf *to, double value);

/* The length, then the bytes. */
void compact_add_bytes(struct buf *to, const void *bytes, size_t len);

bool compact_take_long(const char **at, const char *end, uint64_t *value);

static inline bool compact_take(const char **at, const char *end, uint64_t *value)
{
	if (*at == end || (unsigned char)**at > 0x7f)
		return compact_take_long(at, end, value);
	*value = (unsigned char)*(*at)++;
	return true;
}

bool compact_take_word(const char **at, const char *end, uint64_t *word);
bool compact_take_signed(const char **at, const char *end, int64_t *value);

bool compact_take_128(const char **at, const char *end, uint128 *value);
bool compact_take_signed_128(const char **at, const char *end, int128 *value);

/* Any bits. */
bool compact_take_double(const char **at, const char *end, double *value);

/* They stay where they are. */
bool compact_take_bytes(const char **at, const char *end, const char **bytes, size_t *len);

#endif
