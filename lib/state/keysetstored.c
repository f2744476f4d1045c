#include "state/keysetstored.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/compact.h"
#include "base/die.h"
#include "base/mem.h"
#include "base/wide.h"
#include "state/disk.h"
#include "state/member.h"
#include "state/store.h"
#include "state/storescan.h"

enum {
	LETTER = 'k',
	SWEEPS_PER_TTL = 8,
	SWEEP_SLOTS = 16,   /* looked at together, in memory; some of them are free */
	SWEEPS_AT_ONCE = 4, /* so often, when the clock moves */
	TIMERS_AT_ONCE = 4, /* taken, on disk */
	LISTED_AT_FIRST = 64,
};

/* Where the look at all entries in memory has come. */
struct sweep {
	size_t at;       /* in the slots of the table */
	int64_t from_ns; /* the clock when it began */
	int64_t due_ns;  /* when it goes on */
};

struct stored {
	struct keyset keyset;
	struct keyset_conf conf;
	size_t bytes_max; /* of entries in memory */
	int64_t clock_ns;
	struct store store;
	struct store_space *space; /* NULL: none yet */
	struct disk *disk;         /* NULL: in memory */
	bool is_kept;
	struct sweep sweep;
	struct buf key;
};

/* A value: the time, where there is a time to live, and the version, where there are any. */

static struct stored *stored_of(struct keyset *k)
{
	return (struct stored *)k;
}

static bool is_timed(const struct stored *s)
{
	return s->conf.ttl_ns != SEEN_FOREVER;
}

static int64_t *time_of(const struct table_entry *e)
{
	return (int64_t *)(uintptr_t)e->value;
}

static struct decimal *version_of(const struct stored *s, const struct table_entry *e)
{
	return (struct decimal *)(uintptr_t)(e->value + (is_timed(s) ? sizeof(int64_t) : 0));
}

static bool has_run_out_by(const struct stored *s, int64_t time_ns, int64_t ttl_ns)
{
	int64_t end_ns;

	return is_timed(s) && !__builtin_add_overflow(time_ns, ttl_ns, &end_ns) &&
	       end_ns <= s->clock_ns;
}

static bool has_run_out(const struct stored *s, int64_t time_ns)
{
	return has_run_out_by(s, time_ns, s->conf.ttl_ns);
}

static bool is_gone(const struct stored *s, const struct table_entry *e)
{
	return is_timed(s) && has_run_out(s, *time_of(e));
}

static void pack(void *context, const struct table_entry *e, struct buf *to)
{
	const struct stored *s = context;

	if (is_timed(s))
		compact_add_word(to, (uint64_t)*time_of(e));
	if (s->conf.has_versions)
		decimal_pack(version_of(s, e), to);
}

static const char *unpack(void *context, struct table_entry *e, const char *at, const char *end)
{
	const struct stored *s = context;
	uint64_t time = 0;

	if (is_timed(s) && !compact_take_word(&at, end, &time))
		return "a key without its time";
	if (is_timed(s))
		*time_of(e) = (int64_t)time;
	if (s->conf.has_versions && !decimal_unpack(version_of(s, e), &at, end))
		return "a key without its version";
	return at == end ? NULL : "a key with more than it has";
}

/* One timer: when it runs out, if ever. */
static void timers(void *context, const struct table_entry *e, struct buf *to)
{
	const struct stored *s = context;
	struct store_timer timer = {0};

	if (is_timed(s) && !__builtin_add_overflow(*time_of(e), s->conf.ttl_ns, &timer.due_ns))
		buf_add(to, (const char *)&timer, sizeof(timer));
}

/* Taking away what has run out */

static void sweep_from(struct stored *s, int64_t clock_ns)
{
	s->sweep = (struct sweep){.from_ns = clock_ns, .due_ns = clock_ns};
}

/* When the slots from `at` on are due. */
static void set_sweep_due(struct stored *s, size_t slots)
{
	int128 round_ns = s->conf.ttl_ns / SWEEPS_PER_TTL + 1;
	int128 due_ns = s->sweep.from_ns + round_ns * (int128)(s->sweep.at + 1) / slots;

	s->sweep.due_ns = due_ns < INT64_MAX ? (int64_t)due_ns : INT64_MAX;
}

/* Some of the entries in memory, as they are due. */
static void sweep_slots(struct stored *s)
{
	struct table *t = &s->space->table;
	size_t end = s->sweep.at + SWEEP_SLOTS;

	while (t->slots && s->sweep.at < end) {
		struct table_entry *e = table_next(t, &s->sweep.at);

		if (!e)
			break;
		if (!is_gone(s, e))
			continue;
		store_delete(&s->store, s->space, e);
		/* another may stand there now */
		s->sweep.at--;
	}
	if (t->slots && s->sweep.at <= t->slot_mask)
		set_sweep_due(s, (size_t)t->slot_mask + 1);
	else
		sweep_from(s, s->clock_ns < INT64_MAX ? s->clock_ns + 1 : s->clock_ns);
}

/* Some of those that fell due on disk. False: there is none any more. */
static bool take_timers(struct stored *s, int64_t until_ns, size_t most)
{
	struct store_timer timer;
	struct store_space *space;

	for (; most; most--) {
		struct table_entry *e;

		if (!store_take_timer(&s->store, LETTER, until_ns, &timer, &space, &s->key))
			return false;
		e = store_find(&s->store, space, s->key.data, s->key.len);
		if (!e)
			continue;
		/* one that was renewed, or lives longer now, gets its timer anew */
		if (is_gone(s, e))
			store_delete(&s->store, space, e);
		else
			store_note(&s->store, space, e);
	}
	return true;
}

static void sweep_some(struct stored *s, size_t most)
{
	if (!s->space || !is_timed(s))
		return;
	if (s->disk)
		take_timers(s, s->clock_ns, TIMERS_AT_ONCE);
	for (; !s->disk && most && s->clock_ns >= s->sweep.due_ns; most--)
		sweep_slots(s);
}

/* Those in memory. */
static void sweep_table(struct stored *s)
{
	const struct table *t = &s->space->table;
	struct table_entry **gone = NULL, *e;
	size_t at = 0, count = 0, cap = 0;

	while ((e = table_next(t, &at))) {
		if (!is_gone(s, e))
			continue;
		if (count == cap) {
			cap = cap ? 2 * cap : LISTED_AT_FIRST;
			gone = mem_resize(gone, cap * sizeof(struct table_entry *));
		}
		gone[count++] = e;
	}
	while (count)
		store_delete(&s->store, s->space, gone[--count]);
	free(gone);
}

static void spill_if(struct stored *s)
{
	if (s->disk && s->store.bytes > s->bytes_max)
		store_spill(&s->store);
}

/* All of it, at the clock. */
static void sweep_all(struct stored *s)
{
	if (!s->space || !is_timed(s))
		return;
	sweep_table(s);
	while (s->disk && take_timers(s, s->clock_ns, TIMERS_AT_ONCE))
		spill_if(s);
}

static void stored_set_clock(struct keyset *k, int64_t clock_ns)
{
	struct stored *s = stored_of(k);
	bool is_back = clock_ns < s->clock_ns;

	if (is_back)
		sweep_all(s);
	if (is_back || s->clock_ns == INT64_MIN)
		sweep_from(s, clock_ns);
	s->clock_ns = clock_ns;
	sweep_some(s, SWEEPS_AT_ONCE);
	spill_if(s);
}

/* Adding */

/* What one entry more may take, where the slots must double. */
static size_t bytes_for_one(const struct stored *s)
{
	const struct table *t = &s->space->table;

	if (!t->slots || t->count + 1 <= t->slot_mask - t->slot_mask / 4)
		return 0;
	return 2 * ((size_t)t->slot_mask + 1) * TABLE_SLOT_BYTES;
}

/* The entry of a key, which is made where there is none; NULL if there is no room for it. */
static struct table_entry *place(struct stored *s, const void *key, size_t len, bool *added)
{
	size_t had = s->store.bytes, slots = bytes_for_one(s);
	struct table_entry *e;

	*added = false;
	if (had + slots > s->bytes_max && s->disk)
		store_spill(&s->store);
	else if (had + slots > s->bytes_max && slots)
		return store_find(&s->store, s->space, key, len);
	e = store_enter(&s->store, s->space, key, len, added);
	/* what was given back is used again, and then it takes no more */
	if (!*added || s->disk || s->store.bytes <= had || s->store.bytes <= s->bytes_max)
		return e;
	store_delete(&s->store, s->space, e);
	return NULL;
}

/* An entry is new, or as good as new. */
static enum keyset_answer begin(
	struct stored *s, struct table_entry *e, const struct keyset_key *key)
{
	if (is_timed(s))
		*time_of(e) = key->time_ns;
	if (s->conf.has_versions)
		*version_of(s, e) = key->version;
	store_note(&s->store, s->space, e);
	return KEYSET_NEW;
}

static enum keyset_answer compare(
	struct stored *s, struct table_entry *e, const struct keyset_key *key)
{
	int order = 0;

	if (s->conf.has_versions)
		order = decimal_compare(&key->version, version_of(s, e));
	if (order <= 0)
		return order < 0 ? KEYSET_OLDER : KEYSET_SAME;
	*version_of(s, e) = key->version;
	if (is_timed(s) && key->time_ns > *time_of(e))
		*time_of(e) = key->time_ns;
	store_note(&s->store, s->space, e);
	return KEYSET_NEWER;
}

static enum keyset_answer enter(
	struct stored *s, const struct keyset_key *key, const void *bytes, size_t len)
{
	struct table_entry *e;
	bool added;

	if (has_run_out(s, key->time_ns)) {
		e = store_find(&s->store, s->space, bytes, len);
		return e && !is_gone(s, e) ? compare(s, e, key) : KEYSET_NEW;
	}
	e = place(s, bytes, len, &added);
	if (!e)
		return KEYSET_FULL;
	return added || is_gone(s, e) ? begin(s, e, key) : compare(s, e, key);
}

static enum keyset_answer stored_add(struct keyset *k, const struct keyset_key *key)
{
	struct stored *s = stored_of(k);
	enum keyset_answer answer;

	if (!s->space)
		s->space = store_open(&s->store, LETTER, 0);
	answer = s->conf.exact ? enter(s, key, key->bytes, key->len)
			       : enter(s, key, &key->print, sizeof(key->print));
	sweep_some(s, 1);
	if (s->is_kept)
		store_run_ahead(&s->store);
	return answer;
}

static void stored_prefetch(const struct keyset *k, struct fingerprint print)
{
	(void)k, (void)print;
}

static int64_t stored_clock_ns(const struct keyset *k)
{
	return ((const struct stored *)k)->clock_ns;
}

static uint64_t stored_count(const struct keyset *k)
{
	return ((const struct stored *)k)->store.count;
}

static size_t stored_bytes(const struct keyset *k)
{
	return ((const struct stored *)k)->store.bytes;
}

static void stored_snapshot(struct keyset *k, struct snapshot *to)
{
	struct stored *s = stored_of(k);

	store_snapshot(&s->store, to);
	member_put(to->state, "ttl", s->conf.ttl_ns);
	member_put(to->state, "clock", s->clock_ns);
}

/* The time to live is another now: what had run out stays gone, and all others get their timers. */
static void change_ttl(struct stored *s, int64_t had_ns)
{
	struct store_scan scan;
	struct table_entry *e;

	store_scan_begin(&scan, &s->store, s->space);
	while ((e = store_scan_next(&scan)))
		if (has_run_out_by(s, *time_of(e), had_ns))
			store_delete(&s->store, s->space, e);
		else
			store_note(&s->store, s->space, e);
	store_scan_end(&scan);
}

static void stored_restore(struct keyset *k, const struct snapshot *from)
{
	struct stored *s = stored_of(k);
	int64_t ttl_ns = s->conf.ttl_ns, had_ns = member_get(from->state, "ttl");

	if ((had_ns == SEEN_FOREVER) != (ttl_ns == SEEN_FOREVER))
		member_die("ttl");
	store_restore(&s->store, from);
	s->space = store_space(&s->store, LETTER, 0);
	s->clock_ns = member_get(from->state, "clock");
	sweep_from(s, s->clock_ns);
	if (had_ns != ttl_ns && s->space)
		change_ttl(s, had_ns);
	if (!s->disk && s->store.bytes > s->bytes_max)
		die(EX_TEMPFAIL,
			"there is no room for the %" PRIu64
			" keys that were kept; give --memory more",
			s->store.count);
}

static void stored_close(struct keyset *k)
{
	struct stored *s = stored_of(k);

	store_release(&s->store);
	if (s->disk)
		disk_close(s->disk);
	buf_release(&s->key);
	free(s);
}

static const struct keyset_engine engine = {
	.close = stored_close,
	.prefetch = stored_prefetch,
	.add = stored_add,
	.set_clock = stored_set_clock,
	.clock_ns = stored_clock_ns,
	.count = stored_count,
	.bytes = stored_bytes,
	.snapshot = stored_snapshot,
	.restore = stored_restore,
};

struct keyset *keysetstored_open(
	const struct keyset_conf *conf, const char *stage_dir, uint64_t run)
{
	struct stored *s = mem_zero(1, sizeof(*s));
	struct store_kind kind = {
		.letter = LETTER,
		.value_bytes = (conf->ttl_ns != SEEN_FOREVER ? sizeof(int64_t) : 0) +
			       (conf->has_versions ? sizeof(struct decimal) : 0),
		.context = s,
		.pack = pack,
		.unpack = unpack,
		.timers = timers,
	};
	uint64_t half = conf->memory_bytes / 2;

	s->keyset.engine = &engine;
	s->conf = *conf;
	s->clock_ns = INT64_MIN;
	s->is_kept = stage_dir != NULL;
	s->bytes_max = (size_t)(conf->on_disk ? half : conf->memory_bytes);
	if (conf->on_disk)
		s->disk = disk_open(stage_dir, run, half);
	store_init(&s->store, &kind, 1, s->disk);
	if (stage_dir)
		store_keep(&s->store, stage_dir, run);
	buf_init(&s->key);
	return &s->keyset;
}
