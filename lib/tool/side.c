#include "tool/side.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/die.h"
#include "io/append.h"
#include "io/durable.h"

static void open_now(struct side *s)
{
	struct stat st;
	int fd;

	s->is_open = true;
	s->is_file = stat(s->path, &st) != 0 || S_ISREG(st.st_mode);
	if (s->is_file) {
		append_open(&s->out, s->path);
		return;
	}
	fd = open(s->path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		die_errno(EX_CANTCREAT, "cannot open '%s'", s->path);
	out_init(&s->out, fd, s->path);
}

/* Under a checkpoint the file is not touched before a commit, and which epoch it is, is not known
 * yet. */
void side_init(struct side *s, const char *path, const char *kind, bool is_checkpointed)
{
	*s = (struct side){.path = path, .kind = kind};
	if (!is_checkpointed)
		open_now(s);
}

void side_release(struct side *s)
{
	if (s->has_segments)
		sidefile_release(&s->segments);
	if (s->is_open) {
		out_close(&s->out);
		out_release(&s->out);
	}
}

void side_add(struct side *s, const char *line, size_t len)
{
	if (s->has_segments)
		sidefile_add(&s->segments, line, len);
	else
		out_add(&s->out, line, len + 1);
}

void side_flush(struct side *s)
{
	if (s->is_open)
		out_flush(&s->out);
}

void side_sync(struct side *s)
{
	side_flush(s);
	if (s->is_file)
		durable_sync(s->out.fd, s->out.name);
}

void side_begin_epoch(struct side *s, const struct checkpoint *c, uint64_t epoch)
{
	sidefile_init(&s->segments, c, s->path, s->kind, epoch);
	s->has_segments = true;
}

void side_seal(struct side *s)
{
	if (s->has_segments)
		sidefile_seal(&s->segments);
}

void side_publish(struct side *s, struct epoch committed)
{
	if (s->has_segments)
		sidefile_publish(&s->segments, committed);
}
