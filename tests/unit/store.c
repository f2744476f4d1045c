/*
 * A store against a model that is an array, with either engine: random changes, scans, spills,
 * timers, snapshots, and runs that go on from any of the last ones.
 */
#include "state/store.h"

#include "base/die.h"
#include "base/ordered.h"
#include "child.h"
#include "random.h"
#include "state/storescan.h"
#include "storerun.h"

enum { KEYS = 80, KEY_MAX = 1500, TIMES = 1000 };

static const char letters[] = {'p', 't', 'n'};
static const int64_t numbers[] = {0, 1795000000000000000, INT64_MAX, INT64_MIN, -1, 1};
enum { NUMBERS = sizeof(numbers) / sizeof(*numbers), PLAIN = 0, TIMED, NONE };

/* The model */

struct entry {
	bool is_there;
	uint64_t number;
	struct store_timer due;
};

struct space {
	bool is_there;
	int64_t own[STORE_OWN_WORDS];
	struct entry entries[KEYS]; /* in the order of keys */
};

struct model {
	struct space spaces[KINDS][NUMBERS];
};

static struct model now;

/* In order: prefixes of each other, zeros, and some that have memory of their own. */
static size_t key_of(char *key, unsigned i)
{
	size_t len;

	memset(key, 'm', KEY_MAX);
	if (i < 10) {
		memset(key, 0, i);
		return i;
	}
	key[0] = (char)(i < 40 ? 1 : 0xff);
	key[1] = (char)(i * 3);
	len = i % 13 == 0 ? KEY_MAX : 2 + i % 40;
	return len;
}

static unsigned index_of(const char *key, size_t len)
{
	char want[KEY_MAX];
	unsigned i = 0;

	while (i < KEYS && (key_of(want, i) != len || memcmp(want, key, len) != 0))
		i++;
	check(i < KEYS);
	return i;
}

static struct space *model_of(const struct store_space *space)
{
	struct space *model = NULL;

	for (int k = 0; k < KINDS; k++)
		for (int n = 0; n < NUMBERS; n++)
			if (letters[k] == space->kind->letter && numbers[n] == space->at)
				model = &now.spaces[k][n];
	check(model);
	return model;
}

static bool is_timed(const struct store_space *space)
{
	return space->kind->letter == 't';
}

/* Checking */

static void check_entry(
	const struct store_space *space, const struct table_entry *e, const struct entry *want)
{
	check(e && want->is_there);
	if (space->kind->letter == 'p') {
		check_int(plain_of(e)->number, want->number);
		check(strtoull(plain_of(e)->text, NULL, 10) == want->number);
	} else if (is_timed(space)) {
		check_int(timed_of(e)->number, want->number);
		check_int(timed_of(e)->due.due_ns, want->due.due_ns);
		check_int(timed_of(e)->due.tie, want->due.tie);
	}
}

static uint64_t count_of(const struct space *space)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < KEYS; i++)
		count += space->entries[i].is_there;
	return count;
}

static size_t check_space(const struct store_space *space)
{
	const struct space *want = model_of(space);

	check(want->is_there);
	for (int i = 0; i < STORE_OWN_WORDS; i++)
		check_int(space->own[i], want->own[i]);
	check_int(space->count, count_of(want));
	check(space->table.count <= space->count);
	check(on_disk || !store_is_spilled(space));
	return sizeof(*space) + space->table.bytes +
	       space->changes.cap * sizeof(*space->changes.list);
}

/* Numbers and bytes, and all that is in memory. */
static void check_store(void)
{
	struct store_space *space = NULL;
	uint64_t spaces = 0, count = 0, changed = 0;
	int64_t held = 0;
	size_t bytes = 0, want_spaces = 0;

	while ((space = store_next_space(&store, space))) {
		struct table_entry *e;
		size_t at = 0;

		bytes += check_space(space);
		while ((e = table_next(&space->table, &at))) {
			unsigned i = index_of(store_key(space, e), e->key_len);

			check_entry(space, e, &model_of(space)->entries[i]);
		}
		held += space->kind->letter == 'p' ? space->table.count : 0;
		changed += changes_count(&space->changes);
		count += space->count;
		spaces++;
	}
	for (int k = 0; k < KINDS; k++)
		for (int n = 0; n < NUMBERS; n++)
			want_spaces += now.spaces[k][n].is_there;
	check_int(spaces, want_spaces);
	check_int(spaces, store.spaces.count);
	check_int(count, store.count);
	check_int(bytes, store.bytes);
	check_int(changed, store.changed_count);
	check_int(held, texts);
}

/* Changes */

static void set_value(const struct store_space *space, struct table_entry *e, struct entry *is)
{
	is->is_there = true;
	is->number = random_next() >> random_below(64);
	is->due.due_ns = (int64_t)random_below(TIMES) - TIMES / 2;
	is->due.tie = (int64_t)random_below(3) - 1;
	if (space->kind->letter == 'p')
		set_plain(plain_of(e), is->number);
	else if (is_timed(space))
		*timed_of(e) = (struct timed){is->number, is->due};
	else
		is->number = 0;
}

static struct store_space *any_space(struct space **model)
{
	int k = (int)random_below(KINDS), n = (int)random_below(NUMBERS);
	struct store_space *space = store_space(&store, letters[k], numbers[n]);

	*model = &now.spaces[k][n];
	check((space != NULL) == (*model)->is_there);
	if (!space) {
		space = store_open(&store, letters[k], numbers[n]);
		(*model)->is_there = true;
	}
	check(store_open(&store, letters[k], numbers[n]) == space);
	return space;
}

static void step_enter(struct store_space *space, struct space *model, unsigned i)
{
	char key[KEY_MAX];
	bool added;
	struct table_entry *e = store_enter(&store, space, key, key_of(key, i), &added);
	struct entry *is = &model->entries[i];

	check_int(added, !is->is_there);
	if (!added)
		check_entry(space, e, is);
	if (added || random_below(4)) {
		set_value(space, e, is);
		store_note(&store, space, e);
	}
}

static void step_find(struct store_space *space, struct space *model, unsigned i)
{
	char key[KEY_MAX];
	struct table_entry *e = store_find(&store, space, key, key_of(key, i));
	struct entry *is = &model->entries[i];

	check_int(e != NULL, is->is_there);
	if (!e)
		return;
	check_entry(space, e, is);
	if (random_below(2)) {
		store_delete(&store, space, e);
		is->is_there = false;
	}
}

static void drop(struct store_space *space, struct space *model)
{
	store_drop(&store, space);
	*model = (struct space){.is_there = false};
}

/* Scans */

static struct entry *next_of(struct space *model, unsigned *i)
{
	while (*i < KEYS && !model->entries[*i].is_there)
		++*i;
	return *i < KEYS ? &model->entries[(*i)++] : NULL;
}

/* In another space, as it might be in that of the scan for which it counts. */
static void change_elsewhere(const struct store_space *but)
{
	struct space *model;
	struct store_space *space = any_space(&model);

	if (space != but)
		step_enter(space, model, (unsigned)random_below(KEYS));
}

static void change_in_hand(struct store_space *space, struct table_entry *e, struct entry *is)
{
	switch (random_below(6)) {
	case 0:
		store_delete(&store, space, e);
		is->is_there = false;
		break;
	case 1:
		set_value(space, e, is);
		store_note(&store, space, e);
		break;
	case 2:
		change_elsewhere(space);
		break;
	}
}

static void step_scan(struct store_space *space, struct space *model)
{
	struct store_scan c;
	struct table_entry *e;
	struct entry *is;
	unsigned i = 0;

	store_scan_begin(&c, &store, space);
	for (;;) {
		if (random_below(50) == 0) {
			store_scan_rewind(&c);
			i = 0;
		}
		if (random_below(50) == 0 && on_disk)
			store_scan_spill(&c);
		e = store_scan_next(&c);
		is = next_of(model, &i);
		check((e != NULL) == (is != NULL));
		if (!e || random_below(100) == 0)
			break;
		check_int(index_of(store_key(space, e), e->key_len), i - 1);
		check_entry(space, e, is);
		change_in_hand(space, e, is);
	}
	check(e || !store_scan_next(&c));
	store_scan_end(&c);
}

/* Timers: the owner of those in memory is the test. */

static bool is_in_memory(const struct store_space *space, unsigned i)
{
	char key[KEY_MAX];

	return table_find(&space->table, key, key_of(key, i)) != NULL;
}

static int timers_order(const struct store_timer *a, const struct store_timer *b)
{
	if (a->due_ns != b->due_ns)
		return a->due_ns < b->due_ns ? -1 : 1;
	return (a->tie > b->tie) - (a->tie < b->tie);
}

/* What is due and not in memory, as marks. */
static void due_on_disk(int64_t until_ns, bool due[NUMBERS][KEYS])
{
	for (int n = 0; n < NUMBERS; n++)
		for (unsigned i = 0; i < KEYS; i++) {
			const struct entry *is = &now.spaces[TIMED][n].entries[i];
			const struct store_space *space = store_space(&store, 't', numbers[n]);

			due[n][i] = is->is_there && is->due.due_ns <= until_ns &&
				    !is_in_memory(space, i);
		}
}

static int number_of(const struct store_space *space)
{
	for (int n = 0; n < NUMBERS; n++)
		if (numbers[n] == space->at)
			return n;
	return 0;
}

static uint64_t taken_from_disk;

/* One that was taken is found and noted; it is its owner's then, as the owner may leave it or put
 * it off. */
static void handle(struct store_space *space, const struct buf *key, bool due[NUMBERS][KEYS],
	const struct store_timer *timer)
{
	unsigned i = index_of(key->data, key->len);
	struct entry *is = &model_of(space)->entries[i];
	struct table_entry *e = store_find(&store, space, key->data, key->len);

	check((e != NULL) == is->is_there);
	if (!e)
		return;
	check_entry(space, e, is);
	taken_from_disk += timers_order(&is->due, timer) == 0;
	due[number_of(space)][i] = false;
	store_note(&store, space, e);
	if (random_below(2)) {
		is->due.due_ns += (int64_t)random_below(TIMES);
		timed_of(e)->due.due_ns = is->due.due_ns;
	}
}

static void step_timers(void)
{
	int64_t until_ns = (int64_t)random_below(TIMES) - TIMES / 2;
	struct store_timer timer, last = {INT64_MIN, 0};
	bool due[NUMBERS][KEYS];
	struct store_space *space;
	struct buf key;

	buf_init(&key);
	due_on_disk(until_ns, due);
	while (store_take_timer(&store, 't', until_ns, &timer, &space, &key)) {
		check(timer.due_ns <= until_ns && is_timed(space));
		check(timers_order(&last, &timer) <= 0);
		check(!is_in_memory(space, index_of(key.data, key.len)));
		last = timer;
		handle(space, &key, due, &timer);
		if (random_below(20) == 0)
			break;
		if (random_below(20) == 0) {
			store_spill(&store);
			due_on_disk(until_ns, due);
			last.due_ns = INT64_MIN;
		}
	}
	if (!store_take_timer(&store, 't', until_ns, &timer, &space, &key)) {
		for (int n = 0; n < NUMBERS; n++)
			for (unsigned i = 0; i < KEYS; i++)
				check(!due[n][i]);
	} else {
		handle(space, &key, due, &timer);
	}
	buf_release(&key);
}

static void step(void)
{
	struct space *model;
	struct store_space *space = any_space(&model);
	/* so that some are asked for often, and some spaces have few */
	unsigned i = (unsigned)random_below(1 + random_below(KEYS));

	switch (random_below(120)) {
	case 0:
		drop(space, model);
		break;
	case 1:
		for (int word = 0; word < STORE_OWN_WORDS; word++)
			space->own[word] = model->own[word] = (int64_t)random_next();
		store_note_space(&store, space);
		break;
	case 2:
	case 3:
		step_scan(space, model);
		break;
	case 4:
		if (on_disk)
			store_spill(&store);
		break;
	case 5:
	case 6:
		if (on_disk)
			step_timers();
		break;
	case 7:
		check_store();
		break;
	default:
		if (random_below(4))
			step_enter(space, model, i);
		else
			step_find(space, model, i);
		store_run_ahead(&store);
	}
}

/* Runs */

enum { KEPT = 4 };
static struct model kept[KEPT];
static struct snapshot snapshots[KEPT];
static unsigned snapshot_count;

static void keep(void)
{
	unsigned i = snapshot_count++ % KEPT;

	if (snapshot_count > KEPT)
		snapshot_release(&snapshots[i]);
	snapshot_init(&snapshots[i]);
	store_snapshot(&store, &snapshots[i]);
	kept[i] = now;
}

static void go_on_from_any(void)
{
	unsigned back = (unsigned)random_below(snapshot_count < KEPT ? snapshot_count : KEPT);
	unsigned i = (snapshot_count - 1 - back) % KEPT;

	now = kept[i];
	store_restore(&store, &snapshots[i]);
	check_store();
}

static void drop_all(void)
{
	struct store_space *space;

	while ((space = store_next_space(&store, NULL)))
		drop(space, model_of(space));
	check_int(store.count, 0);
	check_int(store.bytes, 0);
}

/* The spaces stay. */
static void delete_all(void)
{
	struct store_space *space = NULL;

	while ((space = store_next_space(&store, space))) {
		struct space *model = model_of(space);
		struct store_scan c;
		struct table_entry *e;

		store_scan_begin(&c, &store, space);
		while ((e = store_scan_next(&c)))
			store_delete(&store, space, e);
		store_scan_end(&c);
		memset(model->entries, 0, sizeof(model->entries));
	}
	check_int(store.count, 0);
}

static void check_model(int runs, int epochs, int steps)
{
	uint64_t dropped = 0;

	random_seed();
	check(mkdtemp(dir));
	for (uint64_t run = 1; run <= (uint64_t)runs; run++) {
		begin_run(run);
		if (snapshot_count)
			go_on_from_any();
		for (int epoch = 0; epoch < epochs; epoch++) {
			for (int i = 0; i < steps; i++)
				step();
			check_store();
			if (random_below(20) == 0)
				drop_all();
			else if (random_below(20) == 0)
				delete_all();
			keep();
			check_store();
		}
		dropped += store.log.log.dropped;
		end_run();
	}
	/* rounds came to their end */
	check(on_disk ? taken_from_disk > 100 && came_back_count > 1000 : dropped > (uint64_t)runs);
	for (unsigned i = 0; i < KEPT; i++)
		snapshot_release(&snapshots[i]);
	end();
}

void test_in_memory(void)
{
	check_model(8, 25, 2500);
}

void test_on_disk(void)
{
	on_disk = true;
	check_model(8, 6, 2500);
}

/* Without a checkpoint */

static void check_unkept(struct disk *d)
{
	random_seed();
	store_init(&store, kinds, KINDS, d);
	for (int i = 0; i < 20000; i++)
		step();
	check_store();
	end_run();
}

void test_in_memory_unkept(void)
{
	check_unkept(NULL);
	check_int(came_back_count, 0);
}

void test_on_disk_unkept(void)
{
	on_disk = true;
	check_unkept(disk_open(NULL, 0, STORE_MEMORY));
	check(came_back_count > 1000);
}

/* What goes ahead of a barrier */

/* What is left of a space that was written in part is written at the barrier. */
static void check_rest_of_run_ahead(void)
{
	struct store_space *space;
	struct snapshot s;
	uint64_t i = 0;

	begin_at(1);
	space = store_open(&store, 'p', 0);
	for (bool is_ahead = false; !is_ahead; i++) {
		uint64_t before;

		enter_number(space, i, i);
		before = store.changed_count;
		store_run_ahead(&store);
		is_ahead = store.changed_count < before;
	}
	check(store.changed_count > 1000);
	snapshot_init(&s);
	store_snapshot(&store, &s);
	check_int(store.changed_count, 0);
	end_run();
	begin_run(2);
	store_restore(&store, &s);
	snapshot_release(&s);
	space = store_space(&store, 'p', 0);
	while (i--)
		check(plain_of(store_find(&store, space, &i, sizeof(i)))->number == i);
	end_run();
	end();
}

void test_rest_of_run_ahead(void)
{
	check_rest_of_run_ahead();
}

void test_rest_of_run_ahead_on_disk(void)
{
	on_disk = true;
	check_rest_of_run_ahead();
}

/* Damage */

static void find_damaged(void *context)
{
	struct store_space *space;
	bool added;

	(void)context;
	on_disk = true;
	begin_run(1);
	space = store_open(&store, 'p', 0);
	set_plain(plain_of(store_enter(&store, space, "key", 3, &added)), 5);
	store_spill(&store);
	/* the number of the space is 0 */
	disk_put(store.disk, "ep\x80\0\0\0\0\0\0\0key", 13, "\5xxxx", 5);
	store_find(&store, space, "key", 3);
}

void test_damage_on_disk(void)
{
	struct child c;

	check(mkdtemp(dir));
	child_run(&c, find_damaged, NULL);
	check_int(c.status, EX_IOERR);
	check(strstr(c.err, "the state on disk is damaged: a filler of another length"));
	end();
}

/* A snapshot of one engine is not taken for one of the other, where nothing is. */
static void restore_with_other(void *context)
{
	struct store_space *space;
	struct snapshot s;
	bool added;

	on_disk = context != NULL;
	begin_run(1);
	space = store_open(&store, 'p', 0);
	set_plain(plain_of(store_enter(&store, space, "key", 3, &added)), 5);
	snapshot_init(&s);
	store_snapshot(&store, &s);
	end_run();
	on_disk = !on_disk;
	begin_run(2);
	store_restore(&store, &s);
}

void test_snapshot_of_the_other_engine(void)
{
	static const char *const why[] = {"was not kept on disk", "was kept on disk"};

	for (int i = 0; i < 2; i++) {
		struct child c;

		strcpy(dir, "/tmp/store.XXXXXX");
		check(mkdtemp(dir));
		child_run(&c, restore_with_other, i ? dir : NULL);
		check_int(c.status, EX_CONFIG);
		check(strstr(c.err, why[i]));
		end();
	}
}

/* Timers on disk come in their order: by time, tie and key. */
void test_order_of_timers(void)
{
	enum { COUNT = 5000 };
	struct store_timer timer, last = {INT64_MIN, 0};
	struct store_space *space, *of;
	struct buf key, before;
	size_t count = 0;

	random_seed();
	store_init(&store, kinds, KINDS, disk_open(NULL, 0, STORE_MEMORY));
	buf_init(&key);
	buf_init(&before);
	space = store_open(&store, 't', -7);
	for (uint64_t i = 0; i < COUNT; i++) {
		bool added;
		struct table_entry *e = store_enter(&store, space, &i, sizeof(i), &added);

		*timed_of(e) = (struct timed){
			i, {(int64_t)random_below(60) - 30, (int64_t)random_below(9) - 4}};
	}
	check(!store_take_timer(&store, 't', INT64_MAX, &timer, &of, &key));
	store_spill(&store);
	check(!store_take_timer(&store, 't', -31, &timer, &of, &key));
	while (store_take_timer(&store, 't', INT64_MAX, &timer, &of, &key)) {
		int order = timers_order(&last, &timer);

		check(of == space);
		check(order < 0 || (order == 0 && bytes_order(before.data, before.len, key.data,
							  key.len) < 0));
		last = timer;
		buf_clear(&before);
		buf_add(&before, key.data, key.len);
		count++;
	}
	check_int(count, COUNT);
	buf_release(&key);
	buf_release(&before);
	end_run();
}
