/*
 * Which file this is, whatever its name: device, inode and the beginning of what is in it, as an
 * inode is used again when a file is gone, and a file can be written anew in place. Where a reader
 * has got to in it is known again by the bytes before that place.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

enum { IDENTITY_HEAD_BYTES = 1024, IDENTITY_TAIL_BYTES = 256 };

struct identity {
	uint64_t dev;
	uint64_t ino;
	uint64_t head_bytes; /* how much of its beginning is known; grown until the maximum */
	uint64_t head_hash;
};

/* The bytes before a place in a file. */
struct tail {
	uint64_t bytes;
	uint64_t hash;
};

/* What is known of an open file now. Dies if it can't be read. name is for messages. */
void identity_take(struct identity *is, int fd, const char *name);

/* The same file by device and inode. */
bool identity_is_at(const struct identity *is, const struct stat *st);

/* Whether the open file begins as that one did. */
bool identity_begins_so(const struct identity *is, int fd, const char *name);

/* The bytes before an offset. False if the file has not so many. */
bool tail_take(struct tail *tail, int fd, uint64_t offset, const char *name);
bool tail_holds(const struct tail *tail, int fd, uint64_t offset, const char *name);

#endif
