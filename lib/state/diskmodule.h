/*
 * What state/disk asks of the module that keeps the map: a shared object beside the sinks that
 * exports `disk_module`. It is all the two know of each other; no more of ddpipe is in the module.
 *
 * Functions return NULL, or why they failed, which is valid until the next call. After a failure
 * only close and abandon are called.
 */
#ifndef DISKMODULE_H
#define DISKMODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DISK_MODULE_VERSION = 1 };

/* Bytes that the caller or the module lends. */
struct disk_bytes {
	const char *data;
	size_t len;
};

struct disk_map;    /* the module's */
struct disk_cursor; /* the module's */

struct disk_module {
	int version;
	/* In a directory that is there and is empty, or where is_restored has what checkpoint made.
	 * On failure there is no map. */
	const char *(*open)(
		const char *dir, bool is_restored, uint64_t memory_bytes, struct disk_map **map);
	void (*close)(struct disk_map *m);
	/* The process ends: stops what goes on in the background, whatever is open, and frees
	 * nothing. */
	void (*abandon)(struct disk_map *m);

	/* value->data is NULL where there is no such key; else valid until the next call. */
	const char *(*get)(struct disk_map *m, struct disk_bytes key, struct disk_bytes *value);
	const char *(*put)(struct disk_map *m, struct disk_bytes key, struct disk_bytes value);
	const char *(*delete)(struct disk_map *m, struct disk_bytes key);
	const char *(*delete_range)(
		struct disk_map *m, struct disk_bytes from, struct disk_bytes to);

	/* to.data NULL: no end. key->data is NULL behind the last. */
	const char *(*seek)(struct disk_map *m, struct disk_bytes from, struct disk_bytes to,
		struct disk_cursor **cursor);
	const char *(*next)(
		struct disk_cursor *c, struct disk_bytes *key, struct disk_bytes *value);
	void (*cursor_close)(struct disk_cursor *c);

	/* Makes a directory, not there yet, with all that is in the map now: tables NUMBER.sst,
	 * linked where the file system can, which never change, and of which one has the same
	 * number always; one MANIFEST-NUMBER; others without which open can do. */
	const char *(*checkpoint)(struct disk_map *m, const char *dir);
};

/* Finds and loads it, once. Dies with EX_CONFIG if it is not there. */
const struct disk_module *disk_module_load(void);

#endif
