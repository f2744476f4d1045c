/*
 * A hash table from bytes to values of one size. Entries lie in chunks and never move. What it
 * takes is known to the byte.
 *
 * The memory of what is deleted is used again for entries of that size or less, and that of large
 * entries freed; chunks are let go of when the table is empty. The first deletion in a table takes
 * another KiB.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/short.h"

enum { TABLE_ALIGN = 8, TABLE_VALUE_MAX = 1 << 30, TABLE_HASH_BITS = 29 };

/* Bits that an address of such alignment has to spare are of the hash. */
enum { TABLE_SPARE_BITS = 3, TABLE_SPARE = (1 << TABLE_SPARE_BITS) - 1 };

/* What a slot takes: an address, and a byte behind all of them. */
enum { TABLE_SLOT_BYTES = sizeof(char *) + 1 };

struct table_entry {
	uint32_t key_len;
	uint32_t hash : TABLE_HASH_BITS;    /* to look at before the key and to grow by */
	uint32_t mark : 3;                  /* for base/changes; 0 at first */
	_Alignas(TABLE_ALIGN) char value[]; /* value_bytes, rounded up, then the key */
};

struct table {
	char **slots; /* open addressing, linear probing: table_at */
	uint32_t slot_mask;
	uint32_t count;
	uint32_t expected; /* for who uses it to set: it grows faster up to so many entries */
	uint32_t value_bytes;
	uint32_t out;               /* entries taken out whose memory stays */
	struct table_chunk *chunks; /* the newest first */
	struct table_large *large;  /* entries that have memory of their own */
	struct table_free *free;    /* NULL until something is deleted */
	size_t bytes;               /* all that is allocated */
};

/* value_bytes is what each value takes, at most TABLE_VALUE_MAX; values are aligned to TABLE_ALIGN.
 */
void table_init(struct table *t, size_t value_bytes);
void table_release(struct table *t);

/* The value under key, or NULL. Amortised O(len). */
void *table_find(const struct table *t, const void *key, size_t len);

/* What a table looks for a key by. */
uint32_t table_hash(const void *key, size_t len);

/* The value under key; where there was none, *added, zeroed. Dies beyond 2^31 entries. */
void *table_add_hashed(struct table *t, const void *key, size_t len, uint32_t hash, bool *added);

static inline void *table_add(struct table *t, const void *key, size_t len, bool *added)
{
	return table_add_hashed(t, key, len, table_hash(key, len), added);
}

/* Asks for the slot that is looked at first, to find a key or to delete its entry. */
static inline void table_fetch(const struct table *t, uint32_t hash)
{
	__builtin_prefetch(t->slots + (hash & t->slot_mask));
}

/*
 * Deletes an entry. Amortised O(1). Others may then stand elsewhere for table_next.
 *
 * In two steps: it is no more in the table, but its memory stays until table_free, as somebody
 * still points to it.
 */
void table_delete(struct table *t, struct table_entry *e);
void table_take_out(struct table *t, struct table_entry *e);
void table_free(struct table *t, struct table_entry *e);

static inline const char *table_key(const struct table *t, const struct table_entry *e)
{
	return e->value + t->value_bytes;
}

/* The entry that a value is of. */
static inline struct table_entry *table_entry_of(void *value)
{
	return (struct table_entry *)(void *)((char *)value - offsetof(struct table_entry, value));
}

/* The entry that a slot has, of those from 0 to slot_mask; NULL: none. */
static inline struct table_entry *table_entry_in(char *slot)
{
	size_t spare = (uintptr_t)slot & TABLE_SPARE;

	return slot ? (struct table_entry *)(void *)(slot - spare) : NULL;
}

static inline struct table_entry *table_at(const struct table *t, size_t slot)
{
	return table_entry_in(t->slots[slot]);
}

static inline unsigned table_spare(uint32_t hash)
{
	return hash >> (TABLE_HASH_BITS - TABLE_SPARE_BITS);
}

/* The entry of a key of which short_is is true, with its table_hash; without a call. NULL: there is
 * none, or it is another key. */
static inline struct table_entry *table_find_few(
	const struct table *t, const char *key, size_t len, uint32_t hash)
{
	if (!t->slots || !short_is(len))
		return NULL;
	for (uint32_t at = hash & t->slot_mask; t->slots[at]; at = (at + 1) & t->slot_mask) {
		struct table_entry *e = table_entry_in(t->slots[at]);

		if (((uintptr_t)t->slots[at] & TABLE_SPARE) != table_spare(hash))
			continue;
		if (e->hash == hash && e->key_len == len && short_same(table_key(t, e), key, len))
			return e;
	}
	return NULL;
}

/* The next entry in no order; *at is 0 at first. NULL behind the last. */
struct table_entry *table_next(const struct table *t, size_t *at);

#endif
