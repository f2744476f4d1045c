/* XXH3-64, the hash of lines in balances, tables and ids (Collet, xxHash 0.8). */
#ifndef HASH_H
#define HASH_H

#define XXH_INLINE_ALL
#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>

/* From here on XXH3 works with vectors, and more of them than every processor has are worth a call.
 */
enum { HASH_LONG_BYTES = 241 };

/* hash_bytes for so many. */
uint64_t hash_long(const void *bytes, size_t len);

static inline uint64_t hash_bytes(const void *bytes, size_t len)
{
	return len < HASH_LONG_BYTES ? XXH3_64bits(bytes, len) : hash_long(bytes, len);
}

#endif
