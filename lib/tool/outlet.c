#include "tool/outlet.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "io/append.h"
#include "io/durable.h"

void outlet_init(struct outlet *o)
{
	*o = (struct outlet){0};
	out_init(&o->out, STDOUT_FILENO, "stdout");
	buf_init(&o->after);
}

void outlet_release(struct outlet *o)
{
	deadletters_release(&o->letters);
	if (o->has_segments)
		sidefile_release(&o->segments);
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

static void side_open(struct outlet *o, const char *path)
{
	struct stat st;
	int fd;

	o->has_side = true;
	o->side_is_file = stat(path, &st) != 0 || S_ISREG(st.st_mode);
	if (o->side_is_file) {
		append_open(&o->side, path);
		return;
	}
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		die_errno(EX_CANTCREAT, "cannot open '%s'", path);
	out_init(&o->side, fd, path);
}

/* Under a checkpoint the file is not touched before a commit, and which epoch it is, is not known
 * yet. */
void outlet_side_open(struct outlet *o, const char *path, const char *kind)
{
	o->side_path = path;
	o->side_kind = kind;
	if (!o->is_checkpointed)
		side_open(o, path);
}

void outlet_side_add(struct outlet *o, const char *line, size_t len)
{
	if (o->has_segments)
		sidefile_add(&o->segments, line, len);
	else
		out_add(&o->side, line, len + 1);
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
	if (o->side_is_file)
		durable_sync(o->side.fd, o->side.name);
}

/* Epochs */

void outlet_begin_epoch(struct outlet *o, const struct checkpoint *c, uint64_t epoch)
{
	deadletters_begin_epoch(&o->letters, c->incarnation, c->run, epoch);
	if (o->side_path) {
		sidefile_init(&o->segments, c, o->side_path, o->side_kind, epoch);
		o->has_segments = true;
	}
}

void outlet_seal(struct outlet *o)
{
	deadletters_seal(&o->letters);
	if (o->has_segments)
		sidefile_seal(&o->segments);
}

void outlet_publish(struct outlet *o, struct epoch committed)
{
	deadletters_publish(&o->letters, committed.run, committed.number);
	if (o->has_segments)
		sidefile_publish(&o->segments, committed);
}
