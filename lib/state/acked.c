#include "state/acked.h"

#include <dirent.h>
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

static const char kind[] = "acked";

enum { CHECK_DIGITS = 16, READ_BYTES = 64 << 10, JOURNAL_BYTES = 4 << 20 };

/* What is known */

void acked_init(struct acked *a)
{
	*a = (struct acked){json_object(), json_object()};
}

void acked_release(struct acked *a)
{
	json_decref(a->ends);
	json_decref(a->steps);
}

bool acked_is_done(const struct acked *a, const char *segment, uint64_t offset)
{
	return (uint64_t)json_integer_value(json_object_get(a->ends, segment)) > offset;
}

uint64_t acked_position(const struct acked *a, const struct spool_chain *c)
{
	uint64_t position = c->count ? c->segments[0].start : c->end;

	for (size_t i = 0; i < c->count; i++) {
		const struct spool_segment *s = &c->segments[i];
		json_t *end = json_object_get(a->ends, s->name);
		uint64_t offset = (uint64_t)json_integer_value(end);

		if (end)
			position = s->start + (offset < s->bytes ? offset : s->bytes);
	}
	return position;
}

static const char *frame_key(struct buf *key, const char *segment, uint64_t frame)
{
	buf_clear(key);
	buf_format(key, "%s %" PRIu64, segment, frame);
	return buf_string(key);
}

json_t *acked_steps(const struct acked *a, const char *segment, uint64_t frame)
{
	json_t *steps;
	struct buf key;

	buf_init(&key);
	steps = json_object_get(a->steps, frame_key(&key, segment, frame));
	buf_release(&key);
	return steps;
}

/* A step that is known already is another journal's copy of it. */
static bool take_step(struct acked *a, const char *segment, json_t *entry)
{
	const json_t *frame = json_object_get(entry, "frame"),
		     *number = json_object_get(entry, "step");
	json_t *steps;
	struct buf key;

	if (!json_is_integer(frame) || !json_is_integer(number))
		return false;
	buf_init(&key);
	frame_key(&key, segment, (uint64_t)json_integer_value(frame));
	steps = json_object_get(a->steps, buf_string(&key));
	if (!steps) {
		steps = json_array();
		json_object_set_new(a->steps, buf_string(&key), steps);
	}
	buf_release(&key);
	if ((size_t)json_integer_value(number) > json_array_size(steps) + 1)
		return false;
	if ((size_t)json_integer_value(number) == json_array_size(steps) + 1)
		json_array_append(steps, entry);
	return true;
}

/* False if it is no entry of this format. */
static bool take_entry(struct acked *a, json_t *entry)
{
	const char *segment = json_string_value(json_object_get(entry, "segment"));
	json_t *end = json_object_get(entry, "end"), *known;

	if (!segment)
		return false;
	if (!end)
		return take_step(a, segment, entry);
	known = json_object_get(a->ends, segment);
	if (!json_is_integer(end))
		return false;
	if (!known || json_integer_value(known) < json_integer_value(end))
		json_object_set(a->ends, segment, end);
	return true;
}

/* Reading */

static bool take_line(struct acked *a, const char *line, size_t len)
{
	char text[CHECK_DIGITS + 1];
	json_t *entry;
	bool is_good;

	if (len < CHECK_DIGITS + 2 || line[CHECK_DIGITS] != ' ')
		return false;
	line += CHECK_DIGITS + 1;
	len -= CHECK_DIGITS + 1;
	snprintf(text, sizeof(text), "%016" PRIx64, hash_bytes(line, len));
	if (memcmp(text, line - CHECK_DIGITS - 1, CHECK_DIGITS) != 0)
		return false;
	entry = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	is_good = entry && take_entry(a, entry);
	json_decref(entry);
	return is_good;
}

static const char *read_all(int fd, struct buf *text)
{
	for (;;) {
		ssize_t n = read(fd, buf_reserve(text, READ_BYTES), READ_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? "it cannot be read" : NULL;
		text->len += (size_t)n;
	}
}

/* A bad line is a torn one if nothing stands behind it. */
static const char *take_lines(struct acked *a, const struct buf *text, uint64_t *offset)
{
	const char *at = text->data, *end = at + text->len;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		bool is_good = newline && take_line(a, at, (size_t)(newline - at));

		*offset = (uint64_t)(at - text->data);
		if (!is_good)
			return newline && newline + 1 < end ? "an entry is wrong" : NULL;
		at = newline + 1;
	}
	*offset = text->len;
	return NULL;
}

static const char *take_file(struct acked *a, const char *path, uint64_t bytes, uint64_t *offset)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf text;
	const char *why;

	*offset = 0;
	if (fd < 0)
		return errno == ENOENT ? "it is not there" : "it cannot be opened";
	buf_init(&text);
	why = read_all(fd, &text);
	close(fd);
	if (!why)
		why = take_lines(a, &text, offset);
	if (!why && bytes != UINT64_MAX && *offset < bytes)
		why = "it ends within what is relied on";
	buf_release(&text);
	return why;
}

const char *acked_check(const char *path, uint64_t bytes, uint64_t *offset)
{
	struct acked a;
	const char *why;

	acked_init(&a);
	why = take_file(&a, path, bytes, offset);
	acked_release(&a);
	return why;
}

static void take_journal(struct acked *a, const char *dir, const char *name)
{
	struct buf path;
	uint64_t offset;
	const char *why;

	buf_init(&path);
	buf_format(&path, "%s/%s", dir, name);
	why = take_file(a, buf_string(&path), UINT64_MAX, &offset);
	if (why)
		die(EX_IOERR,
			"'%s' is damaged at byte %" PRIu64
			": %s; it says what was sent already: put it back from a backup, or cut it "
			"there, and what was sent since comes again under the same keys",
			buf_string(&path), offset, why);
	buf_release(&path);
}

void acked_read(struct acked *a, const char *dir)
{
	DIR *list = opendir(dir);
	struct dirent *entry;
	struct bulk_name is;

	if (!list)
		die_errno(EX_IOERR, "cannot list '%s'", dir);
	while ((entry = readdir(list)))
		if (bulk_name_read(entry->d_name, &is) && is.kind_len == sizeof(kind) - 1 &&
			memcmp(is.kind, kind, is.kind_len) == 0)
			take_journal(a, dir, entry->d_name);
	closedir(list);
}

/* Writing */

static void file_begin(struct journal *j)
{
	struct buf path;
	int fd;

	buf_init(&path);
	buf_format(&path, "%s/", j->dir);
	bulk_name_print(&path, kind, j->run, ++j->number);
	j->path = mem_string(buf_string(&path));
	buf_release(&path);
	fd = durable_create(j->path);
	if (fd < 0)
		die(EX_CONFIG, "'%s' is there already: no two runs may have one name", j->path);
	out_init(&j->out, fd, j->path);
	durable_sync_parent(j->path);
}

static void file_close(struct journal *j)
{
	close(j->out.fd);
	out_release(&j->out);
	free(j->path);
}

void journal_init(struct journal *j, const char *dir, uint64_t run)
{
	*j = (struct journal){.dir = dir, .run = run, .steps = json_array()};
	buf_init(&j->line);
	file_begin(j);
}

void journal_release(struct journal *j)
{
	file_close(j);
	buf_release(&j->line);
	json_decref(j->steps);
	free(j->segment);
}

static void append(struct journal *j, const json_t *entry)
{
	char *text = json_dumps(entry, JSON_COMPACT);

	if (!text)
		die(EX_TEMPFAIL, "out of memory for a journal");
	buf_clear(&j->line);
	buf_format(&j->line, "%016" PRIx64 " %s\n", hash_bytes(text, strlen(text)), text);
	free(text);
	out_add(&j->out, j->line.data, j->line.len);
}

static void append_end(struct journal *j)
{
	json_t *entry = json_pack("{s:s, s:I}", "segment", j->segment, "end", (json_int_t)j->end);

	append(j, entry);
	json_decref(entry);
}

static void sync_all(struct journal *j)
{
	out_flush(&j->out);
	durable_sync(j->out.fd, j->path);
}

/* The next journal begins with what is known. */
static void roll(struct journal *j)
{
	file_close(j);
	file_begin(j);
	if (j->segment)
		append_end(j);
	for (size_t i = 0; i < json_array_size(j->steps); i++)
		append(j, json_array_get(j->steps, i));
}

static void settle(struct journal *j)
{
	sync_all(j);
	if (j->out.bytes < JOURNAL_BYTES)
		return;
	roll(j);
	sync_all(j);
}

static void set_text(char **to, const char *text)
{
	if (*to && strcmp(*to, text) == 0)
		return;
	free(*to);
	*to = mem_string(text);
}

void journal_end(struct journal *j, const char *segment, uint64_t offset)
{
	set_text(&j->segment, segment);
	j->end = offset;
	json_array_clear(j->steps);
	append_end(j);
	settle(j);
}

void journal_step(struct journal *j, const char *segment, uint64_t frame, json_t *step)
{
	json_object_set_new(step, "segment", json_string(segment));
	json_object_set_new(step, "frame", json_integer((json_int_t)frame));
	json_object_set_new(step, "step", json_integer((json_int_t)json_array_size(j->steps) + 1));
	json_array_append(j->steps, step);
	append(j, step);
	json_decref(step);
	settle(j);
}
