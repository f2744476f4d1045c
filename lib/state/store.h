/*
 * The keyed state of a stage: values under keys, in spaces, kept with the checkpoints, in memory or
 * on disk.
 *
 * A space holds the entries of, say, one window; it is found by its kind and a number. A value is
 * so many bytes, zeros at first, which the owner reads and changes in place, and says so
 * (store_note). It may point to what is the owner's: the kind knows how to write it down, read it,
 * and let go of it.
 *
 * There are two engines. In memory, all entries are there; under a checkpoint what has changed is
 * in a log at each barrier (state/storelog). On disk, memory holds the entries in use, and
 * store_spill writes them to an ordered map (state/disk) from which each comes back when it is
 * asked for (state/storedisk). Both give the same answers in the same order.
 *
 * An entry stays where it is until it is deleted, its space is dropped, or store_spill is called.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/changes.h"
#include "base/index.h"
#include "base/table.h"
#include "state/disk.h"
#include "state/snapshot.h"
#include "state/storelog.h"
#include "state/storetimers.h"

/* When an entry wants to be looked at again: by due_ns, then tie, space and key. */
struct store_timer {
	int64_t due_ns;
	int64_t tie;
};

/* What all spaces of a letter hold. The functions get the context, and ask nothing of the store;
 * those that are NULL do nothing. */
struct store_kind {
	char letter; /* ASCII, for the log and the disk: never another for the same */
	size_t value_bytes;
	void *context;
	/* Appends what is kept of a value; and back, into zeros: NULL or a static reason. */
	void (*pack)(void *context, const struct table_entry *e, struct buf *to);
	const char *(*unpack)(
		void *context, struct table_entry *e, const char *at, const char *end);
	/* Lets go of what a value points to; also of one of which unpack gave a reason. */
	void (*clear)(void *context, struct table_entry *e);
	/* Appends an entry's timers, as struct store_timer; called when it is written to disk. */
	void (*timers)(void *context, const struct table_entry *e, struct buf *to);
	/* An entry came back from the disk, to stay. */
	void (*came_back)(void *context, struct table_entry *e);
};

enum { STORE_KINDS_MAX = 4, STORE_OWN_WORDS = 2 };

struct store_space {
	const struct store_kind *kind;
	int64_t at;
	int64_t own[STORE_OWN_WORDS]; /* the owner's, kept with it: store_note_space */
	void *owner;                  /* not kept */
	uint64_t count;               /* of entries, in memory or not */
	struct table table;           /* those in memory */
	struct changes changes;
	bool is_changed;                     /* own was noted, or it is new */
	bool is_written;                     /* it is in the log, or anything of it on disk */
	bool is_linked;                      /* among those with changes */
	struct store_space *before, *behind; /* all, the newest first */
	struct store_space *changed_before, *changed_behind; /* those with changes */
};

struct store {
	struct store_kind kinds[STORE_KINDS_MAX];
	size_t kind_count;
	struct index spaces;
	struct store_space *newest;
	uint64_t count;   /* of entries, in memory or not */
	size_t bytes;     /* that spaces and entries in memory take, but for what values point to */
	uint64_t deleted; /* entries, ever */
	struct disk *disk; /* NULL: in memory */
	bool is_kept;      /* there is a checkpoint */

	/* where changes are followed: see base/changes */
	bool is_tracked;
	unsigned round;
	struct store_space *changed;
	size_t changed_count;            /* entries, of all spaces */
	struct store_space *next_behind; /* those from it on are to be written anew */

	struct storelog log;                        /* in memory */
	struct storetimers timers[STORE_KINDS_MAX]; /* on disk, by kind, as */
	struct buf key, value, due;                 /* what is written there */
};

/* disk: NULL for the engine in memory, or one that is open and was not used; borrowed. */
void store_init(struct store *s, const struct store_kind *kinds, size_t count, struct disk *disk);

/* There is a checkpoint: from now on, before there is any entry, changes are followed and kept in
 * that stage's directory (borrowed). */
void store_keep(struct store *s, const char *stage_dir, uint64_t run);

/* Clears all that is in memory. */
void store_release(struct store *s);

/* The space of a kind and a number: NULL where there is none; or a new one then. O(1) on average.
 */
struct store_space *store_space(const struct store *s, char kind, int64_t at);
struct store_space *store_open(struct store *s, char kind, int64_t at);

/* own has changed. */
void store_note_space(struct store *s, struct store_space *space);

/* Clears all entries and the space is no more. O(entries in memory), and on disk what
 * disk_delete_range takes. Timers that are on disk stay there until they are due. */
void store_drop(struct store *s, struct store_space *space);

/* Any space, and the one behind it; the order means nothing. NULL begins, and ends. */
struct store_space *store_next_space(const struct store *s, const struct store_space *after);

/* Whether some entries are on disk only. */
static inline bool store_is_spilled(const struct store_space *space)
{
	return space->count != space->table.count;
}

/* The entry of key: NULL where there is none; or a new one then, which counts as noted. The key is
 * not kept; hash is its table_hash. O(len) on average; on disk a read where it is not in memory but
 * may be there. */
struct table_entry *store_find(
	struct store *s, struct store_space *space, const void *key, size_t len);
struct table_entry *store_enter_any(struct store *s, struct store_space *space, const void *key,
	size_t len, uint32_t hash, bool *added);

static inline struct table_entry *store_enter_hashed(struct store *s, struct store_space *space,
	const void *key, size_t len, uint32_t hash, bool *added)
{
	struct table_entry *e = table_find_few(&space->table, key, len, hash);

	*added = !e;
	return e ? e : store_enter_any(s, space, key, len, hash, added);
}

static inline struct table_entry *store_enter(
	struct store *s, struct store_space *space, const void *key, size_t len, bool *added)
{
	return store_enter_hashed(s, space, key, len, table_hash(key, len), added);
}

/* The value has changed. O(1). */
void store_note_tracked(struct store *s, struct store_space *space, struct table_entry *e);

static inline void store_note(struct store *s, struct store_space *space, struct table_entry *e)
{
	if (s->is_tracked && !changes_is_noted(e))
		store_note_tracked(s, space, e);
}

/* Clears it; the entry is no more. */
void store_delete(struct store *s, struct store_space *space, struct table_entry *e);

static inline const char *store_key(const struct store_space *space, const struct table_entry *e)
{
	return table_key(&space->table, e);
}

/*
 * The first timer of a kind that is on disk and falls due at or before until_ns, in the order of
 * struct store_timer, with its entry's space, and key; false if there is none. It is gone then: who
 * does not handle it at once finds the entry and notes it. Timers of entries in memory are their
 * owner's: those are not given. The entry may have another timer by now, or be gone: the owner
 * looks.
 */
bool store_take_timer(struct store *s, char kind, int64_t until_ns, struct store_timer *timer,
	struct store_space **space, struct buf *key);

/* On disk: writes all entries out, and forgets them in memory. Spaces stay. */
void store_spill(struct store *s);

/* Behind a record: where so much has changed that it would take long at the barrier, some of it is
 * written already. O(1) amortised. */
void store_run_ahead(struct store *s);

/* At a barrier: makes durable what there is, and puts what it is restored from into the snapshot.
 */
void store_snapshot(struct store *s, struct snapshot *to);

/* Fills an empty store. Damage ends the process (EX_IOERR), a snapshot of the other engine, too
 * (EX_CONFIG). In memory each entry is read; on disk only the spaces are. */
void store_restore(struct store *s, const struct snapshot *from);

/*
 * For the engines. What these do is neither noted nor written down.
 */

/* The kind of a letter; NULL: there is none. */
const struct store_kind *store_kind_of(const struct store *s, char letter);

/* Adds a space that is not there; takes one away, with what is in memory of it. */
struct store_space *store_add_space(struct store *s, const struct store_kind *kind, int64_t at);
void store_remove_space(struct store *s, struct store_space *space);

/* The entry of key in memory, made where there is none there; store->count and that of the space
 * are left as they are. Lets go of an entry; true if it was written down. */
struct table_entry *store_place(struct store *s, struct store_space *space, const void *key,
	size_t len, uint32_t hash, bool *added);
bool store_remove(struct store *s, struct store_space *space, struct table_entry *e);

/* Lets go of what a value points to, which is not to be read any more. */
static inline void store_clear(const struct store_space *space, struct table_entry *e)
{
	if (space->kind->clear)
		space->kind->clear(space->kind->context, e);
}

/* Reads a value into zeros: NULL or a static reason. */
static inline const char *store_unpack(
	const struct store_space *space, struct table_entry *e, const char *at, size_t len)
{
	return space->kind->unpack ? space->kind->unpack(space->kind->context, e, at, at + len)
				   : NULL;
}

static inline void store_pack(
	const struct store_space *space, const struct table_entry *e, struct buf *to)
{
	if (space->kind->pack)
		space->kind->pack(space->kind->context, e, to);
}

#endif
