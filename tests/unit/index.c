#include "base/index.h"

#include "random.h"
#include "test.h"

enum { ITEMS = 400 };

/* The model: items that are in the index, and those that are not, in one array. */
struct item {
	uint64_t hash;
	int name;
	bool is_in;
};

static struct item items[ITEMS];

static bool has_name(const void *item, const void *wanted)
{
	return ((const struct item *)item)->name == *(const int *)wanted;
}

static bool is_itself(const void *item, const void *wanted)
{
	return item == wanted;
}

static bool is_any(const void *item, const void *wanted)
{
	(void)wanted;
	return item != NULL;
}

/* Few hashes, and many that meet in the lower bits, or stand at the end of the slots. */
static uint64_t random_hash(int kind)
{
	switch (kind) {
	case 0:
		return random_below(3);
	case 1:
		return random_below(20) << 32 | 15;
	case 2:
		return (uint64_t)0 - random_below(8);
	default:
		return random_next();
	}
}

static size_t count_in(void)
{
	size_t count = 0;

	for (int i = 0; i < ITEMS; i++)
		count += items[i].is_in;
	return count;
}

static bool hash_is_in(uint64_t hash)
{
	for (int i = 0; i < ITEMS; i++)
		if (items[i].is_in && items[i].hash == hash)
			return true;
	return false;
}

static void check_all(const struct index *x)
{
	check_int(x->count, count_in());
	check(!x->slots || x->mask + 1 >= x->count * 2);
	for (int i = 0; i < ITEMS; i++) {
		void *want = items[i].is_in ? &items[i] : NULL;

		check(index_find(x, items[i].hash, has_name, &items[i].name) == want);
		check(!index_find(x, items[i].hash ^ 64, has_name, &items[i].name));
		check(!index_find(x, items[i].hash, is_any, NULL) == !hash_is_in(items[i].hash));
	}
}

/* Fills and empties it in turns, as far as items go. */
static void run(int kind)
{
	struct index x;

	index_init(&x);
	check_int(x.mask, 0);
	for (int i = 0; i < ITEMS; i++)
		items[i] = (struct item){.hash = random_hash(kind), .name = i};
	for (int i = 0; i < 4000; i++) {
		struct item *it = &items[random_below(ITEMS)];
		bool fills = i / 500 % 2 == 0;

		if (!it->is_in && (fills || random_below(4) == 0)) {
			index_add(&x, it->hash, it);
			it->is_in = true;
		} else if (it->is_in && (!fills || random_below(4) == 0)) {
			index_remove(&x, it->hash, it);
			it->is_in = false;
		}
		if (i % 50 == 0)
			check_all(&x);
	}
	check_all(&x);
	index_release(&x);
}

void test_against_a_list(void)
{
	random_seed();
	for (int round = 0; round < 40; round++)
		run(round % 4);
}

void test_empty(void)
{
	struct index x;
	int name = 0;

	index_init(&x);
	check(!index_find(&x, 0, has_name, &name));
	index_release(&x);
	check_int(x.count, 0);
}

/* Equals may be in it at once, and each is taken out by itself. */
void test_equals(void)
{
	struct item twins[3] = {{.name = 7}, {.name = 7}, {.name = 7}};
	struct index x;

	index_init(&x);
	for (int i = 0; i < 3; i++)
		index_add(&x, 5, &twins[i]);
	index_remove(&x, 5, &twins[1]);
	check(index_find(&x, 5, is_itself, &twins[0]) == &twins[0]);
	check(!index_find(&x, 5, is_itself, &twins[1]));
	check(index_find(&x, 5, is_itself, &twins[2]) == &twins[2]);
	index_remove(&x, 5, &twins[0]);
	check(index_find(&x, 5, has_name, &twins[0].name) == &twins[2]);
	index_remove(&x, 5, &twins[2]);
	check(!index_find(&x, 5, has_name, &twins[0].name));
	index_release(&x);
}

/* What is added and taken out again takes no more room with time: there are no graves. */
void test_no_growth(void)
{
	struct item pair[2] = {{.name = 1}, {.name = 2}};
	struct index x;
	size_t mask;

	random_seed();
	index_init(&x);
	index_add(&x, 0, &pair[0]);
	mask = x.mask;
	for (int i = 0; i < 100000; i++) {
		uint64_t hash = random_next();

		index_add(&x, hash, &pair[1]);
		index_remove(&x, hash, &pair[1]);
	}
	check_int(x.mask, mask);
	check(index_find(&x, 0, has_name, &pair[0].name) == &pair[0]);
	index_release(&x);
}
