#include "flow/watermark.h"

#include "base/wide.h"
#include "random.h"
#include "test.h"

enum { TIMES = 60, KEYS = 8 };

/*
 * The rule as it is written, in 128 bits, so that nothing overflows: a time is believed when it is
 * no jump, or when a later one confirmed it; of unconfirmed ones the earliest is kept.
 */
struct model_clock {
	bool is_known, has_max, waits, is_idle, has_spoken;
	int128 max, waiting;
	int64_t seen;
	uint64_t order; /* of the last record, or of becoming idle */
};

struct model {
	struct model_clock clocks[KEYS];
	bool has_front, has_said, all_idle;
	int128 front, said, idle_at, idle_front;
	uint64_t order, doubted, confirmed;
};

static void model_believe(struct model *m, struct model_clock *c, int64_t jump, int64_t time)
{
	bool jumps = jump != BELIEF_ANY_JUMP && (!c->has_max || time > c->max + jump);

	if (c->waits && time >= c->waiting - jump) {
		c->max = !c->has_max || c->waiting > c->max ? c->waiting : c->max;
		c->has_max = true;
		c->waits = false;
		m->confirmed++;
		jumps = time > c->max + jump;
	}
	m->doubted += jumps;
	if (jumps && (!c->waits || time < c->waiting)) {
		c->waits = true;
		c->waiting = time;
	}
	if (!jumps) {
		c->max = !c->has_max || time > c->max ? time : c->max;
		c->has_max = true;
	}
}

static bool holds(const struct model_clock *c)
{
	return c->is_known && c->has_max && !c->is_idle;
}

/* How many hold time; the least and the second of their maxima. */
static int model_least(const struct model *m, int128 *least, int128 *second)
{
	int count = 0;

	for (int i = 0; i < KEYS; i++) {
		const struct model_clock *c = &m->clocks[i];

		if (!holds(c))
			continue;
		if (!count || c->max < *least) {
			*second = *least;
			*least = c->max;
		} else if (count == 1 || c->max < *second) {
			*second = c->max;
		}
		count++;
	}
	return count;
}

static void model_front(struct model *m)
{
	int128 least = 0, second = 0;

	if (model_least(m, &least, &second) && (!m->has_front || least > m->front)) {
		m->front = least;
		m->has_front = true;
	}
}

static bool model_say(struct model *m, const struct watermark_rules *r, int128 *now)
{
	if (!m->has_front)
		return false;
	*now = m->front - r->bound_ns;
	if (*now < INT64_MIN)
		*now = INT64_MIN;
	/* the last instant is a step ahead of all others, however large the step is */
	if (m->has_said && (*now <= m->said || (*now < m->said + r->step_ns && *now != INT64_MAX)))
		return false;
	m->has_said = true;
	m->said = *now;
	return true;
}

/* Of the talking or the idle clocks the one that has been so for the longest. */
static struct model_clock *model_oldest(struct model *m, bool idle)
{
	struct model_clock *oldest = NULL;

	for (int i = 0; i < KEYS; i++) {
		struct model_clock *c = &m->clocks[i];

		if (c->is_known && c->has_spoken && c->is_idle == idle &&
			(!oldest || c->order < oldest->order))
			oldest = c;
	}
	return oldest;
}

/* NULL if there is no room. */
static struct model_clock *model_find(struct model *m, const struct watermark_rules *r, int key)
{
	struct model_clock *oldest;
	size_t count = 0;

	for (int i = 0; i < KEYS; i++)
		count += m->clocks[i].is_known;
	if (!m->clocks[key].is_known && count == r->partitions_max) {
		oldest = model_oldest(m, true);
		if (!oldest)
			return NULL;
		*oldest = (struct model_clock){.is_known = false};
	}
	m->clocks[key].is_known = true;
	return &m->clocks[key];
}

static bool model_record(struct model *m, const struct watermark_rules *r, struct model_clock *c,
	int64_t time, int64_t clock, int128 *now)
{
	model_believe(m, c, r->max_jump_ns, time);
	c->has_spoken = true;
	c->is_idle = false;
	c->seen = clock;
	c->order = ++m->order;
	m->all_idle = false;
	model_front(m);
	return model_say(m, r, now);
}

static bool model_silence(
	struct model *m, const struct watermark_rules *r, int64_t clock, int128 *now)
{
	struct model_clock *c;

	while ((c = model_oldest(m, false)) && c->seen + r->idle_ns <= clock) {
		c->is_idle = true;
		c->order = ++m->order;
		model_front(m);
		m->all_idle = !model_oldest(m, false);
		m->idle_at = c->seen + r->idle_ns;
		m->idle_front = m->front;
	}
	if (m->all_idle && m->has_front && r->follow_clock) {
		int128 tick = r->step_ns > WATERMARK_TICK_NS ? r->step_ns : WATERMARK_TICK_NS;
		int128 front = m->idle_front + (clock - m->idle_at) / tick * tick;

		if (front > INT64_MAX)
			front = INT64_MAX;
		if (front > m->front)
			m->front = front;
	}
	return model_say(m, r, now);
}

static void check_heads(const struct watermark *w, const struct model *m)
{
	const struct partition *lowest = partitions_lowest(&w->partitions);
	const struct partition *next = partitions_next(&w->partitions);
	int128 least = 0, second = 0;
	int count = model_least(m, &least, &second);

	check_int(lowest != NULL, count > 0);
	check_int(next != NULL, count > 1);
	if (lowest)
		check_int(lowest->belief.max_ns, least);
	if (next)
		check_int(next->belief.max_ns, second);
	check_int(w->has_front, m->has_front);
	if (w->has_front)
		check_int(w->front_ns, m->front);
	check_int(w->doubted, m->doubted);
	check_int(w->confirmed, m->confirmed);
}

static int64_t random_time(int64_t base)
{
	switch (random_below(8)) {
	case 0:
		return base + (int64_t)random_below(1000);
	case 1:
		return base - (int64_t)random_below(1000);
	case 2:
		return (int64_t)random_next();
	case 3:
		return random_below(2) ? INT64_MAX - (int64_t)random_below(5)
				       : INT64_MIN + (int64_t)random_below(5);
	default:
		return base + (int64_t)random_below(20);
	}
}

/* Goes on with all that is packed, in a process with a clock of its own. */
static void restart(struct watermark *w, int64_t clock_then, int64_t clock_now)
{
	struct watermark_rules rules = w->rules;
	struct buf packed;

	buf_init(&packed);
	watermark_pack(w, clock_then, &packed);
	watermark_release(w);
	watermark_init(w, &rules);
	check(watermark_unpack(w, clock_now, packed.data, packed.len));
	buf_release(&packed);
}

/* Records of a few keys and looks at the clock in random order. Returns how often W was said. */
static int compare(const struct watermark_rules *r, int keys, bool silences)
{
	int64_t base = (int64_t)random_below(2000) - 1000, clock = 1000000, last = INT64_MIN;
	struct watermark w;
	struct model m = {.has_front = false};
	int64_t ahead = 0; /* of the model's clock */
	int times_said = 0;

	watermark_init(&w, r);
	for (size_t i = 0; i < TIMES; i++) {
		int128 want = 0;
		int64_t got = 0;
		bool said = false;

		clock += (int64_t)random_below(4) * WATERMARK_TICK_NS / 3;
		base += (int64_t)random_below(4);
		if (random_below(10) == 0) {
			int64_t other = (int64_t)random_below(1000000000000) - clock;

			restart(&w, clock + ahead, clock + other);
			ahead = other;
		}
		if (silences && random_below(3) == 0) {
			said = model_silence(&m, r, clock, &want);
			check_int(watermark_silence(&w, clock + ahead, &got), said);
		} else {
			int64_t time = random_time(base);
			char key = (char)('a' + random_below((uint64_t)keys));
			struct model_clock *c = model_find(&m, r, key - 'a');
			struct partition *one = partitions_find(&w.partitions, &key, 1);

			check_int(one != NULL, c != NULL);
			if (!c)
				continue;
			said = model_record(&m, r, c, time, clock, &want);
			check_int(watermark_advance(&w, one, time, clock + ahead, &got), said);
		}
		check_heads(&w, &m);
		if (!said)
			continue;
		times_said++;
		check_int(got, want);
		check(got > last || times_said == 1);
		last = got;
	}
	watermark_release(&w);
	return times_said;
}

static struct watermark_rules random_rules(void)
{
	static const int64_t amounts[] = {0, 1, 5, 50, 600, INT64_MAX};

	return (struct watermark_rules){
		.bound_ns = amounts[random_below(6)],
		.step_ns = amounts[random_below(6)],
		.max_jump_ns = amounts[random_below(6)],
		.partitions_max = 1,
	};
}

void test_against_the_rule(void)
{
	int said = 0;

	random_seed();
	for (int round = 0; round < 50000; round++) {
		struct watermark_rules r = random_rules();

		said += compare(&r, 1, false);
	}
	check(said > 100000);
}

void test_partitions_against_the_rule(void)
{
	int said = 0;

	random_seed();
	for (int round = 0; round < 30000; round++) {
		struct watermark_rules r = random_rules();

		r.partitions_max = 1 + random_below(KEYS);
		said += compare(&r, 1 + (int)random_below(KEYS), false);
	}
	check(said > 30000);
}

void test_silence_against_the_rule(void)
{
	int said = 0;

	random_seed();
	for (int round = 0; round < 30000; round++) {
		struct watermark_rules r = random_rules();

		r.partitions_max = 1 + random_below(KEYS);
		r.idle_ns = 1 + (int64_t)random_below(5) * WATERMARK_TICK_NS;
		r.follow_clock = random_below(2);
		said += compare(&r, 1 + (int)random_below(KEYS), true);
	}
	check(said > 30000);
}

/* One partition with a watermark's three rules, as most streams are. */
struct single {
	struct watermark w;
	struct partition *one;
};

static void single_init(struct single *s, int64_t bound, int64_t step, int64_t jump)
{
	watermark_init(&s->w, &(struct watermark_rules){.bound_ns = bound,
				      .step_ns = step,
				      .max_jump_ns = jump,
				      .partitions_max = 1});
	s->one = partitions_find(&s->w.partitions, "", 0);
}

static void check_said(struct single *s, int64_t time, int64_t want)
{
	int64_t now = 0;

	check(watermark_advance(&s->w, s->one, time, 0, &now));
	check_int(now, want);
}

static void check_silent(struct single *s, int64_t time)
{
	int64_t now;

	check(!watermark_advance(&s->w, s->one, time, 0, &now));
}

void test_step(void)
{
	struct single s;

	single_init(&s, 10, 5, BELIEF_ANY_JUMP);
	check_said(&s, 100, 90);
	check_silent(&s, 104);
	check_said(&s, 105, 95);
	check_silent(&s, 50);
	check_silent(&s, 105);
	check_said(&s, 1000, 990);
	watermark_release(&s.w);
	single_init(&s, 0, 0, BELIEF_ANY_JUMP);
	check_said(&s, 1, 1);
	check_silent(&s, 1);
	check_said(&s, 2, 2);
	watermark_release(&s.w);
}

/* Which --explain tells. */
void test_when_time_moved(void)
{
	const struct watermark_rules rules = {
		.step_ns = 5, .max_jump_ns = BELIEF_ANY_JUMP, .partitions_max = 1};
	struct watermark w;
	struct partition *one;
	int64_t now;

	watermark_init(&w, &rules);
	one = partitions_find(&w.partitions, "", 0);
	check(watermark_advance(&w, one, 100, 1, &now));
	check_int(w.moved_ns, 1);
	check(!watermark_advance(&w, one, 102, 2, &now));
	check_int(w.moved_ns, 2);
	check(!watermark_advance(&w, one, 102, 3, &now));
	check(!watermark_advance(&w, one, 101, 4, &now));
	check_int(w.moved_ns, 2);
	check(watermark_advance(&w, one, 105, 5, &now));
	check_int(w.moved_ns, 5);
	watermark_release(&w);
}

/* One broken clock must not make everybody else late. */
void test_a_jump_that_nothing_confirms(void)
{
	struct single s;

	single_init(&s, 0, 0, 10);
	check_silent(&s, 100);
	check_said(&s, 101, 101);
	check_silent(&s, 5000);
	check_said(&s, 102, 102);
	check_silent(&s, 6000 - 5000);
	check_said(&s, 112, 112);
	check_said(&s, 122, 122);
	check_silent(&s, 133);
	watermark_release(&s.w);
}

void test_a_jump_that_is_confirmed(void)
{
	struct single s;

	single_init(&s, 0, 0, 10);
	check_silent(&s, 100);
	check_said(&s, 90, 100);
	check_silent(&s, 500);
	check_said(&s, 490, 500);
	check_silent(&s, 900);
	check_silent(&s, 889);
	check_said(&s, 880, 889);
	check_int(s.w.doubted, 4);
	check_int(s.w.confirmed, 3);
	watermark_release(&s.w);
}

/* The first record may be the broken one. */
void test_a_first_record_from_the_future(void)
{
	struct single s;

	single_init(&s, 0, 0, 10);
	check_silent(&s, 999999);
	check_silent(&s, 100);
	check_said(&s, 103, 103);
	check_said(&s, 110, 110);
	watermark_release(&s.w);
}

static bool advance(struct watermark *w, const char *key, int64_t time, int64_t clock, int64_t *now)
{
	struct partition *one = partitions_find(&w->partitions, key, strlen(key));

	return watermark_advance(w, one, time, clock, now);
}

void test_the_slowest_partition_holds_time_until_it_is_idle(void)
{
	struct watermark_rules r = {
		.bound_ns = 1, .max_jump_ns = BELIEF_ANY_JUMP, .idle_ns = 100, .partitions_max = 9};
	struct watermark w;
	int64_t now = 0;

	watermark_init(&w, &r);
	check(watermark_due_ns(&w) == WATERMARK_NEVER);
	check(advance(&w, "a", 10, 1000, &now));
	check_int(now, 9);
	/* a new one that is behind does not move time back, and one that is ahead not forth */
	check(!advance(&w, "b", 5, 1001, &now));
	check(!advance(&w, "a", 50, 1002, &now));
	check(advance(&w, "b", 30, 1003, &now));
	check_int(now, 29);
	check(!advance(&w, "a", 60, 1050, &now));
	check_int(watermark_due_ns(&w), 1103);
	check(!watermark_silence(&w, 1102, &now));
	check(watermark_silence(&w, 1103, &now));
	check_int(now, 59);
	/* it comes back, behind: time stands until it has caught up */
	check(!advance(&w, "b", 31, 1104, &now));
	check(!advance(&w, "a", 70, 1105, &now));
	check(advance(&w, "b", 65, 1106, &now));
	check_int(now, 64);
	/* all are silent: a first, as it spoke before b; then nobody is left to hold time */
	check(watermark_silence(&w, 5000, &now) == false);
	check_int(w.partitions.idle.count, 2);
	check(watermark_due_ns(&w) == WATERMARK_NEVER);
	watermark_release(&w);
}

void test_time_follows_the_clock_when_all_are_silent(void)
{
	const int64_t tick = WATERMARK_TICK_NS;
	struct watermark_rules r = {.max_jump_ns = BELIEF_ANY_JUMP,
		.step_ns = 2 * tick,
		.idle_ns = 100,
		.follow_clock = true,
		.partitions_max = 1};
	struct watermark w;
	int64_t now = 0;

	watermark_init(&w, &r);
	check(advance(&w, "", 7, 1000, &now));
	check_int(watermark_due_ns(&w), 1100);
	check(!watermark_silence(&w, 1100, &now));
	check_int(watermark_due_ns(&w), 1100 + 2 * tick);
	check(!watermark_silence(&w, 1099 + 2 * tick, &now));
	check(watermark_silence(&w, 1100 + 2 * tick, &now));
	check_int(now, 7 + 2 * tick);
	check(watermark_silence(&w, 1100 + 7 * tick, &now));
	check_int(now, 7 + 6 * tick);
	check_int(watermark_due_ns(&w), 1100 + 8 * tick);
	/* a record that is behind stops the clock and moves nothing */
	check(!advance(&w, "", 8, 1100 + 8 * tick, &now));
	check(!watermark_silence(&w, 1199 + 8 * tick, &now));
	check_int(w.front_ns, 7 + 6 * tick);
	check(watermark_silence(&w, 1200 + 10 * tick, &now));
	check_int(now, 7 + 8 * tick);
	watermark_release(&w);
}

void test_the_end_of_time_is_not_waited_for(void)
{
	struct watermark_rules r = {.max_jump_ns = BELIEF_ANY_JUMP,
		.idle_ns = 1,
		.follow_clock = true,
		.partitions_max = 1};
	struct watermark w;
	int64_t now = 0;

	watermark_init(&w, &r);
	check(advance(&w, "", INT64_MAX, 1, &now));
	check(!watermark_silence(&w, INT64_MAX / 2, &now));
	check(watermark_due_ns(&w) == WATERMARK_NEVER);
	watermark_release(&w);
}

void test_how_far_behind(void)
{
	struct watermark_rules r = {.bound_ns = 3, .max_jump_ns = 100, .partitions_max = 2};
	struct watermark w;
	struct partition *a, *b;
	int64_t now;

	watermark_init(&w, &r);
	a = partitions_find(&w.partitions, "a", 1);
	b = partitions_find(&w.partitions, "b", 1);
	check_int(watermark_behind_ns(&w, a, -5), 0);
	watermark_advance(&w, a, 50, 0, &now);
	check_int(watermark_behind_ns(&w, a, 20), 0); /* 50 is not believed yet */
	watermark_advance(&w, a, 40, 0, &now);
	check_int(watermark_behind_ns(&w, a, 20), 30);
	check_int(watermark_behind_ns(&w, a, 50), 0);
	check_int(watermark_behind_ns(&w, a, 51), 0);
	/* a new partition is behind what time has come to */
	check_int(watermark_behind_ns(&w, b, 20), 30);
	check_int(watermark_behind_ns(&w, b, 49), 1);
	check_int(watermark_behind_ns(&w, b, 50), 0);
	watermark_advance(&w, b, 20, 0, &now);
	watermark_advance(&w, b, 60, 0, &now);
	check_int(watermark_behind_ns(&w, b, 20), 40);
	/* time is held at 50 by a, but b's own clock is at 60 */
	check_int(watermark_behind_ns(&w, b, 55), 5);
	check_int(watermark_behind_ns(&w, a, INT64_MIN), INT64_MAX);
	watermark_release(&w);
}

/* What is damaged or of another time is refused, whatever it is. */
void test_no_such_thing(void)
{
	struct watermark w;
	struct buf packed;
	int64_t now;

	random_seed();
	watermark_init(&w, &(struct watermark_rules){.max_jump_ns = 10, .partitions_max = 9});
	for (int i = 0; i < 100; i++) {
		char key = (char)('a' + random_below(9));

		watermark_advance(&w, partitions_find(&w.partitions, &key, 1),
			(int64_t)random_below(100), 0, &now);
	}
	buf_init(&packed);
	watermark_pack(&w, 0, &packed);
	for (size_t len = 0; len <= packed.len; len++) {
		struct watermark other;

		watermark_init(&other, &w.rules);
		check_int(watermark_unpack(&other, 0, packed.data, len), len == packed.len);
		watermark_release(&other);
	}
	for (int round = 0; round < 20000; round++) {
		struct watermark other;
		size_t at = random_below(packed.len);
		char was = packed.data[at];

		packed.data[at] = (char)random_next();
		watermark_init(&other, &w.rules);
		watermark_unpack(&other, 0, packed.data, packed.len);
		watermark_release(&other);
		packed.data[at] = was;
	}
	buf_release(&packed);
	watermark_release(&w);
}

/* More than --max-partitions are kept, but the one that was idle for the longest goes first. */
void test_a_lower_limit(void)
{
	struct watermark_rules rules = {.max_jump_ns = 10, .idle_ns = 1, .partitions_max = 4};
	struct watermark w;
	int64_t now;

	watermark_init(&w, &rules);
	for (char key = 'a'; key < 'e'; key++)
		watermark_advance(&w, partitions_find(&w.partitions, &key, 1), 5, key, &now);
	watermark_silence(&w, 'b' + 1, &now);
	w.rules.partitions_max = 2;
	restart(&w, 'e', 'e');
	check_int(w.partitions.by_key.count, 4);
	check(!partitions_find(&w.partitions, "x", 1));
	check_int(w.partitions.by_key.count, 2);
	check(partitions_find(&w.partitions, "c", 1) && partitions_find(&w.partitions, "d", 1));
	watermark_release(&w);
}
