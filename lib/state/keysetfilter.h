/*
 * state/keyset with Bloom filters (flow/bloom): in bounded memory, each key that was seen is found,
 * and so are a few that were not. Versions can't be held.
 *
 * Under a checkpoint each key that is entered is put into the changelog of the filter that it is
 * in, 18 bytes; so what is restored is the same bit for bit, and when all of a filter has run out,
 * the files of its log are in no snapshot any more. Beside memory_bytes, a log that is being
 * written takes up to 1 MiB.
 */
#ifndef KEYSETFILTER_H
#define KEYSETFILTER_H

#include "state/keyset.h"

struct keyset *keysetfilter_open(
	const struct keyset_conf *conf, const char *stage_dir, uint64_t run);

/* How many keys there will be room for. */
uint64_t keysetfilter_capacity(const struct keyset_conf *conf);

#endif
