#include "flow/slices.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CAP_MIN = 2 };

static size_t slice_bytes(const struct slices_rule *r)
{
	return sizeof(struct slice) + r->state_bytes;
}

static int64_t block_of(const struct slices_rule *r, int64_t slice)
{
	int64_t block = slice / r->span;

	return block - (slice % r->span < 0);
}

static void drop_first(const struct slices_rule *r, struct slices *s)
{
	r->clear(r->context, slices_at(r, s, 0)->state);
	s->from++;
	s->count--;
}

static void clear_beginning(const struct slices_rule *r, struct slices *s)
{
	if (s->has_begun)
		r->clear(r->context, s->beginning);
	s->has_begun = false;
}

void slices_release(const struct slices_rule *r, struct slices *s)
{
	while (s->count)
		drop_first(r, s);
	clear_beginning(r, s);
	free(s->list);
	free(s->beginning);
	*s = (struct slices){0};
}

size_t slices_bytes(const struct slices_rule *r, const struct slices *s)
{
	return s->cap * slice_bytes(r) + (s->beginning ? r->state_bytes : 0);
}

/* The place of a slice, or where it would be put in. */
static uint32_t find(const struct slices_rule *r, const struct slices *s, int64_t slice)
{
	uint32_t low = 0, high = s->count;

	if (high && slices_at(r, s, high - 1)->number < slice)
		return high;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (slices_at(r, s, middle)->number < slice)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void make_room(const struct slices_rule *r, struct slices *s)
{
	size_t bytes = slice_bytes(r);

	if (s->from + s->count < s->cap)
		return;
	if (s->from > s->cap / 2) {
		memmove(s->list, s->list + s->from * bytes, s->count * bytes);
		s->from = 0;
		return;
	}
	s->cap = s->cap ? s->cap + s->cap / 2 + 1 : CAP_MIN;
	s->list = mem_resize(s->list, s->cap * bytes);
}

static struct slice *put_in(
	const struct slices_rule *r, struct slices *s, uint32_t at, int64_t number)
{
	size_t bytes = slice_bytes(r);
	struct slice *made;

	make_room(r, s);
	made = slices_at(r, s, at);
	memmove((char *)made + bytes, made, (s->count - at) * bytes);
	memset(made, 0, bytes);
	made->number = number;
	s->count++;
	return made;
}

struct slice *slices_append(const struct slices_rule *r, struct slices *s, int64_t number)
{
	return put_in(r, s, s->count, number);
}

void *slices_begin(const struct slices_rule *r, struct slices *s)
{
	if (!s->beginning)
		s->beginning = mem_zero(1, r->state_bytes);
	s->has_begun = true;
	return s->beginning;
}

/* The first slice's block is another one: each state in it takes what is behind it. */
static void turn_over(const struct slices_rule *r, struct slices *s)
{
	int64_t behind = (block_of(r, s->first) + 1) * r->span;

	clear_beginning(r, s);
	s->until = behind;
	for (uint32_t i = find(r, s, behind); i-- > 1;)
		r->merge(r->context, slices_at(r, s, i - 1)->state, slices_at(r, s, i)->state);
}

bool slices_move(const struct slices_rule *r, struct slices *s, int64_t first)
{
	bool is_fresh = !s->count && !s->has_begun;
	bool turns = is_fresh || block_of(r, first) != block_of(r, s->first);

	while (s->count && slices_at(r, s, 0)->number < first)
		drop_first(r, s);
	s->first = first;
	if (turns)
		turn_over(r, s);
	return s->count || s->has_begun;
}

static struct slice *open_slice(const struct slices_rule *r, struct slices *s, int64_t slice)
{
	uint32_t at = find(r, s, slice);
	int64_t block = block_of(r, slice);
	struct slice *made;

	if (at < s->count && slices_at(r, s, at)->number == slice)
		return slices_at(r, s, at);
	made = put_in(r, s, at, slice);
	if (block == block_of(r, s->first) && at + 1 < s->count &&
		block_of(r, slices_at(r, s, at + 1)->number) == block)
		r->merge(r->context, made->state, slices_at(r, s, at + 1)->state);
	return made;
}

void slices_take(const struct slices_rule *r, struct slices *s, int64_t slice,
	void (*take)(void *context, void *state), void *context)
{
	struct slice *in = open_slice(r, s, slice);

	if (block_of(r, slice) != block_of(r, s->first)) {
		take(context, in->state);
		if (slice < s->until)
			take(context, slices_begin(r, s));
		return;
	}
	for (uint32_t i = 0; slices_at(r, s, i) <= in; i++) {
		take(context, slices_at(r, s, i)->state);
		if (i + 1 == s->count)
			break;
	}
}

bool slices_window(const struct slices_rule *r, struct slices *s, void *into)
{
	int64_t behind = (block_of(r, s->first) + 1) * r->span, end = s->first + r->span;
	bool has_end = s->count && slices_at(r, s, 0)->number < behind;

	for (uint32_t i = find(r, s, s->until); i < s->count; i++) {
		const struct slice *next = slices_at(r, s, i);

		if (next->number >= end)
			break;
		r->merge(r->context, slices_begin(r, s), next->state);
	}
	s->until = end > s->until ? end : s->until;
	if (has_end)
		r->merge(r->context, into, slices_at(r, s, 0)->state);
	if (s->has_begun)
		r->merge(r->context, into, s->beginning);
	return has_end || s->has_begun;
}
