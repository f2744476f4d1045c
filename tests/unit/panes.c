#include "flow/panes.h"

#include "random.h"
#include "test.h"

enum { CELLS = 2000, STARTS = 200, SIZE_NS = 60 };

/* The model: a list of (window, key) with a number each. */
struct cell {
	int64_t start_ns;
	uint64_t key;
	uint64_t number;
};

static struct cell cells[CELLS];
static size_t cell_count;

static struct cell *cell_of(int64_t start_ns, uint64_t key)
{
	for (size_t i = 0; i < cell_count; i++)
		if (cells[i].start_ns == start_ns && cells[i].key == key)
			return &cells[i];
	return NULL;
}

static void put(struct panes *p, int64_t start_ns, uint64_t key)
{
	struct window w = {start_ns, start_ns + SIZE_NS};
	struct cell *c = cell_of(start_ns, key);
	uint64_t *state;

	if (!c && cell_count == CELLS)
		return;
	state = panes_state(p, &w, &key, sizeof(key));
	check_int(*state, c ? c->number : 0);
	if (!c) {
		c = &cells[cell_count++];
		*c = (struct cell){.start_ns = start_ns, .key = key};
	}
	*state = c->number = random_next();
}

static size_t windows_open(void)
{
	size_t count = 0;

	for (size_t i = 0; i < cell_count; i++) {
		size_t k = 0;

		while (cells[k].start_ns != cells[i].start_ns)
			k++;
		count += k == i;
	}
	return count;
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

static void take(struct panes *p, int64_t until_ns)
{
	struct pane *pane;
	int64_t end_ns = INT64_MIN;

	while ((pane = panes_take(p, until_ns))) {
		check(pane->window.end_ns <= until_ns && pane->window.end_ns > end_ns);
		end_ns = pane->window.end_ns;
		check_pane(pane);
		pane_free(pane);
	}
	for (size_t i = 0; i < cell_count; i++)
		check(cells[i].start_ns + SIZE_NS > until_ns);
}

void test_against_a_list(void)
{
	random_seed();
	for (int round = 0; round < 30; round++) {
		struct panes p;
		uint64_t starts = round % 3 ? STARTS : 5;
		int64_t base = 0;

		cell_count = 0;
		panes_init(&p, sizeof(uint64_t));
		for (int i = 0; i < 3000; i++) {
			put(&p, (base + (int64_t)random_below(starts)) * SIZE_NS, random_below(4));
			if (random_below(20) == 0)
				take(&p, (base += (int64_t)random_below(10)) * SIZE_NS);
			if (i % 100 == 0)
				check_int(panes_count(&p), windows_open());
		}
		take(&p, INT64_MAX);
		check_int(cell_count, 0);
		check_int(panes_count(&p), 0);
		check_int(p.bytes, 0);
		panes_release(&p);
	}
}

/* The windows that are still open at the end are released with it. */
void test_release_with_windows_open(void)
{
	struct panes p;

	panes_init(&p, 40);
	check(!panes_take(&p, INT64_MAX));
	for (int64_t i = 0; i < 100; i++) {
		struct window w = {i * 10, i * 10 + 10};

		panes_state(&p, &w, &i, sizeof(i));
	}
	check_int(panes_count(&p), 100);
	check(p.bytes > 100 * 40);
	check(!panes_take(&p, 9));
	panes_release(&p);
}

void test_windows_at_the_edges_of_time(void)
{
	struct window first = {INT64_MIN, INT64_MIN + 1}, last = {INT64_MAX - 1, INT64_MAX};
	struct panes p;
	struct pane *pane;

	panes_init(&p, 8);
	panes_state(&p, &last, "", 0);
	panes_state(&p, &first, "", 0);
	check(!panes_take(&p, INT64_MIN));
	pane = panes_take(&p, INT64_MIN + 1);
	check_int(pane->window.start_ns, INT64_MIN);
	pane_free(pane);
	check(!panes_take(&p, INT64_MAX - 1));
	pane = panes_take(&p, INT64_MAX);
	check_int(pane->window.start_ns, INT64_MAX - 1);
	pane_free(pane);
	panes_release(&p);
}
