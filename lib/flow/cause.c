#include "flow/cause.h"

enum { UNAVAILABLE = 69 }; /* EX_UNAVAILABLE */

int cause_of(const struct ending *ends, size_t count)
{
	int status = 0;

	for (size_t i = 0; i < count; i++) {
		const struct ending *e = &ends[i];

		if (e->excused || (!e->by_signal && e->number == 0))
			continue;
		if (!e->by_signal && e->number != CAUSE_TRY_AGAIN)
			return e->number;
		status = CAUSE_TRY_AGAIN;
	}
	return status;
}

bool cause_may_pass(int status)
{
	return status == UNAVAILABLE || status == CAUSE_TRY_AGAIN;
}
