#include "state/storechanges.h"

#include "state/store.h"

static void link_changed(struct store *s, struct store_space *space)
{
	space->is_linked = true;
	space->changed_before = NULL;
	space->changed_behind = s->changed;
	if (s->changed)
		s->changed->changed_before = space;
	s->changed = space;
}

static void unlink_changed(struct store *s, struct store_space *space)
{
	space->is_linked = false;
	*(space->changed_before ? &space->changed_before->changed_behind : &s->changed) =
		space->changed_behind;
	if (space->changed_behind)
		space->changed_behind->changed_before = space->changed_before;
}

void storechanges_track(const struct store *s, struct store_space *space)
{
	changes_init(&space->changes, s->round);
}

void storechanges_untrack(struct store *s, struct store_space *space)
{
	storechanges_forget(s, space);
	if (space->is_linked)
		unlink_changed(s, space);
	if (s->next_behind == space)
		s->next_behind = space->behind;
}

/* What is known of the changes takes memory, too. */
static size_t list_bytes(const struct store_space *space)
{
	return space->changes.cap * sizeof(*space->changes.list);
}

void storechanges_note(struct store *s, struct store_space *space, struct table_entry *e)
{
	size_t before = list_bytes(space);

	if (!space->is_linked)
		link_changed(s, space);
	s->changed_count += e && changes_note(&space->changes, e);
	s->bytes += list_bytes(space) - before;
}

bool storechanges_delete(struct store *s, struct store_space *space, struct table_entry *e)
{
	size_t before = space->table.bytes;
	bool was_written = changes_delete(&space->changes, &space->table, e);

	s->bytes += space->table.bytes - before;
	return was_written;
}

void storechanges_forget(struct store *s, struct store_space *space)
{
	s->changed_count -= changes_count(&space->changes);
	s->bytes -= list_bytes(space) + space->table.bytes;
	changes_release(&space->changes);
	table_release(&space->table);
}

/* A space learns of a new round when it comes up. */
static void come_to_round(const struct store *s, struct store_space *space)
{
	if (space->changes.round != s->round)
		changes_begin_round(&space->changes);
}

struct store_space *storechanges_take(struct store *s)
{
	struct store_space *space = s->changed;

	if (!space)
		return NULL;
	unlink_changed(s, space);
	come_to_round(s, space);
	return space;
}

/* Those that were deleted may go with it. */
struct table_entry *storechanges_take_entry(struct store *s, struct store_space *space)
{
	size_t count = changes_count(&space->changes);
	size_t bytes = list_bytes(space) + space->table.bytes;
	struct table_entry *e = changes_take(&space->changes);

	s->changed_count -= count - changes_count(&space->changes);
	s->bytes -= bytes - (list_bytes(space) + space->table.bytes);
	return e;
}

void storechanges_begin_round(struct store *s)
{
	s->round = changes_other_round(s->round);
	s->next_behind = s->newest;
}

struct store_space *storechanges_behind(struct store *s)
{
	if (s->next_behind)
		come_to_round(s, s->next_behind);
	return s->next_behind;
}

void storechanges_end_behind(struct store *s)
{
	s->next_behind = s->next_behind->behind;
}
