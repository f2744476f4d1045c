/*
 * How long to wait before trying again: exponential backoff with full jitter.
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
#ifndef BACKOFF_H
#define BACKOFF_H

#include <stdint.h>

struct backoff {
	uint64_t base_ms; /* the ceiling of the first wait */
	uint64_t cap_ms;  /* the ceiling of any; not below base_ms */
};

/*
 * The wait after `failures` failed attempts in a row (at least 1), uniform between 0 and
 * min(cap, base * 2^(failures - 1)), both included. random has 64 random bits.
 *
 * at_least_ms is what the destination asked for (Retry-After), else 0; the jitter comes on top of
 * it, so that those who were turned away together don't come back together.
 */
uint64_t backoff_ms(
	const struct backoff *b, unsigned failures, uint64_t random, uint64_t at_least_ms);

#endif
