#include "base/units.h"

#include "test.h"

enum { UNTOUCHED = 77 };

static const int64_t second = INT64_C(1000000000);

static void check_duration(const char *text, int64_t want)
{
	int64_t ns = UNTOUCHED;

	check_text(units_duration(text, &ns) ? "refused" : text, text);
	check_int(ns, want);
	check(units_signed_duration(text, &ns) == NULL);
	check_int(ns, want);
}

static void check_no_duration(const char *text, const char *reason)
{
	int64_t ns = UNTOUCHED;

	check_text(units_duration(text, &ns), reason);
	check_int(ns, UNTOUCHED);
}

void test_durations(void)
{
	check_duration("0", 0);
	check_duration("0s", 0);
	check_duration("5ns", 5);
	check_duration("10us", 10000);
	check_duration("250ms", 250000000);
	check_duration("30s", 30 * second);
	check_duration("5m", 300 * second);
	check_duration("1h", 3600 * second);
	check_duration("1d", 86400 * second);
	check_duration("1w", 604800 * second);
	check_duration("007s", 7 * second);
}

void test_durations_with_decimals(void)
{
	check_duration("1.5h", 5400 * second);
	check_duration("0.000000001s", 1);
	check_duration("1.50000000000000000000000000s", 1500000000);
	check_duration("0.0000152587890625w", 9228515625);
}

void test_durations_of_parts(void)
{
	check_duration("1h30m", 5400 * second);
	check_duration("1w1d1h1m1s1ms1us1ns", 694861001001001LL);
	check_duration("1m0.5s", 60500000000);
}

void test_durations_that_are_none(void)
{
	static const char none[] = "not a duration such as 30s, 250ms or 1h30m";
	static const char bare[] = "without a unit: w, d, h, m, s, ms, us or ns";

	check_no_duration("", none);
	check_no_duration("s", none);
	check_no_duration("1x", none);
	check_no_duration("1S", none);
	check_no_duration("1sec", none);
	check_no_duration("1 s", none);
	check_no_duration(" 1s", none);
	check_no_duration("1s ", none);
	check_no_duration("+1s", none);
	check_no_duration("1.s", none);
	check_no_duration(".5s", none);
	check_no_duration("1,5s", none);
	check_no_duration("30m1h", none);
	check_no_duration("1m1m", none);
	check_no_duration("1e3s", none);
	check_no_duration("1h-5m", none);
	check_no_duration("5", bare);
	check_no_duration("1h30", bare);
	check_no_duration("00", bare);
	check_no_duration("-1s", "negative");
}

void test_durations_too_fine_or_too_large(void)
{
	check_duration("9223372036854775807ns", INT64_MAX);
	check_duration("106751d23h47m16.854775807s", INT64_MAX);
	check_no_duration("9223372036854775808ns", "too large");
	check_no_duration("18446744073709551616ns", "too large");
	check_no_duration("15251w", "too large");
	check_no_duration("18446744073709551615w18446744073709551615d", "too large");
	check_no_duration("0.5ns", "finer than a nanosecond");
	check_no_duration("1.0000000001s", "finer than a nanosecond");
	check_no_duration("0.00000000000000000001w", "finer than a nanosecond");
}

void test_signed_durations(void)
{
	int64_t ns = UNTOUCHED;

	check(units_signed_duration("-1h30m", &ns) == NULL);
	check_int(ns, -5400 * second);
	check(units_signed_duration("-9223372036854775808ns", &ns) == NULL);
	check_int(ns, INT64_MIN);
	check(units_signed_duration("-0", &ns) == NULL);
	check_int(ns, 0);
	check_text(units_signed_duration("-9223372036854775809ns", &ns), "too large");
	check(units_signed_duration("--1s", &ns) != NULL);
	check(units_signed_duration("-", &ns) != NULL);
}

static void check_duration_text(int64_t ns, const char *want)
{
	char text[UNITS_DURATION_TEXT_MAX];

	check_int(units_duration_text(ns, text), strlen(want));
	check_text(text, want);
}

void test_duration_text(void)
{
	check_duration_text(0, "0s");
	check_duration_text(1, "1ns");
	check_duration_text(999, "999ns");
	check_duration_text(1000, "1us");
	check_duration_text(1500000, "1.5ms");
	check_duration_text(1000001, "1.000001ms");
	check_duration_text(10050, "10.05us");
	check_duration_text(250000000, "250ms");
	check_duration_text(45500000000, "45.5s");
	check_duration_text(1000000001, "1.000000001s");
	check_duration_text(90 * second, "1m30s");
	check_duration_text(5400 * second, "1h30m");
	check_duration_text(3600 * second + 1, "1h0.000000001s");
	check_duration_text(86400 * second, "1d");
	check_duration_text(8 * 86400 * second, "8d");
	check_duration_text(14 * 86400 * second, "2w");
	check_duration_text(-5400 * second, "-1h30m");
	check_duration_text(INT64_MAX, "106751d23h47m16.854775807s");
	check_duration_text(INT64_MIN, "-106751d23h47m16.854775808s");
}

void test_duration_text_reads_back(void)
{
	uint64_t x = 88172645463325252u;
	char text[UNITS_DURATION_TEXT_MAX];

	/* Marsaglia's xorshift, shifted so that all magnitudes come. */
	for (int i = 0; i < 200000; i++) {
		int64_t ns, back = UNTOUCHED;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		ns = (int64_t)x >> (x % 63);
		if (i % 3 == 0)
			ns -= ns % second;
		check(units_duration_text(ns, text) < UNITS_DURATION_TEXT_MAX);
		check(units_signed_duration(text, &back) == NULL);
		check_int(back, ns);
	}
}

static void check_size(const char *text, uint64_t want)
{
	uint64_t bytes = UNTOUCHED;

	check_text(units_size(text, &bytes) ? "refused" : text, text);
	check(bytes == want);
}

void test_sizes(void)
{
	check_size("0", 0);
	check_size("4096", 4096);
	check_size("4096B", 4096);
	check_size("1k", 1024);
	check_size("1K", 1024);
	check_size("1KiB", 1024);
	check_size("1kB", 1024);
	check_size("64M", 67108864);
	check_size("64MiB", 67108864);
	check_size("64MB", 67108864);
	check_size("2G", 2147483648);
	check_size("1T", UINT64_C(1) << 40);
	check_size("18446744073709551615", UINT64_MAX);
	check_size("16777215T", UINT64_C(16777215) << 40);
}

void test_sizes_that_are_none(void)
{
	static const char *const none[] = {
		"",
		"k",
		"-1",
		"+1",
		"1.5G",
		"1m",
		"1g",
		"1Ki",
		"1b",
		"1MiBx",
		"1 M",
		"1MM",
		"1BB",
	};
	uint64_t bytes = UNTOUCHED;

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		check_text(units_size(none[i], &bytes), "not a size such as 4096, 64k or 16M");
	check_text(units_size("18446744073709551616", &bytes), "too large");
	check_text(units_size("16777216T", &bytes), "too large");
	check_int(bytes, UNTOUCHED);
}

void test_counts(void)
{
	uint64_t count = UNTOUCHED;

	check_text(units_count("", &count), "not a whole number");
	check_text(units_count("-1", &count), "not a whole number");
	check_text(units_count("1.0", &count), "not a whole number");
	check_text(units_count("10k", &count), "not a whole number");
	check_text(units_count("18446744073709551616", &count), "too large");
	check_int(count, UNTOUCHED);
	check(units_count("18446744073709551615", &count) == NULL);
	check(count == UINT64_MAX);
	check(units_count("0", &count) == NULL);
	check_int(count, 0);
}

void test_rates(void)
{
	double rate = UNTOUCHED;

	check(units_rate("100/s", &rate) == NULL && rate == 100);
	check(units_rate("0.5/s", &rate) == NULL && rate == 0.5);
	check(units_rate("90/m", &rate) == NULL && rate == 1.5);
	check(units_rate("7200/h", &rate) == NULL && rate == 2);
	check_text(units_rate("0/s", &rate), "not above zero");
	check_text(units_rate("18446744073709551616/s", &rate), "too large");
	check(units_rate("100", &rate) != NULL);
	check(units_rate("/s", &rate) != NULL);
	check(units_rate("100/d", &rate) != NULL);
	check(units_rate("-1/s", &rate) != NULL);
	check(units_rate("1./s", &rate) != NULL);
	check(units_rate("1/s/s", &rate) != NULL);
	check(rate == 2);
}
