/*
 * The timers of a kind that a store has on disk, in the order they are due in. Some of the first
 * are read ahead, and what was taken is not looked through again; before what is there, nothing is
 * asked of the disk.
 */
#ifndef STORETIMERS_H
#define STORETIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct store;
struct store_space;
struct store_timer;
struct table_entry;

struct storetimers {
	char letter;
	struct buf from; /* no timer's key on disk is before this one */
	struct buf
		ahead; /* the first that are there: each the length of its key (a size_t), that */
	size_t at;     /* of these, the first that has not been taken */
	size_t last;   /* and the last */
};

/* None is on disk. */
void storetimers_init(struct storetimers *t, char letter);
void storetimers_release(struct storetimers *t);

/* There may be any. */
void storetimers_restored(struct storetimers *t);

/* Writes down those of an entry. */
void storetimers_put(struct store *s, const struct store_space *space, const struct table_entry *e);

/* As store_take_timer. */
bool storetimers_take(struct store *s, char kind, int64_t until_ns, struct store_timer *timer,
	struct store_space **space, struct buf *key);

#endif
