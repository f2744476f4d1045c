#include "state/sidefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/durable.h"
#include "state/document.h"

enum { COPY_BYTES = 64 << 10 };

void sidefile_init(struct sidefile *s, const struct checkpoint *c, const char *path,
	const char *kind, uint64_t epoch)
{
	struct buf note;

	*s = (struct sidefile){.path = path};
	epochfile_init(&s->held, c, kind, epoch);
	buf_init(&note);
	buf_format(&note, "%s/%s.note", c->stage_dir, kind);
	s->note = mem_string(buf_string(&note));
	buf_release(&note);
}

void sidefile_release(struct sidefile *s)
{
	epochfile_release(&s->held);
	free(s->note);
}

void sidefile_add(struct sidefile *s, const char *line, size_t len)
{
	epochfile_add(&s->held, line, len + 1);
}

void sidefile_seal(struct sidefile *s)
{
	epochfile_seal(&s->held);
}

/* Appending */

/* How long the user's file was before this segment was begun to be appended; -1: it was not. */
static long long noted_length(const struct sidefile *s, const char *segment)
{
	json_t *note = document_get(s->note, "if the last lines of the file are whole, delete it");
	const char *of = json_string_value(json_object_get(note, "segment"));
	long long length = -1;

	if (of && strcmp(of, strrchr(segment, '/') + 1) == 0)
		length = json_integer_value(json_object_get(note, "length"));
	json_decref(note);
	return length;
}

static void note_length(const struct sidefile *s, const char *segment, long long length)
{
	json_t *note = json_pack(
		"{sssI}", "segment", strrchr(segment, '/') + 1, "length", (json_int_t)length);

	document_replace(s->note, note);
	json_decref(note);
}

/* Takes off what an append that was cut short has left. */
static void begin_again(const struct sidefile *s, const char *segment, int fd)
{
	struct stat st;
	long long length = noted_length(s, segment);

	if (fstat(fd, &st) != 0)
		die_errno(EX_IOERR, "cannot look at '%s'", s->path);
	if (!S_ISREG(st.st_mode))
		return;
	/* who noted it may have died before the sync; once there is more, nothing else tells */
	if (length >= 0)
		durable_adopt(s->note);
	/* shorter: somebody has emptied or replaced it since */
	if (length >= 0 && st.st_size > length && ftruncate(fd, length) != 0)
		die_errno(EX_IOERR, "cannot cut '%s'", s->path);
	if (length < 0)
		note_length(s, segment, (long long)st.st_size);
}

static void copy(struct out *to, const char *segment)
{
	int fd = open(segment, O_RDONLY | O_CLOEXEC);
	char *bytes = mem_alloc(COPY_BYTES);
	ssize_t n;

	if (fd < 0)
		die_errno(EX_IOERR, "cannot open '%s'", segment);
	while ((n = read(fd, bytes, COPY_BYTES)) != 0) {
		if (n < 0 && errno != EINTR)
			die_errno(EX_IOERR, "cannot read '%s'", segment);
		if (n > 0)
			out_add(to, bytes, (size_t)n);
	}
	free(bytes);
	close(fd);
}

static void append_segment(const struct sidefile *s, const char *segment)
{
	int fd = open(s->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct stat st;
	struct out out;

	if (fd < 0)
		die_errno(EX_CANTCREAT, "cannot open '%s'", s->path);
	begin_again(s, segment, fd);
	out_init(&out, fd, s->path);
	copy(&out, segment);
	out_flush(&out);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		durable_sync(fd, s->path);
		durable_sync_parent(s->path);
	}
	out_close(&out);
	out_release(&out);
	epochfile_delete(segment);
}

void sidefile_publish(struct sidefile *s, struct epoch committed)
{
	char *segment;

	/* one at a time keeps them in order */
	while ((segment = epochfile_due(&s->held, committed))) {
		append_segment(s, segment);
		free(segment);
	}
}

char *sidefile_left(const char *stage_dir, struct epoch committed)
{
	static const char *const kinds[] = {SIDE_LATE, SIDE_DUPLICATES};
	const struct checkpoint other = {.stage_dir = (char *)(size_t)stage_dir};
	char *left = NULL;

	if (access(stage_dir, F_OK) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && !left; i++) {
		struct epochfile held;

		epochfile_init(&held, &other, kinds[i], 0);
		left = epochfile_due(&held, committed);
	}
	return left;
}
