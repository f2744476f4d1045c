#include "tool/counted.h"

#include <stdlib.h>

#include "base/changes.h"
#include "base/compact.h"
#include "base/die.h"
#include "base/mem.h"
#include "base/table.h"

/*
 * A key's records are aggregated in slices that divide both count and slide, of which a ring holds
 * the last count / slice; a window is the slices of the ring merged. The value in the table is this
 * head, then the slices' states.
 */
struct tally {
	uint64_t seen;
	uint64_t written[]; /* one, where there is a log and more than a slice: seen at its
			       last entry */
};

struct counted {
	uint64_t slice; /* records, the most that divides count and slide */
	uint64_t ring;  /* slices of a window */
	size_t head_bytes;
	struct table tallies;
	struct changes changes; /* where there is a checkpoint */
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
	struct counted *c = mem_zero(1, sizeof(*c));
	size_t bytes;

	c->slice = greatest_common_divisor(w->shape.count, w->shape.slide);
	c->ring = w->shape.count / c->slice;
	c->head_bytes = sizeof(struct tally);
	if (w->is_kept && c->ring > 1)
		c->head_bytes += sizeof(uint64_t);
	bytes = c->head_bytes + (size_t)c->ring * w->aggregates->state_bytes;
	if (bytes > w->memory_bytes || bytes > TABLE_VALUE_MAX)
		die(EX_USAGE,
			"--count %llu/%llu: a key takes %zu KiB, more than --memory or any table "
			"has: a SLIDE that divides N takes less",
			(unsigned long long)w->shape.count, (unsigned long long)w->shape.slide,
			bytes / 1024);
	table_init(&c->tallies, bytes);
	changes_init(&c->changes, CHANGES_FIRST_ROUND);
	w->own = c;
}

static void *state_of(const struct windower *w, struct tally *t, uint64_t slice)
{
	const struct counted *c = w->own;

	return (char *)t + c->head_bytes + (size_t)(slice % c->ring) * w->aggregates->state_bytes;
}

static void counted_release(struct windower *w)
{
	struct counted *c = w->own;
	struct table_entry *e;
	size_t at = 0;

	while ((e = table_next(&c->tallies, &at)))
		for (uint64_t i = 0; i < c->ring; i++)
			aggregates_clear(w->aggregates, state_of(w, (void *)e->value, i));
	table_release(&c->tallies);
	changes_release(&c->changes);
	free(c);
}

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
	struct result_bounds b = {.is_window = false};
	struct tally *t = (void *)e->value;
	void *state = mem_zero(1, w->aggregates->state_bytes + 1);

	if (merge_window(w, t, at, state)) {
		b.is_there = aggregates_range(w->aggregates, state, &b.from_ns, &b.to_ns);
		results_say(w->results, NULL,
			results_make(w->results, table_key(&c->tallies, e), e->key_len, &b, state));
	}
	aggregates_clear(w->aggregates, state);
	free(state);
}

static enum windower_answer counted_take(struct windower *w, const struct buf *key, int64_t time_ns)
{
	struct counted *c = w->own;
	bool added;
	struct tally *t = table_add(&c->tallies, key->data, key->len, &added);
	void *state = state_of(w, t, t->seen / c->slice);

	if (t->seen % c->slice == 0)
		aggregates_clear(w->aggregates, state);
	aggregates_apply(w->aggregates, state, time_ns);
	t->seen++;
	if (w->is_kept)
		changes_note(&c->changes, table_entry_of(t));
	if (t->seen % w->shape.slide == 0)
		say(w, table_entry_of(t), t->seen);
	return WINDOWER_TAKEN;
}

/* What there is at the end of each key's next window is said with --partial only. */
static void counted_advance(struct windower *w)
{
	const struct counted *c = w->own;
	uint64_t slide = w->shape.slide;
	struct table_entry **sorted;

	if (w->watermark_ns != INT64_MAX || !w->shape.gives_partial)
		return;
	sorted = table_sorted(&c->tallies);
	for (uint32_t i = 0; i < c->tallies.count; i++) {
		uint64_t seen = ((struct tally *)(void *)sorted[i]->value)->seen;

		if (seen % slide)
			say(w, sorted[i], (seen / slide + 1) * slide);
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
	const struct counted *c = w->own;
	struct table_entry *e;
	size_t at = 0, count = 0;

	while ((e = table_next(&c->tallies, &at)))
		count += ((struct tally *)(void *)e->value)->seen % w->shape.slide != 0;
	return count;
}

static size_t counted_bytes(const struct windower *w)
{
	const struct counted *c = w->own;

	return c->tallies.bytes;
}

static size_t counted_keys(const struct windower *w)
{
	const struct counted *c = w->own;

	return c->tallies.count;
}

/*
 * Checkpoints. In the log a key's head is an entry and each of its slices one, found by its
 * place in the ring; where there is only one slice it stands behind the head.
 */
enum { HEAD_ENTRY = 'c', SLICE_ENTRY = 'r' };

static void write_slice(struct windower *w, struct table_entry *e, uint64_t slice)
{
	const struct counted *c = w->own;

	windowlog_begin(w->log, SLICE_ENTRY);
	compact_add_word(&w->log->key, slice % c->ring);
	buf_add(&w->log->key, table_key(&c->tallies, e), e->key_len);
	windower_pack(w, state_of(w, (void *)e->value, slice));
	windowlog_put(w->log);
}

/* A key with its slices from that of the first record on, so many records having been seen. */
static void write_key(struct windower *w, struct table_entry *e, uint64_t first)
{
	const struct counted *c = w->own;
	struct tally *t = (void *)e->value;
	uint64_t last_slice = (t->seen - 1) / c->slice, slice = first / c->slice;

	if (last_slice - slice >= c->ring)
		slice = last_slice - c->ring + 1;
	windowlog_begin(w->log, HEAD_ENTRY);
	buf_add(&w->log->key, table_key(&c->tallies, e), e->key_len);
	compact_add(&w->log->value, t->seen);
	if (c->ring == 1)
		windower_pack(w, state_of(w, t, 0));
	windowlog_put(w->log);
	if (c->ring == 1)
		return;
	for (; slice <= last_slice; slice++)
		write_slice(w, e, slice);
	t->written[0] = t->seen;
}

static size_t counted_changed(const struct windower *w)
{
	const struct counted *c = w->own;

	return changes_count(&c->changes);
}

static void counted_write_changed(struct windower *w, size_t most)
{
	struct counted *c = w->own;
	struct table_entry *e;

	while (most && (e = changes_take(&c->changes))) {
		const struct tally *t = (const void *)e->value;

		/* what was written before the round does not count any more */
		write_key(w, e, c->ring > 1 && !c->changes.was_behind ? t->written[0] : 0);
		most--;
	}
}

static void counted_begin_round(struct windower *w)
{
	struct counted *c = w->own;

	changes_begin_round(&c->changes);
}

static bool counted_write_behind(struct windower *w)
{
	struct counted *c = w->own;
	struct table_entry *e;

	while (windowlog_goes_on(w->log) &&
		(e = changes_take_behind(&c->changes, &c->tallies, &w->log->steps_left)))
		write_key(w, e, 0);
	return !c->changes.behind;
}

static size_t counted_entries(const struct windower *w)
{
	const struct counted *c = w->own;

	return c->tallies.count * (c->ring > 1 ? 1 + (size_t)c->ring : 1);
}

static const char *take_head(struct windower *w, const struct windowlog_entry *e)
{
	struct counted *c = w->own;
	const char *at = e->value, *end = at + e->value_len;
	bool added;
	struct tally *t = table_add(&c->tallies, e->key, e->key_len, &added);

	if (!compact_take(&at, end, &t->seen) || !t->seen)
		return "no count of a key's records";
	changes_note(&c->changes, table_entry_of(t));
	if (c->ring == 1)
		return windower_unpack(w, state_of(w, t, 0), at, end);
	t->written[0] = t->seen;
	return NULL;
}

static const char *take_slice(struct windower *w, const struct windowlog_entry *e)
{
	struct counted *c = w->own;
	struct tally *t;
	uint64_t place;

	if (e->key_len < COMPACT_WORD)
		return "a slice of no key";
	place = compact_read_word(e->key);
	t = table_find(&c->tallies, e->key + COMPACT_WORD, e->key_len - COMPACT_WORD);
	if (!t || place >= c->ring)
		return "a slice of a key that is not there";
	return windower_unpack(w, state_of(w, t, place), e->value, e->value + e->value_len);
}

static const char *counted_take_entry(struct windower *w, const struct windowlog_entry *e)
{
	if (e->value && e->what == HEAD_ENTRY)
		return take_head(w, e);
	if (e->value && e->what == SLICE_ENTRY)
		return take_slice(w, e);
	return "an entry of another kind of windows";
}

static void counted_restored(struct windower *w)
{
	struct counted *c = w->own;

	while (changes_take(&c->changes))
		;
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
	.changed = counted_changed,
	.write_changed = counted_write_changed,
	.begin_round = counted_begin_round,
	.write_behind = counted_write_behind,
	.entries = counted_entries,
	.take_entry = counted_take_entry,
	.restored = counted_restored,
};
