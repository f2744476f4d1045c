/* What falls due, and in which order: by time, then by another number, then as the owner says. */
#ifndef DUES_H
#define DUES_H

#include <stddef.h>
#include <stdint.h>

struct due {
	int64_t due_ns;
	int64_t tie;
	void *what;
};

/* Which of two comes first, as memcmp says it. */
typedef int due_order(const void *context, const void *what, const void *other);

struct dues {
	struct due *items; /* a binary heap */
	size_t count;
	size_t cap;
	due_order *order;
	const void *context;
};

/* order decides where due_ns and tie are equal; it gets the context. */
void dues_init(struct dues *d, due_order *order, const void *context);
void dues_release(struct dues *d);

/* Forgets all of them. */
void dues_clear(struct dues *d);

/* O(log n). */
void dues_put(struct dues *d, struct due due);

/* The first, or NULL; valid until the next change. */
static inline const struct due *dues_first(const struct dues *d)
{
	return d->count ? d->items : NULL;
}

/* Takes the first out; there must be one. O(log n). */
struct due dues_take(struct dues *d);

#endif
