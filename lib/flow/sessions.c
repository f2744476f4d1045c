#include "flow/sessions.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/changes.h"
#include "base/die.h"
#include "base/hash.h"
#include "base/instant.h"
#include "base/mem.h"

enum { ALIGN = 8 };

/* So far ahead sessions are fetched, as each lies elsewhere. */
enum { AHEAD = 12, CACHE_LINE = 64 };

/* What an allocation costs beyond what was asked for. */
enum { ALLOCATION_BYTES = 16 };

struct wanted {
	const struct sessions *sessions;
	const void *key;
	size_t len;
};

void sessions_init(struct sessions *s, int64_t gap_ns, size_t state_bytes)
{
	*s = (struct sessions){
		.gap_ns = gap_ns,
		.state_bytes = (state_bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1),
		.round = CHANGES_FIRST_ROUND,
	};
	index_init(&s->by_key);
	heap_init(&s->timers);
}

int64_t sessions_end_ns(const struct sessions *s, const struct session *session)
{
	return time_plus(session->last_ns, s->gap_ns);
}

static bool has_key(const void *item, const void *wanted)
{
	const struct session *session = item;
	const struct wanted *w = wanted;

	return session->key_len == w->len &&
	       memcmp(sessions_key(w->sessions, session), w->key, w->len) == 0;
}

static struct session *first_of(
	const struct sessions *s, const void *key, size_t len, uint64_t hash)
{
	const struct wanted w = {s, key, len};

	return index_find(&s->by_key, hash, has_key, &w);
}

static size_t size_of(const struct sessions *s, const struct session *session)
{
	return sizeof(*session) + s->state_bytes + session->key_len + ALLOCATION_BYTES +
	       2 * sizeof(struct index_slot) + sizeof(struct heap_item);
}

/* Takes it out of its key's list. */
static void unlink_session(struct sessions *s, struct session *session)
{
	const char *key = sessions_key(s, session);
	uint64_t hash = hash_bytes(key, session->key_len);
	struct session *first = first_of(s, key, session->key_len, hash);

	s->count--;
	if (first != session) {
		while (first->next != session)
			first = first->next;
		first->next = session->next;
		return;
	}
	index_remove(&s->by_key, hash, session);
	if (session->next)
		index_add(&s->by_key, hash, session->next);
}

/* Its memory is held, and counted, until its last timer has come up. */
static void free_if_done(struct sessions *s, struct session *session)
{
	if (session->timers)
		return;
	s->bytes -= size_of(s, session);
	free(session);
}

/* Changes */

void sessions_track(struct sessions *s)
{
	s->is_tracked = true;
}

void sessions_note_tracked(struct sessions *s, struct session *session)
{
	if (session->changed)
		return;
	if (s->changed_count == UINT32_MAX)
		die(EX_TEMPFAIL, "more than 2^32 sessions have changed");
	if (s->changed_count == s->changed_cap) {
		s->changed_cap = s->changed_cap ? 2 * s->changed_cap : 64;
		s->changed = mem_resize(s->changed, s->changed_cap * sizeof(struct session *));
	}
	s->changed[s->changed_count++] = session;
	session->changed = (uint32_t)s->changed_count;
}

static void fetch(const struct session *session)
{
	__builtin_prefetch(session);
	__builtin_prefetch((const char *)session + CACHE_LINE);
}

/* The last one takes its place. */
static void unnote(struct sessions *s, struct session *session)
{
	struct session *last;

	if (!session->changed)
		return;
	last = s->changed[--s->changed_count];
	s->changed[session->changed - 1] = last;
	last->changed = session->changed;
	session->changed = 0;
}

void sessions_unwrite(struct sessions *s, struct session *session)
{
	s->written -= session->round != 0;
	s->behind -= session->round && session->round != s->round;
	session->round = 0;
}

static void set_written(struct sessions *s, struct session *session)
{
	sessions_unwrite(s, session);
	s->written++;
	session->round = s->round & 3;
}

struct session *sessions_take_changed(struct sessions *s)
{
	struct session *session;

	if (!s->changed_count)
		return NULL;
	/* round and round, as the last one takes the place of each: what has just changed may soon
	 * change again */
	if (s->changed_at >= s->changed_count)
		s->changed_at = 0;
	if (s->changed_at + AHEAD < s->changed_count)
		fetch(s->changed[s->changed_at + AHEAD]);
	session = s->changed[s->changed_at++];
	unnote(s, session);
	set_written(s, session);
	return session;
}

void sessions_begin_round(struct sessions *s)
{
	assert(!s->behind);
	s->round = changes_other_round(s->round);
	s->behind = s->written;
	s->at = 0;
}

struct session *sessions_take_behind(struct sessions *s, size_t *steps)
{
	while (s->behind && *steps) {
		/* taking out of the index moves others up, perhaps past this place: then they are
		 * found when it comes by again */
		if (s->at > s->by_key.mask)
			s->at = 0;
		--*steps;
		if (s->at + AHEAD <= s->by_key.mask && s->by_key.slots[s->at + AHEAD].item)
			fetch(s->by_key.slots[s->at + AHEAD].item);
		for (struct session *i = s->by_key.slots[s->at].item; i; i = i->next) {
			if (!i->round || i->round == s->round)
				continue;
			set_written(s, i);
			return i;
		}
		s->at++;
	}
	return NULL;
}

static void bury(struct sessions *s, struct session *session)
{
	unnote(s, session);
	sessions_unwrite(s, session);
	unlink_session(s, session);
	session->is_dead = true;
	free_if_done(s, session);
}

static bool touches(const struct sessions *s, const struct session *session, int64_t time_ns)
{
	return session->first_ns <= time_plus(time_ns, s->gap_ns) &&
	       time_ns <= time_plus(session->last_ns, s->gap_ns);
}

struct session *sessions_extend(struct sessions *s, const void *key, size_t len, int64_t time_ns,
	session_join *join, void *context)
{
	struct session *into = NULL, *at = first_of(s, key, len, hash_bytes(key, len)), *next;

	for (struct session *i = at; i; i = i->next)
		if (touches(s, i, time_ns) && (!into || i->first_ns < into->first_ns))
			into = i;
	if (into) {
		into->moved = false;
		s->began_ns = into->first_ns;
	}
	for (; into && at; at = next) {
		next = at->next;
		if (at == into || !touches(s, at, time_ns))
			continue;
		join(context, into, at);
		into->moved = true;
		if (at->last_ns > into->last_ns)
			into->last_ns = at->last_ns;
		bury(s, at);
	}
	if (into && (time_ns < into->first_ns || time_ns > into->last_ns)) {
		into->moved = true;
		into->first_ns = time_ns < into->first_ns ? time_ns : into->first_ns;
		into->last_ns = time_ns > into->last_ns ? time_ns : into->last_ns;
	}
	return into;
}

struct session *sessions_begin(struct sessions *s, const void *key, size_t len, int64_t time_ns)
{
	uint64_t hash = hash_bytes(key, len);
	struct session *first = first_of(s, key, len, hash);
	struct session *made = mem_zero(1, sizeof(*made) + s->state_bytes + len);

	made->first_ns = made->last_ns = time_ns;
	made->key_len = (uint32_t)len;
	memcpy(made->state + s->state_bytes, key, len);
	if (first) {
		made->next = first->next;
		first->next = made;
	} else {
		index_add(&s->by_key, hash, made);
	}
	s->count++;
	s->bytes += size_of(s, made);
	return made;
}

struct session *sessions_at(struct sessions *s, const void *key, size_t len, int64_t first_ns)
{
	struct session *session = first_of(s, key, len, hash_bytes(key, len));

	while (session && session->first_ns != first_ns)
		session = session->next;
	return session;
}

static void put_timer(struct sessions *s, struct session *session, int64_t due_ns)
{
	heap_put(&s->timers, due_ns, session);
	session->timers++;
}

/* A timer that stands too early is put off when it comes up; one that is too late would be missed.
 */
void sessions_set_due(struct sessions *s, struct session *session, int64_t due_ns)
{
	if (!session->timers || !session->has_due || due_ns < session->due_ns)
		put_timer(s, session, due_ns);
	session->due_ns = due_ns;
	session->has_due = true;
}

struct session *sessions_due(struct sessions *s, int64_t until_ns)
{
	const struct heap_item *first;

	while ((first = heap_least(&s->timers)) && first->order <= until_ns) {
		struct session *session = heap_take(&s->timers);

		session->timers--;
		if (session->is_dead) {
			free_if_done(s, session);
		} else if (session->has_due && session->due_ns <= until_ns) {
			session->has_due = false;
			return session;
		} else if (session->has_due) {
			put_timer(s, session, session->due_ns);
		}
	}
	return NULL;
}

void sessions_end(struct sessions *s, struct session *session)
{
	bury(s, session);
}

struct session *sessions_next(const struct sessions *s, const struct session *after, size_t *at)
{
	if (!after)
		*at = 0;
	else if (after->next)
		return after->next;
	while (s->by_key.slots && *at <= s->by_key.mask) {
		struct session *first = s->by_key.slots[(*at)++].item;

		if (first)
			return first;
	}
	return NULL;
}

void sessions_release(struct sessions *s)
{
	/* what is taken out of a slot may be followed there by another one, never farther up */
	for (size_t at = 0; s->by_key.slots && at <= s->by_key.mask; at++)
		while (s->by_key.slots[at].item)
			sessions_end(s, s->by_key.slots[at].item);
	while (s->timers.count) {
		struct session *session = heap_take(&s->timers);

		session->timers--;
		free_if_done(s, session);
	}
	index_release(&s->by_key);
	heap_release(&s->timers);
	free(s->changed);
}
