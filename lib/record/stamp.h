/* A date and time of day as it was written, before its zone is known. */
#ifndef STAMP_H
#define STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"

struct stamp {
	int64_t local_s; /* as if it were UTC */
	int32_t ns;
	int32_t offset_s;
	bool has_offset;
	bool is_leap_second;
};

/* Adds the time of day to the date; second 60 becomes the end of second 59. */
static inline void stamp_add(struct stamp *t, int hour, int minute, int second)
{
	t->is_leap_second = second == 60;
	t->local_s += hour * 3600 + minute * 60 + second - t->is_leap_second;
}

#endif
