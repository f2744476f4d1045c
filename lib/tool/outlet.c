#include "tool/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/die.h"

void outlet_init(struct outlet *o)
{
	*o = (struct outlet){0};
	out_init(&o->out, STDOUT_FILENO, "stdout");
	buf_init(&o->after);
}

void outlet_release(struct outlet *o)
{
	deadletters_release(&o->letters);
	if (o->has_side) {
		out_close(&o->side);
		out_release(&o->side);
	}
	out_release(&o->out);
	buf_release(&o->after);
}

void outlet_flush_passed(struct outlet *o)
{
	if (o->run_len)
		out_add(&o->out, o->run_from, o->run_len);
	o->run_len = 0;
}

void outlet_pass_in_place(struct outlet *o, const char *line, size_t len)
{
	if (o->run_len && o->run_from + o->run_len != line)
		outlet_flush_passed(o);
	if (!o->run_len)
		o->run_from = line;
	o->run_len += len + 1;
}

void outlet_pass_copied(struct outlet *o, const char *line, size_t len)
{
	outlet_flush_passed(o);
	out_add(&o->out, line, len + 1);
}

void outlet_send_after(struct outlet *o)
{
	if (o->after.len) {
		outlet_flush_passed(o);
		out_add(&o->out, o->after.data, o->after.len);
		buf_clear(&o->after);
	}
}

void outlet_side_open(struct outlet *o, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		die_errno(EX_CANTCREAT, "cannot open '%s'", path);
	out_init(&o->side, fd, path);
	o->has_side = true;
}

static void flush_sides(struct outlet *o)
{
	deadletters_flush(&o->letters);
	if (o->has_side)
		out_flush(&o->side);
}

/* Letters first: who sees a record of the output sees what was bad before it. */
void outlet_flush(struct outlet *o)
{
	flush_sides(o);
	outlet_flush_passed(o);
	out_flush(&o->out);
}

void outlet_sync(struct outlet *o)
{
	flush_sides(o);
	deadletters_sync(&o->letters);
	/* what can't be synced, a pipe say, answers EINVAL */
	if (o->has_side && fsync(o->side.fd) != 0 && errno != EINVAL)
		die_errno(EX_IOERR, "cannot sync '%s'", o->side.name);
}
