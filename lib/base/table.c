#include "base/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/digits.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/short.h"

enum { CHUNK_BYTES_MIN = 256, CHUNK_BYTES_MAX = 256 << 10 };

/* The first slots, and by how much they grow where it is known that more will come. */
enum { SLOTS_MIN = 8, EXPECTED_GROWTH = 8 };

/* Entries of more bytes have memory of their own; of less, each size its list of what is free. */
enum { SMALL_MAX = 1 << 10, LISTS = SMALL_MAX / TABLE_ALIGN, WORD_BITS = 64 };

struct table_chunk {
	struct table_chunk *older;
	size_t used;
	size_t size;
	_Alignas(TABLE_ALIGN) char bytes[];
};

struct table_large {
	struct table_large *before, *behind;
	_Alignas(TABLE_ALIGN) char bytes[];
};

struct piece {
	struct piece *next;
};

/* A list is of pieces of (its number + 1) * TABLE_ALIGN bytes. */
struct table_free {
	uint64_t has[LISTS / WORD_BITS]; /* those that are not empty */
	struct piece *lists[LISTS];
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
	while (t->large) {
		struct table_large *behind = t->large->behind;

		free(t->large);
		t->large = behind;
	}
	free(t->free);
	free(t->slots);
	*t = (struct table){.value_bytes = t->value_bytes};
}

/* Memory */

static void free_piece(struct table *t, void *at, size_t size)
{
	size_t list = size / TABLE_ALIGN - 1;
	struct piece *piece = at;

	if (!t->free) {
		t->free = mem_zero(1, sizeof(*t->free));
		t->bytes += sizeof(*t->free);
	}
	piece->next = t->free->lists[list];
	t->free->lists[list] = piece;
	t->free->has[list / WORD_BITS] |= (uint64_t)1 << list % WORD_BITS;
}

static void *take_piece(struct table *t, size_t list)
{
	struct piece *piece = t->free->lists[list];

	t->free->lists[list] = piece->next;
	if (!piece->next)
		t->free->has[list / WORD_BITS] &= ~((uint64_t)1 << list % WORD_BITS);
	return piece;
}

/* A piece of that size, if there is one. */
static void *reuse(struct table *t, size_t size)
{
	size_t list = size / TABLE_ALIGN - 1;

	return t->free && t->free->lists[list] ? take_piece(t, list) : NULL;
}

/* The beginning of a larger piece, the rest of which is free still; NULL: there is none. */
static void *cut(struct table *t, size_t size)
{
	size_t first = size / TABLE_ALIGN, word = first / WORD_BITS;
	uint64_t among = ~(uint64_t)0 << first % WORD_BITS;

	for (; t->free && word < LISTS / WORD_BITS; word++, among = ~(uint64_t)0) {
		uint64_t has = t->free->has[word] & among;
		size_t list;
		char *at;

		if (!has)
			continue;
		list = word * WORD_BITS + (size_t)__builtin_ctzll(has);
		at = take_piece(t, list);
		free_piece(t, at + size, (list + 1) * TABLE_ALIGN - size);
		return at;
	}
	return NULL;
}

/* Chunks double, so that a small table is small. */
static void add_chunk(struct table *t, size_t size)
{
	size_t next = t->chunks ? t->chunks->size * 2 : CHUNK_BYTES_MIN;
	struct table_chunk *c;

	next = next > CHUNK_BYTES_MAX ? CHUNK_BYTES_MAX : next;
	next = next < size ? size : next;
	c = mem_alloc(sizeof(*c) + next);
	*c = (struct table_chunk){.older = t->chunks, .size = next};
	t->chunks = c;
	t->bytes += sizeof(*c) + next;
}

static void *add_large(struct table *t, size_t size)
{
	struct table_large *l = mem_alloc(sizeof(*l) + size);

	*l = (struct table_large){.behind = t->large};
	if (t->large)
		t->large->before = l;
	t->large = l;
	t->bytes += sizeof(*l) + size;
	return l->bytes;
}

static void free_large(struct table *t, void *at, size_t size)
{
	struct table_large *l = (void *)((char *)at - offsetof(struct table_large, bytes));

	*(l->before ? &l->before->behind : &t->large) = l->behind;
	if (l->behind)
		l->behind->before = l->before;
	t->bytes -= sizeof(*l) + size;
	free(l);
}

/* What an entry takes. */
static size_t size_of(const struct table *t, size_t key_len)
{
	size_t size = sizeof(struct table_entry) + t->value_bytes + key_len;

	return (size + TABLE_ALIGN - 1) & ~(size_t)(TABLE_ALIGN - 1);
}

static void *room(struct table *t, size_t size)
{
	void *at;

	if (size > SMALL_MAX)
		return add_large(t, size);
	at = reuse(t, size);
	if (!at && (!t->chunks || t->chunks->size - t->chunks->used < size)) {
		at = cut(t, size);
		if (!at)
			add_chunk(t, size);
	}
	if (!at) {
		at = t->chunks->bytes + t->chunks->used;
		t->chunks->used += size;
	}
	return at;
}

/* Slots */

/* In its slot an entry's address has some bits of its hash in those that its alignment leaves free:
 * most others are told from it without a look at them. */
_Static_assert(TABLE_ALIGN == 1 << TABLE_SPARE_BITS, "addresses have so many bits to spare");

/* How far behind its home each slot's entry stands, from 1 on; 0: the slot is empty. No look at the
 * entries is needed to move them. */
static inline uint8_t *distances(const struct table *t)
{
	return (uint8_t *)(t->slots + t->slot_mask + 1);
}

/* What is further away is read from the entry. */
enum { DISTANCE_MAX = INT8_MAX };

static inline void fill_slot(struct table *t, uint32_t at, char *slot, uint32_t distance)
{
	t->slots[at] = slot;
	distances(t)[at] = distance < DISTANCE_MAX - 1 ? (uint8_t)(distance + 1) : DISTANCE_MAX;
}

static inline void empty_slot(struct table *t, uint32_t at)
{
	t->slots[at] = NULL;
	distances(t)[at] = 0;
}

/* Of a slot that is not empty. */
static inline uint32_t distance_of(const struct table *t, uint32_t at)
{
	uint32_t distance = distances(t)[at];

	return distance < DISTANCE_MAX ? distance - 1 : (at - table_at(t, at)->hash) & t->slot_mask;
}

static void slots_resize(struct table *t, size_t count)
{
	char **old = t->slots;
	size_t old_count = old ? (size_t)t->slot_mask + 1 : 0;

	t->slots = mem_zero(count, TABLE_SLOT_BYTES);
	t->slot_mask = (uint32_t)(count - 1);
	for (size_t i = 0; i < old_count; i++) {
		uint32_t home, distance = 0;

		if (!old[i])
			continue;
		home = table_entry_in(old[i])->hash & t->slot_mask;
		while (t->slots[(home + distance) & t->slot_mask])
			distance++;
		fill_slot(t, (home + distance) & t->slot_mask, old[i], distance);
	}
	t->bytes += count * TABLE_SLOT_BYTES;
	t->bytes -= old_count * TABLE_SLOT_BYTES;
	free(old);
}

/* How many entries so many slots are for. */
static size_t slots_hold(size_t slots)
{
	return slots - slots / 4;
}

/* Twice as many, or more of them where more entries are expected. */
static size_t slots_next(const struct table *t)
{
	size_t now = (size_t)t->slot_mask + 1, next = 2 * now;

	while (next < EXPECTED_GROWTH * now && slots_hold(next) < t->expected)
		next *= 2;
	return next;
}

static inline bool is_key(
	const struct table *t, const struct table_entry *e, const void *key, size_t len)
{
	return e->key_len == len && short_equal(table_key(t, e), key, len);
}

/* Where the key stands or would stand. */
static inline uint32_t slot_of(const struct table *t, uint32_t hash, const void *key, size_t len)
{
	unsigned spare = table_spare(hash);
	uint32_t at = hash & t->slot_mask;

	for (; t->slots[at]; at = (at + 1) & t->slot_mask) {
		const struct table_entry *e = table_at(t, at);

		if (((uintptr_t)t->slots[at] & TABLE_SPARE) != spare)
			continue;
		if (e->hash == hash && is_key(t, e, key, len))
			break;
	}
	return at;
}

uint32_t table_hash(const void *key, size_t len)
{
	return (uint32_t)(hash_bytes(key, len) >> (64 - TABLE_HASH_BITS));
}

void *table_find(const struct table *t, const void *key, size_t len)
{
	uint32_t at;

	if (!t->slots)
		return NULL;
	at = slot_of(t, table_hash(key, len), key, len);
	return t->slots[at] ? table_at(t, at)->value : NULL;
}

static struct table_entry *new_entry(struct table *t, uint32_t hash, const void *key, size_t len)
{
	struct table_entry *e = room(t, size_of(t, len));

	*e = (struct table_entry){.key_len = (uint32_t)len};
	e->hash = hash & (((uint32_t)1 << TABLE_HASH_BITS) - 1);
	memset(e->value, 0, t->value_bytes);
	short_copy(e->value + t->value_bytes, key, len);
	return e;
}

void *table_add_hashed(struct table *t, const void *key, size_t len, uint32_t hash, bool *added)
{
	struct table_entry *e;
	uint32_t at;

	if (!t->slots)
		slots_resize(t, SLOTS_MIN);
	at = slot_of(t, hash, key, len);
	*added = !t->slots[at];
	if (!*added)
		return table_at(t, at)->value;
	if (t->count == (uint32_t)1 << 31)
		die(EX_TEMPFAIL, "a table has more than 2^31 entries");
	if (t->count >= slots_hold((size_t)t->slot_mask + 1)) {
		slots_resize(t, slots_next(t));
		at = slot_of(t, hash, key, len);
	}
	e = new_entry(t, hash, key, len);
	fill_slot(t, at, (char *)e + table_spare(hash), (at - hash) & t->slot_mask);
	t->count++;
	return e->value;
}

/* What stands behind a hole in eight slots, as a word: one whose distance is no less than that from
 * the hole would not be found across it. False: that tells nothing, so all is behind these. */
static inline bool look_at_eight(const struct table *t, uint32_t hole, uint32_t *at)
{
	const uint64_t high = DIGITS_ONES * 0x80, nearest = UINT64_C(0x0908070605040302);
	uint64_t word = digits_load((const char *)distances(t) + hole + 1) | high;
	uint64_t empty = ~(word - DIGITS_ONES) & high;
	/* none is behind an empty slot, as it would not be found across that either */
	uint64_t moves = (word - nearest) & high;

	*at = moves ? hole + 1 + (uint32_t)__builtin_ctzll(moves) / 8 : hole;
	return moves | empty;
}

/* The first slot whose entry would not be found across the hole; the hole: there is none. */
static inline uint32_t next_to_move(const struct table *t, uint32_t hole)
{
	uint32_t from_hole = 1, at;

	if (hole + DIGITS_WORD <= t->slot_mask) {
		if (look_at_eight(t, hole, &at))
			return at;
		from_hole += DIGITS_WORD;
	}
	for (;; from_hole++) {
		at = (hole + from_hole) & t->slot_mask;
		if (!t->slots[at])
			return hole;
		if (distance_of(t, at) >= from_hole)
			return at;
	}
}

/* What would not be found across the hole moves up (Knuth, algorithm 6.4 R). */
static void close_hole(struct table *t, uint32_t hole)
{
	uint32_t at;

	while ((at = next_to_move(t, hole)) != hole) {
		fill_slot(t, hole, t->slots[at], distance_of(t, at) - ((at - hole) & t->slot_mask));
		hole = at;
	}
	empty_slot(t, hole);
}

void table_take_out(struct table *t, struct table_entry *e)
{
	uint32_t at = e->hash & t->slot_mask;

	__builtin_prefetch(distances(t) + at);
	while (table_at(t, at) != e) {
		assert(t->slots[at]);
		at = (at + 1) & t->slot_mask;
	}
	close_hole(t, at);
	t->count--;
	t->out++;
	if (t->slot_mask >= SLOTS_MIN && t->count < t->slot_mask / 8)
		slots_resize(t, ((size_t)t->slot_mask + 1) / 2);
}

void table_free(struct table *t, struct table_entry *e)
{
	size_t size = size_of(t, e->key_len);

	t->out--;
	if (!t->count && !t->out)
		table_release(t);
	else if (size > SMALL_MAX)
		free_large(t, e, size);
	else
		free_piece(t, e, size);
}

void table_delete(struct table *t, struct table_entry *e)
{
	table_take_out(t, e);
	table_free(t, e);
}

struct table_entry *table_next(const struct table *t, size_t *at)
{
	while (t->slots && *at <= t->slot_mask) {
		size_t slot = (*at)++;

		if (t->slots[slot])
			return table_at(t, slot);
	}
	return NULL;
}
