#include "flow/quantile.h"

#include <float.h>
#include <math.h>

#include "base/compact.h"
#include "damage.h"
#include "seeded.h"
#include "test.h"

enum { COUNT = 5000 };

static const char *const places[] = {
	"0",
	"0.001",
	"0.01",
	"0.05",
	"0.1",
	"0.25",
	"0.29",
	"0.5",
	"0.75",
	"0.9",
	"0.95",
	"0.99",
	"0.995",
	"0.999",
	"0.9999",
	"1",
};

enum { PLACES = sizeof(places) / sizeof(*places) };

static struct decimal number(const char *text)
{
	struct decimal d;

	check(decimal_parse(&d, text, strlen(text)) == NULL);
	return d;
}

static double at(const struct quantile *q, const char *place)
{
	struct decimal d = number(place);

	return quantile_at(q, &d);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The lower quantile of sorted values, by a place of at most four digits. */
static double exact_at(const double *sorted, size_t n, const char *place)
{
	uint64_t of_10000 = (uint64_t)llround(atof(place) * 10000);

	return sorted[of_10000 * (n - 1) / 10000];
}

static void add_all(struct quantile *q, const double *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		quantile_add(q, values[i]);
}

/* Leaves the values sorted. */
static void check_values(double *values, size_t n)
{
	struct quantile q = {0};

	add_all(&q, values, n);
	qsort(values, n, sizeof(*values), by_value);
	check_int(quantile_count(&q), n);
	check(at(&q, "0") == values[0]);
	check(at(&q, "1") == values[n - 1]);
	for (size_t i = 0; i < PLACES; i++) {
		double want = exact_at(values, n, places[i]), got = at(&q, places[i]);

		if (fabs(got - want) > 0.01 * fabs(want)) {
			fprintf(stderr, "%s of %zu: got %.17g, want %.17g\n", places[i], n, got,
				want);
			exit(1);
		}
	}
	quantile_release(&q);
}

typedef double distribution(struct random *r);

static double uniform(struct random *r)
{
	return 1000 * random_unit(r);
}

static double exponential(struct random *r)
{
	return -log(1 - random_unit(r)) * 3;
}

/* Of infinite mean. */
static double pareto(struct random *r)
{
	return pow(1 - random_unit(r), -1 / 0.8);
}

static double negative(struct random *r)
{
	return -exponential(r) - 0.001;
}

static double mixed(struct random *r)
{
	return random_below(r, 10) ? (random_unit(r) - 0.5) * pareto(r) : 0;
}

static double equal(struct random *r)
{
	(void)r;
	return 0.1;
}

static double few(struct random *r)
{
	return (double)random_below(r, 7) - 3;
}

/* Over seventeen powers of ten. */
static double broad(struct random *r)
{
	return pow(10, 17 * random_unit(r)) * (random_below(r, 2) ? 1 : -1);
}

static double powers_of_gamma(struct random *r)
{
	return pow(1.02, (double)random_below(r, 1000) - 500);
}

static distribution *const distributions[] = {
	uniform,
	exponential,
	pareto,
	negative,
	mixed,
	equal,
	few,
	broad,
	powers_of_gamma,
};

enum { DISTRIBUTIONS = sizeof(distributions) / sizeof(*distributions) };

void test_error_against_sorting(void)
{
	struct random r = random_begin();
	static double values[COUNT];

	for (size_t i = 0; i < DISTRIBUTIONS; i++)
		for (size_t n = 1; n <= COUNT; n = n * 3 / 2 + 1) {
			for (size_t j = 0; j < n; j++)
				values[j] = distributions[i](&r);
			check_values(values, n);
		}
}

void test_extremes_of_doubles(void)
{
	double values[] = {DBL_MAX, -DBL_MAX, DBL_MAX, -DBL_MAX, DBL_MAX, -DBL_MAX};
	double small[] = {DBL_MIN, DBL_MIN * 1.5, DBL_MIN * 2, 0, -DBL_MIN, -DBL_MIN * 3};
	struct quantile q = {0};

	check_values(values, 6);
	check_values(small, 6);
	for (int i = 0; i < 3; i++)
		quantile_add(&q, DBL_TRUE_MIN);
	check(at(&q, "0.5") == DBL_TRUE_MIN);
	quantile_add(&q, -0.0);
	quantile_add(&q, 1);
	check(at(&q, "0.5") == 0);
	check(!signbit(at(&q, "0")));
	quantile_release(&q);
}

void test_zeros_are_empty(void)
{
	struct quantile q = {0}, other = {0};

	check_int(quantile_count(&q), 0);
	check_int(quantile_bytes(&q), 0);
	quantile_merge(&q, &other);
	check_int(quantile_bytes(&q), 0);
	quantile_release(&q);
}

/* In doubles 0.29 * 100 is below 29. */
void test_rank_is_exact(void)
{
	struct quantile q = {0};

	for (int i = 0; i <= 100; i++)
		quantile_add(&q, pow(1.1, i));
	check(fabs(at(&q, "0.29") / pow(1.1, 29) - 1) <= 0.01);
	check(fabs(at(&q, "0.2899999999999999999999") / pow(1.1, 28) - 1) <= 0.01);
	check(fabs(at(&q, "0.99") / pow(1.1, 99) - 1) <= 0.01);
	quantile_release(&q);
}

/* The smallest magnitudes are no longer told apart; the others are as good as ever. */
void test_beyond_all_buckets(void)
{
	struct random r = random_begin();
	static double values[COUNT];
	struct quantile q = {0};

	for (size_t i = 0; i < COUNT; i++)
		values[i] = pow(10, 600 * random_unit(&r) - 300) * (random_below(&r, 2) ? 1 : -1);
	add_all(&q, values, COUNT);
	qsort(values, COUNT, sizeof(*values), by_value);
	check(quantile_bytes(&q) <= 128 << 10);
	for (size_t i = 0; i < COUNT; i++) {
		struct decimal n = decimal_from_integer((int64_t)i), d;
		struct decimal last = decimal_from_integer(COUNT - 1);
		double most = values[i] < 0 ? -values[0] : values[COUNT - 1], got;

		/* i + 1/2, so that no rounding leads to a neighbour */
		check(decimal_add(&n, &n, &(struct decimal){.coefficient = 5, .scale = 1}) == NULL);
		check(decimal_divide(&d, &n, &last) == NULL);
		if (i == COUNT - 1)
			break;
		got = quantile_at(&q, &d);
		check(fabs(got - values[i]) <=
			(fabs(values[i]) > most / 3e17 ? 0.01 * fabs(values[i]) : most / 3e17));
	}
	quantile_release(&q);
}

static void check_same(const struct quantile *a, const struct quantile *b)
{
	struct buf x, y;

	buf_init(&x);
	buf_init(&y);
	quantile_print(a, &x);
	quantile_print(b, &y);
	check_text(buf_string(&x), buf_string(&y));
	check_int(quantile_count(a), quantile_count(b));
	buf_release(&x);
	buf_release(&y);
}

static double very_broad(struct random *r)
{
	return pow(10, 80 * random_unit(r) - 40) * ((double)random_below(r, 3) - 1);
}

/* Of n values, the first `left` and the rest apart, and all of them in both directions. */
static void check_merge(const double *values, size_t n, size_t left)
{
	struct quantile a = {0}, b = {0}, untouched = {0}, all = {0}, reversed = {0};

	add_all(&a, values, left);
	add_all(&b, values + left, n - left);
	add_all(&untouched, values + left, n - left);
	add_all(&all, values, n);
	for (size_t i = n; i-- > 0;)
		quantile_add(&reversed, values[i]);
	quantile_merge(&a, &b);
	check_same(&a, &all);
	check_same(&b, &untouched);
	check_same(&reversed, &all);
	quantile_add(&a, 1e50);
	quantile_add(&all, 1e50);
	check_same(&a, &all);
	quantile_release(&a);
	quantile_release(&b);
	quantile_release(&untouched);
	quantile_release(&all);
	quantile_release(&reversed);
}

void test_a_merge_is_the_union(void)
{
	struct random r = random_begin();
	static double values[COUNT];

	for (int i = 0; i < 300; i++) {
		distribution *of = i % 3 ? distributions[(size_t)i % DISTRIBUTIONS] : very_broad;
		size_t n = random_below(&r, 100) ? random_below(&r, 300) : COUNT;

		for (size_t j = 0; j < n; j++)
			values[j] = of(&r);
		check_merge(values, n, random_below(&r, n + 1));
	}
	for (size_t j = 0; j < COUNT; j++)
		values[j] = very_broad(&r);
	check_merge(values, COUNT, COUNT / 3);
}

static const char *parse(const char *text, size_t len)
{
	struct quantile q = {0}, sum = {0};
	const char *why = quantile_parse(&q, text, len);
	struct buf again;

	if (why) {
		check(!q.sketch);
		return why;
	}
	buf_init(&again);
	quantile_print(&q, &again);
	check(again.len == len && memcmp(again.data, text, len) == 0);
	buf_release(&again);
	quantile_add(&sum, 1);
	quantile_merge(&sum, &q);
	for (size_t i = 0; i < PLACES; i++)
		check(isfinite(at(&sum, places[i])));
	quantile_release(&sum);
	quantile_release(&q);
	return NULL;
}

static void text_of(struct buf *text, struct random *r, distribution *of, int count)
{
	struct quantile q = {0};

	buf_init(text);
	for (int i = 0; i < count; i++)
		quantile_add(&q, of(r));
	quantile_print(&q, text);
	quantile_release(&q);
}

void test_texts(void)
{
	struct random r = random_begin();
	struct buf text;

	for (size_t i = 0; i < DISTRIBUTIONS; i++)
		for (int count = 0; count < 3000; count = count * 3 + 1) {
			text_of(&text, &r, distributions[i], count);
			check(memcmp(text.data, "quantile.1.", 11) == 0);
			check(parse_copy(parse, text.data, text.len) == NULL);
			buf_release(&text);
		}
	text_of(&text, &r, very_broad, 20000);
	check(parse_copy(parse, text.data, text.len) == NULL);
	buf_release(&text);
	check_text(parse("distinct.1.AAAA", 15), "not a sketch of this kind and version");
	check_text(parse("quantile.1.AAAA", 15), "damaged sketch");
}

void test_damaged_texts(void)
{
	struct random r = random_begin();
	struct buf text;
	int good = 0;

	for (int count = 0; count < 40; count = count * 2 + 1) {
		text_of(&text, &r, mixed, count);
		check_damage(parse, &text, 1);
		good += check_forged(parse, "quantile.1", &text, &r, 20000);
		buf_release(&text);
	}
	/* a changed count looks like any other */
	check(good > 0);
	text_of(&text, &r, very_broad, 20000);
	check_damage(parse, &text, 41);
	check_forged(parse, "quantile.1", &text, &r, 500);
	buf_release(&text);
}

struct made_up {
	double least, most;
	uint64_t content[8]; /* how many buckets, then of each its distance and count */
	size_t len;
};

static const char *parse_made_up(const struct made_up *m)
{
	struct buf content = {0}, text = {0};
	const char *why;

	compact_add(&content, m->content[0]);
	compact_add_double(&content, m->least);
	compact_add_double(&content, m->most);
	for (size_t i = 1; i < m->len; i++)
		compact_add(&content, m->content[i]);
	packed_seal(&content, "quantile.1", &text);
	why = parse_copy(parse, text.data, text.len);
	buf_release(&content);
	buf_release(&text);
	return why;
}

/* The first bucket that there can be is 115844 before that of 1. */
void test_made_up_sketches(void)
{
	static const struct made_up good[] = {
		{1, 1, {1, 115844, 1}, 3},
		{1, 1, {1, 115844, UINT64_C(1) << 48}, 3},
		{1, 1e9, {2, 115844, 5, 1047, 6}, 5},
		{1e-9, 1, {2, 115844 - 1047, 5, 1047, 6}, 5},
		{1e-30, 4e17, {2, 115844, 5, 2046, 6}, 5},
	};
	static const struct made_up bad[] = {
		{1, 1, {1, 115844, 0}, 3},
		{1, 1, {1, 115844, (UINT64_C(1) << 48) + 1}, 3},
		{1, 1, {1, 115844, 1, 1}, 4},
		{1, 1, {2, 115844, 1}, 3},
		{1, 1, {2, 115844, 1, 0, 1}, 5},
		{1, 0.999, {1, 115844, 1}, 3},
		{2, 2, {1, 115844, 1}, 3},
		{NAN, NAN, {1, 115844, 1}, 3},
		{1, INFINITY, {1, 115844, 1}, 3},
		{1, 2e18, {2, 115844, 5, 2130, 6}, 5},
		{1, 1, {UINT64_MAX, 115844, 1}, 3},
		{0, 0, {1, 75845, 1}, 3},
		{1, 1, {1, UINT64_MAX, 1}, 3},
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		check(parse_made_up(&good[i]) == NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		check_text(parse_made_up(&bad[i]), "damaged sketch");
}
