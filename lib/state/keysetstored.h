/*
 * state/keyset with the keys in a state/store, as fingerprints or as their own bytes; in memory or
 * on disk.
 *
 * What has run out is taken away bit by bit. In memory by looking at all entries once in an eighth
 * of the time to live; their memory is used again, and given back when none is left. On disk by
 * timers, each entry when its time has come. There half of memory_bytes is for entries, which are
 * spilled when they have filled it. In memory the bound may be passed by 256 KiB.
 */
#ifndef KEYSETSTORED_H
#define KEYSETSTORED_H

#include "state/keyset.h"

struct keyset *keysetstored_open(
	const struct keyset_conf *conf, const char *stage_dir, uint64_t run);

#endif
