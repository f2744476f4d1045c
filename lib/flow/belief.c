#include "flow/belief.h"

#include "base/instant.h"

static void raise_max(struct belief *b, int64_t time_ns)
{
	if (!b->has_max || time_ns > b->max_ns)
		b->max_ns = time_ns;
	b->has_max = true;
}

static bool is_near(const struct belief *b, int64_t time_ns, int64_t max_jump_ns)
{
	return max_jump_ns == BELIEF_ANY_JUMP ||
	       (b->has_max && time_ns <= time_plus(b->max_ns, max_jump_ns));
}

int belief_take(struct belief *b, int64_t time_ns, int64_t max_jump_ns)
{
	int what = 0;

	/* a later record that is not more than a jump before the candidate confirms it */
	if (b->has_candidate && time_ns >= time_minus(b->candidate_ns, max_jump_ns)) {
		raise_max(b, b->candidate_ns);
		b->has_candidate = false;
		what = BELIEF_CONFIRMED;
	}
	if (is_near(b, time_ns, max_jump_ns)) {
		raise_max(b, time_ns);
		return what;
	}
	/* of two that nothing confirms the earlier is kept: a clock in the far future would wait
	 * for ever */
	if (!b->has_candidate || time_ns < b->candidate_ns) {
		b->candidate_ns = time_ns;
		b->has_candidate = true;
	}
	return what | BELIEF_DOUBTED;
}
