#include "tool/aligned.h"

#include <stdlib.h>

#include "base/compact.h"
#include "base/instant.h"
#include "base/mem.h"
#include "state/member.h"
#include "tool/fill.h"

struct aligned {
	struct panes panes;
	struct fill fill;
};

static void aligned_init(struct windower *w)
{
	struct aligned *a = mem_zero(1, sizeof(*a));

	panes_init(&a->panes, w->aggregates->state_bytes + results_state_bytes(w->results));
	if (w->is_kept)
		panes_track(&a->panes);
	fill_init(&a->fill, w, &a->panes);
	w->own = a;
}

static struct panes *panes_of(const struct windower *w)
{
	struct aligned *a = w->own;

	return &a->panes;
}

/*
 * In the log a pane is an entry, and each key of it is one: both begin with when the window
 * begins. Where the pane is deleted its keys are gone with it.
 */
enum { PANE_ENTRY = 'p', KEY_ENTRY = 'k' };

static void begin_entry(struct windower *w, char what, const struct pane *pane)
{
	windowlog_begin(w->log, what);
	compact_add_word(&w->log->key, (uint64_t)pane->window.start_ns);
}

static struct fill *fill_of(const struct windower *w)
{
	struct aligned *a = w->own;

	return &a->fill;
}

static void let_go(struct windower *w, struct pane *pane)
{
	struct table_entry *e;
	size_t at = 0;

	while ((e = table_next(&pane->keys, &at)))
		windower_clear(w, e->value);
	pane_free(pane);
}

static void drop_first(struct windower *w)
{
	struct pane *pane = panes_take(panes_of(w));

	if (w->log) {
		begin_entry(w, PANE_ENTRY, pane);
		windowlog_delete(w->log);
	}
	let_go(w, pane);
}

static void aligned_release(struct windower *w)
{
	while (panes_count(panes_of(w)))
		drop_first(w);
	panes_release(panes_of(w));
	fill_release(fill_of(w));
	free(w->own);
}

/* Saying results */

static bool make_row(struct windower *w, const struct pane *pane, const struct table_entry *e)
{
	struct result_bounds b = {
		.is_window = w->shape.windowing.kind != WINDOWING_ALL,
		.is_there = true,
		.from_ns = pane->window.start_ns,
		.to_ns = pane->window.end_ns,
	};

	if (!b.is_window)
		b.is_there = aggregates_range(w->aggregates, e->value, &b.from_ns, &b.to_ns);
	return results_make(w->results, table_key(&pane->keys, e), e->key_len, &b, e->value);
}

static void say_key(struct windower *w, struct pane *pane, struct table_entry *e)
{
	bool is_out = make_row(w, pane, e);
	struct issued *was = results_issued(w->results, e->value);

	w->issued_bytes += results_say(w->results, was, is_out);
	if (was)
		panes_note(panes_of(w), pane, e);
}

/* For --top: the rank of each row, and which are among the first. */
struct ranked {
	struct decimal rank;
	uint32_t at; /* in the order of keys */
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int order = decimal_compare(&y->rank, &x->rank);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

static bool *choose_top(struct windower *w, const struct pane *pane, struct table_entry **sorted)
{
	struct ranked *rows = mem_alloc((pane->keys.count + 1) * sizeof(*rows));
	bool *chosen = mem_zero(pane->keys.count + 1, sizeof(*chosen));
	uint32_t count = 0;

	for (uint32_t i = 0; i < pane->keys.count; i++) {
		rows[count].at = i;
		if (make_row(w, pane, sorted[i]) && results_rank(w->results, &rows[count].rank))
			count++;
	}
	qsort(rows, count, sizeof(*rows), by_rank);
	for (uint32_t i = 0; i < count && i < w->results->top; i++)
		chosen[rows[i].at] = true;
	free(rows);
	return chosen;
}

/* What drops out is taken back before what comes in is said. */
static void say_top(struct windower *w, struct pane *pane, struct table_entry **sorted)
{
	bool *chosen = choose_top(w, pane, sorted);

	for (uint32_t i = 0; i < pane->keys.count; i++) {
		struct issued *was = results_issued(w->results, sorted[i]->value);

		if (chosen[i] || !was)
			continue;
		w->issued_bytes += results_say(w->results, was, false);
		panes_note(panes_of(w), pane, sorted[i]);
	}
	for (uint32_t i = 0; i < pane->keys.count; i++)
		if (chosen[i])
			say_key(w, pane, sorted[i]);
	free(chosen);
}

static bool is_stale(const struct windower *w, struct table_entry *e)
{
	struct issued *was = results_issued(w->results, e->value);

	return !was || was->is_stale || !was->revisions;
}

/* All that has not been said as it is. */
static void say_pane(struct windower *w, struct pane *pane)
{
	struct table_entry **sorted = table_sorted(&pane->keys);

	if (w->results->top)
		say_top(w, pane, sorted);
	for (uint32_t i = 0; i < pane->keys.count && !w->results->top; i++)
		if (is_stale(w, sorted[i]))
			say_key(w, pane, sorted[i]);
	free(sorted);
}

/* Taking records */

static bool corrects(const struct windower *w)
{
	return w->results->emit != RESULTS_FINAL;
}

static struct pane *pane_for(struct windower *w, const struct window *window)
{
	bool is_complete = w->watermark_ns >= window->end_ns;
	int64_t last_ns = time_plus(window->end_ns, w->lateness_ns);
	struct pane *pane = panes_find(panes_of(w), window);

	if (pane)
		return pane;
	/* one record may be in more windows than there is memory for */
	windower_check_memory(w);
	pane = panes_open(
		panes_of(w), window, corrects(w) && !is_complete ? window->end_ns : last_ns);
	/* a window whose first record is late has been complete, with nothing in it */
	pane->fired = corrects(w) && is_complete;
	return pane;
}

/* One key of a window that has fired has changed: with --top that may change what is out of others.
 */
static void say_changed(struct windower *w, struct pane *pane, struct table_entry *e)
{
	if (w->results->top)
		say_pane(w, pane);
	else
		say_key(w, pane, e);
}

static void take_into(
	struct windower *w, const struct window *window, const struct buf *key, int64_t time_ns)
{
	struct pane *pane = pane_for(w, window);
	struct table_entry *e = panes_entry(panes_of(w), pane, key->data, key->len);
	struct issued *was = results_issued(w->results, e->value);

	aggregates_apply(w->aggregates, e->value, time_ns);
	if (was)
		was->is_stale = true;
	panes_note(panes_of(w), pane, e);
	fill_note(fill_of(w), window);
	if (!pane->fired)
		return;
	say_changed(w, pane, e);
	if (w->shape.fills)
		fill_late(fill_of(w), window, key, say_changed);
}

static enum windower_answer aligned_take(struct windower *w, const struct buf *key, int64_t time_ns)
{
	struct window window;
	bool taken = false;

	switch (windowing_last(&w->shape.windowing, time_ns, &window)) {
	case WINDOWING_NONE:
		return WINDOWER_NONE;
	case WINDOWING_BEYOND:
		return WINDOWER_BEYOND;
	case WINDOWING_FOUND:
		break;
	}
	w->complete_ns = window.end_ns;
	/* those before it end earlier, so the first that is over is followed by none that is not */
	do {
		if (windower_is_over(w, window.end_ns))
			break;
		take_into(w, &window, key, time_ns);
		taken = true;
	} while (windowing_previous(&w->shape.windowing, time_ns, &window));
	return taken ? WINDOWER_TAKEN : WINDOWER_LATE;
}

/* Time */

static void fire(struct windower *w, struct pane *pane)
{
	int64_t last_ns = time_plus(pane->window.end_ns, w->lateness_ns);

	if (!pane->fired)
		say_pane(w, pane);
	pane->fired = true;
	if (!corrects(w) || last_ns <= w->watermark_ns) {
		drop_first(w);
		return;
	}
	panes_note(panes_of(w), pane, NULL);
	panes_requeue(panes_of(w), last_ns);
}

static void aligned_advance(struct windower *w)
{
	for (;;) {
		struct pane *pane = panes_due(panes_of(w), w->watermark_ns);

		if (fill_step(fill_of(w), pane))
			windower_check_memory(w);
		else if (pane)
			fire(w, pane);
		else
			return;
	}
}

static int by_start(const void *a, const void *b)
{
	const struct pane *const *x = a, *const *y = b;
	int64_t from = (*x)->window.start_ns, to = (*y)->window.start_ns;

	return (from > to) - (from < to);
}

static void aligned_say_early(struct windower *w)
{
	size_t count = panes_count(panes_of(w));
	struct pane **panes = mem_alloc((count + 1) * sizeof(struct pane *));

	for (size_t i = 0; i < count; i++)
		panes[i] = panes_of(w)->by_due.items[i].what;
	qsort(panes, count, sizeof(struct pane *), by_start);
	for (size_t i = 0; i < count; i++)
		say_pane(w, panes[i]);
	free(panes);
}

/*
 * Results to come are of windows that end behind W - lateness; the earliest of them holds that
 * instant, or, where windows overlap, reaches it.
 */
static int64_t aligned_earliest(const struct windower *w)
{
	struct window window;
	int64_t time_ns;

	if (w->shape.windowing.kind == WINDOWING_ALL ||
		__builtin_sub_overflow(w->watermark_ns, w->lateness_ns, &time_ns) ||
		windowing_last(&w->shape.windowing, time_ns, &window) == WINDOWING_BEYOND)
		return INT64_MIN;
	while (windowing_previous(&w->shape.windowing, time_ns, &window))
		;
	return window.start_ns;
}

static size_t aligned_count(const struct windower *w)
{
	return panes_count(panes_of(w));
}

static size_t aligned_bytes(const struct windower *w)
{
	return panes_of(w)->bytes + fill_of(w)->keys.bytes;
}

static size_t aligned_keys(const struct windower *w)
{
	return panes_of(w)->cells;
}

/* Checkpoints */

static void write_pane(struct windower *w, const struct pane *pane)
{
	begin_entry(w, PANE_ENTRY, pane);
	compact_add_signed(&w->log->value, pane->window.end_ns);
	compact_add(&w->log->value, pane->fired);
	windowlog_put(w->log);
}

static void write_key(struct windower *w, const struct pane *pane, struct table_entry *e)
{
	begin_entry(w, KEY_ENTRY, pane);
	buf_add(&w->log->key, table_key(&pane->keys, e), e->key_len);
	windower_pack(w, e->value);
	windowlog_put(w->log);
}

static size_t aligned_changed(const struct windower *w)
{
	return panes_of(w)->changed_keys + changes_count(&fill_of(w)->changes);
}

static void aligned_write_changed(struct windower *w, size_t most)
{
	struct panes *p = panes_of(w);
	struct table_entry *e;
	struct pane *pane;

	while (most && (pane = panes_take_changed(p))) {
		write_pane(w, pane);
		while (most && (e = panes_take_changed_key(p, pane))) {
			write_key(w, pane, e);
			most--;
		}
		if (!most)
			panes_note(p, pane, NULL);
	}
	fill_write_changed(fill_of(w), most);
}

static void aligned_begin_round(struct windower *w)
{
	panes_begin_round(panes_of(w));
	fill_begin_round(fill_of(w));
}

static bool aligned_write_behind(struct windower *w)
{
	struct panes *p = panes_of(w);
	struct pane *pane = NULL;
	struct table_entry *e;

	while (windowlog_goes_on(w->log) && (pane = panes_behind(p))) {
		struct changes *keys = &pane->track->keys;

		while (windowlog_goes_on(w->log) &&
			(e = changes_take_behind(keys, &pane->keys, &w->log->steps_left)))
			write_key(w, pane, e);
		if (keys->behind)
			return false;
		write_pane(w, pane);
		panes_end_behind(p);
	}
	return !panes_behind(p) && fill_write_behind(fill_of(w));
}

static size_t aligned_entries(const struct windower *w)
{
	return panes_of(w)->cells + panes_count(panes_of(w)) + fill_of(w)->keys.count;
}

static const char *take_pane(
	struct windower *w, const struct window *window, const struct windowlog_entry *e)
{
	struct pane *pane = panes_find(panes_of(w), window);
	const char *at = e->value, *end = at + e->value_len;
	uint64_t fired;

	if (!e->value) {
		if (pane) {
			panes_remove(panes_of(w), pane);
			let_go(w, pane);
		}
		return NULL;
	}
	if (!pane)
		pane = panes_add(panes_of(w), window);
	if (!compact_take_signed(&at, end, &pane->window.end_ns) ||
		!compact_take(&at, end, &fired) || fired > 1)
		return "no window";
	pane->fired = fired;
	return NULL;
}

/* Of a window that was begun anew it may come before the window. */
static const char *take_key(
	struct windower *w, const struct window *window, const struct windowlog_entry *e)
{
	struct pane *pane = panes_find(panes_of(w), window);
	struct table_entry *into;

	if (!e->value)
		return "a key that leaves its window";
	if (!pane)
		pane = panes_add(panes_of(w), window);
	into = panes_entry(panes_of(w), pane, e->key + COMPACT_WORD, e->key_len - COMPACT_WORD);
	return windower_unpack(w, into->value, e->value, e->value + e->value_len);
}

static const char *aligned_take_entry(struct windower *w, const struct windowlog_entry *e)
{
	struct window window;

	if (e->what == FILL_ENTRY)
		return fill_take_entry(fill_of(w), e);
	if (e->key_len < COMPACT_WORD)
		return "an entry of no window";
	window.start_ns = window.end_ns = (int64_t)compact_read_word(e->key);
	if (e->what == PANE_ENTRY)
		return take_pane(w, &window, e);
	if (e->what == KEY_ENTRY)
		return take_key(w, &window, e);
	return "an entry of another kind of windows";
}

static int64_t due_of(const struct windower *w, const struct pane *pane)
{
	int64_t end_ns = pane->window.end_ns;

	return corrects(w) && !pane->fired ? end_ns : time_plus(end_ns, w->lateness_ns);
}

static void aligned_restored(struct windower *w)
{
	struct panes *p = panes_of(w);
	struct pane *pane;

	while ((pane = panes_take_changed(p))) {
		while (panes_take_changed_key(p, pane))
			;
		if (pane->window.end_ns == pane->window.start_ns)
			member_die("files");
		panes_queue(p, pane, due_of(w, pane));
	}
	fill_restored(fill_of(w));
}

static void aligned_snapshot(const struct windower *w, json_t *state)
{
	fill_snapshot(fill_of(w), state);
}

static void aligned_restore(struct windower *w, const json_t *state)
{
	fill_restore(fill_of(w), state);
}

const struct window_kind aligned_windows = {
	.init = aligned_init,
	.release = aligned_release,
	.take = aligned_take,
	.advance = aligned_advance,
	.say_early = aligned_say_early,
	.earliest = aligned_earliest,
	.count = aligned_count,
	.bytes = aligned_bytes,
	.keys = aligned_keys,
	.changed = aligned_changed,
	.write_changed = aligned_write_changed,
	.begin_round = aligned_begin_round,
	.write_behind = aligned_write_behind,
	.entries = aligned_entries,
	.take_entry = aligned_take_entry,
	.restored = aligned_restored,
	.snapshot = aligned_snapshot,
	.restore = aligned_restore,
};
