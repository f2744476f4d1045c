#include "flow/merge.h"

#include <stdbool.h>

#include "random.h"
#include "test.h"

enum { INPUTS = 9, RECORDS = 200 };

static bool is_least(const int64_t *nexts, const size_t *left, size_t input)
{
	for (size_t i = 0; i < INPUTS; i++)
		if (left[i] && (nexts[i] < nexts[input] || (nexts[i] == nexts[input] && i < input)))
			return false;
	return left[input] != 0;
}

/* Against a search through all, with many equal times. */
void test_random_inputs(void)
{
	int64_t nexts[INPUTS];
	size_t left[INPUTS];
	struct merge m;

	random_seed();
	for (int round = 0; round < 200; round++) {
		merge_init(&m);
		for (size_t i = 0; i < INPUTS; i++) {
			left[i] = random_below(RECORDS);
			nexts[i] = (int64_t)random_below(5) - 2;
			if (left[i])
				merge_put(&m, (struct merge_next){nexts[i], i, &nexts[i]});
		}
		while (m.count) {
			struct merge_next first = merge_take(&m);

			check(is_least(nexts, left, first.input));
			check(first.what == &nexts[first.input]);
			nexts[first.input] += (int64_t)random_below(4);
			if (--left[first.input])
				merge_put(&m, (struct merge_next){
						      nexts[first.input], first.input, first.what});
		}
		for (size_t i = 0; i < INPUTS; i++)
			check_int(left[i], 0);
		merge_release(&m);
	}
}
