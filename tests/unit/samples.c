#include "flow/samples.h"

#include "flow/extreme.h"
#include "seeded.h"
#include "test.h"

enum { COUNT = 200, TEXT = 16 };

struct arrival {
	struct sample sample;
	struct decimal value;
	char text[TEXT];
};

/* Few times and values, so that many are equal; arrivals[i] is the i-th to arrive. */
static void make(struct random *r, struct arrival *arrivals, size_t n)
{
	int64_t spread = (int64_t)random_below(r, 2 * COUNT) + 1;

	for (size_t i = 0; i < n; i++) {
		struct arrival *a = &arrivals[i];
		int len =
			snprintf(a->text, TEXT, "%.*s%zu", (int)random_below(r, 8), "xxxxxxxx", i);

		a->sample = (struct sample){
			.time_ns = (int64_t)random_below(r, (uint64_t)spread) - spread / 2,
			.sequence = i,
			.bytes = a->text,
			.len = (size_t)len,
		};
		a->value = (struct decimal){
			.coefficient = (int128)random_below(r, 10) - 5,
			.scale = (uint8_t)random_below(r, 3),
		};
	}
}

/* Counts who goes before it: the obvious way to a rank. */
static size_t rank_of(const struct arrival *arrivals, size_t n, size_t i)
{
	size_t rank = 0;

	for (size_t j = 0; j < n; j++)
		rank += arrivals[j].sample.time_ns < arrivals[i].sample.time_ns ||
			(arrivals[j].sample.time_ns == arrivals[i].sample.time_ns && j < i);
	return rank;
}

static void check_bytes(const struct sample *s, const struct arrival *a)
{
	check_int(s->sequence, a->sample.sequence);
	check(s->time_ns == a->sample.time_ns && s->len == a->sample.len);
	check(s->bytes != a->text && memcmp(s->bytes, a->text, s->len) == 0);
}

static void check_list(const struct samples *s, const struct samples_rule *rule,
	const struct arrival *arrivals, size_t n)
{
	size_t kept = n < rule->limit ? n : rule->limit;
	size_t skipped = rule->side == SAMPLES_FIRST ? 0 : n - kept;

	check_int(samples_count(s), kept);
	for (size_t i = 0; i < n; i++) {
		size_t rank = rank_of(arrivals, n, i);

		if (rank >= skipped && rank < skipped + kept)
			check_bytes(samples_at(s, rank - skipped), &arrivals[i]);
	}
}

void test_zeros_are_empty(void)
{
	struct samples s = {0}, other = {0};
	struct samples_rule rule = {SAMPLES_FIRST, 3};

	check_int(samples_count(&s), 0);
	check_int(samples_bytes(&s), 0);
	samples_merge(&s, &rule, &other);
	check_int(samples_bytes(&s), 0);
	samples_release(&s);
}

/* Each arrival goes to one of two lists; merged, they are as one. */
static void check_random(struct random *r)
{
	struct samples_rule rule = {
		random_below(r, 2) ? SAMPLES_FIRST : SAMPLES_LAST, 1 + random_below(r, COUNT)};
	struct arrival arrivals[COUNT];
	struct samples one = {0}, parts[2] = {{0}};
	size_t n = random_below(r, COUNT);

	make(r, arrivals, n);
	for (size_t i = 0; i < n; i++) {
		samples_add(&one, &rule, &arrivals[i].sample);
		samples_add(&parts[random_below(r, 2)], &rule, &arrivals[i].sample);
	}
	check_list(&one, &rule, arrivals, n);
	samples_merge(&parts[0], &rule, &parts[1]);
	check_list(&parts[0], &rule, arrivals, n);
	samples_release(&one);
	samples_release(&parts[0]);
	samples_release(&parts[1]);
}

void test_lists(void)
{
	struct random r = random_begin();

	for (int i = 0; i < 3000; i++)
		check_random(&r);
}

void test_bytes_do_not_grow(void)
{
	struct samples_rule rule = {SAMPLES_LAST, 4};
	struct samples s = {0};
	size_t full = 0;

	for (uint64_t i = 0; i < 1000; i++) {
		samples_add(&s, &rule, &(struct sample){.sequence = i, .bytes = "four", .len = 4});
		full = i == 3 ? samples_bytes(&s) : full;
	}
	check_int(samples_bytes(&s), full);
	check(full >= 4 * (sizeof(struct sample) + 4));
	samples_release(&s);
}

/* Whether a beats b, by values * 100, which are whole. */
static int beats(const struct arrival *a, const struct arrival *b, enum extreme_side side)
{
	static const int hundredths[] = {100, 10, 1};
	int x = (int)a->value.coefficient * hundredths[a->value.scale] * (int)side;
	int y = (int)b->value.coefficient * hundredths[b->value.scale] * (int)side;

	if (x != y)
		return x > y;
	if (a->sample.time_ns != b->sample.time_ns)
		return a->sample.time_ns < b->sample.time_ns;
	return a->sample.sequence < b->sample.sequence;
}

static void check_extreme(struct random *r)
{
	enum extreme_side side = random_below(r, 2) ? EXTREME_LEAST : EXTREME_GREATEST;
	struct arrival arrivals[COUNT], *best = NULL;
	struct extreme one = {0}, parts[2] = {{0}};
	size_t n = random_below(r, COUNT);

	make(r, arrivals, n);
	for (size_t i = 0; i < n; i++) {
		struct arrival *a = &arrivals[i];

		best = !best || beats(a, best, side) ? a : best;
		extreme_add(&one, side, &a->value, &a->sample);
		extreme_add(&parts[random_below(r, 2)], side, &a->value, &a->sample);
	}
	extreme_merge(&parts[0], side, &parts[1]);
	check(!best == !one.best && !best == !parts[0].best);
	check(!best == !extreme_bytes(&one));
	if (best) {
		check_bytes(&one.best->sample, best);
		check_bytes(&parts[0].best->sample, best);
		check_int(decimal_compare(&one.best->value, &best->value), 0);
		check(extreme_bytes(&one) >= sizeof(*one.best) + best->sample.len);
	}
	extreme_release(&one);
	extreme_release(&parts[0]);
	extreme_release(&parts[1]);
}

void test_extremes(void)
{
	struct random r = random_begin();

	for (int i = 0; i < 3000; i++)
		check_extreme(&r);
}
