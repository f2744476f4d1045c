#include "flow/window.h"

#include "base/wide.h"
#include "random.h"
#include "test.h"

static struct windowing hopping(int64_t size_ns, int64_t slide_ns, int64_t offset_ns)
{
	return (struct windowing){
		.kind = WINDOWING_HOPPING,
		.size_ns = size_ns,
		.slide_ns = slide_ns,
		.offset_ns = offset_ns,
	};
}

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
		struct windowing k = hopping(cases[i].size, cases[i].size, cases[i].offset);
		struct window w;

		check_int(windowing_last(&k, cases[i].time, &w), WINDOWING_FOUND);
		check_int(w.start_ns, cases[i].start);
		check_int(w.end_ns, cases[i].start + cases[i].size);
		check(!windowing_previous(&k, cases[i].time, &w));
	}
}

/* Every window there is about, each asked whether it holds the time, the last one first. */
static size_t brute_force(const struct windowing *k, int64_t time, struct window *list)
{
	size_t count = 0;

	for (int64_t n = 100; n >= -100; n--) {
		int64_t start = k->offset_ns + n * k->slide_ns;

		if (start <= time && time < start + k->size_ns)
			list[count++] = (struct window){start, start + k->size_ns};
	}
	return count;
}

/* Sizes from below the slide (gaps) to many times the slide, which need not divide them. */
void test_hopping_against_brute_force(void)
{
	random_seed();
	for (int i = 0; i < 20000; i++) {
		int64_t slide = 1 + (int64_t)random_below(20), size = 1 + (int64_t)random_below(60);
		int64_t offset = (int64_t)random_below((uint64_t)(2 * slide - 1)) - slide + 1;
		int64_t time = (int64_t)random_below(60) - 30;
		struct windowing k = hopping(size, slide, offset);
		struct window list[201], w, next;
		size_t count = brute_force(&k, time, list);

		check_int(windowing_last(&k, time, &w), count ? WINDOWING_FOUND : WINDOWING_NONE);
		for (size_t n = 0; n < count; n++) {
			check(w.start_ns == list[n].start_ns && w.end_ns == list[n].end_ns);
			next = w;
			check(windowing_next(&k, &next));
			check(next.start_ns == w.start_ns + slide);
			check(next.end_ns == next.start_ns + size);
			check_int(windowing_previous(&k, time, &w), n + 1 < count);
		}
	}
}

static int64_t random_of_all_magnitudes(void)
{
	return (int64_t)random_next() >> random_below(63);
}

static int128 floor_to(int128 time, int128 slide, int128 offset)
{
	int128 into = (time - offset) % slide;

	return time - (into < 0 ? into + slide : into);
}

/* Of all magnitudes: worked out in 128 bits. What is given is right; and it is given, unless a
 * window of the time, or one that would be about it, is beyond 64 bits. */
void test_magnitudes(void)
{
	random_seed();
	for (int i = 0; i < 1000000; i++) {
		int64_t time = random_of_all_magnitudes();
		int64_t size = random_of_all_magnitudes() & INT64_MAX;
		int64_t slide = i % 2 ? size : random_of_all_magnitudes() & INT64_MAX;
		struct windowing k;
		enum windowing_answer answer;
		int128 start;
		struct window w;

		size += size == 0;
		slide += slide == 0;
		k = hopping(size, slide, random_of_all_magnitudes() % slide);
		start = floor_to(time, slide, k.offset_ns);
		answer = windowing_last(&k, time, &w);
		if (start - size >= INT64_MIN && start + size <= INT64_MAX)
			check_int(answer, time < start + size ? WINDOWING_FOUND : WINDOWING_NONE);
		else
			check(answer == WINDOWING_BEYOND || answer == WINDOWING_NONE ||
				(start >= INT64_MIN && start + size <= INT64_MAX));
		if (answer == WINDOWING_FOUND) {
			check(w.start_ns == start && w.end_ns == start + size);
			check_int(windowing_previous(&k, time, &w), start - slide + size > time);
		}
	}
}

/* To the end of time and no farther. */
void test_next_at_the_end(void)
{
	struct windowing k = hopping(10, 10, 0);
	struct window w = {INT64_MAX - 25, INT64_MAX - 15};

	check(windowing_next(&k, &w));
	check_int(w.end_ns, INT64_MAX - 5);
	check(!windowing_next(&k, &w));
}

void test_the_extremes(void)
{
	struct windowing k = hopping(10, 10, 0);
	struct windowing wide = hopping(INT64_MAX, INT64_MAX, INT64_MAX - 1);
	struct windowing sparse = hopping(1, INT64_C(1) << 62, 1);
	struct window w;

	check_int(windowing_last(&k, INT64_MIN, &w), WINDOWING_BEYOND);
	check_int(windowing_last(&k, INT64_MAX, &w), WINDOWING_BEYOND);
	check_int(windowing_last(&k, INT64_MAX - 10, &w), WINDOWING_FOUND);
	check(w.start_ns <= INT64_MAX - 10 && w.end_ns > INT64_MAX - 10);
	check_int(windowing_last(&wide, INT64_MIN, &w), WINDOWING_BEYOND);
	check_int(windowing_last(&wide, INT64_MAX, &w), WINDOWING_BEYOND);
	check_int(windowing_last(&sparse, INT64_MIN + 1, &w), WINDOWING_FOUND);
	check_int(w.start_ns, INT64_MIN + 1);
	check(!windowing_previous(&sparse, INT64_MIN + 1, &w));
}

void test_all(void)
{
	static const int64_t times[] = {INT64_MIN, -1, 0, INT64_MAX - 1};
	struct windowing k = {.kind = WINDOWING_ALL};

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		struct window w;

		check_int(windowing_last(&k, times[i], &w), WINDOWING_FOUND);
		check(w.start_ns == INT64_MIN && w.end_ns == INT64_MAX);
		check(!windowing_previous(&k, times[i], &w));
		check(!windowing_next(&k, &w));
	}
}

/* The calendar's windows, gone through by next; what they are is calendar's to test. */
void test_calendar(void)
{
	const int64_t day = INT64_C(86400000000000);
	struct zone z;
	struct windowing k = {.kind = WINDOWING_CALENDAR, .unit = CALENDAR_DAY, .zone = &z};
	struct window w;

	zone_fixed(&z, 3600);
	check_int(windowing_last(&k, 0, &w), WINDOWING_FOUND);
	check_int(w.start_ns, -day / 24);
	check_int(w.end_ns, day - day / 24);
	check(!windowing_previous(&k, 0, &w));
	check(windowing_next(&k, &w));
	check_int(w.start_ns, day - day / 24);
	check_int(w.end_ns, 2 * day - day / 24);
	check_int(windowing_last(&k, INT64_MAX, &w), WINDOWING_BEYOND);
	check_int(windowing_last(&k, INT64_MIN, &w), WINDOWING_BEYOND);
	zone_release(&z);
}
