#include "flow/sessions.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/instant.h"
#include "base/mem.h"

enum { ALIGN = 8 };

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

static void bury(struct sessions *s, struct session *session)
{
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
	if (into)
		into->moved = false;
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
}
