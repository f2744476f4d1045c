/*
 * Which entries of a table have changed since they were last written down; and, in a round, which
 * of those that were written down are still to be written anew. For a log that is compacted in
 * steps: when a round is over, all that was written before it is out of date.
 *
 * An entry that has changed takes 8 bytes until it is written; what else is known of each stands in
 * bits that the table has to spare. If it is deleted meanwhile, its memory stays until its turn
 * comes.
 */
#ifndef CHANGES_H
#define CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/table.h"

/* Rounds are told apart as 1 and 2: each is over before the next begins. */
enum { CHANGES_FIRST_ROUND = 1 };

static inline unsigned changes_other_round(unsigned round)
{
	return 3 - round;
}

/* A mark: the round it was written in last (0: never; 3: it is in no table), and: */
enum { CHANGES_ROUND = 3, CHANGES_ASIDE = 3, CHANGES_NOTED = 4 };

struct changes {
	struct table_entry **list; /* from `from` on those that have changed, in order */
	size_t from;
	size_t count; /* with those before `from` */
	size_t cap;
	uint32_t written;   /* entries that were written down */
	uint32_t behind;    /* of them, those not yet in this round */
	uint32_t slot_mask; /* of the table, as `at` was said */
	unsigned round;
	size_t at;        /* of the table's slots, the next to look at */
	struct table *of; /* the table, where entries of the list were deleted */
};

void changes_init(struct changes *c, unsigned round);
void changes_release(struct changes *c);

/* The entry has changed. True if it was not known to have. Amortised O(1). */
bool changes_note(struct changes *c, struct table_entry *e);

static inline bool changes_is_noted(const struct table_entry *e)
{
	return e->mark & CHANGES_NOTED;
}

static inline bool changes_is_written(const struct table_entry *e)
{
	return e->mark & CHANGES_ROUND;
}

/* Deletes the entry from its table, which stays where it is. True if it was written down. Amortised
 * O(1). */
bool changes_delete(struct changes *c, struct table *t, struct table_entry *e);

/* The entry is as it was written down, and was not known to be. */
void changes_set_written(struct changes *c, struct table_entry *e);

/* An entry that is in no table: it can be noted, and has no other use here. */
static inline void changes_set_aside(struct table_entry *e)
{
	e->mark = CHANGES_ASIDE;
}

static inline bool changes_is_aside(const struct table_entry *e)
{
	return (e->mark & CHANGES_ROUND) == CHANGES_ASIDE;
}

/* With those that were deleted, and have not come up yet. */
static inline size_t changes_count(const struct changes *c)
{
	return c->count - c->from;
}

/* The entry that changed first, which counts as written from now on; NULL if there is none. O(1).
 */
struct table_entry *changes_take(struct changes *c);

/* All that was written is to be written anew. O(1). */
void changes_begin_round(struct changes *c);

/* An entry that is to be, and counts as written in this round from now on. Looks at *steps slots at
 * most, and takes off what it looked at; NULL if there was none, and c->behind is 0 if there is
 * none any more. */
struct table_entry *changes_take_behind(struct changes *c, const struct table *t, size_t *steps);

#endif
