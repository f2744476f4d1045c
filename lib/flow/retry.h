/* When to try again, and when to give up. */
#ifndef RETRY_H
#define RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/backoff.h"

struct retry {
	struct backoff backoff;
	uint64_t most;     /* tries after the first */
	int64_t for_ns;    /* after the first failure */
	uint64_t failures; /* in a row */
	int64_t since_ns;  /* when the first of them was */
};

/* Something was achieved: the next failure is a first one. */
void retry_reset(struct retry *r);

/*
 * A try failed at now_ns. True with the time to try again in *at_ns, on the same clock: never later
 * than for_ns after the first failure, where a last try is made. False to give up: also when the
 * destination asked for a wait, at_least_ms, that ends after that. random has 64 random bits.
 */
bool retry_failed(
	struct retry *r, int64_t now_ns, uint64_t random, uint64_t at_least_ms, int64_t *at_ns);

#endif
