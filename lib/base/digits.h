/* Decimal digits, eight at a time in one word. */
#ifndef DIGITS_H
#define DIGITS_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_ONES UINT64_C(0x0101010101010101)

enum { DIGITS_WORD = 8 };

/* The eight bytes at p, the first of them the lowest. */
static inline uint64_t digits_load(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return le64toh(word);
}

/* Not 0 where a byte of the word is no digit. */
static inline uint64_t digits_wrong(uint64_t word)
{
	return ((word + DIGITS_ONES * 0x46) | (word - DIGITS_ONES * '0')) & (DIGITS_ONES * 0x80);
}

/* The lowest bytes of a word, one to eight of them, moved to its end, with zeros in front. */
static inline uint64_t digits_align(uint64_t word, size_t len)
{
	unsigned spare = 64 - 8 * (unsigned)len;

	return word << spare | (DIGITS_ONES * '0' & (((uint64_t)1 << spare) - 1));
}

/* The word as a number whose first byte is the highest: in the order that the texts have. */
static inline uint64_t digits_in_order(uint64_t word)
{
	return __builtin_bswap64(word);
}

/* Takes the point out of a number whose last character is the word's highest byte, and which has
 * zeros in front of it; gives how many digits are behind the point. */
static inline unsigned digits_take_point(uint64_t *word)
{
	/* the lowest byte that is no digit: digits have this bit, and no other character of a
	 * number has */
	uint64_t others = ~*word & (DIGITS_ONES * 0x10), before;
	unsigned at;

	if (!others)
		return 0;
	at = (unsigned)__builtin_ctzll(others) & ~7u;
	if ((char)(*word >> at) != '.')
		return 0;
	before = ((uint64_t)1 << at) - 1;
	*word = (*word & ~(before << 8 | 0xff)) | (*word & before) << 8 | '0';
	return 7 - at / 8;
}

/* What eight digits say (Lemire and Mula, "Number parsing at a gigabyte per second", 2021). */
static inline uint32_t digits_value(uint64_t word)
{
	word -= DIGITS_ONES * '0';
	word = word * 10 + (word >> 8);
	return (uint32_t)(((word & 0x000000ff000000ff) * 0x000f424000000064 +
				  ((word >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >>
			  32);
}

#endif
