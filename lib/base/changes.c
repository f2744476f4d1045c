#include "base/changes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* So far ahead entries are fetched, as each lies elsewhere. */
enum { AHEAD = 12, CACHE_LINE = 64 };

enum { LIST_MIN = 4 };

void changes_init(struct changes *c, unsigned round)
{
	*c = (struct changes){.round = round};
}

void changes_release(struct changes *c)
{
	free(c->list);
	changes_init(c, c->round);
}

static void fetch(const struct table_entry *e)
{
	__builtin_prefetch(e);
	__builtin_prefetch((const char *)e + CACHE_LINE);
}

static void make_room(struct changes *c)
{
	if (c->from > c->cap / 2) {
		memmove(c->list, c->list + c->from, changes_count(c) * sizeof(*c->list));
		c->count -= c->from;
		c->from = 0;
		return;
	}
	c->cap = c->cap ? 2 * c->cap : LIST_MIN;
	c->list = mem_resize(c->list, c->cap * sizeof(*c->list));
}

bool changes_note(struct changes *c, struct table_entry *e)
{
	if (changes_is_noted(e))
		return false;
	e->mark |= CHANGES_NOTED;
	if (changes_is_aside(e))
		return false;
	if (c->count == c->cap)
		make_room(c);
	c->list[c->count++] = e;
	return true;
}

/* What was written down of it does not count any more. */
static void unwrite(struct changes *c, struct table_entry *e)
{
	unsigned round = e->mark & CHANGES_ROUND;

	/* the mark is left alone then: the hash beside it is slow to read behind a write */
	if (!round)
		return;
	c->written--;
	c->behind -= round != c->round;
	e->mark &= CHANGES_NOTED;
}

void changes_set_written(struct changes *c, struct table_entry *e)
{
	unwrite(c, e);
	c->written++;
	e->mark |= c->round & CHANGES_ROUND;
}

bool changes_delete(struct changes *c, struct table *t, struct table_entry *e)
{
	bool was_written = changes_is_written(e);

	unwrite(c, e);
	if (!changes_is_noted(e)) {
		table_delete(t, e);
		return was_written;
	}
	e->mark |= CHANGES_ASIDE;
	table_take_out(t, e);
	c->of = t;
	return was_written;
}

static struct table_entry *first_of(struct changes *c)
{
	if (c->from + AHEAD < c->count)
		fetch(c->list[c->from + AHEAD]);
	if (c->from < c->count)
		return c->list[c->from++];
	/* many are seldom followed by as many */
	free(c->list);
	c->list = NULL;
	c->from = c->count = c->cap = 0;
	return NULL;
}

struct table_entry *changes_take(struct changes *c)
{
	struct table_entry *e;

	while ((e = first_of(c)) && changes_is_aside(e))
		table_free(c->of, e);
	if (!e)
		return NULL;
	e->mark &= CHANGES_ROUND;
	changes_set_written(c, e);
	return e;
}

void changes_begin_round(struct changes *c)
{
	assert(!c->behind);
	c->round = changes_other_round(c->round);
	c->behind = c->written;
	c->at = 0;
}

struct table_entry *changes_take_behind(struct changes *c, const struct table *t, size_t *steps)
{
	/* what was looked at may stand elsewhere in a table that has another size, but never comes
	 * twice */
	if (c->slot_mask != t->slot_mask)
		c->at = 0;
	c->slot_mask = t->slot_mask;
	while (c->behind && *steps) {
		struct table_entry *e;

		--*steps;
		/* what is deleted lets others move up, perhaps past this place: they are found when
		 * it comes by again */
		if (c->at > t->slot_mask)
			c->at = 0;
		if (c->at + AHEAD <= t->slot_mask && t->slots[c->at + AHEAD])
			fetch(table_at(t, c->at + AHEAD));
		e = table_at(t, c->at++);
		if (!e || !changes_is_written(e) || (e->mark & CHANGES_ROUND) == c->round)
			continue;
		changes_set_written(c, e);
		return e;
	}
	return NULL;
}
