#include "state/keyset.h"

#include <inttypes.h>
#include <string.h>

#include "base/wide.h"
#include "random.h"
#include "scratch.h"
#include "test.h"

enum { KEYS_MAX = 40000, MUCH = 1 << 28, LITTLE = 64 << 10 };

static uint64_t spread(uint64_t n)
{
	n += UINT64_C(0x9e3779b97f4a7c15);
	n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
	return n ^ n >> 31;
}

/* Versions are small numbers, some of them written with a scale. */
static struct decimal version_of(int64_t v)
{
	char text[32];
	struct decimal d;
	int len = snprintf(text, sizeof(text), random_below(2) ? "%" PRId64 : "%" PRId64 ".0e0", v);

	check(decimal_parse(&d, text, (size_t)len) == NULL);
	return d;
}

struct model_key {
	bool is_there;
	int64_t time_ns;
	int64_t version;
};

struct model {
	int64_t ttl_ns;
	int64_t clock_ns;
	bool has_versions;
	struct model_key keys[KEYS_MAX];
};

static bool has_run_out(const struct model *m, int64_t time_ns)
{
	return m->ttl_ns != SEEN_FOREVER && (int128)time_ns + m->ttl_ns <= m->clock_ns;
}

static void forget(struct model *m)
{
	for (size_t n = 0; n < KEYS_MAX; n++)
		m->keys[n].is_there = m->keys[n].is_there && !has_run_out(m, m->keys[n].time_ns);
}

static void model_set_clock(struct model *m, int64_t clock_ns)
{
	if (clock_ns < m->clock_ns)
		forget(m);
	m->clock_ns = clock_ns;
}

static enum keyset_answer model_add(struct model *m, uint64_t n, int64_t time_ns, int64_t version)
{
	struct model_key *k = &m->keys[n];

	if (!k->is_there || has_run_out(m, k->time_ns)) {
		*k = (struct model_key){true, time_ns, version};
		return KEYSET_NEW;
	}
	if (!m->has_versions || version == k->version)
		return KEYSET_SAME;
	if (version < k->version)
		return KEYSET_OLDER;
	k->version = version;
	k->time_ns = time_ns > k->time_ns ? time_ns : k->time_ns;
	return KEYSET_NEWER;
}

/* A stage: a set and its model, and both as they were at the last barrier. */
struct stage {
	struct keyset_conf conf;
	struct keyset *keys;
	struct model model, kept;
	struct snapshot snapshot;
	bool is_kept;
	uint64_t run;
	uint64_t log_most; /* bytes of files at a barrier */
};

static struct stage stage;

static void stage_init(const struct keyset_conf *conf)
{
	stage.conf = *conf;
	stage.is_kept = false;
	stage.log_most = 0;
	stage.model.ttl_ns = conf->ttl_ns;
	stage.model.has_versions = conf->has_versions;
	stage.model.clock_ns = INT64_MIN;
	memset(stage.model.keys, 0, sizeof(stage.model.keys));
	stage.keys = keyset_open(conf, scratch_path, ++stage.run);
}

static void stage_release(void)
{
	keyset_close(stage.keys);
	if (stage.is_kept)
		snapshot_release(&stage.snapshot);
}

static void keep(void)
{
	uint64_t bytes = 0;
	json_t *file;
	size_t i;

	if (stage.is_kept)
		snapshot_release(&stage.snapshot);
	snapshot_init(&stage.snapshot);
	keyset_snapshot(stage.keys, &stage.snapshot);
	json_array_foreach (stage.snapshot.files, i, file)
		bytes += (uint64_t)json_integer_value(json_object_get(file, "bytes"));
	stage.log_most = bytes > stage.log_most ? bytes : stage.log_most;
	stage.kept = stage.model;
	stage.is_kept = true;
}

/* Goes on from the last barrier; with another time to live if ttl_ns is not 0. */
static void go_back(int64_t ttl_ns)
{
	if (!stage.is_kept)
		return;
	keyset_close(stage.keys);
	stage.model = stage.kept;
	if (ttl_ns)
		stage.conf.ttl_ns = ttl_ns;
	/* what was forgotten stays so */
	if (stage.conf.ttl_ns != stage.model.ttl_ns)
		forget(&stage.model);
	stage.model.ttl_ns = stage.conf.ttl_ns;
	stage.keys = keyset_open(&stage.conf, scratch_path, ++stage.run);
	keyset_restore(stage.keys, &stage.snapshot);
	check_int(keyset_clock_ns(stage.keys), stage.model.clock_ns);
}

static enum keyset_answer stage_add(uint64_t n, int64_t time_ns, int64_t version)
{
	char bytes[64];
	struct keyset_key key = {.print = {.low = n, .high = spread(n / 2)},
		.bytes = bytes,
		.len = (size_t)snprintf(bytes, sizeof(bytes), "key-%" PRIu64, n),
		.time_ns = time_ns};

	if (stage.conf.has_versions)
		key.version = version_of(version);
	if (random_below(2))
		keyset_prefetch(stage.keys, key.print);
	return keyset_add(stage.keys, &key);
}

static void one_key(uint64_t n, int64_t time_ns)
{
	int64_t version = (int64_t)random_below(20) - 10;
	enum keyset_answer want = model_add(&stage.model, n, time_ns, version);

	check_int(stage_add(n, time_ns, version), want);
}

static void set_clock(int64_t clock_ns)
{
	model_set_clock(&stage.model, clock_ns);
	keyset_set_clock(stage.keys, clock_ns);
}

struct course {
	uint64_t steps;
	uint64_t keys;
	int64_t pace;
	uint64_t barriers; /* one in so many steps */
};

static void go(const struct keyset_conf *conf, const struct course *c)
{
	uint64_t falls_at = random_below(c->steps);

	stage_init(conf);
	for (uint64_t i = 0; i < c->steps; i++) {
		int64_t time_ns = (int64_t)i * c->pace - (int64_t)random_below(500);
		int64_t clock_ns = time_ns - (int64_t)random_below(100);

		one_key(random_below(c->keys), time_ns);
		if (random_below(4) == 0 && clock_ns > stage.model.clock_ns)
			set_clock(clock_ns);
		if (i == falls_at && stage.model.clock_ns != INT64_MIN)
			set_clock(stage.model.clock_ns - (int64_t)random_below(2000));
		if (random_below(c->barriers) == 0)
			keep();
		if (random_below(3 * c->barriers) == 0)
			go_back(conf->ttl_ns != SEEN_FOREVER && random_below(4) == 0
					? 1 + (int64_t)random_below(5000)
					: 0);
	}
	keep();
	go_back(0);
	for (uint64_t n = 0; n < c->keys; n++)
		one_key(n, (int64_t)c->steps * c->pace);
	stage_release();
}

static void against_the_model(struct keyset_conf conf)
{
	static const int64_t ttls[] = {SEEN_FOREVER, 1, 100, 3000, 100000};
	static const struct course courses[] = {
		{3000, 20, 1, 50}, {10000, 3000, 1, 700}, {10000, 2000, 7, 300}};
	static const struct course rare[] = {
		{3000, 20, 1, 500}, {10000, 3000, 1, 3000}, {10000, 2000, 7, 3000}};

	random_seed();
	scratch_directory();
	for (size_t i = 0; i < sizeof(ttls) / sizeof(*ttls); i++)
		for (size_t k = 0; k < sizeof(courses) / sizeof(*courses); k++)
			for (int has_versions = 0; has_versions < 2; has_versions++) {
				conf.ttl_ns = ttls[i];
				conf.has_versions = has_versions;
				go(&conf, conf.on_disk ? &rare[k] : &courses[k]);
			}
}

void test_prints_against_a_list(void)
{
	against_the_model((struct keyset_conf){.memory_bytes = MUCH});
}

void test_exact_keys_against_a_list(void)
{
	against_the_model((struct keyset_conf){.memory_bytes = MUCH, .exact = true});
}

/* With so little memory that it spills all the time. */
void test_keys_on_disk_against_a_list(void)
{
	against_the_model((struct keyset_conf){.memory_bytes = LITTLE, .on_disk = true});
}

void test_exact_keys_on_disk_against_a_list(void)
{
	against_the_model(
		(struct keyset_conf){.memory_bytes = LITTLE, .on_disk = true, .exact = true});
}

static uint64_t bytes_each(bool has_versions)
{
	return has_versions ? 2 + 16 + 3 : 2 + 16;
}

/* Keys that come again and again do not make the log longer than some times what there is. */
static void check_length(bool has_versions, int64_t ttl_ns, uint64_t keys)
{
	struct keyset_conf conf = {
		.memory_bytes = MUCH, .ttl_ns = ttl_ns, .has_versions = has_versions};
	uint64_t each = bytes_each(has_versions) + (ttl_ns == SEEN_FOREVER ? 0 : 8);

	scratch_directory();
	stage_init(&conf);
	for (int64_t i = 0; i < 1000000; i++) {
		uint64_t n = (uint64_t)i % keys;

		stage_add(n, i, i);
		if (ttl_ns != SEEN_FOREVER)
			set_clock(i);
		if (i % 5000 == 0)
			keep();
	}
	check(stage.log_most > 1 << 20);
	check(stage.log_most < 5 * keys * each + (3 << 20));
	go_back(0);
	check(keyset_count(stage.keys) <= keys);
	check(keyset_count(stage.keys) >= keys / 2);
	stage_release();
}

void test_length_of_the_log_with_versions(void)
{
	check_length(true, SEEN_FOREVER, 30000);
}

void test_length_of_the_log_with_versions_that_live(void)
{
	check_length(true, 1000000, 30000);
}

void test_length_of_the_log_with_ttl(void)
{
	check_length(false, 30000, 30000);
}

void test_length_of_the_log_without_anything(void)
{
	struct keyset_conf conf = {.memory_bytes = MUCH, .ttl_ns = SEEN_FOREVER};

	scratch_directory();
	stage_init(&conf);
	for (uint64_t n = 0; n < 200000; n++)
		check_int(stage_add(n, 0, 0), KEYSET_NEW);
	keep();
	check(stage.log_most < 200000 * 19);
	stage_release();
}

/* One key far ahead of the rest keeps nothing else in the log. */
void test_a_key_far_ahead(void)
{
	struct keyset_conf conf = {.memory_bytes = MUCH, .ttl_ns = 20000};

	scratch_directory();
	stage_init(&conf);
	for (int64_t i = 0; i < 1000000; i++) {
		stage_add((uint64_t)i % KEYS_MAX + 1, i, 0);
		if (i == 1000)
			stage_add(0, INT64_MAX, 0);
		set_clock(i);
		if (i % 5000 == 0)
			keep();
	}
	check(stage.log_most < 5 * 20000 * 26 + (3 << 20));
	go_back(0);
	check_int(stage_add(0, 0, 0), KEYSET_SAME);
	stage_release();
}

static void check_full(bool exact)
{
	struct keyset_conf conf = {.memory_bytes = 100000, .ttl_ns = SEEN_FOREVER, .exact = exact};
	uint64_t n = 0;

	scratch_directory();
	stage_init(&conf);
	while (stage_add(n, 0, 0) == KEYSET_NEW)
		n++;
	check_int(stage_add(0, 0, 0), KEYSET_SAME);
	check(n > 1000);
	/* a table takes memory in chunks */
	check(keyset_bytes(stage.keys) <= 100000 + (256 << 10) + 1000);
	stage_release();
}

void test_full(void)
{
	check_full(false);
}

void test_full_of_exact_keys(void)
{
	check_full(true);
}

/* With a time to live what is there stays near to what counts, and it all goes in the end. */
static void check_steady(struct keyset_conf conf)
{
	enum { ALIVE = 4000 };
	int64_t i;

	scratch_directory();
	conf.ttl_ns = ALIVE;
	stage_init(&conf);
	for (i = 0; i < 100000; i++) {
		check_int(stage_add((uint64_t)i, i, 0), KEYSET_NEW);
		keyset_set_clock(stage.keys, i);
		check(keyset_count(stage.keys) < 2 * ALIVE);
		check(keyset_bytes(stage.keys) <= conf.memory_bytes);
		/* until it is in the log, what was deleted takes its memory */
		if (i % 4000 == 0)
			keep();
	}
	for (; i < 110000; i++)
		keyset_set_clock(stage.keys, i);
	check(conf.on_disk || keyset_count(stage.keys) == 0);
	stage_release();
}

void test_a_steady_stream(void)
{
	check_steady((struct keyset_conf){.memory_bytes = 1 << 20});
}

void test_a_steady_stream_of_exact_keys(void)
{
	check_steady((struct keyset_conf){.memory_bytes = 1 << 20, .exact = true});
}

void test_a_steady_stream_to_the_disk(void)
{
	check_steady((struct keyset_conf){.memory_bytes = 200000, .on_disk = true});
}
