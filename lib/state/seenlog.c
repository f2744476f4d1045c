#include "state/seenlog.h"

#include <stdlib.h>
#include <string.h>

#include "base/compact.h"
#include "base/decimal.h"
#include "base/die.h"
#include "base/mem.h"
#include "state/member.h"

enum {
	KEY_BYTES = 2 * COMPACT_WORD,
	HEAD_BYTES = 2, /* of an entry: the lengths of key and value */
	FILE_BYTES_MIN = 1 << 20,
	FILES_WANTED = 8, /* a file is so small a part of the log */
	LOG_TO_LIVE = 3,
	REWRITES_PER_ADD = 4,
	BATCH = 64, /* keys on their way into the table */
};

/* The key of an entry that says at which clock what had run out went. */
static const char SWEEP[] = "s";

static bool is_timed(const struct seenlog *l)
{
	return l->seen->ttl_ns != SEEN_FOREVER;
}

void seenlog_init(struct seenlog *l, struct seen *seen, const char *dir, uint64_t run)
{
	*l = (struct seenlog){.seen = seen};
	changelog_init(&l->log, dir, "state", run);
	buf_init(&l->value);
}

void seenlog_release(struct seenlog *l)
{
	changelog_release(&l->log);
	free(l->files);
	buf_release(&l->value);
}

static void file_add(struct seenlog *l, uint64_t position, int64_t newest_ns)
{
	if (l->count == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 16;
		l->files = mem_resize(l->files, l->cap * sizeof(*l->files));
	}
	l->files[l->count++] = (struct seenlog_file){position, newest_ns};
}

static void roll(struct seenlog *l)
{
	l->here = changelog_roll(&l->log);
	l->here_bytes = 0;
	l->looked_at = 0;
}

static void drop_before(struct seenlog *l, uint64_t position)
{
	size_t gone = 0;

	changelog_drop_before(&l->log, position);
	while (gone < l->count && l->files[gone].position < position)
		gone++;
	l->count -= gone;
	memmove(l->files, l->files + gone, l->count * sizeof(*l->files));
}

/* Adds an entry to the last file. */
static void put(struct seenlog *l, const void *key, size_t key_len, int64_t time_ns)
{
	uint64_t bytes = HEAD_BYTES + key_len + l->value.len;
	struct seenlog_file *last;

	if (!l->here_bytes)
		file_add(l, l->here, INT64_MIN);
	last = &l->files[l->count - 1];
	if (time_ns > last->newest_ns)
		last->newest_ns = time_ns;
	changelog_put(&l->log, key, key_len, l->value.data, l->value.len);
	l->here_bytes += bytes;
	l->puts++;
	l->put_bytes += bytes;
}

static void put_key(struct seenlog *l, const struct seen_slot *slot)
{
	char key[KEY_BYTES];
	int64_t time_ns = is_timed(l) ? *seen_time(slot) : INT64_MIN;

	compact_write_word(compact_write_word(key, slot->key.low), slot->key.high);
	buf_clear(&l->value);
	if (is_timed(l))
		compact_add_word(&l->value, (uint64_t)time_ns);
	if (l->seen->value_bytes)
		decimal_pack(seen_value(l->seen, slot), &l->value);
	put(l, key, sizeof(key), time_ns);
}

/* The log written anew */

static void rewrite_key(void *context, const struct seen_slot *slot)
{
	struct seenlog *l = context;

	put_key(l, slot);
	l->credit -= l->credit > 0;
}

static void rewrite_some(struct seenlog *l)
{
	if (seen_walk(l->seen, &l->walk, rewrite_key, l))
		return;
	l->is_rewriting = false;
	drop_before(l, l->rewritten_from);
}

static void rewrite_begin(struct seenlog *l)
{
	roll(l);
	l->is_rewriting = true;
	l->rewritten_from = l->here;
	l->walk = 0;
	l->credit = 0;
}

/* What the keys of the table would take in the log. */
static uint64_t held_bytes(const struct seenlog *l)
{
	uint64_t each = l->puts ? l->put_bytes / l->puts + 1 : 0;

	return l->seen->count * each;
}

/* Each MiB: is it time for a new file, or to begin anew? */
static void look_at_length(struct seenlog *l)
{
	uint64_t bytes;

	if (l->here_bytes - l->looked_at < FILE_BYTES_MIN)
		return;
	l->looked_at = l->here_bytes;
	bytes = changelog_bytes(&l->log);
	if (!l->is_rewriting && bytes > LOG_TO_LIVE * held_bytes(l) + FILE_BYTES_MIN)
		rewrite_begin(l);
	else if (l->here_bytes >= bytes / FILES_WANTED)
		roll(l);
}

void seenlog_add(struct seenlog *l, const struct seen_slot *slot)
{
	put_key(l, slot);
	look_at_length(l);
	if (!l->is_rewriting)
		return;
	l->credit += REWRITES_PER_ADD;
	if (l->credit >= SEEN_WALK_KEYS || l->credit >= l->seen->count)
		rewrite_some(l);
}

void seenlog_sweep(struct seenlog *l)
{
	buf_clear(&l->value);
	compact_add_word(&l->value, (uint64_t)l->seen->clock_ns);
	put(l, SWEEP, sizeof(SWEEP) - 1, INT64_MIN);
}

/* At a barrier */

static bool has_run_out(int64_t time_ns, int64_t ttl_ns, int64_t clock_ns)
{
	int64_t end_ns;

	return ttl_ns != SEEN_FOREVER && !__builtin_add_overflow(time_ns, ttl_ns, &end_ns) &&
	       end_ns <= clock_ns;
}

static void drop_run_out(struct seenlog *l)
{
	size_t gone = 0;

	while (gone < l->count &&
		has_run_out(l->files[gone].newest_ns, l->seen->ttl_ns, l->seen->clock_ns))
		gone++;
	if (!gone)
		return;
	if (l->files[gone - 1].position == l->here)
		roll(l);
	drop_before(l, l->files[gone - 1].position + 1);
}

static void compact(struct seenlog *l)
{
	drop_run_out(l);
	if (l->at_once)
		rewrite_begin(l);
	while (l->at_once && l->is_rewriting)
		rewrite_some(l);
	l->at_once = false;
}

void seenlog_snapshot(struct seenlog *l, struct snapshot *to)
{
	json_t *newest = json_array(), *files;

	compact(l);
	changelog_sync(&l->log);
	for (size_t i = 0; i < l->count; i++)
		json_array_append_new(newest, json_integer(l->files[i].newest_ns));
	files = changelog_files(&l->log);
	json_array_extend(to->files, files);
	json_decref(files);
	json_object_set_new(to->state, "newest", newest);
	member_put(to->state, "keys", (int64_t)l->seen->count);
	member_put(to->state, "ttl", l->seen->ttl_ns);
	member_put(to->state, "clock", l->seen->clock_ns);
}

/* Restoring */

struct entry {
	struct fingerprint key;
	int64_t time_ns;
	struct decimal version;
};

struct restoring {
	struct seenlog *log;
	struct entry batch[BATCH]; /* being fetched */
	size_t count;
};

static void enter(struct seen *s, const struct entry *e)
{
	struct seen_slot *slot;

	if (seen_enter(s, e->key, e->time_ns, &slot) == SEEN_FULL)
		die(EX_TEMPFAIL,
			"there is no room for the %zu keys and more that were kept; give --memory "
			"more",
			s->count);
	if (!slot)
		return;
	if (s->ttl_ns != SEEN_FOREVER)
		*seen_time(slot) = e->time_ns;
	if (s->value_bytes)
		memcpy(seen_value(s, slot), &e->version, sizeof(e->version));
}

static void enter_batch(struct restoring *r)
{
	for (size_t i = 0; i < r->count; i++)
		enter(r->log->seen, &r->batch[i]);
	r->count = 0;
}

static const char *read_entry(
	const struct seen *s, struct entry *e, const char *key, const char *at, const char *end)
{
	uint64_t time = 0;

	e->key.low = compact_read_word(key);
	e->key.high = compact_read_word(key + COMPACT_WORD);
	if (s->ttl_ns != SEEN_FOREVER && !compact_take_word(&at, end, &time))
		return "a key without its time";
	e->time_ns = (int64_t)time;
	if (s->value_bytes && !decimal_unpack(&e->version, &at, end))
		return "a key without its version";
	return at == end ? NULL : "a key with more than it has";
}

static const char *take(
	void *context, const char *key, size_t key_len, const char *value, size_t value_len)
{
	struct restoring *r = context;
	struct seenlog *l = r->log;
	struct entry *e = &r->batch[r->count];
	const char *why;

	if (value && key_len == sizeof(SWEEP) - 1 && value_len == COMPACT_WORD && is_timed(l)) {
		enter_batch(r);
		seen_sweep(l->seen, (int64_t)compact_read_word(value));
		return NULL;
	}
	if (!value || key_len != KEY_BYTES)
		return "no key of 16 bytes";
	why = read_entry(l->seen, e, key, value, value + value_len);
	if (why)
		return why;
	seen_prefetch(l->seen, e->key);
	l->puts++;
	l->put_bytes += HEAD_BYTES + key_len + value_len;
	if (++r->count == BATCH)
		enter_batch(r);
	return NULL;
}

static void restore_files(struct seenlog *l, const json_t *newest)
{
	if (json_array_size(newest) != l->log.count)
		member_die("newest");
	for (size_t i = 0; i < l->log.count; i++)
		file_add(l, i, json_integer_value(json_array_get(newest, i)));
	roll(l);
}

void seenlog_restore(struct seenlog *l, const struct snapshot *from)
{
	struct restoring r = {.log = l};
	int64_t ttl_ns = l->seen->ttl_ns, had_ns = member_get(from->state, "ttl");

	if ((had_ns == SEEN_FOREVER) != (ttl_ns == SEEN_FOREVER))
		member_die("ttl");
	/* what was forgotten stays so, also where keys live longer now */
	l->seen->ttl_ns = had_ns;
	seen_set_clock(l->seen, member_get(from->state, "clock"));
	seen_reserve(l->seen, (size_t)member_get(from->state, "keys"));
	changelog_restore(&l->log, from->files, take, &r);
	enter_batch(&r);
	if (had_ns != ttl_ns)
		seen_sweep(l->seen, l->seen->clock_ns);
	l->seen->ttl_ns = ttl_ns;
	l->at_once = had_ns != ttl_ns;
	restore_files(l, json_object_get(from->state, "newest"));
}
