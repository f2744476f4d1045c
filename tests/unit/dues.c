#include "flow/dues.h"

#include <stdbool.h>

#include "base/instant.h"
#include "random.h"
#include "test.h"

enum { MOST = 300 };

static const int context;

static int by_number(const void *given, const void *what, const void *other)
{
	int x = *(const int *)what, y = *(const int *)other;

	check(given == &context);
	return (x > y) - (x < y);
}

static int order_of(const struct due *a, const struct due *b)
{
	if (a->due_ns != b->due_ns)
		return a->due_ns < b->due_ns ? -1 : 1;
	if (a->tie != b->tie)
		return a->tie < b->tie ? -1 : 1;
	return by_number(&context, a->what, b->what);
}

/* The model: an unordered list that is searched. */
static struct due list[MOST];
static size_t count;
static int64_t until_ns;

static void put(struct dues *d, int64_t spread)
{
	static int numbers[MOST];
	int *number = &numbers[random_below(MOST)];

	*number = (int)(number - numbers);
	list[count] = (struct due){
		random_below(30) ? (int64_t)((uint64_t)until_ns + random_below((uint64_t)spread) -
					     (uint64_t)spread / 4)
				 : (int64_t)random_next(),
		-(int64_t)random_below(3), number};
	dues_put(d, list[count].due_ns, list[count].tie, list[count].what);
	count++;
}

/* Takes what is due, or some of it. */
static void take(struct dues *d, size_t most)
{
	while (most--) {
		size_t first = count;
		struct due got;

		for (size_t i = 0; i < count; i++)
			if (list[i].due_ns <= until_ns &&
				(first == count || order_of(&list[i], &list[first]) < 0))
				first = i;
		check((dues_first(d, until_ns) != NULL) == (first < count));
		if (first == count)
			return;
		check(order_of(dues_first(d, until_ns), &list[first]) == 0);
		got = dues_take(d);
		check(order_of(&got, &list[first]) == 0);
		list[first] = list[--count];
	}
}

static void step(struct dues *d, int64_t spread)
{
	if (count < MOST && random_below(100) < 55)
		put(d, spread);
	else
		until_ns = time_plus(until_ns, (int64_t)random_below((uint64_t)spread / 20 + 2));
	take(d, random_below(4) ? random_below(3) : MOST);
}

void test_against_a_list(void)
{
	static const int64_t spreads[] = {3, 1000, 300 * (int64_t)NS_PER_S, INT64_MAX / 200};

	random_seed();
	for (int round = 0; round < 200; round++) {
		struct dues d;

		count = 0;
		until_ns = round % 3 ? (int64_t)random_next() : round % 2 ? INT64_MIN : -5;
		dues_init(&d, by_number, &context);
		for (int i = 0; i < 2000; i++)
			step(&d, spreads[round % 4]);
		until_ns = INT64_MAX;
		take(&d, MOST + 1);
		check_int(count, 0);
		dues_release(&d);
	}
}

static int by_due(const void *a, const void *b)
{
	return order_of(a, b);
}

/* What is cheap stays so: nothing is in the heap, and no more than so many are sorted at once; true
 * if they were just now. */
static bool check_near(const struct dues *d, size_t left, int64_t spread)
{
	check_int(d->heap_count, 0);
	check_int(d->near_count - d->near_at + d->later, left);
	check(d->near_count <= 2048 || spread < NS_PER_S);
	return d->near_at == 1;
}

/* Those of a time that has many, of a pile that is sorted as a whole and of one that is not; all of
 * them come up once, and none before its time. */
static void check_many(int64_t spread)
{
	enum { MANY = 20000, STEPS = 40 };
	static struct due all[MANY];
	static int numbers[MANY];
	size_t taken = 0, sorted = 0;
	struct dues d;

	dues_init(&d, by_number, &context);
	for (int i = 0; i < MANY; i++) {
		numbers[i] = i;
		all[i] = (struct due){(int64_t)random_below((uint64_t)spread),
			(int64_t)random_below(2), &numbers[i]};
		dues_put(&d, all[i].due_ns, all[i].tie, all[i].what);
	}
	qsort(all, MANY, sizeof(*all), by_due);
	for (int64_t step = 0; step <= STEPS; step++) {
		int64_t until = step < STEPS ? spread / STEPS * step : INT64_MAX;

		while (dues_first(&d, until)) {
			struct due got = dues_take(&d);

			check(got.due_ns <= until);
			check(taken < MANY && order_of(&got, &all[taken++]) == 0);
			sorted += check_near(&d, MANY - taken, spread);
		}
		check(taken == MANY || all[taken].due_ns > until);
	}
	check_int(taken, MANY);
	check(sorted < MANY / 20);
	dues_release(&d);
}

void test_many(void)
{
	static const int64_t spreads[] = {
		1, 3, 1 << 12, 1 << 20, 700 * (int64_t)NS_PER_S, INT64_MAX};

	random_seed();
	for (size_t i = 0; i < sizeof(spreads) / sizeof(*spreads); i++)
		check_many(spreads[i]);
}

/* Nothing of what was forgotten is left, nor how far it went. */
void test_clear(void)
{
	struct dues d;
	int number = 7;

	dues_init(&d, by_number, &context);
	dues_put(&d, INT64_MIN, 0, &number);
	dues_put(&d, 0, 0, &number);
	dues_put(&d, INT64_MAX, 0, &number);
	check_int(dues_first(&d, -1)->due_ns, INT64_MIN);
	check(d.bytes > 0);
	dues_clear(&d);
	check_int(d.bytes, 0);
	check(!dues_first(&d, INT64_MAX));
	dues_put(&d, 5, 0, &number);
	dues_put(&d, INT64_MIN, 0, &number);
	check_int(dues_take(&d).due_ns, INT64_MIN);
	check(!dues_first(&d, 4));
	check_int(dues_first(&d, 5)->due_ns, 5);
	dues_release(&d);
}
