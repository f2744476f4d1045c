#include "flow/bisect.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

void bisect_init(struct bisect *b)
{
	*b = (struct bisect){.records = NULL};
}

void bisect_release(struct bisect *b)
{
	free(b->records);
}

void bisect_begin(struct bisect *b, size_t count)
{
	assert(count > 0);
	if (count > b->cap) {
		b->records = mem_resize(b->records, count * sizeof(*b->records));
		b->cap = count;
	}
	for (size_t i = 0; i < count; i++)
		b->records[i] = i;
	b->pieces[0] = (struct bisect_piece){.first = 0, .count = count};
	b->depth = 1;
}

const size_t *bisect_next(const struct bisect *b, size_t *count)
{
	const struct bisect_piece *next;

	if (!b->depth)
		return NULL;
	next = &b->pieces[b->depth - 1];
	*count = next->count;
	return b->records + next->first;
}

bool bisect_is_last(const struct bisect *b)
{
	return b->depth == 1;
}

void bisect_keep(struct bisect *b, const size_t *places, size_t count)
{
	struct bisect_piece *next;

	assert(b->depth > 0);
	next = &b->pieces[b->depth - 1];
	for (size_t i = 0; i < count; i++) {
		assert(places[i] < next->count && places[i] >= i);
		b->records[next->first + i] = b->records[next->first + places[i]];
	}
	next->count = count;
	if (!count)
		b->depth--;
}

bool bisect_halve(struct bisect *b)
{
	struct bisect_piece *next;
	size_t second;

	assert(b->depth > 0);
	next = &b->pieces[b->depth - 1];
	if (next->count == 1) {
		b->depth--;
		return false;
	}
	assert(b->depth < BISECT_DEPTH_MAX);
	second = next->count / 2;
	next[1] = (struct bisect_piece){.first = next->first, .count = next->count - second};
	next->first += next->count - second;
	next->count = second;
	b->depth++;
	return true;
}
