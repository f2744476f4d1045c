/* The next record of each of several inputs, given in the order of time; of equal times that of the
 * input that stands first. */
#ifndef MERGE_H
#define MERGE_H

#include <stddef.h>
#include <stdint.h>

struct merge_next {
	int64_t time_ns;
	size_t input;
	void *what;
};

struct merge {
	struct merge_next *nexts; /* a heap */
	size_t count;
	size_t cap;
};

void merge_init(struct merge *m);
void merge_release(struct merge *m);

/* An input's next record; of each input at most one may be in. O(log n). */
void merge_put(struct merge *m, struct merge_next next);

/* Takes the first; there must be one. O(log n). */
struct merge_next merge_take(struct merge *m);

#endif
