#include "flow/seen.h"

#include "base/wide.h"
#include "random.h"
#include "test.h"

enum { KEYS = 4000, MUCH = 1 << 20 };

static struct fingerprint key(uint64_t n)
{
	/* few different low words, so that keys meet in the table */
	return (struct fingerprint){.low = n * 0x9e3779b97f4a7c15u & 0xff0, .high = n};
}

/* The model: for each key when it was entered. */
struct model {
	bool entered[KEYS];
	int64_t time_ns[KEYS];
	int64_t clock_ns;
	int64_t ttl_ns;
};

static bool model_add(struct model *m, uint64_t n, int64_t time_ns)
{
	bool known = m->entered[n];

	if (known && m->ttl_ns != SEEN_FOREVER)
		known = (int128)m->time_ns[n] + m->ttl_ns > m->clock_ns;
	if (!known) {
		m->entered[n] = true;
		m->time_ns[n] = time_ns;
	}
	return !known;
}

/* Goes on with what is asked for key by key, in slices. */
static void restart(struct seen *s)
{
	struct seen other;
	size_t at = 0;

	seen_init(&other, s->ttl_ns, s->max_bytes);
	seen_set_clock(&other, s->clock_ns);
	seen_reserve(&other, seen_places(s));
	while (at < seen_places(s)) {
		size_t steps = 1 + random_below(10);
		struct fingerprint k;
		int64_t time_ns;

		while (seen_next(s, SEEN_ALIVE, &at, &steps, &k, &time_ns))
			check(seen_put(&other, k, time_ns));
	}
	check(other.builds <= 1);
	check(other.count <= s->count);
	seen_release(s);
	*s = other;
}

static void against_the_model(int64_t ttl_ns, uint64_t keys, int64_t pace)
{
	static struct model m;
	struct seen s;

	m = (struct model){.clock_ns = INT64_MIN, .ttl_ns = ttl_ns};
	seen_init(&s, ttl_ns, MUCH);
	for (int i = 0; i < 20000; i++) {
		int64_t time_ns = i * pace - (int64_t)random_below(500);
		uint64_t n = random_below(keys);
		bool is_new = model_add(&m, n, time_ns);

		check_int(seen_add(&s, key(n), time_ns), is_new ? SEEN_NEW : SEEN_BEFORE);
		if (random_below(2000) == 0)
			restart(&s);
		if (random_below(4) == 0) {
			int64_t clock_ns = time_ns - (int64_t)random_below(100);

			m.clock_ns = clock_ns > m.clock_ns ? clock_ns : m.clock_ns;
			seen_set_clock(&s, m.clock_ns);
		}
	}
	seen_release(&s);
}

void test_against_a_list(void)
{
	static const int64_t ttls[] = {SEEN_FOREVER, 1, 100, 3000, 100000, INT64_MAX - 1};

	random_seed();
	for (size_t i = 0; i < sizeof(ttls) / sizeof(*ttls); i++) {
		against_the_model(ttls[i], 20, 1);
		against_the_model(ttls[i], KEYS, 1);
		against_the_model(ttls[i], KEYS, 7);
	}
}

void test_at_the_edge_of_time(void)
{
	struct seen s;

	seen_init(&s, 10, MUCH);
	check_int(seen_add(&s, key(1), 100), SEEN_NEW);
	seen_set_clock(&s, 109);
	check_int(seen_add(&s, key(1), 109), SEEN_BEFORE);
	seen_set_clock(&s, 50);
	check_int(seen_add(&s, key(1), 50), SEEN_BEFORE);
	seen_set_clock(&s, 110);
	check_int(seen_add(&s, key(1), 200), SEEN_NEW);
	seen_set_clock(&s, 209);
	check_int(seen_add(&s, key(1), 209), SEEN_BEFORE);
	seen_set_clock(&s, INT64_MAX);
	check_int(seen_add(&s, key(2), INT64_MAX), SEEN_NEW);
	check_int(seen_add(&s, key(2), INT64_MAX), SEEN_BEFORE);
	seen_release(&s);
}

/* Two zeros mark a free place and are a key all the same. */
void test_the_key_of_zeros(void)
{
	struct fingerprint zero = {0, 0};
	struct seen s;

	seen_init(&s, SEEN_FOREVER, MUCH);
	check_int(seen_add(&s, zero, 0), SEEN_NEW);
	check_int(seen_add(&s, zero, 0), SEEN_BEFORE);
	seen_release(&s);
}

static size_t fill(struct seen *s, int64_t time_ns)
{
	size_t n = 0;

	while (seen_add(s, key(n), time_ns) == SEEN_NEW)
		n++;
	return n;
}

/* Full is full for what is new only; the bound is kept to while it grows. */
void test_the_bound(void)
{
	for (size_t max_bytes = 0; max_bytes < 400000; max_bytes += 5000) {
		struct seen s;
		size_t n, takes;

		seen_init(&s, SEEN_FOREVER, max_bytes);
		n = fill(&s, 0);
		check_int(seen_add(&s, key(n), 0), SEEN_FULL);
		for (size_t i = 0; i < n; i += 1 + n / 50)
			check_int(seen_add(&s, key(i), 0), SEEN_BEFORE);
		takes = s.keys ? (s.mask + 1) * sizeof(struct fingerprint) : 0;
		check(takes <= max_bytes);
		/* at least a quarter of the bound is put to use, where a table fits at all */
		check(n * sizeof(struct fingerprint) * 4 >= max_bytes || max_bytes < 50000);
		seen_release(&s);
	}
}

/* A key that has run out is new, also when there is no room for others. */
void test_run_out_in_a_full_table(void)
{
	struct seen s;
	size_t n;

	/* room for one table, not for it and its successor */
	seen_init(&s, 10, 1024 * 24 + 1000);
	n = fill(&s, 0);
	check(n > 100);
	check_int(seen_add(&s, key(0), 0), SEEN_BEFORE);
	seen_set_clock(&s, 10);
	check_int(seen_add(&s, key(0), 10), SEEN_NEW);
	check_int(seen_add(&s, key(0), 10), SEEN_BEFORE);
	check_int(seen_add(&s, key(n), 10), SEEN_FULL);
	seen_release(&s);
}

/* What has run out makes room for what is new. */
void test_room_comes_back(void)
{
	struct seen s;

	seen_init(&s, 100, 200000);
	for (int64_t i = 0; i < 200000; i++) {
		seen_set_clock(&s, i);
		check_int(seen_add(&s, key((uint64_t)i), i), SEEN_NEW);
	}
	seen_release(&s);
}

/* Each answer is O(1) in a full table too: a walk over it each time would take minutes. */
void test_many_questions_to_a_full_table(void)
{
	struct seen s;
	uint64_t n = 0;

	seen_init(&s, 1, 64 << 20);
	while (seen_add(&s, (struct fingerprint){n * 0x9e3779b97f4a7c15u, n}, INT64_MAX) ==
		SEEN_NEW)
		n++;
	for (int i = 0; i < 1000000; i++)
		check_int(seen_add(&s, (struct fingerprint){0, 0}, 0), SEEN_BEFORE);
	seen_release(&s);
}

/* All that is there, with the same places, is the same table: also when the clock is set back. */
void test_a_clock_that_is_set_back(void)
{
	struct seen s, twin;
	size_t at = 0, steps = SIZE_MAX;
	struct fingerprint k;
	int64_t time_ns;

	random_seed();
	seen_init(&s, 10, MUCH);
	seen_init(&twin, 10, MUCH);
	for (uint64_t n = 0; n < 3000; n++) {
		seen_set_clock(&s, 100 + (int64_t)n);
		seen_add(&s, key(n), 95 + (int64_t)random_below(20) + (int64_t)n);
	}
	seen_reserve(&twin, seen_places(&s));
	while (seen_next(&s, SEEN_THERE, &at, &steps, &k, &time_ns))
		check(seen_put(&twin, k, time_ns));
	check_int(twin.count, s.count);
	seen_set_clock(&s, 50);
	seen_set_clock(&twin, 50);
	for (uint64_t n = 0; n < 6000; n++)
		check_int(seen_add(&twin, key(n), 50), seen_add(&s, key(n), 50));
	seen_release(&s);
	seen_release(&twin);
}
