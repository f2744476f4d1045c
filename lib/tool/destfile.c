#include "tool/destfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "io/append.h"
#include "io/durable.h"
#include "io/lock.h"
#include "io/loop.h"
#include "state/document.h"

enum { BEGIN_BYTES = 8 << 20 };

void destfile_init(struct destfile *d, struct filter *f, struct tabular *form)
{
	*d = (struct destfile){.filter = f, .form = form, .out = {.fd = -1}};
	buf_init(&d->path);
	buf_init(&d->commit_path);
}

void destfile_release(struct destfile *d)
{
	if (d->out.fd >= 0) {
		close(d->out.fd);
		out_release(&d->out);
	}
	buf_release(&d->path);
	buf_release(&d->commit_path);
}

void destfile_take_url(struct destfile *d, struct url *u, const char *text)
{
	struct url_option o;
	const char *why;

	if (u->path_len >= 2 && memcmp(u->path, "//", 2) == 0) {
		if (u->path_len < 3 || u->path[2] != '/')
			die(EX_USAGE, "'%s': a file has no host: it is file:PATH", text);
		u->path += 2;
		u->path_len -= 2;
	}
	why = url_decode(&d->path, u->path, u->path_len);
	if (why)
		die(EX_USAGE, "'%s': %s", text, why);
	if (!d->path.len || d->path.data[d->path.len - 1] == '/')
		die(EX_USAGE, "'%s' names no file: it is file:PATH", text);
	while (url_next_option(u, &o)) {
		if (!url_option_is(&o, "append") || o.value)
			die(EX_USAGE, "'%s': unknown option '%.*s': append is known", text,
				(int)o.len, o.name);
		d->appends = true;
	}
}

static uint64_t size_of(const struct out *o)
{
	struct stat st;

	if (fstat(o->fd, &st) != 0)
		die_errno(EX_IOERR, "cannot look at '%s'", o->name);
	if (!S_ISREG(st.st_mode))
		die(EX_CANTCREAT, "'%s' is not a regular file", o->name);
	return (uint64_t)st.st_size;
}

/* Without a checkpoint */

static struct out *plain_out(struct destfile *d)
{
	return d->appends ? &d->appended : &d->replaced.out;
}

static void destfile_begin(void *state)
{
	struct destfile *d = state;
	const char *path = buf_string(&d->path);

	if (!d->appends) {
		replace_open(&d->replaced, path);
		return;
	}
	append_open(&d->appended, path);
	tabular_continue(d->form, d->appended.fd, path, size_of(&d->appended));
}

static struct verdict take(struct destfile *d, const struct record *r, struct out *out)
{
	const char *why = tabular_write(d->form, r, out);

	if (why)
		return (struct verdict){BAD, why};
	if (out->bytes - d->begun_bytes >= BEGIN_BYTES) {
		durable_begin(out->fd, 0, 0);
		d->begun_bytes = out->bytes;
	}
	return verdict(HELD);
}

static struct verdict destfile_record(void *state, const struct record *r)
{
	return take(state, r, plain_out(state));
}

static int64_t destfile_idle(void *state, int64_t now_ns)
{
	(void)now_ns;
	out_flush(plain_out(state));
	return LOOP_NEVER;
}

static void settle(struct destfile *d)
{
	filter_settle(d->filter, balance_unfinished(&d->filter->balance));
}

static void destfile_end(void *state)
{
	struct destfile *d = state;

	if (d->appends) {
		append_close(&d->appended);
	} else {
		replace_land(&d->replaced);
		replace_release(&d->replaced);
	}
	settle(d);
}

const struct handlers destfile_handlers = {
	.begin = destfile_begin,
	.record = destfile_record,
	.idle = destfile_idle,
	.end = destfile_end,
};

/* Under a checkpoint */

static void read_commit(struct destfile *d, struct held *held)
{
	json_t *commit = document_get(buf_string(&d->commit_path),
		"it says how much of the file is committed: restore it from a backup, or move both "
		"away and start over");
	const char *incarnation = json_string_value(json_object_get(commit, "incarnation"));

	*held = (struct held){.is_there = commit != NULL, .where = buf_string(&d->commit_path)};
	d->has_commit = commit != NULL;
	if (!commit)
		return;
	if (!incarnation || strlen(incarnation) != INCARNATION_DIGITS ||
		!epoch_read(commit, &held->at))
		die(EX_IOERR, "'%s' is no commit of a file, though its checksum is right",
			buf_string(&d->commit_path));
	memcpy(held->incarnation, incarnation, INCARNATION_DIGITS + 1);
	d->bytes = (uint64_t)json_integer_value(json_object_get(commit, "bytes"));
	json_decref(commit);
}

/* The lock is the fence: who has it is the only one who writes. */
static void destfile_fence(void *state, const struct checkpoint *c, struct held *held)
{
	struct destfile *d = state;
	const char *path = buf_string(&d->path);
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd < 0)
		die_errno(EX_CANTCREAT, "cannot open '%s'", path);
	d->checkpoint = c;
	out_init(&d->out, fd, path);
	if (!lock_wait(fd, path))
		die(EX_TEMPFAIL, "'%s' is being written by another process", path);
	buf_format(&d->commit_path, "%s.commit", path);
	read_commit(d, held);
	durable_adopt(buf_string(&d->commit_path));
}

static void write_commit(struct destfile *d, struct epoch at)
{
	char run[RUN_DIGITS + 1];
	json_t *commit;

	run_print(run, at.run);
	commit = json_pack("{si ss ss ss sI ss sI}", "v", 1, "pipeline", d->filter->pipeline,
		"stage", d->filter->name, "incarnation", d->checkpoint->incarnation, "epoch",
		(json_int_t)at.number, "run", run, "bytes", (json_int_t)d->bytes);
	if (!commit)
		die(EX_TEMPFAIL, "out of memory for a commit");
	document_replace(buf_string(&d->commit_path), commit);
	json_decref(commit);
	d->has_commit = true;
}

static void destfile_take(void *state, struct epoch at)
{
	struct destfile *d = state;

	d->bytes = size_of(&d->out);
	write_commit(d, at);
}

static bool destfile_rewind(void *state, struct epoch at, const struct snapshot *own)
{
	struct destfile *d = state;

	d->bytes = (uint64_t)json_integer_value(json_object_get(own->state, "bytes"));
	if (size_of(&d->out) < d->bytes)
		return false;
	write_commit(d, at);
	return true;
}

/* What was there before this pipeline came is nobody's to cut off. */
static void begin_behind(struct destfile *d)
{
	uint64_t size = size_of(&d->out);

	if (size && !d->appends && !d->filter->commitment->take_over)
		die(EX_CONFIG,
			"'%s' has %llu bytes, of which '%s' knows nothing: move it away, or write "
			"?append behind it to go on behind them",
			d->out.name, (unsigned long long)size, buf_string(&d->commit_path));
	d->bytes = size;
}

/* What a stranger's line has no end of must not become one with the first of ours. */
static void end_last_line(struct destfile *d)
{
	char last = '\n';

	if (d->bytes && pread(d->out.fd, &last, 1, (off_t)d->bytes - 1) != 1)
		die_errno(EX_IOERR, "cannot read '%s'", d->out.name);
	if (last != '\n')
		out_add(&d->out, "\n", 1);
}

static void destfile_restore(void *state, const struct snapshot *from)
{
	struct destfile *d = state;

	(void)from;
	/* before the first byte, or what a crash leaves of the first epoch would be a stranger's */
	if (!d->has_commit) {
		begin_behind(d);
		write_commit(d, d->filter->epochs.start.at);
	}
	if (size_of(&d->out) < d->bytes && d->filter->commitment->take_over)
		d->bytes = size_of(&d->out);
	if (size_of(&d->out) < d->bytes)
		die(EX_IOERR,
			"'%s' is shorter than the %llu bytes that were committed: restore it from "
			"a "
			"backup, or --take-over goes on from what is there",
			d->out.name, (unsigned long long)d->bytes);
	if (ftruncate(d->out.fd, (off_t)d->bytes) != 0 ||
		lseek(d->out.fd, (off_t)d->bytes, SEEK_SET) < 0)
		die_errno(EX_IOERR, "cannot cut '%s'", d->out.name);
	end_last_line(d);
	tabular_continue(d->form, d->out.fd, d->out.name, d->bytes);
}

static struct verdict checkpointed_record(void *state, const struct record *r)
{
	struct destfile *d = state;

	return take(d, r, &d->out);
}

static void destfile_prepare(void *state, const struct control *barrier)
{
	struct destfile *d = state;

	(void)barrier;
	out_flush(&d->out);
	durable_sync(d->out.fd, d->out.name);
	settle(d);
}

static void destfile_snapshot(void *state, struct snapshot *to)
{
	struct destfile *d = state;

	d->bytes += d->out.bytes;
	d->out.bytes = d->begun_bytes = 0;
	json_object_set_new(to->state, "bytes", json_integer((json_int_t)d->bytes));
}

static void destfile_commit(void *state, struct epoch at, struct epoch after)
{
	(void)after;
	write_commit(state, at);
}

const struct handlers destfile_checkpointed = {
	.record = checkpointed_record,
	.restore = destfile_restore,
	.snapshot = destfile_snapshot,
};

const struct destination destfile_destination = {
	.fence = destfile_fence,
	.take = destfile_take,
	.rewind = destfile_rewind,
	.prepare = destfile_prepare,
	.commit = destfile_commit,
};
