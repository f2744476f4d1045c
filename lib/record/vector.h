/*
 * The vector instructions of the scanner and of what copies values, each with a portable twin
 * (SCAN_PORTABLE chooses it, and so does a machine without SSE2). Where nothing else is said they
 * read up to SCAN_PAD bytes past the text.
 */
#ifndef VECTOR_H
#define VECTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/digits.h"

/* What vector_same compares at once: the bytes up to the next multiple of it are read. */
enum { VECTOR_BYTES = 16 };

#if defined(__SSE2__) && !defined(SCAN_PORTABLE)
#include <emmintrin.h>

/* Whether the bytes at p are those of the head that are wanted: the lowest bits, at least one, are
 * set for the first bytes. The head's address is a multiple of VECTOR_BYTES. */
static inline bool vector_begins(const char *p, const char *head, unsigned wanted)
{
	__m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i y = _mm_load_si128((const __m128i *)(const void *)head);

	return !(~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y)) & wanted);
}

/* Which of the bytes are not of the plain part of a string. */
static inline unsigned vector_stops(__m128i bytes)
{
	const __m128i backslash = _mm_set1_epi8('\\');
	const __m128i quote_to_blank = _mm_set1_epi8('"' ^ ' ');
	const __m128i first_plain = _mm_set1_epi8('!');
	/* a blank and a quote change places, so all that is no plain byte but a backslash is below
	 * those, as signed numbers: the high bit is that of the difference */
	__m128i low = _mm_subs_epi8(_mm_xor_si128(bytes, quote_to_blank), first_plain);
	__m128i end = _mm_cmpeq_epi8(bytes, backslash);

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, end));
}

/*
 * Where the plain part of a string ends: at a quote, a backslash, a control character or a byte of
 * a multi-byte character. The caller sees to it that one of them comes.
 */
static inline const char *vector_plain_end(const char *p)
{
	for (;; p += 16) {
		unsigned stops = vector_stops(_mm_loadu_si128((const __m128i *)(const void *)p));

		if (stops)
			return p + (unsigned)__builtin_ctz(stops);
	}
}

/* Whether each of the sixteen bytes is of the plain part of a string. */
static inline bool vector_is_plain(uint64_t first, uint64_t last)
{
	return !vector_stops(_mm_set_epi64x((long long)last, (long long)first));
}

/* The first newline of the VECTOR_BYTES at p, NULL: there is none. */
static inline const char *vector_newline(const char *p)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
	unsigned found = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n')));

	return found ? p + (unsigned)__builtin_ctz(found) : NULL;
}

/* Writes VECTOR_BYTES with one store (the twin: with two): a byte, text of fewer than these, zeros.
 */
static inline void vector_put_behind(char *to, char first, const char *text, size_t len)
{
	static const char kept[2 * VECTOR_BYTES] = {
		-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
	__m128i mask = _mm_loadu_si128((const __m128i *)(const void *)(kept + VECTOR_BYTES - len));

	bytes = _mm_slli_si128(_mm_and_si128(bytes, mask), 1);
	bytes = _mm_or_si128(bytes, _mm_cvtsi32_si128((unsigned char)first));
	_mm_storeu_si128((__m128i *)(void *)to, bytes);
}

/* Which of the 16 bytes at p (of the 8, in the twin) are no digits, a bit each from the lowest on.
 */
static inline uint32_t vector_no_digits(const char *p)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i above = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));

	/* what is above 9, as an unsigned number, gets the high bit */
	return (uint32_t)_mm_movemask_epi8(_mm_adds_epu8(above, _mm_set1_epi8(0x80 - 10)));
}

/* Whether len bytes are the same. Of a it reads less than VECTOR_BYTES behind the first that is
 * not, or behind len. */
static inline bool vector_same(const char *a, const char *b, uint32_t len)
{
	for (;; a += VECTOR_BYTES, b += VECTOR_BYTES, len -= VECTOR_BYTES) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)a);
		__m128i y = _mm_loadu_si128((const __m128i *)(const void *)b);
		unsigned same = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y));

		if (len <= VECTOR_BYTES)
			return (~same & ((1u << len) - 1)) == 0;
		if (same != 0xffff)
			return false;
	}
}

/* As vector_double_quotes, on each machine. */
static inline char *vector_double_quotes_plain(char *to, const char *from, size_t len)
{
	const __m128i quote = _mm_set1_epi8('"');

	for (size_t i = 0; i < len; i += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(from + i));
		unsigned quotes = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, quote));
		unsigned n = len - i < 16 ? (unsigned)(len - i) : 16;

		_mm_storeu_si128((__m128i *)(void *)to, bytes);
		/* from each quote on once more, a byte further on */
		for (quotes &= (1u << n) - 1; quotes; quotes &= quotes - 1) {
			unsigned at = (unsigned)__builtin_ctz(quotes);

			to++;
			_mm_storeu_si128((__m128i *)(void *)(to + at),
				_mm_loadu_si128((const __m128i *)(const void *)(from + i + at)));
		}
		to += n;
	}
	return to;
}

/* Copies the len bytes, which are not none, and says whether c is among them; where it is, not all
 * need be copied. Reads and writes up to VECTOR_BYTES - 1 bytes more. */
static inline bool vector_copy_has(char *to, const char *from, size_t len, char c)
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

static inline bool vector_begins(const char *p, const char *head, unsigned wanted)
{
	unsigned bits = 8 * (unsigned)__builtin_ctz(~wanted);
	uint64_t other = digits_load(p) ^ digits_load(head);

	if (bits <= 64)
		return !(other << (64 - bits));
	return !other && !((digits_load(p + 8) ^ digits_load(head + 8)) << (128 - bits));
}

static inline bool vector_same(const char *a, const char *b, uint32_t len)
{
	for (; len >= 8; a += 8, b += 8, len -= 8) {
		uint64_t x, y;

		memcpy(&x, a, 8);
		memcpy(&y, b, 8);
		if (x != y)
			return false;
	}
	while (len && *a == *b) {
		a++;
		b++;
		len--;
	}
	return !len;
}

/* Bytes of word that are zero have their high bit set in the result (Mycroft 1987); bytes above the
 * lowest such one may be set as well, which does no harm where only the lowest is asked for. */
static inline uint64_t vector_zero_bytes(uint64_t word)
{
	return (word - DIGITS_ONES) & ~word & (DIGITS_ONES * 0x80);
}

static inline const char *vector_newline(const char *p)
{
	for (const char *end = p + VECTOR_BYTES; p < end; p += 8) {
		uint64_t found = vector_zero_bytes(digits_load(p) ^ (DIGITS_ONES * '\n'));

		if (found)
			return p + __builtin_ctzll(found) / 8;
	}
	return NULL;
}

static inline void vector_put_behind(char *to, char first, const char *text, size_t len)
{
	uint64_t low = digits_load(text), high = digits_load(text + 8);

	if (len < 8) {
		low &= ~(~UINT64_C(0) << 8 * len);
		high = 0;
	} else {
		high &= ~(~UINT64_C(0) << 8 * (len - 8));
	}
	digits_store(to, low << 8 | (unsigned char)first);
	digits_store(to + 8, high << 8 | low >> 56);
}

static inline uint32_t vector_no_digits(const char *p)
{
	const uint64_t ones = DIGITS_ONES;
	uint64_t x = digits_load(p) ^ (ones * '0');
	uint64_t above_9 = (((x & (ones * 0x7f)) + ones * (0x7f - 9)) | x) & (ones * 0x80);

	/* the product brings the lowest bit of each byte to the top byte */
	return (uint32_t)((above_9 >> 7) * 0x0102040810204080u >> 56);
}

/* As vector_zero_bytes has them. */
static inline uint64_t vector_stops(uint64_t word)
{
	const uint64_t ones = DIGITS_ONES;

	return vector_zero_bytes(word ^ (ones * '"')) | vector_zero_bytes(word ^ (ones * '\\')) |
	       ((word - ones * ' ') & ~word & (ones * 0x80)) | (word & (ones * 0x80));
}

static inline bool vector_is_plain(uint64_t first, uint64_t last)
{
	return !(vector_stops(first) | vector_stops(last));
}

static inline const char *vector_plain_end(const char *p)
{
	for (;; p += 8) {
		uint64_t stops = vector_stops(digits_load(p));

		if (stops)
			return p + __builtin_ctzll(stops) / 8;
	}
}

static inline char *vector_double_quotes_plain(char *to, const char *from, size_t len)
{
	const char *end = from + len;

	while (from < end) {
		uint64_t quotes = vector_zero_bytes(digits_load(from) ^ (DIGITS_ONES * '"'));
		size_t n = quotes ? (size_t)__builtin_ctzll(quotes) / 8 + 1 : 8;
		bool doubles = quotes && n <= (size_t)(end - from);

		n = n < (size_t)(end - from) ? n : (size_t)(end - from);
		memcpy(to, from, 8);
		to += n;
		from += n;
		*to = '"';
		to += doubles;
	}
	return to;
}

static inline bool vector_copy_has(char *to, const char *from, size_t len, char c)
{
	for (;; to += 8, from += 8, len -= 8) {
		uint64_t found =
			vector_zero_bytes(digits_load(from) ^ DIGITS_ONES * (unsigned char)c);

		memcpy(to, from, 8);
		if (len <= 8)
			return found << (64 - 8 * len);
		if (found)
			return true;
	}
}

#endif

/*
 * Copies len bytes, each quote among them twice, and says where the copy ends. Reads up to
 * VECTOR_BYTES behind them; to has room for 2 * (len + VECTOR_BYTES). By shuffles where the machine
 * has them (SSSE3).
 */
char *vector_double_quotes(char *to, const char *from, size_t len);

#endif
