#include "state/keyset.h"

#include <assert.h>

#include "state/keysetfilter.h"
#include "state/keysetprints.h"
#include "state/keysetstored.h"

struct keyset *keyset_open(const struct keyset_conf *conf, const char *stage_dir, uint64_t run)
{
	assert(conf->doubt <= 0 || !(conf->exact || conf->on_disk || conf->has_versions));
	if (conf->doubt > 0)
		return keysetfilter_open(conf, stage_dir, run);
	if (conf->exact || conf->on_disk)
		return keysetstored_open(conf, stage_dir, run);
	return keysetprints_open(conf, stage_dir, run);
}

void keyset_close(struct keyset *k)
{
	k->engine->close(k);
}

void keyset_prefetch(const struct keyset *k, struct fingerprint print)
{
	k->engine->prefetch(k, print);
}

enum keyset_answer keyset_add(struct keyset *k, const struct keyset_key *key)
{
	return k->engine->add(k, key);
}

void keyset_set_clock(struct keyset *k, int64_t clock_ns)
{
	k->engine->set_clock(k, clock_ns);
}

int64_t keyset_clock_ns(const struct keyset *k)
{
	return k->engine->clock_ns(k);
}

uint64_t keyset_count(const struct keyset *k)
{
	return k->engine->count(k);
}

size_t keyset_bytes(const struct keyset *k)
{
	return k->engine->bytes(k);
}

void keyset_snapshot(struct keyset *k, struct snapshot *to)
{
	k->engine->snapshot(k, to);
}

void keyset_restore(struct keyset *k, const struct snapshot *from)
{
	k->engine->restore(k, from);
}
