#include "flow/watermark.h"

#include "base/wide.h"
#include "random.h"
#include "test.h"

enum { TIMES = 60 };

struct rule {
	int64_t bound, step, jump;
};

/*
 * The rule as it is written, over the whole list of times so far: a time is believed when it is no
 * jump, or when a later one confirmed it; of unconfirmed ones the earliest is kept. In 128 bits, so
 * that nothing overflows.
 */
struct model {
	bool has_max, waits, has_said;
	int128 max, waiting, said;
};

static bool model_step(struct model *m, const struct rule *r, int64_t time, int128 *now)
{
	bool jumps = r->jump != WATERMARK_ANY_JUMP && (!m->has_max || time > m->max + r->jump);

	if (m->waits && time >= m->waiting - r->jump) {
		m->max = !m->has_max || m->waiting > m->max ? m->waiting : m->max;
		m->has_max = true;
		m->waits = false;
		jumps = time > m->max + r->jump;
	}
	if (jumps && (!m->waits || time < m->waiting)) {
		m->waits = true;
		m->waiting = time;
	}
	if (!jumps) {
		m->max = !m->has_max || time > m->max ? time : m->max;
		m->has_max = true;
	}
	if (!m->has_max)
		return false;
	*now = m->max - r->bound;
	if (*now < INT64_MIN)
		*now = INT64_MIN;
	/* the last instant is a step ahead of all others, however large the step is */
	if (m->has_said && (*now <= m->said || (*now < m->said + r->step && *now != INT64_MAX)))
		return false;
	m->has_said = true;
	m->said = *now;
	return true;
}

static void compare(const struct rule *r, const int64_t *times, size_t count)
{
	struct watermark w;
	struct model m = {.has_max = false};

	watermark_init(&w, r->bound, r->step, r->jump);
	for (size_t i = 0; i < count; i++) {
		int128 want = 0;
		int64_t now = 0;
		bool said = model_step(&m, r, times[i], &want);

		check_int(watermark_advance(&w, times[i], &now), said);
		if (said)
			check_int(now, want);
	}
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

void test_against_the_rule(void)
{
	static const int64_t amounts[] = {0, 1, 5, 50, 600, INT64_MAX};

	random_seed();
	for (int round = 0; round < 100000; round++) {
		struct rule r = {amounts[random_below(6)], amounts[random_below(6)],
			amounts[random_below(6)]};
		int64_t times[TIMES], base = (int64_t)random_below(2000) - 1000;

		for (size_t i = 0; i < TIMES; i++) {
			times[i] = random_time(base);
			base += (int64_t)random_below(4);
		}
		compare(&r, times, TIMES);
	}
}

static void check_said(struct watermark *w, int64_t time, int64_t want)
{
	int64_t now = 0;

	check(watermark_advance(w, time, &now));
	check_int(now, want);
}

static void check_silent(struct watermark *w, int64_t time)
{
	int64_t now;

	check(!watermark_advance(w, time, &now));
}

void test_step(void)
{
	struct watermark w;

	watermark_init(&w, 10, 5, WATERMARK_ANY_JUMP);
	check_said(&w, 100, 90);
	check_silent(&w, 104);
	check_said(&w, 105, 95);
	check_silent(&w, 50);
	check_silent(&w, 105);
	check_said(&w, 1000, 990);
	watermark_init(&w, 0, 0, WATERMARK_ANY_JUMP);
	check_said(&w, 1, 1);
	check_silent(&w, 1);
	check_said(&w, 2, 2);
}

/* One broken clock must not make everybody else late. */
void test_a_jump_that_nothing_confirms(void)
{
	struct watermark w;

	watermark_init(&w, 0, 0, 10);
	check_silent(&w, 100);
	check_said(&w, 101, 101);
	check_silent(&w, 5000);
	check_said(&w, 102, 102);
	check_silent(&w, 6000 - 5000);
	check_said(&w, 112, 112);
	check_said(&w, 122, 122);
	check_silent(&w, 133);
}

void test_a_jump_that_is_confirmed(void)
{
	struct watermark w;

	watermark_init(&w, 0, 0, 10);
	check_silent(&w, 100);
	check_said(&w, 90, 100);
	check_silent(&w, 500);
	check_said(&w, 490, 500);
	check_silent(&w, 900);
	check_silent(&w, 889);
	check_said(&w, 880, 889);
}

/* The first record may be the broken one. */
void test_a_first_record_from_the_future(void)
{
	struct watermark w;

	watermark_init(&w, 0, 0, 10);
	check_silent(&w, 999999);
	check_silent(&w, 100);
	check_said(&w, 103, 103);
	check_said(&w, 110, 110);
}
