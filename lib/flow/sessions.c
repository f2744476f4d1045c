#include "flow/sessions.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/instant.h"
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

/* With the head */

struct session *sessions_search(struct session *head, session_test *is_before, int64_t than)
{
	struct session *first = head->is_open && !is_before(head, than) ? head : NULL;

	for (struct session *at = head->earlier; at;) {
		bool before = is_before(at, than);

		if (!before && (!first || at->first_ns < first->first_ns))
			first = at;
		at = before ? at->later : at->earlier;
	}
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

/* The record lies behind into: all that it touches of what comes next. */
static void join_next(const struct sessions *s, struct session *head, struct session *into,
	int64_t time_ns, session_join *join, void *context)
{
	int64_t to_ns = time_plus(time_ns, s->gap_ns);
	struct session *from;

	while ((from = sessions_next(head, into)) && from->first_ns <= to_ns) {
		join(context, into, from);
		into->last_ns = from->last_ns;
		sessions_end(head, from);
	}
	if (time_ns > into->last_ns)
		into->last_ns = time_ns;
}

/* The usual key has one session at most, and nothing to join. */
static struct session *extend_alone(const struct sessions *s, struct session *head, int64_t time_ns)
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

struct session *sessions_extend(const struct sessions *s, struct session *head, int64_t time_ns,
	session_join *join, void *context)
{
	struct session *into;

	if (!head->earlier)
		return extend_alone(s, head, time_ns);
	into = sessions_touched(s, head, time_ns, time_ns);
	if (!into)
		return NULL;
	into->moved = time_ns < into->first_ns || time_ns > into->last_ns;
	if (time_ns < into->first_ns)
		into->first_ns = time_ns;
	else if (time_ns > into->last_ns)
		join_next(s, head, into, time_ns, join, context);
	return into;
}

struct session *sessions_begin(
	const struct sessions *s, struct session *head, int64_t first_ns, int64_t last_ns)
{
	struct session *made = head;

	if (head->is_open)
		made = mem_alloc(sessions_head_bytes(s));
	made->first_ns = first_ns;
	made->last_ns = last_ns;
	made->is_open = true;
	made->moved = made->fired = false;
	memset(made->state, 0, s->state_bytes);
	if (made != head) {
		made->rank = (uint32_t)hash_bytes(&first_ns, sizeof(first_ns));
		put(&head->earlier, made);
	}
	return made;
}

void sessions_end(struct session *head, struct session *session)
{
	if (session == head) {
		head->is_open = false;
		return;
	}
	take_out(&head->earlier, session);
	free(session);
}
