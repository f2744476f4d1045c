#include "tool/filter.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "base/units.h"
#include "io/loop.h"
#include "io/pipe.h"
#include "io/random.h"
#include "record/control.h"
#include "tool/commitment.h"
#include "tool/intake.h"
#include "tool/supervision.h"

enum {
	MAX_RECORD_DEFAULT = 16 << 20,
	MAX_RECORD_LIMIT = 1 << 30,
	KEEP_DEFAULT = 3,
	CONTROL_LINE_MAX = 1 << 20, /* bytes; they grow by each stage's balance */
};

static const char *read_max_record(const char *text, void *to)
{
	const char *why = units_size(text, to);

	if (!why && (*(uint64_t *)to == 0 || *(uint64_t *)to > MAX_RECORD_LIMIT))
		why = "must be from 1 byte to 1GiB";
	return why;
}

static const char *read_name(const char *text, void *to)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	if (!*text || text[strspn(text, allowed)])
		return "a name is letters, digits, '_' and '-'";
	return opt_text(text, to);
}

/* An empty one undoes the variable. */
static const char *read_checkpoint(const char *text, void *to)
{
	*(const char **)to = *text ? text : NULL;
	return NULL;
}

const struct opt *filter_options(struct filter *f)
{
	const struct opt rows[] = {
		{.name = "checkpoint",
			.arg = "DIR",
			.read = read_checkpoint,
			.to = &f->epochs.dir,
			.env = "DDPIPE_CHECKPOINT"},
		{.name = "init", .to = &f->epochs.init},
		{.name = "changed", .to = &f->epochs.changed},
		{.name = "keep-checkpoints", .arg = "N", .read = opt_count, .to = &f->epochs.keep},
		{.name = "shared-dir", .to = &f->epochs.may_be_shared},
		{.name = "dlq",
			.arg = "DIR",
			.read = opt_text,
			.to = &f->rejects.dlq,
			.env = "DDPIPE_DLQ"},
		{.name = "max-bad",
			.arg = "N|P%",
			.read = rejects_read_limit,
			.to = &f->rejects.limit},
		{.name = "max-record",
			.arg = "SIZE",
			.read = read_max_record,
			.to = &f->max_record_bytes},
		{.name = "name", .arg = "STAGE", .read = read_name, .to = &f->name},
		{.name = "pipeline",
			.arg = "NAME",
			.read = read_name,
			.to = &f->pipeline,
			.env = "DDPIPE_PIPELINE"},
		{.letter = 'q', .name = "quiet", .to = &f->quiet},
		{.letter = 'w',
			.name = "where",
			.arg = "EXPR",
			.read = opt_text,
			.to = &f->where_text},
		{.name = NULL},
	};

	_Static_assert(sizeof(rows) <= sizeof(f->options), "room for the common options");
	memcpy(f->options, rows, sizeof(rows));
	return f->options;
}

void filter_init(struct filter *f, enum filter_role role, const char *name,
	const struct handlers *handlers, void *state)
{
	*f = (struct filter){
		.role = role,
		.handlers = handlers,
		.state = state,
		.passed_word = "passed",
		.name = name,
		.epochs = {.keep = KEEP_DEFAULT, .options = json_object()},
		.handshake = {.ready = -1},
		.max_record_bytes = MAX_RECORD_DEFAULT,
		.idle_ns = LOOP_NEVER,
	};
	paths_init(&f->paths);
	paths_add(&f->paths, "$dd", &f->reserved_key);
	stream_init(&f->stream);
	buf_init(&f->detail);
	outlet_init(&f->outlet);
	if (name)
		supervision_speak_for(f);
}

void filter_release(struct filter *f)
{
	epochs_close(f);
	handshake_close(&f->handshake);
	outlet_release(&f->outlet);
	lines_release(&f->lines);
	paths_release(&f->paths);
	buf_release(&f->detail);
	if (f->has_begun)
		shape_release(&f->shape);
	free(f->fields);
	free(f->next_fields);
	free(f->ahead.fields);
	expr_free(f->where);
}

int filter_field(struct filter *f, const char *path)
{
	int value = 0;
	const char *why = paths_add(&f->paths, path, &value);

	if (why)
		die(EX_USAGE, "field '%s': %s", path, why);
	f->wants_object = true;
	return value;
}

void filter_fields_added(struct filter *f, const struct record *r)
{
	struct span root;
	size_t where;

	assert(!f->ahead.fields);
	shape_release(&f->shape);
	shape_init(&f->shape, &f->paths);
	f->fields = mem_resize(f->fields, f->paths.count * sizeof(*f->fields));
	f->next_fields = mem_resize(f->next_fields, f->paths.count * sizeof(*f->fields));
	if (r)
		shape_scan(&f->shape,
			&(struct shape_line){.at = r->bytes, .len = r->len, .values = f->fields},
			&root, &where);
}

int64_t filter_arrival_ns(struct filter *f)
{
	if (!f->arrival_ns)
		f->arrival_ns = loop_wall_ns();
	return f->arrival_ns;
}

void filter_tell(struct filter *f)
{
	const char *what = NULL;
	uint64_t lost = 0;
	struct buf line;

	if (f->quiet)
		return;
	if (f->handlers->unfinished)
		lost = f->handlers->unfinished(f->state, &what);
	buf_init(&line);
	balance_text(&line, &f->balance, f->passed_word);
	if (lost)
		buf_format(&line, "; unfinished %s %llu", what, (unsigned long long)lost);
	warn("%s", buf_string(&line));
	buf_release(&line);
}

/* What handlers send */

static void note_made(struct filter *f, const char *line, size_t len)
{
	if (f->role == FILTER_SINK)
		return;
	f->balance.made++;
	if (stream_is_supervised(&f->stream))
		f->balance.hash_out += hash_bytes(line, len);
}

void filter_emit(struct filter *f, const char *line, size_t len)
{
	outlet_pass_copied(&f->outlet, line, len);
	note_made(f, line, len);
}

struct buf *filter_make(struct filter *f)
{
	outlet_end_run(&f->outlet);
	return out_make(&f->outlet.out);
}

void filter_made(struct filter *f)
{
	size_t len;
	const char *line = out_making(&f->outlet.out, &len);

	note_made(f, line, len - 1);
	out_made(&f->outlet.out);
}

void filter_drop(struct filter *f)
{
	out_drop(&f->outlet.out);
}

void filter_send_watermark(struct filter *f, int64_t watermark_ns)
{
	const uint64_t *run = stream_is_supervised(&f->stream) ? &f->stream.run : NULL;

	control_watermark(&f->outlet.after, run, watermark_ns);
}

struct side *filter_side_open(struct filter *f, const char *path, const char *kind)
{
	return outlet_side(&f->outlet, path, kind);
}

/* Records that are bad */

struct verdict filter_bad(struct filter *f, const char *reason, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_clear(&f->detail);
	buf_text(&f->detail, text);
	return (struct verdict){.outcome = BAD, .reason = reason};
}

void filter_reject(struct filter *f, const struct record *r, const char *reason, const char *detail)
{
	struct letter l = {
		.reason = reason,
		.detail = detail,
		.source = r->source,
		.line = r->line,
		.offset = r->offset,
		.bytes = r->bytes,
		.len = r->len,
		.length = r->length,
		.hash = r->hash ? r->hash : hash_bytes(r->bytes, r->len),
	};

	balance_reason(&f->balance, reason);
	rejects_take(&f->rejects, &f->outlet.letters, &l, f->balance.in);
}

void filter_settle(struct filter *f, uint64_t count)
{
	assert(count <= balance_unfinished(&f->balance));
	f->balance.passed += count;
}

/* Checkpoints */

void filter_shape(struct filter *f, const char *option, const char *text)
{
	json_t *value = json_string(text ? text : "");

	if (!value || json_object_set_new(f->epochs.options, option, value) != 0)
		die(EX_USAGE, "option '--%s' '%s' is not UTF-8", option, text);
}

const struct checkpoint *filter_checkpoint(const struct filter *f)
{
	return f->epochs.is_open ? &f->epochs.checkpoint : NULL;
}

void filter_epoch(struct filter *f)
{
	outlet_flush_passed(&f->outlet);
	supervision_epoch(f);
}

void filter_pause(struct filter *f, const char *by)
{
	f->epochs.pause_by = by;
}

bool filter_stop_asked(const struct filter *f)
{
	return f->epochs.is_open && loop_stop_asked();
}

void filter_begin_new(struct filter *f)
{
	f->epochs.begins_new = true;
}

/* The loop */

static void attend_signals(struct filter *f)
{
	if (loop_figures_asked()) {
		bool quiet = f->quiet;

		f->quiet = false;
		filter_tell(f);
		f->quiet = quiet;
		if (f->handlers->figures)
			f->handlers->figures(f->state);
	}
	if (loop_stop_insisted() ||
		(f->role == FILTER_SOURCE && loop_stop_asked() && !f->epochs.is_open))
		die(EX_TEMPFAIL, "interrupted");
}

bool filter_wait(struct filter *f, int fd, int64_t until_ns)
{
	/* an unsupervised filter finds out when it writes, as any does */
	int out_fd = f->outlet.out.supervised ? f->outlet.out.fd : -1;
	enum loop_event event;

	outlet_flush(&f->outlet);
	attend_signals(f);
	event = loop_wait(fd, out_fd, until_ns);
	if (event == LOOP_READER_GONE)
		out_reader_gone(&f->outlet.out);
	return event == LOOP_READABLE;
}

static void call_idle(struct filter *f, int64_t now_ns)
{
	f->idle_ns = LOOP_NEVER;
	if (f->handlers->idle)
		f->idle_ns = f->handlers->idle(f->state, now_ns);
	outlet_send_after(&f->outlet);
}

static void wait_for_input(struct filter *f)
{
	int fd = input_waits_on(&f->input);

	attend_signals(f);
	if (loop_ready(fd)) {
		if (f->idle_ns != LOOP_NEVER && f->idle_ns <= loop_now_ns())
			call_idle(f, loop_now_ns());
		return;
	}
	do
		call_idle(f, loop_now_ns());
	while (!filter_wait(f, fd, f->idle_ns));
}

static void read_input(struct filter *f, const char *path)
{
	struct line l;

	input_open(&f->input, path);
	lines_begin(&f->lines, &f->input);
	shape_forget_ahead(&f->shape);
	do {
		f->arrival_ns = 0;
		intake_lines(f, &f->lines);
		intake_drain(f);
		outlet_flush_passed(&f->outlet);
		wait_for_input(f);
	} while (lines_fill(&f->lines));
	if (lines_tail(&f->lines, &l))
		intake_line(f, &f->lines, &l);
	intake_drain(f);
	outlet_flush_passed(&f->outlet);
	if (f->role != FILTER_SOURCE)
		supervision_end_of_input(f);
	input_close(&f->input);
}

static void compile_where(struct filter *f)
{
	size_t column = 0;
	const char *why = expr_compile(&f->where, f->where_text, &f->paths, &column);

	if (why)
		die(EX_USAGE, "--where '%s': %s at column %zu", f->where_text, why, column);
	f->wants_object = true;
}

/* A source knows its run, and so does a sink that dd-run has started; all others learn it from
 * `open`. */
static void begin(struct filter *f)
{
	bool knows_run = f->handshake.has_run || f->role == FILTER_SOURCE;
	uint64_t run = f->handshake.has_run ? f->handshake.run : random_number();

	if (f->role == FILTER_SOURCE && !f->epochs.is_open)
		supervision_open(f, run);
	if (f->handlers->begin)
		f->handlers->begin(f->state);
	commitment_rewind(f);
	if (f->epochs.is_open && knows_run && f->role != FILTER_STAGE)
		epochs_join(f, run);
	if (f->role == FILTER_SOURCE && f->epochs.is_open)
		supervision_open(f, run);
	if (f->role == FILTER_SINK)
		handshake_ready(&f->handshake);
	handshake_close(&f->handshake);
}

void filter_begin(struct filter *f)
{
	pipe_guard_standard();
	umask(S_IRWXG | S_IRWXO); /* what is made here, and by helpers, is its owner's only */
	loop_init();
	supervision_speak_for(f);
	if (f->where_text)
		compile_where(f);
	f->has_begun = true;
	shape_init(&f->shape, &f->paths);
	f->fields = mem_zero(f->paths.count, sizeof(*f->fields));
	f->next_fields = mem_zero(f->paths.count, sizeof(*f->fields));
	if (f->handlers->prepare)
		f->ahead.fields = mem_zero(FILTER_AHEAD * f->paths.count, sizeof(*f->fields));
	lines_init(&f->lines, (size_t)(f->max_record_bytes > CONTROL_LINE_MAX ? f->max_record_bytes
									      : CONTROL_LINE_MAX));
	handshake_init(&f->handshake);
	epochs_open(f);
	if (!f->pipeline)
		f->pipeline = "default";
	if (f->rejects.dlq)
		deadletters_init(
			&f->outlet.letters, f->rejects.dlq, f->pipeline, f->name, random_number());
	f->outlet.is_checkpointed = f->epochs.is_open;
	begin(f);
}

int filter_end(struct filter *f)
{
	/* in a supervised stream the last barrier has done this */
	if (!stream_is_supervised(&f->stream) && f->handlers->end)
		f->handlers->end(f->state);
	outlet_flush_passed(&f->outlet);
	if (!f->epochs.is_open)
		outlet_sync(&f->outlet);
	if (f->role == FILTER_SOURCE)
		supervision_last(f);
	out_close(&f->outlet.out);
	supervision_hush();
	epochs_await(f);
	if (balance_unfinished(&f->balance))
		die(EX_SOFTWARE, "the balance does not add up; this is a bug");
	filter_tell(f);
	return EX_OK;
}

int filter_run(struct filter *f, char **inputs, int input_count)
{
	char dash[] = "-", *only_stdin[] = {dash};

	filter_begin(f);
	if (!input_count) {
		inputs = only_stdin;
		input_count = 1;
	}
	for (int i = 0; i < input_count; i++)
		read_input(f, inputs[i]);
	return filter_end(f);
}
