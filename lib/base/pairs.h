/* Numbers as decimal digits, two at a time: a division gives both. */
#ifndef PAIRS_H
#define PAIRS_H

#include <stdint.h>
#include <string.h>

enum { PAIRS_DIGITS_MAX = 20 };

static const char pairs_text[] = "00010203040506070809"
				 "10111213141516171819"
				 "20212223242526272829"
				 "30313233343536373839"
				 "40414243444546474849"
				 "50515253545556575859"
				 "60616263646566676869"
				 "70717273747576777879"
				 "80818283848586878889"
				 "90919293949596979899";

/* Writes a number below 100 and returns what is behind it. */
static inline char *pairs_put(char *to, uint32_t value)
{
	memcpy(to, pairs_text + (size_t)2 * value, 2);
	return to + 2;
}

/* How many digits it has; 1 of 0. */
static inline unsigned pairs_count(uint64_t value)
{
	unsigned count = 1;

	for (; value >= 10000; value /= 10000)
		count += 4;
	return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

/* Writes so many of its last digits, that end where `end` points to, and returns the number without
 * them. */
static inline uint64_t pairs_put_before(char *end, uint64_t value, unsigned count)
{
	for (; count >= 2; count -= 2, value /= 100)
		pairs_put(end -= 2, (uint32_t)(value % 100));
	if (!count)
		return value;
	end[-1] = (char)('0' + value % 10);
	return value / 10;
}

#endif
