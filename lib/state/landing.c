#include "state/landing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/durable.h"
#include "io/lock.h"
#include "state/document.h"

enum { COPY_BYTES = 64 << 10 };

static const char partial[] = ".partial";

static char *path_of(const char *dir, const char *name)
{
	struct buf path;
	char *text;

	buf_init(&path);
	buf_format(&path, "%s/%s", dir, name);
	text = mem_string(buf_string(&path));
	buf_release(&path);
	return text;
}

/* The start */

static void lock_take(struct landing *l)
{
	char *path = path_of(l->inner, "lock");

	l->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (l->lock < 0)
		die_errno(EX_CANTCREAT, "cannot create '%s'", path);
	if (!lock_wait(l->lock, path))
		die(EX_TEMPFAIL,
			"'%s' is locked: another process of this pipeline is at work there", path);
	free(path);
}

void landing_open(struct landing *l, const char *dir, const char *pipeline, const char *stage)
{
	struct buf inner;
	char *path;

	*l = (struct landing){.dir = dir, .files = json_array(), .committed = json_array()};
	durable_dir(dir);
	buf_init(&inner);
	buf_format(&inner, "%s/.%s.%s", dir, pipeline, stage);
	l->inner = mem_string(buf_string(&inner));
	buf_release(&inner);
	durable_dir(l->inner);
	lock_take(l);
	path = path_of(l->inner, "manifest");
	l->manifest = document_get(
		path, "it says what of the directory is committed: restore it from a backup");
	durable_adopt(path);
	free(path);
}

void landing_release(struct landing *l)
{
	if (!l->inner)
		return;
	json_decref(l->manifest);
	json_decref(l->files);
	json_decref(l->committed);
	close(l->lock);
	free(l->inner);
	l->inner = NULL;
}

bool landing_held(
	const struct landing *l, char incarnation[INCARNATION_DIGITS + 1], struct epoch *at)
{
	const char *text = json_string_value(json_object_get(l->manifest, "incarnation"));

	if (!l->manifest)
		return false;
	if (!text || strlen(text) != INCARNATION_DIGITS || !epoch_read(l->manifest, at))
		die(EX_IOERR, "'%s/manifest' is no manifest, though its checksum is right",
			l->inner);
	memcpy(incarnation, text, INCARNATION_DIGITS + 1);
	return true;
}

static const char *text_of(const json_t *file, const char *key)
{
	const char *text = json_string_value(json_object_get(file, key));

	return text ? text : "";
}

static bool is_committed_file(const struct landing *l, const char *name)
{
	json_t *file;
	size_t i;

	json_array_foreach (l->committed, i, file)
		if (strcmp(text_of(file, "from"), name) == 0)
			return true;
	return false;
}

static void delete (const struct landing *l, const char *name)
{
	char *path = path_of(l->inner, name);

	if (unlink(path) != 0 && errno != ENOENT)
		die_errno(EX_IOERR, "cannot delete '%s'", path);
	free(path);
}

static void tidy(const struct landing *l, const char *keep)
{
	DIR *dir = opendir(l->inner);
	struct dirent *entry;

	if (!dir)
		die_errno(EX_IOERR, "cannot list '%s'", l->inner);
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name, *dot = strrchr(name, '.');

		if (dot && strcmp(dot, partial) == 0 && !is_committed_file(l, name) &&
			(!keep || strcmp(keep, name) != 0))
			delete (l, name);
	}
	closedir(dir);
}

/* Those that have not got their names, as far as is known. */
static void recall(struct landing *l)
{
	json_t *file;
	size_t i;

	json_array_foreach (json_object_get(l->manifest, "files"), i, file) {
		char *from = path_of(l->inner, text_of(file, "from"));

		if (access(from, F_OK) == 0)
			json_array_append(l->committed, file);
		free(from);
	}
}

void landing_recover(struct landing *l, uint64_t run, const char *keep)
{
	l->run = run;
	recall(l);
	tidy(l, keep);
}

/* Files */

static char *own_name(struct landing *l)
{
	struct buf name;
	char *text;

	buf_init(&name);
	buf_format(&name, "%s/%016llx.%06llu%s", l->inner, (unsigned long long)l->run,
		(unsigned long long)++l->created, partial);
	text = mem_string(buf_string(&name));
	buf_release(&name);
	return text;
}

void landing_create(struct landing *l, struct landing_file *f)
{
	int fd;

	f->path = own_name(l);
	fd = durable_create(f->path);
	if (fd < 0)
		die(EX_CANTCREAT, "'%s' is there already", f->path);
	out_init(&f->out, fd, f->path);
}

const char *landing_file_name(const struct landing_file *f)
{
	return strrchr(f->path, '/') + 1;
}

void landing_resume(struct landing *l, struct landing_file *f, const char *name, uint64_t bytes,
	void (*look)(void *context, const char *bytes, size_t len), void *context)
{
	char *path = path_of(l->inner, name), *piece = mem_alloc(COPY_BYTES);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die_errno(EX_IOERR, "cannot open '%s', which holds the open batch", path);
	landing_create(l, f);
	while (bytes) {
		size_t most = bytes < COPY_BYTES ? (size_t)bytes : COPY_BYTES;
		ssize_t n = read(fd, piece, most);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die(EX_IOERR,
				"'%s' is cut off: %llu more bytes of the open batch should "
				"be there",
				path, (unsigned long long)bytes);
		out_add(&f->out, piece, (size_t)n);
		look(context, piece, (size_t)n);
		bytes -= (uint64_t)n;
	}
	close(fd);
	free(piece);
	free(path);
}

void landing_sync(struct landing_file *f)
{
	out_flush(&f->out);
	durable_sync(f->out.fd, f->path);
	durable_sync_parent(f->path);
}

void landing_finish(struct landing *l, struct landing_file *f, const char *name, json_t *info)
{
	landing_sync(f);
	json_object_set_new(info, "name", json_string(name));
	json_object_set_new(info, "from", json_string(landing_file_name(f)));
	json_array_append_new(l->files, info);
	out_close(&f->out);
	out_release(&f->out);
	free(f->path);
	f->path = NULL;
}

/* Committing */

void landing_adopt(struct landing *l)
{
	json_array_extend(l->committed, l->files);
	json_array_clear(l->files);
}

void landing_commit(struct landing *l, const char *incarnation, struct epoch at)
{
	char run[RUN_DIGITS + 1], *path = path_of(l->inner, "manifest");
	json_t *manifest;

	run_print(run, at.run);
	manifest = json_pack("{si ss sI ss sO}", "v", 1, "incarnation", incarnation, "epoch",
		(json_int_t)at.number, "run", run, "files", l->files);
	if (!manifest)
		die(EX_TEMPFAIL, "out of memory for a manifest");
	document_replace(path, manifest);
	json_decref(manifest);
	free(path);
	landing_adopt(l);
}

static bool has_its_name(const char *from)
{
	struct stat st;

	return stat(from, &st) != 0 || st.st_nlink > 1;
}

/* A name that says the hash of the bytes is there already when the same input came before. */
static bool is_there_already(const char *from, const char *to)
{
	struct stat x, y;

	return errno == EEXIST && stat(from, &x) == 0 && lstat(to, &y) == 0 && S_ISREG(y.st_mode) &&
	       x.st_size == y.st_size;
}

/* Linked, not renamed, so that a power cut that loses the name leaves the file. Who takes files
 * away must not get them again, so a file is linked once only, and then has one name. */
static void name_file(const struct landing *l, const json_t *file)
{
	char *from = path_of(l->inner, text_of(file, "from"));
	char *to = path_of(l->dir, text_of(file, "name"));

	if (!has_its_name(from) && link(from, to) != 0 && !is_there_already(from, to))
		die_errno(EX_CANTCREAT, "cannot link '%s' to '%s'", from, to);
	free(from);
	free(to);
}

void landing_link(const struct landing *l)
{
	char *any = path_of(l->dir, "any");

	for (size_t i = 0; i < json_array_size(l->committed); i++)
		name_file(l, json_array_get(l->committed, i));
	if (json_array_size(l->committed))
		durable_sync_parent(any);
	free(any);
}

void landing_forget(struct landing *l)
{
	for (size_t i = 0; i < json_array_size(l->committed); i++)
		delete (l, text_of(json_array_get(l->committed, i), "from"));
	json_array_clear(l->committed);
}
