#include "flow/window.h"

#include "base/wide.h"
#include "random.h"
#include "test.h"

void test_tumbling(void)
{
	static const struct {
		int64_t time, size, offset, start;
	} cases[] = {
		{0, 10, 0, 0},
		{9, 10, 0, 0},
		{10, 10, 0, 10},
		{-1, 10, 0, -10},
		{-10, 10, 0, -10},
		{-11, 10, 0, -20},
		{0, 10, 3, -7},
		{3, 10, 3, 3},
		{2, 10, 3, -7},
		{0, 10, -3, -3},
		{6, 10, -3, -3},
		{7, 10, -3, 7},
		{-4, 10, -3, -13},
		{5, 1, 0, 5},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct window w;

		check(window_tumbling(cases[i].time, cases[i].size, cases[i].offset, &w));
		check_int(w.start_ns, cases[i].start);
		check_int(w.end_ns, cases[i].start + cases[i].size);
	}
}

static int64_t random_of_all_magnitudes(void)
{
	return (int64_t)random_next() >> random_below(63);
}

/* The window holds the time, is as long as asked for, and begins at a multiple behind the offset;
 * it is refused exactly when there is no such one in 64 bits. */
void test_properties(void)
{
	random_seed();
	for (int i = 0; i < 1000000; i++) {
		int64_t time = random_of_all_magnitudes();
		int64_t size = random_of_all_magnitudes() & INT64_MAX;
		int64_t offset;
		int128 into, start;
		struct window w;

		size += size == 0;
		offset = random_of_all_magnitudes() % size;
		into = ((int128)time - offset) % size;
		into += into < 0 ? size : 0;
		start = time - into;
		check_int(window_tumbling(time, size, offset, &w),
			start >= INT64_MIN && start + size <= INT64_MAX);
		if (start >= INT64_MIN && start + size <= INT64_MAX)
			check(w.start_ns == start && w.end_ns == start + size);
	}
}
