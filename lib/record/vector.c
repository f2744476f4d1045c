#include "record/vector.h"

#if defined(__x86_64__) && !defined(SCAN_PORTABLE)
#include <tmmintrin.h>

/*
 * Where from each byte of the copy of eight bytes comes: a row for each set of quotes among them,
 * by a bit each from the lowest on. ROWS_n are the rows in which the bytes from n + 1 on are given:
 * those without a quote at n, then those with one, so bit 0 goes through its values fastest.
 */
#define ROW(...)            \
	{                   \
		__VA_ARGS__ \
	}
#define ROWS_0(...) ROW(0, __VA_ARGS__), ROW(0, 0, __VA_ARGS__)
#define ROWS_1(...) ROWS_0(1, __VA_ARGS__), ROWS_0(1, 1, __VA_ARGS__)
#define ROWS_2(...) ROWS_1(2, __VA_ARGS__), ROWS_1(2, 2, __VA_ARGS__)
#define ROWS_3(...) ROWS_2(3, __VA_ARGS__), ROWS_2(3, 3, __VA_ARGS__)
#define ROWS_4(...) ROWS_3(4, __VA_ARGS__), ROWS_3(4, 4, __VA_ARGS__)
#define ROWS_5(...) ROWS_4(5, __VA_ARGS__), ROWS_4(5, 5, __VA_ARGS__)
#define ROWS_6(...) ROWS_5(6, __VA_ARGS__), ROWS_5(6, 6, __VA_ARGS__)
static const _Alignas(16) unsigned char doubled[256][16] = {ROWS_6(7), ROWS_6(7, 7)};

#define WITH_SHUFFLES __attribute__((target("ssse3,popcnt")))

WITH_SHUFFLES static inline char *double_eight(char *to, __m128i bytes, unsigned quotes)
{
	const void *row = doubled[quotes];

	_mm_storeu_si128((__m128i *)(void *)to, _mm_shuffle_epi8(bytes, _mm_load_si128(row)));
	return to + 8 + __builtin_popcount(quotes);
}

WITH_SHUFFLES static char *double_by_shuffles(char *to, const char *from, size_t len)
{
	const __m128i quote = _mm_set1_epi8('"');

	for (size_t i = 0; i < len; i += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(from + i));
		unsigned quotes = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, quote));
		unsigned behind = len - i < 16 ? 16 - (unsigned)(len - i) : 0;

		quotes &= 0xffffu >> behind;
		to = double_eight(to, bytes, quotes & 0xff);
		to = double_eight(to, _mm_srli_si128(bytes, 8), quotes >> 8) - behind;
	}
	return to;
}

char *vector_double_quotes(char *to, const char *from, size_t len)
{
	if (__builtin_cpu_supports("ssse3") && __builtin_cpu_supports("popcnt"))
		return double_by_shuffles(to, from, len);
	return vector_double_quotes_plain(to, from, len);
}

#else

char *vector_double_quotes(char *to, const char *from, size_t len)
{
	return vector_double_quotes_plain(to, from, len);
}

#endif
