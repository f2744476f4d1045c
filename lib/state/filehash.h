/* The XXH3-64 of files that never change. */
#ifndef FILEHASH_H
#define FILEHASH_H

#include <stdbool.h>
#include <stdint.h>

/* Of the first so many bytes. False, with errno, if they can't be read; errno is 0 where the file
 * is shorter. */
bool file_hash(int fd, uint64_t bytes, uint64_t *hash);

/* Whether a file is so many bytes of that hash: NULL, or a static reason. */
const char *file_hash_check(const char *path, uint64_t bytes, uint64_t hash);

#endif
