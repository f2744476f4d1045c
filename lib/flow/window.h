/*
 * Which windows a time falls in. Windows are [start, end); those here depend on the time alone.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/calendar.h"

struct window {
	int64_t start_ns;
	int64_t end_ns;
};

enum windowing_kind {
	WINDOWING_HOPPING,
	WINDOWING_CALENDAR,
	WINDOWING_ALL, /* one window of all time */
};

/* A tumbling window is a hopping one whose slide is its size. */
struct windowing {
	enum windowing_kind kind;
	int64_t size_ns;   /* above 0 */
	int64_t slide_ns;  /* above 0; may be above size_ns, then there are gaps */
	int64_t offset_ns; /* one begins this much after 1970; |offset_ns| < slide_ns */
	enum calendar_unit unit;
	int week_start;    /* 1 Monday to 7 Sunday */
	struct zone *zone; /* borrowed */
};

enum windowing_answer {
	WINDOWING_FOUND,
	WINDOWING_NONE,   /* the time falls in a gap between windows */
	WINDOWING_BEYOND, /* a window of it does not lie in 64 bits */
};

/* Whether a time may be in more windows than one. */
static inline bool windowing_overlaps(const struct windowing *k)
{
	return k->kind == WINDOWING_HOPPING && k->slide_ns < k->size_ns;
}

/* The last window that holds time_ns; those before 1970 are floored. */
enum windowing_answer windowing_last(const struct windowing *k, int64_t time_ns, struct window *w);

/* Goes from a window that holds time_ns to the one before it; false if that does not hold it. */
bool windowing_previous(const struct windowing *k, int64_t time_ns, struct window *w);

/* Goes to the window behind w; false beyond 64 bits. */
bool windowing_next(const struct windowing *k, struct window *w);

#endif
