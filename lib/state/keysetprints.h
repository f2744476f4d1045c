/* state/keyset with 128-bit fingerprints in memory. */
#ifndef KEYSETPRINTS_H
#define KEYSETPRINTS_H

#include "state/keyset.h"

struct keyset *keysetprints_open(
	const struct keyset_conf *conf, const char *stage_dir, uint64_t run);

#endif
