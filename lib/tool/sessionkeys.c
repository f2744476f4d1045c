#include "tool/sessionkeys.h"

#include "base/compact.h"
#include "base/instant.h"
#include "base/ordered.h"
#include "state/member.h"

enum { KEYS = 's' };

/* What an allocation costs beyond what was asked for. */
enum { ALLOCATION_BYTES = 16 };

/* When sessions fall due */

static bool corrects(const struct windower *w)
{
	return w->results->emit != RESULTS_FINAL;
}

/*
 * With corrections a session falls due at its end, and, once that is said, when it takes no more of
 * them. Otherwise at its end by a clock that is behind by the lateness: what has something to say
 * falls due in the order it is said in.
 */
static int64_t due_of(const struct sessionkeys *k, const struct session *s)
{
	int64_t end_ns = sessions_end_ns(&k->shape, s);

	return corrects(k->windower) && s->fired ? time_plus(end_ns, k->windower->lateness_ns)
						 : end_ns;
}

static int64_t until_ns(const struct windower *w)
{
	if (corrects(w) || w->watermark_ns == INT64_MAX)
		return w->watermark_ns;
	return time_minus(w->watermark_ns, w->lateness_ns);
}

static bool has_fired(const struct session *s, int64_t than)
{
	(void)than;
	return s->fired;
}

/* Of those that have fired, which are before the others, it is the first; of the others, too. */
static struct session *first_due(const struct sessionkeys *k, const struct table_entry *e)
{
	struct session *first = sessionkeys_next(e, NULL), *other;

	if (!first || !first->fired)
		return first;
	other = sessions_search(sessionkeys_head(e), has_fired, 0);
	return other && due_of(k, other) < due_of(k, first) ? other : first;
}

/* Timers in memory */

static void put_timer(struct sessionkeys *k, struct table_entry *e, int64_t due_ns, int64_t tie)
{
	struct session *t = sessionkeys_head(e);

	dues_put(&k->dues, due_ns, tie, e);
	t->timers++;
	t->has_timer = true;
	t->due_ns = due_ns;
}

/* Where a session begins earlier than it did, what is due at the same time is due before. */
void sessionkeys_set_timer(struct sessionkeys *k, struct table_entry *e, const struct session *s)
{
	const struct session *t = sessionkeys_head(e);
	int64_t due_ns = due_of(k, s);

	if (!t->has_timer || due_ns < t->due_ns || (due_ns == t->due_ns && s->moved))
		put_timer(k, e, due_ns, s->first_ns);
}

/* Takes the first timer out. */
static void take_timer(struct sessionkeys *k)
{
	struct due due = dues_take(&k->dues);
	struct session *t = sessionkeys_head(due.what);

	t->timers--;
	if (t->due_ns == due.due_ns)
		t->has_timer = false;
}

/* Behind that: one for what is left of the key. */
static void renew_timer(struct sessionkeys *k, struct table_entry *e)
{
	const struct session *s = first_due(k, e);

	if (s)
		sessionkeys_set_timer(k, e, s);
	else if (!sessionkeys_head(e)->timers)
		store_delete(&k->windower->store, k->space, e);
}

static int by_key(const void *context, const void *what, const void *other)
{
	const struct sessionkeys *k = context;
	const struct table_entry *a = what, *b = other;

	return bytes_order(store_key(k->space, a), a->key_len, store_key(k->space, b), b->key_len);
}

/* Entries of the store */

enum { FIRED = 1, MORE = 2 };

static void pack(void *context, const struct table_entry *e, struct buf *to)
{
	struct sessionkeys *k = context;
	struct session *next;

	for (struct session *i = sessionkeys_next(e, NULL); i; i = next) {
		next = sessionkeys_next(e, i);
		compact_add(to, (i->fired ? FIRED : 0) | (next ? MORE : 0));
		compact_add_signed(to, i->first_ns);
		compact_add(to, (uint64_t)i->last_ns - (uint64_t)i->first_ns);
		if (!next) {
			windower_pack(k->windower, i->state, to);
			return;
		}
		buf_clear(&k->packed);
		windower_pack(k->windower, i->state, &k->packed);
		compact_add_bytes(to, k->packed.data, k->packed.len);
	}
}

static struct session *make_session(
	struct sessionkeys *k, struct table_entry *e, int64_t first_ns, int64_t last_ns)
{
	k->bytes += sessionkeys_head(e)->is_open ? k->session_bytes : 0;
	return sessions_begin(&k->shape, sessionkeys_head(e), first_ns, last_ns);
}

static const char *unpack_session(
	struct sessionkeys *k, struct table_entry *e, const char **at, const char *end, bool *more)
{
	const char *state = NULL;
	uint64_t flags, length;
	int64_t first_ns, last_ns;
	struct session *s;
	size_t len;

	if (!compact_take(at, end, &flags) || flags > (FIRED | MORE) ||
		!compact_take_signed(at, end, &first_ns) || !compact_take(at, end, &length))
		return "no session";
	*more = flags & MORE;
	if (*more && !compact_take_bytes(at, end, &state, &len))
		return "no session before others";
	if (!*more) {
		state = *at;
		len = (size_t)(end - *at);
		*at = end;
	}
	last_ns = (int64_t)((uint64_t)first_ns + length);
	if (last_ns < first_ns)
		return "a session that ends before it begins";
	if (sessions_touched(&k->shape, sessionkeys_head(e), first_ns, last_ns))
		return "two sessions that are one";
	s = make_session(k, e, first_ns, last_ns);
	s->fired = flags & FIRED;
	return windower_unpack(k->windower, s->state, state, state + len);
}

/* With no sessions it is empty. */
static const char *unpack(void *context, struct table_entry *e, const char *at, const char *end)
{
	const char *why = NULL;
	bool more = at != end;

	while (more && !why)
		why = unpack_session(context, e, &at, end, &more);
	return why;
}

static void drop_session(struct sessionkeys *k, struct table_entry *e, struct session *s)
{
	windower_clear(k->windower, s->state);
	k->bytes -= sessionkeys_head(e)->earlier ? k->session_bytes : 0;
	sessions_end(&k->shape, sessionkeys_head(e), s);
}

static void clear(void *context, struct table_entry *e)
{
	struct session *s;

	while ((s = sessionkeys_next(e, NULL)))
		drop_session(context, e, s);
}

static void add_timer(struct buf *to, int64_t due_ns, int64_t tie)
{
	const struct store_timer timer = {due_ns, tie};

	buf_add(to, &timer, sizeof(timer));
}

/* A key without sessions comes up at once, and is deleted then. */
static void timers(void *context, const struct table_entry *e, struct buf *to)
{
	const struct sessionkeys *k = context;

	if (!sessionkeys_next(e, NULL))
		add_timer(to, INT64_MIN, INT64_MIN);
	for (struct session *i = sessionkeys_next(e, NULL); i; i = sessionkeys_next(e, i))
		add_timer(to, due_of(k, i), i->first_ns);
}

static void came_back(void *context, struct table_entry *e)
{
	const struct session *first = first_due(context, e);

	if (first)
		sessionkeys_set_timer(context, e, first);
	else
		put_timer(context, e, INT64_MIN, INT64_MIN);
}

void sessionkeys_init(struct sessionkeys *k, struct windower *w)
{
	*k = (struct sessionkeys){.windower = w, .lateness_ns = w->lateness_ns};
	k->shape.gap_ns = w->shape.gap_ns;
	k->shape.state_bytes = w->aggregates->state_bytes + results_state_bytes(w->results);
	k->session_bytes = sessions_head_bytes(&k->shape) + ALLOCATION_BYTES;
	dues_init(&k->dues, by_key, k);
	windower_counts(w, &k->dues.bytes);
	windower_counts(w, &k->bytes);
	buf_init(&k->packed);
	buf_init(&k->stored_key);
	windower_holds(w, (struct store_kind){
				  .letter = KEYS,
				  .value_bytes = sessions_head_bytes(&k->shape),
				  .context = k,
				  .pack = pack,
				  .unpack = unpack,
				  .clear = clear,
				  .timers = timers,
				  .came_back = came_back,
			  });
}

void sessionkeys_release(struct sessionkeys *k)
{
	dues_release(&k->dues);
	buf_release(&k->packed);
	buf_release(&k->stored_key);
}

static void note_all(struct sessionkeys *k)
{
	struct store *s = &k->windower->store;
	struct table_entry *e;
	struct store_scan c;

	store_scan_begin(&c, s, k->space);
	while ((e = windower_scan_next(k->windower, &c)))
		store_note(s, k->space, e);
	store_scan_end(&c);
}

void sessionkeys_opened(struct sessionkeys *k)
{
	struct windower *w = k->windower;
	struct table_entry *e;
	size_t at = 0;

	k->space = store_open(&w->store, KEYS, 0);
	while ((e = table_next(&k->space->table, &at)))
		came_back(k, e);
	if (w->disk && corrects(w) && k->lateness_ns != w->lateness_ns)
		note_all(k);
	k->lateness_ns = w->lateness_ns;
}

/* Coming and going */

struct session *sessionkeys_begin(struct sessionkeys *k, struct table_entry *e, int64_t time_ns)
{
	k->count++;
	return make_session(k, e, time_ns, time_ns);
}

void sessionkeys_end(struct sessionkeys *k, struct table_entry *e, struct session *s)
{
	drop_session(k, e, s);
	k->count--;
}

void sessionkeys_joined(struct sessionkeys *k, struct table_entry *e, struct session *s)
{
	windower_clear(k->windower, s->state);
	k->bytes -= sessionkeys_head(e)->earlier ? k->session_bytes : 0;
	k->count--;
}

/* What is coming lies in the cache by now, but not what it leads to. */
static void fetch_coming(const struct sessionkeys *k)
{
	const struct table_entry *e = dues_coming(&k->dues);

	if (!e)
		return;
	table_fetch(&k->space->table, e->hash);
	__builtin_prefetch(sessionkeys_head(e)->earlier);
}

/* The first in memory: its timer is the first. Timers that stand before it are put off, or let go
 * of. */
static struct session *first_in_memory(struct sessionkeys *k, int64_t until)
{
	const struct due *due;

	while ((due = dues_first(&k->dues, until))) {
		struct table_entry *e = due->what;
		struct session *s = first_due(k, e);

		fetch_coming(k);
		if (s && due_of(k, s) == due->due_ns && s->first_ns == due->tie)
			return s;
		take_timer(k);
		renew_timer(k, e);
	}
	return NULL;
}

static void look_on_disk(struct sessionkeys *k, int64_t until)
{
	struct store_space *space;

	if (k->windower->disk && !k->has_stored)
		k->has_stored = store_take_timer(
			&k->windower->store, KEYS, until, &k->stored, &space, &k->stored_key);
}

static bool stored_is_before(const struct sessionkeys *k, const struct due *due)
{
	const struct table_entry *e = due->what;

	if (k->stored.due_ns != due->due_ns)
		return k->stored.due_ns < due->due_ns;
	if (k->stored.tie != due->tie)
		return k->stored.tie < due->tie;
	return bytes_order(k->stored_key.data, k->stored_key.len, store_key(k->space, e),
		       e->key_len) < 0;
}

/* The key comes into memory, with its timer if that means anything still; and is noted, so that the
 * timer is on disk again should the key go there before it is handled. */
static void bring_in(struct sessionkeys *k)
{
	struct store *s = &k->windower->store;
	struct table_entry *e = store_find(s, k->space, k->stored_key.data, k->stored_key.len);

	k->has_stored = false;
	if (e)
		store_note(s, k->space, e);
}

struct session *sessionkeys_due(struct sessionkeys *k, struct table_entry **e)
{
	int64_t until = until_ns(k->windower);

	for (;;) {
		struct session *s = first_in_memory(k, until);

		look_on_disk(k, until);
		if (!k->has_stored || (s && !stored_is_before(k, dues_first(&k->dues, until)))) {
			*e = s ? dues_first(&k->dues, until)->what : NULL;
			return s;
		}
		bring_in(k);
	}
}

void sessionkeys_handled(struct sessionkeys *k, struct table_entry *e)
{
	if (sessionkeys_next(e, NULL))
		store_note(&k->windower->store, k->space, e);
	take_timer(k);
	renew_timer(k, e);
}

void sessionkeys_make_room(struct sessionkeys *k)
{
	if (k->has_stored && !windower_has_room(k->windower))
		bring_in(k);
	windower_make_room(k->windower);
}

void sessionkeys_spilled(struct sessionkeys *k)
{
	dues_clear(&k->dues);
}

void sessionkeys_snapshot(const struct sessionkeys *k, json_t *state)
{
	member_put(state, "sessions", (int64_t)k->count);
	member_put(state, "lateness", k->lateness_ns);
}

void sessionkeys_restore(struct sessionkeys *k, const json_t *state)
{
	k->count = (uint64_t)member_get(state, "sessions");
	k->lateness_ns = member_get(state, "lateness");
}
