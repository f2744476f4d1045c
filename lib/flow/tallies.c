#include "flow/tallies.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void tallies_init(struct tallies *t)
{
	*t = (struct tallies){.count = 0};
}

void tallies_release(struct tallies *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->list[i].first);
		free(t->list[i].second);
	}
	free(t->list);
}

static int order(const char *first, const char *second, const struct tally *t)
{
	int by_first = strcmp(first, t->first);

	return by_first ? by_first : strcmp(second, t->second);
}

static void insert(struct tallies *t, size_t at, const char *first, const char *second)
{
	t->list = mem_resize(t->list, (t->count + 1) * sizeof(*t->list));
	memmove(t->list + at + 1, t->list + at, (t->count - at) * sizeof(*t->list));
	t->list[at] = (struct tally){mem_string(first), mem_string(second), 1};
	t->count++;
}

void tallies_add(struct tallies *t, const char *first, const char *second)
{
	size_t from = 0, to = t->count;

	while (from < to) {
		size_t middle = (from + to) / 2;
		int side = order(first, second, &t->list[middle]);

		if (side == 0) {
			t->list[middle].count++;
			return;
		}
		if (side < 0)
			to = middle;
		else
			from = middle + 1;
	}
	insert(t, from, first, second);
}
