#include "state/keysetprints.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "state/seenlog.h"

struct prints {
	struct keyset keyset;
	bool has_versions; /* they are the values */
	bool is_logged;
	struct seen seen;
	struct seenlog log;
};

static struct prints *prints_of(struct keyset *k)
{
	return (struct prints *)k;
}

static const struct seen *seen_of(const struct keyset *k)
{
	return &((const struct prints *)k)->seen;
}

static void prints_close(struct keyset *k)
{
	struct prints *p = prints_of(k);

	if (p->is_logged)
		seenlog_release(&p->log);
	seen_release(&p->seen);
	free(p);
}

static void prints_prefetch(const struct keyset *k, struct fingerprint print)
{
	seen_prefetch(seen_of(k), print);
}

static void note(struct prints *p, const struct seen_slot *slot)
{
	if (p->is_logged)
		seenlog_add(&p->log, slot);
}

/* A key is there: does what came have a newer version? */
static enum keyset_answer compare(
	struct prints *p, struct seen_slot *slot, const struct keyset_key *key)
{
	struct decimal *version = seen_value(&p->seen, slot);
	int order = p->has_versions ? decimal_compare(&key->version, version) : 0;

	if (order <= 0)
		return order < 0 ? KEYSET_OLDER : KEYSET_SAME;
	*version = key->version;
	if (p->seen.ttl_ns != SEEN_FOREVER && key->time_ns > *seen_time(slot))
		*seen_time(slot) = key->time_ns;
	note(p, slot);
	return KEYSET_NEWER;
}

static enum keyset_answer prints_add(struct keyset *k, const struct keyset_key *key)
{
	struct prints *p = prints_of(k);
	struct seen_slot *slot;

	switch (seen_enter(&p->seen, key->print, key->time_ns, &slot)) {
	case SEEN_BEFORE:
		return compare(p, slot, key);
	case SEEN_FULL:
		return KEYSET_FULL;
	case SEEN_NEW:
		break;
	}
	if (slot && p->has_versions)
		memcpy(seen_value(&p->seen, slot), &key->version, sizeof(key->version));
	if (slot)
		note(p, slot);
	return KEYSET_NEW;
}

static void prints_set_clock(struct keyset *k, int64_t clock_ns)
{
	struct prints *p = prints_of(k);

	if (clock_ns < p->seen.clock_ns && p->is_logged && p->seen.ttl_ns != SEEN_FOREVER)
		seenlog_sweep(&p->log);
	seen_set_clock(&p->seen, clock_ns);
}

static int64_t prints_clock_ns(const struct keyset *k)
{
	return seen_of(k)->clock_ns;
}

static uint64_t prints_count(const struct keyset *k)
{
	return seen_of(k)->count;
}

static size_t prints_bytes(const struct keyset *k)
{
	return seen_of(k)->bytes;
}

static void prints_snapshot(struct keyset *k, struct snapshot *to)
{
	seenlog_snapshot(&prints_of(k)->log, to);
}

static void prints_restore(struct keyset *k, const struct snapshot *from)
{
	seenlog_restore(&prints_of(k)->log, from);
}

static const struct keyset_engine engine = {
	.close = prints_close,
	.prefetch = prints_prefetch,
	.add = prints_add,
	.set_clock = prints_set_clock,
	.clock_ns = prints_clock_ns,
	.count = prints_count,
	.bytes = prints_bytes,
	.snapshot = prints_snapshot,
	.restore = prints_restore,
};

struct keyset *keysetprints_open(
	const struct keyset_conf *conf, const char *stage_dir, uint64_t run)
{
	struct prints *p = mem_zero(1, sizeof(*p));

	p->keyset.engine = &engine;
	p->has_versions = conf->has_versions;
	seen_init(&p->seen, conf->ttl_ns, conf->has_versions ? sizeof(struct decimal) : 0,
		(size_t)conf->memory_bytes);
	p->is_logged = stage_dir != NULL;
	if (p->is_logged)
		seenlog_init(&p->log, &p->seen, stage_dir, run);
	return &p->keyset;
}
