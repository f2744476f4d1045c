#include "tool/fill.h"

#include "base/compact.h"
#include "base/instant.h"
#include "state/member.h"

struct fill_key {
	int64_t until_ns; /* windows that end up to here are filled */
};

static void note(struct fill *f, struct fill_key *k)
{
	if (f->windower->is_kept)
		changes_note(&f->changes, table_entry_of(k));
}

void fill_init(struct fill *f, struct windower *w, struct panes *panes)
{
	*f = (struct fill){.windower = w, .panes = panes, .last_ns = INT64_MIN};
	table_init(&f->keys, sizeof(struct fill_key));
	changes_init(&f->changes, CHANGES_FIRST_ROUND);
}

void fill_release(struct fill *f)
{
	table_release(&f->keys);
	changes_release(&f->changes);
}

/* The key has records in the window. */
static void keep_key(struct fill *f, const char *key, size_t len, const struct window *window)
{
	bool added;
	struct fill_key *k = table_add(&f->keys, key, len, &added);
	int64_t until_ns = time_plus(window->end_ns, f->windower->shape.fill_for_ns);

	if (!added && until_ns <= k->until_ns)
		return;
	k->until_ns = until_ns;
	note(f, k);
}

static bool is_alive(const struct table_entry *e, const struct window *window)
{
	const struct fill_key *k = (const void *)e->value;

	return window->end_ns <= k->until_ns;
}

static void write_deleted(struct fill *f, const struct table *keys, const struct table_entry *e)
{
	struct windowlog *j = f->windower->log;

	if (!j)
		return;
	windowlog_begin(j, FILL_ENTRY);
	buf_add(&j->key, table_key(keys, e), e->key_len);
	windowlog_delete(j);
}

/* Keys that have run out are let go of when they are most: a new table takes the others. */
static void forget_keys(struct fill *f, uint32_t alive)
{
	struct table old = f->keys;
	struct table_entry *e;
	size_t at = 0;
	bool added;

	if (alive >= old.count / 2)
		return;
	table_init(&f->keys, sizeof(struct fill_key));
	changes_release(&f->changes);
	while ((e = table_next(&old, &at))) {
		const struct fill_key *was = (const void *)e->value;
		struct fill_key *k;

		if (!is_alive(e, &f->at)) {
			write_deleted(f, &old, e);
			continue;
		}
		k = table_add(&f->keys, table_key(&old, e), e->key_len, &added);
		k->until_ns = was->until_ns;
		note(f, k);
	}
	table_release(&old);
}

/* When a window fires. */
static int64_t due_of(const struct fill *f, const struct window *window)
{
	int64_t wait_ns =
		f->windower->results->emit == RESULTS_FINAL ? f->windower->lateness_ns : 0;

	return time_plus(window->end_ns, wait_ns);
}

/* Fills the window with all keys that live; returns how many they are. */
static uint32_t fill_window(struct fill *f, const struct window *window)
{
	struct pane *pane = panes_find(f->panes, window);
	struct table_entry *e;
	uint32_t alive = 0;
	size_t at = 0;

	while (pane && (e = table_next(&pane->keys, &at)))
		keep_key(f, table_key(&pane->keys, e), e->key_len, window);
	at = 0;
	while ((e = table_next(&f->keys, &at))) {
		if (!is_alive(e, window))
			continue;
		alive++;
		if (!pane)
			pane = panes_open(f->panes, window, due_of(f, window));
		panes_entry(f->panes, pane, table_key(&f->keys, e), e->key_len);
	}
	return alive;
}

/* At the end of the input nothing says that time went on behind the last record. */
static bool is_due(const struct fill *f)
{
	if (f->windower->watermark_ns == INT64_MAX)
		return f->at.start_ns <= f->last_ns;
	return due_of(f, &f->at) <= f->windower->watermark_ns;
}

bool fill_step(struct fill *f, const struct pane *first)
{
	uint32_t alive;

	if (!f->windower->shape.fills || (first && first->fired))
		return false;
	if (!f->has_begun && first) {
		f->at = first->window;
		f->has_begun = true;
	}
	/* a pane before the next window in sequence is one that was filled just now */
	if (!f->has_begun || !is_due(f) || (first && first->window.start_ns < f->at.start_ns))
		return false;
	alive = fill_window(f, &f->at);
	/* with no key left the sequence begins anew where records are */
	f->has_begun = windowing_next(&f->windower->shape.windowing, &f->at) && alive;
	forget_keys(f, alive);
	return true;
}

void fill_late(struct fill *f, const struct window *window, const struct buf *key,
	void (*say)(struct windower *w, struct pane *pane, struct table_entry *e))
{
	struct window next = *window;
	int64_t until_ns = time_plus(window->end_ns, f->windower->shape.fill_for_ns);

	keep_key(f, key->data, key->len, window);
	while (windowing_next(&f->windower->shape.windowing, &next) &&
		next.end_ns <= f->windower->watermark_ns && next.end_ns <= until_ns) {
		struct pane *pane = panes_open(
			f->panes, &next, time_plus(next.end_ns, f->windower->lateness_ns));
		uint32_t before = pane->keys.count;
		struct table_entry *e = panes_entry(f->panes, pane, key->data, key->len);

		pane->fired = true;
		if (pane->keys.count > before)
			say(f->windower, pane, e);
	}
	/* with nothing else in sequence it goes on from here */
	if (!f->has_begun && next.end_ns > f->windower->watermark_ns && next.end_ns <= until_ns) {
		f->at = next;
		f->has_begun = true;
	}
}

/* Checkpoints */

static void write_key(struct fill *f, struct table_entry *e)
{
	struct windowlog *j = f->windower->log;
	const struct fill_key *k = (const void *)e->value;

	windowlog_begin(j, FILL_ENTRY);
	buf_add(&j->key, table_key(&f->keys, e), e->key_len);
	compact_add_signed(&j->value, k->until_ns);
	windowlog_put(j);
}

void fill_write_changed(struct fill *f, size_t most)
{
	struct table_entry *e;

	while (most && (e = changes_take(&f->changes))) {
		write_key(f, e);
		most--;
	}
}

void fill_begin_round(struct fill *f)
{
	changes_begin_round(&f->changes);
}

bool fill_write_behind(struct fill *f)
{
	struct windowlog *j = f->windower->log;
	struct table_entry *e;

	while (windowlog_goes_on(j) &&
		(e = changes_take_behind(&f->changes, &f->keys, &j->steps_left)))
		write_key(f, e);
	return !f->changes.behind;
}

const char *fill_take_entry(struct fill *f, const struct windowlog_entry *e)
{
	const char *at = e->value;
	struct fill_key *k;
	bool added;

	/* one that is not known is of a file that was let go of; in a table none goes alone */
	if (!e->value) {
		k = table_find(&f->keys, e->key, e->key_len);
		if (k)
			k->until_ns = INT64_MIN;
		return NULL;
	}
	k = table_add(&f->keys, e->key, e->key_len, &added);
	if (!compact_take_signed(&at, e->value + e->value_len, &k->until_ns))
		return "not until when a key is filled";
	note(f, k);
	return NULL;
}

void fill_restored(struct fill *f)
{
	struct table old = f->keys;
	struct table_entry *e;
	size_t at = 0;

	while (changes_take(&f->changes))
		;
	if (f->windower->shape.fills)
		return;
	/* what is not looked after is not to come back with another --fill */
	table_init(&f->keys, sizeof(struct fill_key));
	changes_release(&f->changes);
	while ((e = table_next(&old, &at)))
		write_deleted(f, &old, e);
	table_release(&old);
	f->has_begun = false;
}

void fill_snapshot(const struct fill *f, json_t *state)
{
	member_put(state, "fill_start", f->at.start_ns);
	member_put(state, "fill_end", f->at.end_ns);
	member_put(state, "fill_begun", f->has_begun);
	member_put(state, "fill_last", f->last_ns);
}

void fill_restore(struct fill *f, const json_t *state)
{
	f->at.start_ns = member_get(state, "fill_start");
	f->at.end_ns = member_get(state, "fill_end");
	f->has_begun = member_get(state, "fill_begun") != 0;
	f->last_ns = member_get(state, "fill_last");
}
