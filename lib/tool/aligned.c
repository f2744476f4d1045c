#include "tool/aligned.h"

#include <stdlib.h>

#include "base/instant.h"
#include "base/mem.h"
#include "flow/leaders.h"
#include "tool/fill.h"
#include "tool/panekeys.h"

struct aligned {
	struct panekeys panes;
	struct fill fill;
	bool overlaps;
	struct window last; /* that a record was in, where a time is in one window only */
};

static void aligned_init(struct windower *w)
{
	struct aligned *a = mem_zero(1, sizeof(*a));

	panekeys_init(&a->panes, w);
	fill_init(&a->fill, w, &a->panes);
	w->own = a;
}

static struct panekeys *panes_of(const struct windower *w)
{
	struct aligned *a = w->own;

	return &a->panes;
}

static struct fill *fill_of(const struct windower *w)
{
	struct aligned *a = w->own;

	return &a->fill;
}

static void aligned_opened(struct windower *w)
{
	struct aligned *a = w->own;

	a->overlaps = windowing_overlaps(&w->shape.windowing);
	panekeys_opened(panes_of(w));
	fill_opened(fill_of(w));
}

static void aligned_release(struct windower *w)
{
	panekeys_release(panes_of(w));
	free(w->own);
}

/* Saying results */

/* In place: a struct that is copied as soon as it is written is slow to read. */
static inline void result_of(const struct windower *w, const struct pane *pane,
	const struct table_entry *e, struct result *what)
{
	struct result_bounds *b = &what->bounds;

	*b = (struct result_bounds){true, true, pane->window.start_ns, pane->window.end_ns};
	what->key = store_key(panekeys_of(pane), e);
	what->key_len = e->key_len;
	what->state = e->value;
	if (w->shape.windowing.kind == WINDOWING_ALL) {
		b->is_window = false;
		b->is_there = aggregates_range(w->aggregates, e->value, &b->from_ns, &b->to_ns);
	}
}

static void say_key(struct windower *w, struct pane *pane, struct table_entry *e)
{
	struct issued *was = results_issued(w->results, e->value), before;
	struct result what;

	result_of(w, pane, e, &what);
	if (!was) {
		results_say(w->results, &what, NULL);
		return;
	}
	before = *was;
	w->issued_bytes += results_say(w->results, &what, was);
	if (before.is_stale || before.row != was->row || before.revisions != was->revisions)
		store_note(&w->store, panekeys_of(pane), e);
}

/* It is not among the rows that are out any more. */
static void take_back(struct windower *w, struct pane *pane, struct table_entry *e)
{
	struct issued *was = results_issued(w->results, e->value);
	bool changes = was->is_stale || was->row;

	was->is_stale = false;
	w->issued_bytes += results_retract(w->results, was);
	if (changes)
		store_note(&w->store, panekeys_of(pane), e);
}

static bool is_stale(const struct windower *w, struct table_entry *e)
{
	struct issued *was = results_issued(w->results, e->value);

	return !was || was->is_stale || !was->revisions;
}

/* All that has not been said as it is. */
static void say_all(struct windower *w, struct pane *pane)
{
	struct store_scan c;
	struct table_entry *e;

	store_scan_begin(&c, &w->store, panekeys_of(pane));
	while ((e = windower_scan_next(w, &c)))
		if (is_stale(w, e))
			say_key(w, pane, e);
	store_scan_end(&c);
}

/* --top: the keys of a window are gone through until it is known which rows are the first, and
 * again to say them. */
struct toprows {
	struct windower *windower;
	struct pane *pane;
	struct store_scan scan;
	uint64_t place; /* of the entry in hand, from 1 */
	struct leaders leaders;
};

static struct table_entry *next_row(struct toprows *t)
{
	t->place++;
	return windower_scan_next(t->windower, &t->scan);
}

static void rewind_rows(struct toprows *t)
{
	store_scan_rewind(&t->scan);
	leaders_ask(&t->leaders);
	t->place = 0;
}

static void choose_rows(struct toprows *t)
{
	struct windower *w = t->windower;
	struct table_entry *e;
	struct decimal rank;

	while ((e = next_row(t))) {
		struct result what;

		result_of(w, t->pane, e, &what);
		if (results_make(w->results, &what) && results_rank(w->results, &rank))
			leaders_add(&t->leaders, &rank, t->place);
	}
	rewind_rows(t);
}

static void take_back_others(struct toprows *t)
{
	struct windower *w = t->windower;
	struct table_entry *e;

	while ((e = next_row(t)))
		if (!leaders_has(&t->leaders, t->place))
			take_back(w, t->pane, e);
	rewind_rows(t);
}

/* What drops out is taken back before what comes in is said. */
static void say_top(struct windower *w, struct pane *pane)
{
	struct toprows t = {.windower = w, .pane = pane};
	struct table_entry *e;

	leaders_init(&t.leaders, w->results->top);
	store_scan_begin(&t.scan, &w->store, panekeys_of(pane));
	choose_rows(&t);
	if (w->results->emit != RESULTS_FINAL)
		take_back_others(&t);
	while ((e = next_row(&t)))
		if (leaders_has(&t.leaders, t.place))
			say_key(w, pane, e);
	store_scan_end(&t.scan);
	leaders_release(&t.leaders);
}

static void say_pane(struct windower *w, struct pane *pane)
{
	if (w->results->top)
		say_top(w, pane);
	else
		say_all(w, pane);
}

/* Taking records */

static bool corrects(const struct windower *w)
{
	return w->results->emit != RESULTS_FINAL;
}

static struct pane *pane_for(struct windower *w, const struct window *window)
{
	bool is_complete = w->watermark_ns >= window->end_ns;
	struct pane *pane = panes_find(&panes_of(w)->panes, window);

	if (pane)
		return pane;
	/* one record may be in more windows than there is memory for */
	windower_check_memory(w);
	/* a window whose first record is late has been complete, with nothing in it */
	return panekeys_open(panes_of(w), window, corrects(w) && is_complete);
}

/* One key of a window that has fired has changed: with --top that may change what is out of others.
 */
static void say_changed(struct windower *w, struct pane *pane, struct table_entry *e)
{
	if (w->results->top)
		say_top(w, pane);
	else
		say_key(w, pane, e);
}

static void take_into(
	struct windower *w, const struct window *window, const struct buf *key, int64_t time_ns)
{
	struct pane *pane = pane_for(w, window);
	struct table_entry *e = windower_enter(w, panekeys_of(pane), key);
	struct issued *was = results_issued(w->results, e->value);

	aggregates_apply(w->aggregates, e->value, time_ns);
	if (was)
		was->is_stale = true;
	store_note(&w->store, panekeys_of(pane), e);
	fill_note(fill_of(w), window);
	if (!pane->fired)
		return;
	say_changed(w, pane, e);
	if (w->shape.fills)
		fill_late(fill_of(w), window, key, say_changed);
}

/* Most records are in the window of the record before. */
static enum windowing_answer last_window(
	const struct windower *w, int64_t time_ns, struct window *window)
{
	struct aligned *a = w->own;
	enum windowing_answer answer;

	*window = a->last;
	if (time_ns >= window->start_ns && time_ns < window->end_ns)
		return WINDOWING_FOUND;
	answer = windowing_last(&w->shape.windowing, time_ns, window);
	if (answer == WINDOWING_FOUND && !a->overlaps)
		a->last = *window;
	return answer;
}

static bool previous_window(const struct windower *w, int64_t time_ns, struct window *window)
{
	const struct aligned *a = w->own;

	return a->overlaps && windowing_previous(&w->shape.windowing, time_ns, window);
}

static enum windower_answer aligned_take(struct windower *w, const struct buf *key, int64_t time_ns)
{
	struct window window;
	bool taken = false;

	switch (last_window(w, time_ns, &window)) {
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
	} while (previous_window(w, time_ns, &window));
	return taken ? WINDOWER_TAKEN : WINDOWER_LATE;
}

/* Time */

static void fire(struct windower *w, struct pane *pane)
{
	int64_t last_ns = time_plus(pane->window.end_ns, w->lateness_ns);

	if (!pane->fired)
		say_pane(w, pane);
	if (!corrects(w) || last_ns <= w->watermark_ns)
		panekeys_drop(panes_of(w));
	else
		panekeys_fired(panes_of(w));
}

static void aligned_advance(struct windower *w)
{
	for (;;) {
		struct pane *pane = panes_due(&panes_of(w)->panes, w->watermark_ns);

		if (fill_step(fill_of(w), pane))
			windower_check_memory(w);
		else if (pane)
			fire(w, pane);
		else
			break;
	}
	if (w->watermark_ns == INT64_MAX)
		fill_end(fill_of(w));
}

static int by_start(const void *a, const void *b)
{
	const struct pane *const *x = a, *const *y = b;
	int64_t from = (*x)->window.start_ns, to = (*y)->window.start_ns;

	return (from > to) - (from < to);
}

static void aligned_say_early(struct windower *w)
{
	const struct heap *open = &panes_of(w)->panes.by_due;
	struct pane **panes = mem_alloc((open->count + 1) * sizeof(struct pane *));

	for (size_t i = 0; i < open->count; i++)
		panes[i] = open->items[i].what;
	qsort(panes, open->count, sizeof(struct pane *), by_start);
	for (size_t i = 0; i < open->count; i++)
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

static uint64_t aligned_count(const struct windower *w)
{
	return panes_count(&panes_of(w)->panes);
}

static uint64_t aligned_keys(const struct windower *w)
{
	return w->store.count - fill_count(fill_of(w));
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
	.opened = aligned_opened,
	.release = aligned_release,
	.take = aligned_take,
	.advance = aligned_advance,
	.say_early = aligned_say_early,
	.earliest = aligned_earliest,
	.count = aligned_count,
	.keys = aligned_keys,
	.snapshot = aligned_snapshot,
	.restore = aligned_restore,
};
