#include "flow/lateness.h"

#include <stdint.h>

#include "random.h"
#include "test.h"

enum { SAMPLE_MAX = 3000 };

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t random_value(void)
{
	return (int64_t)(random_next() >> (1 + random_below(63)));
}

static uint64_t count_beyond(const int64_t *values, size_t count, int64_t bound)
{
	uint64_t beyond = 0;

	for (size_t i = 0; i < count; i++)
		beyond += values[i] > bound;
	return beyond;
}

/* Every count of late ones allowed, against the sorted sample. */
static void check_sample(int64_t *values, size_t count)
{
	struct lateness l;

	lateness_init(&l);
	for (size_t i = 0; i < count; i++)
		lateness_add(&l, values[i]);
	lateness_sort(&l);
	qsort(values, count, sizeof(*values), by_value);
	check(l.is_exact);
	for (size_t late = 0; late < count; late++)
		check_int(lateness_bound(&l, late), values[count - 1 - late]);
	check_int(lateness_bound(&l, count), 0);
	for (int i = 0; i < 20; i++) {
		int64_t bound = i % 2 ? random_value() : values[random_below(count)];

		check_int(lateness_beyond(&l, bound), count_beyond(values, count, bound));
	}
	lateness_release(&l);
}

void test_exact_against_a_sorted_sample(void)
{
	static int64_t values[SAMPLE_MAX];

	random_seed();
	for (int round = 0; round < 300; round++) {
		size_t count = 1 + random_below(SAMPLE_MAX);

		for (size_t i = 0; i < count; i++)
			values[i] = random_below(2) ? random_value()
						    : (int64_t)random_below(20) * 1000000000;
		check_sample(values, count);
	}
}

/* Too many different values: a bound is never too small and less than 1/128 too large. */
void test_beyond_the_limit_bounds_are_rounded_up(void)
{
	enum { MANY = LATENESS_VALUES_MAX + LATENESS_VALUES_MAX / 2 };
	int64_t *values = calloc(MANY, sizeof(*values));
	struct lateness l;

	random_seed();
	lateness_init(&l);
	for (size_t i = 0; i < MANY; i++)
		lateness_add(&l, values[i] = random_value() >> 10 ^ (int64_t)i);
	lateness_sort(&l);
	check(!l.is_exact);
	qsort(values, MANY, sizeof(*values), by_value);
	check_int(lateness_bound(&l, 0), values[MANY - 1]);
	for (int i = 0; i < 2000; i++) {
		size_t late = random_below(MANY);
		int64_t want = values[MANY - 1 - late], got = lateness_bound(&l, late);

		check(got >= want);
		check(got - want <= want / 128);
		check(lateness_beyond(&l, got) <= late);
	}
	lateness_release(&l);
	free(values);
}

void test_the_ends_of_what_fits(void)
{
	struct lateness l;

	lateness_init(&l);
	lateness_add(&l, 0);
	lateness_add(&l, INT64_MAX);
	lateness_sort(&l);
	check_int(lateness_bound(&l, 0), INT64_MAX);
	check_int(lateness_bound(&l, 1), 0);
	check_int(lateness_beyond(&l, INT64_MAX - 1), 1);
	check_int(lateness_beyond(&l, INT64_MAX), 0);
	lateness_release(&l);
}

void test_tables(void)
{
	struct lateness l;
	struct buf text;

	lateness_init(&l);
	for (int i = 0; i < 197; i++)
		lateness_add(&l, 0);
	lateness_add(&l, 1500000000);
	lateness_add(&l, 59000000000);
	lateness_add(&l, 3600000000001);
	lateness_sort(&l);
	buf_init(&text);
	lateness_print(&l, &text);
	check_text(buf_string(&text), "behind             records      share\n"
				      "not                    197   98.500 %\n"
				      "up to 2s                 1    0.500 %\n"
				      "up to 1m                 1    0.500 %\n"
				      "up to 6h                 1    0.500 %\n"
				      "\n"
				      "to keep            --bound   too late\n"
				      "99 %                  1.5s          2\n"
				      "99.9 %        1h0.000000001s          0\n"
				      "99.99 %       1h0.000000001s          0\n"
				      "100 %         1h0.000000001s          0\n");
	buf_release(&text);
	lateness_release(&l);
}
