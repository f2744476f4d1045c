/*
 * Random input for a test. The seed is printed; SEED=N in the environment gives the same again.
 * Marsaglia's xorshift64.
 */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>
#include <time.h>

#include "test.h"

static uint64_t random_state;

static inline uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static inline uint64_t random_below(uint64_t n)
{
	return (random_next() >> 8) % n;
}

static inline void random_seed(void)
{
	const char *given = getenv("SEED");
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	random_state = given ? strtoull(given, NULL, 10)
			     : ((uint64_t)now.tv_nsec << 20 ^ (uint64_t)now.tv_sec) | 1;
	fprintf(stderr, "SEED=%llu\n", (unsigned long long)random_state);
}

#endif
