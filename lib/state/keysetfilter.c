#include "state/keysetfilter.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/compact.h"
#include "base/die.h"
#include "base/mem.h"
#include "flow/bloom.h"
#include "state/changelog.h"
#include "state/member.h"

enum { KEY_BYTES = 2 * COMPACT_WORD, KIND_MAX = 32 };

struct filter_log {
	struct changelog log;
	char kind[KIND_MAX];
};

struct filters {
	struct keyset keyset;
	struct bloom bloom;
	bool is_logged;
	struct filter_log logs[BLOOM_FILTERS]; /* one a filter */
};

static struct filters *filters_of(struct keyset *k)
{
	return (struct filters *)k;
}

static const struct bloom *bloom_of(const struct keyset *k)
{
	return &((const struct filters *)k)->bloom;
}

static void filters_close(struct keyset *k)
{
	struct filters *f = filters_of(k);

	for (size_t i = 0; f->is_logged && i < f->bloom.filter_count; i++)
		changelog_release(&f->logs[i].log);
	bloom_release(&f->bloom);
	free(f);
}

static void filters_prefetch(const struct keyset *k, struct fingerprint print)
{
	bloom_prefetch(bloom_of(k), print);
}

static void note(struct changelog *log, struct fingerprint print)
{
	char bytes[KEY_BYTES];

	compact_write_word(compact_write_word(bytes, print.low), print.high);
	changelog_put(log, bytes, sizeof(bytes), NULL, 0);
}

static enum keyset_answer filters_add(struct keyset *k, const struct keyset_key *key)
{
	struct filters *f = filters_of(k);
	int which;

	if (bloom_has(&f->bloom, key->print))
		return KEYSET_DOUBT;
	which = bloom_enter(&f->bloom, key->print, key->time_ns);
	if (which == BLOOM_FULL)
		return KEYSET_FULL;
	if (f->is_logged && which != BLOOM_NONE)
		note(&f->logs[which].log, key->print);
	return KEYSET_NEW;
}

/* The logs of filters that are empty are of no use. */
static void drop_logs(struct filters *f)
{
	for (size_t i = 0; i < f->bloom.filter_count; i++) {
		struct changelog *log = &f->logs[i].log;

		if (!f->bloom.filters[i].count && changelog_bytes(log))
			changelog_drop_before(log, changelog_roll(log));
	}
}

static void filters_set_clock(struct keyset *k, int64_t clock_ns)
{
	struct filters *f = filters_of(k);
	bool sweeps = f->bloom.sweep_ns <= clock_ns;

	bloom_set_clock(&f->bloom, clock_ns);
	if (sweeps && f->is_logged)
		drop_logs(f);
}

static int64_t filters_clock_ns(const struct keyset *k)
{
	return bloom_of(k)->clock_ns;
}

static uint64_t filters_count(const struct keyset *k)
{
	return bloom_count(bloom_of(k));
}

static size_t filters_bytes(const struct keyset *k)
{
	return bloom_bytes(bloom_of(k));
}

static void filters_snapshot(struct keyset *k, struct snapshot *to)
{
	struct filters *f = filters_of(k);
	json_t *newest = json_array();

	for (size_t i = 0; i < f->bloom.filter_count; i++) {
		json_t *files;

		changelog_sync(&f->logs[i].log);
		files = changelog_files(&f->logs[i].log);
		json_array_extend(to->files, files);
		json_decref(files);
		json_array_append_new(newest, json_integer(f->bloom.filters[i].newest_ns));
	}
	json_object_set_new(to->state, "newest", newest);
	member_put(to->state, "clock", f->bloom.clock_ns);
}

struct restoring {
	struct bloom *bloom;
	int which;
};

static const char *take(
	void *context, const char *key, size_t key_len, const char *value, size_t value_len)
{
	const struct restoring *r = context;
	struct fingerprint print;

	if (!value || value_len || key_len != KEY_BYTES)
		return "no key of 16 bytes";
	print.low = compact_read_word(key);
	print.high = compact_read_word(key + COMPACT_WORD);
	if (!bloom_enter_in(r->bloom, print, r->which))
		die(EX_TEMPFAIL,
			"there is no room for the %" PRIu64
			" keys and more that were kept; give --memory more",
			bloom_count(r->bloom));
	return NULL;
}

static void filters_restore(struct keyset *k, const struct snapshot *from)
{
	struct filters *f = filters_of(k);
	const json_t *newest = json_object_get(from->state, "newest");

	if (json_array_size(newest) != f->bloom.filter_count)
		member_die("newest");
	for (size_t i = 0; i < f->bloom.filter_count; i++) {
		struct restoring r = {&f->bloom, (int)i};

		changelog_restore(&f->logs[i].log, from->files, take, &r);
		if (f->bloom.filters[i].count)
			bloom_set_newest(
				&f->bloom, r.which, json_integer_value(json_array_get(newest, i)));
	}
	filters_set_clock(k, member_get(from->state, "clock"));
}

static const struct keyset_engine engine = {
	.close = filters_close,
	.prefetch = filters_prefetch,
	.add = filters_add,
	.set_clock = filters_set_clock,
	.clock_ns = filters_clock_ns,
	.count = filters_count,
	.bytes = filters_bytes,
	.snapshot = filters_snapshot,
	.restore = filters_restore,
};

struct keyset *keysetfilter_open(
	const struct keyset_conf *conf, const char *stage_dir, uint64_t run)
{
	struct filters *f = mem_zero(1, sizeof(*f));

	assert(conf->doubt > 0 && !conf->has_versions);
	f->keyset.engine = &engine;
	bloom_init(&f->bloom, conf->doubt, conf->ttl_ns, (size_t)conf->memory_bytes);
	f->is_logged = stage_dir != NULL;
	for (size_t i = 0; f->is_logged && i < f->bloom.filter_count; i++) {
		snprintf(f->logs[i].kind, KIND_MAX, "state-%zu", i);
		changelog_init(&f->logs[i].log, stage_dir, f->logs[i].kind, run);
	}
	return &f->keyset;
}

uint64_t keysetfilter_capacity(const struct keyset_conf *conf)
{
	struct bloom b;

	bloom_init(&b, conf->doubt, conf->ttl_ns, (size_t)conf->memory_bytes);
	return bloom_capacity(&b);
}
