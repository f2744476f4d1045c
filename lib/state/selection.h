/*
 * Which letters of a store are meant: the open ones, or the resolved ones; of these those with one
 * of the IDs that are given, or all of them, that an expression is true for; at most the first so
 * many. Memory is bounded by the IDs.
 */
#ifndef SELECTION_H
#define SELECTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "state/letterbox.h"
#include "state/resolutions.h"

/* What a command was asked for; borrows all. */
struct choice {
	const char *where; /* NULL: all */
	char *const *ids;
	size_t count; /* of them; 0: all */
	uint64_t limit;
	bool resolved; /* those that are, instead of those that are open */
};

struct selection {
	const struct choice *choice;     /* borrowed, as is the next */
	struct resolutions *resolutions; /* NULL: none was made, all are open */
	struct letterbox box;
	struct selected {
		const char *id; /* borrowed */
		bool found;
		bool is_other; /* found, but open or resolved, and not as was asked for */
	} * ids;               /* in order */
	bool resolved_is_fine; /* one that was asked for by its ID and is resolved is not told */
	uint64_t left;         /* of the limit */
	bool is_through;       /* all of the store was read */
	struct buf id;         /* of the letter in hand, unescaped */
};

/* Of what is in the store now, or of a set as letterbox_set gave it. Dies with EX_USAGE if the
 * expression is none. */
void selection_open(struct selection *s, const char *store, const struct choice *choice,
	struct resolutions *resolutions, const json_t *set);
void selection_close(struct selection *s);

/* The next letter that is meant, valid until the next call; false behind the last. */
bool selection_next(struct selection *s, struct envelope *e);

/* The letter that came last shall not count for the limit. */
void selection_pass_over(struct selection *s);

/* True if a letter that was asked for isn't in the store; each is named on stderr. What lies behind
 * the limit may be there. */
bool selection_tell_missing(const struct selection *s);

#endif
