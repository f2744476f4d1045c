#include "base/digits.h"

char *digits_put_many(char *to, uint64_t value, unsigned least)
{
	to = digits_put(to, value / DIGITS_WORD_END, least > DIGITS_WORD ? least - DIGITS_WORD : 1);
	digits_store(to, digits_of((uint32_t)(value % DIGITS_WORD_END)));
	return to + DIGITS_WORD;
}
