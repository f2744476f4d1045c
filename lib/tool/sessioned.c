#include "tool/sessioned.h"

#include <stdlib.h>

#include "base/instant.h"
#include "base/mem.h"
#include "base/ordered.h"
#include "tool/sessionkeys.h"

/* While early results are put in order there is a space of keys without values. */
enum { ORDER = 'e' };

struct sessioned {
	struct sessionkeys keys;
	struct buf order; /* a key of that space */
};

static struct sessionkeys *keys_of(const struct windower *w)
{
	struct sessioned *o = w->own;

	return &o->keys;
}

static struct issued *issued_of(const struct windower *w, const struct session *s)
{
	return results_issued(w->results, (char *)(size_t)s->state);
}

static void sessioned_init(struct windower *w)
{
	struct sessioned *o = mem_zero(1, sizeof(*o));

	sessionkeys_init(&o->keys, w);
	windower_holds(w, (struct store_kind){.letter = ORDER});
	buf_init(&o->order);
	w->own = o;
}

static void sessioned_opened(struct windower *w)
{
	sessionkeys_opened(keys_of(w));
}

static void sessioned_release(struct windower *w)
{
	struct sessioned *o = w->own;

	sessionkeys_release(&o->keys);
	buf_release(&o->order);
	free(o);
}

static int64_t end_ns(const struct windower *w, const struct session *s)
{
	return sessions_end_ns(&keys_of(w)->shape, s);
}

/* Taking records */

static void say(struct windower *w, const struct table_entry *e, struct session *s)
{
	const struct result what = {
		.bounds = {true, true, s->first_ns, end_ns(w, s)},
		.key = store_key(keys_of(w)->space, e),
		.key_len = e->key_len,
		.state = s->state,
	};

	w->issued_bytes += results_say(w->results, &what, issued_of(w, s));
}

static void retract(struct windower *w, struct session *s)
{
	struct issued *was = issued_of(w, s);

	if (was)
		w->issued_bytes += results_retract(w->results, was);
}

struct joining {
	struct windower *windower;
	struct table_entry *entry;
};

/* Two sessions become one: what was said of either is no session any more. */
static void join(void *context, struct session *into, struct session *from)
{
	const struct joining *j = context;
	struct windower *w = j->windower;
	struct issued *was = issued_of(w, into), *other = issued_of(w, from);

	retract(w, into);
	retract(w, from);
	if (was && other->revisions > was->revisions)
		was->revisions = other->revisions;
	aggregates_merge(w->aggregates, into->state, from->state);
	sessionkeys_joined(keys_of(w), j->entry, from);
}

static void apply(struct windower *w, struct table_entry *e, struct session *s, int64_t time_ns)
{
	aggregates_apply(w->aggregates, s->state, time_ns);
	if (w->results->emit != RESULTS_FINAL) {
		if (s->moved)
			retract(w, s);
		issued_of(w, s)->is_stale = true;
		s->fired = w->watermark_ns >= end_ns(w, s);
		if (s->fired)
			say(w, e, s);
	}
	sessionkeys_note(keys_of(w), e, s);
}

static void sessioned_expect(const struct windower *w)
{
	table_fetch(&keys_of(w)->space->table, w->key_hash);
}

static enum windower_answer sessioned_take(
	struct windower *w, const struct buf *key, int64_t time_ns)
{
	struct sessionkeys *k = keys_of(w);
	struct joining joining = {.windower = w};
	struct session *s = NULL;
	bool is_over;

	w->complete_ns = time_plus(time_ns, w->shape.gap_ns);
	is_over = windower_is_over(w, w->complete_ns);
	joining.entry = is_over ? store_find(&w->store, k->space, key->data, key->len)
				: windower_enter(w, k->space, key);
	if (joining.entry)
		s = sessions_extend(
			&k->shape, sessionkeys_head(joining.entry), time_ns, join, &joining);
	if (!s && is_over)
		return WINDOWER_LATE;
	if (!s)
		s = sessionkeys_begin(k, joining.entry, time_ns);
	apply(w, joining.entry, s, time_ns);
	return WINDOWER_TAKEN;
}

/* Time */

static void sessioned_advance(struct windower *w)
{
	struct sessionkeys *k = keys_of(w);
	struct table_entry *e;
	struct session *s;

	while ((s = sessionkeys_due(k, &e))) {
		if (!s->fired)
			say(w, e, s);
		s->fired = true;
		if (time_plus(end_ns(w, s), w->lateness_ns) <= w->watermark_ns)
			sessionkeys_end(k, e, s);
		sessionkeys_handled(k, e);
		sessionkeys_make_room(k);
	}
}

/* Early results */

/* A session of which there is something to say, among others by end, start and key. */
static void put_in_order(struct windower *w, struct store_space *order, const struct table_entry *e,
	const struct session *s)
{
	struct sessioned *o = w->own;
	bool added;

	buf_clear(&o->order);
	ordered_add(&o->order, end_ns(w, s));
	ordered_add(&o->order, s->first_ns);
	buf_add(&o->order, store_key(o->keys.space, e), e->key_len);
	store_enter(&w->store, order, o->order.data, o->order.len, &added);
}

static void order_all(struct windower *w, struct store_space *order)
{
	const struct table_entry *e;
	struct store_scan c;

	store_scan_begin(&c, &w->store, keys_of(w)->space);
	while ((e = windower_scan_next(w, &c)))
		for (struct session *i = sessionkeys_next(e, NULL); i; i = sessionkeys_next(e, i))
			if (issued_of(w, i)->is_stale)
				put_in_order(w, order, e, i);
	store_scan_end(&c);
}

static void say_at(struct windower *w, const char *at, size_t len)
{
	struct sessionkeys *k = keys_of(w);
	struct table_entry *e =
		store_find(&w->store, k->space, at + 2 * ORDERED_WORD, len - 2 * ORDERED_WORD);
	int64_t first_ns = ordered_read(at + ORDERED_WORD);

	say(w, e, sessions_touched(&k->shape, sessionkeys_head(e), first_ns, first_ns));
	store_note(&w->store, k->space, e);
}

static void sessioned_say_early(struct windower *w)
{
	struct store_space *order = store_open(&w->store, ORDER, 0);
	const struct table_entry *e;
	struct store_scan c;

	order_all(w, order);
	store_scan_begin(&c, &w->store, order);
	while ((e = windower_scan_next(w, &c)))
		say_at(w, store_key(order, e), e->key_len);
	store_scan_end(&c);
	store_drop(&w->store, order);
}

/* The beginning of an open session has no bound: records that are late by themselves move it. */
static int64_t sessioned_earliest(const struct windower *w)
{
	int64_t earliest_ns;

	return __builtin_sub_overflow(w->watermark_ns, w->lateness_ns, &earliest_ns) ? INT64_MIN
										     : earliest_ns;
}

static uint64_t sessioned_count(const struct windower *w)
{
	return keys_of(w)->count;
}

static void sessioned_spilled(struct windower *w)
{
	sessionkeys_spilled(keys_of(w));
}

static void sessioned_snapshot(const struct windower *w, json_t *state)
{
	sessionkeys_snapshot(keys_of(w), state);
}

static void sessioned_restore(struct windower *w, const json_t *state)
{
	sessionkeys_restore(keys_of(w), state);
}

const struct window_kind session_windows = {
	.init = sessioned_init,
	.opened = sessioned_opened,
	.release = sessioned_release,
	.expect = sessioned_expect,
	.take = sessioned_take,
	.advance = sessioned_advance,
	.say_early = sessioned_say_early,
	.earliest = sessioned_earliest,
	.count = sessioned_count,
	.keys = sessioned_count,
	.spilled = sessioned_spilled,
	.snapshot = sessioned_snapshot,
	.restore = sessioned_restore,
};
