#include "base/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/hash.h"
#include "base/mem.h"

enum { CHUNK_BYTES_MIN = 256, CHUNK_BYTES_MAX = 256 << 10, SLOTS_MIN = 8 };

struct table_chunk {
	struct table_chunk *older;
	size_t used;
	size_t size;
	_Alignas(TABLE_ALIGN) char bytes[];
};

void table_init(struct table *t, size_t value_bytes)
{
	assert(value_bytes <= TABLE_VALUE_MAX);
	*t = (struct table){
		.value_bytes =
			(uint32_t)((value_bytes + TABLE_ALIGN - 1) & ~(size_t)(TABLE_ALIGN - 1)),
	};
}

void table_release(struct table *t)
{
	while (t->chunks) {
		struct table_chunk *older = t->chunks->older;

		free(t->chunks);
		t->chunks = older;
	}
	free(t->slots);
	*t = (struct table){.value_bytes = t->value_bytes};
}

/* Room for an entry; chunks double, so that a small table is small. */
static void *room(struct table *t, size_t size)
{
	struct table_chunk *c = t->chunks;
	void *at;

	size = (size + TABLE_ALIGN - 1) & ~(size_t)(TABLE_ALIGN - 1);
	if (!c || c->size - c->used < size) {
		size_t next = c ? c->size * 2 : CHUNK_BYTES_MIN;

		next = next > CHUNK_BYTES_MAX ? CHUNK_BYTES_MAX : next;
		next = next < size ? size : next;
		c = mem_alloc(sizeof(*c) + next);
		*c = (struct table_chunk){.older = t->chunks, .size = next};
		t->chunks = c;
		t->bytes += sizeof(*c) + next;
	}
	at = c->bytes + c->used;
	c->used += size;
	return at;
}

static void slots_resize(struct table *t, size_t count)
{
	struct table_entry **old = t->slots;
	size_t old_count = old ? (size_t)t->slot_mask + 1 : 0;

	t->slots = mem_zero(count, sizeof(*t->slots));
	t->slot_mask = (uint32_t)(count - 1);
	for (size_t i = 0; i < old_count; i++) {
		uint32_t at;

		if (!old[i])
			continue;
		at = old[i]->hash & t->slot_mask;
		while (t->slots[at])
			at = (at + 1) & t->slot_mask;
		t->slots[at] = old[i];
	}
	t->bytes += (count - old_count) * sizeof(*t->slots);
	free(old);
}

/* Where the key stands or would stand. */
static struct table_entry **slot_of(
	const struct table *t, uint32_t hash, const void *key, size_t len)
{
	uint32_t at = hash & t->slot_mask;

	for (;; at = (at + 1) & t->slot_mask) {
		struct table_entry *e = t->slots[at];

		if (!e || (e->hash == hash && e->key_len == len &&
				  memcmp(table_key(t, e), key, len) == 0))
			return &t->slots[at];
	}
}

static uint32_t hash_of(const void *key, size_t len)
{
	return (uint32_t)(hash_bytes(key, len) >> (64 - TABLE_HASH_BITS));
}

void *table_find(const struct table *t, const void *key, size_t len)
{
	struct table_entry *e = t->slots ? *slot_of(t, hash_of(key, len), key, len) : NULL;

	return e ? e->value : NULL;
}

void *table_add(struct table *t, const void *key, size_t len, bool *added)
{
	uint32_t hash = hash_of(key, len);
	struct table_entry **slot, *e;

	if (!t->slots)
		slots_resize(t, SLOTS_MIN);
	slot = slot_of(t, hash, key, len);
	*added = !*slot;
	if (*slot)
		return (*slot)->value;
	if (t->count == (uint32_t)1 << 31)
		die(EX_TEMPFAIL, "a table has more than 2^31 entries");
	if (t->count + 1 > t->slot_mask - t->slot_mask / 4) {
		slots_resize(t, ((size_t)t->slot_mask + 1) * 2);
		slot = slot_of(t, hash, key, len);
	}
	e = room(t, sizeof(*e) + t->value_bytes + len);
	*e = (struct table_entry){
		.key_len = (uint32_t)len,
		.hash = hash & (((uint32_t)1 << TABLE_HASH_BITS) - 1),
	};
	memset(e->value, 0, t->value_bytes);
	memcpy(e->value + t->value_bytes, key, len);
	*slot = e;
	t->count++;
	return e->value;
}

struct table_entry *table_next(const struct table *t, size_t *at)
{
	while (t->slots && *at <= t->slot_mask) {
		struct table_entry *e = t->slots[(*at)++];

		if (e)
			return e;
	}
	return NULL;
}

static int by_key(const void *a, const void *b, void *table)
{
	const struct table_entry *x = *(struct table_entry *const *)a;
	const struct table_entry *y = *(struct table_entry *const *)b;
	uint32_t len = x->key_len < y->key_len ? x->key_len : y->key_len;
	int order = memcmp(table_key(table, x), table_key(table, y), len);

	return order ? order : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

struct table_entry **table_sorted(const struct table *t)
{
	struct table_entry **sorted = mem_alloc((t->count + 1) * sizeof(struct table_entry *));
	struct table context = *t;
	size_t at = 0, n = 0;

	while ((sorted[n] = table_next(t, &at)))
		n++;
	qsort_r(sorted, n, sizeof(struct table_entry *), by_key, &context);
	return sorted;
}
