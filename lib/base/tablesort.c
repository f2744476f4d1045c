#include "base/tablesort.h"

#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "base/mem.h"
#include "base/order.h"

static int by_key(const void *a, const void *b, const void *table)
{
	const struct table_entry *x = a, *y = b;
	uint32_t len = x->key_len < y->key_len ? x->key_len : y->key_len;
	int order = memcmp(table_key(table, x), table_key(table, y), len);

	return order ? order : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

/* In which of their first eight bytes keys differ, the first the lowest; 0: in none, or one has
 * fewer. */
static uint64_t differing(const struct table *t, struct table_entry *const *entries)
{
	uint64_t differ = 0, first;

	if (entries[0]->key_len < DIGITS_WORD)
		return 0;
	first = digits_load(table_key(t, entries[0]));
	for (uint32_t i = 1; i < t->count; i++) {
		if (entries[i]->key_len < DIGITS_WORD)
			return 0;
		differ |= digits_load(table_key(t, entries[i])) ^ first;
	}
	return differ;
}

/* How much of the first key all keys begin with: it tells none from the other. */
static size_t common_len(const struct table *t, struct table_entry *const *entries)
{
	uint64_t differ = differing(t, entries);
	const char *first = table_key(t, entries[0]);
	size_t common = entries[0]->key_len;

	if (differ)
		return (size_t)__builtin_ctzll(differ) / 8;
	for (uint32_t i = 1; i < t->count && common; i++) {
		const struct table_entry *e = entries[i];
		const char *key = table_key(t, e);
		size_t at = 0, most = e->key_len < common ? e->key_len : common;

		if (most == common && memcmp(key, first, common) == 0)
			continue;
		while (at < most && key[at] == first[at])
			at++;
		common = at;
	}
	return common;
}

/* No processor can guess which slots have an entry, so all are taken, and the next takes the place
 * of none. */
static struct table_entry **gather(const struct table *t)
{
	struct table_entry **entries = mem_alloc((t->count + 1) * sizeof(struct table_entry *));
	size_t count = 0;

	for (size_t at = 0; count < t->count; at++) {
		entries[count] = table_at(t, at);
		count += entries[count] != NULL;
	}
	entries[count] = NULL;
	/* each lies elsewhere */
	for (size_t i = 0; i < count; i++) {
		__builtin_prefetch(entries[i]);
		__builtin_prefetch(table_key(t, entries[i]));
	}
	return entries;
}

struct table_entry **table_sorted(const struct table *t)
{
	struct table_entry **sorted = gather(t);
	struct order_item *items;
	size_t from;

	if (t->count < 2)
		return sorted;
	items = mem_alloc(t->count * sizeof(*items));
	from = common_len(t, sorted);
	for (uint32_t i = 0; i < t->count; i++)
		items[i] = (struct order_item){
			.head = order_head(table_key(t, sorted[i]), sorted[i]->key_len, from),
			.what = sorted[i],
		};
	order_sort(items, t->count, by_key, t);
	for (uint32_t i = 0; i < t->count; i++)
		sorted[i] = items[i].what;
	free(items);
	return sorted;
}
