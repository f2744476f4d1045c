#include "flow/panes.h"

#include "random.h"
#include "test.h"

enum { CELLS = 2000, STARTS = 200, SIZE_NS = 60, PANES = 400 };

/* The model: a list of (window, key) with a number each, and one of windows with their due times.
 */
struct cell {
	int64_t start_ns;
	uint64_t key;
	uint64_t number;
};

struct open {
	int64_t start_ns;
	int64_t due_ns;
};

static struct cell cells[CELLS];
static size_t cell_count;
static struct open opens[PANES];
static size_t open_count;

static struct cell *cell_of(int64_t start_ns, uint64_t key)
{
	for (size_t i = 0; i < cell_count; i++)
		if (cells[i].start_ns == start_ns && cells[i].key == key)
			return &cells[i];
	return NULL;
}

static struct open *open_of(int64_t start_ns)
{
	for (size_t i = 0; i < open_count; i++)
		if (opens[i].start_ns == start_ns)
			return &opens[i];
	return NULL;
}

/* Opens the window, and again with another due time, which then means nothing. */
static struct pane *open_pane(struct panes *p, const struct window *w)
{
	int64_t due_ns = w->end_ns + (int64_t)random_below(3) * 100;
	struct open *o = open_of(w->start_ns);
	struct pane *found = panes_find(p, w), *pane = panes_open(p, w, due_ns);

	check(!found == !o);
	check(pane && (!found || found == pane));
	check(panes_find(p, w) == pane);
	check(pane->window.start_ns == w->start_ns && pane->window.end_ns == w->end_ns);
	if (!o) {
		check(!pane->fired);
		opens[open_count++] = (struct open){w->start_ns, due_ns};
	}
	return pane;
}

static void put(struct panes *p, int64_t start_ns, uint64_t key)
{
	struct window w = {start_ns, start_ns + SIZE_NS};
	struct cell *c = cell_of(start_ns, key);
	struct table_entry *e;

	if (!c && (cell_count == CELLS || open_count == PANES))
		return;
	e = panes_entry(p, open_pane(p, &w), &key, sizeof(key));
	check_int(e->key_len, sizeof(key));
	check_int(*(uint64_t *)(void *)e->value, c ? c->number : 0);
	if (!c) {
		c = &cells[cell_count++];
		*c = (struct cell){.start_ns = start_ns, .key = key};
	}
	*(uint64_t *)(void *)e->value = c->number = random_next();
}

/* Checks all keys of a window that was taken, and takes them out of the model. */
static void check_pane(const struct pane *pane)
{
	struct table_entry **sorted = table_sorted(&pane->keys);

	check_int(pane->window.end_ns, pane->window.start_ns + SIZE_NS);
	for (uint32_t i = 0; i < pane->keys.count; i++) {
		uint64_t key, number;
		struct cell *c;

		memcpy(&key, table_key(&pane->keys, sorted[i]), sizeof(key));
		memcpy(&number, sorted[i]->value, sizeof(number));
		c = cell_of(pane->window.start_ns, key);
		check(c && c->number == number);
		*c = cells[--cell_count];
	}
	for (size_t i = 0; i < cell_count; i++)
		check(cells[i].start_ns != pane->window.start_ns);
	free(sorted);
}

/* What falls due comes in the order of due times; some of it is put off once more. */
static void take_due(struct panes *p, int64_t until_ns, bool puts_off)
{
	struct pane *pane;
	int64_t due_ns = INT64_MIN;

	while ((pane = panes_due(p, until_ns))) {
		struct open *o = open_of(pane->window.start_ns);

		check(o && o->due_ns <= until_ns && o->due_ns >= due_ns);
		check(panes_due(p, until_ns) == pane);
		due_ns = o->due_ns;
		if (puts_off && !pane->fired && random_below(3) == 0) {
			pane->fired = true;
			o->due_ns = until_ns + 1 + (int64_t)random_below(300);
			panes_requeue(p, o->due_ns);
			continue;
		}
		check(panes_take(p) == pane);
		*o = opens[--open_count];
		check(!panes_find(p, &pane->window));
		check_pane(pane);
		pane_free(pane);
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

		cell_count = open_count = 0;
		panes_init(&p, sizeof(uint64_t));
		for (int i = 0; i < 3000; i++) {
			put(&p, (base + (int64_t)random_below(starts)) * SIZE_NS, random_below(4));
			if (random_below(20) == 0)
				take_due(&p, (base += (int64_t)random_below(10)) * SIZE_NS, true);
			check_int(panes_count(&p), open_count);
			check_int(p.cells, cell_count);
			check(p.bytes >= open_count * sizeof(struct pane) + cell_count * 24);
		}
		take_due(&p, INT64_MAX, false);
		check_int(cell_count, 0);
		check_int(panes_count(&p), 0);
		check_int(p.cells, 0);
		check_int(p.bytes, 0);
		panes_release(&p);
	}
}

/* The windows that are still open at the end are released with it. */
void test_release_with_windows_open(void)
{
	struct panes p;

	panes_init(&p, 40);
	check(!panes_due(&p, INT64_MAX));
	for (int64_t i = 0; i < 100; i++) {
		struct window w = {i * 10, i * 10 + 10};

		panes_entry(&p, panes_open(&p, &w, w.end_ns), &i, sizeof(i));
	}
	check_int(panes_count(&p), 100);
	check_int(p.cells, 100);
	check(p.bytes > 100 * 40);
	check(!panes_due(&p, 9));
	panes_release(&p);
}

/* One without keys is one all the same. */
void test_without_keys(void)
{
	struct window w = {0, 10};
	struct panes p;
	struct pane *pane;

	panes_init(&p, 8);
	check(!panes_find(&p, &w));
	pane = panes_open(&p, &w, 10);
	check_int(p.bytes, sizeof(*pane));
	check_int(p.cells, 0);
	check(panes_due(&p, 10) == pane);
	check(panes_take(&p) == pane);
	check_int(pane->keys.count, 0);
	pane_free(pane);
	check_int(p.bytes, 0);
	panes_release(&p);
}

void test_windows_at_the_edges_of_time(void)
{
	struct window first = {INT64_MIN, INT64_MIN + 1}, last = {INT64_MAX - 1, INT64_MAX};
	struct panes p;
	struct pane *pane;

	panes_init(&p, 8);
	panes_entry(&p, panes_open(&p, &last, last.end_ns), "", 0);
	panes_entry(&p, panes_open(&p, &first, first.end_ns), "", 0);
	check(!panes_due(&p, INT64_MIN));
	pane = panes_due(&p, INT64_MIN + 1);
	check_int(pane->window.start_ns, INT64_MIN);
	check(panes_take(&p) == pane);
	pane_free(pane);
	check(!panes_due(&p, INT64_MAX - 1));
	pane = panes_due(&p, INT64_MAX);
	check_int(pane->window.start_ns, INT64_MAX - 1);
	check(panes_take(&p) == pane);
	pane_free(pane);
	panes_release(&p);
}
