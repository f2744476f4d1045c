#include "base/changes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A mark: the round it was written in last (0: never), and: */
enum { ROUND = 3, IS_CHANGED = 4 };

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
	if (e->mark & IS_CHANGED)
		return false;
	e->mark = (e->mark | IS_CHANGED) & (ROUND | IS_CHANGED);
	if (c->count == c->cap)
		make_room(c);
	c->list[c->count++] = e;
	return true;
}

static void set_written(struct changes *c, struct table_entry *e)
{
	unsigned round = e->mark & ROUND;

	c->was_behind = round && round != c->round;
	c->written += !round;
	c->behind -= c->was_behind;
	e->mark = (e->mark & IS_CHANGED) | (c->round & ROUND);
}

struct table_entry *changes_take(struct changes *c)
{
	struct table_entry *e;

	if (c->from + AHEAD < c->count)
		fetch(c->list[c->from + AHEAD]);
	if (c->from == c->count) {
		/* many are seldom followed by as many */
		free(c->list);
		c->list = NULL;
		c->from = c->count = c->cap = 0;
		return NULL;
	}
	e = c->list[c->from++];
	e->mark &= ROUND;
	set_written(c, e);
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
	/* what was looked at may stand elsewhere in a table that has grown, but never comes twice
	 */
	if (c->slot_mask != t->slot_mask)
		c->at = 0;
	c->slot_mask = t->slot_mask;
	while (c->behind && *steps) {
		struct table_entry *e;

		--*steps;
		assert(c->at <= t->slot_mask);
		if (c->at + AHEAD <= t->slot_mask && t->slots[c->at + AHEAD])
			fetch(t->slots[c->at + AHEAD]);
		e = t->slots[c->at++];
		if (!e || !(e->mark & ROUND) || (e->mark & ROUND) == c->round)
			continue;
		set_written(c, e);
		return e;
	}
	return NULL;
}
