#include "flow/top.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/compact.h"
#include "base/hash.h"
#include "base/mem.h"

enum { SLOTS_MIN = 4 };

struct counter {
	uint64_t count;
	uint64_t error;
	uint64_t hash;
	uint32_t at; /* where it stands in the heap, once that is one */
	uint32_t len;
	char bytes[];
};

struct top_counters {
	uint32_t count;
	uint32_t mask;
	bool overflowed;        /* counts are bounds from now on, and heap is a heap */
	size_t bytes;           /* all that is allocated */
	struct counter **slots; /* open addressing, linear probing; at most half of them in use */
	struct counter **heap;  /* the rarest first; before the overflow in any order */
};

static int by_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* Below 0 if a is more frequent than b. */
static int compare(const struct counter *a, const struct counter *b)
{
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return by_bytes(a->bytes, a->len, b->bytes, b->len);
}

static int by_frequency(const void *a, const void *b)
{
	return compare(*(struct counter *const *)a, *(struct counter *const *)b);
}

static struct counter **slot_of(
	const struct top_counters *c, uint64_t hash, const char *bytes, size_t len)
{
	uint32_t at = (uint32_t)hash & c->mask;

	for (;; at = (at + 1) & c->mask) {
		struct counter *one = c->slots[at];

		if (!one || (one->hash == hash && by_bytes(one->bytes, one->len, bytes, len) == 0))
			return &c->slots[at];
	}
}

static void slot_put(struct top_counters *c, struct counter *one)
{
	*slot_of(c, one->hash, one->bytes, one->len) = one;
}

/* What stands behind it and could not be found past the gap moves up. */
static void slot_take(struct top_counters *c, const struct counter *one)
{
	uint32_t gap = (uint32_t)(slot_of(c, one->hash, one->bytes, one->len) - c->slots);
	uint32_t at = gap;

	for (;;) {
		uint32_t home;

		c->slots[gap] = NULL;
		do {
			at = (at + 1) & c->mask;
			if (!c->slots[at])
				return;
			home = (uint32_t)c->slots[at]->hash & c->mask;
		} while (((at - home) & c->mask) < ((at - gap) & c->mask));
		c->slots[gap] = c->slots[at];
		gap = at;
	}
}

/* With what the heap takes: it has half as many. */
static size_t slots_bytes(size_t slots)
{
	return slots / 2 * 3 * sizeof(struct counter *);
}

static void slots_resize(struct top_counters *c, size_t slots)
{
	if (c->slots)
		c->bytes -= slots_bytes((size_t)c->mask + 1);
	free(c->slots);
	c->slots = mem_zero(slots, sizeof(struct counter *));
	c->heap = mem_resize(c->heap, slots / 2 * sizeof(struct counter *));
	c->bytes += slots_bytes(slots);
	c->mask = (uint32_t)(slots - 1);
	for (uint32_t i = 0; i < c->count; i++)
		slot_put(c, c->heap[i]);
}

static struct counter *counter_new(struct top_counters *c, const char *bytes, size_t len)
{
	struct counter *one = mem_alloc(sizeof(*one) + len);

	*one = (struct counter){.hash = hash_bytes(bytes, len), .len = (uint32_t)len};
	memcpy(one->bytes, bytes, len);
	c->bytes += sizeof(*one) + len;
	return one;
}

static void counter_free(struct top_counters *c, struct counter *one)
{
	c->bytes -= sizeof(*one) + one->len;
	free(one);
}

static void heap_set(struct top_counters *c, uint32_t at, struct counter *one)
{
	c->heap[at] = one;
	one->at = at;
}

/* The one here has become more frequent. */
static void sift_down(struct top_counters *c, uint32_t at)
{
	struct counter *one = c->heap[at];

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child + 1 < c->count && compare(c->heap[child + 1], c->heap[child]) > 0)
			child++;
		if (child >= c->count || compare(c->heap[child], one) < 0)
			break;
		heap_set(c, at, c->heap[child]);
		at = child;
	}
	heap_set(c, at, one);
}

/* From the rarest on, an ordered array is a heap. */
static void overflow(struct top_counters *c)
{
	uint32_t last = c->count - 1;

	c->overflowed = true;
	qsort(c->heap, c->count, sizeof(*c->heap), by_frequency);
	for (uint32_t i = 0; i < c->count - i; i++) {
		struct counter *rare = c->heap[last - i];

		heap_set(c, last - i, c->heap[i]);
		heap_set(c, i, rare);
	}
}

/* As many as there would be if no more than these had ever been there. */
static size_t slots_for(size_t count)
{
	size_t slots = SLOTS_MIN;

	while (slots / 2 < count)
		slots *= 2;
	return slots;
}

static struct counter *append(struct top_counters *c, const char *bytes, size_t len)
{
	struct counter *one = counter_new(c, bytes, len);

	if (c->count == (c->mask + 1) / 2)
		slots_resize(c, ((size_t)c->mask + 1) * 2);
	c->heap[c->count++] = one;
	slot_put(c, one);
	return one;
}

static void replace_rarest(struct top_counters *c, const char *bytes, size_t len)
{
	struct counter *one = counter_new(c, bytes, len);

	if (!c->overflowed)
		overflow(c);
	one->error = c->heap[0]->count;
	one->count = one->error + 1;
	slot_take(c, c->heap[0]);
	counter_free(c, c->heap[0]);
	slot_put(c, one);
	c->heap[0] = one;
	sift_down(c, 0);
}

static struct top_counters *counters_of(struct top *t)
{
	if (!t->counters) {
		t->counters = mem_zero(1, sizeof(*t->counters));
		t->counters->bytes = sizeof(*t->counters);
		slots_resize(t->counters, SLOTS_MIN);
	}
	return t->counters;
}

void top_release(struct top *t)
{
	struct top_counters *c = t->counters;

	if (!c)
		return;
	for (uint32_t i = 0; i < c->count; i++)
		free(c->heap[i]);
	free(c->heap);
	free(c->slots);
	free(c);
	t->counters = NULL;
}

size_t top_bytes(const struct top *t)
{
	return t->counters ? t->counters->bytes : 0;
}

void top_add(struct top *t, uint32_t limit, const char *bytes, size_t len)
{
	struct top_counters *c = counters_of(t);
	struct counter *one = *slot_of(c, hash_bytes(bytes, len), bytes, len);

	assert(limit > 0);
	if (!one && c->count >= limit) {
		replace_rarest(c, bytes, len);
		return;
	}
	if (!one)
		one = append(c, bytes, len);
	one->count++;
	if (c->overflowed)
		sift_down(c, one->at);
}

/* How often a string that is not listed may have occurred. */
static uint64_t count_of_others(const struct top_counters *c)
{
	return c->overflowed ? c->heap[0]->count : 0;
}

static void drop_rarest(struct top_counters *c, uint32_t limit)
{
	qsort(c->heap, c->count, sizeof(*c->heap), by_frequency);
	while (c->count > limit)
		counter_free(c, c->heap[--c->count]);
	slots_resize(c, slots_for(limit));
}

/*
 * A string that only one of them lists may have occurred in the other as often as that one's
 * rarest. So does any in neither, and what is dropped is at most as frequent as what stays.
 */
void top_merge(struct top *t, uint32_t limit, const struct top *from)
{
	const struct top_counters *other = from->counters;
	struct top_counters *c;
	uint64_t ours, theirs;

	assert(t != from);
	if (!other)
		return;
	c = counters_of(t);
	ours = count_of_others(c);
	theirs = count_of_others(other);
	for (uint32_t i = 0; i < c->count; i++) {
		c->heap[i]->count += theirs;
		c->heap[i]->error += theirs;
	}
	for (uint32_t i = 0; i < other->count; i++) {
		const struct counter *theirs_of = other->heap[i];
		struct counter *one =
			*slot_of(c, theirs_of->hash, theirs_of->bytes, theirs_of->len);
		uint64_t known = one ? theirs : 0, unknown = one ? 0 : ours;

		if (!one)
			one = append(c, theirs_of->bytes, theirs_of->len);
		one->count += theirs_of->count - known + unknown;
		one->error += theirs_of->error - known + unknown;
	}
	c->overflowed = c->overflowed || other->overflowed || c->count > limit;
	if (c->count > limit)
		drop_rarest(c, limit);
	if (c->overflowed)
		overflow(c);
}

enum { PACKED_EXACT, PACKED_OVERFLOWED };

void top_pack(const struct top *t, struct buf *to)
{
	const struct top_counters *c = t->counters;

	compact_add(to, c ? c->count : 0);
	if (!c)
		return;
	buf_char(to, c->overflowed ? PACKED_OVERFLOWED : PACKED_EXACT);
	for (uint32_t i = 0; i < c->count; i++) {
		const struct counter *one = c->heap[i];

		compact_add(to, one->count);
		if (c->overflowed)
			compact_add(to, one->error);
		compact_add_bytes(to, one->bytes, one->len);
	}
}

static bool take_counter(struct top_counters *c, const char **at, const char *end)
{
	uint64_t count, error = 0;
	const char *bytes;
	size_t len;
	struct counter *one;

	if (!compact_take(at, end, &count) || (c->overflowed && !compact_take(at, end, &error)) ||
		count == 0 || error >= count || !compact_take_bytes(at, end, &bytes, &len) ||
		len > UINT32_MAX || *slot_of(c, hash_bytes(bytes, len), bytes, len))
		return false;
	one = append(c, bytes, len);
	one->count = count;
	one->error = error;
	return true;
}

static bool take_counters(struct top_counters *c, uint64_t count, const char **at, const char *end)
{
	uint64_t form;

	if (!compact_take(at, end, &form) || form > PACKED_OVERFLOWED)
		return false;
	c->overflowed = form == PACKED_OVERFLOWED;
	for (; count; count--)
		if (!take_counter(c, at, end))
			return false;
	if (c->overflowed)
		overflow(c);
	return true;
}

bool top_unpack(struct top *t, const char **at, const char *end)
{
	uint64_t count;

	if (!compact_take(at, end, &count))
		return false;
	if (!count)
		return true;
	if (take_counters(counters_of(t), count, at, end))
		return true;
	top_release(t);
	return false;
}

size_t top_list(const struct top *t, struct top_item *items, size_t n)
{
	const struct top_counters *c = t->counters;
	struct counter **sorted;

	if (!c)
		return 0;
	n = n < c->count ? n : c->count;
	sorted = mem_copy(c->heap, c->count * sizeof(struct counter *));
	qsort(sorted, c->count, sizeof(struct counter *), by_frequency);
	for (size_t i = 0; i < n; i++)
		items[i] = (struct top_item){
			.bytes = sorted[i]->bytes,
			.len = sorted[i]->len,
			.count = sorted[i]->count,
			.error = sorted[i]->error,
		};
	free(sorted);
	return n;
}
