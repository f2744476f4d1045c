#include "base/heap.h"

#include "random.h"
#include "test.h"

enum { MOST = 300 };

/* The model: an unordered list that is searched. */
struct model {
	int64_t orders[MOST];
	size_t count;
};

static void model_take(struct model *m, int64_t order)
{
	size_t i = 0;

	while (i < m->count && m->orders[i] != order)
		i++;
	check(i < m->count);
	m->orders[i] = m->orders[--m->count];
}

static int64_t model_least(const struct model *m)
{
	int64_t least = m->orders[0];

	for (size_t i = 1; i < m->count; i++)
		least = m->orders[i] < least ? m->orders[i] : least;
	return least;
}

static void step(struct heap *h, struct model *m, uint64_t spread)
{
	static int64_t marks[1 << 10];

	if (m->count < MOST && random_below(100) < 55) {
		int64_t order = (int64_t)(random_next() % spread) - (int64_t)(spread / 2);
		int64_t *mark = &marks[random_below(1 << 10)];

		heap_put(h, order, mark);
		m->orders[m->count++] = order;
	} else if (m->count) {
		int64_t least = heap_least(h)->order;
		void *what = heap_least(h)->what;

		check_int(least, model_least(m));
		check(heap_take(h) == what);
		model_take(m, least);
	}
	check_int(h->count, m->count);
	check((heap_least(h) != NULL) == (m->count > 0));
}

void test_against_a_list(void)
{
	random_seed();
	for (int round = 0; round < 200; round++) {
		struct heap h;
		struct model m = {.count = 0};

		heap_init(&h);
		for (int i = 0; i < 1500; i++)
			step(&h, &m, round % 2 ? 10 : (uint64_t)1 << 62);
		while (m.count) {
			int64_t least = heap_least(&h)->order;

			check_int(least, model_least(&m));
			heap_take(&h);
			model_take(&m, least);
		}
		check(!heap_least(&h));
		heap_release(&h);
	}
}

/* What is taken out is what was put in with that number. */
void test_things_stay_with_their_numbers(void)
{
	static int64_t numbers[1000];
	struct heap h;

	random_seed();
	heap_init(&h);
	for (int i = 0; i < 1000; i++) {
		numbers[i] = (int64_t)random_next() >> (i % 60);
		heap_put(&h, numbers[i], &numbers[i]);
	}
	for (int i = 0; i < 1000; i++) {
		int64_t order = heap_least(&h)->order;

		check_int(*(int64_t *)heap_take(&h), order);
	}
	heap_release(&h);
}

void test_extremes(void)
{
	struct heap h;
	int a, b, c;

	heap_init(&h);
	check(!heap_least(&h));
	heap_put(&h, INT64_MAX, &a);
	heap_put(&h, INT64_MIN, &b);
	heap_put(&h, 0, &c);
	check(heap_take(&h) == &b);
	check(heap_take(&h) == &c);
	check(heap_take(&h) == &a);
	heap_release(&h);
	heap_release(&h);
}
