#include "tool/counted.h"

#include <stdlib.h>

#include "base/die.h"
#include "base/mem.h"

/*
 * A key's records are aggregated in slices that divide both count and slide, of which a ring holds
 * the last count / slice; a window is the slices of the ring merged. The value in the table is this
 * head, then the slices' states.
 */
struct tally {
	uint64_t seen;
};

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static void counted_init(struct windower *w)
{
	size_t bytes;

	w->slice = greatest_common_divisor(w->count, w->slide);
	w->ring = w->count / w->slice;
	bytes = sizeof(struct tally) + (size_t)w->ring * w->aggregates->state_bytes;
	if (bytes > w->memory_bytes || bytes > TABLE_VALUE_MAX)
		die(EX_USAGE,
			"--count %llu/%llu: a key takes %zu KiB, more than --memory or any table "
			"has: a SLIDE that divides N takes less",
			(unsigned long long)w->count, (unsigned long long)w->slide, bytes / 1024);
	table_init(&w->tallies, bytes);
}

static void *state_of(const struct windower *w, struct tally *t, uint64_t slice)
{
	return (char *)(t + 1) + (size_t)(slice % w->ring) * w->aggregates->state_bytes;
}

static void counted_release(struct windower *w)
{
	struct table_entry *e;
	size_t at = 0;

	while ((e = table_next(&w->tallies, &at)))
		for (uint64_t i = 0; i < w->ring; i++)
			aggregates_clear(w->aggregates, state_of(w, (void *)e->value, i));
	table_release(&w->tallies);
}

/*
 * Merges the window that fires when `at` records were seen, as far as they are there; false if none
 * of its records is.
 */
static bool merge_window(const struct windower *w, struct tally *t, uint64_t at, void *into)
{
	uint64_t slice = w->slice, first = at > w->count ? (at - w->count) / slice : 0;
	uint64_t last = (t->seen - 1) / slice;

	for (uint64_t i = first; i <= last; i++)
		aggregates_merge(w->aggregates, into, state_of(w, t, i));
	return first <= last;
}

static void say(struct windower *w, struct table_entry *e, uint64_t at)
{
	struct result_bounds b = {.is_window = false};
	struct tally *t = (void *)e->value;
	void *state = mem_zero(1, w->aggregates->state_bytes + 1);

	if (merge_window(w, t, at, state)) {
		b.is_there = aggregates_range(w->aggregates, state, &b.from_ns, &b.to_ns);
		results_say(w->results, NULL,
			results_make(w->results, table_key(&w->tallies, e), e->key_len, &b, state));
	}
	aggregates_clear(w->aggregates, state);
	free(state);
}

static enum windower_answer counted_take(struct windower *w, const struct buf *key, int64_t time_ns)
{
	bool added;
	struct tally *t = table_add(&w->tallies, key->data, key->len, &added);
	void *state = state_of(w, t, t->seen / w->slice);

	if (t->seen % w->slice == 0)
		aggregates_clear(w->aggregates, state);
	aggregates_apply(w->aggregates, state, time_ns);
	t->seen++;
	if (t->seen % w->slide == 0)
		say(w, table_entry_of(t), t->seen);
	return WINDOWER_TAKEN;
}

/* What there is at the end of each key's next window is said with --partial only. */
static void counted_advance(struct windower *w)
{
	struct table_entry **sorted;

	if (w->watermark_ns != INT64_MAX || !w->gives_partial)
		return;
	sorted = table_sorted(&w->tallies);
	for (uint32_t i = 0; i < w->tallies.count; i++) {
		uint64_t seen = ((struct tally *)(void *)sorted[i]->value)->seen;

		if (seen % w->slide)
			say(w, sorted[i], (seen / w->slide + 1) * w->slide);
	}
	free(sorted);
}

/* They don't end with time. */
static int64_t counted_earliest(const struct windower *w)
{
	(void)w;
	return INT64_MIN;
}

static size_t counted_count(const struct windower *w)
{
	struct table_entry *e;
	size_t at = 0, count = 0;

	while ((e = table_next(&w->tallies, &at)))
		count += ((struct tally *)(void *)e->value)->seen % w->slide != 0;
	return count;
}

static size_t counted_bytes(const struct windower *w)
{
	return w->tallies.bytes;
}

static size_t counted_keys(const struct windower *w)
{
	return w->tallies.count;
}

const struct window_kind count_windows = {
	.init = counted_init,
	.release = counted_release,
	.take = counted_take,
	.advance = counted_advance,
	.earliest = counted_earliest,
	.count = counted_count,
	.bytes = counted_bytes,
	.keys = counted_keys,
};
