#include "tool/panekeys.h"

#include "base/instant.h"
#include "state/member.h"

enum { KEYS = 'k' };

/* The space's own words. */
enum { END_NS, FIRED };

static void pack(void *context, const struct table_entry *e, struct buf *to)
{
	windower_pack(context, e->value, to);
}

static const char *unpack(void *context, struct table_entry *e, const char *at, const char *end)
{
	return windower_unpack(context, e->value, at, end);
}

static void clear(void *context, struct table_entry *e)
{
	windower_clear(context, e->value);
}

void panekeys_init(struct panekeys *p, struct windower *w)
{
	*p = (struct panekeys){.windower = w};
	panes_init(&p->panes);
	windower_counts(w, &p->panes.bytes);
	windower_holds(w,
		(struct store_kind){
			.letter = KEYS,
			.value_bytes = w->aggregates->state_bytes + results_state_bytes(w->results),
			.context = w,
			.pack = pack,
			.unpack = unpack,
			.clear = windower_has_heap(w) ? clear : NULL,
		});
}

void panekeys_release(struct panekeys *p)
{
	panes_release(&p->panes);
}

/* At its end where something is to be said then, and, once that is said or else, when nothing can
 * change any more. */
static int64_t due_ns(const struct panekeys *p, const struct window *window, bool fired)
{
	bool waits = p->windower->results->emit == RESULTS_FINAL || fired;

	return waits ? time_plus(window->end_ns, p->windower->lateness_ns) : window->end_ns;
}

static void adopt(struct panekeys *p, struct store_space *space)
{
	struct window window = {space->at, space->own[END_NS]};
	struct pane *pane;

	/* a window that holds no time is none */
	if (window.end_ns <= window.start_ns || space->own[FIRED] < 0 || space->own[FIRED] > 1)
		member_die("files");
	pane = panes_open(&p->panes, &window, due_ns(p, &window, space->own[FIRED]));
	pane->fired = space->own[FIRED];
	pane->keys = space;
}

void panekeys_opened(struct panekeys *p)
{
	struct store_space *space = NULL;

	while ((space = store_next_space(&p->windower->store, space)))
		if (space->kind->letter == KEYS)
			adopt(p, space);
}

struct pane *panekeys_open(struct panekeys *p, const struct window *window, bool fired)
{
	struct pane *pane = panes_find(&p->panes, window);
	struct store_space *space;

	if (pane)
		return pane;
	space = store_open(&p->windower->store, KEYS, window->start_ns);
	space->own[END_NS] = window->end_ns;
	space->own[FIRED] = fired;
	store_note_space(&p->windower->store, space);
	space->table.expected = p->expected;
	pane = panes_open(&p->panes, window, due_ns(p, window, fired));
	pane->fired = fired;
	pane->keys = space;
	return pane;
}

void panekeys_fired(struct panekeys *p)
{
	struct pane *pane = panes_due(&p->panes, INT64_MAX);

	pane->fired = true;
	panekeys_of(pane)->own[FIRED] = true;
	store_note_space(&p->windower->store, panekeys_of(pane));
	panes_requeue(&p->panes, due_ns(p, &pane->window, true));
}

void panekeys_drop(struct panekeys *p)
{
	struct pane *pane = panes_due(&p->panes, INT64_MAX);

	p->expected = panekeys_of(pane)->table.count;
	store_drop(&p->windower->store, panekeys_of(pane));
	panes_drop(&p->panes);
}
