#include "flow/sessions.h"

#include <stdlib.h>
#include <string.h>

#include "base/instant.h"
#include "base/mem.h"

int64_t sessions_end_ns(const struct sessions *s, const struct session *session)
{
	return time_plus(session->last_ns, s->gap_ns);
}

static bool touches(const struct sessions *s, const struct session *session, int64_t time_ns)
{
	return session->first_ns <= time_plus(time_ns, s->gap_ns) &&
	       time_ns <= sessions_end_ns(s, session);
}

static struct session *earliest_touched(
	const struct sessions *s, struct session *head, int64_t time_ns)
{
	struct session *earliest = NULL;

	for (struct session *i = sessions_next(head, NULL); i; i = sessions_next(head, i))
		if (touches(s, i, time_ns) && (!earliest || i->first_ns < earliest->first_ns))
			earliest = i;
	return earliest;
}

struct session *sessions_extend(const struct sessions *s, struct session *head, int64_t time_ns,
	session_join *join, void *context)
{
	struct session *into = earliest_touched(s, head, time_ns), *next;

	if (!into)
		return NULL;
	into->moved = false;
	for (struct session *i = sessions_next(head, NULL); i; i = next) {
		next = sessions_next(head, i);
		if (i == into || !touches(s, i, time_ns))
			continue;
		join(context, into, i);
		into->moved = true;
		if (i->last_ns > into->last_ns)
			into->last_ns = i->last_ns;
		sessions_end(head, i);
	}
	if (time_ns < into->first_ns || time_ns > into->last_ns) {
		into->moved = true;
		into->first_ns = time_ns < into->first_ns ? time_ns : into->first_ns;
		into->last_ns = time_ns > into->last_ns ? time_ns : into->last_ns;
	}
	return into;
}

struct session *sessions_begin(const struct sessions *s, struct session *head, int64_t time_ns)
{
	struct session *made = head;

	if (head->is_open) {
		made = mem_alloc(sessions_head_bytes(s));
		made->next = head->next;
		head->next = made;
	}
	made->first_ns = made->last_ns = time_ns;
	made->is_open = true;
	made->moved = made->fired = false;
	memset(made->state, 0, s->state_bytes);
	return made;
}

void sessions_end(struct session *head, struct session *session)
{
	struct session *before = head;

	if (session == head) {
		head->is_open = false;
		return;
	}
	while (before->next != session)
		before = before->next;
	before->next = session->next;
	free(session);
}
