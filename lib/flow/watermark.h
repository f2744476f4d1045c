/*
 * How far event time has come: W = front - bound, where the front is the least of what the
 * partitions that are not idle have for their largest time, and never falls. A function of the
 * records alone, unless silence makes partitions idle; then the caller's clock is an argument.
 *
 * When all partitions are idle time stands. With follow_clock it goes on from there with the clock:
 * the front is what it was when the last partition became idle, plus what has passed since then in
 * whole steps of step_ns, or of WATERMARK_TICK_NS where that is more.
 */
#ifndef WATERMARK_H
#define WATERMARK_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/partitions.h"

#define WATERMARK_NEVER INT64_MAX

enum { WATERMARK_TICK_NS = 100000000 };

/* None negative. */
struct watermark_rules {
	int64_t bound_ns;    /* how late a record may be and still be in time */
	int64_t step_ns;     /* how far W goes before it is said again; 0: every advance */
	int64_t max_jump_ns; /* how far ahead of the maximum a time is believed at once */
	int64_t idle_ns;     /* how long a partition is silent before it is idle */
	bool follow_clock;
	size_t partitions_max; /* at least 1 */
};

struct watermark {
	struct watermark_rules rules;
	struct partitions partitions;
	bool has_front;
	bool has_said;
	bool all_idle;
	int64_t front_ns;
	int64_t said_ns;       /* W as it was said last */
	int64_t moved_ns;      /* on the clock: when the front moved last */
	int64_t idle_at_ns;    /* on the clock: when the last partition became idle */
	int64_t idle_front_ns; /* and the front as it was then */
	/* a time of `only`, and no later than quiet_ns, is believed and makes W no step ahead */
	struct partition *only; /* NULL: not known */
	int64_t quiet_ns;
	uint64_t doubted;   /* times that were not believed at once */
	uint64_t confirmed; /* those of them that were believed later */
};

void watermark_init(struct watermark *w, const struct watermark_rules *rules);
void watermark_release(struct watermark *w);

/* W as it is now; there must be a front. */
int64_t watermark_now_ns(const struct watermark *w);

/* How far a time of this partition is behind what came before: behind the partition's own largest
 * time, or behind the front where that is more. 0 if it is not behind. */
int64_t watermark_behind_ns(
	const struct watermark *w, const struct partition *one, int64_t time_ns);

/* watermark_advance for a time that may do more than to raise the front. */
bool watermark_advance_far(struct watermark *w, struct partition *one, int64_t time_ns,
	int64_t clock_ns, int64_t *now_ns);

/*
 * Takes the next record's time, of a partition that is found in w->partitions; clock_ns never
 * falls. True if W has come a step ahead: then it is *now_ns. O(log partitions).
 */
static inline bool watermark_advance(struct watermark *w, struct partition *one, int64_t time_ns,
	int64_t clock_ns, int64_t *now_ns)
{
	if (one != w->only || time_ns > w->quiet_ns)
		return watermark_advance_far(w, one, time_ns, clock_ns, now_ns);
	one->seen_ns = clock_ns;
	if (time_ns > one->belief.max_ns)
		one->belief.max_ns = time_ns;
	if (time_ns > w->front_ns) {
		w->front_ns = time_ns;
		w->moved_ns = clock_ns;
	}
	return false;
}

/* The clock is at clock_ns and no record has come: likewise. */
bool watermark_silence(struct watermark *w, int64_t clock_ns, int64_t *now_ns);

/* When on the clock silence will do something next, unless a record comes. */
int64_t watermark_due_ns(const struct watermark *w);

/*
 * Appends all there is to go on from, but for the rules; what was on the clock as an age, so that
 * it stands still while nobody runs: what is not read is not silent. O(partitions).
 */
void watermark_pack(const struct watermark *w, int64_t clock_ns, struct buf *to);

/* Takes that into w, which has had no record yet; false if it is no such thing. */
bool watermark_unpack(struct watermark *w, int64_t clock_ns, const char *bytes, size_t len);

#endif
