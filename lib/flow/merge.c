#include "flow/merge.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

enum { FIRST_ROOM = 16 };

void merge_init(struct merge *m)
{
	*m = (struct merge){.nexts = NULL};
}

void merge_release(struct merge *m)
{
	free(m->nexts);
	merge_init(m);
}

static bool is_before(const struct merge_next *a, const struct merge_next *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->input < b->input;
}

void merge_put(struct merge *m, struct merge_next next)
{
	size_t i;

	if (m->count == m->cap) {
		m->cap = m->cap ? 2 * m->cap : FIRST_ROOM;
		m->nexts = mem_resize(m->nexts, m->cap * sizeof(*m->nexts));
	}
	for (i = m->count++; i && is_before(&next, &m->nexts[(i - 1) / 2]); i = (i - 1) / 2)
		m->nexts[i] = m->nexts[(i - 1) / 2];
	m->nexts[i] = next;
}

/* The lesser of the two below i; count if there is none. */
static size_t below(const struct merge *m, size_t i)
{
	size_t left = 2 * i + 1;

	if (left >= m->count)
		return m->count;
	return left + 1 < m->count && is_before(&m->nexts[left + 1], &m->nexts[left]) ? left + 1
										      : left;
}

struct merge_next merge_take(struct merge *m)
{
	struct merge_next first, last;
	size_t i = 0, child;

	assert(m->count);
	first = m->nexts[0];
	last = m->nexts[--m->count];
	for (; (child = below(m, i)) < m->count && is_before(&m->nexts[child], &last); i = child)
		m->nexts[i] = m->nexts[child];
	if (m->count)
		m->nexts[i] = last;
	return first;
}
