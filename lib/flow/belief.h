/*
 * How far one clock is believed to be: the largest of its times, where a jump ahead, and the first
 * time, is believed only when a later one confirms it. One broken time must not make all others
 * late. A function of the times alone.
 */
#ifndef BELIEF_H
#define BELIEF_H

#include <stdbool.h>
#include <stdint.h>

#define BELIEF_ANY_JUMP INT64_MAX

struct belief {
	bool has_max;
	bool has_candidate;
	int64_t max_ns;       /* the largest time that is believed */
	int64_t candidate_ns; /* a time too far ahead that waits to be confirmed */
};

/* What a time did, as bits. */
enum {
	BELIEF_CONFIRMED = 1, /* the candidate is believed now */
	BELIEF_DOUBTED = 2,   /* this one was not believed at once */
};

/*
 * Takes the next time; max_jump_ns, not negative, is how far ahead of the maximum a time is
 * believed at once. A zeroed struct has seen none. O(1).
 */
int belief_take(struct belief *b, int64_t time_ns, int64_t max_jump_ns);

#endif
