#include "flow/dues.h"

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

static void step(struct dues *d, uint64_t spread)
{
	static int numbers[MOST];
	size_t first = 0;

	if (count < MOST && random_below(100) < 55) {
		int *number = &numbers[random_below(MOST)];

		*number = (int)(number - numbers);
		list[count] = (struct due){
			(int64_t)random_below(spread), -(int64_t)random_below(3), number};
		dues_put(d, list[count++]);
	} else if (count) {
		struct due got;

		for (size_t i = 1; i < count; i++)
			if (order_of(&list[i], &list[first]) < 0)
				first = i;
		check(order_of(dues_first(d), &list[first]) == 0);
		got = dues_take(d);
		check(order_of(&got, &list[first]) == 0);
		list[first] = list[--count];
	}
	check_int(d->count, count);
	check((dues_first(d) != NULL) == (count > 0));
}

void test_against_a_list(void)
{
	random_seed();
	for (int round = 0; round < 200; round++) {
		struct dues d;

		count = 0;
		dues_init(&d, by_number, &context);
		for (int i = 0; i < 2000; i++)
			step(&d, round % 2 ? 3 : 100000);
		dues_clear(&d);
		check(!dues_first(&d) && !d.cap);
		count = 0;
		step(&d, 1);
		dues_release(&d);
	}
}
