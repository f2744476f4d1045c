#include "flow/rhythm.h"

#include "base/instant.h"

#define LONGEST_IDLE_NS (60 * (int64_t)NS_PER_S)

void rhythm_begin(struct rhythm *r, int64_t every_ns, uint64_t every_bytes, int64_t now_ns)
{
	*r = (struct rhythm){
		.every_ns = every_ns,
		.every_bytes = every_bytes,
		.interval_ns = every_ns,
		.began_ns = now_ns,
		.is_empty = true,
	};
}

int64_t rhythm_due_ns(const struct rhythm *r)
{
	return r->every_ns ? time_plus(r->began_ns, r->interval_ns) : INT64_MAX;
}

void rhythm_next(struct rhythm *r, int64_t now_ns)
{
	int64_t longest = r->every_ns > LONGEST_IDLE_NS ? r->every_ns : LONGEST_IDLE_NS;

	if (!r->is_empty)
		r->interval_ns = r->every_ns;
	else
		r->interval_ns = r->interval_ns < longest / 2 ? 2 * r->interval_ns : longest;
	r->began_ns = now_ns;
	r->bytes = 0;
	r->is_empty = true;
}
