#include "base/digits.h"

#include <stdio.h>

#include "random.h"
#include "test.h"

static void check_put(uint64_t value, unsigned least)
{
	char want[64], ours[64];
	size_t len = (size_t)sprintf(want, "%0*llu", (int)least, (unsigned long long)value);

	memset(ours, '#', sizeof(ours));
	check(digits_put(ours, value, least) == ours + len);
	check(memcmp(ours, want, len) == 0);
	for (size_t at = len > DIGITS_WORD ? len : DIGITS_WORD; at < sizeof(ours); at++)
		check(ours[at] == '#');
}

void test_puts_numbers_of_all_lengths(void)
{
	random_seed();
	for (unsigned least = 1; least <= 40; least++) {
		for (uint64_t power = 1, i = 1; i <= DIGITS_MAX; power *= 10, i++) {
			check_put(power - 1, least);
			check_put(power, least);
			check_put(power + random_below(9 * power), least);
		}
		check_put(UINT64_MAX, least);
	}
}

/* Each of the steps by which a word is made rounds: all pairs and fours, in each place. */
void test_words_of_all_fours(void)
{
	random_seed();
	for (uint32_t four = 0; four < 10000; four++) {
		uint32_t other = (uint32_t)random_below(10000);
		uint32_t values[] = {four * 10000 + other, other * 10000 + four};

		for (int i = 0; i < 2; i++) {
			char text[16];

			sprintf(text, "%08u", values[i]);
			check(digits_of(values[i]) == digits_load(text));
			check(digits_value(digits_of(values[i])) == values[i]);
		}
	}
}

void test_puts_a_point(void)
{
	random_seed();
	for (unsigned scale = 0; scale < DIGITS_WORD; scale++)
		for (int i = 0; i < 20000; i++) {
			uint32_t powers[] = {10, 1000, 100000, DIGITS_WORD_END};
			uint32_t value = (uint32_t)random_below(powers[i % 4]);
			char digits[32], want[32], ours[32];
			int whole = sprintf(digits, "%0*u", (int)scale + 1, value) - (int)scale;
			size_t len = (size_t)sprintf(
				want, "%.*s%s%s", whole, digits, scale ? "." : "", digits + whole);

			memset(ours, '#', sizeof(ours));
			check(digits_put_scaled(ours, value, scale) == ours + len);
			check(memcmp(ours, want, len) == 0);
			for (size_t at = len + DIGITS_WORD; at < sizeof(ours); at++)
				check(ours[at] == '#');
		}
}
