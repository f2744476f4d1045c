#include "base/hash.h"

/* The library knows which vectors this processor has, where it was built to ask. */
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
#undef XXH_PUBLIC_API
#define XXH_PUBLIC_API extern /* the library's, where those of the header are static */
#define XXH_DISPATCH_DISABLE_REPLACE
#include <xxh_x86dispatch.h>

uint64_t hash_long(const void *bytes, size_t len)
{
	return XXH3_64bits_dispatch(bytes, len);
}
#else
uint64_t hash_long(const void *bytes, size_t len)
{
	return XXH3_64bits(bytes, len);
}
#endif
