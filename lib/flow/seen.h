/*
 * Which keys have been seen, as 128-bit fingerprints, each with the time it was seen at, where
 * there is a time to live, and a value of the owner's.
 *
 * With a time to live an entry counts until the clock reaches its time plus that: then it is gone
 * for good, also where the clock is set back. What has run out is taken out of memory bit by bit,
 * as the clock moves and as keys come, within an eighth of the time to live or so.
 *
 * The fingerprints must be spread evenly over all their values, as a keyed hash makes them: the
 * table is one array with gaps in it and keys in their order (an ordered hash table; Amble and
 * Knuth 1974). A key stands at the place that is its share of the array, or behind it with no gap
 * between; those behind a new one move by a place, up to the next gap. So a few looks tell that a
 * key is new, and an array that grows is read and written from one end to the other. While it is
 * small it doubles, later it grows by a third, in place, while keys come: from the end on they move
 * to where they belong in the larger array, a few hundred with each sixty-fourth new one, or
 * twenty-first where slots are larger (flow/seenlayout). So memory goes up in small steps, no key
 * waits for all the others, and a table that grows is not much slower than one that does not. A key
 * costs 1.33 to 1.8 slots of 16 bytes, or 1.2 to 1.6 where they are larger, by 8 for the time, and
 * the value; in an array below 16 MiB up to 2.7. The first page is 4 KiB.
 */
#ifndef SEEN_H
#define SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/wide.h"

#define SEEN_FOREVER INT64_MAX

struct fingerprint {
	uint64_t low;
	uint64_t high;
};

/* A place of the table. The time follows where there is a time to live, then the value. */
struct seen_slot {
	struct fingerprint key; /* high 0: free */
};

enum seen_motion { SEEN_STILL, SEEN_GROWING, SEEN_SHRINKING };

struct seen {
	char *slots;
	size_t last; /* the last place, always free, as is a group less one behind it */
	/* so many groups of places the keys are spread over, those below the border and the
	 * others; behind them is room for the last */
	size_t low_groups;
	size_t high_groups;
	uint64_t border;
	enum seen_motion motion;
	size_t slot_bytes;
	size_t value_bytes;
	size_t count; /* those that ran out and are still there included */
	size_t limit; /* of count */
	size_t bytes; /* that it takes */
	size_t max_bytes;
	int64_t ttl_ns;
	int64_t clock_ns;
	/* what has run out is looked for from the first key to the last */
	uint64_t swept;        /* the keys below, this time around */
	int64_t sweep_from_ns; /* the clock when it began */
	int64_t sweep_due_ns;  /* when the next piece is */
	unsigned until_sweep;  /* keys to come before the next look */
	size_t until_move;     /* keys to be entered before the next move */
	struct buf aside;      /* keys on their way */
};

/* ttl_ns may be SEEN_FOREVER. A value is value_bytes long, a multiple of 8. The table takes at most
 * max_bytes, also while it grows. */
void seen_init(struct seen *s, int64_t ttl_ns, size_t value_bytes, size_t max_bytes);
void seen_release(struct seen *s);

/* Time stands at clock_ns. Setting it back takes away all that had run out: O(n). */
void seen_set_clock(struct seen *s, int64_t clock_ns);

enum seen_answer { SEEN_NEW, SEEN_BEFORE, SEEN_FULL };

/*
 * Asks for key and, if it is new, enters it with its time (any without a time to live) and a value
 * of zeros. Where it stands is in *slot, valid until the next call that changes the table; NULL for
 * a new one that has run out already, and was not entered. SEEN_FULL: it is new, but there is no
 * room for it. Amortised O(1).
 */
enum seen_answer seen_enter(
	struct seen *s, struct fingerprint key, int64_t time_ns, struct seen_slot **slot);

/* The same where there is nothing to do with the slot. */
enum seen_answer seen_add(struct seen *s, struct fingerprint key, int64_t time_ns);

/* Lays an empty table out for so many keys, as far as max_bytes allows. */
void seen_reserve(struct seen *s, size_t keys);

/* Takes away what has run out at that clock, whatever the present one is. O(n). */
void seen_sweep(struct seen *s, int64_t clock_ns);

/* Gives the keys that count, some SEEN_WALK_KEYS at a time: from *from on, 0 at first;
 * then that is where the next begin. False if those were the last. Keys that are entered between
 * calls may come or not; none that stays does not come. */
enum { SEEN_WALK_KEYS = 4096 };
typedef void seen_visitor(void *context, const struct seen_slot *slot);
bool seen_walk(const struct seen *s, uint64_t *from, seen_visitor *visit, void *context);

/* So many places are one home: without times, a line of the processor's cache. */
enum { SEEN_GROUP = 4 };

/* The place where a key would stand if there were no others. */
static inline size_t seen_home(const struct seen *s, uint64_t high)
{
	size_t groups = high < s->border ? s->low_groups : s->high_groups;

	return (size_t)((uint128)high * groups >> 64) * SEEN_GROUP;
}

/* Fetches what seen_enter will look at; a hint. (gcc 12 takes a function that only fetches for one
 * without effect, and drops the call, unless it is inlined before it looks.) */
__attribute__((always_inline)) static inline void seen_prefetch(
	const struct seen *s, struct fingerprint key)
{
	const char *home = s->slots + seen_home(s, key.high) * s->slot_bytes;

	__builtin_prefetch(home, 1);
	__builtin_prefetch(home + 64, 1);
}

/* Where there is a time to live. */
static inline int64_t *seen_time(const struct seen_slot *slot)
{
	return (int64_t *)(uintptr_t)(slot + 1);
}

static inline void *seen_value(const struct seen *s, const struct seen_slot *slot)
{
	return (char *)(uintptr_t)(slot + 1) + (s->ttl_ns != SEEN_FOREVER ? sizeof(int64_t) : 0);
}

#endif
