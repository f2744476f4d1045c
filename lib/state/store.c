#include "state/store.h"

#include <assert.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/mem.h"
#include "state/storechanges.h"
#include "state/storedisk.h"

void store_init(struct store *s, const struct store_kind *kinds, size_t count, struct disk *disk)
{
	assert(count <= STORE_KINDS_MAX);
	*s = (struct store){
		.kind_count = count,
		.disk = disk,
		.is_tracked = disk != NULL,
		.round = CHANGES_FIRST_ROUND,
	};
	for (size_t i = 0; i < count; i++)
		s->kinds[i] = kinds[i];
	index_init(&s->spaces);
	if (disk)
		storedisk_init(s);
}

void store_keep(struct store *s, const char *stage_dir, uint64_t run)
{
	assert(!s->newest);
	s->is_kept = s->is_tracked = true;
	if (!s->disk)
		storelog_init(&s->log, stage_dir, run);
}

void store_release(struct store *s)
{
	while (s->newest)
		store_remove_space(s, s->newest);
	index_release(&s->spaces);
	if (s->disk)
		storedisk_release(s);
	else if (s->is_kept)
		storelog_release(&s->log);
}

const struct store_kind *store_kind_of(const struct store *s, char letter)
{
	for (size_t i = 0; i < s->kind_count; i++)
		if (s->kinds[i].letter == letter)
			return &s->kinds[i];
	return NULL;
}

/* Spaces */

struct wanted {
	char letter;
	int64_t at;
};

static bool is_space(const void *item, const void *wanted)
{
	const struct store_space *space = item;
	const struct wanted *w = wanted;

	return space->at == w->at && space->kind->letter == w->letter;
}

static uint64_t hash_of(char letter, int64_t at)
{
	return XXH3_64bits_withSeed(&at, sizeof(at), (unsigned char)letter);
}

struct store_space *store_space(const struct store *s, char kind, int64_t at)
{
	const struct wanted w = {kind, at};

	return index_find(&s->spaces, hash_of(kind, at), is_space, &w);
}

struct store_space *store_add_space(struct store *s, const struct store_kind *kind, int64_t at)
{
	struct store_space *space = mem_zero(1, sizeof(*space));

	space->kind = kind;
	space->at = at;
	table_init(&space->table, kind->value_bytes);
	storechanges_track(s, space);
	index_add(&s->spaces, hash_of(kind->letter, at), space);
	space->behind = s->newest;
	if (s->newest)
		s->newest->before = space;
	s->newest = space;
	s->bytes += sizeof(*space);
	return space;
}

struct store_space *store_open(struct store *s, char kind, int64_t at)
{
	struct store_space *space = store_space(s, kind, at);

	if (space)
		return space;
	space = store_add_space(s, store_kind_of(s, kind), at);
	store_note_space(s, space);
	return space;
}

void store_note_space(struct store *s, struct store_space *space)
{
	space->is_changed = true;
	if (s->is_tracked)
		storechanges_note(s, space, NULL);
}

void store_remove_space(struct store *s, struct store_space *space)
{
	struct table_entry *e;
	size_t at = 0;

	while (space->kind->clear && (e = table_next(&space->table, &at)))
		store_clear(space, e);
	storechanges_untrack(s, space);
	index_remove(&s->spaces, hash_of(space->kind->letter, space->at), space);
	*(space->before ? &space->before->behind : &s->newest) = space->behind;
	if (space->behind)
		space->behind->before = space->before;
	s->bytes -= sizeof(*space);
	s->count -= space->count;
	s->deleted += space->count;
	free(space);
}

void store_drop(struct store *s, struct store_space *space)
{
	if (space->is_written && s->disk)
		storedisk_drop(s, space);
	else if (space->is_written)
		storelog_drop(s, space);
	store_remove_space(s, space);
}

struct store_space *store_next_space(const struct store *s, const struct store_space *after)
{
	return after ? after->behind : s->newest;
}

/* Entries */

struct table_entry *store_place(struct store *s, struct store_space *space, const void *key,
	size_t len, uint32_t hash, bool *added)
{
	size_t before = space->table.bytes;
	void *value = table_add_hashed(&space->table, key, len, hash, added);

	s->bytes += space->table.bytes - before;
	return table_entry_of(value);
}

static void count_entry(struct store *s, struct store_space *space, int64_t change)
{
	s->count += (uint64_t)change;
	space->count += (uint64_t)change;
	/* on disk that is kept with the space */
	space->is_changed |= s->disk != NULL;
}

struct table_entry *store_enter_any(struct store *s, struct store_space *space, const void *key,
	size_t len, uint32_t hash, bool *added)
{
	bool may_be_on_disk = store_is_spilled(space);
	struct table_entry *e = store_place(s, space, key, len, hash, added);

	if (!*added)
		return e;
	if (may_be_on_disk && storedisk_fetch(s, space, e)) {
		*added = false;
		return e;
	}
	count_entry(s, space, 1);
	store_note(s, space, e);
	return e;
}

struct table_entry *store_find(
	struct store *s, struct store_space *space, const void *key, size_t len)
{
	void *value = table_find(&space->table, key, len);

	if (value)
		return table_entry_of(value);
	return store_is_spilled(space) ? storedisk_find(s, space, key, len) : NULL;
}

void store_note_tracked(struct store *s, struct store_space *space, struct table_entry *e)
{
	storechanges_note(s, space, e);
}

bool store_remove(struct store *s, struct store_space *space, struct table_entry *e)
{
	store_clear(space, e);
	count_entry(s, space, -1);
	s->deleted++;
	return storechanges_delete(s, space, e);
}

/* One that a scan has in hand: it is on disk, and in no table. */
static void delete_aside(struct store *s, struct store_space *space, struct table_entry *e)
{
	storedisk_delete(s, space, e);
	store_clear(space, e);
	count_entry(s, space, -1);
	e->mark = 0;
}

void store_delete(struct store *s, struct store_space *space, struct table_entry *e)
{
	bool is_written = changes_is_written(e);

	if (changes_is_aside(e)) {
		delete_aside(s, space, e);
		return;
	}
	if (is_written && s->disk)
		storedisk_delete(s, space, e);
	else if (is_written)
		storelog_delete(s, space, e);
	store_remove(s, space, e);
}

/* The engines */

bool store_take_timer(struct store *s, char kind, int64_t until_ns, struct store_timer *timer,
	struct store_space **space, struct buf *key)
{
	return s->disk && storetimers_take(s, kind, until_ns, timer, space, key);
}

void store_spill(struct store *s)
{
	if (s->disk)
		storedisk_spill(s);
}

void store_run_ahead(struct store *s)
{
	if (!s->is_kept)
		return;
	if (s->disk)
		storedisk_run_ahead(s);
	else
		storelog_run_ahead(s);
}

void store_snapshot(struct store *s, struct snapshot *to)
{
	assert(s->is_kept);
	if (s->disk)
		storedisk_seal(s, to);
	else
		storelog_seal(s, to);
}

void store_restore(struct store *s, const struct snapshot *from)
{
	assert(s->is_kept && !s->newest);
	if (s->disk)
		storedisk_restore(s, from);
	else
		storelog_restore(s, from);
}
