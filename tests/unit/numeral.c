#include "base/numeral.h"

#include "random.h"
#include "test.h"

/* The same by hand: the digits, with zeros before them so that one stands before the point. */
static void print_slowly(char *to, uint64_t value, int places)
{
	char digits[40];
	int len = snprintf(digits, sizeof(digits), "%0*llu", places + 1, (unsigned long long)value);

	sprintf(to, "%.*s%s%s", len - places, digits, places ? "." : "", digits + len - places);
}

static void check_print(uint64_t value, int places)
{
	char text[NUMERAL_SHORT_MAX], want[80];
	size_t len = numeral_print_short(text, value, places);

	print_slowly(want, value, places);
	check_int(len, value < 100000000 && places <= 7 ? strlen(want) : 0);
	check(memcmp(text, want, len) == 0);
}

void test_prints_short_ones(void)
{
	random_seed();
	for (int places = 0; places <= 9; places++)
		for (uint64_t ten = 1; ten <= 1000000000; ten *= 10)
			for (uint64_t value = ten - 1; value <= ten + 1; value++)
				check_print(value, places);
	for (int i = 0; i < 100000; i++)
		check_print(random_below(random_below(200000000) + 1), (int)random_below(9));
}

static void check_read(const char *text, bool good, uint64_t want, int want_places)
{
	uint64_t value = 0;
	int places = 0;

	check_int(numeral_read_short(text, strlen(text), &value, &places), good);
	if (!good)
		return;
	check_int(value, want);
	check_int(places, want_places);
}

void test_reads_short_ones(void)
{
	random_seed();
	for (int i = 0; i < 100000; i++) {
		uint64_t value = random_below(random_below(100000000) + 1);
		int places = (int)random_below(7);
		char text[80];

		print_slowly(text, value, places);
		check_read(text, strlen(text) >= 4 && strlen(text) <= 8, value, places);
	}
}

/* Each byte that is no digit, in each place. */
void test_reads_nothing_else(void)
{
	for (size_t len = 4; len <= 8; len++)
		for (size_t at = 0; at < len; at++)
			for (int c = 1; c < 256; c++) {
				char text[] = "31415926";

				text[len] = '\0';
				text[at] = (char)c;
				if ((c < '0' || c > '9') && c != '.')
					check_read(text, false, 0, 0);
			}
	check_read("1.2.3", false, 0, 0);
	check_read("123", false, 0, 0);
	check_read("123456789", false, 0, 0);
}
