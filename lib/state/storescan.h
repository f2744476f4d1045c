/*
 * The entries of a space of a store in order.
 */
#ifndef STORESCAN_H
#define STORESCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "state/disk.h"
#include "state/store.h"

/*
 * All entries of a space in the order of their keys' bytes. An entry is valid until the next; it
 * may be noted, and it (no other of the space) deleted, meanwhile; entries that are entered
 * meanwhile may come or not. In memory it costs a sort; on disk, where the space has spilled,
 * memory for one entry, which is written back if it was noted.
 */
struct store_scan {
	struct store *store;
	struct store_space *space;
	/* while all are in memory */
	struct table_entry **sorted; /* else NULL */
	size_t count;
	size_t at;
	uint64_t deleted; /* store->deleted as they were sorted */
	/* on disk */
	struct disk_cursor *cursor; /* NULL: it is to begin at `from` */
	struct buf from;            /* empty: at the first */
	const char *key;            /* the cursor's, of the entry in hand; NULL: none, or the end */
	size_t key_len;
	struct table_entry *aside; /* where an entry is that is not in memory */
	size_t aside_bytes;
	bool is_over;
};

void store_scan_begin(struct store_scan *c, struct store *s, struct store_space *space);
struct table_entry *store_scan_next(struct store_scan *c);
void store_scan_end(struct store_scan *c);

/* From the first entry again. */
void store_scan_rewind(struct store_scan *c);

/* Between two entries: store_spill; the scan goes on behind the last. */
void store_scan_spill(struct store_scan *c);

#endif
