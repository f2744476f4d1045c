/*
 * A log that is made by what changed and by rounds, and cut where a round says so, holds what is in
 * the table, or the panes, or the sessions, whenever all changes have been written.
 */
#include "base/changes.h"

#include "flow/panes.h"
#include "flow/sessions.h"
#include "random.h"
#include "test.h"

enum { LOG = 200000, KEYS = 700, STARTS = 12, GAP = 3, NONE = -1 };

/* An entry says what stands at a place, or that nothing does; a wipe, that of a window nothing. */
struct entry {
	size_t place;
	int64_t what;
	bool is_wipe;
};

static struct entry list[LOG];
static size_t count, begin, round_from;
static bool in_round;
static int rounds;

static void begin_log(void)
{
	count = begin = round_from = 0;
	in_round = false;
}

static void put(size_t place, int64_t what)
{
	check(count < LOG);
	list[count++] = (struct entry){place, what, false};
}

static void wipe(size_t start)
{
	check(count < LOG);
	list[count++] = (struct entry){start, NONE, true};
}

static void end_round(void)
{
	begin = round_from;
	in_round = false;
	rounds++;
}

static int64_t held[STARTS * KEYS];

static void replay(void)
{
	for (size_t i = 0; i < STARTS * KEYS; i++)
		held[i] = NONE;
	for (size_t i = begin; i < count; i++)
		for (size_t k = 0; k < (list[i].is_wipe ? KEYS : 1); k++)
			held[list[i].is_wipe ? list[i].place * KEYS + k : list[i].place] =
				list[i].what;
}

static bool often(void)
{
	return random_below(40) == 0;
}

/* A table */

static uint64_t *value_of(struct table_entry *e)
{
	return (uint64_t *)(void *)e->value;
}

static size_t key_of(const struct table *t, const struct table_entry *e)
{
	uint64_t key;

	memcpy(&key, table_key(t, e), sizeof(key));
	return (size_t)key;
}

static void write_entry(const struct table *t, struct table_entry *e, size_t start)
{
	put(start * KEYS + key_of(t, e), (int64_t)*value_of(e));
}

static void check_table(const struct table *t)
{
	replay();
	for (uint64_t key = 0; key < KEYS; key++) {
		const uint64_t *value = table_find(t, &key, sizeof(key));

		check_int(held[key], value ? (int64_t)*value : NONE);
	}
}

static void table_barrier(struct table *t, struct changes *c)
{
	size_t steps = random_below(300);
	struct table_entry *e;

	while ((e = changes_take(c)))
		write_entry(t, e, 0);
	while (in_round && (e = changes_take_behind(c, t, &steps)))
		write_entry(t, e, 0);
	if (in_round && !c->behind)
		end_round();
	check_table(t);
	if (!in_round && random_below(2)) {
		in_round = true;
		round_from = count;
		changes_begin_round(c);
	}
}

void test_a_table(void)
{
	random_seed();
	rounds = 0;
	for (int i = 0; i < 30; i++) {
		struct changes c;
		struct table t;

		begin_log();
		table_init(&t, sizeof(uint64_t));
		changes_init(&c, CHANGES_FIRST_ROUND);
		for (int step = 0; step < 5000; step++) {
			uint64_t key = random_below(1 + random_below(KEYS));
			bool added;
			uint64_t *value = table_add(&t, &key, sizeof(key), &added);

			*value = random_below(1000);
			changes_note(&c, table_entry_of(value));
			if (often() && changes_count(&c))
				write_entry(&t, changes_take(&c), 0);
			if (often())
				table_barrier(&t, &c);
		}
		table_release(&t);
		changes_release(&c);
	}
	check(rounds > 300);
}

/* Panes */

static void write_pane(struct panes *p, struct pane *pane, size_t most)
{
	struct table_entry *e;

	while (most-- && (e = panes_take_changed_key(p, pane)))
		write_entry(&pane->keys, e, (size_t)pane->window.start_ns);
}

static void check_panes(struct panes *p)
{
	replay();
	for (size_t i = 0; i < STARTS * KEYS; i++) {
		struct window w = {(int64_t)(i / KEYS), (int64_t)(i / KEYS) + 1};
		uint64_t key = i % KEYS;
		struct pane *pane = panes_find(p, &w);
		const uint64_t *value = pane ? table_find(&pane->keys, &key, sizeof(key)) : NULL;

		check_int(held[i], value ? (int64_t)*value : NONE);
	}
}

static void panes_barrier(struct panes *p)
{
	size_t steps = random_below(2000);
	struct pane *pane;

	while ((pane = panes_take_changed(p)))
		write_pane(p, pane, SIZE_MAX);
	check_int(p->changed_keys, 0);
	while (in_round && steps && (pane = panes_behind(p))) {
		struct table_entry *e;

		while ((e = changes_take_behind(&pane->track->keys, &pane->keys, &steps)))
			write_entry(&pane->keys, e, (size_t)pane->window.start_ns);
		if (!pane->track->keys.behind)
			panes_end_behind(p);
	}
	if (in_round && !panes_behind(p))
		end_round();
	check_panes(p);
	if (!in_round && random_below(2)) {
		in_round = true;
		round_from = count;
		panes_begin_round(p);
	}
}

/* Some of what changed is written before the barrier. */
static void panes_run_ahead(struct panes *p)
{
	struct pane *pane = panes_take_changed(p);

	if (!pane)
		return;
	write_pane(p, pane, random_below(20));
	panes_note(p, pane, NULL);
}

static void panes_end(struct panes *p)
{
	struct pane *pane = panes_take(p);

	wipe((size_t)pane->window.start_ns);
	pane_free(pane);
}

void test_panes(void)
{
	random_seed();
	rounds = 0;
	for (int i = 0; i < 30; i++) {
		struct panes p;

		begin_log();
		panes_init(&p, sizeof(uint64_t));
		panes_track(&p);
		for (int step = 0; step < 5000; step++) {
			uint64_t key = random_below(1 + random_below(KEYS));
			int64_t start = (int64_t)random_below(STARTS);
			struct pane *pane = panes_open(
				&p, &(struct window){start, start + 1}, (int64_t)random_next());
			struct table_entry *e = panes_entry(&p, pane, &key, sizeof(key));

			*value_of(e) = random_below(1000);
			panes_note(&p, pane, e);
			if (often())
				panes_run_ahead(&p);
			if (often())
				panes_barrier(&p);
			if (random_below(400) == 0)
				panes_end(&p);
		}
		panes_release(&p);
	}
	check(rounds > 100);
}

/* Sessions: a place is where one begins, of a key. */

enum { SESSION_KEYS = 60, TIMES = 100 };

static size_t place_of(const struct sessions *s, const struct session *session, int64_t first_ns)
{
	return (size_t)(unsigned char)*sessions_key(s, session) * TIMES + (size_t)first_ns;
}

static void forget(struct sessions *s, struct session *session, int64_t first_ns)
{
	if (!session->round)
		return;
	put(place_of(s, session, first_ns), NONE);
	sessions_unwrite(s, session);
}

static void join(void *context, struct session *into, struct session *from)
{
	(void)into;
	forget(context, from, from->first_ns);
}

static void write_session(const struct sessions *s, const struct session *session)
{
	put(place_of(s, session, session->first_ns), session->last_ns);
}

static void check_sessions(struct sessions *s)
{
	struct session *session = NULL;
	size_t at, is = 0, want = 0;

	replay();
	while ((session = sessions_next(s, session, &at))) {
		check_int(held[place_of(s, session, session->first_ns)], session->last_ns);
		want++;
	}
	for (size_t i = 0; i < STARTS * KEYS; i++)
		is += held[i] != NONE;
	check_int(is, want);
}

static void sessions_barrier(struct sessions *s)
{
	size_t steps = random_below(100);
	struct session *session;

	while ((session = sessions_take_changed(s)))
		write_session(s, session);
	while (in_round && (session = sessions_take_behind(s, &steps)))
		write_session(s, session);
	if (in_round && !s->behind)
		end_round();
	check_sessions(s);
	if (!in_round && random_below(2)) {
		in_round = true;
		round_from = count;
		sessions_begin_round(s);
	}
}

static void session_record(struct sessions *s)
{
	char key = (char)random_below(SESSION_KEYS);
	int64_t time_ns = (int64_t)random_below(TIMES);
	struct session *session = sessions_extend(s, &key, 1, time_ns, join, s);

	if (session && session->first_ns != s->began_ns)
		forget(s, session, s->began_ns);
	if (!session)
		session = sessions_begin(s, &key, 1, time_ns);
	sessions_note(s, session);
	sessions_set_due(s, session, (int64_t)random_below(1000));
}

static void sessions_end_one(struct sessions *s)
{
	struct session *session = sessions_due(s, 1000);

	if (!session)
		return;
	forget(s, session, session->first_ns);
	sessions_end(s, session);
}

void test_sessions(void)
{
	random_seed();
	rounds = 0;
	for (int i = 0; i < 30; i++) {
		struct sessions s;

		begin_log();
		sessions_init(&s, GAP, 0);
		sessions_track(&s);
		for (int step = 0; step < 5000; step++) {
			session_record(&s);
			if (random_below(3) == 0)
				sessions_end_one(&s);
			if (often() && s.changed_count)
				write_session(&s, sessions_take_changed(&s));
			if (often())
				sessions_barrier(&s);
		}
		sessions_release(&s);
	}
	check(rounds > 300);
}
