#include "state/filehash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/hash.h"
#include "base/mem.h"

enum { PIECE_BYTES = 1 << 20 };

static XXH3_state_t *begin(void)
{
	XXH3_state_t *state = XXH3_createState();

	if (!state)
		die(EX_TEMPFAIL, "out of memory");
	XXH3_64bits_reset(state);
	return state;
}

bool file_hash(int fd, uint64_t bytes, uint64_t *hash)
{
	XXH3_state_t *state = begin();
	char *piece = mem_alloc(PIECE_BYTES);
	uint64_t at = 0;
	ssize_t n = 1;

	while (at < bytes && n > 0) {
		uint64_t left = bytes - at;

		n = pread(fd, piece, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, (off_t)at);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0) {
			XXH3_64bits_update(state, piece, (size_t)n);
			at += (uint64_t)n;
		}
	}
	*hash = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	free(piece);
	if (n == 0)
		errno = 0;
	return at == bytes;
}

const char *file_hash_check(const char *path, uint64_t bytes, uint64_t hash)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *why = NULL;
	struct stat st;
	uint64_t is;

	if (fd < 0)
		return errno == ENOENT ? "it is gone" : "it cannot be opened";
	if (fstat(fd, &st) == 0 && (uint64_t)st.st_size > bytes)
		why = "it is longer than that";
	else if (!file_hash(fd, bytes, &is))
		why = errno ? "it cannot be read" : "it is shorter than that";
	else if (is != hash)
		why = "it is not what was written, as its hash is another";
	close(fd);
	return why;
}
