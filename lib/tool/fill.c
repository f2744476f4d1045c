#include "tool/fill.h"

#include "base/compact.h"
#include "base/instant.h"
#include "state/member.h"

enum { KEYS = 'f' };

struct fill_key {
	int64_t until_ns; /* windows that end up to here are filled */
};

static void pack(void *context, const struct table_entry *e, struct buf *to)
{
	const struct fill_key *k = (const void *)e->value;

	(void)context;
	compact_add_signed(to, k->until_ns);
}

static const char *unpack(void *context, struct table_entry *e, const char *at, const char *end)
{
	struct fill_key *k = (void *)e->value;

	(void)context;
	return compact_take_signed(&at, end, &k->until_ns) && at == end
		       ? NULL
		       : "not until when a key is filled";
}

void fill_init(struct fill *f, struct windower *w, struct panekeys *panes)
{
	*f = (struct fill){.windower = w, .panes = panes, .last_ns = INT64_MIN};
	windower_holds(w, (struct store_kind){
				  .letter = KEYS,
				  .value_bytes = sizeof(struct fill_key),
				  .pack = pack,
				  .unpack = unpack,
			  });
}

void fill_opened(struct fill *f)
{
	struct store *s = &f->windower->store;
	struct store_space *kept = store_space(s, KEYS, 0);

	if (f->windower->shape.fills) {
		f->keys = kept ? kept : store_open(s, KEYS, 0);
		return;
	}
	/* what is not looked after is not to come back with another --fill */
	if (kept)
		store_drop(s, kept);
	f->has_begun = false;
}

/* The key has records in the window. */
static void keep_key(struct fill *f, const char *key, size_t len, const struct window *window)
{
	bool added;
	struct table_entry *e = store_enter(&f->windower->store, f->keys, key, len, &added);
	struct fill_key *k = (void *)e->value;
	int64_t until_ns = time_plus(window->end_ns, f->windower->shape.fill_for_ns);

	if (!added && until_ns <= k->until_ns)
		return;
	k->until_ns = until_ns;
	store_note(&f->windower->store, f->keys, e);
}

static void keep_all(struct fill *f, const struct pane *pane)
{
	struct store_scan c;
	struct table_entry *e;

	store_scan_begin(&c, &f->windower->store, panekeys_of(pane));
	while ((e = windower_scan_next(f->windower, &c)))
		keep_key(f, store_key(panekeys_of(pane), e), e->key_len, &pane->window);
	store_scan_end(&c);
}

/* Fills the window with all keys that live; lets go of those that don't any more. */
static void fill_window(struct fill *f, const struct window *window)
{
	struct windower *w = f->windower;
	struct pane *pane = panes_find(&f->panes->panes, window);
	struct table_entry *e;
	struct store_scan c;
	bool added;

	if (pane)
		keep_all(f, pane);
	store_scan_begin(&c, &w->store, f->keys);
	while ((e = windower_scan_next(w, &c))) {
		const struct fill_key *k = (const void *)e->value;

		if (window->end_ns > k->until_ns) {
			store_delete(&w->store, f->keys, e);
			continue;
		}
		if (!pane)
			pane = panekeys_open(f->panes, window, false);
		store_enter(
			&w->store, panekeys_of(pane), store_key(f->keys, e), e->key_len, &added);
	}
	store_scan_end(&c);
}

/* At the end of the input nothing says that time went on behind the last record. */
static bool is_due(const struct fill *f)
{
	const struct windower *w = f->windower;
	int64_t wait_ns = w->results->emit == RESULTS_FINAL ? w->lateness_ns : 0;

	if (w->watermark_ns == INT64_MAX)
		return f->at.start_ns <= f->last_ns;
	return time_plus(f->at.end_ns, wait_ns) <= w->watermark_ns;
}

bool fill_step(struct fill *f, const struct pane *first)
{
	if (!f->keys || (first && first->fired))
		return false;
	if (!f->has_begun && first) {
		f->at = first->window;
		f->has_begun = true;
	}
	/* a pane before the next window in sequence is one that was filled just now */
	if (!f->has_begun || !is_due(f) || (first && first->window.start_ns < f->at.start_ns))
		return false;
	fill_window(f, &f->at);
	/* with no key left the sequence begins anew where records are */
	f->has_begun = windowing_next(&f->windower->shape.windowing, &f->at) && fill_count(f);
	return true;
}

void fill_late(struct fill *f, const struct window *window, const struct buf *key,
	void (*say)(struct windower *w, struct pane *pane, struct table_entry *e))
{
	struct windower *w = f->windower;
	struct window next = *window;
	int64_t until_ns = time_plus(window->end_ns, w->shape.fill_for_ns);

	keep_key(f, key->data, key->len, window);
	while (windowing_next(&w->shape.windowing, &next) && next.end_ns <= w->watermark_ns &&
		next.end_ns <= until_ns) {
		struct pane *pane = panekeys_open(f->panes, &next, true);
		bool added;
		struct table_entry *e =
			store_enter(&w->store, panekeys_of(pane), key->data, key->len, &added);

		if (added)
			say(w, pane, e);
	}
	/* with nothing else in sequence it goes on from here */
	if (!f->has_begun && next.end_ns > w->watermark_ns && next.end_ns <= until_ns) {
		f->at = next;
		f->has_begun = true;
	}
}

void fill_end(struct fill *f)
{
	if (f->keys)
		store_drop(&f->windower->store, f->keys);
	f->keys = NULL;
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
