#include "flow/panes.h"

#include "random.h"
#include "test.h"

enum { STARTS = 200, SIZE_NS = 60, PANES = 400 };

/* The model: a list of windows with their due times. */
struct open {
	int64_t start_ns;
	int64_t due_ns;
};

static struct open opens[PANES];
static size_t open_count;

static struct open *open_of(int64_t start_ns)
{
	for (size_t i = 0; i < open_count; i++)
		if (opens[i].start_ns == start_ns)
			return &opens[i];
	return NULL;
}

/* Opens the window, and again with another due time, which then means nothing. */
static void open_pane(struct panes *p, int64_t start_ns)
{
	struct window w = {start_ns, start_ns + SIZE_NS};
	int64_t due_ns = w.end_ns + (int64_t)random_below(3) * 100;
	struct open *o = open_of(start_ns);
	struct pane *found = panes_find(p, &w), *pane;

	check(!found == !o);
	if (!o && open_count == PANES)
		return;
	pane = panes_open(p, &w, due_ns);
	check(pane && (!found || found == pane));
	check(panes_find(p, &w) == pane);
	check(pane->window.start_ns == start_ns && pane->window.end_ns == w.end_ns);
	if (o) {
		check_int(*(int64_t *)pane->keys, start_ns);
		return;
	}
	check(!pane->fired && !pane->keys);
	pane->keys = malloc(sizeof(start_ns));
	*(int64_t *)pane->keys = start_ns;
	opens[open_count++] = (struct open){start_ns, due_ns};
}

/* What falls due comes in the order of due times; some of it is put off once more. */
static void take_due(struct panes *p, int64_t until_ns, bool puts_off)
{
	struct pane *pane;
	int64_t due_ns = INT64_MIN;

	while ((pane = panes_due(p, until_ns))) {
		struct window w = pane->window;
		struct open *o = open_of(w.start_ns);

		check(o && o->due_ns <= until_ns && o->due_ns >= due_ns);
		check(panes_due(p, until_ns) == pane);
		check_int(*(int64_t *)pane->keys, w.start_ns);
		due_ns = o->due_ns;
		if (puts_off && !pane->fired && random_below(3) == 0) {
			pane->fired = true;
			o->due_ns = until_ns + 1 + (int64_t)random_below(300);
			panes_requeue(p, o->due_ns);
			continue;
		}
		free(pane->keys);
		panes_drop(p);
		*o = opens[--open_count];
		check(!panes_find(p, &w));
	}
	for (size_t i = 0; i < open_count; i++)
		check(opens[i].due_ns > until_ns);
}

void test_against_a_list(void)
{
	random_seed();
	for (int round = 0; round < 30; round++) {
		struct panes p;
		uint64_t starts = round % 3 ? STARTS : 5;
		int64_t base = -1000;

		open_count = 0;
		panes_init(&p);
		for (int i = 0; i < 3000; i++) {
			open_pane(&p, (base + (int64_t)random_below(starts)) * SIZE_NS);
			if (random_below(20) == 0)
				take_due(&p, (base += (int64_t)random_below(10)) * SIZE_NS, true);
			check_int(panes_count(&p), open_count);
			check(p.bytes >= open_count * sizeof(struct pane));
		}
		take_due(&p, INT64_MAX, false);
		check_int(panes_count(&p), 0);
		check_int(p.bytes, 0);
		panes_release(&p);
	}
}

/* The windows that are still open at the end are released with it. */
void test_release_with_windows_open(void)
{
	struct panes p;

	panes_init(&p);
	check_int(p.bytes, 0);
	check(!panes_due(&p, INT64_MAX));
	for (int64_t i = 0; i < 100; i++) {
		struct window w = {i * 10, i * 10 + 10};

		panes_open(&p, &w, w.end_ns);
	}
	check_int(panes_count(&p), 100);
	check(p.bytes > 100 * sizeof(struct pane));
	check(!panes_due(&p, 9));
	panes_release(&p);
}

void test_windows_at_the_edges_of_time(void)
{
	struct window first = {INT64_MIN, INT64_MIN + 1}, last = {INT64_MAX - 1, INT64_MAX};
	struct panes p;

	panes_init(&p);
	panes_open(&p, &last, last.end_ns);
	panes_open(&p, &first, first.end_ns);
	check(!panes_due(&p, INT64_MIN));
	check_int(panes_due(&p, INT64_MIN + 1)->window.start_ns, INT64_MIN);
	panes_drop(&p);
	check(!panes_due(&p, INT64_MAX - 1));
	check_int(panes_due(&p, INT64_MAX)->window.start_ns, INT64_MAX - 1);
	panes_drop(&p);
	check_int(panes_count(&p), 0);
	panes_release(&p);
}
