#include "state/epochfile.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/durable.h"
#include "state/snapshot.h"

void epochfile_init(
	struct epochfile *f, const struct checkpoint *c, const char *kind, uint64_t epoch)
{
	*f = (struct epochfile){.checkpoint = c, .kind = kind, .epoch = epoch};
}

void epochfile_release(struct epochfile *f)
{
	if (f->path)
		out_release(&f->out);
	free(f->path);
}

static char *path_of(const struct epochfile *f, uint64_t run, uint64_t epoch)
{
	struct buf path;
	char *text;

	buf_init(&path);
	buf_format(&path, "%s/", f->checkpoint->stage_dir);
	bulk_name_print(&path, f->kind, run, epoch);
	text = mem_string(buf_string(&path));
	buf_release(&path);
	return text;
}

void epochfile_add(struct epochfile *f, const char *bytes, size_t len)
{
	int fd;

	if (!f->path) {
		f->path = path_of(f, f->checkpoint->run, f->epoch);
		fd = durable_create(f->path);
		if (fd < 0)
			die(EX_CONFIG, "'%s' is there already", f->path);
		out_init(&f->out, fd, f->path);
	}
	out_add(&f->out, bytes, len);
}

void epochfile_seal(struct epochfile *f)
{
	if (f->path) {
		out_flush(&f->out);
		durable_sync(f->out.fd, f->path);
		out_close(&f->out);
		out_release(&f->out);
		durable_sync_parent(f->path);
		free(f->path);
		f->path = NULL;
	}
	f->epoch++;
}

static bool is_due(const struct epochfile *f, const struct bulk_name *is, struct epoch committed)
{
	return is->run == committed.run && is->number <= committed.number &&
	       is->kind_len == strlen(f->kind) && memcmp(is->kind, f->kind, is->kind_len) == 0;
}

char *epochfile_due(const struct epochfile *f, struct epoch committed)
{
	DIR *dir = opendir(f->checkpoint->stage_dir);
	struct dirent *entry;
	struct bulk_name is;
	uint64_t first = UINT64_MAX;

	if (!dir)
		die_errno(EX_IOERR, "cannot list '%s'", f->checkpoint->stage_dir);
	while ((entry = readdir(dir)))
		if (bulk_name_read(entry->d_name, &is) && is_due(f, &is, committed) &&
			is.number < first)
			first = is.number;
	closedir(dir);
	return first == UINT64_MAX ? NULL : path_of(f, committed.run, first);
}

void epochfile_delete(const char *path)
{
	if (unlink(path) != 0)
		die_errno(EX_IOERR, "cannot delete '%s'", path);
	durable_sync_parent(path);
}
