/* A store with values of three kinds for its tests, and runs that it goes on through. */
#ifndef STORERUN_H
#define STORERUN_H

#include "base/compact.h"
#include "state/store.h"
#include "test.h"

enum { STORE_MEMORY = 4 << 20, FILLER_MAX = 400 };

/* Values: of 'p' a text of its own that says the number; of 't' when it is due; of 'n' nothing. */
struct plain {
	uint64_t number;
	char *text;
};

struct timed {
	uint64_t number;
	struct store_timer due;
};

enum { KINDS = 3 };

static int64_t texts; /* that there are */
static struct store store;
static bool on_disk;

static inline struct plain *plain_of(const struct table_entry *e)
{
	return (struct plain *)(void *)(size_t)e->value;
}

static inline struct timed *timed_of(const struct table_entry *e)
{
	return (struct timed *)(void *)(size_t)e->value;
}

static inline void set_plain(struct plain *p, uint64_t number)
{
	texts += !p->text;
	free(p->text);
	p->number = number;
	p->text = malloc(24);
	snprintf(p->text, 24, "%llu", (unsigned long long)number);
}

static inline void add_filler(struct buf *to, uint64_t number)
{
	for (uint64_t i = number % FILLER_MAX; i; i--)
		buf_char(to, (char)number);
}

static inline const char *check_filler(const char *at, const char *end, uint64_t number)
{
	if ((uint64_t)(end - at) != number % FILLER_MAX)
		return "a filler of another length";
	for (; at < end; at++)
		if (*at != (char)number)
			return "another filler";
	return NULL;
}

static inline void pack_plain(void *context, const struct table_entry *e, struct buf *to)
{
	check(context == &store);
	check(strtoull(plain_of(e)->text, NULL, 10) == plain_of(e)->number);
	compact_add(to, plain_of(e)->number);
	add_filler(to, plain_of(e)->number);
}

static inline const char *unpack_plain(
	void *context, struct table_entry *e, const char *at, const char *end)
{
	uint64_t number;

	check(context == &store && !plain_of(e)->text && !plain_of(e)->number);
	if (!compact_take(&at, end, &number))
		return "no number";
	set_plain(plain_of(e), number);
	return check_filler(at, end, number);
}

static inline void clear_plain(void *context, struct table_entry *e)
{
	check(context == &store);
	texts -= plain_of(e)->text != NULL;
	free(plain_of(e)->text);
}

static inline void pack_timed(void *context, const struct table_entry *e, struct buf *to)
{
	(void)context;
	compact_add(to, timed_of(e)->number);
	compact_add_signed(to, timed_of(e)->due.due_ns);
	compact_add_signed(to, timed_of(e)->due.tie);
}

static inline const char *unpack_timed(
	void *context, struct table_entry *e, const char *at, const char *end)
{
	struct timed *t = timed_of(e);

	(void)context;
	check(!t->number && !t->due.due_ns && !t->due.tie);
	return compact_take(&at, end, &t->number) &&
			       compact_take_signed(&at, end, &t->due.due_ns) &&
			       compact_take_signed(&at, end, &t->due.tie) && at == end
		       ? NULL
		       : "no time";
}

static inline void timers(void *context, const struct table_entry *e, struct buf *to)
{
	(void)context;
	buf_add(to, &timed_of(e)->due, sizeof(struct store_timer));
}

static int64_t came_back_count;

static inline void came_back(void *context, struct table_entry *e)
{
	(void)context;
	(void)e;
	came_back_count++;
}

static const struct store_kind kinds[KINDS] = {
	{
		.letter = 'p',
		.value_bytes = sizeof(struct plain),
		.context = &store,
		.pack = pack_plain,
		.unpack = unpack_plain,
		.clear = clear_plain,
	},
	{
		.letter = 't',
		.value_bytes = sizeof(struct timed),
		.pack = pack_timed,
		.unpack = unpack_timed,
		.timers = timers,
		.came_back = came_back,
	},
	{.letter = 'n'},
};

/* Runs */

static char dir[] = "/tmp/store.XXXXXX";

static inline void end(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	check(system(command) == 0);
}

static inline void begin_run(uint64_t run)
{
	store_init(&store, kinds, KINDS, on_disk ? disk_open(dir, run, STORE_MEMORY) : NULL);
	store_keep(&store, dir, run);
}

static inline void end_run(void)
{
	struct disk *d = store.disk;

	store_release(&store);
	if (d)
		disk_close(d);
	check_int(texts, 0);
	check_int(store.bytes, 0);
	check_int(store.count, 0);
}

static inline void begin_at(uint64_t run)
{
	check(mkdtemp(dir));
	begin_run(run);
}

static inline struct table_entry *enter_number(
	struct store_space *space, uint64_t i, uint64_t value)
{
	bool added;
	struct table_entry *e = store_enter(&store, space, &i, sizeof(i), &added);

	set_plain(plain_of(e), value);
	store_note(&store, space, e);
	return e;
}

#endif
