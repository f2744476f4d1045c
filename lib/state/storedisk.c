#include "state/storedisk.h"

#include "base/compact.h"
#include "base/die.h"
#include "base/ordered.h"
#include "state/store.h"
#include "state/storechanges.h"

enum { SPACES = 's', ENTRIES = 'e' };

enum { CHANGED_MAX = 1 << 15, WRITTEN_AHEAD = 64 };

void storedisk_init(struct store *s)
{
	buf_init(&s->key);
	buf_init(&s->value);
	buf_init(&s->due);
	for (size_t i = 0; i < s->kind_count; i++)
		storetimers_init(&s->timers[i], s->kinds[i].letter);
}

void storedisk_release(struct store *s)
{
	buf_release(&s->key);
	buf_release(&s->value);
	buf_release(&s->due);
	for (size_t i = 0; i < s->kind_count; i++)
		storetimers_release(&s->timers[i]);
}

void storedisk_die(const char *why)
{
	die(EX_IOERR,
		"the state on disk is damaged: %s; go back to an earlier epoch (dd-deliver "
		"--rewind); dd-run --check tells which are whole",
		why);
}

/* Keys */

static void space_key(struct buf *to, char section, const struct store_space *space)
{
	buf_clear(to);
	buf_char(to, section);
	buf_char(to, space->kind->letter);
	ordered_add(to, space->at);
}

void storedisk_prefix(struct buf *to, const struct store_space *space)
{
	space_key(to, ENTRIES, space);
}

void storedisk_behind(struct buf *to, const struct store_space *space)
{
	bool is_last = space->at == INT64_MAX;

	buf_clear(to);
	buf_char(to, ENTRIES);
	buf_char(to, (char)(space->kind->letter + is_last));
	if (!is_last)
		ordered_add(to, space->at + 1);
}

static void entry_key(struct buf *to, const struct store_space *space, const void *key, size_t len)
{
	storedisk_prefix(to, space);
	buf_add(to, key, len);
}

/* Reading */

static void bring_in(
	struct store_space *space, struct table_entry *e, const char *value, size_t len)
{
	const char *why = store_unpack(space, e, value, len);

	if (why)
		storedisk_die(why);
	changes_set_written(&space->changes, e);
	if (space->kind->came_back)
		space->kind->came_back(space->kind->context, e);
}

bool storedisk_fetch(struct store *s, struct store_space *space, struct table_entry *e)
{
	const char *value;
	size_t len;

	entry_key(&s->key, space, store_key(space, e), e->key_len);
	if (!disk_get(s->disk, s->key.data, s->key.len, &value, &len))
		return false;
	bring_in(space, e, value, len);
	return true;
}

struct table_entry *storedisk_find(
	struct store *s, struct store_space *space, const void *key, size_t key_len)
{
	struct table_entry *e;
	const char *value;
	size_t len;
	bool added;

	entry_key(&s->key, space, key, key_len);
	if (!disk_get(s->disk, s->key.data, s->key.len, &value, &len))
		return NULL;
	e = store_place(s, space, key, key_len, table_hash(key, key_len), &added);
	bring_in(space, e, value, len);
	return e;
}

/* Writing */

void storedisk_put(struct store *s, struct store_space *space, const struct table_entry *e)
{
	entry_key(&s->key, space, store_key(space, e), e->key_len);
	buf_clear(&s->value);
	store_pack(space, e, &s->value);
	disk_put(s->disk, s->key.data, s->key.len, s->value.data, s->value.len);
	space->is_written = true;
	if (space->kind->timers)
		storetimers_put(s, space, e);
}

static void put_space(struct store *s, struct store_space *space)
{
	space_key(&s->key, SPACES, space);
	buf_clear(&s->value);
	for (int i = 0; i < STORE_OWN_WORDS; i++)
		compact_add_signed(&s->value, space->own[i]);
	compact_add(&s->value, space->count);
	disk_put(s->disk, s->key.data, s->key.len, s->value.data, s->value.len);
	space->is_changed = false;
	space->is_written = true;
}

void storedisk_delete(struct store *s, const struct store_space *space, const struct table_entry *e)
{
	entry_key(&s->key, space, store_key(space, e), e->key_len);
	disk_delete(s->disk, s->key.data, s->key.len);
}

void storedisk_drop(struct store *s, const struct store_space *space)
{
	storedisk_prefix(&s->key, space);
	storedisk_behind(&s->value, space);
	disk_delete_range(s->disk, s->key.data, s->key.len, s->value.data, s->value.len);
	space_key(&s->key, SPACES, space);
	disk_delete(s->disk, s->key.data, s->key.len);
}

static void put_some(struct store *s, struct store_space *space, size_t *most)
{
	struct table_entry *e;

	for (; *most && (e = storechanges_take_entry(s, space)); --*most)
		storedisk_put(s, space, e);
}

void storedisk_put_changed(struct store *s, struct store_space *space)
{
	size_t most = SIZE_MAX;

	put_some(s, space, &most);
}

/* Of entries alone: how many a space has is said with a snapshot. */
static void write_changed(struct store *s, size_t most)
{
	struct store_space *space;

	while (most && (space = storechanges_take(s))) {
		put_some(s, space, &most);
		if (!most)
			storechanges_note(s, space, NULL);
	}
}

/* The engine */

static void spill_space(struct store *s, struct store_space *space)
{
	struct table_entry *e;
	size_t at = 0;

	while ((e = table_next(&space->table, &at))) {
		if (changes_is_noted(e))
			storedisk_put(s, space, e);
		store_clear(space, e);
	}
	storechanges_forget(s, space);
}

void storedisk_spill(struct store *s)
{
	for (struct store_space *i = s->newest; i; i = i->behind)
		spill_space(s, i);
}

void storedisk_run_ahead(struct store *s)
{
	if (s->changed_count > CHANGED_MAX)
		write_changed(s, WRITTEN_AHEAD);
}

void storedisk_seal(struct store *s, struct snapshot *to)
{
	write_changed(s, SIZE_MAX);
	for (struct store_space *i = s->newest; i; i = i->behind)
		if (i->is_changed)
			put_space(s, i);
	disk_snapshot(s->disk, to);
}

static void take_space(struct store *s, const char *key, size_t key_len, const char *at, size_t len)
{
	const struct store_kind *kind =
		key_len == STOREDISK_PREFIX ? store_kind_of(s, key[1]) : NULL;
	const char *end = at + len;
	struct store_space *space;

	if (!kind)
		storedisk_die("a space of another kind of state");
	space = store_add_space(s, kind, ordered_read(key + 2));
	for (int i = 0; i < STORE_OWN_WORDS; i++)
		if (!compact_take_signed(&at, end, &space->own[i]))
			storedisk_die("a space that ends too early");
	if (!compact_take(&at, end, &space->count) || at != end)
		storedisk_die("a space without its number of entries");
	s->count += space->count;
	space->is_written = true;
}

void storedisk_restore(struct store *s, const struct snapshot *from)
{
	static const char begin[] = {SPACES}, end[] = {SPACES + 1};
	struct disk_cursor *c;
	const char *key, *value;
	size_t key_len, len;

	disk_restore(s->disk, from);
	c = disk_seek(s->disk, begin, sizeof(begin), end, sizeof(end));
	while (disk_next(c, &key, &key_len, &value, &len))
		take_space(s, key, key_len, value, len);
	disk_cursor_close(c);
	for (size_t i = 0; i < s->kind_count; i++)
		storetimers_restored(&s->timers[i]);
}
