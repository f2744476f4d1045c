#include "flow/top.h"

#include <math.h>
#include <stdbool.h>

#include "seeded.h"
#include "test.h"

enum { KEYS = 400, NAME = 8 };

/* A key is a number that stands for "k0" to "k399"; counts by key are the truth. */
struct truth {
	uint64_t counts[KEYS];
	uint64_t all;
};

static size_t name_of(char name[NAME], size_t key)
{
	return (size_t)snprintf(name, NAME, "k%zu", key);
}

static void add(struct top *t, uint32_t limit, struct truth *truth, size_t key)
{
	char name[NAME];

	top_add(t, limit, name, name_of(name, key));
	truth->counts[key]++;
	truth->all++;
}

static size_t key_of(const struct top_item *item)
{
	size_t key = 0;

	for (size_t i = 1; i < item->len; i++)
		key = key * 10 + (size_t)(item->bytes[i] - '0');
	return key;
}

/* About half of all are the first key, and so on. */
static size_t skewed(struct random *r)
{
	return (size_t)(KEYS * pow(random_unit(r), 5));
}

/* "k10" is before "k2". */
static int by_name(size_t a, size_t b)
{
	char x[NAME], y[NAME];

	name_of(x, a);
	name_of(y, b);
	return strcmp(x, y);
}

static void check_ordered(const struct top_item *items, size_t n)
{
	for (size_t i = 1; i < n; i++)
		check(items[i - 1].count > items[i].count ||
			(items[i - 1].count == items[i].count &&
				by_name(key_of(&items[i - 1]), key_of(&items[i])) < 0));
}

static void check_exact(const struct top *t, const struct truth *truth)
{
	struct top_item items[KEYS];
	size_t n = top_list(t, items, KEYS), different = 0;

	for (size_t key = 0; key < KEYS; key++)
		different += truth->counts[key] > 0;
	check_int(n, different);
	check_ordered(items, n);
	for (size_t i = 0; i < n; i++) {
		check_int(items[i].count, truth->counts[key_of(&items[i])]);
		check_int(items[i].error, 0);
	}
}

/* What Space-Saving promises. */
static void check_bounds(const struct top *t, uint32_t limit, const struct truth *truth)
{
	struct top_item items[KEYS];
	size_t n = top_list(t, items, KEYS);
	bool listed[KEYS] = {false};

	check(n <= limit);
	check_ordered(items, n);
	for (size_t i = 0; i < n; i++) {
		uint64_t count = truth->counts[key_of(&items[i])];

		check(count <= items[i].count);
		check(items[i].count - items[i].error <= count);
		check(items[i].error <= truth->all / limit);
		listed[key_of(&items[i])] = true;
	}
	for (size_t key = 0; key < KEYS; key++)
		if (!listed[key])
			check(truth->counts[key] <= (n == limit ? items[n - 1].count : 0) &&
				truth->counts[key] <= truth->all / limit);
}

void test_zeros_are_empty(void)
{
	struct top t = {0}, other = {0};
	struct top_item item;

	check_int(top_bytes(&t), 0);
	check_int(top_list(&t, &item, 1), 0);
	top_merge(&t, 5, &other);
	check_int(top_bytes(&t), 0);
	top_release(&t);
}

void test_order_of_the_list(void)
{
	static const char *const added[] = {"b", "a", "ab", "", "b", "c", "ab"};
	static const char *const want[] = {"ab", "b", "", "a", "c"};
	struct top t = {0};
	struct top_item items[6];

	for (size_t i = 0; i < 7; i++)
		top_add(&t, 10, added[i], strlen(added[i]));
	check_int(top_list(&t, items, 6), 5);
	for (size_t i = 0; i < 5; i++)
		check(items[i].len == strlen(want[i]) &&
			memcmp(items[i].bytes, want[i], items[i].len) == 0);
	check_int(top_list(&t, items, 2), 2);
	check_int(items[1].count, 2);
	top_release(&t);
}

void test_exact_up_to_the_limit(void)
{
	struct random r = random_begin();
	struct top t = {0};
	struct truth truth = {0};

	for (int i = 0; i < 20000; i++) {
		add(&t, KEYS, &truth, skewed(&r));
		if (i % 500 == 0)
			check_exact(&t, &truth);
	}
	for (size_t key = 0; key < KEYS; key++)
		add(&t, KEYS, &truth, key);
	check_exact(&t, &truth);
	top_release(&t);
}

struct model_counter {
	size_t key;
	uint64_t count;
	uint64_t error;
};

/* Space-Saving by looking through all counters. */
static void model_add(struct model_counter *counters, size_t *used, size_t limit, size_t key)
{
	size_t rarest = 0;

	for (size_t i = 0; i < *used; i++) {
		struct model_counter *c = &counters[i], *least = &counters[rarest];

		if (c->key == key) {
			c->count++;
			return;
		}
		if (c->count < least->count ||
			(c->count == least->count && by_name(c->key, least->key) > 0))
			rarest = i;
	}
	if (*used < limit)
		counters[(*used)++] = (struct model_counter){key, 1, 0};
	else
		counters[rarest] = (struct model_counter){
			key, counters[rarest].count + 1, counters[rarest].count};
}

static void check_against_model(struct random *r, uint32_t limit, int count)
{
	struct model_counter counters[KEYS];
	struct top_item items[KEYS];
	struct truth truth = {0};
	struct top t = {0};
	size_t used = 0;

	for (int i = 0; i < count; i++) {
		size_t key = random_below(r, 3) ? skewed(r) : random_below(r, KEYS);

		add(&t, limit, &truth, key);
		model_add(counters, &used, limit, key);
	}
	check_int(top_list(&t, items, KEYS), used);
	for (size_t i = 0; i < used; i++)
		for (size_t j = 0; j < used; j++)
			if (counters[j].key == key_of(&items[i])) {
				check_int(items[i].count, counters[j].count);
				check_int(items[i].error, counters[j].error);
				counters[j].key = KEYS;
				break;
			} else {
				check(j + 1 < used);
			}
	check_bounds(&t, limit, &truth);
	top_release(&t);
}

void test_space_saving(void)
{
	struct random r = random_begin();

	for (int i = 0; i < 300; i++)
		check_against_model(
			&r, 1 + (uint32_t)random_below(&r, 60), (int)random_below(&r, 2000));
}

static void fill(struct top *t, uint32_t limit, struct truth *truth, struct random *r)
{
	uint64_t keys = 1 + random_below(r, KEYS);

	for (uint64_t n = random_below(r, 1000); n; n--)
		add(t, limit, truth, skewed(r) % keys);
}

/* A copy, in another order of making. */
static void check_equal(const struct top *a, const struct top *b)
{
	struct top_item x[KEYS], y[KEYS];
	size_t n = top_list(a, x, KEYS);

	check_int(top_list(b, y, KEYS), n);
	for (size_t i = 0; i < n; i++)
		check(x[i].len == y[i].len && memcmp(x[i].bytes, y[i].bytes, x[i].len) == 0 &&
			x[i].count == y[i].count && x[i].error == y[i].error);
}

/* What a copy becomes is what the first one becomes. */
static void check_same_future(struct top *a, struct top *b, uint32_t limit, struct random r)
{
	struct random again = r;
	struct truth unused = {0};

	fill(a, limit, &unused, &r);
	fill(b, limit, &unused, &again);
	check_equal(a, b);
}

void test_merges(void)
{
	struct random r = random_begin();

	for (int i = 0; i < 500; i++) {
		uint32_t limit = i % 2 ? KEYS : 1 + (uint32_t)random_below(&r, 100);
		struct truth truth = {0};
		struct top all = {0};

		for (int part = 0; part < 4; part++) {
			struct top t = {0}, copy = {0};

			fill(&t, limit, &truth, &r);
			top_merge(&copy, limit, &t);
			check_equal(&copy, &t);
			top_merge(&all, limit, part % 2 ? &t : &copy);
			check_equal(&copy, &t);
			check_bounds(&all, limit, &truth);
			fill(&all, limit, &truth, &r);
			check_bounds(&all, limit, &truth);
			check_same_future(&copy, &t, limit, r);
			top_release(&t);
			top_release(&copy);
		}
		if (limit == KEYS)
			check_exact(&all, &truth);
		top_release(&all);
	}
}

/* However often counters change hands, they take what those of the same strings take. */
void test_bytes_do_not_grow(void)
{
	struct random r = random_begin();
	struct top t = {0}, fresh = {0};
	struct truth truth = {0};
	size_t begin;

	for (size_t key = 100; key < 120; key++)
		add(&t, 20, &truth, key);
	begin = top_bytes(&t);
	for (int i = 0; i < 10000; i++)
		add(&t, 20, &truth, 100 + random_below(&r, 300));
	check_int(top_bytes(&t), begin);
	top_merge(&fresh, 20, &t);
	check_int(top_bytes(&fresh), begin);
	top_release(&t);
	top_release(&fresh);
}
