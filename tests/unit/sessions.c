#include "flow/sessions.h"

#include "base/mem.h"
#include "base/wide.h"
#include "random.h"
#include "test.h"

enum { RECORDS = 300 };

/* A state is what the records of a session add up to; wide enough to tell them apart. */
struct state {
	uint64_t count;
	uint64_t ids; /* the sum of their numbers' squares */
};

/* The model: every record of the key, and which were in a session that has ended. */
struct record {
	uint64_t id;
	int64_t time_ns;
	bool gone;
};

static struct record records[RECORDS];
static size_t record_count;

static struct state *state_of(struct session *session)
{
	return (struct state *)(void *)session->state;
}

static void add(struct session *session, uint64_t id)
{
	state_of(session)->count++;
	state_of(session)->ids += id * id;
}

static struct session *head_new(const struct sessions *s)
{
	return mem_zero(1, sessions_head_bytes(s));
}

static size_t count_of(struct session *head)
{
	size_t count = 0;

	const struct session *before = NULL;

	for (struct session *i = sessions_next(head, NULL); i; i = sessions_next(head, i)) {
		check(i->is_open);
		check(!before || before->last_ns < i->first_ns);
		before = i;
		count++;
	}
	check(before ? before == head : !head->is_open);
	return count;
}

static void head_free(const struct sessions *s, struct session *head)
{
	struct session *i;

	while ((i = sessions_next(head, NULL)))
		sessions_end(s, head, i);
	free(head);
}

static int joined;
static int looked_at;

static void join(void *context, struct session *into, struct session *from)
{
	check(context == &joined);
	check(into != from && into->first_ns < from->first_ns);
	check(into->is_open && from->is_open);
	state_of(into)->count += state_of(from)->count;
	state_of(into)->ids += state_of(from)->ids;
	joined++;
}

/* Brute force: from a record on, whatever is no more than the gap from what is in already. */
static struct state model_session(size_t seed, int64_t gap, int64_t *first, int64_t *last)
{
	struct state s = {0, 0};
	size_t before;

	*first = *last = records[seed].time_ns;
	do {
		before = s.count;
		s = (struct state){0, 0};
		for (size_t i = 0; i < record_count; i++) {
			const struct record *r = &records[i];

			if (r->gone || (int128)r->time_ns + gap < *first ||
				(int128)r->time_ns - gap > *last)
				continue;
			*first = r->time_ns < *first ? r->time_ns : *first;
			*last = r->time_ns > *last ? r->time_ns : *last;
			s.count++;
			s.ids += r->id * r->id;
		}
	} while (s.count != before);
	return s;
}

static bool ends_before(const struct session *session, int64_t time_ns)
{
	return session->last_ns < time_ns;
}

static struct session *session_at(struct session *head, int64_t first_ns)
{
	struct session *found = NULL;

	for (struct session *i = sessions_next(head, NULL); i; i = sessions_next(head, i)) {
		if (i->first_ns != first_ns)
			continue;
		check(!found);
		found = i;
	}
	return found;
}

/* By each session of the key: which is the first that ends behind a time, or is touched. */
static void check_search(const struct sessions *s, struct session *head, int64_t from, int64_t to)
{
	struct session *behind = NULL, *touched = NULL;

	for (struct session *i = sessions_next(head, NULL); i; i = sessions_next(head, i)) {
		if (!behind && i->last_ns >= from)
			behind = i;
		if (!touched && i->first_ns - s->gap_ns <= to && i->last_ns + s->gap_ns >= from)
			touched = i;
	}
	check(sessions_search(head, ends_before, from) == behind);
	check(sessions_touched(s, head, from, to) == touched);
}

static void check_all(const struct sessions *s, struct session *head)
{
	size_t in = 0;

	for (size_t i = 0; i < record_count; i++) {
		struct session *got;
		struct state want;
		int64_t first, last;

		if (records[i].gone)
			continue;
		in++;
		want = model_session(i, s->gap_ns, &first, &last);
		got = session_at(head, first);
		check(got && got->last_ns == last);
		check_int(state_of(got)->count, want.count);
		check(state_of(got)->ids == want.ids);
		check_int(sessions_end_ns(s, got), last + s->gap_ns);
	}
	for (struct session *i = sessions_next(head, NULL); i; i = sessions_next(head, i))
		in -= state_of(i)->count;
	check_int(in, 0);
}

static void check_moved(const struct sessions *s, const struct session *session, bool has_joined)
{
	int64_t first = 0, last = 0, first_before = 0, last_before = 0;

	for (size_t i = 0; i + 1 < record_count; i++) {
		model_session(i, s->gap_ns, &first, &last);
		if (records[i].gone || first != session->first_ns)
			continue;
		record_count--; /* without the new one */
		model_session(i, s->gap_ns, &first_before, &last_before);
		record_count++;
		check(has_joined || first_before != first || last_before != last ||
			!session->moved);
		check(session->moved || (first_before == first && last_before == last));
		break;
	}
}

static void take(const struct sessions *s, struct session *head, int64_t time_ns)
{
	struct record *r = &records[record_count++];
	size_t count = count_of(head);
	int joins = joined;
	struct session *session = sessions_extend(s, head, time_ns, join, &joined);

	*r = (struct record){.id = record_count, .time_ns = time_ns};
	check(joined - joins == (int)(count - count_of(head)));
	if (session) {
		check_moved(s, session, joined > joins);
	} else {
		session = sessions_begin(s, head, time_ns, time_ns);
		check(!session->fired && !session->moved && !state_of(session)->count);
		check(session == head || head->is_open);
	}
	add(session, r->id);
}

/* Ends some session, perhaps the head's. */
static void give(const struct sessions *s, struct session *head)
{
	size_t which = random_below(count_of(head));
	struct session *session = sessions_next(head, NULL);

	while (which--)
		session = sessions_next(head, session);
	for (size_t i = 0; i < record_count; i++)
		if (records[i].time_ns >= session->first_ns &&
			records[i].time_ns <= session->last_ns)
			records[i].gone = true;
	sessions_end(s, head, session);
}

void test_against_all_records(void)
{
	random_seed();
	for (int round = 0; round < 300; round++) {
		uint64_t spread = 10 + random_below(1500);
		struct sessions s = {1 + (int64_t)random_below(30), sizeof(struct state)};
		struct session *head = head_new(&s);

		record_count = 0;
		while (record_count < 90) {
			take(&s, head, (int64_t)random_below(spread) - (int64_t)spread / 2);
			if (random_below(20) == 0)
				give(&s, head);
			if (record_count % 8 == 0)
				check_all(&s, head);
			check_search(&s, head, (int64_t)random_below(spread) - (int64_t)spread / 2,
				(int64_t)spread / 2);
		}
		check_all(&s, head);
		while (sessions_next(head, NULL))
			give(&s, head);
		for (size_t i = 0; i < record_count; i++)
			check(records[i].gone);
		free(head);
	}
}

static struct session *one(const struct sessions *s, struct session *head, int64_t time_ns)
{
	struct session *session = sessions_extend(s, head, time_ns, join, &joined);

	return session ? session : sessions_begin(s, head, time_ns, time_ns);
}

/* A distance of the gap merges, one more does not; on both sides. */
void test_the_gap(void)
{
	struct sessions s = {10, sizeof(struct state)};
	struct session *head = head_new(&s), *first;

	check(one(&s, head, 0) == head);
	check(one(&s, head, 10) == head && head->moved);
	check(one(&s, head, -10) == head && head->moved);
	check(one(&s, head, 10) == head && !head->moved);
	check_int(head->first_ns, -10);
	check_int(head->last_ns, 10);
	check_int(sessions_end_ns(&s, head), 20);
	check(one(&s, head, 21) == head && count_of(head) == 2);
	first = sessions_next(head, NULL);
	check_int(first->first_ns, -10);
	check_int(first->last_ns, 10);
	/* both are 10 or less from here */
	check(one(&s, head, 20) == head && head->moved);
	check_int(count_of(head), 1);
	check_int(head->first_ns, -10);
	check_int(head->last_ns, 21);
	check_int(joined, 1);
	head_free(&s, head);
}

/* What lies between the two that become one and the head stays where it is. */
void test_join_before_the_head(void)
{
	struct sessions s = {10, sizeof(struct state)};
	struct session *head = head_new(&s), *first;

	joined = 0;
	for (int i = 0; i < 4; i++)
		add(one(&s, head, 20 * i), (uint64_t)i + 1);
	first = sessions_next(head, NULL);
	check(one(&s, head, 10) == first && first != head);
	check_int(joined, 1);
	check_int(count_of(head), 3);
	check_int(first->last_ns, 20);
	check_int(state_of(first)->ids, 5);
	check_int(head->first_ns, 60);
	check_int(state_of(head)->ids, 16);
	head_free(&s, head);
}

void test_the_ends_of_time(void)
{
	struct sessions s = {INT64_MAX, sizeof(struct state)};
	struct session *head = head_new(&s), *first;

	check(one(&s, head, INT64_MIN) == head);
	check(one(&s, head, INT64_MAX) == head);
	first = sessions_next(head, NULL);
	check(first != head);
	check_int(sessions_end_ns(&s, first), -1);
	check_int(sessions_end_ns(&s, head), INT64_MAX);
	check(one(&s, head, -1) == first);
	check_int(count_of(head), 2);
	check(one(&s, head, 0) == head);
	check_int(count_of(head), 1);
	head_free(&s, head);
}

/* The head is there without a session, and takes the next one and later ones, with nothing of the
 * one before; where it ends, what it has is that of the latest of the others. */
void test_the_head(void)
{
	struct sessions s = {10, sizeof(struct state)};
	struct session *head = head_new(&s), *other;

	check(!sessions_next(head, NULL));
	check(sessions_begin(&s, head, 100, 100) == head);
	add(head, 1);
	head->fired = true;
	other = sessions_begin(&s, head, 0, 5);
	check(other != head && !other->fired);
	add(other, 7);
	check(sessions_extend(&s, head, 50, join, &joined) == NULL);
	sessions_end(&s, head, head);
	check(sessions_next(head, NULL) == head && count_of(head) == 1);
	check_int(head->first_ns, 0);
	check_int(head->last_ns, 5);
	check(!head->fired && state_of(head)->ids == 49);
	head->fired = true;
	check(sessions_begin(&s, head, 200, 200) == head && !head->fired && !state_of(head)->count);
	check_int(count_of(head), 2);
	other = sessions_next(head, NULL);
	check(other->fired && state_of(other)->ids == 49);
	head_free(&s, head);
}

static void no_join(void *context, struct session *into, struct session *from)
{
	(void)context;
	(void)into;
	(void)from;
	check(false);
}

static bool begins_before(const struct session *session, int64_t than)
{
	looked_at++;
	return session->first_ns < than;
}

/* However the sessions of a key come: one is found by looking at few of them. */
void test_a_great_many(void)
{
	enum { MANY = 20000 };
	struct sessions s = {1, sizeof(struct state)};

	random_seed();
	for (int order = 0; order < 4; order++) {
		struct session *head = head_new(&s);

		for (int64_t i = 0; i < MANY; i++) {
			int64_t at = order == 0   ? i
				     : order == 1 ? MANY - i
				     : order == 2 ? i * 7919 % MANY
						  : (int64_t)random_below(1 << 30);

			if (!sessions_extend(&s, head, 3 * at, no_join, NULL))
				sessions_begin(&s, head, 3 * at, 3 * at);
		}
		looked_at = 0;
		for (int64_t i = 0; i < MANY; i++)
			sessions_search(head, begins_before, i * 3);
		check(looked_at < MANY * 40);
		head_free(&s, head);
	}
}
