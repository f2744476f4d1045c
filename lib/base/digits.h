/* Decimal digits, eight at a time in one word; and numbers as text. */
#ifndef DIGITS_H
#define DIGITS_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_ONES UINT64_C(0x0101010101010101)

enum {
	DIGITS_WORD = 8,
	DIGITS_WORD_END = 100000000, /* the first number that has more */
	DIGITS_MAX = 20,             /* of 64 bits */
};

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

/* The other way, of a number below DIGITS_WORD_END, without the bits that make digits of it: halves
 * of halves, the lower of which goes up into its place as the upper is taken away (after Khuong,
 * "How to print integers really fast", 2017). */
static inline uint64_t digits_split(uint32_t value)
{
	uint64_t halves = value / 10000, fours, pairs;
	uint64_t all = ((uint64_t)value << 32) - halves * ((UINT64_C(10000) << 32) - 1);

	fours = all * 10486 >> 20 & 0x0000007f0000007f;
	all = (all << 16) - fours * ((100 << 16) - 1);
	pairs = all * 103 >> 10 & 0x000f000f000f000f;
	return (all << 8) - pairs * ((10 << 8) - 1);
}

static inline uint64_t digits_of(uint32_t value)
{
	return digits_split(value) | DIGITS_ONES * '0';
}

static inline void digits_store(char *to, uint64_t word)
{
	word = htole64(word);
	memcpy(to, &word, sizeof(word));
}

char *digits_put_many(char *to, uint64_t value, unsigned least);

/* Writes a number, with zeros in front where it has fewer digits than `least` (not 0), and returns
 * what is behind it. It may write as many bytes as a word has, where they are more. */
static inline char *digits_put(char *to, uint64_t value, unsigned least)
{
	uint64_t word, first;
	unsigned zeros;

	if (value >= DIGITS_WORD_END || least > DIGITS_WORD)
		return digits_put_many(to, value, least);
	word = digits_split((uint32_t)value);
	first = UINT64_C(1) << 8 * (DIGITS_WORD - least);
	zeros = (unsigned)__builtin_ctzll(word | first) / 8;
	digits_store(to, (word | DIGITS_ONES * '0') >> 8 * zeros);
	return to + DIGITS_WORD - zeros;
}

/* The same of a number below DIGITS_WORD_END times 10^-scale, of a scale below DIGITS_WORD. */
static inline char *digits_put_scaled(char *to, uint32_t value, unsigned scale)
{
	uint64_t word = digits_split(value), first = UINT64_C(1) << 8 * (DIGITS_WORD - 1 - scale);
	unsigned zeros = (unsigned)__builtin_ctzll(word | first) / 8;
	char *end = to + DIGITS_WORD - zeros;

	word |= DIGITS_ONES * '0';
	digits_store(to, word >> 8 * zeros);
	if (!scale)
		return end;
	/* not moved, but written again: what was just stored is slow to read */
	digits_store(end - scale + 1, word >> 8 * (DIGITS_WORD - scale));
	end[-(int)scale] = '.';
	return end + 1;
}

#endif
