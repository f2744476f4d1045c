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

#endif
