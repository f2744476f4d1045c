/* Which spaces of a store have changed, and which are to be written anew: base/changes for all of
 * them together. */
#ifndef STORECHANGES_H
#define STORECHANGES_H

#include <stdbool.h>
#include <stddef.h>

struct store;
struct store_space;
struct table_entry;

/* A space that came, and one that goes; where changes are followed. */
void storechanges_track(const struct store *s, struct store_space *space);
void storechanges_untrack(struct store *s, struct store_space *space);

/* The space has changed, and, unless it is NULL, that entry of it. O(1). */
void storechanges_note(struct store *s, struct store_space *space, struct table_entry *e);

/* Deletes an entry. True if it was written down. */
bool storechanges_delete(struct store *s, struct store_space *space, struct table_entry *e);

/* Nothing is in memory of a space any more. */
void storechanges_forget(struct store *s, struct store_space *space);

/* A space that has changed, or NULL. Then its entries that have, until it is NULL; they count as
 * written. */
struct store_space *storechanges_take(struct store *s);
struct table_entry *storechanges_take_entry(struct store *s, struct store_space *space);

/* All that was written is to be written anew: of the first space that is not done yet, what its
 * changes tell. NULL if the round is over. */
void storechanges_begin_round(struct store *s);
struct store_space *storechanges_behind(struct store *s);
void storechanges_end_behind(struct store *s);

#endif
