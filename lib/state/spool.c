#include "state/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/durable.h"
#include "state/snapshot.h"

static const char kind[] = "spool";

enum {
	NUMBER_DIGITS = 12,
	CHECK_DIGITS = 16,
	HEAD_BYTES = 1 + 3 * (NUMBER_DIGITS + 1) + CHECK_DIGITS + 1,
	SEGMENT_BYTES = 8 << 20, /* what is sent of the spool is freed in pieces of about so much */
	SEED_TEXT_MAX = 160,
};

/* The chain */

void spool_chain_init(struct spool_chain *c)
{
	*c = (struct spool_chain){.segments = NULL};
}

void spool_chain_release(struct spool_chain *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->segments[i].name);
	free(c->segments);
}

static struct spool_segment *chain_add(struct spool_chain *c, uint64_t run, uint64_t number)
{
	struct buf name;

	if (c->count == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 8;
		c->segments = mem_resize(c->segments, c->cap * sizeof(*c->segments));
	}
	buf_init(&name);
	bulk_name_print(&name, kind, run, number);
	c->segments[c->count] = (struct spool_segment){
		.name = mem_string(buf_string(&name)),
		.run = run,
		.number = number,
		.start = c->end,
	};
	buf_release(&name);
	return &c->segments[c->count++];
}

void spool_chain_grow(struct spool_chain *c, uint64_t run, uint64_t number, uint64_t bytes)
{
	struct spool_segment *last = c->count ? &c->segments[c->count - 1] : NULL;

	if (!last || last->run != run || last->number != number)
		last = chain_add(c, run, number);
	last->bytes = bytes;
	c->end = last->start + bytes;
}

void spool_chain_drop(struct spool_chain *c, uint64_t position)
{
	size_t gone = 0;

	while (gone + 1 < c->count && c->segments[gone].start + c->segments[gone].bytes <= position)
		free(c->segments[gone++].name);
	if (!gone)
		return;
	c->count -= gone;
	memmove(c->segments, c->segments + gone, c->count * sizeof(*c->segments));
}

const struct spool_segment *spool_chain_at(const struct spool_chain *c, uint64_t position)
{
	for (size_t i = 0; i < c->count; i++)
		if (position < c->segments[i].start + c->segments[i].bytes)
			return &c->segments[i];
	return NULL;
}

/* Frames */

uint64_t spool_lines_offset(const struct spool_frame *f)
{
	return f->offset + HEAD_BYTES;
}

static uint64_t frame_check(
	const char *name, const struct spool_frame *f, const char *lines, size_t len)
{
	char text[SEED_TEXT_MAX];
	int text_len =
		snprintf(text, sizeof(text), "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
			name, f->offset, f->len, f->records, f->first);

	return XXH3_64bits_withSeed(lines, len, hash_bytes(text, (size_t)text_len));
}

/* Takes digits and the byte behind them off. */
static bool take_digits(
	const char **at, const char *digits, size_t len, int base, char behind, uint64_t *number)
{
	if (strspn(*at, digits) != len || (*at)[len] != behind)
		return false;
	*number = strtoull(*at, NULL, base);
	*at += len + 1;
	return true;
}

static bool head_parse(const char *text, struct spool_frame *f)
{
	static const char decimal[] = "0123456789", hexadecimal[] = "0123456789abcdef";

	return *text++ == '#' && take_digits(&text, decimal, NUMBER_DIGITS, 10, ' ', &f->len) &&
	       take_digits(&text, decimal, NUMBER_DIGITS, 10, ' ', &f->records) &&
	       take_digits(&text, decimal, NUMBER_DIGITS, 10, ' ', &f->first) &&
	       take_digits(&text, hexadecimal, CHECK_DIGITS, 16, '\n', &f->check) &&
	       f->records > 0 && f->records <= f->len && f->first > 0;
}

/* NULL, or why so much can't be read there. */
static const char *read_at(int fd, char *to, size_t len, uint64_t offset)
{
	while (len) {
		ssize_t n = pread(fd, to, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? "it cannot be read" : "it is shorter than it was";
		to += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return NULL;
}

const char *spool_head_read(int fd, uint64_t offset, uint64_t bytes, struct spool_frame *f)
{
	char text[HEAD_BYTES + 1] = "";
	const char *why;

	*f = (struct spool_frame){.offset = offset};
	if (offset > bytes || bytes - offset < HEAD_BYTES)
		return "it ends within a frame";
	why = read_at(fd, text, HEAD_BYTES, offset);
	if (why)
		return why;
	if (!head_parse(text, f))
		return "no frame begins there";
	if (f->len > bytes - offset - HEAD_BYTES)
		return "it ends within a frame";
	f->next = offset + HEAD_BYTES + f->len;
	return NULL;
}

static uint64_t count_lines(const char *lines, size_t len)
{
	const char *end = lines + len;
	uint64_t count = 0;

	for (; lines < end && (lines = memchr(lines, '\n', (size_t)(end - lines))); lines++)
		count++;
	return count;
}

const char *spool_lines_read(
	int fd, const char *name, const struct spool_frame *f, struct buf *lines)
{
	const char *why;

	buf_clear(lines);
	why = read_at(fd, buf_reserve(lines, f->len), f->len, spool_lines_offset(f));
	if (why)
		return why;
	lines->len = f->len;
	if (frame_check(name, f, lines->data, lines->len) != f->check)
		return "the checksum of a frame is wrong";
	if (lines->data[lines->len - 1] != '\n' ||
		count_lines(lines->data, lines->len) != f->records)
		return "a frame's lines are not as many as it says";
	return NULL;
}

static const char *frames_check(int fd, const char *name, uint64_t bytes, uint64_t *offset)
{
	const char *why = NULL;
	struct spool_frame f;
	struct buf lines;

	buf_init(&lines);
	while (!why && *offset < bytes) {
		why = spool_head_read(fd, *offset, bytes, &f);
		if (!why)
			why = spool_lines_read(fd, name, &f, &lines);
		if (!why)
			*offset = f.next;
	}
	buf_release(&lines);
	return why;
}

const char *spool_check(const char *path, uint64_t bytes, uint64_t *offset)
{
	const char *slash = strrchr(path, '/'), *why;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*offset = 0;
	if (fd < 0)
		return errno == ENOENT ? "it is not there" : "it cannot be opened";
	why = frames_check(fd, slash ? slash + 1 : path, bytes, offset);
	close(fd);
	return why;
}

/* Writing */

void spool_init(struct spool *s, const char *dir, uint64_t run)
{
	*s = (struct spool){.dir = dir, .run = run, .number = 1, .is_named = true};
	buf_init(&s->head);
}

static void segment_close(struct spool *s)
{
	out_close(&s->out);
	out_release(&s->out);
	free(s->path);
	s->path = NULL;
	s->is_open = false;
}

void spool_release(struct spool *s)
{
	if (s->is_open) {
		close(s->out.fd);
		out_release(&s->out);
		free(s->path);
	}
	s->is_open = false;
	buf_release(&s->head);
}

static void segment_open(struct spool *s)
{
	struct buf path;
	int fd;

	buf_init(&path);
	buf_format(&path, "%s/", s->dir);
	bulk_name_print(&path, kind, s->run, s->number);
	s->path = mem_string(buf_string(&path));
	buf_release(&path);
	fd = durable_create(s->path);
	if (fd < 0)
		die(EX_CONFIG, "'%s' is there already: no two runs may have one name", s->path);
	out_init(&s->out, fd, s->path);
	s->is_open = true;
	s->is_named = false;
	s->records = 0;
}

void spool_add(
	struct spool *s, struct spool_chain *chain, const struct buf *lines, uint64_t records)
{
	struct spool_frame f = {.len = lines->len, .records = records};
	const char *name;

	if (!s->is_open)
		segment_open(s);
	name = strrchr(s->path, '/') + 1;
	f.offset = s->out.bytes;
	f.first = s->records + 1;
	buf_clear(&s->head);
	buf_format(&s->head, "#%0*" PRIu64 " %0*" PRIu64 " %0*" PRIu64 " %0*" PRIx64 "\n",
		NUMBER_DIGITS, f.len, NUMBER_DIGITS, f.records, NUMBER_DIGITS, f.first,
		CHECK_DIGITS, frame_check(name, &f, lines->data, lines->len));
	out_add(&s->out, s->head.data, s->head.len);
	out_add(&s->out, lines->data, lines->len);
	s->records += records;
	spool_chain_grow(chain, s->run, s->number, s->out.bytes);
	if (s->out.bytes < SEGMENT_BYTES)
		return;
	spool_sync(s);
	segment_close(s);
	s->number++;
}

void spool_flush(struct spool *s)
{
	if (s->is_open)
		out_flush(&s->out);
}

void spool_sync(struct spool *s)
{
	if (!s->is_open)
		return;
	out_flush(&s->out);
	durable_sync(s->out.fd, s->path);
	if (!s->is_named)
		durable_sync_parent(s->path);
	s->is_named = true;
}
