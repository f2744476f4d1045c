#include "base/table.h"

#include "base/buf.h"
#include "random.h"
#include "test.h"

enum { VALUE_BYTES = 12, KEYS = 3000 };

/* The model: each key that was put in, with its value, in a list. */
struct known {
	char key[24];
	size_t len;
	char value[VALUE_BYTES];
	void *at;
};

static struct known model[KEYS];
static size_t model_count;

static struct known *model_find(const char *key, size_t len)
{
	for (size_t i = 0; i < model_count; i++)
		if (model[i].len == len && memcmp(model[i].key, key, len) == 0)
			return &model[i];
	return NULL;
}

static size_t random_key(char *key)
{
	size_t len = random_below(random_below(2) ? 3 : 24);

	for (size_t i = 0; i < len; i++)
		key[i] = "\0\1a\xff"[random_below(4)];
	return len;
}

static void check_zero(const char *value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		check_int(value[i], 0);
}

static void step(struct table *t)
{
	char key[24];
	size_t len = random_key(key);
	struct known *k = model_find(key, len);
	void *found = table_find(t, key, len), *value;
	bool added;

	check(found == (k ? k->at : NULL));
	if (!k && model_count == KEYS)
		return;
	value = table_add(t, key, len, &added);
	check_int(added, k == NULL);
	check((uintptr_t)value % TABLE_ALIGN == 0);
	if (k) {
		check(value == k->at);
		check(memcmp(value, k->value, VALUE_BYTES) == 0);
	} else {
		check_zero(value, VALUE_BYTES);
		k = &model[model_count++];
		memcpy(k->key, key, len);
		k->len = len;
		k->at = value;
	}
	for (int i = 0; i < VALUE_BYTES; i++)
		k->value[i] = (char)random_next();
	memcpy(value, k->value, VALUE_BYTES);
}

/* Each entry once, in whatever order, and nothing behind the last. */
static void check_next(const struct table *t)
{
	static bool seen[KEYS];
	struct table_entry *e;
	size_t at = 0, count = 0;

	memset(seen, 0, sizeof(seen));
	while ((e = table_next(t, &at))) {
		struct known *k = model_find(table_key(t, e), e->key_len);

		check(k && k->at == e->value && !seen[k - model]);
		check(table_entry_of(k->at) == e);
		seen[k - model] = true;
		count++;
	}
	check_int(count, t->count);
	check(!table_next(t, &at));
}

static void check_sorted(const struct table *t)
{
	struct table_entry **sorted = table_sorted(t);

	for (uint32_t i = 0; i < t->count; i++) {
		const struct table_entry *e = sorted[i];
		struct known *k = model_find(table_key(t, e), e->key_len);

		check(k && k->at == e->value);
		check(memcmp(e->value, k->value, VALUE_BYTES) == 0);
		if (i) {
			const struct table_entry *b = sorted[i - 1];
			uint32_t n = b->key_len < e->key_len ? b->key_len : e->key_len;
			int order = memcmp(table_key(t, b), table_key(t, e), n);

			check(order < 0 || (order == 0 && b->key_len < e->key_len));
		}
	}
	free(sorted);
}

void test_against_a_list(void)
{
	struct table t;

	random_seed();
	for (int round = 0; round < 3; round++) {
		model_count = 0;
		table_init(&t, VALUE_BYTES);
		for (int i = 0; i < 8000; i++)
			step(&t);
		check_int(t.count, model_count);
		check_sorted(&t);
		check_next(&t);
		table_release(&t);
		check_int(t.bytes, 0);
	}
}

void test_empty(void)
{
	struct table t;
	struct table_entry **sorted;
	size_t at = 0;

	table_init(&t, 0);
	check(!table_find(&t, "a", 1));
	check(!table_next(&t, &at));
	check_int(t.bytes, 0);
	sorted = table_sorted(&t);
	check(!sorted[0]);
	free(sorted);
	table_release(&t);
}

/* By bytes, unsigned, and a prefix first; with values of another size than a key's, too. */
void test_order(void)
{
	static const struct {
		const char *bytes;
		size_t len;
	} keys[] = {{"", 0}, {"\0", 1}, {"\0\0", 2}, {"\0a", 2}, {"a", 1}, {"a\0", 2}, {"aa", 2},
		{"b", 1}, {"\x7f", 1}, {"\x80", 1}, {"\xff", 1}, {"\xff\0", 2}};
	enum { COUNT = sizeof(keys) / sizeof(*keys) };

	for (size_t value_bytes = 0; value_bytes < 30; value_bytes += 7) {
		struct table t;
		struct table_entry **sorted;
		bool added;

		table_init(&t, value_bytes);
		for (size_t i = 0; i < COUNT; i++) {
			size_t k = i * 5 % COUNT; /* 5 and 12 have no divisor in common */

			table_add(&t, keys[k].bytes, keys[k].len, &added);
			check(added);
		}
		sorted = table_sorted(&t);
		for (size_t i = 0; i < COUNT; i++) {
			check_int(sorted[i]->key_len, keys[i].len);
			check(memcmp(table_key(&t, sorted[i]), keys[i].bytes, keys[i].len) == 0);
		}
		free(sorted);
		table_release(&t);
	}
}

/* Values need not be: then it is a set. */
void test_without_values(void)
{
	struct table t;
	bool added;

	table_init(&t, 0);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 1000; i++) {
			table_add(&t, &i, sizeof(i), &added);
			check_int(added, round == 0);
		}
	check_int(t.count, 1000);
	table_release(&t);
}

/* Keys around and beyond the size of a chunk, each beside small ones. */
void test_large_keys(void)
{
	enum { LARGEST = 600 << 10 };
	static const size_t lengths[] = {
		200, 239, 240, 241, 255, 256, (256 << 10) - 8, 256 << 10, LARGEST};
	static char key[LARGEST];
	struct table t;
	bool added;

	table_init(&t, 8);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		memset(key, (int)i + 1, lengths[i]);
		memcpy(table_add(&t, key, lengths[i], &added), &i, sizeof(i));
		check(added);
		check(t.bytes >= lengths[i]);
		table_add(&t, &i, sizeof(i), &added);
	}
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		memset(key, (int)i + 1, lengths[i]);
		check(memcmp(table_find(&t, key, lengths[i]), &i, sizeof(i)) == 0);
		check(!table_find(&t, key, lengths[i] - 1));
	}
	table_release(&t);
}

/* What it says it takes grows with what it holds, and is not wildly more. */
void test_bytes(void)
{
	struct table t;
	bool added;

	table_init(&t, 16);
	for (uint64_t i = 0; i < 100000; i++) {
		size_t before = t.bytes;

		table_add(&t, &i, sizeof(i), &added);
		check(t.bytes >= before);
		check(t.bytes >= t.count * (8 + 16 + 8 + sizeof(void *)));
	}
	check(t.bytes < t.count * (8 + 16 + 8 + sizeof(void *) * 4));
	table_release(&t);
}
