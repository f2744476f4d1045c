/*
 * What dd-dedupe's keys cost: memory, time beside LMDB in the same run, log, restart and barriers.
 *
 * usage: build/bench/state [-n KEYS] [-l KEYS] [-d DIRECTORY]
 *
 * -n: keys in memory (50,000,000); -l: keys beside LMDB and in the log (20,000,000). Works in a
 * directory of its own in DIRECTORY ($TMPDIR, or /tmp), and needs some 100 bytes of disk for each
 * key of -l there. Every other question is for a key that is there. Prints a table, and exits with
 * 1 if a figure is not within its bound. Times are the processor's, but for that of a barrier,
 * where the disk is waited for.
 */
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if __has_include(<lmdb.h>)
#include <lmdb.h>
#define HAS_LMDB 1
#else
#define HAS_LMDB 0
#endif

#include "base/die.h"
#include "flow/seen.h"
#include "state/keyset.h"

enum {
	BATCH = 64,
	TXN = 10000, /* questions in a transaction of LMDB */
	ROUNDS = 5,
	CHANGED = 1000000,
	COUNT_MIN = 1000000, /* from where on bytes per key are looked at while it grows */
};

static size_t keys_in_memory = 50000000, keys_in_log = 20000000;
static char directory[512];
static bool failed;

static double clock_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
	return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static double wall_s(void)
{
	return clock_s(CLOCK_MONOTONIC);
}

static void row(const char *what, double got, const char *unit, double bound, bool is_most)
{
	bool good = is_most ? got <= bound : got >= bound;

	printf("%-52s %10.1f %-12s %s %-6g %s\n", what, got, unit, is_most ? "<=" : ">=", bound,
		good ? "ok" : "FAIL");
	failed |= !good;
}

static void note(const char *what, double got, const char *unit)
{
	printf("%-52s %10.1f %s\n", what, got, unit);
}

/* Keys: SplitMix64, as evenly spread as a keyed hash */

static uint64_t spread(uint64_t n)
{
	n += UINT64_C(0x9e3779b97f4a7c15);
	n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
	return n ^ n >> 31;
}

static struct fingerprint key_of(uint64_t n)
{
	uint64_t high = spread(n);

	return (struct fingerprint){.low = spread(high ^ 1), .high = high};
}

/* The i-th question when `entered` keys are in: a new key, then one that was there. */
static struct fingerprint ask(uint64_t i, size_t *entered)
{
	if (i % 2 == 0)
		return key_of((*entered)++);
	return key_of(spread(i) % *entered);
}

/* Each part in a process of its own, so that it has its own memory */

static void apart(void (*part)(void))
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0)
		die_errno(EX_OSERR, "cannot fork");
	if (child == 0) {
		part();
		fflush(stdout);
		_exit(failed);
	}
	waitpid(child, &status, 0);
	failed |= status != 0;
}

/* VmRSS or VmHWM, in bytes. */
static double memory_of(const char *name)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	double kib = 0;

	if (!file)
		die_errno(EX_OSERR, "cannot open '/proc/self/status'");
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			kib = strtod(line + strlen(name) + 1, NULL);
	fclose(file);
	return kib * 1024;
}

/* Memory, and how long the table stops where it grows */

struct growth {
	double begin;   /* bytes at the start */
	double most;    /* resident bytes per key, at any count */
	double worst_s; /* a batch */
	size_t look_at; /* the next count at which memory is looked at */
};

static void batch(struct seen *s, uint64_t *i, size_t *entered)
{
	struct fingerprint keys[BATCH];
	size_t news = 0;

	for (size_t k = 0; k < BATCH; k++) {
		keys[k] = ask((*i)++, entered);
		seen_prefetch(s, keys[k]);
	}
	for (size_t k = 0; k < BATCH; k++)
		news += seen_add(s, keys[k], (int64_t)*i) == SEEN_NEW;
	if (news != BATCH / 2)
		die(EX_SOFTWARE, "%zu of %d are new", news, BATCH);
}

static void look(struct growth *g, const struct seen *s)
{
	double each = (memory_of("VmRSS:") - g->begin) / (double)s->count;

	g->most = each > g->most ? each : g->most;
	g->look_at = s->count + s->count / 100;
}

static void grow(int64_t ttl_ns, double bound)
{
	struct growth g = {.begin = memory_of("VmRSS:"), .look_at = COUNT_MIN};
	const char *kind = ttl_ns == SEEN_FOREVER ? "" : ", with a time";
	double from = cpu_s(), taken, resident;
	struct seen s;
	size_t entered = 0;
	uint64_t i = 0;
	char what[80];

	seen_init(&s, ttl_ns, 0, SIZE_MAX);
	while (entered < keys_in_memory) {
		double before = cpu_s(), batch_s;

		batch(&s, &i, &entered);
		batch_s = cpu_s() - before;
		g.worst_s = batch_s > g.worst_s ? batch_s : g.worst_s;
		if (s.count >= g.look_at)
			look(&g, &s);
	}
	taken = cpu_s() - from;
	resident = memory_of("VmRSS:") - g.begin;
	snprintf(what, sizeof(what), "%.0f million keys%s: resident", (double)s.count / 1e6, kind);
	row(what, resident / (double)s.count, "bytes/key", bound, true);
	row("  the most at any count from a million on", g.most, "bytes/key", bound, true);
	row("  the peak, of what it takes then", 100 * (memory_of("VmHWM:") - g.begin) / resident,
		"%", 110, true);
	row("  the longest stop where it grows", 1000 * g.worst_s, "ms", 50, true);
	note("  a question, with growing and looking at memory", 1e9 * taken / (double)i, "ns");
	seen_release(&s);
}

static void memory_plain(void)
{
	grow(SEEN_FOREVER, 32);
}

static void memory_timed(void)
{
	grow(INT64_MAX / 2, 40);
}

/* Beside LMDB; both less what it takes to make the keys up */

static double asking_ns(void)
{
	double from = cpu_s();
	size_t entered = 0;
	uint64_t i = 0, all = 0;

	while (entered < keys_in_log)
		all ^= ask(i++, &entered).low;
	if (!all)
		die(EX_SOFTWARE, "the keys are not spread");
	return 1e9 * (cpu_s() - from) / (double)i;
}

static double seen_ns(void)
{
	double from = cpu_s();
	struct seen s;
	size_t entered = 0;
	uint64_t i = 0;

	seen_init(&s, SEEN_FOREVER, 0, SIZE_MAX);
	while (entered < keys_in_log)
		batch(&s, &i, &entered);
	seen_release(&s);
	return 1e9 * (cpu_s() - from) / (double)i;
}

#if HAS_LMDB

static void sound(int status)
{
	if (status)
		die(EX_SOFTWARE, "lmdb: %s", mdb_strerror(status));
}

static void lmdb_txn(MDB_env *env, MDB_dbi *db, uint64_t *i, size_t *entered)
{
	MDB_txn *txn;

	sound(mdb_txn_begin(env, NULL, 0, &txn));
	if (*i == 0)
		sound(mdb_dbi_open(txn, NULL, 0, db));
	for (size_t k = 0; k < TXN; k++) {
		struct fingerprint f = ask((*i)++, entered);
		MDB_val key = {sizeof(f), &f}, value = {0, NULL};
		int status = mdb_put(txn, *db, &key, &value, MDB_NOOVERWRITE);

		if (status != MDB_KEYEXIST)
			sound(status);
		if ((status == 0) != (k % 2 == 0))
			die(EX_SOFTWARE, "lmdb: a key is not what it should be");
	}
	sound(mdb_txn_commit(txn));
}

static double lmdb_ns(void)
{
	char path[600];
	MDB_env *env;
	MDB_dbi db = 0;
	size_t entered = 0;
	uint64_t i = 0;
	double from;

	snprintf(path, sizeof(path), "%s/lmdb", directory);
	sound(mdb_env_create(&env));
	sound(mdb_env_set_mapsize(env, keys_in_log * 200 + (1 << 30)));
	sound(mkdir(path, 0700));
	sound(mdb_env_open(env, path,
		MDB_NOSYNC | MDB_WRITEMAP | MDB_MAPASYNC | MDB_NOLOCK | MDB_NORDAHEAD |
			MDB_NOMEMINIT,
		0600));
	from = cpu_s();
	while (entered < keys_in_log)
		lmdb_txn(env, &db, &i, &entered);
	from = cpu_s() - from;
	mdb_env_close(env);
	return 1e9 * from / (double)i;
}

#endif

static void beside_lmdb(void)
{
	double asking = asking_ns(), ours = seen_ns(), theirs = asking;

#if HAS_LMDB
	theirs = lmdb_ns();
#endif
	/* before and behind, as the machine may have other work at times */
	ours = (ours + seen_ns()) / 2 - asking;
	theirs -= asking;
	printf("%.0f million keys, half of the questions for new ones:\n",
		(double)keys_in_log / 1e6);
	note("  in batches of 64, fetched ahead", ours, "ns");
	if (HAS_LMDB)
		note("  LMDB, 10,000 a transaction, nothing synced (*)", theirs, "ns");
	else
		printf("  no LMDB here: scripts/deps test installs it\n");
	row("  times as fast", theirs / ours, "", 15, false);
}

/* The log */

static struct keyset *open_keys(uint64_t run)
{
	struct keyset_conf conf = {.ttl_ns = SEEN_FOREVER, .memory_bytes = SIZE_MAX};

	return keyset_open(&conf, directory, run);
}

static void add_new(struct keyset *k, size_t *entered, size_t count)
{
	for (size_t end = *entered + count; *entered < end;) {
		struct keyset_key keys[BATCH] = {0};
		size_t n = end - *entered < BATCH ? end - *entered : BATCH;

		for (size_t i = 0; i < n; i++) {
			keys[i].print = key_of((*entered)++);
			keyset_prefetch(k, keys[i].print);
		}
		for (size_t i = 0; i < n; i++)
			if (keyset_add(k, &keys[i]) != KEYSET_NEW)
				die(EX_SOFTWARE, "a key is not new");
	}
}

static double barrier(struct keyset *k, struct snapshot *to)
{
	double from = wall_s();

	snapshot_init(to);
	keyset_snapshot(k, to);
	return wall_s() - from;
}

static double log_bytes(const struct snapshot *s)
{
	double bytes = 0;
	json_t *file;
	size_t i;

	json_array_foreach (s->files, i, file)
		bytes += json_number_value(json_object_get(file, "bytes"));
	return bytes;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* In ms: the median. */
static double pauses(struct keyset *k, size_t *entered)
{
	double took[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		struct snapshot s;

		add_new(k, entered, CHANGED);
		took[i] = 1000 * barrier(k, &s);
		snapshot_release(&s);
	}
	qsort(took, ROUNDS, sizeof(*took), compare);
	return took[ROUNDS / 2];
}

/* In keys a second: the best. The files are in the system's cache. */
static double restarts(const struct snapshot *from, size_t keys)
{
	double best = 0;

	for (uint64_t run = 2; run < 5; run++) {
		double begin = cpu_s(), rate;
		struct keyset *k = open_keys(run);

		keyset_restore(k, from);
		rate = (double)keys / (cpu_s() - begin);
		if (keyset_count(k) != keys)
			die(EX_SOFTWARE, "%" PRIu64 " keys came back", keyset_count(k));
		best = rate > best ? rate : best;
		keyset_close(k);
	}
	return best;
}

static void with_log(void)
{
	struct keyset *k = open_keys(1);
	struct snapshot s;
	size_t entered = 0, count;
	double pause_ms;

	pause_ms = pauses(k, &entered);
	add_new(k, &entered, keys_in_log);
	barrier(k, &s);
	count = (size_t)keyset_count(k);
	keyset_close(k);
	printf("%.0f million keys in a log:\n", (double)count / 1e6);
	row("  of it, a new key", log_bytes(&s) / (double)count, "bytes", 24, true);
	row("  a barrier with a million new keys stops for", pause_ms, "ms", 50, true);
	row("  restart, million keys a second", restarts(&s, count) / 1e6, "", 5, false);
	snapshot_release(&s);
}

static int delete (const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

int main(int argc, char **argv)
{
	const char *in = getenv("TMPDIR");
	int letter;

	while ((letter = getopt(argc, argv, "n:l:d:")) >= 0)
		if (letter == 'n')
			keys_in_memory = strtoull(optarg, NULL, 10);
		else if (letter == 'l')
			keys_in_log = strtoull(optarg, NULL, 10);
		else if (letter == 'd')
			in = optarg;
		else
			return EX_USAGE;
	snprintf(directory, sizeof(directory), "%s/ddpipe-bench.XXXXXX", in ? in : "/tmp");
	if (!mkdtemp(directory))
		die_errno(EX_CANTCREAT, "cannot create '%s'", directory);
	apart(memory_plain);
	apart(memory_timed);
	apart(beside_lmdb);
	apart(with_log);
	nftw(directory, delete, 16, FTW_DEPTH | FTW_PHYS);
	printf("(*) MDB_NOSYNC, WRITEMAP, MAPASYNC, NOLOCK, NORDAHEAD, NOMEMINIT\n");
	return failed;
}
