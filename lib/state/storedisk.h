/*
 * The engine of a store that keeps entries on disk (state/disk). What stands there, numbers in the
 * form of base/ordered where they are in keys, and of base/compact in values:
 *
 *     s letter number                  own words, number of entries: a space, as of a snapshot
 *     e letter number key              what its kind packs: an entry
 *     t letter due tie number key      a timer of an entry
 *
 * Timers are not looked after: one of an entry that has changed or is gone stays until it is due.
 */
#ifndef STOREDISK_H
#define STOREDISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "state/snapshot.h"

struct store;
struct store_space;
struct table_entry;

void storedisk_init(struct store *s);
void storedisk_release(struct store *s);

/* Fills an entry that store_place has just made, if it is on disk: false, and as it was, if not. */
bool storedisk_fetch(struct store *s, struct store_space *space, struct table_entry *e);

/* The entry of a key that is not in memory; NULL: nor is it on disk. */
struct table_entry *storedisk_find(
	struct store *s, struct store_space *space, const void *key, size_t len);

/* An entry, or a space with all entries, is no more. */
void storedisk_delete(
	struct store *s, const struct store_space *space, const struct table_entry *e);
void storedisk_drop(struct store *s, const struct store_space *space);

/* Writes an entry down. */
void storedisk_put(struct store *s, struct store_space *space, const struct table_entry *e);

/* Writes down what of a space has changed. */
void storedisk_put_changed(struct store *s, struct store_space *space);

/* What all keys of a space's entries begin with; and what is behind them all. */
enum { STOREDISK_PREFIX = 2 + 8 };
void storedisk_prefix(struct buf *to, const struct store_space *space);
void storedisk_behind(struct buf *to, const struct store_space *space);

/* What is on disk is no value. */
void storedisk_die(const char *why) __attribute__((noreturn));

/* As store_spill, store_run_ahead, store_snapshot and store_restore. */
void storedisk_spill(struct store *s);
void storedisk_run_ahead(struct store *s);
void storedisk_seal(struct store *s, struct snapshot *to);
void storedisk_restore(struct store *s, const struct snapshot *from);

#endif
