/*
 * Session windows: for each key, runs of records that are no more than a gap apart. A session is
 * [first, last + gap); two whose distance equals the gap are one. A record may join sessions that
 * were apart until then.
 */
#ifndef SESSIONS_H
#define SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/index.h"

struct session {
	struct session *next; /* of the same key */
	int64_t first_ns;
	int64_t last_ns;
	int64_t due_ns;
	uint32_t key_len;
	uint32_t timers;          /* how often it stands in the heap */
	uint32_t changed;         /* its place in sessions.changed, from 1; 0: none */
	bool has_due : 1;         /* otherwise due_ns means nothing */
	bool is_dead : 1;         /* joined into another one; kept for its timers only */
	bool moved : 1;           /* the last record moved its bounds */
	bool fired : 1;           /* it has given a result, and is kept for corrections */
	unsigned round : 2;       /* in which it was written down last; 0: never */
	_Alignas(8) char state[]; /* state_bytes, then the key */
};

struct sessions {
	struct index by_key; /* the first session of each key */
	struct heap timers;
	int64_t gap_ns;
	size_t state_bytes; /* rounded up to 8 */
	size_t count;
	size_t bytes;     /* all that sessions take, but for what states point to */
	int64_t began_ns; /* of the session that sessions_extend gave: its first_ns before */

	/* where changes are followed: see base/changes */
	bool is_tracked;
	struct session **changed; /* those that have changed */
	size_t changed_count;
	size_t changed_cap;
	size_t changed_at; /* the next to be taken */
	unsigned round;
	size_t written; /* sessions that were written down */
	size_t behind;  /* of them, those not yet in this round */
	size_t at;      /* of the slots of by_key, the next to look at */
};

void sessions_init(struct sessions *s, int64_t gap_ns, size_t state_bytes);

/* The states must have been let go of before. */
void sessions_release(struct sessions *s);

/* What happens when a record makes from a part of into; then from's state is let go of. */
typedef void session_join(void *context, struct session *into, struct session *from);

/*
 * The session of key that a record at time_ns belongs to, its bounds moved, or NULL if there is
 * none. Sessions that the record brings together are joined into the earliest, join being told
 * while both still have their old bounds. O(sessions of the key).
 */
struct session *sessions_extend(struct sessions *s, const void *key, size_t len, int64_t time_ns,
	session_join *join, void *context);

/* Begins a session with one record; its state is zeros. */
struct session *sessions_begin(struct sessions *s, const void *key, size_t len, int64_t time_ns);

/* When the session is to be given by sessions_due; may be said again, earlier or later. */
void sessions_set_due(struct sessions *s, struct session *session, int64_t due_ns);

/* Gives a session that falls due at or before until_ns, which then has no due time until one is
 * set; NULL if there is none. */
struct session *sessions_due(struct sessions *s, int64_t until_ns);

/* Ends a session: it is freed. Its state must have been let go of. */
void sessions_end(struct sessions *s, struct session *session);

/* Saturating: a session at the end of time is open to the end of time. */
int64_t sessions_end_ns(const struct sessions *s, const struct session *session);

static inline const char *sessions_key(const struct sessions *s, const struct session *session)
{
	return session->state + s->state_bytes;
}

/* From now on, before there is any, changes are followed: a session that has changed takes 8 bytes
 * until it is written. */
void sessions_track(struct sessions *s);

/* The session has changed; of no effect where changes are not followed. */
void sessions_note_tracked(struct sessions *s, struct session *session);

static inline void sessions_note(struct sessions *s, struct session *session)
{
	if (s->is_tracked)
		sessions_note_tracked(s, session);
}

/* What was written down of it does not count any more, as it had other bounds. */
void sessions_unwrite(struct sessions *s, struct session *session);

/* A session that has changed, and counts as written from now on; NULL if there is none. */
struct session *sessions_take_changed(struct sessions *s);

/* All that were written are to be written anew. */
void sessions_begin_round(struct sessions *s);

/* One that is to be, and counts as written in this round from now on. Looks at *steps places at
 * most and takes off what it looked at; NULL if there was none, and s->behind is 0 if there is none
 * any more. */
struct session *sessions_take_behind(struct sessions *s, size_t *steps);

/* The session of key that begins there, or NULL. */
struct session *sessions_at(struct sessions *s, const void *key, size_t len, int64_t first_ns);

/* The next session in no order; NULL begins. NULL behind the last. */
struct session *sessions_next(const struct sessions *s, const struct session *after, size_t *at);

#endif
