#include "flow/sessions.h"

#include "base/mem.h"
#include "base/wide.h"
#include "random.h"
#include "test.h"

enum { RECORDS = 300, KEYS = 4 };

/* A state is what the records of a session add up to; wide enough to tell them apart. */
struct state {
	uint64_t count;
	uint64_t ids; /* the sum of their numbers' squares */
};

/* The model: every record, and which have been given in a session that ended. */
struct record {
	uint64_t id;
	int64_t time_ns;
	int key;
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

static int joined;

static void join(void *context, struct session *into, struct session *from)
{
	check(context == &joined);
	check(into != from && into->first_ns < from->first_ns);
	check(!into->is_dead && !from->is_dead);
	state_of(into)->count += state_of(from)->count;
	state_of(into)->ids += state_of(from)->ids;
	memset(from->state, 0, sizeof(struct state));
	joined++;
}

/* Keys of several lengths, one of them empty. */
static const char *key_of(int key, size_t *len)
{
	static const char text[] = "abc";

	*len = (size_t)key;
	return text;
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

			if (r->gone || r->key != records[seed].key ||
				(int128)r->time_ns + gap < *first ||
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

static struct session *session_at(const struct sessions *s, int key, int64_t first_ns)
{
	struct session *i = NULL, *found = NULL;
	size_t at, len;
	const char *bytes = key_of(key, &len);

	while ((i = sessions_next(s, i, &at))) {
		check(!i->is_dead);
		if (i->first_ns != first_ns || i->key_len != len ||
			memcmp(sessions_key(s, i), bytes, len) != 0)
			continue;
		check(!found);
		found = i;
	}
	return found;
}

static void check_session(const struct sessions *s, size_t i)
{
	int64_t first, last;
	struct state want = model_session(i, s->gap_ns, &first, &last);
	struct session *got = session_at(s, records[i].key, first);

	check(got != NULL);
	check(got->last_ns == last);
	check_int(state_of(got)->count, want.count);
	check(state_of(got)->ids == want.ids);
	check((int128)last + s->gap_ns > INT64_MAX ? sessions_end_ns(s, got) == INT64_MAX
						   : sessions_end_ns(s, got) == last + s->gap_ns);
}

static void check_all(const struct sessions *s)
{
	size_t firsts = 0;

	for (size_t i = 0; i < record_count; i++) {
		int64_t first, last;

		if (records[i].gone)
			continue;
		check_session(s, i);
		model_session(i, s->gap_ns, &first, &last);
		firsts += records[i].time_ns == first;
		for (size_t k = 0; k < i; k++)
			if (!records[k].gone && records[k].key == records[i].key &&
				records[k].time_ns == first && records[i].time_ns == first) {
				firsts--;
				break;
			}
	}
	check_int(s->count, firsts);
}

static void take(struct sessions *s, int key, int64_t time_ns)
{
	struct record *r = &records[record_count++];
	struct session *session;
	int64_t first = 0, last = 0, first_before = 0, last_before = 0;
	size_t len, count = s->count;
	const char *bytes = key_of(key, &len);
	int joins = joined;

	*r = (struct record){.id = record_count, .time_ns = time_ns, .key = key};
	session = sessions_extend(s, bytes, len, time_ns, join, &joined);
	check(joined - joins == (int)(count - s->count));
	for (size_t i = 0; session && i + 1 < record_count; i++) {
		model_session(i, s->gap_ns, &first, &last);
		if (records[i].key != key || records[i].gone || first != session->first_ns)
			continue;
		record_count--; /* without the new one */
		model_session(i, s->gap_ns, &first_before, &last_before);
		record_count++;
		check(joined > joins || first_before != first || last_before != last ||
			!session->moved);
		check(session->moved || (first_before == first && last_before == last));
		break;
	}
	if (!session)
		session = sessions_begin(s, bytes, len, time_ns);
	add(session, r->id);
	sessions_set_due(s, session, sessions_end_ns(s, session));
}

static void give(struct sessions *s, struct session *session)
{
	size_t len = 0;
	int64_t first = session->first_ns, last = session->last_ns;

	for (size_t i = 0; i < record_count; i++) {
		struct record *r = &records[i];
		const char *bytes = key_of(r->key, &len);

		if (!r->gone && len == session->key_len && r->time_ns >= first &&
			r->time_ns <= last && memcmp(bytes, sessions_key(s, session), len) == 0)
			r->gone = true;
	}
	sessions_end(s, session);
}

/* All that end by then are given, each once, and no other. */
static void advance(struct sessions *s, int64_t until_ns)
{
	struct session *session;

	while ((session = sessions_due(s, until_ns))) {
		check(!session->is_dead && !session->has_due);
		check(sessions_end_ns(s, session) <= until_ns);
		give(s, session);
	}
	for (session = NULL; s->count;) {
		size_t at;

		for (; (session = sessions_next(s, session, &at));)
			check(sessions_end_ns(s, session) > until_ns);
		break;
	}
}

static void forget_gone(void)
{
	size_t kept = 0;

	for (size_t i = 0; i < record_count; i++)
		if (!records[i].gone)
			records[kept++] = records[i];
	record_count = kept;
}

static int64_t random_time(int64_t spread)
{
	return (int64_t)random_below((uint64_t)spread) - spread / 2;
}

void test_against_all_records(void)
{
	random_seed();
	for (int round = 0; round < 300; round++) {
		int64_t gap = 1 + (int64_t)random_below(30);
		int64_t spread = 10 + (int64_t)random_below(1500), mark = -spread;
		struct sessions s;

		record_count = 0;
		sessions_init(&s, gap, sizeof(struct state));
		while (record_count < 90) {
			take(&s, (int)random_below(KEYS), random_time(spread));
			if (record_count % 8 == 0)
				check_all(&s);
			if (random_below(20) == 0) {
				mark += (int64_t)random_below((uint64_t)spread / 4 + 1);
				advance(&s, mark);
			}
		}
		check_all(&s);
		advance(&s, INT64_MAX);
		forget_gone();
		check_int(record_count, 0);
		check_int(s.count, 0);
		check_int(s.bytes, 0);
		check_int(s.timers.count, 0);
		sessions_release(&s);
	}
}

static struct session *one(struct sessions *s, const char *key, int64_t time_ns)
{
	struct session *session = sessions_extend(s, key, strlen(key), time_ns, join, &joined);

	return session ? session : sessions_begin(s, key, strlen(key), time_ns);
}

/* A distance of the gap merges, one more does not; on both sides. */
void test_the_gap(void)
{
	struct sessions s;
	struct session *a, *b;

	sessions_init(&s, 10, sizeof(struct state));
	a = one(&s, "k", 0);
	check(one(&s, "k", 10) == a && a->moved);
	check(one(&s, "k", -10) == a && a->moved);
	check(one(&s, "k", 10) == a && !a->moved);
	check_int(a->first_ns, -10);
	check_int(a->last_ns, 10);
	check_int(sessions_end_ns(&s, a), 20);
	b = one(&s, "k", 21);
	check(b != a && s.count == 2);
	check(one(&s, "j", 15) != a && s.count == 3);
	/* both are 10 or less from here */
	check(one(&s, "k", 20) == a && a->moved);
	check_int(s.count, 2);
	check_int(a->last_ns, 21);
	check_int(joined, 1);
	sessions_release(&s);
}

void test_the_ends_of_time(void)
{
	struct sessions s;
	struct session *first, *last;

	sessions_init(&s, INT64_MAX, sizeof(struct state));
	first = one(&s, "k", INT64_MIN);
	last = one(&s, "k", INT64_MAX);
	check(first != last);
	check_int(sessions_end_ns(&s, first), -1);
	check_int(sessions_end_ns(&s, last), INT64_MAX);
	sessions_set_due(&s, last, sessions_end_ns(&s, last));
	check(!sessions_due(&s, INT64_MAX - 1));
	check(one(&s, "k", -1) == first);
	check_int(s.count, 2);
	check(one(&s, "k", 0) == first);
	check_int(s.count, 1);
	check(!sessions_due(&s, INT64_MAX));
	sessions_release(&s);
}

/* Due times that are set again, at random, against an array of them. */
void test_timers(void)
{
	enum { SESSIONS = 30 };

	random_seed();
	for (int round = 0; round < 200; round++) {
		struct session *list[SESSIONS], *given;
		bool has_due[SESSIONS] = {false};
		int64_t due[SESSIONS], mark = 0;
		struct sessions s;

		sessions_init(&s, 1, sizeof(uint64_t));
		for (uint64_t i = 0; i < SESSIONS; i++) {
			list[i] = sessions_begin(&s, &i, sizeof(i), 0);
			memcpy(list[i]->state, &i, sizeof(i));
		}
		for (int step = 0; step < 500; step++) {
			uint64_t i = random_below(SESSIONS);

			if (random_below(5)) {
				due[i] = mark + (int64_t)random_below(100) - 10;
				has_due[i] = true;
				sessions_set_due(&s, list[i], due[i]);
				continue;
			}
			mark += (int64_t)random_below(20);
			while ((given = sessions_due(&s, mark))) {
				memcpy(&i, given->state, sizeof(i));
				check(given == list[i] && has_due[i] && due[i] <= mark);
				has_due[i] = false;
			}
			for (i = 0; i < SESSIONS; i++)
				check(!has_due[i] || due[i] > mark);
		}
		sessions_release(&s);
		check_int(s.timers.count, 0);
	}
}

/* One that was joined away has timers still; nothing is given for them, and nothing is lost. */
void test_timers_of_what_was_joined(void)
{
	struct sessions s;
	struct session *a, *b;

	sessions_init(&s, 10, sizeof(struct state));
	a = one(&s, "k", 0);
	sessions_set_due(&s, a, 100);
	b = one(&s, "k", 15);
	sessions_set_due(&s, b, 50);
	sessions_set_due(&s, b, 40);
	check(one(&s, "k", 8) == a);
	check(!sessions_due(&s, 99));
	check(sessions_due(&s, 100) == a);
	check(!sessions_due(&s, INT64_MAX));
	check_int(s.timers.count, 0);
	sessions_end(&s, a);
	check_int(s.bytes, 0);
	sessions_release(&s);
}

void test_next_sees_each_once(void)
{
	struct sessions s;
	struct session *i = NULL;
	size_t at, seen = 0;

	sessions_init(&s, 1, sizeof(struct state));
	check(!sessions_next(&s, NULL, &at));
	for (uint64_t k = 0; k < 1000; k++) {
		uint64_t key = k / 3;

		sessions_begin(&s, &key, sizeof(key), (int64_t)k * 10);
	}
	while ((i = sessions_next(&s, i, &at))) {
		check(!i->fired);
		i->fired = true;
		seen++;
	}
	check_int(seen, 1000);
	check_int(s.count, 1000);
	check(s.bytes >= 1000 * (sizeof(struct session) + sizeof(struct state) + sizeof(uint64_t)));
	sessions_release(&s);
}

/* Letting go of many that are open is linear: this would take minutes otherwise. */
void test_release_with_many_open(void)
{
	struct sessions s;

	sessions_init(&s, 1, 8);
	for (uint64_t k = 0; k < 300000; k++)
		sessions_set_due(&s, sessions_begin(&s, &k, sizeof(k), 0), 5);
	sessions_release(&s);
	check_int(s.count, 0);
	check_int(s.bytes, 0);
}
