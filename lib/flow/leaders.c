#include "flow/leaders.h"

#include <stdlib.h>

#include "base/mem.h"

enum { SMALLEST = 16 };

void leaders_init(struct leaders *l, uint64_t most)
{
	*l = (struct leaders){.most = most};
}

void leaders_release(struct leaders *l)
{
	free(l->list);
}

static bool is_behind(const struct leader *a, const struct leader *b)
{
	int order = decimal_compare(&a->rank, &b->rank);

	return order ? order < 0 : a->place > b->place;
}

static void put(struct leaders *l, struct leader leader)
{
	size_t at = l->count++;

	if (l->count > l->cap) {
		l->cap = l->cap ? l->cap * 2 : SMALLEST;
		l->list = mem_resize(l->list, l->cap * sizeof(*l->list));
	}
	for (; at && is_behind(&leader, &l->list[(at - 1) / 2]); at = (at - 1) / 2)
		l->list[at] = l->list[(at - 1) / 2];
	l->list[at] = leader;
}

/* In place of the last of them. */
static void replace_last(struct leaders *l, struct leader leader)
{
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < l->count && is_behind(&l->list[child + 1], &l->list[child]))
			child++;
		if (child >= l->count || !is_behind(&l->list[child], &leader))
			break;
		l->list[at] = l->list[child];
		at = child;
	}
	l->list[at] = leader;
}

void leaders_add(struct leaders *l, const struct decimal *rank, uint64_t place)
{
	struct leader leader = {*rank, place};

	if (l->count < l->most)
		put(l, leader);
	else if (l->count && is_behind(&l->list[0], &leader))
		replace_last(l, leader);
}

static int by_place(const void *a, const void *b)
{
	const struct leader *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

void leaders_ask(struct leaders *l)
{
	if (l->count)
		qsort(l->list, l->count, sizeof(*l->list), by_place);
	l->at = 0;
}

bool leaders_has(struct leaders *l, uint64_t place)
{
	if (l->at == l->count || l->list[l->at].place != place)
		return false;
	l->at++;
	return true;
}
