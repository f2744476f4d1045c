/*
 * A log that is made by what changed and by rounds, and cut where a round says so, holds what is in
 * the table whenever all changes have been written.
 */
#include "base/changes.h"

#include "random.h"
#include "test.h"

enum { LOG = 200000, KEYS = 700, NONE = -1 };

/* An entry says what stands at a place, or that nothing does. */
struct entry {
	size_t place;
	int64_t what;
};

static struct entry list[LOG];
static size_t count, begin, round_from;
static bool in_round;
static int rounds;

static void begin_log(void)
{
	count = begin = round_from = 0;
	in_round = false;
}

static void put(size_t place, int64_t what)
{
	check(count < LOG);
	list[count++] = (struct entry){place, what};
}

static void end_round(void)
{
	begin = round_from;
	in_round = false;
	rounds++;
}

static int64_t held[KEYS];

static void replay(void)
{
	for (size_t i = 0; i < KEYS; i++)
		held[i] = NONE;
	for (size_t i = begin; i < count; i++)
		held[list[i].place] = list[i].what;
}

static bool often(void)
{
	return random_below(40) == 0;
}

/* A table */

static uint64_t *value_of(struct table_entry *e)
{
	return (uint64_t *)(void *)e->value;
}

static size_t key_of(const struct table *t, const struct table_entry *e)
{
	uint64_t key;

	memcpy(&key, table_key(t, e), sizeof(key));
	return (size_t)key;
}

static void write_entry(const struct table *t, struct table_entry *e)
{
	put(key_of(t, e), (int64_t)*value_of(e));
}

static void check_table(const struct table *t)
{
	replay();
	for (uint64_t key = 0; key < KEYS; key++) {
		const uint64_t *value = table_find(t, &key, sizeof(key));

		check_int(held[key], value ? (int64_t)*value : NONE);
	}
}

static void table_barrier(struct table *t, struct changes *c)
{
	size_t steps = random_below(300);
	struct table_entry *e;

	while ((e = changes_take(c)))
		write_entry(t, e);
	while (in_round && (e = changes_take_behind(c, t, &steps)))
		write_entry(t, e);
	if (in_round && !c->behind)
		end_round();
	check_table(t);
	if (!in_round && random_below(2)) {
		in_round = true;
		round_from = count;
		changes_begin_round(c);
	}
}

static void table_delete_one(struct table *t, struct changes *c, uint64_t key)
{
	void *value = table_find(t, &key, sizeof(key));

	if (value && changes_delete(c, t, table_entry_of(value)))
		put((size_t)key, NONE);
}

void test_a_table_with_deletions(void)
{
	random_seed();
	rounds = 0;
	for (int i = 0; i < 30; i++) {
		struct changes c;
		struct table t;

		begin_log();
		table_init(&t, sizeof(uint64_t));
		changes_init(&c, CHANGES_FIRST_ROUND);
		for (int step = 0; step < 6000; step++) {
			uint64_t key = random_below(1 + random_below(KEYS));
			/* it grows, and gets small again */
			uint64_t deletions = step / 1000 % 2 ? 8 : 3;
			uint64_t *value;
			bool added;

			if (random_below(10) < deletions) {
				table_delete_one(&t, &c, key);
			} else {
				value = table_add(&t, &key, sizeof(key), &added);
				*value = random_below(1000);
				changes_note(&c, table_entry_of(value));
			}
			if (often() && changes_count(&c)) {
				struct table_entry *e = changes_take(&c);

				if (e)
					write_entry(&t, e);
			}
			if (often())
				table_barrier(&t, &c);
			check_int(t.out + t.count >= changes_count(&c), 1);
		}
		while (changes_take(&c))
			;
		check_int(t.out, 0);
		check_int(c.written, t.count);
		table_release(&t);
		changes_release(&c);
	}
	check(rounds > 300);
}

/* As much comes as goes, so that no other size begins the round anew: what moves up past the place
 * in hand is not forgotten. */
void test_a_round_comes_to_its_end(void)
{
	enum { COUNT = 3000 };
	struct changes c;
	struct table t;
	uint64_t next = COUNT;
	bool added;

	random_seed();
	table_init(&t, 0);
	changes_init(&c, CHANGES_FIRST_ROUND);
	for (uint64_t key = 0; key < COUNT; key++)
		changes_note(&c, table_entry_of(table_add(&t, &key, sizeof(key), &added)));
	for (int round = 0; round < 30; round++) {
		uint32_t slots = t.slot_mask;
		size_t steps = slots + 1;

		while (changes_take(&c))
			;
		changes_begin_round(&c);
		check_int(c.behind, COUNT);
		for (int i = 0; i < COUNT / 2; i++) {
			uint64_t gone = next - COUNT;
			size_t some = 2;

			changes_delete(&c, &t, table_entry_of(table_find(&t, &gone, 8)));
			changes_note(&c, table_entry_of(table_add(&t, &next, 8, &added)));
			next++;
			changes_take_behind(&c, &t, &some);
		}
		check_int(t.slot_mask, slots);
		while (steps && changes_take_behind(&c, &t, &steps))
			;
		check_int(c.behind, 0);
	}
	table_release(&t);
	changes_release(&c);
}

void test_a_table(void)
{
	random_seed();
	rounds = 0;
	for (int i = 0; i < 30; i++) {
		struct changes c;
		struct table t;

		begin_log();
		table_init(&t, sizeof(uint64_t));
		changes_init(&c, CHANGES_FIRST_ROUND);
		for (int step = 0; step < 5000; step++) {
			uint64_t key = random_below(1 + random_below(KEYS));
			bool added;
			uint64_t *value = table_add(&t, &key, sizeof(key), &added);

			*value = random_below(1000);
			changes_note(&c, table_entry_of(value));
			if (often() && changes_count(&c))
				write_entry(&t, changes_take(&c));
			if (often())
				table_barrier(&t, &c);
		}
		table_release(&t);
		changes_release(&c);
	}
	check(rounds > 300);
}
