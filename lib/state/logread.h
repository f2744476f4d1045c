/* Reads one file of a changelog. */
#ifndef LOGREAD_H
#define LOGREAD_H

#include <stdint.h>

#include "state/changelog.h"

/* The format's version stands in it; the file's name and a newline follow. */
#define LOGREAD_HEADER "ddpipe changelog 1 "

enum { LOGREAD_BLOCK_HEAD = 16 };

/* Of a block of entries that begins at that offset in its file. */
uint64_t logread_hash(const char *entries, size_t len, uint64_t offset);

/*
 * Gives the entries in the first length bytes of fd to the handler, unless that is NULL. Returns
 * NULL, or a static reason with the offset. The path is that of fd, which is at its start.
 */
const char *logread_file(int fd, const char *path, uint64_t length, changelog_handler *handler,
	void *context, uint64_t *offset);

#endif
