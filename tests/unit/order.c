#include "base/order.h"

#include <stdbool.h>

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

/* Bytes behind what they have in common are so many from the first on. */
struct form {
	size_t common;
	bool is_of_one_length;
	unsigned first;
	unsigned values;
};

static void fill(struct item *items, size_t count, const struct form *f)
{
	size_t len = f->common + random_below(KEY_MAX - f->common + 1);

	for (size_t i = 0; i < count; i++) {
		if (!f->is_of_one_length)
			len = f->common + random_below(KEY_MAX - f->common + 1);
		items[i].len = len;
		for (size_t k = 0; k < len; k++)
			items[i].key[k] =
				k < f->common ? 'x' : (char)(f->first + random_below(f->values));
	}
}

static int compare_none(const void *a, const void *b, const void *context)
{
	check(!context && *(const uint64_t *)a == *(const uint64_t *)b);
	return 0;
}

/* Against qsort of whole keys. */
static void check_sort(size_t count, size_t from, const struct form *f)
{
	static struct item items[COUNT_MAX], want[COUNT_MAX];
	static struct order_item order[COUNT_MAX];

	fill(items, count, f);
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

		check_sort(count, random_below(common + 1),
			&(struct form){.common = common,
				.values = 1 + (unsigned)random_below(random_below(2) ? 3 : 256)});
	}
	check_sort(0, 0, &(struct form){.values = 1});
	check_sort(1, 0, &(struct form){.values = 1});
	check_sort(COUNT_MAX, 0, &(struct form){.common = 12, .values = 2});
}

/* Digits, and what differs in the lower half of its bytes as they do, or nearly. */
void test_sorts_digits(void)
{
	static const struct form forms[] = {{0, true, '0', 10}, {3, true, '0', 10},
		{0, true, 'a', 15}, {0, true, '0', 16}, {0, true, '0', 17}, {5, true, 0xf0, 16},
		{0, false, '0', 10}, {2, true, 0x2f, 2}, {0, true, 0, 16}};

	random_seed();
	for (int i = 0; i < 20; i++)
		for (size_t k = 0; k < sizeof(forms) / sizeof(*forms); k++)
			check_sort(100 + random_below(2000), random_below(forms[k].common + 1),
				&forms[k]);
}

/* Heads that differ in two bits, one of which is as in digits and the other any. */
void test_sorts_by_each_bit(void)
{
	enum { COUNT = 200 };
	static uint64_t heads[COUNT];
	static struct order_item items[COUNT];

	random_seed();
	for (unsigned bit = 0; bit < 64; bit++) {
		unsigned other = 8 * (unsigned)random_below(8) + (unsigned)random_below(4);

		for (int i = 0; i < COUNT; i++) {
			heads[i] = 0x3031323334353637 ^ random_below(2) << bit ^
				   random_below(2) << other;
			items[i] = (struct order_item){heads[i], &heads[i]};
		}
		order_sort(items, COUNT, compare_none, NULL);
		for (int i = 1; i < COUNT; i++)
			check(*(uint64_t *)items[i - 1].what <= *(uint64_t *)items[i].what);
	}
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
