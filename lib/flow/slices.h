/*
 * The open hopping windows of one key, held in slices: what lies between two bounds of windows, so
 * that every window is `span` slices in a row (Krishnamurthy, Wu, Franklin 2006, "On-the-fly
 * sharing for streamed aggregation", paired windows). A record is taken into its slice, not into
 * each of its windows.
 *
 * What a window holds takes two merges: slices are counted off in blocks of span, so a window is
 * the end of one block and the beginning of the next. The states in the block that the window
 * begins in hold all from their slice to the end of the block; of the next block what the window
 * has of it is kept in one state, which grows as windows move on (van Herk 1992; Gil, Werman 1993).
 * Where blocks begin is fixed, so results depend on the records alone.
 */
#ifndef SLICES_H
#define SLICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The states and what can be done with them; zeros are an empty one. */
struct slices_rule {
	int64_t span;
	size_t state_bytes; /* a multiple of 8 */
	void *context;
	void (*merge)(void *context, void *into, const void *from);
	void (*clear)(void *context, void *state);
};

struct slice {
	int64_t number;
	_Alignas(8) char state[];
};

/* Zeros are a key without slices. */
struct slices {
	char *list; /* of struct slice, in order */
	uint32_t from;
	uint32_t count; /* from `from` on */
	uint32_t cap;
	bool has_begun;  /* of the block behind the first: it is in `beginning` */
	int64_t first;   /* the window that comes next begins with it */
	int64_t until;   /* the slices of that block before this one are in `beginning` */
	void *beginning; /* a state */
};

void slices_release(const struct slices_rule *r, struct slices *s);

/* All it has allocated, but for what states point to. */
size_t slices_bytes(const struct slices_rule *r, const struct slices *s);

/* Windows that begin before `first` are no more; it never falls. True if something is left. */
bool slices_move(const struct slices_rule *r, struct slices *s, int64_t first);

/* A record comes into a slice, which is not before the first: take is called for each state that is
 * to have it. O(1) in order, else O(slices of the key). */
void slices_take(const struct slices_rule *r, struct slices *s, int64_t slice,
	void (*take)(void *context, void *state), void *context);

/* Merges into a state, which is empty, what the window that begins with the first slice holds;
 * false if that is nothing. Amortised O(1). */
bool slices_window(const struct slices_rule *r, struct slices *s, void *into);

/* The i-th slice, from 0. */
static inline struct slice *slices_at(
	const struct slices_rule *r, const struct slices *s, uint32_t i)
{
	size_t bytes = sizeof(struct slice) + r->state_bytes;

	return (struct slice *)(void *)(s->list + (s->from + i) * bytes);
}

/* To restore it: appends a slice behind the last; the state is zeros. And the beginning, likewise.
 */
struct slice *slices_append(const struct slices_rule *r, struct slices *s, int64_t number);
void *slices_begin(const struct slices_rule *r, struct slices *s);

#endif
