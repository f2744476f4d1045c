/*
 * Random numbers (SplitMix64) from a seed that is the same each time: for claims that hold with a
 * probability, and must not fail now and then. SEED=N in the environment sets another.
 */
#ifndef SEEDED_H
#define SEEDED_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct random {
	uint64_t state;
};

static inline struct random random_begin(void)
{
	const char *given = getenv("SEED");
	struct random r = {given ? strtoull(given, NULL, 10) : 20260501};

	fprintf(stderr, "SEED=%" PRIu64 "\n", r.state);
	return r;
}

static inline uint64_t random_next(struct random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline uint64_t random_below(struct random *r, uint64_t n)
{
	return random_next(r) % n;
}

/* In [0, 1). */
static inline double random_unit(struct random *r)
{
	return (double)(random_next(r) >> 11) * 0x1p-53;
}

#endif
