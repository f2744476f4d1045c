#include "flow/retry.h"

#include <limits.h>

#include "base/instant.h"

void retry_reset(struct retry *r)
{
	r->failures = 0;
}

bool retry_failed(
	struct retry *r, int64_t now_ns, uint64_t random, uint64_t at_least_ms, int64_t *at_ns)
{
	uint64_t wait_ms, left_ns;

	if (!r->failures)
		r->since_ns = now_ns;
	r->failures++;
	if (r->failures > r->most || now_ns - r->since_ns >= r->for_ns)
		return false;
	left_ns = (uint64_t)(r->for_ns - (now_ns - r->since_ns));
	if (at_least_ms > left_ns / NS_PER_MS)
		return false;
	wait_ms = backoff_ms(&r->backoff, r->failures > UINT_MAX ? UINT_MAX : (unsigned)r->failures,
		random, at_least_ms);
	if (wait_ms < left_ns / NS_PER_MS)
		*at_ns = time_plus(now_ns, (int64_t)wait_ms * NS_PER_MS);
	else
		*at_ns = time_plus(now_ns, (int64_t)left_ns);
	return true;
}
