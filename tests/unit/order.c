#include "base/order.h"

#include "random.h"
#include "test.h"

enum { COUNT_MAX = 5000, KEY_MAX = 24 };

struct item {
	char key[KEY_MAX];
	size_t len;
	size_t number;
};

static int by_bytes(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	int order = memcmp(x->key, y->key, len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

static int asked;

static int compare(const void *a, const void *b, const void *context)
{
	check(context == &asked);
	asked++;
	return by_bytes(a, b);
}

static void fill(struct item *items, size_t count, size_t common, unsigned values)
{
	for (size_t i = 0; i < count; i++) {
		items[i].len = common + random_below(KEY_MAX - common + 1);
		for (size_t k = 0; k < items[i].len; k++)
			items[i].key[k] = k < common ? 'x' : (char)random_below(values);
	}
}

/* Against qsort of whole keys. */
static void check_sort(size_t count, size_t common, size_t from, unsigned values)
{
	static struct item items[COUNT_MAX], want[COUNT_MAX];
	static struct order_item order[COUNT_MAX];

	fill(items, count, common, values);
	memcpy(want, items, count * sizeof(*items));
	qsort(want, count, sizeof(*want), by_bytes);
	for (size_t i = 0; i < count; i++)
		order[i] = (struct order_item){
			order_head(items[i].key, items[i].len, from), &items[i]};
	order_sort(order, count, compare, &asked);
	for (size_t i = 0; i < count; i++)
		check(by_bytes(order[i].what, &want[i]) == 0);
}

void test_sorts_as_the_bytes_do(void)
{
	random_seed();
	for (int i = 0; i < 300; i++) {
		size_t common = random_below(12);
		size_t count = random_below(2) ? random_below(100) : random_below(COUNT_MAX);

		check_sort(count, common, random_below(common + 1),
			1 + (unsigned)random_below(random_below(2) ? 3 : 256));
	}
	check_sort(0, 0, 0, 1);
	check_sort(1, 0, 0, 1);
	check_sort(COUNT_MAX, 12, 0, 2);
}

void test_does_not_ask_where_heads_differ(void)
{
	static struct order_item items[1000];

	for (size_t i = 0; i < 1000; i++)
		items[i].head = (i * 7919 % 1000) << 20;
	asked = 0;
	order_sort(items, 1000, compare, &asked);
	for (size_t i = 0; i < 1000; i++)
		check_int(items[i].head, i << 20);
	check_int(asked, 0);
}
