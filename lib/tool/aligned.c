#include "tool/aligned.h"

#include <stdlib.h>

#include "base/instant.h"
#include "base/mem.h"
#include "tool/fill.h"

static void aligned_init(struct windower *w)
{
	panes_init(&w->panes, w->aggregates->state_bytes + results_state_bytes(w->results));
	fill_init(w);
}

static void let_go(struct windower *w, void *state)
{
	struct issued *was = results_issued(w->results, state);

	aggregates_clear(w->aggregates, state);
	if (was)
		w->issued_bytes -= (int64_t)issued_release(was);
}

static void drop_first(struct windower *w)
{
	struct pane *pane = panes_take(&w->panes);
	struct table_entry *e;
	size_t at = 0;

	while ((e = table_next(&pane->keys, &at)))
		let_go(w, e->value);
	pane_free(pane);
}

static void aligned_release(struct windower *w)
{
	while (panes_count(&w->panes))
		drop_first(w);
	panes_release(&w->panes);
	fill_release(w);
}

/* Saying results */

static bool make_row(struct windower *w, const struct pane *pane, const struct table_entry *e)
{
	struct result_bounds b = {
		.is_window = w->windowing.kind != WINDOWING_ALL,
		.is_there = true,
		.from_ns = pane->window.start_ns,
		.to_ns = pane->window.end_ns,
	};

	if (!b.is_window)
		b.is_there = aggregates_range(w->aggregates, e->value, &b.from_ns, &b.to_ns);
	return results_make(w->results, table_key(&pane->keys, e), e->key_len, &b, e->value);
}

static void say_key(struct windower *w, const struct pane *pane, struct table_entry *e)
{
	bool is_out = make_row(w, pane, e);

	w->issued_bytes += results_say(w->results, results_issued(w->results, e->value), is_out);
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
static void say_top(struct windower *w, const struct pane *pane, struct table_entry **sorted)
{
	bool *chosen = choose_top(w, pane, sorted);

	for (uint32_t i = 0; i < pane->keys.count; i++) {
		struct issued *was = results_issued(w->results, sorted[i]->value);

		if (!chosen[i] && was)
			w->issued_bytes += results_say(w->results, was, false);
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
static void say_pane(struct windower *w, const struct pane *pane)
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
	struct pane *pane = panes_find(&w->panes, window);

	if (pane)
		return pane;
	/* one record may be in more windows than there is memory for */
	windower_check_memory(w);
	pane = panes_open(
		&w->panes, window, corrects(w) && !is_complete ? window->end_ns : last_ns);
	/* a window whose first record is late has been complete, with nothing in it */
	pane->fired = corrects(w) && is_complete;
	return pane;
}

/* One key of a window that has fired has changed: with --top that may change what is out of others.
 */
static void say_changed(struct windower *w, const struct pane *pane, struct table_entry *e)
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
	struct table_entry *e = panes_entry(&w->panes, pane, key->data, key->len);
	struct issued *was = results_issued(w->results, e->value);

	aggregates_apply(w->aggregates, e->value, time_ns);
	if (was)
		was->is_stale = true;
	if (window->start_ns > w->fill_last_ns)
		w->fill_last_ns = window->start_ns;
	if (!pane->fired)
		return;
	say_changed(w, pane, e);
	if (w->fills)
		fill_late(w, window, key, say_changed);
}

static enum windower_answer aligned_take(struct windower *w, const struct buf *key, int64_t time_ns)
{
	struct window window;
	bool taken = false;

	switch (windowing_last(&w->windowing, time_ns, &window)) {
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
	} while (windowing_previous(&w->windowing, time_ns, &window));
	return taken ? WINDOWER_TAKEN : WINDOWER_LATE;
}

/* Time */

static void fire(struct windower *w, struct pane *pane)
{
	int64_t last_ns = time_plus(pane->window.end_ns, w->lateness_ns);

	if (!pane->fired)
		say_pane(w, pane);
	pane->fired = true;
	if (corrects(w) && last_ns > w->watermark_ns)
		panes_requeue(&w->panes, last_ns);
	else
		drop_first(w);
}

static void aligned_advance(struct windower *w)
{
	for (;;) {
		struct pane *pane = panes_due(&w->panes, w->watermark_ns);

		if (fill_step(w, pane))
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
	size_t count = panes_count(&w->panes);
	struct pane **panes = mem_alloc((count + 1) * sizeof(struct pane *));

	for (size_t i = 0; i < count; i++)
		panes[i] = w->panes.by_due.items[i].what;
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

	if (w->windowing.kind == WINDOWING_ALL ||
		__builtin_sub_overflow(w->watermark_ns, w->lateness_ns, &time_ns) ||
		windowing_last(&w->windowing, time_ns, &window) == WINDOWING_BEYOND)
		return INT64_MIN;
	while (windowing_previous(&w->windowing, time_ns, &window))
		;
	return window.start_ns;
}

static size_t aligned_count(const struct windower *w)
{
	return panes_count(&w->panes);
}

static size_t aligned_bytes(const struct windower *w)
{
	return w->panes.bytes + w->fill_keys.bytes;
}

static size_t aligned_keys(const struct windower *w)
{
	return w->panes.cells;
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
};
