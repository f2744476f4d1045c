/*
 * An ordered map from bytes to bytes on disk, for state larger than memory: RocksDB, in a module of
 * its own (state/diskmodule) that is loaded when it is asked for, so that nothing else needs it.
 *
 * It works in a directory of its own that dies with the run. What outlives the run is files that
 * never change, linked from there into the stage's directory as bulk files of a snapshot, so that
 * an epoch costs what came since the last; and what is swept, copied and checked is what it is for
 * all bulk files:
 *
 *   sst.RUN.NUMBER    RocksDB's table NUMBER, which that run made; later snapshots of the run, and
 *                     of those that go on from them, name it again for as long as it is in use
 *   map.RUN.NUMBER    the manifest of the run's snapshot NUMBER: which tables make up the map
 *
 * Two runs that go on from one snapshot give other tables the same number, hence the run.
 *
 * Failures and damage end the process (EX_IOERR), naming the file where the module does.
 */
#ifndef DISK_H
#define DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "state/snapshot.h"

struct disk;

/*
 * Opens an empty map that takes at most so much memory. stage_dir (borrowed) is the stage's
 * directory, under a checkpoint, with the run; without one NULL, and it works in $TMPDIR (or /tmp):
 * state/workdir says how long what it wrote there stays. Dies with EX_CONFIG if the module is not
 * there, saying what to install.
 */
struct disk *disk_open(const char *stage_dir, uint64_t run, uint64_t memory_bytes);
void disk_close(struct disk *d);

/* The bytes are valid until the next call for the map, but those for cursors. False: there is no
 * such key. */
bool disk_get(
	struct disk *d, const void *key, size_t key_len, const char **value, size_t *value_len);
void disk_put(struct disk *d, const void *key, size_t key_len, const void *value, size_t value_len);
void disk_delete(struct disk *d, const void *key, size_t key_len);

/* All keys at or behind from and before to. O(those that lie in a file with others). */
void disk_delete_range(
	struct disk *d, const void *from, size_t from_len, const void *to, size_t to_len);

/*
 * What is in the map now, in the order of memcmp, from a key on and before `to` (NULL: to the end).
 * What is changed meanwhile does not change what it gives. The bytes are valid until the next call
 * for the cursor; close it before the map.
 *
 * What was deleted is stepped over, and stays in the way for a while: who takes keys from the front
 * of a range begins behind the last one taken.
 */
struct disk_cursor;
struct disk_cursor *disk_seek(
	struct disk *d, const void *from, size_t from_len, const void *to, size_t to_len);
bool disk_next(struct disk_cursor *c, const char **key, size_t *key_len, const char **value,
	size_t *value_len);
void disk_cursor_close(struct disk_cursor *c);

/* Adds to to->files what the map is restored from, durable, each with its XXH3-64 as "xxh3"; and to
 * to->state under "disk" what else it needs. */
void disk_snapshot(struct disk *d, struct snapshot *to);

/* Fills a map that is empty and has not been written to. */
void disk_restore(struct disk *d, const struct snapshot *from);

#endif
