#include "base/order.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "base/mem.h"

/* Of a digit. */
enum { VALUES = 256 };

/* So many are sorted by merging, from runs that were sorted by insertion. */
enum { MERGED_MAX = 128, RUN = 12 };

static uint64_t eight(const char *at)
{
	return digits_in_order(digits_load(at));
}

uint64_t order_head(const char *key, size_t len, size_t from)
{
	char last[sizeof(uint64_t)] = {0};

	if (from >= len)
		return 0;
	if (len - from >= sizeof(last))
		return eight(key + from);
	if (len >= sizeof(last))
		return eight(key + len - sizeof(last)) << 8 * (sizeof(last) - (len - from));
	memcpy(last, key + from, len - from);
	return eight(last);
}

static void insert_each(struct order_item *items, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct order_item item = items[i];
		size_t at = i;

		for (; at && items[at - 1].head > item.head; at--)
			items[at] = items[at - 1];
		items[at] = item;
	}
}

/* Which of the two comes first is as good as random: compilers find no branch to make of it. */
static void merge(struct order_item *to, const struct order_item *left, size_t lefts, size_t count)
{
	const struct order_item *middle = left + lefts, *right = middle, *end = left + count;

	while (left < middle && right < end) {
		ptrdiff_t takes_right = right->head < left->head;

		*to++ = left[(right - left) & -takes_right];
		right += takes_right;
		left += 1 - takes_right;
	}
	memcpy(to, left, (size_t)(middle - left) * sizeof(*left));
	memcpy(to + (middle - left), right, (size_t)(end - right) * sizeof(*right));
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void sort_few(struct order_item *items, size_t count)
{
	struct order_item aside[MERGED_MAX], *from = items, *to = aside, *done;

	for (size_t at = 0; at < count; at += RUN)
		insert_each(items + at, least(RUN, count - at));
	for (size_t width = RUN; width < count; width *= 2) {
		for (size_t at = 0; at < count; at += 2 * width) {
			size_t both = least(2 * width, count - at);

			merge(to + at, from + at, least(width, both), both);
		}
		done = to;
		to = from;
		from = done;
	}
	if (from != items)
		memcpy(items, from, count * sizeof(*items));
}

/* By the digit that begins at a bit; stable. */
static void sort_digit(
	struct order_item *to, const struct order_item *from, size_t count, unsigned bit)
{
	size_t ends[VALUES] = {0}, sum = 0;

	for (size_t i = 0; i < count; i++)
		ends[from[i].head >> bit & (VALUES - 1)]++;
	for (int i = 0; i < VALUES; i++) {
		size_t begin = sum;

		sum += ends[i];
		ends[i] = begin;
	}
	for (size_t i = 0; i < count; i++)
		to[ends[from[i].head >> bit & (VALUES - 1)]++] = from[i];
}

static uint64_t differing(const struct order_item *items, size_t count)
{
	uint64_t differ = 0;

	for (size_t i = 1; i < count; i++)
		differ |= items[i].head ^ items[0].head;
	return differ;
}

/* The lower halves of a word's bytes, in their order. */
static uint64_t lower_halves(uint64_t word)
{
	word &= 0x0f0f0f0f0f0f0f0f;
	word = (word | word >> 4) & 0x00ff00ff00ff00ff;
	word = (word | word >> 8) & 0x0000ffff0000ffff;
	return (word | word >> 16) & 0xffffffff;
}

/* Digits differ in these only: two of them are one byte to sort by. */
static uint64_t take_halves(struct order_item *items, size_t count, uint64_t differ)
{
	for (size_t i = 0; i < count; i++)
		items[i].head = lower_halves(items[i].head);
	return lower_halves(differ);
}

static void sort_heads(struct order_item *items, size_t count)
{
	struct order_item *from = items, *to = mem_alloc(count * sizeof(*items)), *aside = to;
	uint64_t differ = differing(items, count);

	if (!(differ & 0xf0f0f0f0f0f0f0f0))
		differ = take_halves(items, count, differ);
	/* a digit begins where items differ */
	while (differ) {
		unsigned bit = (unsigned)__builtin_ctzll(differ);
		struct order_item *done = to;

		differ &= ~((uint64_t)(VALUES - 1) << bit);
		sort_digit(to, from, count, bit);
		to = from;
		from = done;
	}
	if (from != items)
		memcpy(items, from, count * sizeof(*items));
	free(aside);
}

typedef int compare_items(const void *a, const void *b, const void *context);

/* Bottom up, as qsort_r is no standard; runs of the same head are short. */
static void sort_same(
	struct order_item *items, size_t count, compare_items *compare, const void *context)
{
	struct order_item *aside = mem_alloc(count * sizeof(*items));

	for (size_t width = 1; width < count; width *= 2) {
		for (size_t at = 0; at < count; at += 2 * width) {
			size_t left = at, middle = at + width < count ? at + width : count;
			size_t right = middle,
			       end = middle + width < count ? middle + width : count;

			for (size_t i = at; i < end; i++) {
				bool takes_left =
					left < middle &&
					(right == end || compare(items[left].what,
								 items[right].what, context) <= 0);

				aside[i] = takes_left ? items[left++] : items[right++];
			}
		}
		memcpy(items, aside, count * sizeof(*items));
	}
	free(aside);
}

void order_sort(struct order_item *items, size_t count, compare_items *compare, const void *context)
{
	if (count <= MERGED_MAX)
		sort_few(items, count);
	else
		sort_heads(items, count);
	for (size_t from = 0, to; from < count; from = to) {
		for (to = from + 1; to < count && items[to].head == items[from].head;)
			to++;
		if (to - from > 1)
			sort_same(items + from, to - from, compare, context);
	}
}
