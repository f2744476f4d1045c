#include "tool/counted.h"

#include <stdlib.h>

#include "base/compact.h"
#include "base/die.h"
#include "base/mem.h"
#include "state/member.h"

/*
 * A key's records are aggregated in slices that divide both count and slide, of which a ring holds
 * the last count / slice; a window is the slices of the ring merged. The value in the store is how
 * many records were seen, then the slices' states.
 */
struct tally {
	uint64_t seen;
	_Alignas(8) char states[];
};

enum { TALLIES = 'c' };

struct counted {
	uint64_t slice; /* records, the most that divides count and slide */
	uint64_t ring;  /* slices of a window */
	struct store_space *tallies;
	uint64_t begun;   /* keys of which a window has records, but not all */
	struct buf state; /* of a slice, packed */
};

static struct tally *tally_of(struct table_entry *e)
{
	return (void *)e->value;
}

static void *state_of(const struct windower *w, struct tally *t, uint64_t slice)
{
	const struct counted *c = w->own;

	return t->states + (size_t)(slice % c->ring) * w->aggregates->state_bytes;
}

/* The first and the last slice that are in the ring. */
static uint64_t first_slice(const struct counted *c, const struct tally *t, uint64_t *last)
{
	*last = (t->seen - 1) / c->slice;
	return *last >= c->ring ? *last - c->ring + 1 : 0;
}

/* Entries of the store */

static void pack(void *context, const struct table_entry *e, struct buf *to)
{
	struct windower *w = context;
	struct counted *c = w->own;
	struct tally *t = tally_of((struct table_entry *)(size_t)e);
	uint64_t last, slice = first_slice(c, t, &last);

	compact_add(to, t->seen);
	for (; slice <= last; slice++) {
		buf_clear(&c->state);
		windower_pack(w, state_of(w, t, slice), &c->state);
		compact_add_bytes(to, c->state.data, c->state.len);
	}
}

static const char *unpack(void *context, struct table_entry *e, const char *at, const char *end)
{
	struct windower *w = context;
	struct tally *t = tally_of(e);
	uint64_t last, slice;
	const char *state, *why = NULL;
	size_t len;

	if (!compact_take(&at, end, &t->seen) || !t->seen)
		return "no count of a key's records";
	for (slice = first_slice(w->own, t, &last); slice <= last && !why; slice++)
		why = compact_take_bytes(&at, end, &state, &len)
			      ? windower_unpack(w, state_of(w, t, slice), state, state + len)
			      : "a key's slice is missing";
	return why ? why : at == end ? NULL : "more than a key's slices";
}

static void clear(void *context, struct table_entry *e)
{
	struct windower *w = context;
	const struct counted *c = w->own;

	for (uint64_t i = 0; i < c->ring; i++)
		windower_clear(w, state_of(w, tally_of(e), i));
}

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
	struct counted *c = mem_zero(1, sizeof(*c));
	size_t bytes;

	c->slice = greatest_common_divisor(w->shape.count, w->shape.slide);
	c->ring = w->shape.count / c->slice;
	buf_init(&c->state);
	bytes = sizeof(struct tally) + (size_t)c->ring * w->aggregates->state_bytes;
	if (bytes > w->memory_bytes || bytes > TABLE_VALUE_MAX)
		die(EX_USAGE,
			"--count %llu/%llu: a key takes %zu KiB, more than --memory or any table "
			"has: a SLIDE that divides N takes less",
			(unsigned long long)w->shape.count, (unsigned long long)w->shape.slide,
			bytes / 1024);
	windower_holds(w, (struct store_kind){
				  .letter = TALLIES,
				  .value_bytes = bytes,
				  .context = w,
				  .pack = pack,
				  .unpack = unpack,
				  .clear = clear,
			  });
	w->own = c;
}

static void counted_opened(struct windower *w)
{
	struct counted *c = w->own;
	struct store_space *kept = store_space(&w->store, TALLIES, 0);

	c->tallies = kept ? kept : store_open(&w->store, TALLIES, 0);
}

static void counted_release(struct windower *w)
{
	struct counted *c = w->own;

	buf_release(&c->state);
	free(c);
}

/* Results */

/*
 * Merges the window that fires when `at` records were seen, as far as they are there; false if none
 * of its records is.
 */
static bool merge_window(const struct windower *w, struct tally *t, uint64_t at, void *into)
{
	const struct counted *c = w->own;
	uint64_t slice = c->slice, count = w->shape.count;
	uint64_t first = at > count ? (at - count) / slice : 0;
	uint64_t last = (t->seen - 1) / slice;

	for (uint64_t i = first; i <= last; i++)
		aggregates_merge(w->aggregates, into, state_of(w, t, i));
	return first <= last;
}

static void say(struct windower *w, struct table_entry *e, uint64_t at)
{
	const struct counted *c = w->own;
	void *state = mem_zero(1, w->aggregates->state_bytes + 1);
	struct result what = {
		.key = store_key(c->tallies, e), .key_len = e->key_len, .state = state};
	struct result_bounds *b = &what.bounds;

	if (merge_window(w, tally_of(e), at, state)) {
		b->is_there = aggregates_range(w->aggregates, state, &b->from_ns, &b->to_ns);
		results_say(w->results, &what, NULL);
	}
	aggregates_clear(w->aggregates, state);
	free(state);
}

static enum windower_answer counted_take(struct windower *w, const struct buf *key, int64_t time_ns)
{
	struct counted *c = w->own;
	uint64_t slide = w->shape.slide;
	struct table_entry *e = windower_enter(w, c->tallies, key);
	struct tally *t = tally_of(e);
	void *state = state_of(w, t, t->seen / c->slice);

	if (t->seen % c->slice == 0)
		aggregates_clear(w->aggregates, state);
	aggregates_apply(w->aggregates, state, time_ns);
	c->begun += t->seen % slide == 0;
	t->seen++;
	store_note(&w->store, c->tallies, e);
	if (t->seen % slide == 0) {
		c->begun--;
		say(w, e, t->seen);
	}
	return WINDOWER_TAKEN;
}

static void say_partial(struct windower *w)
{
	const struct counted *c = w->own;
	uint64_t slide = w->shape.slide;
	struct store_scan scan;
	struct table_entry *e;

	store_scan_begin(&scan, &w->store, c->tallies);
	while ((e = windower_scan_next(w, &scan))) {
		uint64_t seen = tally_of(e)->seen;

		if (seen % slide)
			say(w, e, (seen / slide + 1) * slide);
	}
	store_scan_end(&scan);
}

/* What there is at the end of each key's next window is said with --partial only. */
static void counted_advance(struct windower *w)
{
	struct counted *c = w->own;

	if (w->watermark_ns != INT64_MAX)
		return;
	if (w->shape.gives_partial)
		say_partial(w);
	store_drop(&w->store, c->tallies);
	c->tallies = NULL;
	c->begun = 0;
}

/* They don't end with time. */
static int64_t counted_earliest(const struct windower *w)
{
	(void)w;
	return INT64_MIN;
}

static uint64_t counted_count(const struct windower *w)
{
	const struct counted *c = w->own;

	return c->begun;
}

static uint64_t counted_keys(const struct windower *w)
{
	return w->store.count;
}

static void counted_snapshot(const struct windower *w, json_t *state)
{
	member_put(state, "begun", (int64_t)counted_count(w));
}

static void counted_restore(struct windower *w, const json_t *state)
{
	struct counted *c = w->own;

	c->begun = (uint64_t)member_get(state, "begun");
}

const struct window_kind count_windows = {
	.init = counted_init,
	.opened = counted_opened,
	.release = counted_release,
	.take = counted_take,
	.advance = counted_advance,
	.earliest = counted_earliest,
	.count = counted_count,
	.keys = counted_keys,
	.snapshot = counted_snapshot,
	.restore = counted_restore,
};
