/*
 * Which letters of a store are meant: those with one of the IDs that are given, or all of them; at
 * most the first so many. Memory is bounded by the IDs.
 */
#ifndef SELECTION_H
#define SELECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "state/letterbox.h"

struct selection {
	struct selected {
		const char *id; /* borrowed */
		bool found;
	} * ids; /* in order */
	size_t count;
	uint64_t left;   /* of the limit */
	bool is_through; /* all of the store was read */
	struct buf id;   /* of the letter in hand, unescaped */
};

/* No IDs: all letters. Borrows them. */
void selection_init(struct selection *s, char *const *ids, size_t count, uint64_t limit);
void selection_release(struct selection *s);

/* The next letter that is meant, valid until the next call; false behind the last. */
bool selection_next(struct selection *s, struct letterbox *b, struct envelope *e);

/* The letter that came last shall not count for the limit. */
void selection_pass_over(struct selection *s);

/* True if a letter that was asked for isn't in the store; each is named on stderr. What lies behind
 * the limit may be there. */
bool selection_tell_missing(const struct selection *s, const char *store);

#endif
