#include "state/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/die.h"
#include "base/hash.h"
#include "io/durable.h"
#include "io/out.h"

static const char seal[] = "xxh3:";

enum { SEAL_BYTES = sizeof(seal) - 1 + 16 + 1, READ_BYTES = 64 << 10 };

static void seal_text(char text[SEAL_BYTES + 1], const char *line, size_t len)
{
	snprintf(text, SEAL_BYTES + 1, "%s%016llx\n", seal,
		(unsigned long long)hash_bytes(line, len));
}

static void document_text(struct buf *to, const json_t *document)
{
	char *text = json_dumps(document, JSON_COMPACT);
	char sealed[SEAL_BYTES + 1];

	if (!text)
		die(EX_TEMPFAIL, "out of memory for a document");
	seal_text(sealed, text, strlen(text));
	buf_text(to, text);
	buf_char(to, '\n');
	buf_text(to, sealed);
	free(text);
}

static void write_synced(const char *path, const json_t *document)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct out out;
	struct buf text;

	if (fd < 0)
		die_errno(EX_CANTCREAT, "cannot create '%s'", path);
	buf_init(&text);
	document_text(&text, document);
	out_init(&out, fd, path);
	out_add(&out, text.data, text.len);
	out_flush(&out);
	durable_sync(fd, path);
	out_close(&out);
	out_release(&out);
	buf_release(&text);
}

void document_replace(const char *path, const json_t *document)
{
	struct buf aside;

	buf_init(&aside);
	buf_format(&aside, "%s.new", path);
	write_synced(buf_string(&aside), document);
	durable_rename(buf_string(&aside), path);
	buf_release(&aside);
}

bool document_try_replace(const char *path, const char *aside, const json_t *document)
{
	int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct buf text;
	bool is_written;

	if (fd < 0)
		return false;
	buf_init(&text);
	document_text(&text, document);
	is_written = durable_write(fd, text.data, text.len) && fsync(fd) == 0;
	close(fd);
	buf_release(&text);
	if (is_written && rename(aside, path) == 0)
		return true;
	unlink(aside);
	return false;
}

void document_create(const char *path, const json_t *document)
{
	write_synced(path, document);
	durable_sync_parent(path);
}

static bool read_whole(int fd, struct buf *to)
{
	ssize_t n;

	do {
		n = read(fd, buf_reserve(to, READ_BYTES), READ_BYTES);
		if (n > 0)
			to->len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n == 0;
}

static json_t *parse(const struct buf *text, const char **why)
{
	const char *newline = text->len ? memchr(text->data, '\n', text->len) : NULL;
	size_t len = newline ? (size_t)(newline - text->data) : 0;
	char sealed[SEAL_BYTES + 1];
	json_t *document;

	*why = "its checksum does not match";
	if (!newline || text->len != len + 1 + SEAL_BYTES)
		return NULL;
	seal_text(sealed, text->data, len);
	if (memcmp(newline + 1, sealed, SEAL_BYTES) != 0)
		return NULL;
	document = json_loadb(text->data, len, JSON_REJECT_DUPLICATES, NULL);
	*why = document ? NULL : "it is no JSON";
	return document;
}

json_t *document_read(const char *path, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	json_t *document = NULL;
	struct buf text;

	*why = NULL;
	if (fd < 0) {
		if (errno != ENOENT)
			*why = "it cannot be opened";
		return NULL;
	}
	buf_init(&text);
	if (read_whole(fd, &text)) {
		errno = 0;
		document = parse(&text, why);
	} else {
		*why = "it cannot be read";
	}
	buf_release(&text);
	close(fd);
	return document;
}

json_t *document_get(const char *path, const char *what_to_do)
{
	const char *why;
	json_t *document = document_read(path, &why);

	if (why && errno)
		die_errno(EX_IOERR, "'%s': %s", path, why);
	if (why)
		die(EX_IOERR, "'%s' is damaged: %s; %s", path, why, what_to_do);
	return document;
}
