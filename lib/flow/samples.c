#include "flow/samples.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { SMALLEST = 2 };

struct samples_list {
	struct sample **items; /* in order; their bytes stand behind each */
	size_t count;
	size_t cap;
	size_t bytes; /* all that is allocated */
};

int sample_compare(const struct sample *a, const struct sample *b)
{
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

static struct sample *sample_new(struct samples_list *l, const struct sample *of)
{
	struct sample *s = mem_alloc(sizeof(*s) + of->len);

	*s = *of;
	s->bytes = memcpy((char *)(s + 1), of->bytes, of->len);
	l->bytes += sizeof(*s) + of->len;
	return s;
}

static void sample_free(struct samples_list *l, struct sample *s)
{
	l->bytes -= sizeof(*s) + s->len;
	free(s);
}

/* Where it belongs: behind all that are not after it. Most come in order, so the end is first. */
static size_t place_of(const struct samples_list *l, const struct sample *s)
{
	size_t low = 0, high = l->count;

	if (high && sample_compare(l->items[high - 1], s) <= 0)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sample_compare(l->items[middle], s) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void grow(struct samples_list *l)
{
	size_t cap = l->cap ? l->cap * 2 : SMALLEST;

	l->items = mem_resize(l->items, cap * sizeof(*l->items));
	l->bytes += (cap - l->cap) * sizeof(*l->items);
	l->cap = cap;
}

static void put(struct samples_list *l, size_t at, struct sample *s)
{
	if (l->count == l->cap)
		grow(l);
	memmove(&l->items[at + 1], &l->items[at], (l->count - at) * sizeof(*l->items));
	l->items[at] = s;
	l->count++;
}

static void take(struct samples_list *l, size_t at)
{
	sample_free(l, l->items[at]);
	l->count--;
	memmove(&l->items[at], &l->items[at + 1], (l->count - at) * sizeof(*l->items));
}

void samples_release(struct samples *s)
{
	struct samples_list *l = s->list;

	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i]);
	free(l->items);
	free(l);
	s->list = NULL;
}

size_t samples_bytes(const struct samples *s)
{
	return s->list ? s->list->bytes : 0;
}

void samples_add(struct samples *s, const struct samples_rule *rule, const struct sample *sample)
{
	struct samples_list *l = s->list;
	bool first = rule->side == SAMPLES_FIRST;
	size_t at;

	assert(rule->limit > 0);
	if (!l) {
		l = s->list = mem_zero(1, sizeof(*l));
		l->bytes = sizeof(*l);
	}
	at = place_of(l, sample);
	if (l->count == rule->limit) {
		if (at == (first ? l->count : 0))
			return;
		take(l, first ? l->count - 1 : 0);
		at -= !first;
	}
	put(l, at, sample_new(l, sample));
}

void samples_merge(struct samples *s, const struct samples_rule *rule, const struct samples *from)
{
	assert(s != from);
	for (size_t i = 0; i < samples_count(from); i++)
		samples_add(s, rule, from->list->items[i]);
}

size_t samples_count(const struct samples *s)
{
	return s->list ? s->list->count : 0;
}

const struct sample *samples_at(const struct samples *s, size_t i)
{
	assert(i < samples_count(s));
	return s->list->items[i];
}
