/*
 * How often each pair of texts came: letters by stage and reason, say. Memory is bounded by the
 * pairs. Adding is O(log pairs), of a new pair O(pairs).
 */
#ifndef TALLIES_H
#define TALLIES_H

#include <stddef.h>
#include <stdint.h>

struct tallies {
	struct tally {
		char *first;
		char *second;
		uint64_t count;
	} * list; /* by the bytes of the first text, then of the second */
	size_t count;
};

void tallies_init(struct tallies *t);
void tallies_release(struct tallies *t);

/* Counts one more; copies what it keeps. */
void tallies_add(struct tallies *t, const char *first, const char *second);

#endif
