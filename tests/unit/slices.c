#include "flow/slices.h"

#include "random.h"
#include "test.h"

/* A state: how many records, and the sum of their numbers. */
struct sum {
	uint64_t count;
	uint64_t total;
};

enum { RECORDS_MAX = 4000 };

static int64_t slices_of[RECORDS_MAX];
static uint64_t numbers[RECORDS_MAX];
static int record_count;
static unsigned takes;

static void merge(void *context, void *into, const void *from)
{
	struct sum *a = into;
	const struct sum *b = from;

	(void)context;
	a->count += b->count;
	a->total += b->total;
}

static void clear(void *context, void *state)
{
	(void)context;
	*(struct sum *)state = (struct sum){0};
}

static void take(void *context, void *state)
{
	struct sum *s = state;

	s->count++;
	s->total += *(uint64_t *)context;
	takes++;
}

static void check_window(const struct slices_rule *r, struct slices *s, int64_t first)
{
	struct sum got = {0}, want = {0};

	for (int i = 0; i < record_count; i++)
		if (slices_of[i] >= first && slices_of[i] < first + r->span) {
			want.count++;
			want.total += numbers[i];
		}
	check_int(slices_window(r, s, &got), want.count != 0);
	check_int(got.count, want.count);
	check_int(got.total, want.total);
}

/* step 2 is that of windows of which the size is no multiple of the slide. The first record is so
 * far ahead of the first window's begin. */
static void run(int64_t span, int64_t step, int64_t disorder, int64_t from, int64_t ahead)
{
	const struct slices_rule r = {
		.span = span, .state_bytes = sizeof(struct sum), .merge = merge, .clear = clear};
	struct slices s = {0};
	int64_t first = from, now = from + ahead;

	record_count = 0;
	while (record_count < RECORDS_MAX) {
		int64_t slice = now - (int64_t)random_below((uint64_t)disorder + 1);

		if (!random_below(3))
			now += (int64_t)random_below(random_below(50) ? 3 : (uint64_t)(3 * span));
		if (slice >= first) {
			slices_of[record_count] = slice;
			numbers[record_count] = random_next() >> 20;
			slices_move(&r, &s, first);
			slices_take(&r, &s, slice, take, &numbers[record_count]);
			record_count++;
		}
		while (first + span < now - disorder / 2 && random_below(4)) {
			check_int(slices_move(&r, &s, first), s.count || s.has_begun);
			check_window(&r, &s, first);
			first += step;
		}
	}
	slices_release(&r, &s);
}

void test_windows_hold_what_is_in_them(void)
{
	random_seed();
	for (int i = 0; i < 60; i++) {
		int64_t span = 1 + (int64_t)random_below(random_below(2) ? 4 : 40);

		run(span, 1 + (int64_t)random_below(2), (int64_t)random_below(60),
			(int64_t)random_below(2000) - 1000, (int64_t)random_below(2) * span);
	}
}

/* A record in order, which is behind the window that comes next, is taken twice at most, however
 * many windows it is in. */
void test_in_order_the_number_of_windows_does_not_matter(void)
{
	random_seed();
	takes = 0;
	run(3600, 1, 0, 0, 3600);
	check(takes <= 2 * RECORDS_MAX);
}
