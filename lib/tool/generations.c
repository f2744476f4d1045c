#include "tool/generations.h"

#include <dirent.h>
#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/die.h"
#include "tool/findings.h"
#include "tool/inputs.h"

bool generations_find(struct source_file *s)
{
	const char *slash = strrchr(s->name, '/');
	size_t dir_len = slash ? (size_t)(slash - s->name) + 1 : 0;
	struct dirent *entry;
	struct buf path;
	bool is_found = false;
	struct stat st;
	DIR *dir;

	buf_init(&path);
	buf_add(&path, s->name, dir_len);
	dir = opendir(dir_len ? buf_string(&path) : ".");
	while (dir && !is_found && (entry = readdir(dir))) {
		path.len = dir_len;
		buf_text(&path, entry->d_name);
		is_found = entry->d_ino == s->id.ino && stat(buf_string(&path), &st) == 0 &&
			   S_ISREG(st.st_mode) && source_file_is(s, buf_string(&path), &st);
	}
	if (is_found) {
		source_file_move(s, buf_string(&path));
		s->size = (uint64_t)st.st_size;
	}
	if (dir)
		closedir(dir);
	buf_release(&path);
	return is_found;
}

void generations_die_gone(const struct source_file *s)
{
	die(EX_IOERR,
		"'%s' was rotated away, compressed or deleted before it was read to its end: "
		"%" PRIu64
		" bytes of it are committed, and the file with the rest is not in its directory "
		"any more. Put it back if you can (under any name there, by mv); keep files until "
		"they are read: logrotate: 'delaycompress', 'rotate 2'; or --source-log",
		s->name, s->feed.offset);
}

/* A name that is to be part of a pattern. */
static void add_literally(struct buf *pattern, const char *name)
{
	for (const char *p = name; *p; p++) {
		if (strchr("*?[\\", *p))
			buf_char(pattern, '\\');
		buf_char(pattern, *p);
	}
}

bool generations_are_left(const char *name)
{
	struct buf pattern;
	glob_t found;
	bool is_there;

	buf_init(&pattern);
	add_literally(&pattern, name);
	buf_text(&pattern, "?*");
	is_there = glob(buf_string(&pattern), GLOB_NOSORT, NULL, &found) == 0;
	if (is_there)
		globfree(&found);
	buf_release(&pattern);
	return is_there;
}

/* Between two looks */

/* What a rotation puts behind a name is a number or a date. */
static bool is_generation(const char *path, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(path, name, len) != 0 || (path[len] != '.' && path[len] != '-'))
		return false;
	path += len + 1;
	return *path && !path[strspn(path, "0123456789-_:TZ")];
}

static bool was_written_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* By when they were written last; of equal times a higher number is older, as logrotate has it. */
static int by_age(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (was_written_before(&x->st.st_mtim, &y->st.st_mtim))
		return -1;
	if (was_written_before(&y->st.st_mtim, &x->st.st_mtim))
		return 1;
	return strverscmp(y->path, x->path);
}

/* The last file that is known to have had the name. */
static struct source_file *last_of(const struct inputs *in, const char *name)
{
	struct source_file *last = NULL;

	for (size_t i = 0; i < in->count; i++)
		if (strcmp(in->files[i]->name, name) == 0 && in->files[i]->is_seekable &&
			(!last || in->files[i]->sequence > last->sequence))
			last = in->files[i];
	return last;
}

/* Generations that are read are known for as long as they are there. */
static void forget_gone(struct inputs *in, const char *name)
{
	for (size_t i = in->count; i-- > 0;) {
		struct source_file *s = in->files[i];

		if (s->is_past && strcmp(s->name, name) == 0 && !generations_find(s))
			inputs_remove(in, i);
	}
}

/* Those that had the name behind `last` and lost it again while nobody looked. */
static void find_between(
	struct inputs *in, const struct source_file *last, struct findings *between)
{
	struct findings f = {.list = NULL};
	struct buf pattern;
	struct stat st;

	if (stat(last->path, &st) != 0)
		return;
	buf_init(&pattern);
	add_literally(&pattern, last->name);
	buf_text(&pattern, "[.-]*");
	findings_add_pattern(&f, buf_string(&pattern), last->operand);
	buf_release(&pattern);
	for (size_t i = 0; i < f.count; i++)
		if (is_generation(f.list[i].path, last->name) &&
			!was_written_before(&f.list[i].st.st_mtim, &st.st_mtim) &&
			!inputs_known_as(in, &f.list[i]))
			findings_add(between, f.list[i].path, last->operand, true);
	findings_release(&f);
}

void generations_add_between(struct inputs *in, const char *name)
{
	struct source_file *last = last_of(in, name);
	struct findings between = {.list = NULL};

	if (!last || (strcmp(last->path, name) == 0 && !generations_find(last)))
		return;
	find_between(in, last, &between);
	if (between.count)
		qsort(between.list, between.count, sizeof(*between.list), by_age);
	for (size_t i = 0; i < between.count; i++)
		inputs_add_found(in, &between.list[i], name)->is_from_glob = false;
	findings_release(&between);
	forget_gone(in, name);
}

bool generations_have_gone_on(const struct inputs *in, const struct source_file *s)
{
	struct stat st;

	for (size_t i = 0; i < in->count; i++) {
		const struct source_file *next = in->files[i];

		if (next == s || next->sequence < s->sequence || strcmp(next->name, s->name) != 0)
			continue;
		if (next->is_old_piece || next->continues == s ||
			(stat(next->path, &st) == 0 && st.st_size > 0))
			return true;
	}
	return false;
}
