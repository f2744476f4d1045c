/*
 * The open sessions of each key, in the store; and which of them falls due next.
 *
 * While it is in memory, a key with sessions has a timer that comes up no later than the first of
 * them; one that comes up too early is put off. When one is wanted earlier, the one before is left
 * and does not count. A key without sessions is deleted when no timer is left. On disk each session
 * has a timer of its own.
 */
#ifndef SESSIONKEYS_H
#define SESSIONKEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/dues.h"
#include "flow/sessions.h"
#include "tool/windower.h"

struct sessionkeys {
	struct windower *windower;
	struct sessions shape;
	struct store_space *space;
	struct dues dues;     /* timers of what is in memory: of struct table_entry */
	uint64_t count;       /* sessions, in memory or not */
	size_t session_bytes; /* of one that is not a head, */
	size_t bytes;         /* and of all of those in memory */
	int64_t lateness_ns;  /* that timers on disk were made with */
	struct buf packed;    /* one of several */
	/* the first timer on disk, where it is taken out already */
	struct store_timer stored;
	struct buf stored_key;
	bool has_stored;
};

/* Borrows it, and tells it what its store holds. */
void sessionkeys_init(struct sessionkeys *k, struct windower *w);
void sessionkeys_release(struct sessionkeys *k);

/* The store is open. */
void sessionkeys_opened(struct sessionkeys *k);

/* The value of an entry; its due_ns is that of the timer that counts, where it has_timer, and
 * timers how many there are. */
static inline struct session *sessionkeys_head(const struct table_entry *e)
{
	return (struct session *)(void *)(size_t)e->value;
}

/* All sessions of a key in order: the one behind `after`; NULL begins, and NULL is behind the last.
 */
static inline struct session *sessionkeys_next(
	const struct table_entry *e, const struct session *after)
{
	return sessions_next(sessionkeys_head(e), after);
}

/* A session that begins, one that is over, and one that is about to be joined into another. */
struct session *sessionkeys_begin(struct sessionkeys *k, struct table_entry *e, int64_t time_ns);
void sessionkeys_end(struct sessionkeys *k, struct table_entry *e, struct session *s);
void sessionkeys_joined(struct sessionkeys *k, struct table_entry *e, struct session *s);

/* Sees to it that the key has a timer no later than the session wants one. */
void sessionkeys_set_timer(struct sessionkeys *k, struct table_entry *e, const struct session *s);

/* The session has changed. It does not fall due before its end. */
static inline void sessionkeys_note(
	struct sessionkeys *k, struct table_entry *e, const struct session *s)
{
	const struct session *head = sessionkeys_head(e);

	store_note(&k->windower->store, k->space, e);
	if (!head->has_timer || sessions_end_ns(&k->shape, s) <= head->due_ns)
		sessionkeys_set_timer(k, e, s);
}

/*
 * The session that falls due first if it does so by the watermark, with its key; NULL: none does.
 * They come in the order of their ends, starts and keys, but for those that only wait until they
 * take no corrections. It is handled, and then said to be.
 */
struct session *sessionkeys_due(struct sessionkeys *k, struct table_entry **e);
void sessionkeys_handled(struct sessionkeys *k, struct table_entry *e);

/* Between two of them: as windower_make_room. */
void sessionkeys_make_room(struct sessionkeys *k);

/* As handlers of a window_kind. */
void sessionkeys_spilled(struct sessionkeys *k);
void sessionkeys_snapshot(const struct sessionkeys *k, json_t *state);
void sessionkeys_restore(struct sessionkeys *k, const json_t *state);

#endif
