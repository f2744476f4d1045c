/*
 * The open sessions of one key: runs of its records that are no more than a gap apart. A session is
 * [first, last + gap); two whose distance equals the gap are one. A record may join sessions that
 * were apart until then.
 *
 * The head lies where the caller keeps the key, and is there also with no session in it, so that
 * the usual one takes no allocation. It is the latest session, which most records belong to; the
 * others are a treap by their times (Seidel, Aragon, "Randomized Search Trees", 1996): n of them
 * cost O(log n), whatever the order they come and go in.
 */
#ifndef SESSIONS_H
#define SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"

/* A head is no part of the treap: there is room in it for what the caller knows of when its key
 * falls due. */
struct session {
	struct session *earlier; /* of a head: the root of all others */
	union {
		struct session *later;
		int64_t due_ns; /* of a head: the caller's */
	};
	int64_t first_ns;
	int64_t last_ns;
	union {
		uint32_t rank;   /* in the treap; at random */
		uint32_t timers; /* of a head: the caller's */
	};
	bool has_timer;           /* of a head: the caller's */
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
static inline int64_t sessions_end_ns(const struct sessions *s, const struct session *session)
{
	int64_t end_ns;

	return __builtin_add_overflow(session->last_ns, s->gap_ns, &end_ns) ? INT64_MAX : end_ns;
}

/* What happens when a record makes from a part of into; then from's state is let go of. */
typedef void session_join(void *context, struct session *into, struct session *from);

struct session *sessions_extend_any(const struct sessions *s, struct session *head, int64_t time_ns,
	session_join *join, void *context);

static inline struct session *sessions_extend_latest(
	const struct sessions *s, struct session *head, int64_t time_ns)
{
	if (!head->is_open || head->last_ns < time_minus(time_ns, s->gap_ns) ||
		head->first_ns > time_plus(time_ns, s->gap_ns))
		return NULL;
	head->moved = true;
	if (time_ns > head->last_ns)
		head->last_ns = time_ns;
	else if (time_ns < head->first_ns)
		head->first_ns = time_ns;
	else
		head->moved = false;
	return head;
}

/*
 * The session that a record at time_ns belongs to, its bounds moved, or NULL if there is none.
 * Sessions that the record brings together are joined into the earliest, join being told while both
 * still have their old bounds.
 */
static inline struct session *sessions_extend(const struct sessions *s, struct session *head,
	int64_t time_ns, session_join *join, void *context)
{
	/* the usual record is behind all other sessions, and has nothing to join */
	if (!head->earlier || time_ns >= head->first_ns)
		return sessions_extend_latest(s, head, time_ns);
	return sessions_extend_any(s, head, time_ns, join, context);
}

/* A session from first_ns to last_ns, which touches no other; its state is zeros. The one before
 * may move out of the head. */
struct session *sessions_begin(
	const struct sessions *s, struct session *head, int64_t first_ns, int64_t last_ns);

/* Ends a session, whose state must have been let go of. Where that is the head, the latest of the
 * others moves there. */
void sessions_end(const struct sessions *s, struct session *head, struct session *session);

/* Whether a session lies before what is looked for; if one does, so do all before it. */
typedef bool session_test(const struct session *session, int64_t than);

/* The first session that does not; NULL: there is none. */
struct session *sessions_search(struct session *head, session_test *is_before, int64_t than);

/* The earliest session that a record from first_ns to last_ns would belong to; NULL: none. */
struct session *sessions_touched(
	const struct sessions *s, struct session *head, int64_t first_ns, int64_t last_ns);

/* The session behind `after` in the order of time; NULL begins, and NULL is behind the last. */
struct session *sessions_next_of_many(struct session *head, const struct session *after);

static inline struct session *sessions_next(struct session *head, const struct session *after)
{
	if (head->earlier)
		return sessions_next_of_many(head, after);
	return head->is_open && !after ? head : NULL;
}

#endif
