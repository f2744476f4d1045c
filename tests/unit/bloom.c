#include "flow/bloom.h"

#include <math.h>

#include "base/mem.h"
#include "random.h"

enum { MEMORY = 1 << 20 };

/* xorshift alone gives words that depend on each other. */
static uint64_t random_word(void)
{
	return random_next() * 0x2545f4914f6cdd1du;
}

static struct fingerprint random_key(void)
{
	uint64_t low = random_word();

	return (struct fingerprint){low, random_word()};
}

/* Fills it with keys of times below times_ns, and counts how many of others it finds. */
static void check_rate(double rate, int64_t ttl_ns, uint64_t times_ns)
{
	uint64_t tries = (uint64_t)fmin(4000 / rate, 5e6), found = 0, capacity;
	double most = rate * (double)tries;
	struct bloom b;

	bloom_init(&b, rate, ttl_ns, MEMORY);
	capacity = bloom_capacity(&b);
	for (uint64_t i = 0; i < capacity; i++)
		check(bloom_enter(&b, random_key(), (int64_t)random_below(times_ns)) >= 0);
	check_int(bloom_enter(&b, random_key(), 0), BLOOM_FULL);
	check_int(bloom_count(&b), capacity);
	check(bloom_bytes(&b) <= MEMORY && bloom_bytes(&b) > MEMORY * 9 / 10);
	for (uint64_t i = 0; i < tries; i++)
		found += bloom_has(&b, random_key());
	fprintf(stderr, "rate %g%s: %.2f bits a key, %u hashes, measured %.3g of %g tries\n", rate,
		ttl_ns == SEEN_FOREVER ? "" : " with a time to live",
		8.0 * MEMORY / (double)capacity, b.hashes, (double)found / (double)tries,
		(double)tries);
	check((double)found <= most + 4 * sqrt(most));
	check((double)found >= most / 2 - 4 * sqrt(most)); /* nor is memory wasted */
	bloom_release(&b);
}

void test_rates(void)
{
	random_seed();
	for (double rate = 0.1; rate > 0.9e-5; rate /= 10)
		check_rate(rate, SEEN_FOREVER, 1);
}

/* All filters full, and so asked. */
void test_rates_with_a_time_to_live(void)
{
	random_seed();
	for (double rate = 0.1; rate > 0.9e-5; rate /= 10)
		check_rate(rate, 8000, 24000);
}

void test_no_memory(void)
{
	struct bloom b;

	for (size_t bytes = 0; bytes < 4096; bytes += 64) {
		bloom_init(&b, 0.01, 1000, bytes);
		check(!bloom_has(&b, (struct fingerprint){1, 2}));
		check(bloom_capacity(&b) || bloom_enter(&b, random_key(), 0) == BLOOM_FULL);
		check(bloom_bytes(&b) <= bytes);
		bloom_release(&b);
	}
}

/* A key that was entered, and what is known of it. */
struct known {
	struct fingerprint key;
	int64_t time_ns;
};

/* What has run out stays so when the clock is set back. */
static int64_t most_clock(int64_t clock_ns, int64_t before_ns)
{
	return clock_ns > before_ns ? clock_ns : before_ns;
}

/*
 * Keys come in disorder of any size, far ahead of the clock too, the clock jumps and is set back
 * once: one that has not run out is always found; and, as long as there is a filter for each
 * eighth, none but by doubt that has run out for an eighth.
 */
static void check_time_to_live(int64_t ttl_ns, uint64_t ahead_ns, bool roomy)
{
	enum { KEYS = 10000 };
	struct known *known = mem_zero(KEYS, sizeof(*known));
	int64_t clock_ns = -5 * ttl_ns, latest_ns = INT64_MIN;
	size_t entered = 0, wrong = 0, old = 0;
	struct bloom b;

	bloom_init(&b, 1e-5, ttl_ns, roomy ? 4 * MEMORY : MEMORY / 4);
	for (size_t i = 0; i < KEYS; i++) {
		struct known *k = &known[entered];
		const struct known *asked;

		clock_ns += (int64_t)random_below((uint64_t)ttl_ns / 200 + 2);
		if (i == KEYS / 2)
			clock_ns -= ttl_ns / 2;
		latest_ns = most_clock(latest_ns, clock_ns);
		bloom_set_clock(&b, clock_ns);
		*k = (struct known){random_key(),
			clock_ns - ttl_ns + (int64_t)random_below((uint64_t)ttl_ns + ahead_ns)};
		if (k->time_ns + ttl_ns > latest_ns && bloom_enter(&b, k->key, k->time_ns) >= 0)
			entered++;
		check(bloom_bytes(&b) <= 4 * MEMORY);
		asked = &known[entered ? random_below(entered) : 0];
		if (!entered)
			continue;
		if (asked->time_ns + ttl_ns > latest_ns)
			check(bloom_has(&b, asked->key));
		if (asked->time_ns + ttl_ns + (ttl_ns + 7) / 8 > latest_ns)
			continue;
		old++;
		wrong += bloom_has(&b, asked->key);
	}
	fprintf(stderr, "%zu of %d entered, %zu of %zu old ones found\n", entered, KEYS, wrong,
		old);
	check(entered > KEYS / 10);
	check(!roomy || wrong <= 2);
	bloom_release(&b);
	free(known);
}

void test_time_to_live(void)
{
	random_seed();
	for (int64_t ttl_ns = 8; ttl_ns < INT64_C(1) << 50; ttl_ns = ttl_ns * 101 + 3) {
		check_time_to_live(ttl_ns, 0, true);
		check_time_to_live(ttl_ns, (uint64_t)ttl_ns, true);
		check_time_to_live(ttl_ns, 20 * (uint64_t)ttl_ns, false);
	}
}

/* The state shrinks again. */
void test_what_has_run_out_takes_no_memory(void)
{
	struct bloom b;

	random_seed();
	bloom_init(&b, 0.01, 800, MEMORY);
	for (int64_t t = 0; t < 8000; t++) {
		bloom_set_clock(&b, t);
		for (int i = 0; i < 10; i++)
			check(bloom_enter(&b, random_key(), t) >= 0);
		check(bloom_count(&b) <= 9 * 1000);
		check(bloom_bytes(&b) <= MEMORY / BLOOM_FILTERS * 10);
	}
	bloom_set_clock(&b, 7999 + 799);
	check(bloom_count(&b) > 0);
	bloom_set_clock(&b, 7999 + 800);
	check_int(bloom_count(&b), 0);
	check_int(bloom_bytes(&b), 0);
	check_int(bloom_enter(&b, random_key(), 7999), BLOOM_NONE);
	check(bloom_enter(&b, random_key(), 8000) >= 0);
	bloom_release(&b);
}

void test_the_ends_of_time(void)
{
	const struct fingerprint first = {1, 2}, last = {3, 4};
	struct bloom b;

	bloom_init(&b, 0.001, 1000, MEMORY);
	check(bloom_enter(&b, last, INT64_MAX) >= 0);
	check(bloom_enter(&b, first, INT64_MIN) >= 0);
	check(bloom_has(&b, first) && bloom_has(&b, last));
	bloom_set_clock(&b, 0);
	check(!bloom_has(&b, first));
	bloom_set_clock(&b, INT64_MAX);
	check(bloom_has(&b, last)); /* its end would be behind all time */
	bloom_release(&b);
}

/* Filters that are made anew from what they were entered in answer as those did. */
void test_made_anew(void)
{
	enum { KEYS = 50000 };
	struct bloom b, again;
	struct fingerprint keys[100];

	random_seed();
	bloom_init(&b, 0.01, 1000, MEMORY);
	bloom_init(&again, 0.01, 1000, MEMORY);
	for (int i = 0; i < KEYS; i++) {
		struct fingerprint key = random_key();
		int which = bloom_enter(&b, key, (int64_t)random_below(5000));

		check(which >= 0 && bloom_enter_in(&again, key, which));
		keys[i % 100] = key;
	}
	for (int i = 0; i < BLOOM_FILTERS; i++)
		if (b.filters[i].memory)
			bloom_set_newest(&again, i, b.filters[i].newest_ns);
	for (int64_t clock = 0; clock < 7000; clock += 10) {
		bloom_set_clock(&b, clock);
		bloom_set_clock(&again, clock);
		check_int(bloom_count(&b), bloom_count(&again));
		for (int i = 0; i < 100; i++) {
			struct fingerprint other = random_key();

			check(bloom_has(&b, keys[i]) == bloom_has(&again, keys[i]));
			check(bloom_has(&b, other) == bloom_has(&again, other));
		}
	}
	bloom_release(&b);
	bloom_release(&again);
}
