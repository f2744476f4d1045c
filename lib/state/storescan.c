#include "state/storescan.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tablesort.h"
#include "state/storedisk.h"

/* In memory */

static void sort(struct store_scan *c)
{
	c->sorted = table_sorted(&c->space->table);
	c->count = c->space->table.count;
	c->deleted = c->store->deleted;
}

/* On disk. An entry that is in memory, too, is given as it is there. */

/* Lets go of the entry in hand, if it is not in memory and was not deleted. */
static void settle(struct store_scan *c)
{
	struct table_entry *e = c->aside;

	if (!e || !changes_is_aside(e))
		return;
	if (changes_is_noted(e))
		storedisk_put(c->store, c->space, e);
	store_clear(c->space, e);
	e->mark = 0;
}

static struct table_entry *set_aside(
	struct store_scan *c, const char *key, size_t key_len, const char *value, size_t len)
{
	size_t value_bytes = c->space->table.value_bytes;
	size_t bytes = sizeof(struct table_entry) + value_bytes + key_len;
	const char *why;

	if (bytes > c->aside_bytes) {
		c->aside_bytes = 2 * bytes;
		free(c->aside);
		c->aside = mem_alloc(c->aside_bytes);
	}
	*c->aside = (struct table_entry){.key_len = (uint32_t)key_len};
	changes_set_aside(c->aside);
	memset(c->aside->value, 0, value_bytes);
	memcpy(c->aside->value + value_bytes, key, key_len);
	why = store_unpack(c->space, c->aside, value, len);
	if (why)
		storedisk_die(why);
	return c->aside;
}

/* What has changed is on disk before it is gone through. */
static void open_cursor(struct store_scan *c)
{
	struct buf behind;

	storedisk_put_changed(c->store, c->space);
	if (!c->from.len)
		storedisk_prefix(&c->from, c->space);
	buf_init(&behind);
	storedisk_behind(&behind, c->space);
	c->cursor = disk_seek(c->store->disk, c->from.data, c->from.len, behind.data, behind.len);
	buf_release(&behind);
}

static void close_cursor(struct store_scan *c)
{
	if (c->cursor)
		disk_cursor_close(c->cursor);
	c->cursor = NULL;
	c->key = NULL;
}

static struct table_entry *next_on_disk(struct store_scan *c)
{
	const char *key, *value;
	size_t key_len, len;
	void *in_memory;

	if (c->is_over)
		return NULL;
	if (!c->cursor)
		open_cursor(c);
	c->is_over = !disk_next(c->cursor, &c->key, &c->key_len, &value, &len);
	if (c->is_over)
		return NULL;
	key = c->key + STOREDISK_PREFIX;
	key_len = c->key_len - STOREDISK_PREFIX;
	in_memory = table_find(&c->space->table, key, key_len);
	return in_memory ? table_entry_of(in_memory) : set_aside(c, key, key_len, value, len);
}

/* Both */

static void begin(struct store_scan *c)
{
	free(c->sorted);
	c->sorted = NULL;
	c->at = 0;
	c->is_over = false;
	buf_clear(&c->from);
	if (!store_is_spilled(c->space))
		sort(c);
}

void store_scan_begin(struct store_scan *c, struct store *s, struct store_space *space)
{
	*c = (struct store_scan){.store = s, .space = space};
	buf_init(&c->from);
	begin(c);
}

struct table_entry *store_scan_next(struct store_scan *c)
{
	settle(c);
	if (!c->sorted)
		return next_on_disk(c);
	return c->at < c->count ? c->sorted[c->at++] : NULL;
}

void store_scan_end(struct store_scan *c)
{
	settle(c);
	close_cursor(c);
	free(c->sorted);
	free(c->aside);
	buf_release(&c->from);
}

void store_scan_rewind(struct store_scan *c)
{
	settle(c);
	c->at = 0;
	if (c->sorted && c->deleted == c->store->deleted)
		return;
	close_cursor(c);
	begin(c);
}

/* Where it is to go on. Of entries in memory the one that is to come: the last may be gone. */
static void set_from(struct store_scan *c)
{
	const struct table_entry *next;

	if (!c->sorted && c->key) {
		buf_clear(&c->from);
		buf_add(&c->from, c->key, c->key_len);
		buf_char(&c->from, '\0');
	} else if (c->sorted && c->at == c->count) {
		c->is_over = true;
	} else if (c->sorted && c->at) {
		next = c->sorted[c->at];
		storedisk_prefix(&c->from, c->space);
		buf_add(&c->from, store_key(c->space, next), next->key_len);
	}
}

void store_scan_spill(struct store_scan *c)
{
	if (!c->store->disk)
		return;
	settle(c);
	set_from(c);
	close_cursor(c);
	free(c->sorted);
	c->sorted = NULL;
	store_spill(c->store);
}
