/*
 * How far event time has come: W = max(t) - bound, where a jump ahead is believed only when a later
 * record confirms it. A function of the times alone.
 */
#ifndef WATERMARK_H
#define WATERMARK_H

#include <stdbool.h>
#include <stdint.h>

#define WATERMARK_ANY_JUMP INT64_MAX

struct watermark {
	int64_t bound_ns;    /* how late a record may be and still be in time */
	int64_t step_ns;     /* how far W goes before it is said again; 0: every advance */
	int64_t max_jump_ns; /* how far ahead of the maximum a time is believed at once */
	bool has_max;
	bool has_candidate;
	bool has_said;
	int64_t max_ns;       /* the largest time that is believed */
	int64_t candidate_ns; /* a time too far ahead that waits to be confirmed */
	int64_t said_ns;      /* W as it was said last */
};

/* All three in nanoseconds, none negative. */
void watermark_init(struct watermark *w, int64_t bound_ns, int64_t step_ns, int64_t max_jump_ns);

/* Takes the next record's time. True if W has come a step ahead: then it is *now_ns. O(1). */
bool watermark_advance(struct watermark *w, int64_t time_ns, int64_t *now_ns);

#endif
