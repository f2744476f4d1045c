#include "flow/distinct.h"

#include <math.h>

#include "base/compact.h"
#include "damage.h"
#include "seeded.h"
#include "test.h"

static void add_number(struct distinct *d, uint64_t n)
{
	distinct_add(d, &n, sizeof(n));
}

static void check_same(const struct distinct *a, const struct distinct *b)
{
	struct buf x, y;

	buf_init(&x);
	buf_init(&y);
	distinct_print(a, &x);
	distinct_print(b, &y);
	check_text(buf_string(&x), buf_string(&y));
	check_int(distinct_count(a), distinct_count(b));
	buf_release(&x);
	buf_release(&y);
}

static const char *parse(const char *text, size_t len)
{
	struct distinct d = {0}, sum = {0};
	const char *why = distinct_parse(&d, text, len);
	struct buf again;

	if (why) {
		check(!d.set && !d.registers);
		return why;
	}
	buf_init(&again);
	distinct_print(&d, &again);
	check(again.len == len && memcmp(again.data, text, len) == 0);
	buf_release(&again);
	add_number(&sum, 1);
	distinct_merge(&sum, &d);
	check(distinct_count(&sum) > 0);
	distinct_release(&sum);
	distinct_release(&d);
	return NULL;
}

void test_zeros_are_empty(void)
{
	struct distinct d = {0}, other = {0};

	check_int(distinct_count(&d), 0);
	check_int(distinct_bytes(&d), 0);
	distinct_merge(&d, &other);
	check_int(distinct_count(&d), 0);
	check_int(distinct_bytes(&d), 0);
	distinct_release(&d);
}

void test_bytes_are_told_apart(void)
{
	struct distinct d = {0};

	distinct_add(&d, "", 0);
	distinct_add(&d, "a", 1);
	distinct_add(&d, "a\0", 2);
	distinct_add(&d, "\0a", 2);
	distinct_add(&d, "a", 1);
	check_int(distinct_count(&d), 4);
	distinct_release(&d);
}

void test_exact_up_to_the_limit(void)
{
	struct random r = random_begin();
	struct distinct d = {0};
	static unsigned char seen[DISTINCT_EXACT_MAX];
	int count = 0;

	for (int i = 0; i < 20 * DISTINCT_EXACT_MAX; i++) {
		uint64_t n = random_below(&r, DISTINCT_EXACT_MAX);

		count += !seen[n];
		seen[n] = 1;
		add_number(&d, n);
		check_int(distinct_count(&d), count);
	}
	for (uint64_t n = 0; n < DISTINCT_EXACT_MAX; n++)
		add_number(&d, n);
	check_int(distinct_count(&d), DISTINCT_EXACT_MAX);
	check(distinct_bytes(&d) <= 32 * DISTINCT_EXACT_MAX + 64);
	add_number(&d, DISTINCT_EXACT_MAX);
	check(d.registers != NULL);
	check_int(distinct_bytes(&d), DISTINCT_REGISTERS);
	distinct_release(&d);
}

/* The error that the manual states: its spread and its mean lie within three standard errors of
 * their own. With few strings in a register it is smaller. */
static void check_error(struct random *r, uint64_t cardinality, int trials)
{
	const double stated = 0.0081;
	double sum = 0, squares = 0, spread;

	for (int i = 0; i < trials; i++) {
		struct distinct d = {0};
		double error;

		for (uint64_t n = 0; n < cardinality; n++)
			add_number(&d, random_next(r));
		error = (double)distinct_count(&d) / (double)cardinality - 1;
		sum += error;
		squares += error * error;
		distinct_release(&d);
	}
	spread = sqrt(squares / trials);
	printf("%8.0f different: error %.2f %%, mean %+.2f %%\n", (double)cardinality, 100 * spread,
		100 * sum / trials);
	check(spread <= stated * (1 + 3 / sqrt(2 * trials)));
	check(spread >= stated / 2);
	check(fabs(sum / trials) <= 3 * stated / sqrt(trials));
}

void test_error_of_the_estimate(void)
{
	static const uint64_t cardinalities[] = {4097, 8000, 20000, 40000, 60000, 100000};
	struct random r = random_begin();

	for (size_t i = 0; i < sizeof(cardinalities) / sizeof(*cardinalities); i++)
		check_error(&r, cardinalities[i], 50);
	check_error(&r, 1000000, 12);
}

void test_small_counts_have_no_error(void)
{
	struct random r = random_begin();

	for (uint64_t cardinality = 1; cardinality <= DISTINCT_EXACT_MAX; cardinality *= 2) {
		struct distinct d = {0};

		for (uint64_t n = 0; n < cardinality; n++)
			add_number(&d, random_next(&r));
		check_int(distinct_count(&d), cardinality);
		distinct_release(&d);
	}
}

void test_order_does_not_matter(void)
{
	for (uint64_t count = 1; count < 40000; count *= 3) {
		struct distinct up = {0}, down = {0};

		for (uint64_t n = 0; n < count; n++) {
			add_number(&up, n);
			add_number(&down, count - 1 - n);
			add_number(&down, count - 1 - n / 2);
		}
		check_same(&up, &down);
		distinct_release(&up);
		distinct_release(&down);
	}
}

/* Two ranges that overlap by half of the second. */
static void check_merge(uint64_t a, uint64_t b)
{
	struct distinct left = {0}, right = {0}, untouched = {0}, all = {0};

	for (uint64_t n = 0; n < a; n++) {
		add_number(&left, n);
		add_number(&all, n);
	}
	for (uint64_t n = a - b / 2; n != a - b / 2 + b; n++) {
		add_number(&right, n);
		add_number(&untouched, n);
		add_number(&all, n);
	}
	distinct_merge(&left, &right);
	check_same(&left, &all);
	check_same(&right, &untouched);
	distinct_release(&left);
	distinct_release(&right);
	distinct_release(&untouched);
	distinct_release(&all);
}

void test_a_merge_is_the_union(void)
{
	static const uint64_t sizes[] = {0, 1, 10, 2048, 3000, 4096, 4097, 20000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (size_t j = 0; j < sizeof(sizes) / sizeof(*sizes); j++)
			check_merge(sizes[i], sizes[j]);
}

static void text_of(struct buf *text, uint64_t count)
{
	struct distinct d = {0};

	buf_init(text);
	for (uint64_t n = 0; n < count; n++)
		add_number(&d, n);
	distinct_print(&d, text);
	distinct_release(&d);
}

void test_texts(void)
{
	static const uint64_t sizes[] = {0, 1, 2, 3, 4096, 4097, 100000};
	struct buf text;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		text_of(&text, sizes[i]);
		check(parse_copy(parse, text.data, text.len) == NULL);
		check(memcmp(text.data, "distinct.1.", 11) == 0);
		buf_release(&text);
	}
	check_text(parse("quantile.1.AAAA", 15), "not a sketch of this kind and version");
	check_text(parse("distinct.2.AAAA", 15), "not a sketch of this kind and version");
	check_text(parse("distinct.1.AAAA", 15), "damaged sketch");
	check_text(parse("", 0), "not a sketch of this kind and version");
}

void test_damaged_texts(void)
{
	struct random r = random_begin();
	struct buf text;

	for (uint64_t count = 0; count < 4; count++) {
		text_of(&text, count);
		check_damage(parse, &text, 1);
		check_forged(parse, "distinct.1", &text, &r, 20000);
		buf_release(&text);
	}
	text_of(&text, 5000);
	check_damage(parse, &text, 97);
	check_forged(parse, "distinct.1", &text, &r, 300);
	buf_release(&text);
}

static const char *parse_packed(struct distinct *d, struct buf *p)
{
	struct buf text;
	const char *why;

	buf_init(&text);
	packed_seal(p, "distinct.1", &text);
	why = distinct_parse(d, text.data, text.len);
	check(why || parse(text.data, text.len) == NULL);
	buf_release(p);
	buf_release(&text);
	return why;
}

/* The first `some` registers hold a rank, all others another one. */
static const char *parse_registers(struct distinct *d, size_t some, uint64_t a, uint64_t b)
{
	struct buf p;

	buf_init(&p);
	compact_add(&p, 1);
	for (size_t i = 0; i < DISTINCT_REGISTERS; i += 10) {
		uint64_t word = 0;

		for (size_t j = 0; j < 10 && i + j < DISTINCT_REGISTERS; j++)
			word |= (i + j < some ? a : b) << (6 * j);
		compact_add_word(&p, word);
	}
	return parse_packed(d, &p);
}

/* Registers that no set of strings in reach leaves behind; the estimates were worked out with 60
 * digits from the series in Ertl's paper. */
void test_made_up_registers(void)
{
	struct distinct d = {0};

	check(parse_registers(&d, 0, 0, 51) == NULL);
	check(distinct_count(&d) == UINT64_MAX);
	distinct_release(&d);
	check(parse_registers(&d, 1024, 51, 44) == NULL);
	check(fabs((double)distinct_count(&d) / 2.2169895069601597e+17 - 1) < 1e-12);
	distinct_release(&d);
	check(parse_registers(&d, 8192, 0, 3) == NULL);
	check_int(distinct_count(&d), 12398);
	distinct_release(&d);
	check_text(parse_registers(&d, 1, 52, 1), "damaged sketch");
}

static const char *parse_hashes(struct distinct *d, uint64_t count, uint64_t step)
{
	struct buf p;

	buf_init(&p);
	compact_add(&p, 0);
	compact_add(&p, count);
	for (uint64_t i = 1; i <= count; i++) {
		compact_add_word(&p, step * i);
		compact_add_word(&p, 7);
	}
	return parse_packed(d, &p);
}

void test_made_up_hashes(void)
{
	struct distinct d = {0};

	check(parse_hashes(&d, DISTINCT_EXACT_MAX, 1) == NULL);
	check_int(distinct_count(&d), DISTINCT_EXACT_MAX);
	distinct_release(&d);
	check_text(parse_hashes(&d, DISTINCT_EXACT_MAX + 1, 1), "damaged sketch");
	check_text(parse_hashes(&d, 2, 0), "damaged sketch");
	check_text(parse_hashes(&d, 2, UINT64_MAX), "damaged sketch");
}
