/*
 * The bulk part of a stage's snapshots: a log of what was put under keys and of what was deleted,
 * of which a snapshot is a list of files, each up to a length, replayed from the first to the last.
 *
 * A run writes files of its own only, which it only appends to; what it restored from stays as it
 * is. Which files can be deleted is not decided here.
 *
 * The format, version 1. A file KIND.RUN.NUMBER (RUN 16 hexadecimal digits, NUMBER at least 6
 * decimal ones, from 1) is the line "ddpipe changelog 1 NAME\n", NAME being its own name, and
 * blocks. A block is the length of its entries, their XXH3-64 with the block's offset in the file
 * as the seed (both 8 bytes, the lowest first), and its entries, at least one. An entry is
 *
 *     2 * (length of the key) + 1, the length of the value, the key, the value      put
 *     2 * (length of the key), the key                                              deleted
 *
 * with lengths in the form of base/compact. A length in a snapshot is the end of a block. So 26
 * bytes are an entry with a key of 16 and a value of 8, 18 one without value, 17 one deleted; and
 * 16 a block, which has 64 KiB of entries, but for the last before a barrier or a new file.
 */
#ifndef CHANGELOG_H
#define CHANGELOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/out.h"

struct changelog_file {
	char *path;
	uint64_t bytes;  /* of it that belong to the log, but for what is pending */
	uint64_t synced; /* of these */
	struct out out;  /* while is_open */
	bool is_open;
};

struct changelog {
	const char *dir;
	const char *kind;
	uint64_t run;
	struct changelog_file *files; /* the chain */
	size_t count;
	size_t cap;
	uint64_t dropped;   /* files that were in front of the chain; positions count them */
	uint64_t number;    /* of files that this run has made */
	bool is_begun;      /* the last file is written to; else the next block begins one */
	bool is_named;      /* the directory has been synced since the last file was made */
	struct buf pending; /* whole blocks of the last file, then the one being filled */
	size_t block;       /* where that begins in pending */
};

/* The log of a kind in a stage's directory, empty. No file is made before there is an entry.
 * Borrows both strings; the kind has no '.' or '/' in it. */
void changelog_init(struct changelog *l, const char *dir, const char *kind, uint64_t run);

/* What was not synced may be lost, as in a crash. */
void changelog_release(struct changelog *l);

/* Are written in blocks, as these fill. A value of no length is a value. Failures to write end the
 * process (EX_IOERR). Amortised O(len). */
void changelog_put(
	struct changelog *l, const void *key, size_t key_len, const void *value, size_t value_len);
void changelog_delete(struct changelog *l, const void *key, size_t key_len);

/* Makes all that was put or deleted so far durable, also in files before the last. Does nothing
 * where there is nothing new. */
void changelog_sync(struct changelog *l);

/* What follows goes to a new file. Returns that file's position in the chain, for
 * changelog_drop_before. Syncs nothing. */
uint64_t changelog_roll(struct changelog *l);

/* The files before that position are in no snapshot from now on. The position is at most that of
 * the next file. */
void changelog_drop_before(struct changelog *l, uint64_t position);

/* The length of the chain, with what is pending. O(files). */
uint64_t changelog_bytes(const struct changelog *l);

/* Gives [{"name":"state.0123456789abcdef.000001","bytes":12345}, …], after changelog_sync. */
json_t *changelog_files(const struct changelog *l);

/* An entry; the value is NULL where it was deleted. Both are borrowed until it returns, which is
 * NULL or the static reason why there is no such entry. */
typedef const char *changelog_handler(
	void *context, const char *key, size_t key_len, const char *value, size_t value_len);

/*
 * Makes a log, empty so far, the one that changelog_files gave, with files of its own from there
 * on, and gives its entries in the order they were made in. Of the list it takes the files of its
 * own kind. Syncs them and the directory. Damage ends the process (EX_IOERR) with file, offset, and
 * what to do. Reads at the speed of the disk, and in memory of the largest block.
 */
void changelog_restore(
	struct changelog *l, const json_t *files, changelog_handler *handler, void *context);

/* Whether so much of a file is as it should be: NULL, or a static reason with the offset. */
const char *changelog_check(const char *path, uint64_t length, uint64_t *offset);

#endif
