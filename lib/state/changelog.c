#include "state/changelog.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compact.h"
#include "base/die.h"
#include "base/mem.h"
#include "io/durable.h"
#include "state/logread.h"

enum { BLOCK_BYTES = 64 << 10, WRITE_BYTES = 1 << 20, NUMBER_DIGITS_MIN = 6, RUN_DIGITS = 16 };

void changelog_init(struct changelog *l, const char *dir, const char *kind, uint64_t run)
{
	assert(!strpbrk(kind, "./"));
	*l = (struct changelog){.dir = dir, .kind = kind, .run = run, .is_named = true};
	buf_init(&l->pending);
}

static void file_release(struct changelog_file *f)
{
	if (f->is_open) {
		close(f->out.fd);
		out_release(&f->out);
	}
	free(f->path);
}

void changelog_release(struct changelog *l)
{
	for (size_t i = 0; i < l->count; i++)
		file_release(&l->files[i]);
	free(l->files);
	buf_release(&l->pending);
	*l = (struct changelog){0};
}

static uint64_t next_position(const struct changelog *l)
{
	return l->dropped + l->count;
}

/* Takes the path. */
static struct changelog_file *chain_add(struct changelog *l, char *path, uint64_t bytes)
{
	if (l->count == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 4;
		l->files = mem_resize(l->files, l->cap * sizeof(*l->files));
	}
	l->files[l->count] = (struct changelog_file){.path = path, .bytes = bytes};
	return &l->files[l->count++];
}

static char *path_of(const struct changelog *l, const char *name)
{
	struct buf path;
	char *copy;

	buf_init(&path);
	buf_format(&path, "%s/%s", l->dir, name);
	copy = mem_string(buf_string(&path));
	buf_release(&path);
	return copy;
}

/* The name alone. */
static const char *name_of(const struct changelog *l, const struct changelog_file *f)
{
	return f->path + strlen(l->dir) + 1;
}

static void file_begin(struct changelog *l)
{
	struct changelog_file *f;
	struct buf text;
	int fd;

	buf_init(&text);
	buf_format(&text, "%s.%016" PRIx64 ".%06" PRIu64, l->kind, l->run, ++l->number);
	f = chain_add(l, path_of(l, buf_string(&text)), 0);
	fd = durable_create(f->path);
	if (fd < 0)
		die(EX_CONFIG, "'%s' is there already: no two runs may have one name", f->path);
	out_init(&f->out, fd, f->path);
	buf_clear(&text);
	buf_format(&text, LOGREAD_HEADER "%s\n", name_of(l, f));
	out_add(&f->out, text.data, text.len);
	f->bytes = text.len;
	f->is_open = true;
	l->is_begun = true;
	l->is_named = false;
	buf_release(&text);
}

/* The kernel begins to bring it to the disk, so that less is left to do at the barrier. */
static void write_pending(struct changelog *l)
{
	struct changelog_file *f;

	if (!l->pending.len)
		return;
	f = &l->files[l->count - 1];
	out_add(&f->out, l->pending.data, l->pending.len);
	durable_begin(f->out.fd, f->bytes, l->pending.len);
	f->bytes += l->pending.len;
	buf_clear(&l->pending);
	l->block = 0;
}

/* The block is full, or must be whole for another reason. */
static void block_end(struct changelog *l)
{
	size_t len = l->pending.len - l->block - LOGREAD_BLOCK_HEAD;
	uint64_t offset;
	char *head;

	if (l->pending.len == l->block)
		return;
	if (!l->is_begun)
		file_begin(l);
	offset = l->files[l->count - 1].bytes + l->block;
	head = l->pending.data + l->block;
	compact_write_word(head, len);
	compact_write_word(
		head + COMPACT_WORD, logread_hash(head + LOGREAD_BLOCK_HEAD, len, offset));
	l->block = l->pending.len;
	if (l->pending.len >= WRITE_BYTES)
		write_pending(l);
}

static char *entry_begin(struct changelog *l, size_t most)
{
	if (l->pending.len == l->block) {
		buf_reserve(&l->pending, LOGREAD_BLOCK_HEAD + most);
		l->pending.len += LOGREAD_BLOCK_HEAD;
	}
	return buf_reserve(&l->pending, most);
}

static void entry_end(struct changelog *l, const char *end)
{
	l->pending.len = (size_t)(end - l->pending.data);
	if (l->pending.len - l->block >= BLOCK_BYTES)
		block_end(l);
}

static char *append(char *to, const void *bytes, size_t len)
{
	if (len)
		memcpy(to, bytes, len);
	return to + len;
}

void changelog_put(
	struct changelog *l, const void *key, size_t key_len, const void *value, size_t value_len)
{
	char *to = entry_begin(l, 2 * COMPACT_MAX + key_len + value_len);

	to = compact_write(to, 2 * (uint64_t)key_len + 1);
	to = compact_write(to, value_len);
	to = append(to, key, key_len);
	to = append(to, value, value_len);
	entry_end(l, to);
}

void changelog_delete(struct changelog *l, const void *key, size_t key_len)
{
	char *to = entry_begin(l, COMPACT_MAX + key_len);

	to = compact_write(to, 2 * (uint64_t)key_len);
	to = append(to, key, key_len);
	entry_end(l, to);
}

static void file_sync(struct changelog_file *f)
{
	if (f->is_open && f->synced < f->bytes) {
		out_flush(&f->out);
		durable_sync(f->out.fd, f->path);
	}
	f->synced = f->bytes;
}

static void file_end(struct changelog_file *f)
{
	if (!f->is_open)
		return;
	out_close(&f->out);
	out_release(&f->out);
	f->is_open = false;
}

void changelog_sync(struct changelog *l)
{
	block_end(l);
	write_pending(l);
	for (size_t i = 0; i < l->count; i++) {
		file_sync(&l->files[i]);
		if (i + 1 < l->count || !l->is_begun)
			file_end(&l->files[i]);
	}
	if (!l->is_named && l->count)
		durable_sync_parent(l->files[l->count - 1].path);
	l->is_named = true;
}

uint64_t changelog_roll(struct changelog *l)
{
	block_end(l);
	write_pending(l);
	l->is_begun = false;
	return next_position(l);
}

void changelog_drop_before(struct changelog *l, uint64_t position)
{
	size_t gone = position > l->dropped ? (size_t)(position - l->dropped) : 0;

	assert(position < next_position(l) || (position == next_position(l) && !l->is_begun));
	for (size_t i = 0; i < gone; i++)
		file_release(&l->files[i]);
	l->count -= gone;
	if (gone && l->count)
		memmove(l->files, l->files + gone, l->count * sizeof(*l->files));
	l->dropped += gone;
}

uint64_t changelog_bytes(const struct changelog *l)
{
	uint64_t bytes = l->pending.len;

	for (size_t i = 0; i < l->count; i++)
		bytes += l->files[i].bytes;
	return bytes;
}

json_t *changelog_files(const struct changelog *l)
{
	json_t *list = json_array();

	assert(!l->pending.len);
	for (size_t i = 0; i < l->count; i++) {
		const struct changelog_file *f = &l->files[i];

		assert(f->synced == f->bytes);
		json_array_append_new(list, json_pack("{s:s, s:I}", "name", name_of(l, f), "bytes",
						    (json_int_t)f->bytes));
	}
	return list;
}

/* Restoring */

/* Whether a name is KIND.RUN.NUMBER. */
static bool is_ours(const struct changelog *l, const char *name)
{
	size_t kind = strlen(l->kind), number;

	if (strncmp(name, l->kind, kind) != 0 || name[kind] != '.')
		return false;
	name += kind + 1;
	if (strspn(name, "0123456789abcdef") != RUN_DIGITS || name[RUN_DIGITS] != '.')
		return false;
	name += RUN_DIGITS + 1;
	number = strspn(name, "0123456789");
	return number >= NUMBER_DIGITS_MIN && !name[number];
}

__attribute__((noreturn)) static void damaged(const char *path, uint64_t offset, const char *why)
{
	die(EX_IOERR,
		"'%s' is damaged at byte %" PRIu64
		": %s; put it back from a backup, or go back to an earlier epoch (dd-deliver "
		"--rewind)",
		path, offset, why);
}

static void file_restore(const struct changelog_file *f, changelog_handler *handler, void *context)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);
	uint64_t offset;
	const char *why;

	if (fd < 0 && errno == ENOENT)
		damaged(f->path, 0, "it is not there");
	if (fd < 0)
		die_errno(EX_IOERR, "cannot open '%s'", f->path);
	why = logread_file(fd, f->path, f->bytes, handler, context, &offset);
	if (why)
		damaged(f->path, offset, why);
	/* its writer may have died before it was */
	durable_sync(fd, f->path);
	close(fd);
}

void changelog_restore(
	struct changelog *l, const json_t *files, changelog_handler *handler, void *context)
{
	size_t i;
	json_t *file;

	assert(!l->count && !l->pending.len);
	json_array_foreach (files, i, file) {
		const char *name = json_string_value(json_object_get(file, "name"));
		json_int_t bytes = json_integer_value(json_object_get(file, "bytes"));
		struct changelog_file *f;

		if (!name || !is_ours(l, name))
			continue;
		f = chain_add(l, path_of(l, name), bytes > 0 ? (uint64_t)bytes : 0);
		f->synced = f->bytes;
		file_restore(f, handler, context);
	}
	if (l->count)
		durable_sync_parent(l->files[0].path);
}

const char *changelog_check(const char *path, uint64_t length, uint64_t *offset)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *why;

	*offset = 0;
	if (fd < 0)
		return errno == ENOENT ? "it is not there" : "it cannot be opened";
	why = logread_file(fd, path, length, NULL, NULL, offset);
	close(fd);
	return why;
}
