#include "tool/windower.h"

#include "base/compact.h"
#include "base/die.h"
#include "state/member.h"

static const struct aggregate *largest(const struct aggregates *a)
{
	const struct aggregate *most = &a->list[0];

	for (size_t i = 1; i < a->count; i++)
		if (a->list[i].heap_bytes > most->heap_bytes)
			most = &a->list[i];
	return most;
}

static void die_full(const struct windower *w, size_t bytes)
{
	const struct aggregate *most = largest(w->aggregates);
	size_t windows = w->kind->count(w), keys = w->kind->keys(w), own = w->kind->bytes(w);

	if (most->heap_bytes > own)
		die(EX_TEMPFAIL,
			"--memory is used up (%zu bytes): the largest part, %zu bytes, is what "
			"'%s' keeps for "
			"%zu key(s) in %zu open window(s)",
			bytes, most->heap_bytes, most->name, keys, windows);
	die(EX_TEMPFAIL,
		"--memory is used up (%zu bytes): the largest part, %zu bytes, is %zu key(s) in "
		"%zu open "
		"window(s); fewer keys, shorter windows, or a watermark that closes them earlier "
		"take less",
		bytes, own, keys, windows);
}

void windower_check_memory(const struct windower *w)
{
	size_t bytes =
		w->kind->bytes(w) + aggregates_heap_bytes(w->aggregates) + (size_t)w->issued_bytes;

	if (bytes > w->memory_bytes)
		die_full(w, bytes);
	if (w->max_keys && w->kind->keys(w) > w->max_keys)
		die(EX_TEMPFAIL,
			"--max-keys is used up: %zu keys in %zu open window(s); a watermark that "
			"closes them "
			"earlier, or shorter windows, hold fewer",
			w->kind->keys(w), w->kind->count(w));
}

/* Checkpoints */

void windower_clear(struct windower *w, void *state)
{
	struct issued *was = results_issued(w->results, state);

	aggregates_clear(w->aggregates, state);
	if (was)
		w->issued_bytes -= (int64_t)issued_release(was);
}

void windower_pack(struct windower *w, void *state)
{
	const struct issued *was = results_issued(w->results, state);

	if (was)
		issued_pack(was, &w->log->value);
	aggregates_pack(w->aggregates, state, &w->log->value);
}

const char *windower_unpack(struct windower *w, void *state, const char *at, const char *end)
{
	struct issued *was = results_issued(w->results, state);

	windower_clear(w, state);
	if (was && !issued_unpack(was, &at, end))
		return "what was said of a window is not as it should be";
	if (was && was->row)
		w->issued_bytes += was->row_len;
	if (!aggregates_unpack(w->aggregates, state, at, (size_t)(end - at)))
		return "the aggregates of a window are not as they should be";
	return NULL;
}

/* Which sums were said to be inexact, as bits. */
static uint64_t inexact_of(const struct aggregates *a)
{
	uint64_t told = 0;

	for (size_t i = 0; i < a->count; i++)
		told |= (uint64_t)a->list[i].is_inexact << i;
	return told;
}

static void restore_inexact(struct aggregates *a, uint64_t told)
{
	for (size_t i = 0; i < a->count; i++)
		a->list[i].is_inexact = a->list[i].is_told = told >> i & 1;
}

static int64_t over_ns(const struct windower *w)
{
	int64_t until_ns = time_minus(w->watermark_ns, w->lateness_ns);

	return w->watermark_ns != INT64_MIN && until_ns > w->over_ns ? until_ns : w->over_ns;
}

void windower_snapshot(struct windower *w, struct snapshot *to)
{
	if (w->watermark_ns == INT64_MAX)
		windowlog_empty(w->log);
	else
		windowlog_seal(w, to);
	member_put(to->state, "watermark", w->watermark_ns);
	member_put(to->state, "over", over_ns(w));
	member_put(to->state, "sequence", (int64_t)w->aggregates->sequence);
	member_put(to->state, "inexact", (int64_t)inexact_of(w->aggregates));
	if (w->kind->snapshot)
		w->kind->snapshot(w, to->state);
}

void windower_restore(struct windower *w, const struct snapshot *from)
{
	w->watermark_ns = member_get(from->state, "watermark");
	w->over_ns = member_get(from->state, "over");
	w->aggregates->sequence = (uint64_t)member_get(from->state, "sequence");
	restore_inexact(w->aggregates, (uint64_t)member_get(from->state, "inexact"));
	if (w->kind->restore)
		w->kind->restore(w, from->state);
	windowlog_restore(w, from);
}
