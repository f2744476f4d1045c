#include "flow/moments.h"

#include <math.h>

#include "seeded.h"
#include "test.h"

/* Worked out with Python's fractions, and a root of 120 digits, rounded once. */
static const struct {
	const char *values;
	double stddev;
} vectors[] = {
	{"1 1", 0.0},
	{"1 2", 0.7071067811865476},
	{"1.1 1.2 1.3", 0.1},
	{"0 0.00", 0.0},
	{"-5 5", 7.0710678118654755},
	{"1000000000000000 1000000000000001 1000000000000002", 1.0},
	{"9999999999999999.99 9999999999999999.98", 0.007071067811865475},
	{"0.0000000001 0.0000000003", 1.414213562373095e-10},
	{"2 4 4 4 5 5 7 9", 2.138089935299395},
	{"1e3 1000.0 999", 0.5773502691896257},
	{"0.0000000000000000001 0.0000000000000000002 0.0000000000000000004",
		1.5275252316519467e-19},
	{"9000000000000000001 -9000000000000000003", 1.2727922061357855e+19},
	{"100000000000000000.5 -100000000000000000.5", 1.414213562373095e+17},
	{"3.14 -2.71828 1.41421356 0.5772156649", 2.458048126738297},
	{"-1000000082 -1000000007 -999999971 -1000000091 -999999989 -1000000085.7 -1000000077",
		51.96132719445803},
	{"61 47 -88 -89 -26 -64 46 43", 65.15859772234865},
	{"-66 54 68 37", 60.83515978993288},
	{"1000053.501 999994.786 999981.40 999948.255769 999981.90519 1000047 1000072.09 "
	 "999990.040",
		43.34383336307443},
	{"31 -66.3 -68.9 -13.7 71 95 87.76 -30.4 14.74", 62.84454771718687},
	{"-1000000077 -999999944.65 -1000000085 -999999910.62 -1000000025.395 -999999924.717 "
	 "-1000000092.61 -1000000006.818 -999999974.9",
		70.33726569200553},
	{"57.3 -57.62 -18.6", 58.43796825124341},
	{"-1000000058 -999999994.712 -1000000041.7330 -999999932.3 -999999955.764 -999999963.92 "
	 "-999999975.34 -1000000069.1",
		51.19708422762682},
	{"78 -87 80.2", 95.90418829922567},
	{"999937 1000009.4 1000024.8 1000004.40", 38.91409341956545},
	{"78.408 -17.7122 4.589 -72.859", 62.6543086265954},
	{"-1000000052 -1000000047 -1000000057.454 -1000000013 -1000000088.9741 -1000000100 "
	 "-1000000068.2775 -1000000078.7214 -1000000091.65",
		27.264296522441416},
	{"-11.0990 39.9 23.83", 26.074182448033405},
	{"24 25.932 -18.250 -64 91 -13.25 81.418", 55.474139821653665},
	{"94.7 -24.1351 41.3 91.7102", 55.696614203042},
	{"999930.53807 999987.61572", 40.359993369192345},
	{"1000036 1000030.3 1000056 999961 1000051.5 999951 999972.8", 45.04370893127823},
	{"999966 1000077", 78.48885271170677},
	{"999926.39 999920.9 999996.2 999969.1 999998.8 1000022 999927.78", 41.22523920632902},
	{"-43.202 76.682 -61.58", 75.08473544824763},
	{"-999999915 -1000000065.2 -1000000094.4 -999999979.1 -999999928.071 -999999974.8 "
	 "-999999927.702 -1000000048.92",
		69.38021675508188},
	{"34 11 -46 -36", 38.06463800782383},
	{"16.82 21.4 80.8 -75 25.92", 56.098213162274604},
	{"-1000000072.5770 -1000000068.1577 -999999992.9306 -999999988 -999999975.4 -999999902 "
	 "-1000000064.8 -1000000003.1 -999999947.9160",
		58.32325498010587},
	{"69.85 16.4846 -72.185", 71.74504060249275},
	{"-81.4 39", 85.13565645486032},
};

static struct decimal number(const char *text, size_t len)
{
	struct decimal d;

	check(decimal_parse(&d, text, len) == NULL);
	return d;
}

static void add(struct moments *m, const char *text)
{
	struct decimal d = number(text, strlen(text));

	moments_add(m, &d);
}

static double stddev_of(const struct moments *m)
{
	double stddev;

	check(moments_stddev(m, &stddev) == NULL);
	return stddev;
}

static void check_near(double got, double want, double tolerance)
{
	if (fabs(got - want) > tolerance * fabs(want)) {
		fprintf(stderr, "got %.17g, want %.17g\n", got, want);
		exit(1);
	}
}

/* One of two roundings to the double next to it. */
static void check_last_digit(double got, double want)
{
	check_near(got, want, 0x1p-52);
}

/* All in one, and each value to one of two by its turn. */
static void add_words(const char *words, struct moments *all, struct moments parts[2])
{
	for (int turn = 0; *words; turn++) {
		size_t len = strcspn(words, " ");
		struct decimal d = number(words, len);

		moments_add(all, &d);
		moments_add(&parts[turn % 2], &d);
		words += len + (words[len] == ' ');
	}
}

void test_vectors(void)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		struct moments all = {0}, parts[2] = {{0}}, other_way = {0};

		add_words(vectors[i].values, &all, parts);
		check(!all.is_double);
		check_last_digit(stddev_of(&all), vectors[i].stddev);
		moments_merge(&other_way, &parts[1]);
		moments_merge(&other_way, &parts[0]);
		moments_merge(&parts[0], &parts[1]);
		check(!parts[0].is_double && !other_way.is_double);
		check(stddev_of(&parts[0]) == stddev_of(&all));
		check(stddev_of(&other_way) == stddev_of(&all));
	}
}

void test_roots_that_are_whole(void)
{
	struct moments m = {0};

	add(&m, "1.1");
	add(&m, "1.2");
	add(&m, "1.3");
	check(stddev_of(&m) == 0.1);
	m = (struct moments){0};
	for (int i = 0; i < 1000; i++)
		add(&m, "0.7");
	check(stddev_of(&m) == 0);
}

/* The variance of 1 to n is n (n + 1) / 12, wherever they begin. */
void test_what_is_far_from_zero(void)
{
	enum { COUNT = 100000 };
	struct moments near = {0}, far = {0};

	for (int64_t i = 0; i < COUNT; i++) {
		struct decimal a = decimal_from_integer(i);
		struct decimal b = decimal_from_integer(-INT64_C(10000000000000000) - i);

		moments_add(&near, &a);
		moments_add(&far, &b);
	}
	check(!near.is_double && !far.is_double);
	check_last_digit(stddev_of(&near), sqrt(COUNT * (COUNT + 1.0) / 12));
	check(stddev_of(&far) == stddev_of(&near));
}

/* Two passes in long doubles. */
static double two_passes(const double *values, size_t n)
{
	long double mean = 0, distance = 0;

	for (size_t i = 0; i < n; i++)
		mean += values[i];
	mean /= (long double)n;
	for (size_t i = 0; i < n; i++)
		distance += (values[i] - mean) * (values[i] - mean);
	return (double)sqrtl(distance / (long double)(n - 1));
}

/* The place where exactness ends depends on the values alone; beyond it nothing is far off. */
void test_the_limit_is_of_the_values(void)
{
	static const char *const words[] = {"9223372036854775807", "0.1", "-9000000000000000000",
		"1.00", "8e18", "3", "8.6e18", "-8.7e18"};
	enum { WORDS = sizeof(words) / sizeof(*words) };
	struct random r = random_begin();

	for (unsigned set = 1; set < 1 << WORDS; set++) {
		int is_double = -1;

		for (int turn = 0; turn < 50; turn++) {
			struct moments m = {0};
			double values[WORDS];
			unsigned left = set;

			while (left) {
				uint64_t i = random_below(&r, WORDS);

				if (!(left >> i & 1))
					continue;
				values[m.count] = atof(words[i]);
				add(&m, words[i]);
				left &= ~(1u << i);
			}
			check(is_double < 0 || m.is_double == is_double);
			is_double = m.is_double;
			if (m.count > 1)
				check_near(stddev_of(&m), two_passes(values, m.count), 1e-13);
		}
	}
}

void test_places_beyond_the_limit(void)
{
	struct moments m = {0};

	add(&m, "0");
	add(&m, "0.0000000000000000003");
	check(!m.is_double);
	add(&m, "0.00000000000000000030");
	check(m.is_double);
	check_near(stddev_of(&m), 3e-19 / sqrt(3), 1e-15);
}

void test_doubles(void)
{
	enum { COUNT = 1000 };
	struct random r = random_begin();
	double values[COUNT];

	for (int turn = 0; turn < 200; turn++) {
		struct moments all = {0}, parts[2] = {{0}};
		double scale = pow(10, 80 * random_unit(&r) - 40), middle = 100 * random_unit(&r);
		size_t n = 2 + random_below(&r, COUNT - 2);

		for (size_t i = 0; i < n; i++) {
			struct decimal d;

			values[i] = scale * (middle + random_unit(&r));
			check(decimal_from_double(&d, values[i]) == NULL);
			moments_add(&all, &d);
			moments_add(&parts[random_below(&r, 2)], &d);
		}
		check(all.is_double);
		check_near(stddev_of(&all), two_passes(values, n), 1e-11);
		moments_merge(&parts[0], &parts[1]);
		check_int(parts[0].count, n);
		check_near(stddev_of(&parts[0]), two_passes(values, n), 1e-11);
	}
}

/* What was exact so far is not lost when a double comes. */
static void check_double_after(const char *a, const char *b)
{
	struct moments m = {0}, exact = {0}, alone = {0};

	for (int i = 0; i < 1000; i++)
		add(&exact, i % 2 ? a : b);
	m = exact;
	add(&m, "1.000000000000002e-45");
	check(m.is_double);
	add(&alone, "1.000000000000002e-45");
	moments_merge(&alone, &exact);
	check(alone.is_double);
	check_int(alone.count, 1001);
	/* a thousand values of 10^15, and one as far off */
	check_near(stddev_of(&m), 1e15 / sqrt(1001), 1e-9);
	check_near(stddev_of(&alone), 1e15 / sqrt(1001), 1e-9);
	add(&m, "0");
	add(&alone, a);
	moments_merge(&m, &alone);
	check_near(stddev_of(&m), 1e15 * sqrt(3 * 2001.0 / 2004 / 2003), 1e-9);
}

void test_doubles_after_exact_ones(void)
{
	check_double_after("1000000000000001", "1000000000000003");
	check_double_after("-1000000000000001", "-1000000000000003");
}

void test_zeros_are_empty(void)
{
	struct moments m = {0}, other = {0};

	moments_merge(&m, &other);
	check_int(m.count, 0);
	add(&other, "5");
	moments_merge(&m, &other);
	add(&m, "1e-50");
	check_int(m.count, 2);
	check_near(stddev_of(&m), 5 / sqrt(2), 1e-15);
	other = (struct moments){0};
	moments_merge(&other, &m);
	check_int(other.count, 2);
	check(stddev_of(&other) == stddev_of(&m));
}

void test_out_of_range(void)
{
	struct moments m = {0};
	double stddev;

	add(&m, "1e200");
	add(&m, "-1e200");
	check_text(moments_stddev(&m, &stddev), "number out of range");
}
