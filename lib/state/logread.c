#include "state/logread.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/compact.h"
#include "base/hash.h"

enum { PIECE_BYTES = 1 << 20 };

struct reader {
	int fd;
	uint64_t left;   /* to be read of the file */
	uint64_t offset; /* in the file, of what is next */
	struct buf piece;
	size_t at; /* what is next, in the piece */
	changelog_handler *handler;
	void *context;
};

uint64_t logread_hash(const char *entries, size_t len, uint64_t offset)
{
	return XXH3_64bits_withSeed(entries, len, offset);
}

/* Sees that so much stands in the piece from at on. */
static const char *need(struct reader *r, uint64_t len)
{
	size_t had = r->piece.len - r->at;

	if (had >= len)
		return NULL;
	if (len - had > r->left)
		return "it ends within a block";
	if (had)
		memmove(r->piece.data, r->piece.data + r->at, had);
	r->piece.len = had;
	r->at = 0;
	while (r->piece.len < len) {
		size_t want = len - r->piece.len > PIECE_BYTES ? len - r->piece.len : PIECE_BYTES;
		ssize_t n;

		want = want < r->left ? want : (size_t)r->left;
		n = read(r->fd, buf_reserve(&r->piece, want), want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? "it cannot be read" : "it is shorter than it was";
		r->piece.len += (size_t)n;
		r->left -= (uint64_t)n;
	}
	return NULL;
}

static const char *take(struct reader *r, uint64_t len)
{
	const char *taken = r->piece.data + r->at;

	r->at += len;
	r->offset += len;
	return taken;
}

static const char *read_header(struct reader *r, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct buf want;
	const char *why;

	buf_init(&want);
	buf_format(&want, LOGREAD_HEADER "%s\n", slash ? slash + 1 : path);
	why = need(r, want.len);
	if (!why && memcmp(take(r, want.len), want.data, want.len) != 0) {
		r->offset = 0;
		why = "it does not begin as a log of this version and name";
	}
	buf_release(&want);
	return why;
}

/* Takes one off, and gives it to the handler. */
static const char *read_entry(const struct reader *r, const char **at, const char *end)
{
	const char *key, *value = NULL;
	uint64_t head, value_len = 0;

	if (!compact_take(at, end, &head) || (head & 1 && !compact_take(at, end, &value_len)) ||
		head / 2 > (uint64_t)(end - *at) || value_len > (uint64_t)(end - *at) - head / 2)
		return "an entry is longer than its block";
	key = *at;
	*at += head / 2;
	if (head & 1)
		value = *at;
	*at += value_len;
	return r->handler ? r->handler(r->context, key, head / 2, value, value_len) : NULL;
}

static const char *read_block(struct reader *r)
{
	const char *why = need(r, LOGREAD_BLOCK_HEAD), *head, *entries, *at;
	uint64_t len, hash;

	if (why)
		return why;
	head = r->piece.data + r->at;
	len = compact_read_word(head);
	hash = compact_read_word(head + COMPACT_WORD);
	if (len == 0 || len > r->left + (r->piece.len - r->at) - LOGREAD_BLOCK_HEAD)
		return len ? "it ends within a block" : "a block is empty";
	why = need(r, LOGREAD_BLOCK_HEAD + len);
	if (why)
		return why;
	entries = r->piece.data + r->at + LOGREAD_BLOCK_HEAD;
	if (logread_hash(entries, len, r->offset) != hash)
		return "the checksum of a block is wrong";
	for (at = entries; at < entries + len && !why;)
		why = read_entry(r, &at, entries + len);
	if (!why)
		take(r, LOGREAD_BLOCK_HEAD + len);
	return why;
}

const char *logread_file(int fd, const char *path, uint64_t length, changelog_handler *handler,
	void *context, uint64_t *offset)
{
	struct reader r = {.fd = fd, .left = length, .handler = handler, .context = context};
	const char *why;

	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	buf_init(&r.piece);
	why = read_header(&r, path);
	while (!why && r.offset < length)
		why = read_block(&r);
	buf_release(&r.piece);
	*offset = r.offset;
	return why;
}
