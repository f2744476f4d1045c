#include "flow/watermark.h"

#include "base/compact.h"
#include "base/instant.h"

void watermark_init(struct watermark *w, const struct watermark_rules *rules)
{
	*w = (struct watermark){.rules = *rules};
	partitions_init(&w->partitions, rules->max_jump_ns, rules->partitions_max);
}

void watermark_release(struct watermark *w)
{
	partitions_release(&w->partitions);
}

int64_t watermark_now_ns(const struct watermark *w)
{
	return time_minus(w->front_ns, w->rules.bound_ns);
}

int64_t watermark_behind_ns(const struct watermark *w, const struct partition *one, int64_t time_ns)
{
	int64_t from_ns = time_ns;

	if (one->belief.has_max && one->belief.max_ns > from_ns)
		from_ns = one->belief.max_ns;
	if (w->has_front && w->front_ns > from_ns)
		from_ns = w->front_ns;
	return time_minus(from_ns, time_ns);
}

static void raise_front(struct watermark *w, int64_t front_ns, int64_t clock_ns)
{
	if (w->has_front && front_ns <= w->front_ns)
		return;
	w->has_front = true;
	w->front_ns = front_ns;
	w->moved_ns = clock_ns;
}

static void follow_partitions(struct watermark *w, int64_t clock_ns)
{
	const struct partition *lowest = partitions_lowest(&w->partitions);

	if (lowest)
		raise_front(w, lowest->belief.max_ns, clock_ns);
}

static int64_t tick_ns(const struct watermark *w)
{
	return w->rules.step_ns > WATERMARK_TICK_NS ? w->rules.step_ns : WATERMARK_TICK_NS;
}

static void follow_clock(struct watermark *w, int64_t clock_ns)
{
	int64_t passed_ns = clock_ns - w->idle_at_ns;

	if (!w->all_idle || !w->has_front || !w->rules.follow_clock || passed_ns < 0)
		return;
	passed_ns -= passed_ns % tick_ns(w);
	raise_front(w, time_plus(w->idle_front_ns, passed_ns), clock_ns);
}

static bool say(struct watermark *w, int64_t *now_ns)
{
	if (!w->has_front)
		return false;
	*now_ns = watermark_now_ns(w);
	if (w->has_said &&
		(*now_ns <= w->said_ns || *now_ns < time_plus(w->said_ns, w->rules.step_ns)))
		return false;
	w->has_said = true;
	w->said_ns = *now_ns;
	return true;
}

/* Of one that alone holds time, and has none in doubt. */
static void know_quiet(struct watermark *w, struct partition *one)
{
	const struct watermark_rules *r = &w->rules;
	int64_t step_ns = r->step_ns ? r->step_ns - 1 : 0;
	int64_t near_ns = time_plus(one->belief.max_ns, r->max_jump_ns);

	w->only = NULL;
	if (w->partitions.holding != 1 || one->belief.has_candidate)
		return;
	w->only = one;
	w->quiet_ns = time_plus(time_plus(w->said_ns, step_ns), r->bound_ns);
	if (w->quiet_ns > near_ns)
		w->quiet_ns = near_ns;
	/* where time ends, so does what sums say */
	if (w->quiet_ns == INT64_MAX)
		w->quiet_ns--;
}

bool watermark_advance_far(struct watermark *w, struct partition *one, int64_t time_ns,
	int64_t clock_ns, int64_t *now_ns)
{
	int what = partitions_take(&w->partitions, one, time_ns, clock_ns);
	bool is_ahead;

	w->doubted += (what & BELIEF_DOUBTED) != 0;
	w->confirmed += (what & BELIEF_CONFIRMED) != 0;
	w->all_idle = false;
	follow_partitions(w, clock_ns);
	is_ahead = say(w, now_ns);
	know_quiet(w, one);
	return is_ahead;
}

bool watermark_silence(struct watermark *w, int64_t clock_ns, int64_t *now_ns)
{
	const struct partition *silent;

	w->only = NULL;
	/* one by one, so that the outcome does not depend on how often the clock is looked at */
	while ((silent = partitions_silence(
			&w->partitions, time_minus(clock_ns, w->rules.idle_ns)))) {
		follow_partitions(w, clock_ns);
		if (w->partitions.talking.count)
			continue;
		w->all_idle = true;
		w->idle_at_ns = time_plus(silent->seen_ns, w->rules.idle_ns);
		w->idle_front_ns = w->front_ns;
	}
	follow_clock(w, clock_ns);
	return say(w, now_ns);
}

int64_t watermark_due_ns(const struct watermark *w)
{
	const struct partition *oldest = w->partitions.talking.first;

	if (oldest)
		return time_plus(oldest->seen_ns, w->rules.idle_ns);
	if (!w->all_idle || !w->has_front || !w->rules.follow_clock || w->front_ns == INT64_MAX)
		return WATERMARK_NEVER;
	return time_plus(
		w->idle_at_ns, time_plus(time_minus(w->front_ns, w->idle_front_ns), tick_ns(w)));
}

enum { PACKED_VERSION = 1, HAS_FRONT = 1, HAS_SAID = 2, ALL_IDLE = 4 };

void watermark_pack(const struct watermark *w, int64_t clock_ns, struct buf *to)
{
	compact_add(to, PACKED_VERSION);
	compact_add(to, (w->has_front ? HAS_FRONT : 0) | (w->has_said ? HAS_SAID : 0) |
				(w->all_idle ? ALL_IDLE : 0));
	compact_add_signed(to, w->front_ns);
	compact_add_signed(to, w->said_ns);
	compact_add_signed(to, time_minus(clock_ns, w->moved_ns));
	compact_add_signed(to, time_minus(clock_ns, w->idle_at_ns));
	compact_add_signed(to, w->idle_front_ns);
	compact_add(to, w->doubted);
	compact_add(to, w->confirmed);
	partitions_pack(&w->partitions, clock_ns, to);
}

static bool unpack_front(struct watermark *w, int64_t clock_ns, const char **at, const char *end)
{
	uint64_t version, what;
	int64_t moved_age_ns, idle_age_ns;

	if (!compact_take(at, end, &version) || version != PACKED_VERSION ||
		!compact_take(at, end, &what) || !compact_take_signed(at, end, &w->front_ns) ||
		!compact_take_signed(at, end, &w->said_ns) ||
		!compact_take_signed(at, end, &moved_age_ns) ||
		!compact_take_signed(at, end, &idle_age_ns) ||
		!compact_take_signed(at, end, &w->idle_front_ns) ||
		!compact_take(at, end, &w->doubted) || !compact_take(at, end, &w->confirmed))
		return false;
	w->has_front = what & HAS_FRONT;
	w->has_said = what & HAS_SAID;
	w->all_idle = what & ALL_IDLE;
	w->moved_ns = time_minus(clock_ns, moved_age_ns);
	w->idle_at_ns = time_minus(clock_ns, idle_age_ns);
	return true;
}

bool watermark_unpack(struct watermark *w, int64_t clock_ns, const char *bytes, size_t len)
{
	const char *at = bytes, *end = bytes + len;

	return unpack_front(w, clock_ns, &at, end) &&
	       partitions_unpack(&w->partitions, clock_ns, &at, end) && at == end;
}
