/*
 * A hash index of pointers: items are found by a hash and the caller's own idea of equality, and
 * can be taken out again. The items stay the caller's.
 */
#ifndef INDEX_H
#define INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_slot {
	void *item; /* NULL: free */
	uint64_t hash;
};

struct index {
	struct index_slot *slots; /* open addressing, linear probing, at most half full */
	size_t mask;
	size_t count;
};

void index_init(struct index *x);
void index_release(struct index *x);

/* The item of that hash that is_it says yes to, or NULL. O(1) on average. */
void *index_find(const struct index *x, uint64_t hash,
	bool (*is_it)(const void *item, const void *wanted), const void *wanted);

/* Adds an item; its equals may be there already. Amortised O(1). */
void index_add(struct index *x, uint64_t hash, void *item);

/* Takes out an item that is there. O(1) on average. */
void index_remove(struct index *x, uint64_t hash, const void *item);

#endif
