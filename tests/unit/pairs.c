#include "base/pairs.h"

#include <stdio.h>

#include "random.h"
#include "test.h"

static void check_number(uint64_t value)
{
	char text[PAIRS_DIGITS_MAX + 1], ours[PAIRS_DIGITS_MAX];
	unsigned len = (unsigned)sprintf(text, "%llu", (unsigned long long)value);

	check(pairs_count(value) == len);
	check(pairs_put_before(ours + len, value, len) == 0);
	check(memcmp(ours, text, len) == 0);
}

void test_numbers_of_all_lengths(void)
{
	for (uint64_t power = 1, i = 1; i <= PAIRS_DIGITS_MAX; power *= 10, i++) {
		check_number(power - 1);
		check_number(power);
		check_number(power + random_below(1000));
	}
	check_number(UINT64_MAX);
}

void test_some_of_the_digits(void)
{
	char text[8] = "........";

	check(pairs_put_before(text + 6, 1234567, 5) == 12);
	check(memcmp(text, ".34567..", 8) == 0);
	check(pairs_put_before(text + 5, 7, 4) == 0);
	check(memcmp(text, ".00077..", 8) == 0);
	check(pairs_put_before(text, 42, 0) == 42);
	check(pairs_put(text, 9) == text + 2);
	check(memcmp(text, "090077..", 8) == 0);
}
