/*
 * The partitions of a stream, each with a clock of its own: which of those that are not idle is the
 * furthest behind, and which has been silent for the longest.
 *
 * A partition holds time from its first believed record on, until it is made idle; a record makes
 * it hold again. At most limit partitions are known; when there is no room, the one that has been
 * idle for the longest is forgotten.
 */
#ifndef PARTITIONS_H
#define PARTITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/index.h"
#include "flow/belief.h"

struct partition {
	struct belief belief;
	int64_t seen_ns;             /* when its last record came, on the caller's clock */
	struct partition_list *list; /* where it is; NULL before its first record */
	struct partition *before, *behind;
	size_t place; /* in the heap; 0: holds no time */
	uint64_t hash;
	size_t key_len;
	char key[];
};

/* In the order of seen_ns. */
struct partition_list {
	struct partition *first, *last;
	size_t count;
};

struct partitions {
	int64_t max_jump_ns;
	size_t limit;
	struct index by_key;
	struct partition **heap; /* those that hold time, by their maximum; from place 1 */
	size_t holding;
	size_t heap_cap;
	struct partition_list talking, idle;
};

/* limit is at least 1. */
void partitions_init(struct partitions *p, int64_t max_jump_ns, size_t limit);
void partitions_release(struct partitions *p);

/* The partition of a key (copied), a new one where there was none; NULL if there is no room. It is
 * valid until it is idle and another one is asked for. O(len). */
struct partition *partitions_find(struct partitions *p, const char *key, size_t len);

/* A record of time_ns came to a partition at clock_ns, which never falls. Returns what the time did
 * as belief_take does. O(log n). */
int partitions_take(struct partitions *p, struct partition *one, int64_t time_ns, int64_t clock_ns);

/* The partition that holds time back, NULL if none does; and the next one behind it. O(1). */
const struct partition *partitions_lowest(const struct partitions *p);
const struct partition *partitions_next(const struct partitions *p);

/* Makes the partition that has been silent for the longest idle, if its last record came at
 * clock_ns or before. Gives it, or NULL. O(log n). */
const struct partition *partitions_silence(struct partitions *p, int64_t clock_ns);

/* Appends all that is known of those that have had a record, the times on the caller's clock as
 * ages. O(n). */
void partitions_pack(const struct partitions *p, int64_t clock_ns, struct buf *to);

/* Takes that into p, which has had no record yet; false if it is no such thing. They may be more
 * than the limit allows: then none comes in until some were forgotten. */
bool partitions_unpack(struct partitions *p, int64_t clock_ns, const char **at, const char *end);

#endif
