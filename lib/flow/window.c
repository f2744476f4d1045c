#include "flow/window.h"

#include "base/wide.h"

static enum windowing_answer last_hopping(
	const struct windowing *k, int64_t time_ns, struct window *w)
{
	int64_t into_ns = time_ns % k->slide_ns, from_ns = k->offset_ns % k->slide_ns, earliest;

	/* both in [0, slide), so that nothing overflows however long it is */
	into_ns += into_ns < 0 ? k->slide_ns : 0;
	from_ns += from_ns < 0 ? k->slide_ns : 0;
	into_ns -= from_ns;
	into_ns += into_ns < 0 ? k->slide_ns : 0;
	if (__builtin_sub_overflow(time_ns, into_ns, &w->start_ns) ||
		__builtin_add_overflow(w->start_ns, k->size_ns, &w->end_ns) ||
		__builtin_sub_overflow(w->start_ns, k->size_ns, &earliest))
		return WINDOWING_BEYOND;
	return time_ns < w->end_ns ? WINDOWING_FOUND : WINDOWING_NONE;
}

enum windowing_answer windowing_last(const struct windowing *k, int64_t time_ns, struct window *w)
{
	if (k->kind == WINDOWING_HOPPING)
		return last_hopping(k, time_ns, w);
	if (k->kind == WINDOWING_ALL) {
		*w = (struct window){INT64_MIN, INT64_MAX};
		return WINDOWING_FOUND;
	}
	return calendar_window(k->unit, k->week_start, k->zone, time_ns, &w->start_ns, &w->end_ns)
		       ? WINDOWING_FOUND
		       : WINDOWING_BEYOND;
}

bool windowing_previous(const struct windowing *k, int64_t time_ns, struct window *w)
{
	if (k->kind != WINDOWING_HOPPING || (int128)w->end_ns - k->slide_ns <= time_ns)
		return false;
	w->start_ns -= k->slide_ns;
	w->end_ns -= k->slide_ns;
	return true;
}

bool windowing_next(const struct windowing *k, struct window *w)
{
	if (k->kind == WINDOWING_ALL)
		return false;
	if (k->kind == WINDOWING_CALENDAR)
		return calendar_window(
			k->unit, k->week_start, k->zone, w->end_ns, &w->start_ns, &w->end_ns);
	return !__builtin_add_overflow(w->start_ns, k->slide_ns, &w->start_ns) &&
	       !__builtin_add_overflow(w->end_ns, k->slide_ns, &w->end_ns);
}
