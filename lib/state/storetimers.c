#include "state/storetimers.h"

#include <string.h>

#include "base/ordered.h"
#include "state/store.h"
#include "state/storedisk.h"

enum { TIMERS = 't', AHEAD = 256 };

/* Where in a key they stand. */
enum { DUE = 2, TIE = DUE + ORDERED_WORD, SPACE = TIE + ORDERED_WORD, KEY = SPACE + ORDERED_WORD };

static void set(struct buf *to, const char *bytes, size_t len)
{
	buf_clear(to);
	buf_add(to, bytes, len);
}

/* Behind all that there can be. */
static void set_end(struct storetimers *t)
{
	const char end[] = {TIMERS, (char)(t->letter + 1)};

	set(&t->from, end, sizeof(end));
}

static void forget_ahead(struct storetimers *t)
{
	buf_clear(&t->ahead);
	t->at = t->last = 0;
}

void storetimers_init(struct storetimers *t, char letter)
{
	*t = (struct storetimers){.letter = letter};
	buf_init(&t->from);
	buf_init(&t->ahead);
	set_end(t);
}

void storetimers_release(struct storetimers *t)
{
	buf_release(&t->from);
	buf_release(&t->ahead);
}

void storetimers_restored(struct storetimers *t)
{
	const char begin[] = {TIMERS, t->letter};

	set(&t->from, begin, sizeof(begin));
}

static struct storetimers *timers_of(struct store *s, const struct store_kind *kind)
{
	return &s->timers[kind - s->kinds];
}

/* The key of one that was read ahead. */
static const char *ahead(const struct storetimers *t, size_t at, size_t *len)
{
	memcpy(len, t->ahead.data + at, sizeof(*len));
	return t->ahead.data + at + sizeof(*len);
}

/* What was read ahead stays the first there is, or is read again. */
static void note_put(struct storetimers *t, const struct buf *key)
{
	const char *last;
	size_t len;

	if (bytes_order(key->data, key->len, t->from.data, t->from.len) < 0)
		set(&t->from, key->data, key->len);
	if (t->at == t->ahead.len)
		return;
	last = ahead(t, t->last, &len);
	if (bytes_order(key->data, key->len, last, len) < 0)
		forget_ahead(t);
}

void storetimers_put(struct store *s, const struct store_space *space, const struct table_entry *e)
{
	struct store_timer timer;

	buf_clear(&s->due);
	space->kind->timers(space->kind->context, e, &s->due);
	for (size_t at = 0; at < s->due.len; at += sizeof(timer)) {
		memcpy(&timer, s->due.data + at, sizeof(timer));
		buf_clear(&s->key);
		buf_char(&s->key, TIMERS);
		buf_char(&s->key, space->kind->letter);
		ordered_add(&s->key, timer.due_ns);
		ordered_add(&s->key, timer.tie);
		ordered_add(&s->key, space->at);
		buf_add(&s->key, store_key(space, e), e->key_len);
		disk_put(s->disk, s->key.data, s->key.len, "", 0);
		note_put(timers_of(s, space->kind), &s->key);
	}
}

static void read_ahead(struct store *s, struct storetimers *t)
{
	const char end[] = {TIMERS, (char)(t->letter + 1)}, *key, *value;
	struct disk_cursor *c;
	size_t len, value_len;

	forget_ahead(t);
	c = disk_seek(s->disk, t->from.data, t->from.len, end, sizeof(end));
	for (int i = 0; i < AHEAD && disk_next(c, &key, &len, &value, &value_len); i++) {
		if (len < KEY)
			storedisk_die("a timer that ends too early");
		t->last = t->ahead.len;
		buf_add(&t->ahead, &len, sizeof(len));
		buf_add(&t->ahead, key, len);
	}
	disk_cursor_close(c);
	if (!t->ahead.len) {
		set_end(t);
		return;
	}
	key = ahead(t, 0, &len);
	set(&t->from, key, len);
}

/* Whether what is on disk may be due. */
static bool may_be_due(const struct storetimers *t, int64_t until_ns)
{
	if (t->from.len < KEY)
		return t->from.data[1] == t->letter;
	return ordered_read(t->from.data + DUE) <= until_ns;
}

/* Takes the first that is due; NULL: there is none. Its key is valid until the next call for it. */
static const char *take_first(struct store *s, struct storetimers *t, int64_t until_ns, size_t *len)
{
	const char *key;

	if (!may_be_due(t, until_ns))
		return NULL;
	if (t->at == t->ahead.len)
		read_ahead(s, t);
	if (t->at == t->ahead.len)
		return NULL;
	key = ahead(t, t->at, len);
	if (ordered_read(key + DUE) > until_ns)
		return NULL;
	t->at += sizeof(*len) + *len;
	disk_delete(s->disk, key, *len);
	set(&t->from, key, *len);
	return key;
}

bool storetimers_take(struct store *s, char kind, int64_t until_ns, struct store_timer *timer,
	struct store_space **space, struct buf *key)
{
	struct storetimers *t = timers_of(s, store_kind_of(s, kind));
	const char *is;
	size_t len;

	while ((is = take_first(s, t, until_ns, &len))) {
		void *found;

		*space = store_space(s, kind, ordered_read(is + SPACE));
		if (!*space)
			continue;
		*timer = (struct store_timer){ordered_read(is + DUE), ordered_read(is + TIE)};
		found = table_find(&(*space)->table, is + KEY, len - KEY);
		if (!found) {
			set(key, is + KEY, len - KEY);
			buf_string(key); /* of no bytes is not none */
			return true;
		}
		/* its owner has the timer, which comes here again should the entry leave memory */
		store_note(s, *space, table_entry_of(found));
	}
	return false;
}
