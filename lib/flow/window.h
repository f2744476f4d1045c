/* Which window a time falls in. Windows are [start, end). */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdbool.h>
#include <stdint.h>

struct window {
	int64_t start_ns;
	int64_t end_ns;
};

/*
 * The tumbling window of size_ns, the first of which begins at offset_ns since 1970; times before
 * 1970 are floored. size_ns > 0, |offset_ns| < size_ns. False if the window does not lie in 64
 * bits.
 */
bool window_tumbling(int64_t time_ns, int64_t size_ns, int64_t offset_ns, struct window *w);

#endif
