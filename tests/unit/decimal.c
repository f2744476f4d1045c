#include "base/decimalprint.h"

#include <stdio.h>

#include "random.h"
#include "test.h"

#define MOST  "170141183460469231731687303715884105727"
#define LEAST "-170141183460469231731687303715884105728"

/* Read in both ways. */
static struct decimal number(const char *text)
{
	struct decimal d, again;
	char *padded = calloc(1, strlen(text) + DIGITS_WORD);

	memcpy(padded, text, strlen(text));
	check(decimal_is_number(text, strlen(text)));
	check(decimal_parse(&d, text, strlen(text)) == NULL);
	check(decimal_parse_padded(&again, padded, strlen(text)) == NULL);
	check(d.is_double == again.is_double);
	check(d.is_double ? d.number == again.number : d.coefficient == again.coefficient);
	check_int(d.scale, again.scale);
	free(padded);
	return d;
}

/* Those of few digits are written in the short way, too, and no others are. */
static void check_few(const struct decimal *d, const char *want)
{
	bool is_of_few =
		!d->is_double && d->coefficient >= 0 && d->coefficient < 100000000 && d->scale < 8;
	char text[DECIMAL_TEXT_MAX], *end = decimal_print_few(text, d);

	check_int(end != NULL, is_of_few);
	if (end) {
		*end = '\0';
		check_text(text, want);
	}
}

static void check_decimal(const struct decimal *d, bool exact, const char *want)
{
	char text[DECIMAL_TEXT_MAX];

	check_int(decimal_print(text, d), strlen(want));
	check_text(text, want);
	check_int(!d->is_double, exact);
	check_few(d, want);
}

static void check_exact(const char *text, const char *want)
{
	struct decimal d = number(text);

	check_decimal(&d, true, want);
}

/* The digits of a magnitude with a point in them, as sprintf gives them. */
static void check_printed(uint64_t magnitude, bool negative, int scale)
{
	struct decimal d = {.scale = (uint8_t)scale};
	char digits[64], want[DECIMAL_TEXT_MAX];
	int whole;

	d.coefficient = negative ? -(decimal_coefficient)magnitude : (decimal_coefficient)magnitude;
	whole = sprintf(digits, "%0*llu", scale + 1, (unsigned long long)magnitude) - scale;
	sprintf(want, "%s%.*s%s%s", negative ? "-" : "", whole, digits, scale ? "." : "",
		digits + whole);
	check_decimal(&d, true, want);
}

void test_prints_all_lengths_and_scales(void)
{
	random_seed();
	for (int scale = 0; scale <= 20; scale++) {
		uint64_t power = 1;

		for (int length = 1; length <= 19; length++, power *= 10) {
			check_printed(power - 1, power > 1 && scale % 2, scale);
			check_printed(power, false, scale);
			check_printed(power, true, scale);
			check_printed(power + random_below(9 * power), scale % 3, scale);
		}
	}
}

static void check_inexact(const char *text, const char *want)
{
	struct decimal d = number(text);

	check_decimal(&d, false, want);
}

void test_size(void)
{
	check_int(sizeof(struct decimal), 24);
	check_int(sizeof(struct decimal_sum), 24);
}

void test_numbers(void)
{
	static const char *const yes[] = {
		"0",
		"-0",
		"1",
		"-12",
		"0.5",
		"1.10",
		"1e5",
		"1E+5",
		"1.5e-05",
		"-0.0e0",
	};
	static const char *const no[] = {
		"",
		"-",
		"+1",
		"01",
		"-01",
		".5",
		"1.",
		"1.e5",
		"1e",
		"1e+",
		"e5",
		"1 ",
		" 1",
		"0x1",
		"1e5.",
		"NaN",
		"inf",
		"1,5",
		"--1",
		"1-1",
		"1_0",
	};

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		check(decimal_is_number(yes[i], strlen(yes[i])));
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		check(!decimal_is_number(no[i], strlen(no[i])));
	check(decimal_is_number("12x", 2));
}

void test_parse_keeps_what_is_written(void)
{
	check_exact("0", "0");
	check_exact("-0", "0");
	check_exact("-0.00", "0.00");
	check_exact("1.10", "1.10");
	check_exact("-0.05", "-0.05");
	check_exact("1e3", "1000");
	check_exact("1.50e1", "15.0");
	check_exact("1.5e-3", "0.0015");
	check_exact("0e5", "0");
	check_exact("9999999999999999999", "9999999999999999999");
	check_exact("99999999999999999999", "99999999999999999999");
	check_exact(MOST, MOST);
	check_exact(LEAST, LEAST);
	check_exact("1e38", "100000000000000000000000000000000000000");
	check_exact("1e-38", "0.00000000000000000000000000000000000001");
	check_exact("1.0000000000000000000000000000000000000000",
		"1.00000000000000000000000000000000000000");
	check_exact("20.00000000000000000000000000000000000000",
		"20.000000000000000000000000000000000000");
	check_exact("0.00000000000000000000000000000000000000000001e44", "1");
	check_exact("0e-999999999999999999999", "0.00000000000000000000000000000000000000");
}

/* The text's own digits: the byte before it and those behind it are digits and points as well. */
static void check_digits(const char *text, size_t len, bool padded)
{
	struct decimal d;
	const char *point = memchr(text, '.', len);
	int64_t want = 0;

	for (size_t i = 0; i < len; i++)
		want = text[i] == '.' || text[i] == '-' ? want : want * 10 + (text[i] - '0');
	check((padded ? decimal_parse_padded(&d, text, len) : decimal_parse(&d, text, len)) ==
		NULL);
	check(!d.is_double && d.coefficient == (*text == '-' ? -want : want));
	check_int(d.scale, point ? (size_t)(text + len - point - 1) : 0);
}

void test_parse_each_length_and_place_of_the_point(void)
{
	char text[64] = ".9";

	for (size_t len = 1; len <= 12; len++)
		for (size_t point = 1; point <= len; point++)
			for (unsigned round = 0; round < 200; round++) {
				for (size_t i = 0; i <= len + 8; i++)
					text[2 + i] = (char)('0' + random_below(10));
				text[2 + len] = round % 2 ? '.' : '5';
				if (point < len - 1)
					text[2 + point] = '.';
				if (round % 3 == 0 && len > 1 && text[3] != '.')
					text[2] = '-';
				check_digits(text + 2, len, false);
				check_digits(text + 2, len, true);
			}
}

void test_parse_goes_over_to_double(void)
{
	struct decimal d;

	check_inexact("170141183460469231731687303715884105728", "1.7014118346046923e+38");
	check_inexact("1e39", "1e+39");
	check_inexact("1e-39", "1e-39");
	check_inexact("5e-324", "5e-324");
	check_inexact("-1e-400", "0");
	check_inexact("1e-99999999999999999999", "0");
	check_inexact("1.7976931348623157e308", "1.7976931348623157e+308");
	check_text(decimal_parse(&d, "1e309", 5), "number out of range");
	check_text(decimal_parse(&d, "-1e99999999999999999999", 23), "number out of range");
}

/* 1 + 2^-53 lies half-way between 1 and the next double; a digit far behind decides. */
void test_parse_rounds_by_the_last_digit(void)
{
	static const char half[] = "1.00000000000000011102230246251565404236316680908203125";
	char text[2000];

	check_inexact(half, "1");
	memcpy(text, half, sizeof(half) - 1);
	memset(text + sizeof(half) - 1, '0', sizeof(text) - sizeof(half));
	text[sizeof(text) - 1] = '\0';
	check_inexact(text, "1");
	text[sizeof(text) - 2] = '1';
	check_inexact(text, "1.0000000000000002");
}

void test_conversions(void)
{
	struct decimal d = decimal_from_integer(INT64_MIN);

	check_decimal(&d, true, "-9223372036854775808");
	check(decimal_from_double(&d, -0.0) == NULL);
	check_decimal(&d, false, "0");
	check(decimal_from_double(&d, 0.1) == NULL);
	check_decimal(&d, false, "0.1");
	check_text(decimal_from_double(&d, strtod("inf", NULL)), "number out of range");
	check_text(decimal_from_double(&d, strtod("nan", NULL)), "number out of range");
	d = number("0.1");
	check(decimal_to_double(&d) == 0.1);
	d = number("-9007199254740993");
	check(decimal_to_double(&d) == -9007199254740992.0);
}

typedef const char *operation(struct decimal *, const struct decimal *, const struct decimal *);

static void check_result(
	operation *work, const char *a, const char *b, bool exact, const char *want)
{
	struct decimal x = number(a), y = number(b), result;

	check(work(&result, &x, &y) == NULL);
	check_decimal(&result, exact, want);
	check(work(&x, &x, &y) == NULL);
	check_decimal(&x, exact, want);
}

void test_add_and_subtract(void)
{
	check_result(decimal_add, "0.1", "0.2", true, "0.3");
	check_result(decimal_add, "1.10", "2", true, "3.10");
	check_result(decimal_add, MOST, "-1", true, "170141183460469231731687303715884105726");
	check_result(decimal_add, MOST, "1", false, "1.7014118346046923e+38");
	check_result(decimal_add, LEAST, MOST, true, "-1");
	check_result(decimal_add, MOST, "0.0", true, MOST);
	check_result(decimal_subtract, "1", LEAST, false, "1.7014118346046923e+38");
	check_result(decimal_subtract, "-1", LEAST, true, MOST);
	check_result(decimal_subtract, LEAST, LEAST, true, "0");
	check_result(decimal_subtract, "1", "1.00", true, "0.00");
	check_result(decimal_add, "1e300", "1", false, "1e+300");
}

void test_multiply(void)
{
	check_result(decimal_multiply, "1.10", "-2.0", true, "-2.200");
	check_result(decimal_multiply, "0", "-5", true, "0");
	check_result(
		decimal_multiply, "1e20", "1e18", true, "100000000000000000000000000000000000000");
	check_result(decimal_multiply, "1e20", "1e19", false, "1e+39");
	check_result(decimal_multiply, "5e-20", "2e-19", true,
		"0.00000000000000000000000000000000000001");
	check_result(decimal_multiply, "1e-20", "1e-19", false, "1e-39");
	check_result(decimal_multiply, LEAST, LEAST, false, "2.894802230932905e+76");
}

void test_divide(void)
{
	check_result(decimal_divide, "6", "3", true, "2");
	check_result(decimal_divide, "0.6", "0.2", true, "3");
	check_result(decimal_divide, "10.0", "4", true, "2.5");
	check_result(decimal_divide, "2", "5.00", true, "0.4");
	check_result(decimal_divide, "3.0", "1", true, "3");
	check_result(decimal_divide, "-7", "1024", true, "-0.0068359375");
	check_result(decimal_divide, "1", "3", false, "0.3333333333333333");
	check_result(decimal_divide, "-2", "3", false, "-0.6666666666666666");
	check_result(decimal_divide, "0", "-3", true, "0");
	check_result(decimal_divide, LEAST, "-1", false, "1.7014118346046923e+38");
	check_result(decimal_divide, MOST, "1e-38", false, "1.7014118346046923e+76");
	check_result(decimal_divide, "1e38", "1e-38", false, "1e+76");
}

void test_modulo(void)
{
	check_result(decimal_modulo, "7", "3", true, "1");
	check_result(decimal_modulo, "-7", "3", true, "-1");
	check_result(decimal_modulo, "7", "-3", true, "1");
	check_result(decimal_modulo, "0.5", "0.3", true, "0.2");
	check_result(decimal_modulo, "-6", "3.0", true, "0.0");
	check_result(decimal_modulo, LEAST, "-1", true, "0");
	check_result(decimal_modulo, MOST, "0.00000000000000000000000000000000000003", true,
		"0.00000000000000000000000000000000000001");
	check_result(decimal_modulo, "1e300", "7", false, "1");
}

void test_refusals(void)
{
	struct decimal one = number("1"), zero = number("0.00"), tiny = number("1e-400"),
		       huge = number("1e308"), result;

	check_text(decimal_divide(&result, &one, &zero), "division by zero");
	check_text(decimal_modulo(&result, &one, &zero), "division by zero");
	check_text(decimal_divide(&result, &one, &tiny), "division by zero");
	check_text(decimal_modulo(&result, &one, &tiny), "division by zero");
	check_text(decimal_multiply(&result, &huge, &huge), "number out of range");
	check_text(decimal_add(&result, &huge, &huge), "number out of range");
}

void test_negate(void)
{
	struct decimal d = number("-1.50");

	decimal_negate(&d);
	check_decimal(&d, true, "1.50");
	d = number(LEAST);
	decimal_negate(&d);
	check_decimal(&d, false, "1.7014118346046923e+38");
	d = number("1e-400");
	decimal_negate(&d);
	check_decimal(&d, false, "0");
}

static void check_order(const char *a, const char *b, int want)
{
	struct decimal x = number(a), y = number(b);
	int there = decimal_compare(&x, &y), back = decimal_compare(&y, &x);

	check_int((there > 0) - (there < 0), want);
	check_int((back > 0) - (back < 0), -want);
}

void test_compare(void)
{
	check_order("1", "1.00", 0);
	check_order("-0", "0.0", 0);
	check_order("0.1", "0.10000000000000000000000000000000000001", -1);
	check_order(MOST, "0.00000000000000000000000000000000000001", 1);
	check_order(LEAST, "-0.5", -1);
	check_order(LEAST, MOST, -1);
}

/* 2^127 and the double of 0.1 (0.1000000000000000055511151231257827…) are not what we hold. */
void test_compare_with_double(void)
{
	struct decimal tenth, d = number("0.1");

	check_order(MOST, "170141183460469231731687303715884105728", -1);
	check_order(LEAST, "-1.7014118346046923173168730371588410572800000e38", 0);
	check_order("1", "1e300", -1);
	check_order("1", "-1e300", 1);
	check_order("0", "1e-300", -1);
	check_order("0", "1e-400", 0);
	check_order("0.00000000000000000000000000000000000001", "1e-39", 1);
	check(decimal_from_double(&tenth, 0.1) == NULL);
	check(decimal_compare(&d, &tenth) < 0);
	d = number("0.10000000000000000555111512312578270211");
	check(decimal_compare(&d, &tenth) < 0);
	d = number("0.10000000000000000555111512312578270212");
	check(decimal_compare(&d, &tenth) > 0);
	check(decimal_from_double(&tenth, -0.5) == NULL);
	d = number("-0.50");
	check_int(decimal_compare(&d, &tenth), 0);
}

static void add(struct decimal_sum *s, const char *text)
{
	struct decimal d = number(text);

	decimal_sum_add(s, &d);
}

static void check_sum(const struct decimal_sum *s, bool exact, const char *want)
{
	struct decimal total;

	check(decimal_sum_value(s, &total) == NULL);
	check_decimal(&total, exact, want);
}

static void check_average(const struct decimal_sum *s, uint64_t count, bool exact, const char *want)
{
	struct decimal mean;

	check(decimal_sum_average(s, count, &mean) == NULL);
	check_decimal(&mean, exact, want);
}

void test_sum_of_ten_million_cents(void)
{
	struct decimal cent = number("0.01");
	struct decimal_sum s;

	decimal_sum_init(&s);
	check_sum(&s, true, "0");
	for (int i = 0; i < 10000000; i++)
		decimal_sum_add(&s, &cent);
	check_sum(&s, true, "100000.00");
	check_average(&s, 10000000, false, "0.01");
}

static void add_integer(struct decimal_sum *s, int64_t value)
{
	struct decimal d = decimal_from_integer(value);

	decimal_sum_add(s, &d);
}

void test_sum_has_the_largest_scale(void)
{
	struct decimal_sum s;

	decimal_sum_init(&s);
	add_integer(&s, 5);
	add(&s, "1.250");
	add_integer(&s, -5);
	add(&s, "0.75");
	check_sum(&s, true, "2.000");
	check_average(&s, 2, true, "1");
}

/* 1 and 1 leave no room for 38 places; when one is taken away there is room again. */
void test_sum_takes_back_a_scale_given_up(void)
{
	struct decimal_sum s;

	decimal_sum_init(&s);
	add(&s, "1.00000000000000000000000000000000000000");
	add(&s, "1.00000000000000000000000000000000000000");
	check_sum(&s, true, "2.0000000000000000000000000000000000000");
	add(&s, "-1");
	check_sum(&s, true, "1.00000000000000000000000000000000000000");
}

void test_sum_says_that_it_left_the_exact_range(void)
{
	struct decimal_sum s;

	decimal_sum_init(&s);
	add(&s, MOST);
	check(!s.is_double);
	add_integer(&s, 1);
	check(s.is_double);
	add(&s, "-1e38");
	add(&s, "-70141183460469231731687303715884105728");
	check_sum(&s, false, "0");
}

/* Without compensation the ones are lost. */
void test_sum_of_doubles_is_compensated(void)
{
	struct decimal_sum s;

	decimal_sum_init(&s);
	add(&s, "1e100");
	for (int i = 0; i < 1000; i++)
		add_integer(&s, 1);
	add(&s, "-1e100");
	check_sum(&s, false, "1000");
	check_average(&s, 16, false, "62.5");
}

void test_sum_out_of_range(void)
{
	struct decimal_sum s;
	struct decimal d;

	decimal_sum_init(&s);
	add(&s, "1.7e308");
	add(&s, "1.7e308");
	check_text(decimal_sum_value(&s, &d), "number out of range");
	check_text(decimal_sum_average(&s, 2, &d), "number out of range");
}

static void check_mean(const char *total, uint64_t count, bool exact, const char *want)
{
	struct decimal_sum s;

	decimal_sum_init(&s);
	add(&s, total);
	check_average(&s, count, exact, want);
}

/* Between 2^52 and 2^53 the doubles are the integers, so these means lie half-way; or next to it.
 */
void test_average_rounds_ties_to_even(void)
{
	check_mean("9007199254740993", 1, true, "9007199254740993");
	check_mean("9007199254740993", 2, false, "4503599627370496");
	check_mean("9007199254740995", 2, false, "4503599627370498");
	check_mean("-9007199254740995", 2, false, "-4503599627370498");
	check_mean("9007199254740993.00000000000000000001", 2, false, "4503599627370497");
	check_mean("9007199254740994.99999999999999999999", 2, false, "4503599627370497");
	check_mean("9007199254740996", 2, true, "4503599627370498");
}

/* Each length, with the point in each place, and each digit. */
void test_every_length(void)
{
	static const char *const digits[] = {"1234567890123", "9081726354098"};

	for (size_t len = 1; len <= 12; len++)
		for (size_t point = 1; point <= len; point++)
			for (size_t i = 0; i < 4; i++) {
				bool negative = i & 1;
				char text[16] = "-", *to = text + negative;

				memcpy(to, digits[i / 2], len);
				if (point < len) {
					memmove(to + point + 1, to + point, len - point);
					to[point] = '.';
				}
				check_exact(text, text);
			}
	check_exact("-0.00", "0.00");
	check_exact("0.007", "0.007");
	check_exact("1e5", "100000");
	check_exact("1.5e1", "15");
	check_exact("12.5E-2", "0.125");
}

static bool unpack(struct decimal *d, const char *bytes, size_t len)
{
	const char *at = bytes;

	return decimal_unpack(d, &at, bytes + len) && at == bytes + len;
}

/* Packed, unpacked, and as it was; cut, it is none. */
static void check_packed(const char *text, size_t len)
{
	struct decimal d = number(text), back;
	char want[DECIMAL_TEXT_MAX];
	struct buf b = {0};

	decimal_pack(&d, &b);
	check_int(b.len, len);
	check(unpack(&back, b.data, b.len));
	decimal_print(want, &d);
	check_decimal(&back, !d.is_double, want);
	for (size_t cut = 0; cut < b.len; cut++)
		check(!unpack(&back, b.data, cut));
	buf_release(&b);
}

void test_packed(void)
{
	check_packed("0", 2);
	check_packed("-0", 2);
	check_packed("0.000", 2);
	check_packed("63", 2);
	check_packed("-64", 2);
	check_packed("64", 3);
	check_packed("12.50", 3);
	check_packed("-123456.78", 5);
	check_packed("1e-38", 2);
	check_packed(MOST, 20);
	check_packed(LEAST, 20);
	check_packed("1e300", 9);
	check_packed("-1e-300", 9);
	check_packed("1e-400", 9);
}

void test_packed_damage(void)
{
	struct decimal d;

	check(unpack(&d, "\x26\x02", 2));
	check(!unpack(&d, "\x28\x02", 2));
	check(!unpack(&d, "\x27\0\0\0\0\0\0\0\x80", 9));
	check(!unpack(&d, "\x27\0\0\0\0\0\0\xf0\x7f", 9));
	check(!unpack(&d, "\x27\0\0\0\0\0\0\xf8\x7f", 9));
	check(unpack(&d, "\x27\0\0\0\0\0\0\0\0", 9));
}

/* At every step the sum is packed, and goes on as its twin. */
static void check_packed_sums(const char *const *numbers, size_t n)
{
	struct decimal_sum plain, packed;
	struct decimal a, b;
	char want[DECIMAL_TEXT_MAX];
	struct buf bytes = {0};

	decimal_sum_init(&plain);
	decimal_sum_init(&packed);
	for (size_t i = 0; i < n; i++) {
		const char *at;

		add(&plain, numbers[i]);
		add(&packed, numbers[i]);
		buf_clear(&bytes);
		decimal_sum_pack(&packed, &bytes);
		for (size_t cut = 0; cut < bytes.len; cut++) {
			at = bytes.data;
			check(!decimal_sum_unpack(&packed, &at, at + cut));
		}
		at = bytes.data;
		check(decimal_sum_unpack(&packed, &at, at + bytes.len));
		check(at == bytes.data + bytes.len);
		check(!decimal_sum_value(&plain, &a) == !decimal_sum_value(&packed, &b));
		if (decimal_sum_value(&plain, &a))
			continue;
		decimal_print(want, &a);
		check_decimal(&b, !a.is_double, want);
	}
	buf_release(&bytes);
}

void test_packed_sums(void)
{
	static const char *const exact[] = {"0", "0.1", "-0.10", "1.234", "99999999999999999999"};
	/* a scale that is given up, and can be had again */
	static const char *const raised[] = {"1e-38", "1e30", "-1e30", "1e-38"};
	static const char *const doubles[] = {"1", "1e300", "0.1", "1e-5", "-1e300", "7"};
	static const char *const beyond[] = {MOST, "1", "1e308", "1e308", "-1e308"};

	check_packed_sums(exact, sizeof(exact) / sizeof(*exact));
	check_packed_sums(raised, sizeof(raised) / sizeof(*raised));
	check_packed_sums(doubles, sizeof(doubles) / sizeof(*doubles));
	check_packed_sums(beyond, sizeof(beyond) / sizeof(*beyond));
}

void test_packed_sums_damage(void)
{
	static const char *const wrong[] = {"\x27", "\x28\x02", "\x45\x05\x02", "\x45\x04\x02",
		"\x45\x27\x02", "\x67\x27\x02", "\x7f\x26\x02"};
	struct decimal_sum s;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const char *at = wrong[i];

		check(!decimal_sum_unpack(&s, &at, wrong[i] + strlen(wrong[i])));
	}
}
