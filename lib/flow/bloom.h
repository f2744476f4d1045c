/*
 * Which keys have been seen, in little memory and with some doubt: Bloom filters (Bloom 1970) of
 * 128-bit fingerprints. A key that was entered is always found; one that was not is found as well
 * with a probability of at most the rate that is asked for, however full the filters are.
 *
 * A filter is blocked (Putze, Sanders, Singler 2007): all bits of a key are in one cache line of
 * 512, so that a question costs one miss. Bits per key and how many of them a key sets follow from
 * the rate; how many keys there is room for, from the memory.
 *
 *     rate     bits a key   hashes      (12.3, 18.2, 25.2 and 43.4 bits with a time to live)
 *     10 %          5.1          3
 *     1 %          10.2          7
 *     0.1 %        15.8          9
 *     0.001 %      30.1         14
 *
 * With a time to live D there are BLOOM_FILTERS of them, each of which takes the keys of an eighth
 * of D of time and is given up as a whole when all of these have run out; so a key is found for
 * between D and 9/8 D. As the keys of any of them are asked for, each has a rate so much smaller.
 * Where the times are so far apart that there is no filter for each eighth, or that of one is full,
 * the key goes to the filter of a later time, or else one's time is raised: keys are then found for
 * longer, but never for less.
 */
#ifndef BLOOM_H
#define BLOOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/seen.h"

enum { BLOOM_FILTERS = 24, BLOOM_WORDS = 8 /* of a block */ };

struct bloom_filter {
	void *memory;     /* NULL: no key is in it */
	uint64_t *blocks; /* in memory, at the bounds of cache lines */
	uint64_t count;
	int64_t newest_ns; /* no key in it is of a later time */
};

struct bloom {
	struct bloom_filter filters[BLOOM_FILTERS];
	size_t filter_count; /* of these that are used: 1 without a time to live */
	uint64_t blocks;     /* of each */
	uint64_t keys;       /* that each has room for */
	unsigned hashes;
	int64_t ttl_ns; /* SEEN_FOREVER: none */
	int64_t clock_ns;
	int64_t sweep_ns; /* no filter has run out before the clock is there */
};

/* rate is above 0 and below 1. Memory is taken as it is needed, at most max_bytes. */
void bloom_init(struct bloom *b, double rate, int64_t ttl_ns, size_t max_bytes);
void bloom_release(struct bloom *b);

/* How many keys there is room for at once. */
static inline uint64_t bloom_capacity(const struct bloom *b)
{
	return b->keys * b->filter_count;
}

/* How many are in, some of which may have run out; and the memory. */
uint64_t bloom_count(const struct bloom *b);
size_t bloom_bytes(const struct bloom *b);

/* Time stands at clock_ns; filters that have run out are empty then, also when the clock is set
 * back. O(1) but where there are. */
void bloom_set_clock(struct bloom *b, int64_t clock_ns);

/* Fetches what bloom_has looks at. */
void bloom_prefetch(const struct bloom *b, struct fingerprint key);

/* Whether the key was entered and has not run out, or it looks so. */
bool bloom_has(const struct bloom *b, struct fingerprint key);

/* Enters a key; any time without a time to live. Gives the filter it is in, BLOOM_NONE for one that
 * has run out already, or BLOOM_FULL. */
enum { BLOOM_NONE = -1, BLOOM_FULL = -2 };
int bloom_enter(struct bloom *b, struct fingerprint key, int64_t time_ns);

/* For filters that are made anew: enters a key in that one, false if it has no room; and says how
 * late its keys are. */
bool bloom_enter_in(struct bloom *b, struct fingerprint key, int which);
void bloom_set_newest(struct bloom *b, int which, int64_t newest_ns);

#endif
