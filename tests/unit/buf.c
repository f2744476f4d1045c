#include "base/buf.h"

#include <stdio.h>

#include "test.h"

void test_grows_and_keeps(void)
{
	struct buf b;

	buf_init(&b);
	for (int i = 0; i < 1000; i++)
		buf_format(&b, "%d,", i);
	check_int(b.len, 3890);
	check(memcmp(buf_string(&b) + b.len - 4, "999,", 5) == 0);
	buf_clear(&b);
	check_text(buf_string(&b), "");
	buf_release(&b);
}

static void check_number(uint64_t number)
{
	struct buf b;
	char want[32];

	sprintf(want, "<%llu>", (unsigned long long)number);
	buf_init(&b);
	buf_char(&b, '<');
	buf_number(&b, number);
	buf_char(&b, '>');
	check_text(buf_string(&b), want);
	buf_release(&b);
}

void test_numbers_of_all_lengths(void)
{
	for (uint64_t power = 1, i = 1; i <= 20; power *= 10, i++) {
		check_number(power - 1);
		check_number(power);
		check_number(power + 7);
	}
	check_number(UINT64_MAX);
}
