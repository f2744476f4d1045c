#include "state/keysetfilter.h"

#include "random.h"
#include "scratch.h"

enum { MEMORY = 1 << 20, STEPS = 60000 };

/* What was done, so that a set in memory can be brought to any point of it. */
struct step {
	bool is_clock;
	int64_t time_ns;
	struct fingerprint print;
};

static struct step steps[STEPS];

static enum keyset_answer go(struct keyset *k, const struct step *s)
{
	const struct keyset_key key = {.print = s->print, .time_ns = s->time_ns};

	if (!s->is_clock)
		return keyset_add(k, &key);
	keyset_set_clock(k, s->time_ns);
	return KEYSET_NEW;
}

static struct keyset *replayed(const struct keyset_conf *conf, size_t count)
{
	struct keyset *k = keyset_open(conf, NULL, 0);

	for (size_t i = 0; i < count; i++)
		go(k, &steps[i]);
	return k;
}

static struct step random_step(size_t i, int64_t clock_ns, int64_t ttl_ns)
{
	struct step s = {.is_clock = random_below(20) == 0, .time_ns = clock_ns};

	if (!s.is_clock)
		s.time_ns += (int64_t)random_below((uint64_t)ttl_ns * 2) - ttl_ns;
	s.print = (struct fingerprint){random_next(), random_next() * 0x2545f4914f6cdd1du};
	if (i && random_below(3) == 0)
		s.print = steps[random_below(i)].print;
	return s;
}

static uint64_t bytes_of(const struct snapshot *s)
{
	uint64_t bytes = 0;
	json_t *file;
	size_t i;

	json_array_foreach (s->files, i, file) {
		bytes += (uint64_t)json_integer_value(json_object_get(file, "bytes"));
	}
	return bytes;
}

/* A set that is thrown back to its last snapshot again and again answers as one that is not. */
static void check_restored(const struct keyset_conf *conf)
{
	struct keyset *k = keyset_open(conf, scratch_directory(), 1);
	struct keyset *plain = keyset_open(conf, NULL, 0);
	int64_t ttl_ns = conf->ttl_ns == SEEN_FOREVER ? 1000 : conf->ttl_ns;
	uint64_t run = 1, restored = 0, doubts = 0;
	struct snapshot snapshot;
	size_t kept = 0;

	snapshot_init(&snapshot);
	keyset_snapshot(k, &snapshot);
	for (size_t i = 0; i < STEPS; i++) {
		enum keyset_answer answer;

		steps[i] = random_step(i, (int64_t)i * ttl_ns / 5000, ttl_ns);
		answer = go(k, &steps[i]);
		check_int(answer, go(plain, &steps[i]));
		doubts += answer == KEYSET_DOUBT;
		if (random_below(1000) == 0) {
			snapshot_release(&snapshot);
			snapshot_init(&snapshot);
			keyset_snapshot(k, &snapshot);
			kept = i + 1;
			check(bytes_of(&snapshot) <= 20 * keyset_count(k) + 20000);
			check(keyset_bytes(k) <= MEMORY);
		} else if (random_below(2000) == 0) {
			keyset_close(k);
			keyset_close(plain);
			k = keyset_open(conf, scratch_path, ++run);
			keyset_restore(k, &snapshot);
			plain = replayed(conf, kept);
			check_int(keyset_count(k), keyset_count(plain));
			check_int(keyset_clock_ns(k), keyset_clock_ns(plain));
			for (size_t again = kept; again <= i; again++)
				check_int(go(k, &steps[again]), go(plain, &steps[again]));
			restored++;
		}
	}
	fprintf(stderr, "restored %d times, %d doubts\n", (int)restored, (int)doubts);
	check(restored && doubts > STEPS / 10);
	snapshot_release(&snapshot);
	keyset_close(k);
	keyset_close(plain);
}

void test_restored(void)
{
	random_seed();
	check_restored(&(struct keyset_conf){
		.doubt = 0.01, .ttl_ns = SEEN_FOREVER, .memory_bytes = MEMORY});
}

void test_restored_with_a_time_to_live(void)
{
	random_seed();
	check_restored(
		&(struct keyset_conf){.doubt = 0.001, .ttl_ns = 5000, .memory_bytes = MEMORY});
}

/* Another memory and another time to live: what was seen is found. */
void test_restored_with_other_options(void)
{
	struct keyset_conf conf = {.doubt = 0.001, .ttl_ns = 8000, .memory_bytes = MEMORY};
	struct keyset *k = keyset_open(&conf, scratch_directory(), 1);
	struct snapshot snapshot;

	random_seed();
	for (size_t i = 0; i < 5000; i++) {
		steps[i] = (struct step){.time_ns = (int64_t)i,
			.print = {random_next() * 0x2545f4914f6cdd1du, random_next()}};
		check_int(go(k, &steps[i]), KEYSET_NEW);
	}
	keyset_set_clock(k, 4000);
	snapshot_init(&snapshot);
	keyset_snapshot(k, &snapshot);
	keyset_close(k);
	conf.memory_bytes *= 2;
	conf.ttl_ns = 1000;
	k = keyset_open(&conf, scratch_path, 2);
	keyset_restore(k, &snapshot);
	for (size_t i = 3001; i < 5000; i++)
		check_int(go(k, &steps[i]), KEYSET_DOUBT);
	snapshot_release(&snapshot);
	keyset_close(k);
}

void test_full(void)
{
	struct keyset_conf conf = {.doubt = 0.01, .ttl_ns = 8000, .memory_bytes = MEMORY};
	struct keyset *k = keyset_open(&conf, NULL, 0);
	uint64_t capacity = keysetfilter_capacity(&conf);
	struct step s = {.time_ns = 0};
	enum keyset_answer answer;

	random_seed();
	check(capacity > MEMORY * 8 / 20 && capacity < MEMORY * 8 / 16);
	do {
		s.print = (struct fingerprint){random_next() * 0x2545f4914f6cdd1du, random_next()};
		answer = go(k, &s);
	} while (answer != KEYSET_FULL);
	check_int(keyset_count(k), capacity);
	check(keyset_bytes(k) <= MEMORY);
	keyset_set_clock(k, 8000 + 1000);
	check_int(keyset_count(k), 0);
	check_int(keyset_bytes(k), 0);
	keyset_close(k);
}
