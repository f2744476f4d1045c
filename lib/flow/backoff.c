#include "flow/backoff.h"

#include <assert.h>

__extension__ typedef unsigned __int128 wide;

static uint64_t ceiling_ms(const struct backoff *b, unsigned failures)
{
	unsigned doublings = failures - 1;

	if (doublings >= 64 || b->base_ms > b->cap_ms >> doublings)
		return b->cap_ms;
	return b->base_ms << doublings;
}

uint64_t backoff_ms(
	const struct backoff *b, unsigned failures, uint64_t random, uint64_t at_least_ms)
{
	uint64_t jitter_ms;

	assert(failures > 0 && b->base_ms <= b->cap_ms);
	/* The random bits as a fraction of 2^64: no modulo, no bias to speak of. */
	jitter_ms = (uint64_t)((wide)random * ((wide)ceiling_ms(b, failures) + 1) >> 64);
	return at_least_ms > UINT64_MAX - jitter_ms ? UINT64_MAX : at_least_ms + jitter_ms;
}
