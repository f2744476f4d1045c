/*
 * The open sessions of one key: runs of its records that are no more than a gap apart. A session is
 * [first, last + gap); two whose distance equals the gap are one. A record may join sessions that
 * were apart until then.
 *
 * They are a list. Its head lies where the caller keeps the key, and is there also with no session
 * in it, so that the usual one takes no allocation.
 */
#ifndef SESSIONS_H
#define SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session {
	struct session *next; /* of the same key */
	int64_t first_ns;
	int64_t last_ns;
	bool is_open;             /* false: nothing is here, as in a head of zeros */
	bool moved;               /* the last record moved its bounds */
	bool fired;               /* it has given a result, and is kept for corrections */
	_Alignas(8) char state[]; /* the caller's */
};

/* What all keys have in common. */
struct sessions {
	int64_t gap_ns;
	size_t state_bytes;
};

/* What a key's head takes, and each session that is not the head. */
static inline size_t sessions_head_bytes(const struct sessions *s)
{
	return sizeof(struct session) + s->state_bytes;
}

/* Saturating: a session at the end of time is open to the end of time. */
int64_t sessions_end_ns(const struct sessions *s, const struct session *session);

/* What happens when a record makes from a part of into; then from's state is let go of. */
typedef void session_join(void *context, struct session *into, struct session *from);

/*
 * The session that a record at time_ns belongs to, its bounds moved, or NULL if there is none.
 * Sessions that the record brings together are joined into the earliest, join being told while both
 * still have their old bounds. O(sessions of the key).
 */
struct session *sessions_extend(const struct sessions *s, struct session *head, int64_t time_ns,
	session_join *join, void *context);

/* A session of one record, which touches no other; its state is zeros. */
struct session *sessions_begin(const struct sessions *s, struct session *head, int64_t time_ns);

/* Ends a session, whose state must have been let go of. O(sessions of the key). */
void sessions_end(struct session *head, struct session *session);

/* The session behind `after`, in no order; NULL begins, and NULL is behind the last. */
static inline struct session *sessions_next(struct session *head, struct session *after)
{
	if (after)
		return after->next;
	return head->is_open ? head : head->next;
}

#endif
