#include "base/table.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/tablesort.h"
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

/* The two ways to look for a key have to agree. */
static void *find(const struct table *t, const char *key, size_t len)
{
	void *found = table_find(t, key, len);
	struct table_entry *few = table_find_few(t, key, len, table_hash(key, len));

	check(few == (found && short_is(len) ? table_entry_of(found) : NULL));
	return found;
}

/* The last of the list takes its place. */
static void step_delete(struct table *t)
{
	struct known *k = &model[random_below(model_count)];
	struct table_entry *e = table_entry_of(k->at);

	if (random_below(2)) {
		table_delete(t, e);
	} else {
		table_take_out(t, e);
		check(!find(t, k->key, k->len));
		check(memcmp(table_key(t, e), k->key, k->len) == 0);
		check(memcmp(e->value, k->value, VALUE_BYTES) == 0);
		table_free(t, e);
	}
	*k = model[--model_count];
}

static void step(struct table *t)
{
	char key[24];
	size_t len = random_key(key);
	struct known *k = model_find(key, len);
	void *found = find(t, key, len), *value;
	bool added;

	check(found == (k ? k->at : NULL));
	if (model_count) {
		const struct known *other = &model[random_below(model_count)];

		check(find(t, other->key, other->len) == other->at);
	}
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

/* As much comes as goes, or first the one and then the other. */
void test_deleting(void)
{
	struct table t;

	random_seed();
	model_count = 0;
	table_init(&t, VALUE_BYTES);
	for (int i = 0; i < 60000; i++) {
		bool grows = i / 7000 % 2 == 0;

		if (model_count && random_below(10) < (grows ? 3 : 8))
			step_delete(&t);
		else
			step(&t);
		check_int(t.count, model_count);
		if (i % 500 == 0) {
			check_sorted(&t);
			check_next(&t);
		}
	}
	while (model_count) {
		check(t.bytes > 0);
		step_delete(&t);
	}
	check_int(t.bytes, 0);
	check(!t.slots && !t.chunks && !t.large && !t.free);
	for (int i = 0; i < 100; i++)
		step(&t);
	check_next(&t);
	table_release(&t);
}

static struct table_entry *add_number(struct table *t, uint32_t number, size_t len)
{
	static char key[2000];
	bool added;
	void *value;

	memcpy(key, &number, sizeof(number));
	value = table_add(t, key, len, &added);
	check(added);
	return table_entry_of(value);
}

static void delete_number(struct table *t, uint32_t number, size_t len)
{
	static char key[2000];

	memcpy(key, &number, sizeof(number));
	table_delete(t, table_entry_of(table_find(t, key, len)));
}

/* The next number whose place is among few in a row: those make clusters so long that a byte
 * doesn't say how far an entry is from its place. */
static uint32_t next_crowded(uint32_t number)
{
	enum { PLACES = 0xfc0 };

	do
		number++;
	while ((hash_bytes(&number, sizeof(number)) >> (64 - TABLE_HASH_BITS) & PLACES) != PLACES);
	return number;
}

void test_long_clusters(void)
{
	enum { COUNT = 1200, STEPS = 100000, LOOKS = 1000 };
	static uint32_t numbers[COUNT];
	static struct table_entry *entries[COUNT];
	struct table t;
	uint32_t number = 0, count = 0;

	random_seed();
	for (int i = 0; i < COUNT; i++)
		number = numbers[i] = next_crowded(number);
	table_init(&t, 0);
	for (int i = 0; i < STEPS; i++) {
		bool grows = i / (STEPS / 4) % 2 == 0;
		uint32_t n = (uint32_t)random_below(COUNT);

		if (entries[n] && random_below(grows ? 4 : 2) == 0) {
			table_delete(&t, entries[n]);
			entries[n] = NULL;
			count--;
		} else if (!entries[n] && random_below(grows ? 1 : 8) == 0) {
			entries[n] = add_number(&t, numbers[n], sizeof(number));
			count++;
		}
		check_int(t.count, count);
		for (int j = 0; i % LOOKS == 0 && j < COUNT; j++) {
			void *value = table_find(&t, &numbers[j], sizeof(number));

			check(entries[j] ? value == entries[j]->value : !value);
		}
	}
	table_release(&t);
}

/* What goes makes room for what comes, if that is not larger. */
void test_memory_is_used_again(void)
{
	enum { COUNT = 20000, TURNS = 6 };
	static const size_t lengths[TURNS] = {64, 64, 60, 40, 16, 16};
	struct table t;
	size_t most;

	table_init(&t, 16);
	for (uint32_t i = 0; i < COUNT; i++)
		add_number(&t, i, lengths[0]);
	most = t.bytes;
	for (uint32_t i = COUNT; i < TURNS * COUNT; i++) {
		delete_number(&t, i - COUNT, lengths[i / COUNT - 1]);
		add_number(&t, i, lengths[i / COUNT]);
	}
	check_int(t.count, COUNT);
	check(t.bytes <= most + 4096);
	table_release(&t);
}

/* Large entries are freed, and slots get fewer. */
void test_memory_is_given_back(void)
{
	enum { COUNT = 20000, LARGE = 2000 };
	struct table t;
	size_t slots;

	table_init(&t, 16);
	for (uint32_t i = 0; i < COUNT; i++)
		add_number(&t, i, 8);
	slots = t.slot_mask;
	delete_number(&t, 0, 8);
	for (uint32_t i = 0; i < 100; i++) {
		size_t before = t.bytes;
		struct table_entry *e = add_number(&t, i, LARGE);

		check(t.bytes >= before + LARGE);
		table_delete(&t, e);
		check(t.bytes == before);
	}
	for (uint32_t i = 1; i < COUNT - 10; i++)
		delete_number(&t, i, 8);
	check_int(t.count, 10);
	check(t.slot_mask < slots / 64);
	table_release(&t);
}

/* Memory of what was taken out stays, though the table is empty. */
void test_taken_out(void)
{
	struct table_entry *a, *b;
	struct table t;
	bool added;

	table_init(&t, 0);
	a = table_entry_of(table_add(&t, "a", 1, &added));
	b = table_entry_of(table_add(&t, "b", 1, &added));
	table_take_out(&t, a);
	table_take_out(&t, b);
	check_int(t.count, 0);
	check(!table_find(&t, "a", 1) && *table_key(&t, a) == 'a' && *table_key(&t, b) == 'b');
	table_add(&t, "c", 1, &added);
	check(added && *table_key(&t, a) == 'a' && *table_key(&t, b) == 'b');
	table_delete(&t, table_entry_of(table_find(&t, "c", 1)));
	check(*table_key(&t, a) == 'a' && t.bytes > 0);
	table_free(&t, a);
	check(*table_key(&t, b) == 'b' && t.bytes > 0);
	table_free(&t, b);
	check_int(t.bytes, 0);
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
/* Of keys that begin with the same bytes, a few or many, and of which one may be short. */
void test_order_of_what_begins_alike(void)
{
	random_seed();
	for (int round = 0; round < 1000; round++) {
		size_t common = random_below(20), count = 2 + random_below(round % 3 ? 5 : 400),
		       len = 0;
		struct table_entry **sorted;
		struct table t;
		char key[40];
		bool added;

		table_init(&t, 8);
		memset(key, 'c', sizeof(key));
		for (size_t i = 0; i < count; i++) {
			len = common + random_below(random_below(2) ? 16 : 3);
			for (size_t k = common; k < len; k++)
				key[k] = (char)(round % 2 ? '0' + random_below(10)
							  : random_below(256));
			if (common && random_below(count) == 0)
				key[random_below(common)] = 'b';
			table_add(&t, key, len, &added);
			memset(key, 'c', common);
		}
		sorted = table_sorted(&t);
		for (uint32_t i = 1; i < t.count; i++) {
			uint32_t a = sorted[i - 1]->key_len, b = sorted[i]->key_len;
			int order = memcmp(table_key(&t, sorted[i - 1]), table_key(&t, sorted[i]),
				a < b ? a : b);

			check(order < 0 || (order == 0 && a < b));
		}
		check(!sorted[t.count]);
		free(sorted);
		table_release(&t);
	}
}

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

static size_t slots_of(const struct table *t)
{
	return t->slots ? (size_t)t->slot_mask + 1 : 0;
}

/* Where more are expected slots come in fewer steps, to no more than as many want. */
static void check_expected(size_t count, size_t slots, size_t steps_wanted)
{
	struct table plain, expecting;
	size_t steps = 0;
	bool added;

	table_init(&plain, 16);
	table_init(&expecting, 16);
	expecting.expected = (uint32_t)count;
	for (uint64_t i = 0; i < 4 * count; i++) {
		size_t before = slots_of(&expecting);

		table_add(&plain, &i, sizeof(i), &added);
		table_add(&expecting, &i, sizeof(i), &added);
		steps += i < count && slots_of(&expecting) != before;
		check(slots_of(&expecting) >= slots_of(&plain));
		check(slots_of(&expecting) <= 8 * before || !before);
		check(slots_of(&expecting) <= slots || slots_of(&expecting) == slots_of(&plain));
	}
	check_int(steps, steps_wanted);
	for (uint64_t i = 0; i < 4 * count; i++)
		check(table_find(&expecting, &i, sizeof(i)) != NULL);
	check_int(expecting.bytes, plain.bytes);
	table_release(&plain);
	table_release(&expecting);
}

void test_expected(void)
{
	check_expected(1, 8, 1);
	check_expected(7, 16, 2);
	check_expected(384, 512, 3);
	check_expected(385, 1024, 4);
	check_expected(1340, 2048, 4);
	check_expected(1536, 2048, 4);
	check_expected(1537, 4096, 4);
	check_expected(100000, 262144, 6);
}
