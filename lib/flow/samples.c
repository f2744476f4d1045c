#include "flow/samples.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/compact.h"
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

/* Differences wrap around, so that there is one whatever the two are. */
void sample_pack(const struct sample *s, const struct sample *before, struct buf *to)
{
	compact_add_signed(to, (int64_t)((uint64_t)s->time_ns - (uint64_t)before->time_ns));
	compact_add_signed(to, (int64_t)(s->sequence - before->sequence));
	compact_add_bytes(to, s->bytes, s->len);
}

bool sample_unpack(struct sample *s, const struct sample *before, const char **at, const char *end)
{
	int64_t time, sequence;

	if (!compact_take_signed(at, end, &time) || !compact_take_signed(at, end, &sequence) ||
		!compact_take_bytes(at, end, &s->bytes, &s->len))
		return false;
	s->time_ns = (int64_t)((uint64_t)before->time_ns + (uint64_t)time);
	s->sequence = before->sequence + (uint64_t)sequence;
	return true;
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

static struct samples_list *list_new(void)
{
	struct samples_list *l = mem_zero(1, sizeof(*l));

	l->bytes = sizeof(*l);
	return l;
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
	if (!l)
		l = s->list = list_new();
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

void samples_pack(const struct samples *s, struct buf *to)
{
	struct sample none = {.len = 0};
	const struct sample *before = &none;

	compact_add(to, samples_count(s));
	for (size_t i = 0; i < samples_count(s); i++) {
		sample_pack(s->list->items[i], before, to);
		before = s->list->items[i];
	}
}

static bool take_items(struct samples_list *l, uint64_t count, const char **at, const char *end)
{
	struct sample before = {.len = 0}, next;

	for (; count; count--, before = next) {
		if (!sample_unpack(&next, &before, at, end) ||
			(l->count && sample_compare(&before, &next) > 0))
			return false;
		put(l, l->count, sample_new(l, &next));
	}
	return true;
}

bool samples_unpack(struct samples *s, const char **at, const char *end)
{
	uint64_t count;

	if (!compact_take(at, end, &count))
		return false;
	if (!count)
		return true;
	s->list = list_new();
	if (take_items(s->list, count, at, end))
		return true;
	samples_release(s);
	return false;
}
