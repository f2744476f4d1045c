#include "tool/fill.h"

#include "base/instant.h"

struct fill_key {
	int64_t until_ns; /* windows that end up to here are filled */
};

void fill_init(struct windower *w)
{
	table_init(&w->fill_keys, sizeof(struct fill_key));
	w->fill_last_ns = INT64_MIN;
	w->fill_begun = false;
}

void fill_release(struct windower *w)
{
	table_release(&w->fill_keys);
}

/* The key has records in the window. */
static void keep_key(struct windower *w, const char *key, size_t len, const struct window *window)
{
	bool added;
	struct fill_key *k = table_add(&w->fill_keys, key, len, &added);
	int64_t until_ns = time_plus(window->end_ns, w->fill_for_ns);

	if (added || until_ns > k->until_ns)
		k->until_ns = until_ns;
}

static bool is_alive(const struct table_entry *e, const struct window *window)
{
	const struct fill_key *k = (const void *)e->value;

	return window->end_ns <= k->until_ns;
}

/* Keys that have run out are let go of when they are most: a new table takes the others. */
static void forget_keys(struct windower *w, uint32_t alive)
{
	struct table old = w->fill_keys;
	struct table_entry *e;
	size_t at = 0;
	bool added;

	if (alive >= old.count / 2)
		return;
	table_init(&w->fill_keys, sizeof(struct fill_key));
	while ((e = table_next(&old, &at)))
		if (is_alive(e, &w->fill_at))
			*(struct fill_key *)table_add(&w->fill_keys, table_key(&old, e), e->key_len,
				&added) = *(const struct fill_key *)(const void *)e->value;
	table_release(&old);
}

/* When a window fires. */
static int64_t due_of(const struct windower *w, const struct window *window)
{
	int64_t wait_ns = w->results->emit == RESULTS_FINAL ? w->lateness_ns : 0;

	return time_plus(window->end_ns, wait_ns);
}

/* Fills the window with all keys that live; returns how many they are. */
static uint32_t fill_window(struct windower *w, const struct window *window)
{
	struct pane *pane = panes_find(&w->panes, window);
	struct table_entry *e;
	uint32_t alive = 0;
	size_t at = 0;

	while (pane && (e = table_next(&pane->keys, &at)))
		keep_key(w, table_key(&pane->keys, e), e->key_len, window);
	at = 0;
	while ((e = table_next(&w->fill_keys, &at))) {
		if (!is_alive(e, window))
			continue;
		alive++;
		if (!pane)
			pane = panes_open(&w->panes, window, due_of(w, window));
		panes_entry(&w->panes, pane, table_key(&w->fill_keys, e), e->key_len);
	}
	return alive;
}

/* At the end of the input nothing says that time went on behind the last record. */
static bool is_due(const struct windower *w)
{
	if (w->watermark_ns == INT64_MAX)
		return w->fill_at.start_ns <= w->fill_last_ns;
	return due_of(w, &w->fill_at) <= w->watermark_ns;
}

bool fill_step(struct windower *w, const struct pane *first)
{
	uint32_t alive;

	if (!w->fills || (first && first->fired))
		return false;
	if (!w->fill_begun && first) {
		w->fill_at = first->window;
		w->fill_begun = true;
	}
	/* a pane before the next window in sequence is one that was filled just now */
	if (!w->fill_begun || !is_due(w) || (first && first->window.start_ns < w->fill_at.start_ns))
		return false;
	alive = fill_window(w, &w->fill_at);
	/* with no key left the sequence begins anew where records are */
	w->fill_begun = windowing_next(&w->windowing, &w->fill_at) && alive;
	forget_keys(w, alive);
	return true;
}

void fill_late(struct windower *w, const struct window *window, const struct buf *key,
	void (*say)(struct windower *w, const struct pane *pane, struct table_entry *e))
{
	struct window next = *window;
	int64_t until_ns = time_plus(window->end_ns, w->fill_for_ns);

	keep_key(w, key->data, key->len, window);
	while (windowing_next(&w->windowing, &next) && next.end_ns <= w->watermark_ns &&
		next.end_ns <= until_ns) {
		struct pane *pane =
			panes_open(&w->panes, &next, time_plus(next.end_ns, w->lateness_ns));
		uint32_t before = pane->keys.count;
		struct table_entry *e = panes_entry(&w->panes, pane, key->data, key->len);

		pane->fired = true;
		if (pane->keys.count > before)
			say(w, pane, e);
	}
	/* with nothing else in sequence it goes on from here */
	if (!w->fill_begun && next.end_ns > w->watermark_ns && next.end_ns <= until_ns) {
		w->fill_at = next;
		w->fill_begun = true;
	}
}
