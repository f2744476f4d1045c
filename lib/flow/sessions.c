#include "flow/sessions.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

/* The treap: its sessions are apart, so that one order is that of their beginnings and ends. */

static void put(struct session **root, struct session *session)
{
	struct session **earlier = &session->earlier, **later = &session->later;
	struct session *below;

	while (*root && (*root)->rank >= session->rank)
		root = session->first_ns < (*root)->first_ns ? &(*root)->earlier : &(*root)->later;
	below = *root;
	*root = session;
	/* what was there is parted */
	while (below)
		if (below->first_ns < session->first_ns) {
			*earlier = below;
			earlier = &below->later;
			below = below->later;
		} else {
			*later = below;
			later = &below->earlier;
			below = below->earlier;
		}
	*earlier = *later = NULL;
}

static void take_out(struct session **root, const struct session *session)
{
	struct session *earlier = session->earlier, *later = session->later;

	while (*root != session) {
		assert(*root);
		root = session->first_ns < (*root)->first_ns ? &(*root)->earlier : &(*root)->later;
	}
	/* what is below it is brought together */
	while (earlier && later)
		if (earlier->rank >= later->rank) {
			*root = earlier;
			root = &earlier->later;
			earlier = earlier->later;
		} else {
			*root = later;
			root = &later->earlier;
			later = later->earlier;
		}
	*root = earlier ? earlier : later;
}

/* With the head, which is the latest */

struct session *sessions_search(struct session *head, session_test *is_before, int64_t than)
{
	struct session *first = NULL;

	for (struct session *at = head->earlier; at;) {
		bool before = is_before(at, than);

		if (!before)
			first = at;
		at = before ? at->later : at->earlier;
	}
	if (!first && head->is_open && !is_before(head, than))
		first = head;
	return first;
}

static bool begins_upto(const struct session *session, int64_t time_ns)
{
	return session->first_ns <= time_ns;
}

static bool is_any(const struct session *session, int64_t time_ns)
{
	(void)session;
	(void)time_ns;
	return false;
}

struct session *sessions_next_of_many(struct session *head, const struct session *after)
{
	return after ? sessions_search(head, begins_upto, after->first_ns)
		     : sessions_search(head, is_any, 0);
}

static bool ends_before(const struct session *session, int64_t time_ns)
{
	return session->last_ns < time_ns;
}

struct session *sessions_touched(
	const struct sessions *s, struct session *head, int64_t first_ns, int64_t last_ns)
{
	int64_t from_ns = time_minus(first_ns, s->gap_ns), to_ns = time_plus(last_ns, s->gap_ns);
	struct session *first;

	if (head->earlier)
		first = sessions_search(head, ends_before, from_ns);
	else
		first = head->is_open && !ends_before(head, from_ns) ? head : NULL;
	return first && first->first_ns <= to_ns ? first : NULL;
}

/* The record lies behind into: all that it touches of what comes next. Gives where that lies then.
 */
static struct session *join_next(const struct sessions *s, struct session *head,
	struct session *into, int64_t time_ns, session_join *join, void *context)
{
	int64_t to_ns = time_plus(time_ns, s->gap_ns);
	struct session *from;

	while ((from = sessions_next(head, into)) && from->first_ns <= to_ns) {
		join(context, into, from);
		into->last_ns = from->last_ns;
		sessions_end(s, head, from);
		if (from == head)
			into = head;
	}
	if (time_ns > into->last_ns)
		into->last_ns = time_ns;
	return into;
}

struct session *sessions_extend_any(const struct sessions *s, struct session *head, int64_t time_ns,
	session_join *join, void *context)
{
	struct session *into = sessions_touched(s, head, time_ns, time_ns);

	if (!into)
		return NULL;
	into->moved = time_ns < into->first_ns || time_ns > into->last_ns;
	if (time_ns < into->first_ns)
		into->first_ns = time_ns;
	else if (time_ns > into->last_ns)
		into = join_next(s, head, into, time_ns, join, context);
	return into;
}

/* What there is of a session, but for its place. */
static void move(const struct sessions *s, struct session *to, const struct session *from)
{
	to->first_ns = from->first_ns;
	to->last_ns = from->last_ns;
	to->moved = from->moved;
	to->fired = from->fired;
	to->is_open = true;
	memcpy(to->state, from->state, s->state_bytes);
}

static void place(struct session *head, struct session *session)
{
	session->rank = (uint32_t)hash_bytes(&session->first_ns, sizeof(session->first_ns));
	put(&head->earlier, session);
}

static void begin(
	const struct sessions *s, struct session *session, int64_t first_ns, int64_t last_ns)
{
	session->first_ns = first_ns;
	session->last_ns = last_ns;
	session->is_open = true;
	session->moved = session->fired = false;
	memset(session->state, 0, s->state_bytes);
}

struct session *sessions_begin(
	const struct sessions *s, struct session *head, int64_t first_ns, int64_t last_ns)
{
	struct session *other;

	if (!head->is_open) {
		begin(s, head, first_ns, last_ns);
		return head;
	}
	other = mem_alloc(sessions_head_bytes(s));
	if (first_ns < head->first_ns) {
		begin(s, other, first_ns, last_ns);
		place(head, other);
		return other;
	}
	move(s, other, head);
	place(head, other);
	begin(s, head, first_ns, last_ns);
	return head;
}

static struct session *latest(struct session *session)
{
	while (session->later)
		session = session->later;
	return session;
}

void sessions_end(const struct sessions *s, struct session *head, struct session *session)
{
	if (!head->earlier) {
		head->is_open = false;
		return;
	}
	if (session == head) {
		session = latest(head->earlier);
		move(s, head, session);
	}
	take_out(&head->earlier, session);
	free(session);
}
