#include "tool/sourcefile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/loop.h"

enum { MOVE_BYTES = 256 << 10, HASH_DIGITS = 16 };

struct source_file *source_file_new(struct filter *f, char *name, const struct feed_format *format)
{
	struct source_file *s = mem_zero(1, sizeof(*s));

	s->filter = f;
	s->name = name;
	s->path = mem_string(name);
	s->is_stdin = strcmp(name, "-") == 0;
	s->is_packed = input_is_packed(name);
	s->input.fd = s->below.fd = -1;
	feed_init(&s->feed, f, format);
	return s;
}

void source_file_free(struct source_file *s)
{
	source_file_close(s);
	if (s->piece) {
		piece_release(s->piece);
		free(s->piece);
	}
	feed_release(&s->feed);
	free(s->name);
	free(s->path);
	free(s);
}

void source_file_move(struct source_file *s, const char *path)
{
	if (strcmp(s->path, path) == 0)
		return;
	free(s->path);
	s->path = mem_string(path);
}

/* What people call it. */
static const char *title(const struct source_file *s)
{
	return s->is_stdin ? "stdin" : s->name;
}

static struct stat look(const struct source_file *s, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		die_errno(EX_IOERR, "cannot look at '%s'", title(s));
	return st;
}

static void die_shrunk(const struct source_file *s, uint64_t size) __attribute__((noreturn));

static void die_shrunk(const struct source_file *s, uint64_t size)
{
	die(EX_IOERR,
		"'%s' shrank in place: %" PRIu64 " bytes were read, %" PRIu64
		" are there; what was written in between may be lost. logrotate: 'create' instead "
		"of 'copytruncate'; or --source-log, which keeps a copy and goes on",
		title(s), s->read_end > s->feed.offset ? s->read_end : s->feed.offset, size);
}

/* An inode is used again soon after its file is deleted, so this may be another one. */
static void die_smaller(const struct source_file *s, uint64_t size) __attribute__((noreturn));

static void die_smaller(const struct source_file *s, uint64_t size)
{
	die(EX_IOERR,
		"'%s' shrank in place, or was rotated away, compressed or deleted before it was "
		"read to its end and this is another file: %" PRIu64 " bytes were read, %" PRIu64
		" are there. Keep files until they are read: logrotate: 'create' instead of "
		"'copytruncate', 'delaycompress', 'rotate 2'; or --source-log",
		title(s), s->feed.offset, size);
}

static void die_overwritten(const struct source_file *s) __attribute__((noreturn));

static void die_overwritten(const struct source_file *s)
{
	die(EX_IOERR,
		"'%s' was overwritten or replaced: what stands before byte %" PRIu64
		" is not what was read there; what was rotated away, compressed or deleted may be "
		"lost. Keep files until they are read: logrotate: 'create' instead of "
		"'copytruncate', 'delaycompress', 'rotate 2'; or --source-log",
		title(s), s->feed.offset);
}

/* What was read before must still be there. */
static void verify(const struct source_file *s, int fd)
{
	struct stat st = look(s, fd);

	if (s->is_packed) {
		if ((uint64_t)st.st_size < s->size || !identity_begins_so(&s->id, fd, title(s)))
			die_overwritten(s);
		return;
	}
	if ((uint64_t)st.st_size < s->feed.offset)
		die_smaller(s, (uint64_t)st.st_size);
	if (!identity_begins_so(&s->id, fd, title(s)) ||
		!tail_holds(&s->tail, fd, s->feed.offset, title(s)))
		die_overwritten(s);
}

/* A regular file that is the standard input may have been read from before. */
static void begin_at_present(struct source_file *s)
{
	off_t at = s->is_stdin ? lseek(s->input.fd, 0, SEEK_CUR) : 0;

	if (at > 0)
		s->feed.offset = (uint64_t)at;
}

/* Between a look at a directory and this the file may have been given another name. */
static bool open_input(struct source_file *s, struct input *in)
{
	int fd = s->is_stdin ? STDIN_FILENO : open(s->path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0 || fstat(fd, &st) != 0)
		die_errno(EX_IOERR, "cannot open '%s'", s->path);
	if (s->is_known && !identity_is_at(&s->id, &st)) {
		close(fd);
		return false;
	}
	s->is_seekable = S_ISREG(st.st_mode);
	input_take(in, fd, title(s));
	return true;
}

static bool open_plain(struct source_file *s)
{
	if (!open_input(s, &s->input))
		return false;
	if (s->is_seekable && s->is_known)
		verify(s, s->input.fd);
	else if (s->is_seekable)
		begin_at_present(s);
	if (s->is_seekable && s->feed.offset && !input_seek(&s->input, s->feed.offset))
		die_overwritten(s);
	s->read_end = s->feed.offset;
	s->is_at_end = false;
	return true;
}

/* Through the log */

static size_t read_log(void *from, char *to, size_t size)
{
	struct source_file *s = from;
	size_t n = piece_read(s->piece, to, size);

	if (n || s->is_old_piece || s->is_at_end)
		return n;
	if (!piece_move(s->piece, s->below.fd, title(s), MOVE_BYTES)) {
		s->is_at_end = !s->is_seekable;
		if (s->ends_lines)
			piece_end_line(s->piece);
	}
	return piece_read(s->piece, to, size);
}

static void begin_piece(struct source_file *s, struct sourcelog *log)
{
	struct piece_origin origin = {
		.input = mem_string(s->name),
		.dev = s->is_seekable ? s->id.dev : 0,
		.ino = s->is_seekable ? s->id.ino : 0,
		.line = s->feed.number,
	};

	s->piece = mem_zero(1, sizeof(*s->piece));
	piece_begin(s->piece, log, origin, s->feed.offset);
}

static bool open_to_log(struct source_file *s, struct sourcelog *log)
{
	if (s->is_old_piece)
		return true;
	if (s->is_packed)
		die(EX_CONFIG, "'%s' is compressed: --source-log is for files that grow", title(s));
	if (!open_input(s, &s->below))
		return false;
	if (s->is_seekable) {
		if (s->is_known)
			verify(s, s->below.fd);
		identity_take(&s->id, s->below.fd, title(s));
		input_seek(&s->below, s->feed.offset);
	}
	begin_piece(s, log);
	return true;
}

bool source_file_open(struct source_file *s, struct sourcelog *log)
{
	if (log ? !open_to_log(s, log) : !open_plain(s))
		return false;
	if (log) {
		input_begin(&s->input, title(s), read_log, s);
		piece_seek(s->piece, s->feed.offset);
	}
	feed_begin(&s->feed, &s->input);
	s->is_open = true;
	return true;
}

void source_file_close(struct source_file *s)
{
	if (!s->is_open)
		return;
	source_file_note(s);
	feed_forget(&s->feed);
	input_close(&s->input);
	if (s->piece && !s->is_old_piece)
		input_close(&s->below);
	s->is_open = false;
}

/* Reading */

static int fd_of(const struct source_file *s)
{
	return s->piece ? s->below.fd : s->input.fd;
}

/* How far the bytes of a regular file were taken from it. */
static uint64_t taken(const struct source_file *s)
{
	return s->piece ? piece_end(s->piece) : s->read_end;
}

/* What is read through the log is begun anew where it was cut. */
static bool is_cut(struct source_file *s)
{
	uint64_t size = (uint64_t)look(s, fd_of(s)).st_size;

	if (size < taken(s) && !s->piece)
		die_shrunk(s, size);
	s->is_cut = s->is_cut || size < taken(s);
	s->size = size;
	return s->is_cut;
}

static bool file_has_more(struct source_file *s)
{
	if (s->is_packed)
		return !s->is_at_end;
	if (is_cut(s) || s->size == taken(s))
		return false;
	if (s->is_parked && !s->piece)
		verify(s, fd_of(s));
	s->is_parked = false;
	return true;
}

bool source_file_is_ready(struct source_file *s)
{
	if (s->piece && s->piece->at < piece_end(s->piece))
		return true;
	if (s->is_old_piece || s->is_at_end)
		return false;
	return s->is_seekable ? file_has_more(s) : loop_ready(fd_of(s));
}

int source_file_waits_on(const struct source_file *s)
{
	return s->is_open && !s->is_seekable && !s->is_at_end ? fd_of(s) : -1;
}

bool source_file_fill(struct source_file *s)
{
	bool is_more = feed_fill(&s->feed);

	s->read_end = s->feed.offset + feed_rest(&s->feed);
	if (!is_more && (!s->is_seekable || s->is_packed))
		s->is_at_end = true;
	return is_more;
}

void source_file_park(struct source_file *s)
{
	if (s->is_packed || !(s->is_seekable || s->piece))
		return;
	source_file_note(s);
	s->is_parked = true;
	feed_forget(&s->feed);
	if (s->piece)
		piece_seek(s->piece, s->feed.offset);
	else
		input_seek(&s->input, s->feed.offset);
	feed_begin(&s->feed, &s->input);
}

void source_file_drop_debris(struct source_file *s)
{
	if (!s->piece || !s->piece->debris || s->is_seekable)
		return;
	feed_drop(&s->feed, s->piece->debris);
	s->piece->debris = 0;
}

/* The record */

void source_file_note(struct source_file *s)
{
	int fd = fd_of(s);

	if (!s->is_open || !s->is_seekable || fd < 0)
		return;
	identity_take(&s->id, fd, title(s));
	s->size = (uint64_t)look(s, fd).st_size;
	if (s->is_packed)
		s->tail = (struct tail){0};
	else if (!tail_take(&s->tail, fd, s->feed.offset, title(s)) && !s->piece)
		die_shrunk(s, s->size);
	s->is_known = true;
}

static bool has_same_bytes(const struct source_file *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is_so = fd >= 0 && identity_begins_so(&s->id, fd, path) &&
		     (s->is_packed || tail_holds(&s->tail, fd, s->feed.offset, path));

	if (fd >= 0)
		close(fd);
	return is_so;
}

/* Device numbers can change when a machine is started again. */
bool source_file_is(const struct source_file *s, const char *path, const struct stat *st)
{
	if (s->is_cut || s->id.ino != st->st_ino)
		return false;
	if (s->is_open || !s->is_known)
		return s->id.dev == st->st_dev;
	/* at its own name it is this one even so, written anew in place: that is told */
	return has_same_bytes(s, path) || (s->id.dev == st->st_dev && !s->is_done &&
						  !s->is_logged && strcmp(path, s->name) == 0);
}

bool source_file_is_copy(const struct source_file *s, const char *path, const struct stat *st)
{
	return s->is_known && s->feed.offset && S_ISREG(st->st_mode) &&
	       (!s->is_packed || (uint64_t)st->st_size == s->size) && has_same_bytes(s, path);
}

static json_t *hash_json(uint64_t hash)
{
	char text[HASH_DIGITS + 1];

	snprintf(text, sizeof(text), "%016" PRIx64, hash);
	return json_string(text);
}

static json_t *identity_json(const struct source_file *s)
{
	return json_pack("{sI sI sI so sI so}", "dev", (json_int_t)s->id.dev, "ino",
		(json_int_t)s->id.ino, "head_bytes", (json_int_t)s->id.head_bytes, "head_hash",
		hash_json(s->id.head_hash), "tail_bytes", (json_int_t)s->tail.bytes, "tail_hash",
		hash_json(s->tail.hash));
}

json_t *source_file_json(struct source_file *s, json_t *files)
{
	json_t *is =
		json_pack("{ss sI sI sI}", "name", s->name, "offset", (json_int_t)s->feed.offset,
			"line", (json_int_t)s->feed.number, "size", (json_int_t)s->size);
	json_t *identity;

	if (!is)
		die(EX_CONFIG, "the name of input '%s' is not UTF-8, which a checkpoint needs",
			s->name);
	source_file_note(s);
	json_object_set_new(is, "size", json_integer((json_int_t)s->size));
	if (s->is_known) {
		identity = identity_json(s);
		json_object_update(is, identity);
		json_decref(identity);
	}
	if (s->feed.header.len)
		json_object_set_new(
			is, "header", json_stringn(s->feed.header.data, s->feed.header.len));
	if (s->has_order)
		json_object_set_new(is, "time", json_integer(s->order_ns));
	if (s->is_from_glob)
		json_object_set_new(is, "glob", json_true());
	if (s->is_done)
		json_object_set_new(is, "done", json_true());
	if (s->is_past)
		json_object_set_new(is, "past", json_true());
	if (s->piece && !s->is_done) {
		piece_sync(s->piece);
		piece_list(s->piece, s->feed.offset, files);
		json_object_set_new(is, "log", json_integer((json_int_t)s->piece->parts[0].number));
		json_object_set_new(is, "size", json_integer((json_int_t)piece_end(s->piece)));
	}
	return is;
}

static uint64_t number_of(const json_t *from, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(from, key));
}

static uint64_t hash_of(const json_t *from, const char *key)
{
	const char *text = json_string_value(json_object_get(from, key));

	return text ? strtoull(text, NULL, 16) : 0;
}

bool source_file_read(struct source_file *s, const json_t *from)
{
	const json_t *header = json_object_get(from, "header");

	s->is_known = json_object_get(from, "head_hash") != NULL;
	s->id = (struct identity){number_of(from, "dev"), number_of(from, "ino"),
		number_of(from, "head_bytes"), hash_of(from, "head_hash")};
	s->tail = (struct tail){number_of(from, "tail_bytes"), hash_of(from, "tail_hash")};
	s->size = number_of(from, "size");
	s->feed.offset = number_of(from, "offset");
	s->feed.number = number_of(from, "line");
	s->is_from_glob = json_is_true(json_object_get(from, "glob"));
	s->is_done = json_is_true(json_object_get(from, "done"));
	s->is_past = json_is_true(json_object_get(from, "past"));
	s->log_number = number_of(from, "log");
	s->has_order = json_object_get(from, "time") != NULL;
	s->order_ns = json_integer_value(json_object_get(from, "time"));
	return !header ||
	       feed_set_header(&s->feed, json_string_value(header), json_string_length(header));
}
