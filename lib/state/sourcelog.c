#include "state/sourcelog.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/die.h"
#include "base/mem.h"
#include "io/durable.h"
#include "io/pipe.h"
#include "state/snapshot.h"

enum {
	PART_BYTES = 64 << 20, /* then another file is begun, so that the first can be deleted */
	COPY_BYTES = 64 << 10,
	HEAD_BYTES_MAX = 16 << 10,
};

static const char kind[] = "log";

void sourcelog_init(struct sourcelog *l, const struct checkpoint *c, uint64_t since)
{
	*l = (struct sourcelog){.checkpoint = c, .next_number = since ? since : 1};
}

static void part_path(struct buf *path, const struct sourcelog *l, const struct piece_part *part)
{
	buf_clear(path);
	buf_format(path, "%s/", l->checkpoint->stage_dir);
	bulk_name_print(path, kind, part->run, part->number);
}

/* Finding what is there */

struct found {
	struct piece_part part;
	struct piece_origin origin;
	uint64_t line;
};

static bool head_read(struct found *is, const char *line, size_t len)
{
	json_t *head = json_loadb(line, len, 0, NULL);
	const char *input = json_string_value(json_object_get(head, "input"));

	if (input) {
		is->origin.input = mem_string(input);
		is->origin.dev = (uint64_t)json_integer_value(json_object_get(head, "dev"));
		is->origin.ino = (uint64_t)json_integer_value(json_object_get(head, "ino"));
		is->origin.line = (uint64_t)json_integer_value(json_object_get(head, "line"));
		is->part.from = (uint64_t)json_integer_value(json_object_get(head, "from"));
	}
	json_decref(head);
	return input != NULL;
}

/* Up to its last whole line; fd is synced, as its writer may have died before it did. */
static uint64_t whole_lines(int fd, uint64_t from, uint64_t size, const char *name)
{
	char bytes[COPY_BYTES];

	while (size > from) {
		size_t len = size - from < sizeof(bytes) ? (size_t)(size - from) : sizeof(bytes);
		ssize_t n = pread(fd, bytes, len, (off_t)(size - len));
		const char *newline;

		if (n < 0)
			die_errno(EX_IOERR, "cannot read '%s'", name);
		newline = n ? memrchr(bytes, '\n', (size_t)n) : NULL;
		if (newline)
			return size - len + (size_t)(newline - bytes) + 1;
		size -= len;
	}
	return from;
}

static bool part_examine(struct found *is, int fd, const char *path)
{
	char head[HEAD_BYTES_MAX];
	ssize_t n = pread(fd, head, sizeof(head), 0);
	const char *newline;
	struct stat st;

	if (n < 0 || fstat(fd, &st) != 0)
		die_errno(EX_IOERR, "cannot read '%s'", path);
	newline = n ? memchr(head, '\n', (size_t)n) : NULL;
	if (!newline || !head_read(is, head, (size_t)(newline - head)))
		return false;
	durable_sync(fd, path);
	is->part.head_bytes = (uint64_t)(newline - head) + 1;
	is->part.bytes = (uint64_t)st.st_size - is->part.head_bytes;
	return true;
}

static bool part_find(const struct sourcelog *l, const struct bulk_name *name, struct found *is)
{
	struct buf path;
	bool is_fit;
	int fd;

	*is = (struct found){.part = {.run = name->run, .number = name->number}};
	buf_init(&path);
	part_path(&path, l, &is->part);
	fd = open(buf_string(&path), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die_errno(EX_IOERR, "cannot open '%s'", buf_string(&path));
	is_fit = part_examine(is, fd, buf_string(&path));
	close(fd);
	buf_release(&path);
	return is_fit;
}

static bool is_named(const json_t *named, const char *name)
{
	json_t *file;
	size_t i;

	json_array_foreach (named, i, file) {
		const char *is = json_string_value(json_object_get(file, "name"));

		if (is && strcmp(is, name) == 0)
			return true;
	}
	return false;
}

static int by_number(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->part.number < y->part.number ? -1 : x->part.number > y->part.number;
}

static struct found *find_parts(
	struct sourcelog *l, uint64_t since, const json_t *named, size_t *count)
{
	DIR *dir = opendir(l->checkpoint->stage_dir);
	struct found *list = NULL;
	struct bulk_name name;
	struct dirent *entry;

	*count = 0;
	if (!dir)
		die_errno(EX_IOERR, "cannot list '%s'", l->checkpoint->stage_dir);
	while ((entry = readdir(dir))) {
		if (!bulk_name_read(entry->d_name, &name) || name.kind_len != sizeof(kind) - 1 ||
			memcmp(name.kind, kind, name.kind_len) != 0)
			continue;
		if (name.number >= l->next_number)
			l->next_number = name.number + 1;
		if (name.number < since && !is_named(named, entry->d_name))
			continue;
		list = mem_resize(list, (*count + 1) * sizeof(*list));
		if (part_find(l, &name, &list[*count]))
			(*count)++;
	}
	closedir(dir);
	if (*count)
		qsort(list, *count, sizeof(*list), by_number);
	return list;
}

static void add_part(struct piece *p, const struct piece_part *part)
{
	if (p->count == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 4;
		p->parts = mem_resize(p->parts, p->cap * sizeof(*p->parts));
	}
	p->parts[p->count++] = *part;
}

static bool goes_on(const struct piece *p, const struct found *is)
{
	const struct piece_part *last = &p->parts[p->count - 1];

	return strcmp(p->origin.input, is->origin.input) == 0 && last->run == is->part.run &&
	       p->origin.dev == is->origin.dev && p->origin.ino == is->origin.ino &&
	       last->from + last->bytes == is->part.from;
}

/* Nobody writes to it any more, so a line that is not whole never will be. */
static void cut_to_lines(struct piece *p)
{
	struct buf path;

	buf_init(&path);
	while (p->count) {
		struct piece_part *last = &p->parts[p->count - 1];
		uint64_t end, size = last->head_bytes + last->bytes;
		int fd;

		part_path(&path, p->log, last);
		fd = open(buf_string(&path), O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			die_errno(EX_IOERR, "cannot open '%s'", buf_string(&path));
		end = whole_lines(fd, last->head_bytes, size, buf_string(&path));
		close(fd);
		p->debris += size - end;
		last->bytes = end - last->head_bytes;
		if (last->bytes || p->count == 1)
			break;
		p->count--;
	}
	buf_release(&path);
}

struct piece *sourcelog_find(
	struct sourcelog *l, uint64_t since, const json_t *named, size_t *count)
{
	size_t part_count, i, piece;
	struct found *parts = find_parts(l, since, named, &part_count);
	struct piece *pieces = NULL;

	*count = 0;
	for (i = 0; i < part_count; i++) {
		for (piece = 0; piece < *count && !goes_on(&pieces[piece], &parts[i]); piece++)
			;
		if (piece == *count) {
			pieces = mem_resize(pieces, ++*count * sizeof(*pieces));
			pieces[piece] = (struct piece){
				.log = l, .origin = parts[i].origin, .read_fd = -1, .write_fd = -1};
		} else {
			free(parts[i].origin.input);
		}
		add_part(&pieces[piece], &parts[i].part);
	}
	for (piece = 0; piece < *count; piece++) {
		cut_to_lines(&pieces[piece]);
		pieces[piece].is_synced = true;
		pieces[piece].at = pieces[piece].parts[0].from;
	}
	free(parts);
	return pieces;
}

/* Writing */

static void write_all(int fd, const char *bytes, size_t len, const char *name)
{
	if (!durable_write(fd, bytes, len))
		die_errno(EX_IOERR, "cannot write '%s'", name);
}

static void write_head(struct piece *p, struct piece_part *part, const char *name)
{
	json_t *head = json_pack("{si ss sI sI sI sI}", "log", 1, "input", p->origin.input, "dev",
		(json_int_t)p->origin.dev, "ino", (json_int_t)p->origin.ino, "from",
		(json_int_t)part->from, "line", (json_int_t)p->origin.line);
	char *text = head ? json_dumps(head, JSON_COMPACT) : NULL;

	if (!text)
		die(EX_CONFIG, "the name of input '%s' is not UTF-8, which its log needs",
			p->origin.input);
	part->head_bytes = strlen(text) + 1;
	if (part->head_bytes > HEAD_BYTES_MAX)
		die(EX_CONFIG, "the name of input '%s' is too long for its log", p->origin.input);
	write_all(p->write_fd, text, part->head_bytes - 1, name);
	write_all(p->write_fd, "\n", 1, name);
	free(text);
	json_decref(head);
}

static void begin_part(struct piece *p, uint64_t from)
{
	struct piece_part part = {
		.run = p->log->checkpoint->run, .number = p->log->next_number++, .from = from};
	struct buf path;
	int flags;

	buf_init(&path);
	part_path(&path, p->log, &part);
	p->write_fd = durable_create(buf_string(&path));
	if (p->write_fd < 0)
		die(EX_IOERR, "'%s' is there already", buf_string(&path));
	/* splice doesn't go into a file that is opened to be appended to */
	flags = fcntl(p->write_fd, F_GETFL);
	if (flags < 0 || fcntl(p->write_fd, F_SETFL, flags & ~O_APPEND) != 0)
		die_errno(EX_IOERR, "cannot write '%s'", buf_string(&path));
	write_head(p, &part, buf_string(&path));
	durable_sync_parent(buf_string(&path));
	buf_release(&path);
	add_part(p, &part);
}

void piece_begin(struct piece *p, struct sourcelog *l, struct piece_origin origin, uint64_t from)
{
	*p = (struct piece){.log = l, .origin = origin, .at = from, .read_fd = -1, .write_fd = -1};
	begin_part(p, from);
}

void piece_release(struct piece *p)
{
	if (p->read_fd >= 0)
		close(p->read_fd);
	if (p->write_fd >= 0)
		close(p->write_fd);
	free(p->origin.input);
	free(p->parts);
	*p = (struct piece){.read_fd = -1, .write_fd = -1};
}

uint64_t piece_end(const struct piece *p)
{
	const struct piece_part *last = &p->parts[p->count - 1];

	return last->from + last->bytes;
}

static const char *name_of_last(const struct piece *p, struct buf *path)
{
	part_path(path, p->log, &p->parts[p->count - 1]);
	return buf_string(path);
}

static void go_over(struct piece *p)
{
	uint64_t from = piece_end(p);

	piece_sync(p);
	close(p->write_fd);
	begin_part(p, from);
}

/* What can't be spliced (a terminal, a file) is read and written. */
static ssize_t copy_some(struct piece *p, int fd, const char *name, size_t max)
{
	char bytes[COPY_BYTES];
	ssize_t n = read(fd, bytes, max < sizeof(bytes) ? max : sizeof(bytes));
	struct buf path;

	if (n > 0) {
		buf_init(&path);
		write_all(p->write_fd, bytes, (size_t)n, name_of_last(p, &path));
		buf_release(&path);
	} else if (n < 0 && errno != EINTR && errno != EAGAIN) {
		die_errno(EX_IOERR, "cannot read '%s'", name);
	}
	return n;
}

static ssize_t move_some(struct piece *p, int fd, const char *name, size_t max)
{
	ssize_t n = splice(fd, NULL, p->write_fd, NULL, max, SPLICE_F_MOVE);

	if (n < 0 && errno == EAGAIN)
		pipe_wait_readable(fd);
	if (n >= 0 || errno == EINTR || errno == EAGAIN)
		return n;
	if (errno != EINVAL)
		die_errno(EX_IOERR, "cannot move '%s' into its log in '%s'", name,
			p->log->checkpoint->stage_dir);
	return copy_some(p, fd, name, max);
}

size_t piece_move(struct piece *p, int fd, const char *name, size_t max)
{
	ssize_t n;

	if (p->parts[p->count - 1].bytes >= PART_BYTES)
		go_over(p);
	do
		n = move_some(p, fd, name, max);
	while (n < 0);
	p->parts[p->count - 1].bytes += (uint64_t)n;
	if (n)
		p->is_synced = false;
	return (size_t)n;
}

void piece_end_line(struct piece *p)
{
	struct piece_part *last = &p->parts[p->count - 1];
	struct buf path;
	char byte = '\n';
	int fd;

	if (!last->bytes)
		return;
	buf_init(&path);
	fd = open(name_of_last(p, &path), O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, &byte, 1, (off_t)(last->head_bytes + last->bytes - 1)) != 1)
		die_errno(EX_IOERR, "cannot read '%s'", buf_string(&path));
	close(fd);
	if (byte != '\n') {
		write_all(p->write_fd, "\n", 1, buf_string(&path));
		last->bytes++;
		p->is_synced = false;
	}
	buf_release(&path);
}

void piece_sync(struct piece *p)
{
	struct buf path;

	if (p->is_synced || p->write_fd < 0)
		return;
	buf_init(&path);
	durable_sync(p->write_fd, name_of_last(p, &path));
	buf_release(&path);
	p->is_synced = true;
}

/* Reading */

static size_t part_with(const struct piece *p, uint64_t offset)
{
	size_t i = 0;

	while (i + 1 < p->count && p->parts[i].from + p->parts[i].bytes <= offset)
		i++;
	return i;
}

void piece_seek(struct piece *p, uint64_t offset)
{
	assert(p->count);
	if (p->read_fd >= 0)
		close(p->read_fd);
	p->read_fd = -1;
	p->at = offset;
}

static void open_part(struct piece *p)
{
	struct buf path;

	p->reads = part_with(p, p->at);
	buf_init(&path);
	part_path(&path, p->log, &p->parts[p->reads]);
	p->read_fd = open(buf_string(&path), O_RDONLY | O_CLOEXEC);
	if (p->read_fd < 0)
		die_errno(EX_IOERR, "cannot open '%s'", buf_string(&path));
	buf_release(&path);
}

size_t piece_read(struct piece *p, char *to, size_t size)
{
	const struct piece_part *part;
	uint64_t left;
	ssize_t n;

	if (p->at >= piece_end(p))
		return 0;
	if (p->read_fd >= 0 && p->at >= p->parts[p->reads].from + p->parts[p->reads].bytes)
		piece_seek(p, p->at);
	if (p->read_fd < 0)
		open_part(p);
	part = &p->parts[p->reads];
	left = part->from + part->bytes - p->at;
	if (left < size)
		size = (size_t)left;
	while ((n = pread(p->read_fd, to, size, (off_t)(part->head_bytes + (p->at - part->from)))) <
			0 &&
		errno == EINTR)
		;
	if (n <= 0)
		die_errno(EX_IOERR, "cannot read the log of '%s' in '%s'", p->origin.input,
			p->log->checkpoint->stage_dir);
	p->at += (uint64_t)n;
	return (size_t)n;
}

/* Records */

static void forget_before(struct piece *p, uint64_t offset)
{
	size_t gone = part_with(p, offset);

	if (!gone)
		return;
	memmove(p->parts, p->parts + gone, (p->count - gone) * sizeof(*p->parts));
	p->count -= gone;
	if (p->read_fd >= 0)
		piece_seek(p, p->at);
}

void piece_list(struct piece *p, uint64_t offset, json_t *files)
{
	struct buf name;

	forget_before(p, offset);
	buf_init(&name);
	for (size_t i = 0; i < p->count; i++) {
		const struct piece_part *part = &p->parts[i];

		buf_clear(&name);
		bulk_name_print(&name, kind, part->run, part->number);
		json_array_append_new(files, json_pack("{sssI}", "name", buf_string(&name), "bytes",
						     (json_int_t)(part->head_bytes + part->bytes)));
	}
	buf_release(&name);
}
