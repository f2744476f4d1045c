#include "flow/seen.h"

#include "base/pages.h"
#include "base/wide.h"
#include "random.h"
#include "test.h"

enum { KEYS = 60000, MUCH = 1 << 24 };

/* Spread as a keyed hash spreads them (SplitMix64). */
static uint64_t spread(uint64_t n)
{
	n += UINT64_C(0x9e3779b97f4a7c15);
	n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
	return n ^ n >> 31;
}

/* Pairs have one high word, which alone does not tell them apart. */
static struct fingerprint key(uint64_t n)
{
	return (struct fingerprint){.low = n, .high = spread(n / 2)};
}

/* The model: for each key when it was entered, and a value; both until it is gone. */
struct model {
	bool there[KEYS];
	int64_t time_ns[KEYS];
	uint64_t value[KEYS];
	int64_t clock_ns;
	int64_t ttl_ns;
};

static bool model_has_run_out(const struct model *m, int64_t time_ns)
{
	return m->ttl_ns != SEEN_FOREVER && (int128)time_ns + m->ttl_ns <= m->clock_ns;
}

static void model_set_clock(struct model *m, int64_t clock_ns)
{
	/* it counts no more, but where it falls that must be remembered */
	for (uint64_t n = 0; clock_ns < m->clock_ns && n < KEYS; n++)
		m->there[n] = m->there[n] && !model_has_run_out(m, m->time_ns[n]);
	m->clock_ns = clock_ns;
}

static bool model_add(struct model *m, uint64_t n, int64_t time_ns, uint64_t value)
{
	bool known = m->there[n] && !model_has_run_out(m, m->time_ns[n]);

	if (!known) {
		m->there[n] = true;
		m->time_ns[n] = time_ns;
		m->value[n] = value;
	}
	return !known;
}

static const struct seen_slot *slot_at(const struct seen *s, size_t place)
{
	return (const void *)(s->slots + place * s->slot_bytes);
}

/* Keys are in their order, with no gap between one and its home, and at the end is room to look at
 * a whole group. */
static void check_layout(const struct seen *s)
{
	size_t behind_gap = 0;
	uint64_t before = 0;

	for (size_t place = 0; place < s->last; place++) {
		uint64_t high = slot_at(s, place)->key.high;

		if (!high) {
			behind_gap = place + 1;
			continue;
		}
		check(before <= high);
		before = high;
		check(behind_gap <= seen_home(s, high) && seen_home(s, high) <= place);
	}
	for (size_t i = 0; i < SEEN_GROUP; i++)
		check_int(slot_at(s, s->last + i)->key.high, 0);
	check(s->last == 0 || s->bytes >= (s->last + SEEN_GROUP) * s->slot_bytes);
}

struct visits {
	const struct seen *seen;
	const struct model *model;
	size_t count;
};

static void visit(void *context, const struct seen_slot *slot)
{
	struct visits *v = context;
	uint64_t n = slot->key.low;

	check(v->model->there[n]);
	check(!model_has_run_out(v->model, v->model->time_ns[n]));
	if (v->seen->value_bytes)
		check_int(*(uint64_t *)seen_value(v->seen, slot), v->model->value[n]);
	if (v->model->ttl_ns != SEEN_FOREVER)
		check_int(*seen_time(slot), v->model->time_ns[n]);
	v->count++;
}

/* All that counts, each once, and nothing else. */
static void check_walk(const struct seen *s, const struct model *m)
{
	struct visits v = {.seen = s, .model = m};
	uint64_t from = 0;
	size_t count = 0;

	check_layout(s);
	while (seen_walk(s, &from, visit, &v))
		continue;
	for (uint64_t n = 0; n < KEYS; n++)
		count += m->there[n] && !model_has_run_out(m, m->time_ns[n]);
	check_int(v.count, count);
	check(s->count >= count);
}

static void one_key(struct seen *s, struct model *m, uint64_t n, int64_t time_ns)
{
	uint64_t value = random_next() | 1;
	bool is_new = model_add(m, n, time_ns, value);
	struct seen_slot *slot;

	if (random_below(2))
		seen_prefetch(s, key(n));
	check_int(seen_enter(s, key(n), time_ns, &slot), is_new ? SEEN_NEW : SEEN_BEFORE);
	check(slot || (is_new && model_has_run_out(m, time_ns)));
	if (!slot || !s->value_bytes)
		return;
	if (is_new) {
		check_int(*(uint64_t *)seen_value(s, slot), 0);
		*(uint64_t *)seen_value(s, slot) = value;
	} else if (random_below(4) == 0) {
		*(uint64_t *)seen_value(s, slot) = m->value[n] = value;
	}
}

static void set_clock(struct seen *s, struct model *m, int64_t clock_ns)
{
	model_set_clock(m, clock_ns);
	seen_set_clock(s, clock_ns);
	check_int(s->clock_ns, clock_ns);
}

/* The clock goes on by and by, and falls once. */
static void against_the_model(
	int64_t ttl_ns, uint64_t keys, int64_t pace, size_t value_bytes, uint64_t steps)
{
	static struct model m;
	struct seen s;
	uint64_t falls_at = random_below(steps);

	m = (struct model){.clock_ns = INT64_MIN, .ttl_ns = ttl_ns};
	seen_init(&s, ttl_ns, value_bytes, MUCH);
	if (random_below(2))
		seen_reserve(&s, random_below(2 * keys));
	for (uint64_t i = 0; i < steps; i++) {
		int64_t time_ns = (int64_t)i * pace - (int64_t)random_below(500);
		int64_t clock_ns = time_ns - (int64_t)random_below(100);

		one_key(&s, &m, random_below(keys), time_ns);
		if (random_below(4) == 0 && clock_ns > m.clock_ns)
			set_clock(&s, &m, clock_ns);
		if (i == falls_at && m.clock_ns != INT64_MIN)
			set_clock(&s, &m, m.clock_ns - (int64_t)random_below(2000));
		if (random_below(keys) < 20)
			check_layout(&s);
		if (random_below(steps / 10) == 0)
			check_walk(&s, &m);
	}
	check_walk(&s, &m);
	seen_release(&s);
}

void test_against_a_list(void)
{
	static const int64_t ttls[] = {SEEN_FOREVER, 1, 100, 3000, 100000, INT64_MAX - 1};

	random_seed();
	for (size_t i = 0; i < sizeof(ttls) / sizeof(*ttls); i++)
		for (size_t value_bytes = 0; value_bytes <= 24; value_bytes += 8) {
			against_the_model(ttls[i], 20, 1, value_bytes, 20000);
			against_the_model(ttls[i], 4000, 1, value_bytes, 20000);
			against_the_model(ttls[i], 4000, 7, value_bytes, 20000);
		}
}

/* So many that the table becomes many segments. */
void test_many_against_a_list(void)
{
	static const int64_t ttls[] = {SEEN_FOREVER, 80000, 400000};

	random_seed();
	for (size_t i = 0; i < sizeof(ttls) / sizeof(*ttls); i++)
		against_the_model(ttls[i], KEYS, 1, 24, 400000);
}

void test_at_the_edge_of_time(void)
{
	struct seen s;

	seen_init(&s, 10, 0, MUCH);
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

void test_what_had_run_out_stays_gone(void)
{
	struct seen s;

	seen_init(&s, 10, 0, MUCH);
	check_int(seen_add(&s, key(1), 100), SEEN_NEW);
	check_int(seen_add(&s, key(2), 101), SEEN_NEW);
	seen_set_clock(&s, 110);
	seen_set_clock(&s, 50);
	check_int(s.count, 1);
	check_int(seen_add(&s, key(2), 100), SEEN_BEFORE);
	check_int(seen_add(&s, key(1), 100), SEEN_NEW);
	seen_release(&s);
}

/* A zero marks a free place, and is part of keys all the same. */
void test_keys_of_zeros(void)
{
	struct seen s;

	seen_init(&s, SEEN_FOREVER, 0, MUCH);
	for (uint64_t low = 0; low < 3; low++) {
		check_int(seen_add(&s, (struct fingerprint){low, 0}, 0), SEEN_NEW);
		check_int(seen_add(&s, (struct fingerprint){low, 0}, 0), SEEN_BEFORE);
		check_int(seen_add(&s, (struct fingerprint){low, UINT64_MAX}, 0), SEEN_NEW);
		check_int(seen_add(&s, (struct fingerprint){low, UINT64_MAX}, 0), SEEN_BEFORE);
	}
	check_int(s.count, 6);
	seen_release(&s);
}

static size_t fill(struct seen *s, int64_t time_ns)
{
	size_t n = 0;

	while (seen_add(s, key(n), time_ns) == SEEN_NEW)
		n++;
	return n;
}

/* Full is full for what is new only; the bound is kept to, and put to use. */
void test_the_bound(void)
{
	for (size_t max_bytes = 0; max_bytes < 3000000; max_bytes += 1 + max_bytes / 3) {
		struct seen s;
		size_t n;

		seen_init(&s, SEEN_FOREVER, 0, max_bytes);
		n = fill(&s, 0);
		check_int(seen_add(&s, key(n), 0), SEEN_FULL);
		for (size_t i = 0; i < n; i += 1 + n / 50)
			check_int(seen_add(&s, key(i), 0), SEEN_BEFORE);
		check(s.bytes <= max_bytes || s.count == 0);
		check(n * 24 + pages_round(1) >= max_bytes);
		seen_release(&s);
	}
}

/* Also while it grows: at no count a key takes more, once the table is large. */
void test_bytes_per_key(void)
{
	static const struct {
		int64_t ttl_ns;
		size_t value_bytes, most;
	} kinds[] = {{SEEN_FOREVER, 0, 30}, {1000, 0, 40}, {SEEN_FOREVER, 24, 70}, {1000, 24, 84}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct seen s;

		seen_init(&s, kinds[i].ttl_ns, kinds[i].value_bytes, SIZE_MAX);
		check(s.bytes < 100);
		for (uint64_t n = 0; n < 1500000; n++) {
			check_int(seen_add(&s, key(n), 0), SEEN_NEW);
			if (s.bytes > 16 << 20 && s.bytes / s.count >= kinds[i].most) {
				fprintf(stderr, "%zu bytes for %zu keys\n", s.bytes, s.count);
				exit(1);
			}
		}
		for (uint64_t n = 0; n < 1500000; n += 7)
			check_int(seen_add(&s, key(n), 0), SEEN_BEFORE);
		seen_release(&s);
	}
}

static size_t places_between(const struct seen *s, uint64_t from, uint64_t to)
{
	return (size_t)((uint128)(to - from) * s->low_groups >> 64) * SEEN_GROUP;
}

/* Steps of growing are small and on average more than so many keys apart, and none is left when the
 * array is full. */
static void check_growing_is_spread(int64_t ttl_ns, size_t apart)
{
	enum { GROWS = 1500000, FIRST = 10000, STEP_PLACES = 2000 };
	size_t ended = 0, begun_at = 0, steps = 0;
	uint64_t border = UINT64_MAX;
	struct seen s;

	seen_init(&s, ttl_ns, 0, SIZE_MAX);
	for (size_t n = 0; n < GROWS; n++) {
		bool was_still = s.motion == SEEN_STILL;

		seen_set_clock(&s, (int64_t)n);
		check_int(seen_add(&s, key(n), (int64_t)n), SEEN_NEW);
		if (was_still && s.motion != SEEN_STILL)
			begun_at = n, steps = 0, border = UINT64_MAX;
		if (s.motion != SEEN_STILL && s.border != border) {
			check(places_between(&s, s.border, border) < STEP_PLACES);
			border = s.border;
			steps++;
		}
		if (!was_still && s.motion == SEEN_STILL && n > FIRST) {
			check(steps * apart < n - begun_at);
			ended++;
		}
		check(s.count < s.limit || s.motion == SEEN_STILL);
	}
	check(ended > 6);
	seen_release(&s);
}

void test_growing_is_spread(void)
{
	check_growing_is_spread(SEEN_FOREVER, 50);
	check_growing_is_spread(1000000000, 18);
}

/* Where no more keys come, growing ends as time goes, in a large table as in a small one, and what
 * has run out is found behind it. */
static void check_growing_ends_with_time(size_t keys)
{
	enum { TTL = 1000000 };
	bool begins = false;
	size_t moves = 0;
	uint64_t border;
	struct seen s;

	seen_init(&s, TTL, 0, SIZE_MAX);
	seen_set_clock(&s, 0);
	for (size_t n = 0; n < keys || !begins; n++) {
		begins = s.motion == SEEN_STILL;
		check_int(seen_add(&s, key(n), 0), SEEN_NEW);
		begins = begins && s.motion != SEEN_STILL;
	}
	border = s.border;
	for (int64_t now = 1; now <= TTL / 4; now++) {
		seen_set_clock(&s, now);
		moves += s.border != border;
		border = s.border;
	}
	check_int(s.motion, SEEN_STILL);
	check(moves > 100);
	for (int64_t now = TTL; now <= TTL + TTL / 4; now += TTL / 4096)
		seen_set_clock(&s, now);
	check_int(s.count, 0);
	seen_release(&s);
}

void test_growing_ends_with_time(void)
{
	check_growing_ends_with_time(400000);
	check_growing_ends_with_time(4000000);
}

/* Many with one high word, at both ends and in between: they go on behind the end, and through
 * growth together. */
void test_keys_of_one_place(void)
{
	static const uint64_t highs[] = {1, UINT64_MAX / 3, UINT64_MAX - 1};

	for (size_t i = 0; i < sizeof(highs) / sizeof(*highs); i++) {
		struct seen s;

		seen_init(&s, SEEN_FOREVER, 0, SIZE_MAX);
		for (uint64_t n = 0; n < 3000; n++) {
			check_int(seen_add(&s, (struct fingerprint){n, highs[i]}, 0), SEEN_NEW);
			check_int(seen_add(&s, key(n), 0), SEEN_NEW);
		}
		for (uint64_t n = 0; n < 3000; n++) {
			check_int(seen_add(&s, (struct fingerprint){n, highs[i]}, 0), SEEN_BEFORE);
			check_int(seen_add(&s, key(n), 0), SEEN_BEFORE);
		}
		check_layout(&s);
		check_int(s.count, 6000);
		seen_release(&s);
	}
}

/* A table at its bound takes a new key for each that runs out. */
void test_a_steady_stream_at_the_bound(void)
{
	struct seen s;
	int64_t n = 0;

	seen_init(&s, 3000, 0, 1 << 17);
	for (; n < 200000; n++) {
		if (n % 64 == 0)
			seen_set_clock(&s, n);
		check_int(seen_add(&s, key((uint64_t)n), n), SEEN_NEW);
	}
	check(s.bytes <= 1 << 17);
	seen_release(&s);
}

/* A key that has run out is new, also when there is no room for others. */
void test_run_out_in_a_full_table(void)
{
	struct seen s;
	size_t n;

	seen_init(&s, 10, 0, 100000);
	n = fill(&s, 0);
	check(n > 100);
	check_int(seen_add(&s, key(0), 0), SEEN_BEFORE);
	seen_set_clock(&s, 5);
	check_int(seen_add(&s, key(n), 5), SEEN_FULL);
	seen_set_clock(&s, 10);
	check_int(seen_add(&s, key(0), 10), SEEN_NEW);
	check_int(seen_add(&s, key(0), 10), SEEN_BEFORE);
	check_int(seen_add(&s, key(n), 10), SEEN_NEW);
	seen_release(&s);
}

/* What has run out makes room for what is new. */
void test_room_comes_back(void)
{
	struct seen s;

	seen_init(&s, 100, 0, 20000);
	for (int64_t i = 0; i < 200000; i++) {
		seen_set_clock(&s, i);
		check_int(seen_add(&s, key((uint64_t)i), i), SEEN_NEW);
	}
	seen_release(&s);
}

/* The table follows what counts, in both directions, whoever moves time. */
static void check_shrinks(bool by_keys)
{
	struct seen s;
	size_t most;

	seen_init(&s, 1000000, 0, SIZE_MAX);
	seen_set_clock(&s, 0);
	for (uint64_t n = 0; n < 1000000; n++)
		check_int(seen_add(&s, key(n), 0), SEEN_NEW);
	most = s.bytes;
	for (uint64_t n = 0; by_keys && n < 70000; n++) {
		if (n == 0)
			seen_set_clock(&s, 1000000);
		seen_add(&s, key(1000000 + n % 100), 1000000);
	}
	for (int64_t i = 0; !by_keys && i < 300; i++)
		seen_set_clock(&s, 1000000 + i * 500);
	check(s.count <= 100);
	check(s.bytes < most / 4);
	seen_release(&s);
}

void test_it_shrinks_as_keys_come(void)
{
	check_shrinks(true);
}

void test_it_shrinks_as_time_goes(void)
{
	check_shrinks(false);
}

/* Those that stay, so many, are behind all homes. */
static void check_shrinks_up_to(uint64_t stay)
{
	enum { TTL = 1000000, OTHERS = 20000 };
	struct seen s;
	size_t most;

	seen_init(&s, TTL, 0, SIZE_MAX);
	seen_set_clock(&s, 0);
	for (uint64_t n = 0; n < OTHERS; n++)
		check_int(seen_add(&s, key(n), 0), SEEN_NEW);
	for (uint64_t n = 0; n < stay; n++)
		check_int(seen_add(&s, (struct fingerprint){n, UINT64_MAX - 1}, TTL), SEEN_NEW);
	most = s.bytes;
	for (int64_t now = TTL; now < TTL + TTL / 2; now += TTL / 128)
		seen_set_clock(&s, now);
	check(s.bytes < most / 4);
	check_layout(&s);
	for (uint64_t n = 0; n < stay; n++)
		check_int(seen_add(&s, (struct fingerprint){n, UINT64_MAX - 1}, TTL), SEEN_BEFORE);
	check_int(s.count, stay);
	seen_release(&s);
}

/* Wherever in a page the last one stands. */
void test_it_shrinks_up_to_a_full_end(void)
{
	for (uint64_t stay = 1000; stay < 1200; stay++)
		check_shrinks_up_to(stay);
}

/* What has run out is taken away within an eighth of the time to live, or little more. */
void test_a_steady_stream(void)
{
	struct seen s;

	seen_init(&s, 100000, 0, SIZE_MAX);
	for (int64_t i = 0; i < 2000000; i++) {
		seen_set_clock(&s, i);
		check_int(seen_add(&s, key((uint64_t)i), i), SEEN_NEW);
		check(s.count <= 125000);
	}
	seen_release(&s);
}

/* Each answer is O(1) in a full table too: a walk over it each time would take minutes. */
void test_many_questions_to_a_full_table(void)
{
	struct seen s;
	uint64_t n = 0;

	random_seed();
	seen_init(&s, 1, 0, 64 << 20);
	while (seen_add(&s, key(n), INT64_MAX) == SEEN_NEW)
		n++;
	for (int i = 0; i < 1000000; i++)
		check_int(seen_add(&s, key(random_below(n)), 0), SEEN_BEFORE);
	seen_release(&s);
}
