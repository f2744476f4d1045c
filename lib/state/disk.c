#include "state/disk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/durable.h"
#include "io/out.h"
#include "state/diskmodule.h"
#include "state/filehash.h"
#include "state/survey.h"
#include "state/workdir.h"

static const char table_kind[] = "sst", manifest_kind[] = "map";

struct disk {
	const struct disk_module *module;
	pid_t owner;           /* a child that ends is none of its ends */
	struct disk_map *map;  /* NULL until it is first used, so that restore comes before */
	const char *stage_dir; /* NULL: there is no checkpoint */
	uint64_t run;
	uint64_t memory_bytes;
	const char *work; /* state/workdir */
	char *map_dir;    /* in it */
	json_t *tables;   /* of the last snapshot: RocksDB's name -> its entry in "files" */
	uint64_t snapshots;
};

/* There is one in a process, as there is one working directory; cursors are the module's. */
static struct disk *only;

/* Failures */

static const char *path_in(struct buf *path, const char *dir, const char *name)
{
	buf_clear(path);
	buf_format(path, "%s/%s", dir, name);
	return buf_string(path);
}

/* The bulk file that a message of RocksDB's names by its own name for it. */
static const char *file_named(const struct disk *d, const char *why)
{
	const char *dot = strstr(why, ".sst"), *begin = dot;
	char name[64];

	while (begin && begin > why && begin[-1] >= '0' && begin[-1] <= '9')
		begin--;
	if (!dot || begin == dot || (size_t)(dot - begin) > 32)
		return NULL;
	snprintf(name, sizeof(name), "%.*s", (int)(dot + 4 - begin), begin);
	return json_string_value(json_object_get(json_object_get(d->tables, name), "name"));
}

/* Where a message names none, the first that is not what it was; all of each is read. */
static const char *file_damaged(const struct disk *d)
{
	const char *key, *name = NULL;
	struct buf path;
	json_t *entry;

	buf_init(&path);
	json_object_foreach (d->tables, key, entry) {
		uint64_t hash,
			bytes = (uint64_t)json_integer_value(json_object_get(entry, "bytes"));

		path_in(&path, d->stage_dir, survey_text(entry, "name"));
		if (!run_read(survey_text(entry, "xxh3"), &hash) ||
			file_hash_check(path.data, bytes, hash)) {
			name = survey_text(entry, "name");
			break;
		}
	}
	buf_release(&path);
	return name;
}

static void fail(const struct disk *d, const char *doing, const char *why)
	__attribute__((noreturn));

static void fail(const struct disk *d, const char *doing, const char *why)
{
	const char *name = file_named(d, why), *dir = d->stage_dir ? d->stage_dir : d->work;

	if (!name && d->stage_dir && strstr(why, "Corruption"))
		name = file_damaged(d);
	if (strstr(why, "No space left"))
		die(EX_IOERR, "no space left for the state on disk in '%s': %s", dir, why);
	if (d->stage_dir && name)
		die(EX_IOERR,
			"cannot %s the state on disk: '%s/%s': %s; dd-run --check tells what is "
			"damaged, dd-deliver --rewind goes back to an earlier epoch",
			doing, dir, name, why);
	die(EX_IOERR, "cannot %s the state on disk in '%s': %s", doing, dir, why);
}

static void must(const struct disk *d, const char *doing, const char *why)
{
	if (why)
		fail(d, doing, why);
}

/* Opening and closing */

struct disk *disk_open(const char *stage_dir, uint64_t run, uint64_t memory_bytes)
{
	struct disk *d = mem_zero(1, sizeof(*d));
	struct buf path;

	assert(!only);
	*d = (struct disk){.module = disk_module_load(),
		.owner = getpid(),
		.stage_dir = stage_dir,
		.run = run,
		.memory_bytes = memory_bytes,
		.work = workdir_make(stage_dir),
		.tables = json_object()};
	buf_init(&path);
	d->map_dir = mem_string(path_in(&path, d->work, "map"));
	buf_release(&path);
	if (mkdir(d->map_dir, 0700) != 0)
		die_errno(EX_CANTCREAT, "cannot create directory '%s'", d->map_dir);
	only = d;
	return d;
}

/* Or a process that dies would wait for what its threads are about. */
static void stop_at_exit(void)
{
	if (only && only->map && only->owner == getpid())
		only->module->abandon(only->map);
}

/* The module's own ends, which begin at its first map, come behind ours. */
static void open_map(struct disk *d, bool is_restored)
{
	static bool is_stopped_at_exit;

	must(d, "open", d->module->open(d->map_dir, is_restored, d->memory_bytes, &d->map));
	if (!is_stopped_at_exit && atexit(stop_at_exit) != 0)
		die(EX_TEMPFAIL, "out of memory");
	is_stopped_at_exit = true;
}

static struct disk_map *map_of(struct disk *d)
{
	if (!d->map)
		open_map(d, false);
	return d->map;
}

void disk_close(struct disk *d)
{
	if (d->map)
		d->module->close(d->map);
	only = NULL;
	workdir_remove();
	json_decref(d->tables);
	free(d->map_dir);
	free(d);
}

/* The map */

static struct disk_bytes bytes_of(const void *data, size_t len)
{
	return (struct disk_bytes){data, len};
}

bool disk_get(
	struct disk *d, const void *key, size_t key_len, const char **value, size_t *value_len)
{
	struct disk_bytes found;

	must(d, "read", d->module->get(map_of(d), bytes_of(key, key_len), &found));
	*value = found.data;
	*value_len = found.len;
	return found.data != NULL;
}

void disk_put(struct disk *d, const void *key, size_t key_len, const void *value, size_t value_len)
{
	must(d, "write",
		d->module->put(map_of(d), bytes_of(key, key_len), bytes_of(value, value_len)));
}

void disk_delete(struct disk *d, const void *key, size_t key_len)
{
	must(d, "write", d->module->delete (map_of(d), bytes_of(key, key_len)));
}

void disk_delete_range(
	struct disk *d, const void *from, size_t from_len, const void *to, size_t to_len)
{
	must(d, "write",
		d->module->delete_range(map_of(d), bytes_of(from, from_len), bytes_of(to, to_len)));
}

struct disk_cursor *disk_seek(
	struct disk *d, const void *from, size_t from_len, const void *to, size_t to_len)
{
	struct disk_cursor *c;

	must(d, "read",
		d->module->seek(map_of(d), bytes_of(from, from_len), bytes_of(to, to_len), &c));
	return c;
}

bool disk_next(struct disk_cursor *c, const char **key, size_t *key_len, const char **value,
	size_t *value_len)
{
	struct disk_bytes k, v;

	must(only, "read", only->module->next(c, &k, &v));
	*key = k.data;
	*key_len = k.len;
	*value = v.data;
	*value_len = v.len;
	return k.data != NULL;
}

void disk_cursor_close(struct disk_cursor *c)
{
	only->module->cursor_close(c);
}

/* Snapshots */

/* Durable, and a bulk file of this run, under which name there was none: gives its entry. From the
 * checkpoint, which is the run's own, it is moved; what RocksDB goes on with is another link. */
static json_t *keep(struct disk *d, const char *from, const char *kind, uint64_t number)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	char hash[RUN_DIGITS + 1];
	struct buf to, name;
	uint64_t sum;
	struct stat st;
	json_t *entry;

	buf_init(&name);
	buf_init(&to);
	bulk_name_print(&name, kind, d->run, number);
	path_in(&to, d->stage_dir, buf_string(&name));
	if (fd < 0 || fstat(fd, &st) != 0 || fchmod(fd, 0600) != 0 ||
		!file_hash(fd, (uint64_t)st.st_size, &sum))
		die_errno(EX_IOERR, "cannot read '%s'", from);
	durable_sync(fd, from);
	close(fd);
	if (access(buf_string(&to), F_OK) == 0)
		die(EX_CONFIG, "'%s' is there already: no two runs may have one name", to.data);
	if (rename(from, buf_string(&to)) != 0)
		die_errno(EX_IOERR, "cannot rename '%s' to '%s'", from, to.data);
	run_print(hash, sum);
	entry = json_pack("{ss sI ss}", "name", buf_string(&name), "bytes", (json_int_t)st.st_size,
		"xxh3", hash);
	buf_release(&name);
	buf_release(&to);
	return entry;
}

/* RocksDB's name of a table: NUMBER.sst. */
static bool is_table(const char *name, uint64_t *number)
{
	size_t digits = strspn(name, "0123456789");

	*number = digits && digits < 20 ? strtoull(name, NULL, 10) : 0;
	return digits && digits < 20 && strcmp(name + digits, ".sst") == 0;
}

static bool is_manifest(const char *name)
{
	return strncmp(name, "MANIFEST-", strlen("MANIFEST-")) == 0;
}

/* Adds what is new of a checkpoint to the stage's files, and all of it to the snapshot. */
static void keep_all(struct disk *d, const char *dir, struct snapshot *to)
{
	json_t *tables = json_object(), *entry;
	const char *manifest = NULL;
	struct names names;
	struct buf path;
	uint64_t number;

	buf_init(&path);
	if (!names_read(&names, dir))
		die_errno(EX_IOERR, "cannot list '%s'", dir);
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.list[i];

		path_in(&path, dir, name);
		if (is_table(name, &number)) {
			entry = json_incref(json_object_get(d->tables, name));
			if (!entry)
				entry = keep(d, path.data, table_kind, number);
			json_object_set(tables, name, entry);
			json_array_append_new(to->files, entry);
		} else if (is_manifest(name)) {
			assert(!manifest);
			manifest = name;
			entry = keep(d, path.data, manifest_kind, ++d->snapshots);
			json_array_append_new(to->files, entry);
		}
	}
	assert(manifest);
	json_object_set_new(to->state, "disk", json_pack("{ss}", "manifest", manifest));
	json_decref(d->tables);
	d->tables = tables;
	names_release(&names);
	buf_release(&path);
}

void disk_snapshot(struct disk *d, struct snapshot *to)
{
	struct buf dir, inside;

	assert(d->stage_dir);
	buf_init(&dir);
	buf_init(&inside);
	path_in(&dir, d->work, "checkpoint");
	path_in(&inside, d->stage_dir, ".");
	must(d, "write", d->module->checkpoint(map_of(d), dir.data));
	keep_all(d, dir.data, to);
	durable_sync_parent(inside.data);
	workdir_clear("checkpoint");
	buf_release(&dir);
	buf_release(&inside);
}

/* Restoring */

__attribute__((noreturn)) static void damaged(const char *path, const char *why)
{
	die(EX_IOERR,
		"'%s' is damaged: %s; put it back from a backup, or go back to an earlier epoch "
		"(dd-deliver --rewind); dd-run --check tells which are whole",
		path, why);
}

static void copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out;
	ssize_t n = 1;

	if (in < 0)
		die_errno(EX_IOERR, "cannot open '%s'", from);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		die_errno(EX_IOERR, "cannot create '%s'", to);
	while (n > 0)
		n = sendfile(out, in, NULL, 1 << 30);
	if (n < 0 || close(out) != 0)
		die_errno(EX_IOERR, "cannot copy '%s' to '%s'", from, to);
	close(in);
}

/* RocksDB deletes its link one day; the file it never changes. */
static void put_back_table(struct disk *d, const char *from, json_t *entry, uint64_t number)
{
	char name[32];
	struct buf to;

	buf_init(&to);
	snprintf(name, sizeof(name), "%06" PRIu64 ".sst", number);
	path_in(&to, d->map_dir, name);
	if (link(from, to.data) != 0)
		copy(from, to.data);
	json_object_set(d->tables, name, entry);
	buf_release(&to);
}

static void put_back_manifest(
	struct disk *d, const char *from, const json_t *entry, const char *name)
{
	uint64_t hash, bytes = (uint64_t)json_integer_value(json_object_get(entry, "bytes"));
	const char *why = "its record has no hash of it";
	struct buf path;
	struct out current;

	buf_init(&path);
	if (run_read(survey_text(entry, "xxh3"), &hash))
		why = file_hash_check(from, bytes, hash);
	if (why)
		damaged(from, why);
	copy(from, path_in(&path, d->map_dir, name));
	out_init(&current, durable_create(path_in(&path, d->map_dir, "CURRENT")), path.data);
	out_add(&current, name, strlen(name));
	out_add(&current, "\n", 1);
	out_close(&current);
	out_release(&current);
	buf_release(&path);
}

static bool is_kind(const struct bulk_name *is, const char *kind)
{
	return is->kind_len == strlen(kind) && memcmp(is->kind, kind, is->kind_len) == 0;
}

void disk_restore(struct disk *d, const struct snapshot *from)
{
	const char *manifest = survey_text(json_object_get(from->state, "disk"), "manifest");
	struct bulk_name is;
	struct buf path;
	json_t *entry;
	size_t i;

	assert(!d->map && d->stage_dir);
	if (!is_manifest(manifest) || strchr(manifest, '/'))
		die(EX_CONFIG, "the state of this epoch was not kept on disk (--state rocksdb)");
	buf_init(&path);
	json_array_foreach (from->files, i, entry) {
		const char *name = survey_text(entry, "name");

		path_in(&path, d->stage_dir, name);
		if (bulk_name_read(name, &is) && is_kind(&is, table_kind))
			put_back_table(d, path.data, entry, is.number);
		else if (bulk_name_read(name, &is) && is_kind(&is, manifest_kind))
			put_back_manifest(d, path.data, entry, manifest);
	}
	buf_release(&path);
	open_map(d, true);
}
