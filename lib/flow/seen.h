/*
 * Which keys have been seen, as 128-bit fingerprints in an open-addressing table. With a time to
 * live an entry counts until the clock reaches its time plus that; what has run out is taken away
 * when the table would grow, and does not come back when the clock is set back.
 */
#ifndef SEEN_H
#define SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEN_FOREVER INT64_MAX

struct fingerprint {
	uint64_t low;
	uint64_t high;
};

struct seen {
	struct fingerprint *keys; /* both words 0: free */
	int64_t *times_ns;        /* NULL without a time to live */
	size_t mask;
	size_t count;
	int64_t ttl_ns;
	int64_t clock_ns;
	size_t max_bytes;
	uint64_t builds; /* how often the table was laid out anew */
};

/* ttl_ns may be SEEN_FOREVER. The table, also while it grows, takes at most max_bytes. */
void seen_init(struct seen *s, int64_t ttl_ns, size_t max_bytes);
void seen_release(struct seen *s);

/* Time stands at clock_ns. */
void seen_set_clock(struct seen *s, int64_t clock_ns);

enum seen_answer { SEEN_NEW, SEEN_BEFORE, SEEN_FULL };

/* Asks for key and, if it is new, enters it with its time (any without a time to live).
 * SEEN_FULL: it is new, but there is no room for it. Amortised O(1). */
enum seen_answer seen_add(struct seen *s, struct fingerprint key, int64_t time_ns);

/* Lays an empty table out with so many places, a power of 2 or 0, as far as max_bytes allows. */
void seen_reserve(struct seen *s, size_t places);

/* Whether the key is in the table, be it run out or not. O(1) on average. */
bool seen_knows(const struct seen *s, struct fingerprint key);

/* Enters a key with its time, whatever there was of it. False if there is no room. */
bool seen_put(struct seen *s, struct fingerprint key, int64_t time_ns);

/* Takes away what has run out, as when the table would grow. O(n). */
void seen_sweep(struct seen *s);

/* Which keys seen_next gives. */
enum seen_which { SEEN_ALIVE, SEEN_THERE /* also what has run out and was not taken away */ };

/*
 * The next key, in no order; *at is 0 at first, and means something until the table is laid out
 * anew. At most *steps places are looked at, and taken off: false if there was none, and with *at
 * behind the last place (seen_places) if there is none any more.
 */
bool seen_next(const struct seen *s, enum seen_which which, size_t *at, size_t *steps,
	struct fingerprint *key, int64_t *time_ns);

static inline size_t seen_places(const struct seen *s)
{
	return s->keys ? s->mask + 1 : 0;
}

#endif
