#include "io/identity.h"

#include <errno.h>
#include <unistd.h>

#include "base/die.h"
#include "base/hash.h"

/* Hashes len bytes at an offset; returns how many there were. */
static uint64_t hash_at(int fd, uint64_t offset, size_t len, uint64_t *hash, const char *name)
{
	char bytes[IDENTITY_HEAD_BYTES];
	size_t have = 0;

	while (have < len) {
		ssize_t n = pread(fd, bytes + have, len - have, (off_t)(offset + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die_errno(EX_IOERR, "cannot read '%s'", name);
		if (n == 0)
			break;
		have += (size_t)n;
	}
	*hash = hash_bytes(bytes, have);
	return have;
}

void identity_take(struct identity *is, int fd, const char *name)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		die_errno(EX_IOERR, "cannot look at '%s'", name);
	is->dev = st.st_dev;
	is->ino = st.st_ino;
	is->head_bytes = hash_at(fd, 0, IDENTITY_HEAD_BYTES, &is->head_hash, name);
}

bool identity_is_at(const struct identity *is, const struct stat *st)
{
	return is->ino == st->st_ino && is->dev == st->st_dev;
}

bool identity_begins_so(const struct identity *is, int fd, const char *name)
{
	uint64_t hash, have = hash_at(fd, 0, is->head_bytes, &hash, name);

	return have == is->head_bytes && hash == is->head_hash;
}

bool tail_take(struct tail *tail, int fd, uint64_t offset, const char *name)
{
	tail->bytes = offset < IDENTITY_TAIL_BYTES ? offset : IDENTITY_TAIL_BYTES;
	return hash_at(fd, offset - tail->bytes, tail->bytes, &tail->hash, name) == tail->bytes;
}

bool tail_holds(const struct tail *tail, int fd, uint64_t offset, const char *name)
{
	uint64_t hash;

	return tail->bytes <= offset &&
	       hash_at(fd, offset - tail->bytes, tail->bytes, &hash, name) == tail->bytes &&
	       hash == tail->hash;
}
