#include "flow/window.h"

bool window_tumbling(int64_t time_ns, int64_t size_ns, int64_t offset_ns, struct window *w)
{
	int64_t into_ns = (time_ns % size_ns - offset_ns % size_ns) % size_ns;

	if (into_ns < 0)
		into_ns += size_ns;
	return !__builtin_sub_overflow(time_ns, into_ns, &w->start_ns) &&
	       !__builtin_add_overflow(w->start_ns, size_ns, &w->end_ns);
}
