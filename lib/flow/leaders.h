/* The first N of many by a number, the greatest first, of equal ones those that came first. */
#ifndef LEADERS_H
#define LEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"

struct leader {
	struct decimal rank;
	uint64_t place; /* which of all it was */
};

struct leaders {
	struct leader
		*list; /* a binary heap, the last of them first; by place once they are sorted */
	size_t count;
	size_t cap;
	uint64_t most;
	size_t at; /* of the list, the next to be asked for */
};

/* most is how many there are at the end; memory is for as many as there are. */
void leaders_init(struct leaders *l, uint64_t most);
void leaders_release(struct leaders *l);

/* place is behind those before. O(log N). */
void leaders_add(struct leaders *l, const struct decimal *rank, uint64_t place);

/* From now on leaders_has answers, for places in order, from the first on. O(N log N). */
void leaders_ask(struct leaders *l);
bool leaders_has(struct leaders *l, uint64_t place);

#endif
