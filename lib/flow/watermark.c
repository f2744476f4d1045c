#include "flow/watermark.h"

void watermark_init(struct watermark *w, int64_t bound_ns, int64_t step_ns, int64_t max_jump_ns)
{
	*w = (struct watermark){
		.bound_ns = bound_ns,
		.step_ns = step_ns,
		.max_jump_ns = max_jump_ns,
	};
}

static int64_t minus(int64_t a, int64_t b)
{
	int64_t difference;

	return __builtin_sub_overflow(a, b, &difference) ? INT64_MIN : difference;
}

static int64_t plus(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static bool is_near(const struct watermark *w, int64_t time_ns)
{
	return w->max_jump_ns == WATERMARK_ANY_JUMP ||
	       (w->has_max && time_ns <= plus(w->max_ns, w->max_jump_ns));
}

static void raise_max(struct watermark *w, int64_t time_ns)
{
	if (!w->has_max || time_ns > w->max_ns)
		w->max_ns = time_ns;
	w->has_max = true;
}

static void believe(struct watermark *w, int64_t time_ns)
{
	/* a later record that is not more than a jump before the candidate confirms it */
	if (w->has_candidate && time_ns >= minus(w->candidate_ns, w->max_jump_ns)) {
		raise_max(w, w->candidate_ns);
		w->has_candidate = false;
	}
	if (is_near(w, time_ns)) {
		raise_max(w, time_ns);
	} else if (!w->has_candidate || time_ns < w->candidate_ns) {
		/* of two that nothing confirms the earlier is kept: a clock in the far future would
		 * wait for ever */
		w->candidate_ns = time_ns;
		w->has_candidate = true;
	}
}

bool watermark_advance(struct watermark *w, int64_t time_ns, int64_t *now_ns)
{
	believe(w, time_ns);
	if (!w->has_max)
		return false;
	*now_ns = minus(w->max_ns, w->bound_ns);
	if (w->has_said && (*now_ns <= w->said_ns || *now_ns < plus(w->said_ns, w->step_ns)))
		return false;
	w->has_said = true;
	w->said_ns = *now_ns;
	return true;
}
