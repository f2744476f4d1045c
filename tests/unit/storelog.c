/* The log of a store in memory: what it takes, its bounds, and damage. */
#include "state/storelog.h"

#include "base/die.h"
#include "child.h"
#include "storerun.h"

static uint64_t log_bytes(void)
{
	return changelog_bytes(&store.log.log);
}

static void seal(void)
{
	struct snapshot s;

	snapshot_init(&s);
	store_snapshot(&store, &s);
	snapshot_release(&s);
}

/* A space is an entry when it comes and when it goes; and nothing where it was not written. */
void test_what_is_written(void)
{
	struct store_space *space;
	uint64_t before;

	begin_at(1);
	store_open(&store, 'p', 0);
	seal();
	before = log_bytes();
	seal();
	check_int(log_bytes(), before);
	space = store_open(&store, 'p', 1795000000000000000);
	for (uint64_t i = 0; i < 1000; i++)
		enter_number(space, i, 1);
	store_delete(&store, space, enter_number(space, 1000, 1));
	seal();
	/* two lengths, a letter, the number of the space, the key, the value; and the space, and a
	 * block */
	check_int(log_bytes() - before, 1000 * (2 + 1 + 9 + 8 + 2) + (2 + 1 + 9 + 2) + 16);
	before = log_bytes();
	for (uint64_t i = 0; i < 1000; i++)
		enter_number(space, i, 2);
	store_delete(&store, space, enter_number(space, 7, 2));
	store_drop(&store, space);
	space = store_open(&store, 'p', 1795000000000000000);
	enter_number(space, 5, 5);
	store_drop(&store, space);
	store_open(&store, 'p', 0)->own[1] = 77;
	store_note_space(&store, store_open(&store, 'p', 0));
	/* there is no entry any more, so the log begins anew with the space that is left */
	seal();
	check_int(log_bytes(), strlen("ddpipe changelog 1 state.0000000000000001.000002\n") + 16 +
				       (2 + 1 + 1 + 3));
	end_run();
	end();
}

/* What was written, deleted and dropped while there are others: an entry each. */
void test_deletions(void)
{
	struct store_space *space, *other;
	uint64_t before;

	begin_at(1);
	other = store_open(&store, 'p', 0);
	space = store_open(&store, 'p', 1);
	enter_number(other, 1, 1);
	for (uint64_t i = 0; i < 1000; i++)
		enter_number(space, i, 1);
	seal();
	before = log_bytes();
	store_delete(&store, space, enter_number(space, 7, 2));
	seal();
	check_int(log_bytes() - before, 16 + 1 + 1 + 1 + 8);
	before = log_bytes();
	store_drop(&store, space);
	seal();
	check_int(log_bytes() - before, 16 + 1 + 1 + 1);
	end_run();
	end();
}

/* Most is written before the barrier; and the log stays below three times what is alive. */
void test_run_ahead(void)
{
	enum { COUNT = 100000, TURNS = 40 };
	struct store_space *space;
	uint64_t changed_most = 0, alive = COUNT * (2 + 1 + 1 + 8 + 2), most = 0;
	struct snapshot s;

	begin_at(1);
	space = store_open(&store, 'p', 0);
	for (int turn = 0; turn < TURNS; turn++) {
		for (uint64_t i = 0; i < COUNT; i++) {
			enter_number(space, i, i % 100 + 400);
			store_run_ahead(&store);
			if (store.changed_count > changed_most)
				changed_most = store.changed_count;
			if (log_bytes() > most)
				most = log_bytes();
		}
		snapshot_init(&s);
		store_snapshot(&store, &s);
		if (turn < TURNS - 1)
			snapshot_release(&s);
	}
	alive += COUNT * 99 / 2; /* the fillers */
	check(changed_most <= 1 << 15);
	check(most > alive && most < 3 * alive + (2 << 20));
	check(store.log.log.dropped > 5);
	end_run();
	begin_run(2);
	store_restore(&store, &s);
	snapshot_release(&s);
	space = store_space(&store, 'p', 0);
	check_int(store.count, COUNT);
	for (uint64_t i = 0; i < COUNT; i++) {
		const struct table_entry *e = store_find(&store, space, &i, sizeof(i));

		check(e && plain_of(e)->number == i % 100 + 400);
	}
	end_run();
	end();
}

/* Damage */

struct forged {
	const char *key;
	size_t key_len;
	const char *value;
	size_t value_len;
	const char *why;
};

static const struct forged *forged;

/* Entries that are whole, and no store's. */
static void restore_forged(void *context)
{
	struct changelog log;
	struct snapshot s;

	(void)context;
	changelog_init(&log, dir, "state", 7);
	changelog_put(&log, "\xf0\0", 2, "\0\0", 2);
	changelog_put(&log, "p\0k", 3, "\0", 1);
	changelog_put(&log, forged->key, forged->key_len, forged->value, forged->value_len);
	changelog_sync(&log);
	snapshot_init(&s);
	json_decref(s.files);
	s.files = changelog_files(&log);
	begin_run(8);
	store_restore(&store, &s);
	snapshot_release(&s);
	changelog_release(&log);
	end_run();
}

void test_no_entries_of_a_store(void)
{
	static const struct forged list[] = {
		{"p\0l", 3, "\0", 1, NULL},
		{"", 0, "", 0, "an entry of another kind of state"},
		{"x\0k", 3, "\0", 1, "an entry of another kind of state"},
		{"p\x80", 2, "\0", 1, "an entry of no space"},
		{"\xf0\0k", 3, "\0\0", 2, "a space with a key"},
		{"\xf0\0", 2, "\0", 1, "a space that ends too early"},
		{"\xf0\0", 2, "\0\0\0", 3, "a space with more than its words"},
		{"p\0l", 3, "", 0, "no number"},
		{"p\0l", 3, "\1x", 2, "another filler"},
		{"p\0k", 3, "\5xxxxxxxx", 9, "a filler of another length"},
		{"p\4k", 3, "\0", 1, "the snapshot's 'files' is not there or cannot be read"},
		{"\xf0\6", 2, "\0\0", 2, NULL},
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		struct child c;

		strcpy(dir, "/tmp/store.XXXXXX");
		check(mkdtemp(dir));
		forged = &list[i];
		child_run(&c, restore_forged, NULL);
		if (!list[i].why) {
			check_int(c.status, 0);
		} else {
			bool is_whole = strstr(list[i].why, "snapshot");

			check_int(c.status, is_whole ? EX_CONFIG : EX_IOERR);
			check(strstr(c.err, list[i].why));
			check(is_whole ||
				strstr(c.err, "/state.0000000000000007.000001' is damaged"));
		}
		end();
	}
}
