#include "tool/sessioned.h"

#include <stdlib.h>
#include <string.h>

#include "base/compact.h"
#include "base/instant.h"
#include "base/mem.h"
#include "flow/sessions.h"

static void sessioned_init(struct windower *w)
{
	struct sessions *s = mem_zero(1, sizeof(*s));

	sessions_init(
		s, w->shape.gap_ns, w->aggregates->state_bytes + results_state_bytes(w->results));
	if (w->is_kept)
		sessions_track(s);
	w->own = s;
}

static struct issued *issued_of(const struct windower *w, struct session *s)
{
	return results_issued(w->results, s->state);
}

/* In the log a session is found by its key and where it begins. */
enum { SESSION_ENTRY = 's' };

static void begin_entry(struct windower *w, const struct session *s, int64_t first_ns)
{
	windowlog_begin(w->log, SESSION_ENTRY);
	compact_add_word(&w->log->key, (uint64_t)first_ns);
	buf_add(&w->log->key, sessions_key(w->own, s), s->key_len);
}

/* The session that began there is no more, or begins elsewhere. */
static void forget(struct windower *w, struct session *s, int64_t first_ns)
{
	if (!w->log || !s->round)
		return;
	begin_entry(w, s, first_ns);
	windowlog_delete(w->log);
	sessions_unwrite(w->own, s);
}

static void let_go(struct windower *w, struct session *s)
{
	forget(w, s, s->first_ns);
	windower_clear(w, s->state);
}

static void end_session(struct windower *w, struct session *s)
{
	let_go(w, s);
	sessions_end(w->own, s);
}

static void sessioned_release(struct windower *w)
{
	struct session *s;
	size_t at;

	while ((s = sessions_next(w->own, NULL, &at)))
		end_session(w, s);
	sessions_release(w->own);
	free(w->own);
}

static void say(struct windower *w, struct session *s)
{
	const struct result_bounds b = {
		.is_window = true,
		.is_there = true,
		.from_ns = s->first_ns,
		.to_ns = sessions_end_ns(w->own, s),
	};
	bool is_out = results_make(w->results, sessions_key(w->own, s), s->key_len, &b, s->state);

	w->issued_bytes += results_say(w->results, issued_of(w, s), is_out);
	sessions_note(w->own, s);
}

static void retract(struct windower *w, struct session *s)
{
	struct issued *was = issued_of(w, s);

	if (was)
		w->issued_bytes += results_retract(w->results, was);
}

/* Two sessions become one: what was said of either is no session any more. */
static void join(void *context, struct session *into, struct session *from)
{
	struct windower *w = context;
	struct issued *was = issued_of(w, into), *other = issued_of(w, from);

	retract(w, into);
	retract(w, from);
	if (was && other->revisions > was->revisions)
		was->revisions = other->revisions;
	aggregates_merge(w->aggregates, into->state, from->state);
	let_go(w, from);
}

/* When it next has something to say, or, once that is said, to be forgotten. */
static void set_due(struct windower *w, struct session *s)
{
	int64_t end_ns = sessions_end_ns(w->own, s);
	bool waits = w->results->emit == RESULTS_FINAL || s->fired;

	sessions_set_due(w->own, s, waits ? time_plus(end_ns, w->lateness_ns) : end_ns);
}

static enum windower_answer sessioned_take(
	struct windower *w, const struct buf *key, int64_t time_ns)
{
	struct sessions *open = w->own;
	struct session *s = sessions_extend(open, key->data, key->len, time_ns, join, w);

	if (s && s->first_ns != open->began_ns)
		forget(w, s, open->began_ns);
	if (!s) {
		w->complete_ns = time_plus(time_ns, w->shape.gap_ns);
		if (windower_is_over(w, w->complete_ns))
			return WINDOWER_LATE;
		s = sessions_begin(w->own, key->data, key->len, time_ns);
	}
	aggregates_apply(w->aggregates, s->state, time_ns);
	if (w->results->emit != RESULTS_FINAL) {
		if (s->moved)
			retract(w, s);
		issued_of(w, s)->is_stale = true;
		s->fired = w->watermark_ns >= sessions_end_ns(w->own, s);
		if (s->fired)
			say(w, s);
	}
	sessions_note(open, s);
	set_due(w, s);
	return WINDOWER_TAKEN;
}

/* A session with its key, in the order results are given. */
struct due {
	struct session *session;
	const char *key;
};

static int by_end(const void *a, const void *b)
{
	const struct due *x = a, *y = b;
	const struct session *s = x->session, *t = y->session;
	size_t len = s->key_len < t->key_len ? s->key_len : t->key_len;
	int order;

	if (s->last_ns != t->last_ns)
		return s->last_ns < t->last_ns ? -1 : 1;
	if (s->first_ns != t->first_ns)
		return s->first_ns < t->first_ns ? -1 : 1;
	order = memcmp(x->key, y->key, len);
	return order ? order : (s->key_len > t->key_len) - (s->key_len < t->key_len);
}

struct dues {
	struct due *list;
	size_t count;
	size_t cap;
};

static void add_due(struct windower *w, struct dues *d, struct session *s)
{
	if (d->count == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 64;
		d->list = mem_resize(d->list, d->cap * sizeof(*d->list));
	}
	d->list[d->count++] = (struct due){s, sessions_key(w->own, s)};
}

/* In the order of results; the list is gone then. */
static void for_each_due(
	struct windower *w, struct dues *d, void (*handle)(struct windower *w, struct session *s))
{
	if (d->count)
		qsort(d->list, d->count, sizeof(*d->list), by_end);
	for (size_t i = 0; i < d->count; i++)
		handle(w, d->list[i].session);
	free(d->list);
}

static void fire(struct windower *w, struct session *s)
{
	int64_t last_ns = time_plus(sessions_end_ns(w->own, s), w->lateness_ns);

	if (!s->fired)
		say(w, s);
	s->fired = true;
	if (last_ns <= w->watermark_ns) {
		end_session(w, s);
		return;
	}
	sessions_note(w->own, s);
	set_due(w, s);
}

static void sessioned_advance(struct windower *w)
{
	struct dues d = {0};
	struct session *s;

	while ((s = sessions_due(w->own, w->watermark_ns)))
		add_due(w, &d, s);
	for_each_due(w, &d, fire);
}

static void sessioned_say_early(struct windower *w)
{
	struct dues d = {0};
	struct session *s = NULL;
	size_t at;

	while ((s = sessions_next(w->own, s, &at)))
		if (issued_of(w, s)->is_stale)
			add_due(w, &d, s);
	for_each_due(w, &d, say);
}

/* The beginning of an open session has no bound: records that are late by themselves move it. */
static int64_t sessioned_earliest(const struct windower *w)
{
	int64_t earliest_ns;

	return __builtin_sub_overflow(w->watermark_ns, w->lateness_ns, &earliest_ns) ? INT64_MIN
										     : earliest_ns;
}

static size_t sessioned_count(const struct windower *w)
{
	const struct sessions *s = w->own;

	return s->count;
}

static size_t sessioned_bytes(const struct windower *w)
{
	const struct sessions *s = w->own;

	return s->bytes;
}

/* Checkpoints */

static void write_session(struct windower *w, struct session *s)
{
	begin_entry(w, s, s->first_ns);
	compact_add_signed(&w->log->value, s->last_ns);
	compact_add(&w->log->value, s->fired);
	windower_pack(w, s->state);
	windowlog_put(w->log);
}

static size_t sessioned_changed(const struct windower *w)
{
	const struct sessions *open = w->own;

	return open->changed_count;
}

static void sessioned_write_changed(struct windower *w, size_t most)
{
	struct session *s;

	for (; most && (s = sessions_take_changed(w->own)); most--)
		write_session(w, s);
}

static void sessioned_begin_round(struct windower *w)
{
	sessions_begin_round(w->own);
}

static bool sessioned_write_behind(struct windower *w)
{
	struct sessions *open = w->own;
	struct session *s;

	while (windowlog_goes_on(w->log) && (s = sessions_take_behind(open, &w->log->steps_left)))
		write_session(w, s);
	return !open->behind;
}

static const char *sessioned_take_entry(struct windower *w, const struct windowlog_entry *e)
{
	const char *key = e->key + COMPACT_WORD, *at = e->value, *end = at + e->value_len;
	struct session *s;
	int64_t first_ns;
	uint64_t fired;

	if (e->what != SESSION_ENTRY || e->key_len < COMPACT_WORD)
		return "an entry of another kind of windows";
	first_ns = (int64_t)compact_read_word(e->key);
	s = sessions_at(w->own, key, e->key_len - COMPACT_WORD, first_ns);
	if (!e->value) {
		if (s)
			end_session(w, s);
		return NULL;
	}
	if (!s)
		s = sessions_begin(w->own, key, e->key_len - COMPACT_WORD, first_ns);
	if (!compact_take_signed(&at, end, &s->last_ns) || !compact_take(&at, end, &fired) ||
		fired > 1)
		return "no session";
	s->fired = fired;
	sessions_note(w->own, s);
	return windower_unpack(w, s->state, at, end);
}

static void sessioned_restored(struct windower *w)
{
	struct session *s;

	while ((s = sessions_take_changed(w->own)))
		set_due(w, s);
}

const struct window_kind session_windows = {
	.init = sessioned_init,
	.release = sessioned_release,
	.take = sessioned_take,
	.advance = sessioned_advance,
	.say_early = sessioned_say_early,
	.earliest = sessioned_earliest,
	.count = sessioned_count,
	.bytes = sessioned_bytes,
	.keys = sessioned_count,
	.changed = sessioned_changed,
	.write_changed = sessioned_write_changed,
	.begin_round = sessioned_begin_round,
	.write_behind = sessioned_write_behind,
	.entries = sessioned_count,
	.take_entry = sessioned_take_entry,
	.restored = sessioned_restored,
};
