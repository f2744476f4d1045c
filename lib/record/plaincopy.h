/*
 * Copies bytes and looks at them on the way: with vector instructions, or as record/vector's
 * portable twins.
 */
#ifndef PLAINCOPY_H
#define PLAINCOPY_H

#include "record/digits.h"
#include "record/vector.h"

enum { PLAINCOPY_BYTES = 16 }; /* are read and written at once */

/* plaincopy_has says whether c is among the len bytes, which are not none. It reads and writes up
 * to PLAINCOPY_BYTES - 1 bytes more. Where it is true, not all are copied. */

#if defined(__SSE2__) && !defined(SCAN_PORTABLE)

static inline bool plaincopy_has(char *to, const char *from, size_t len, char c)
{
	const __m128i wanted = _mm_set1_epi8(c);

	for (;; to += 16, from += 16, len -= 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)from);
		unsigned found = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted));

		_mm_storeu_si128((__m128i *)(void *)to, bytes);
		if (len <= 16)
			return found & ((1u << len) - 1);
		if (found)
			return true;
	}
}

#else

static inline bool plaincopy_has(char *to, const char *from, size_t len, char c)
{
	for (;; to += 8, from += 8, len -= 8) {
		uint64_t other = digits_load(from) ^ DIGITS_ONES * (unsigned char)c;
		/* the lowest byte that is 0 has its high bit set, as may some above it */
		uint64_t found = (other - DIGITS_ONES) & ~other & DIGITS_ONES * 0x80;

		memcpy(to, from, 8);
		if (len <= 8)
			return found << (64 - 8 * len);
		if (found)
			return true;
	}
}

#endif

#endif
