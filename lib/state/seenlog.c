#include "state/seenlog.h"

#include <stdlib.h>
#include <string.h>

#include "base/compact.h"
#include "base/die.h"
#include "base/mem.h"
#include "state/member.h"

enum {
	KEY_BYTES = 2 * COMPACT_WORD,
	FILE_BYTES_MIN = 1 << 20,
	FILES_WANTED = 8, /* a file is so small a part of the log */
	LOG_TO_LIVE = 3,
	PLACES_MIN = 1 << 16, /* looked at in a slice */
	PLACES_PER_KEY = 8,   /* for each that has come */
};

/* The key of an entry that says when what had run out was taken away. */
static const char SWEEP[] = "s";

static bool is_timed(const struct seenlog *l)
{
	return l->seen->ttl_ns != SEEN_FOREVER;
}

static uint64_t entry_bytes(const struct seenlog *l)
{
	return 2 + KEY_BYTES + (is_timed(l) ? COMPACT_WORD : 0);
}

void seenlog_init(struct seenlog *l, struct seen *seen, const char *dir, uint64_t run)
{
	*l = (struct seenlog){.seen = seen, .swept = seen->builds, .swept_ns = INT64_MIN};
	changelog_init(&l->log, dir, "state", run);
}

void seenlog_release(struct seenlog *l)
{
	changelog_release(&l->log);
	free(l->files);
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
}

static struct seenlog_file *last_file(struct seenlog *l)
{
	if (!l->here_bytes)
		file_add(l, l->here, INT64_MIN);
	return &l->files[l->count - 1];
}

static void put(struct seenlog *l, struct fingerprint key, int64_t time_ns)
{
	char bytes[KEY_BYTES], time[COMPACT_WORD];
	struct seenlog_file *last;

	compact_write_word(compact_write_word(bytes, key.low), key.high);
	compact_write_word(time, (uint64_t)time_ns);
	changelog_put(&l->log, bytes, sizeof(bytes), time, is_timed(l) ? sizeof(time) : 0);
	last = last_file(l);
	if (time_ns > last->newest_ns)
		last->newest_ns = time_ns;
	l->here_bytes += entry_bytes(l);
	if (l->here_bytes % FILE_BYTES_MIN < entry_bytes(l) &&
		l->here_bytes >= changelog_bytes(&l->log) / FILES_WANTED)
		roll(l);
}

/* The table was laid out anew, without what had run out. */
static void note_sweep(struct seenlog *l)
{
	char clock[COMPACT_WORD];

	l->swept = l->seen->builds;
	l->swept_ns = l->seen->clock_ns;
	compact_write_word(clock, (uint64_t)l->swept_ns);
	last_file(l);
	l->here_bytes += entry_bytes(l);
	changelog_put(&l->log, SWEEP, sizeof(SWEEP) - 1, clock, sizeof(clock));
}

void seenlog_add(struct seenlog *l, struct fingerprint key, int64_t time_ns)
{
	/* that was to make room for this one */
	if (l->swept != l->seen->builds && !l->is_settled && is_timed(l))
		note_sweep(l);
	put(l, key, time_ns);
	l->added++;
}

void seenlog_settle(struct seenlog *l)
{
	l->is_settled = true;
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

static bool has_run_out(int64_t time_ns, int64_t ttl_ns, int64_t clock_ns)
{
	int64_t end_ns;

	return ttl_ns != SEEN_FOREVER && !__builtin_add_overflow(time_ns, ttl_ns, &end_ns) &&
	       end_ns <= clock_ns;
}

static void drop_run_out(struct seenlog *l)
{
	int64_t clock_ns = l->is_settled ? l->seen->clock_ns : l->swept_ns;
	size_t gone = 0;

	while (gone < l->count && has_run_out(l->files[gone].newest_ns, l->seen->ttl_ns, clock_ns))
		gone++;
	if (!gone)
		return;
	if (l->files[gone - 1].position == l->here)
		roll(l);
	drop_before(l, l->files[gone - 1].position + 1);
}

static void rewrite_begin(struct seenlog *l)
{
	roll(l);
	l->is_rewriting = true;
	l->rewritten_from = l->here;
	l->place = 0;
	l->builds = l->seen->builds;
}

static void rewrite(struct seenlog *l, size_t places)
{
	struct fingerprint key;
	int64_t time_ns;

	if (l->builds != l->seen->builds)
		l->place = 0;
	l->builds = l->seen->builds;
	while (seen_next(l->seen, l->is_settled ? SEEN_ALIVE : SEEN_THERE, &l->place, &places, &key,
		&time_ns))
		put(l, key, time_ns);
	if (l->place < seen_places(l->seen))
		return;
	l->is_rewriting = false;
	drop_before(l, l->rewritten_from);
}

static void compact(struct seenlog *l)
{
	uint64_t held = l->seen->count * entry_bytes(l);

	drop_run_out(l);
	if (l->at_once || (is_timed(l) && !l->is_rewriting &&
				  changelog_bytes(&l->log) > LOG_TO_LIVE * held + FILE_BYTES_MIN))
		rewrite_begin(l);
	if (l->is_rewriting)
		rewrite(l, l->at_once ? SIZE_MAX : PLACES_MIN + PLACES_PER_KEY * (size_t)l->added);
	l->at_once = false;
	l->added = 0;
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
	member_put(to->state, "places", (int64_t)seen_places(l->seen));
	member_put(to->state, "settled", l->is_settled);
	member_put(to->state, "swept", l->swept_ns);
	member_put(to->state, "ttl", l->seen->ttl_ns);
	member_put(to->state, "clock", l->seen->clock_ns);
}

struct restoring {
	struct seen *seen;
	int64_t clock_ns;
	int64_t ttl_ns; /* as it was: what was forgotten stays so */
	bool is_settled;
};

/* What had run out at that clock is not there any more. */
static void sweep(const struct restoring *r, int64_t clock_ns)
{
	int64_t ttl_ns = r->seen->ttl_ns;

	r->seen->ttl_ns = r->ttl_ns;
	seen_set_clock(r->seen, clock_ns);
	seen_sweep(r->seen);
	seen_set_clock(r->seen, INT64_MIN);
	r->seen->ttl_ns = ttl_ns;
}

static const char *take_key(const struct restoring *r, struct fingerprint key, int64_t time_ns)
{
	/* but where the key stands with another time, before the first watermark, this one counts
	 */
	if (r->is_settled && has_run_out(time_ns, r->ttl_ns, r->clock_ns) &&
		!seen_knows(r->seen, key))
		return NULL;
	if (!seen_put(r->seen, key, time_ns))
		die(EX_TEMPFAIL,
			"there is no room for the %zu keys and more that were kept; give --memory "
			"more",
			r->seen->count);
	return NULL;
}

static const char *take(
	void *context, const char *key, size_t key_len, const char *value, size_t value_len)
{
	const struct restoring *r = context;
	bool is_timed = r->ttl_ns != SEEN_FOREVER;
	struct fingerprint f;

	if (!value || value_len != (is_timed ? COMPACT_WORD : 0))
		return "no key with its time";
	if (key_len == sizeof(SWEEP) - 1 && is_timed) {
		sweep(r, (int64_t)compact_read_word(value));
		return NULL;
	}
	if (key_len != KEY_BYTES)
		return "no key of 16 bytes";
	f.low = compact_read_word(key);
	f.high = compact_read_word(key + COMPACT_WORD);
	return take_key(r, f, is_timed ? (int64_t)compact_read_word(value) : 0);
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
	struct restoring r = {
		.seen = l->seen,
		.clock_ns = member_get(from->state, "clock"),
		.ttl_ns = member_get(from->state, "ttl"),
		.is_settled = member_get(from->state, "settled") != 0,
	};

	seen_reserve(l->seen, (size_t)member_get(from->state, "places"));
	changelog_restore(&l->log, from->files, take, &r);
	l->at_once = r.ttl_ns != l->seen->ttl_ns;
	if (l->at_once)
		sweep(&r, r.clock_ns);
	seen_set_clock(l->seen, r.clock_ns);
	restore_files(l, json_object_get(from->state, "newest"));
	l->is_settled = r.is_settled;
	l->swept = l->seen->builds;
	l->swept_ns = member_get(from->state, "swept");
}
