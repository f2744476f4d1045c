#include "state/storelog.h"

#include <jansson.h>
#include <string.h>

#include "base/compact.h"
#include "base/die.h"
#include "state/member.h"
#include "state/store.h"
#include "state/storechanges.h"

enum {
	ROUND_BYTES_MIN = 1 << 20, /* a smaller log is not worth it */
	SLICE_BYTES_MIN = 256 << 10,
	SLICE_TO_GROWN = 2,
	STEPS_PER_ENTRY = 4,
	OF_LATE = 1 << 20, /* entries */
	CHANGED_MAX = 1 << 15,
	WRITTEN_AHEAD = 64,
	GROWN_MAX = 16 << 10,
};

enum { OF_SPACE = 0x80 };

void storelog_init(struct storelog *l, const char *dir, uint64_t run)
{
	*l = (struct storelog){.in_round = false};
	changelog_init(&l->log, dir, "state", run);
	buf_init(&l->key);
	buf_init(&l->value);
}

void storelog_release(struct storelog *l)
{
	changelog_release(&l->log);
	buf_release(&l->key);
	buf_release(&l->value);
}

/* Entries */

static void begin(struct storelog *l, const struct store_space *space, unsigned of)
{
	buf_clear(&l->key);
	buf_clear(&l->value);
	buf_char(&l->key, (char)((unsigned char)space->kind->letter | of));
	compact_add_signed(&l->key, space->at);
}

static void note_entry(struct storelog *l, uint64_t bytes)
{
	l->entries++;
	l->entry_bytes += bytes;
	if (l->entries == OF_LATE) {
		l->entries /= 2;
		l->entry_bytes /= 2;
	}
}

static void put(struct storelog *l)
{
	uint64_t bytes = l->key.len + l->value.len + 2;

	changelog_put(&l->log, l->key.data, l->key.len, l->value.data, l->value.len);
	note_entry(l, bytes);
	l->grown_bytes += bytes;
	l->bytes_left -= bytes < l->bytes_left ? bytes : l->bytes_left;
}

static void delete_in_hand(struct storelog *l)
{
	changelog_delete(&l->log, l->key.data, l->key.len);
	l->grown_bytes += l->key.len + 1;
}

void storelog_put_space(struct store *s, struct store_space *space)
{
	begin(&s->log, space, OF_SPACE);
	for (int i = 0; i < STORE_OWN_WORDS; i++)
		compact_add_signed(&s->log.value, space->own[i]);
	put(&s->log);
	space->is_changed = false;
	space->is_written = true;
}

static void begin_entry(
	struct storelog *l, const struct store_space *space, const struct table_entry *e)
{
	begin(l, space, 0);
	buf_add(&l->key, store_key(space, e), e->key_len);
}

void storelog_put(struct store *s, struct store_space *space, const struct table_entry *e)
{
	begin_entry(&s->log, space, e);
	store_pack(space, e, &s->log.value);
	put(&s->log);
	s->log.has_entries = true;
}

void storelog_delete(struct store *s, const struct store_space *space, const struct table_entry *e)
{
	begin_entry(&s->log, space, e);
	delete_in_hand(&s->log);
}

void storelog_drop(struct store *s, const struct store_space *space)
{
	begin(&s->log, space, OF_SPACE);
	delete_in_hand(&s->log);
}

/* What has changed */

/* An entry comes behind its space. */
static void write_changed(struct store *s, size_t most)
{
	struct store_space *space;
	struct table_entry *e;

	while (most && (space = storechanges_take(s))) {
		if (space->is_changed) {
			storelog_put_space(s, space);
			most--;
		}
		while (most && (e = storechanges_take_entry(s, space))) {
			storelog_put(s, space, e);
			most--;
		}
		if (!most)
			storechanges_note(s, space, NULL);
	}
}

/* Rounds */

static uint64_t average_bytes(const struct storelog *l)
{
	return l->entries ? l->entry_bytes / l->entries + 1 : 1;
}

static bool is_too_long(const struct store *s)
{
	uint64_t alive = (s->count + s->spaces.count) * average_bytes(&s->log);

	return changelog_bytes(&s->log.log) > alive + alive / 2 + ROUND_BYTES_MIN;
}

/* Whether the slice in hand goes on. */
static bool goes_on(const struct storelog *l)
{
	return l->bytes_left && l->steps_left;
}

/* True if there is nothing left of the round. */
static bool write_behind(struct store *s)
{
	struct storelog *l = &s->log;
	struct store_space *space;
	struct table_entry *e;

	while (goes_on(l) && (space = storechanges_behind(s))) {
		while (goes_on(l) &&
			(e = changes_take_behind(&space->changes, &space->table, &l->steps_left)))
			storelog_put(s, space, e);
		if (space->changes.behind)
			return false;
		if (space->is_written)
			storelog_put_space(s, space);
		storechanges_end_behind(s);
	}
	return !storechanges_behind(s);
}

/* For each byte that has come since the last slice so many, and some more at a barrier. */
static void write_slice(struct store *s, uint64_t more_bytes)
{
	struct storelog *l = &s->log;

	l->bytes_left = SLICE_TO_GROWN * l->grown_bytes + more_bytes;
	l->steps_left = (size_t)(STEPS_PER_ENTRY * (l->bytes_left / average_bytes(l) + 1));
	if (write_behind(s)) {
		changelog_drop_before(&l->log, l->round_from);
		l->in_round = false;
	}
	l->grown_bytes = 0;
}

/* Behind a barrier, so that what is written ahead of the next one is of the round as well. */
static void begin_round(struct store *s)
{
	struct storelog *l = &s->log;

	l->grown_bytes = 0;
	if (l->in_round || !is_too_long(s))
		return;
	l->in_round = true;
	l->round_from = changelog_roll(&l->log);
	storechanges_begin_round(s);
}

/* There is no entry any more: nor in the log, of which nothing is needed but the spaces. */
static void begin_anew(struct store *s)
{
	struct storelog *l = &s->log;
	struct store_space *space = NULL;

	l->has_entries = false;
	l->in_round = false;
	s->next_behind = NULL;
	changelog_drop_before(&l->log, changelog_roll(&l->log));
	while ((space = store_next_space(s, space))) {
		space->is_changed = true;
		storechanges_note(s, space, NULL);
	}
}

/* Barriers */

void storelog_seal(struct store *s, struct snapshot *to)
{
	struct storelog *l = &s->log;
	json_t *files;

	if (!s->count && l->has_entries)
		begin_anew(s);
	write_changed(s, SIZE_MAX);
	if (l->in_round)
		write_slice(s, SLICE_BYTES_MIN);
	changelog_sync(&l->log);
	files = changelog_files(&l->log);
	json_array_extend(to->files, files);
	json_decref(files);
	begin_round(s);
}

void storelog_run_ahead(struct store *s)
{
	struct storelog *l = &s->log;

	if (s->changed_count > CHANGED_MAX)
		write_changed(s, WRITTEN_AHEAD);
	if (l->in_round && l->grown_bytes > GROWN_MAX)
		write_slice(s, 0);
}

/* Restoring */

/* As it is read; unlike one that is opened, is_changed until its own entry comes. */
static struct store_space *space_at(struct store *s, const struct store_kind *kind, int64_t at)
{
	struct store_space *space = store_space(s, kind->letter, at);

	if (space)
		return space;
	space = store_add_space(s, kind, at);
	space->is_changed = space->is_written = true;
	return space;
}

static const char *take_space(struct store *s, const struct store_kind *kind, int64_t at,
	const char *value, const char *end)
{
	struct store_space *space;

	if (!value) {
		space = store_space(s, kind->letter, at);
		if (space)
			store_remove_space(s, space);
		return NULL;
	}
	space = space_at(s, kind, at);
	for (int i = 0; i < STORE_OWN_WORDS; i++)
		if (!compact_take_signed(&value, end, &space->own[i]))
			return "a space that ends too early";
	space->is_changed = false;
	return value == end ? NULL : "a space with more than its words";
}

static const char *take_value(struct store *s, struct store_space *space, const struct buf *key,
	const char *value, size_t value_len)
{
	bool added;
	struct table_entry *e =
		store_place(s, space, key->data, key->len, table_hash(key->data, key->len), &added);

	if (added) {
		changes_set_written(&space->changes, e);
		space->count++;
		s->count++;
	} else {
		store_clear(space, e);
		memset(e->value, 0, space->table.value_bytes);
	}
	return store_unpack(space, e, value, value_len);
}

static const char *take_entry(struct store *s, const struct store_kind *kind, int64_t at,
	const struct buf *key, const char *value, size_t value_len)
{
	struct store_space *space;
	void *found;

	if (value)
		return take_value(s, space_at(s, kind, at), key, value, value_len);
	space = store_space(s, kind->letter, at);
	found = space ? table_find(&space->table, key->data, key->len) : NULL;
	if (found)
		store_remove(s, space, table_entry_of(found));
	return NULL;
}

static const char *take(
	void *context, const char *key, size_t key_len, const char *value, size_t value_len)
{
	struct store *s = context;
	const char *at = key + 1, *end = key + key_len;
	const struct store_kind *kind = NULL;
	int64_t number;

	if (key_len)
		kind = store_kind_of(s, (char)((unsigned char)*key & ~OF_SPACE));
	if (!kind)
		return "an entry of another kind of state";
	if (!compact_take_signed(&at, end, &number))
		return "an entry of no space";
	note_entry(&s->log, key_len + value_len + 2);
	if ((unsigned char)*key & OF_SPACE)
		return at == end ? take_space(s, kind, number, value, value + value_len)
				 : "a space with a key";
	s->log.has_entries = true;
	return take_entry(s, kind, number,
		&(struct buf){.data = (char *)(size_t)at, .len = (size_t)(end - at)}, value,
		value_len);
}

void storelog_restore(struct store *s, const struct snapshot *from)
{
	struct store_space *space = NULL;

	if (json_object_get(from->state, "disk"))
		die(EX_CONFIG, "the state of this epoch was kept on disk (--state rocksdb)");
	changelog_restore(&s->log.log, from->files, take, s);
	while ((space = store_next_space(s, space)))
		if (space->is_changed)
			member_die("files");
	s->log.grown_bytes = 0;
}
