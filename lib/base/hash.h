/* XXH3-64, the hash of lines in balances, tables and ids (Collet, xxHash 0.8). */
#ifndef HASH_H
#define HASH_H

#define XXH_INLINE_ALL
#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>

static inline uint64_t hash_bytes(const void *bytes, size_t len)
{
	return XXH3_64bits(bytes, len);
}

#endif
