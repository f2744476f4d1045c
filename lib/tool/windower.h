/*
 * What all kinds of windows share while records come in and time goes on: the event time reached,
 * how long corrections are taken, where results go, what is open (state/store), how much of it may
 * be held in memory. A kind is its handlers.
 */
#ifndef WINDOWER_H
#define WINDOWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "flow/window.h"
#include "record/aggregate.h"
#include "state/store.h"
#include "state/storescan.h"
#include "tool/results.h"

/* What became of a record. */
enum windower_answer {
	WINDOWER_TAKEN,
	WINDOWER_LATE,   /* too late for all its windows */
	WINDOWER_NONE,   /* it falls between windows */
	WINDOWER_BEYOND, /* a window of it does not lie in 64 bits */
};

enum { WINDOWER_OWN = 2 };

struct windower;

struct window_kind {
	/* Makes w->own, and says with windower_holds what w->store is to hold, and with
	 * windower_counts what else there is. */
	void (*init)(struct windower *w);
	/* w->store is open, with what was restored in it. */
	void (*opened)(struct windower *w);
	/* Lets go of w->own; the store is no more. */
	void (*release)(struct windower *w);
	/* Asks for the memory that take needs for w->key_hash, some time before; NULL: does not. */
	void (*expect)(const struct windower *w);
	/* Takes the record that w->aggregates has read; key borrows until the return. */
	enum windower_answer (*take)(struct windower *w, const struct buf *key, int64_t time_ns);
	/* Event time has come to w->watermark_ns; INT64_MAX: the input is complete. */
	void (*advance)(struct windower *w);
	/* Says what has changed in windows that are not complete. */
	void (*say_early)(struct windower *w);
	/* No result that is still to come begins (of sessions: ends) before this. */
	int64_t (*earliest)(const struct windower *w);
	/* How many windows are open, and keys in them. */
	uint64_t (*count)(const struct windower *w);
	uint64_t (*keys)(const struct windower *w);
	/* All entries have left memory for the disk; NULL: nothing is to be done. */
	void (*spilled)(struct windower *w);
	/* Under a checkpoint, what is not in the store; NULL: nothing. restore is before opened. */
	void (*snapshot)(const struct windower *w, json_t *state);
	void (*restore)(struct windower *w, const json_t *state);
};

/* What the command line says of the windows of each kind. */
struct window_shape {
	struct windowing windowing; /* aligned */
	bool fills;                 /* empty windows of keys that were seen give results, too */
	int64_t fill_for_ns;        /* after a key's last record */
	int64_t gap_ns;             /* session */
	uint64_t count;             /* count: records in a window, */
	uint64_t slide;             /* and from one to the next */
	bool gives_partial;
};

struct windower {
	const struct window_kind *kind;
	struct aggregates *aggregates;
	struct results *results;
	int64_t watermark_ns; /* INT64_MIN before the first */
	uint32_t key_hash;    /* of the record in hand, where the kind expects it */
	int64_t lateness_ns;
	int64_t complete_ns;  /* of a late record: when its last window was complete */
	int64_t issued_bytes; /* of rows that may have to be taken back, in memory */
	uint64_t memory_bytes;
	uint64_t max_keys; /* in windows; 0: no limit */

	int64_t over_ns; /* windows that end up to here were let go of: with another lateness */
	struct window_shape shape;
	bool is_on_disk; /* what is open may be there */
	bool is_open;    /* the store is */
	struct store_kind kinds[STORE_KINDS_MAX];
	size_t kind_count;
	const size_t *own_bytes[WINDOWER_OWN]; /* in memory, that are not the store's */
	size_t own_count;
	struct disk *disk;  /* NULL: none */
	size_t floor_bytes; /* what stayed in memory when entries went to disk last */
	struct store store; /* what is open */
	void *own;          /* of the kind: what else it knows of it */
};

/* Whether a window that ends there takes no record any more. */
static inline bool windower_is_over(const struct windower *w, int64_t end_ns)
{
	return end_ns <= w->over_ns ||
	       (w->watermark_ns != INT64_MIN &&
		       w->watermark_ns >= time_plus(end_ns, w->lateness_ns));
}

/* Before take: the key of a record. Its bytes are only now on their way from the processor to the
 * cache, and reading them at once is slow; what is asked for has to be worth that. */
static inline void windower_expect(struct windower *w, const struct buf *key)
{
	if (!w->kind->expect)
		return;
	w->key_hash = table_hash(key->data, key->len);
	w->kind->expect(w);
}

/* In take: the entry of the record's key, or a new one. */
static inline struct table_entry *windower_enter(
	struct windower *w, struct store_space *space, const struct buf *key)
{
	uint32_t hash = w->kind->expect ? w->key_hash : table_hash(key->data, key->len);
	bool added;

	return store_enter_hashed(&w->store, space, key->data, key->len, hash, &added);
}

/* Before the store is open: it holds such entries. */
void windower_holds(struct windower *w, struct store_kind kind);

/* The kind counts bytes of its own there: all that it holds in memory beside the store. */
void windower_counts(struct windower *w, const size_t *bytes);

/* Opens the store: under a checkpoint in that stage's directory, else NULL; with what the snapshot
 * has, NULL: nothing. Dies as disk_open does. */
void windower_open(
	struct windower *w, const char *stage_dir, uint64_t run, const struct snapshot *from);
void windower_release(struct windower *w);

/* Puts all that is open, and what bounds it, into a snapshot; and goes on from there. */
void windower_snapshot(struct windower *w, struct snapshot *to);

/* The state of a key in a window, with what was said of it, appended; and back, into zeros: NULL
 * or a static reason. */
void windower_pack(const struct windower *w, const void *state, struct buf *to);
const char *windower_unpack(struct windower *w, void *state, const char *at, const char *end);

/* Whether states may point to something. */
static inline bool windower_has_heap(const struct windower *w)
{
	return w->aggregates->has_heap || w->results->emit != RESULTS_FINAL;
}

/* Lets go of what a state points to. */
void windower_clear(struct windower *w, void *state);

/* What is held in memory: the store's and the kind's own, and all. */
static inline size_t windower_open_bytes(const struct windower *w)
{
	size_t bytes = w->store.bytes;

	for (size_t i = 0; i < w->own_count; i++)
		bytes += *w->own_bytes[i];
	return bytes;
}

static inline size_t windower_bytes(const struct windower *w)
{
	return windower_open_bytes(w) + w->aggregates->heap_bytes + (size_t)w->issued_bytes;
}

/* Whether that is no more than may be. */
bool windower_has_room(const struct windower *w);

/* Lets entries that are in memory go to disk, where that is and they are many: pointers to them
 * are gone then. True if it did. */
bool windower_make_room(struct windower *w);

/* As store_scan_next, behind windower_make_room. */
struct table_entry *windower_scan_next(struct windower *w, struct store_scan *c);

void windower_check_memory_any(struct windower *w);

/* Makes room, and dies with EX_TEMPFAIL when more is held than may be: says what takes most. */
static inline void windower_check_memory(struct windower *w)
{
	if (w->disk || w->max_keys || windower_bytes(w) > w->memory_bytes)
		windower_check_memory_any(w);
}

#endif
