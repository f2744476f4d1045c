#include "flow/window.h"

bool window_tumbling(int64_t time_ns, int64_t size_ns, int64_t offset_ns, struct window *w)
{
	int64_t into_ns = time_ns % size_ns, from_ns = offset_ns % size_ns;

	/* both in [0, size), so that nothing overflows in windows of more than 146 years */
	into_ns += into_ns < 0 ? size_ns : 0;
	from_ns += from_ns < 0 ? size_ns : 0;
	into_ns -= from_ns;
	into_ns += into_ns < 0 ? size_ns : 0;
	return !__builtin_sub_overflow(time_ns, into_ns, &w->start_ns) &&
	       !__builtin_add_overflow(w->start_ns, size_ns, &w->end_ns);
}
