#include "tool/filter.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "base/units.h"
#include "io/loop.h"
#include "io/pipe.h"
#include "record/control.h"
#include "tool/supervision.h"

enum {
	MAX_RECORD_DEFAULT = 16 << 20,
	MAX_RECORD_LIMIT = 1 << 30,
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

const struct opt *filter_options(struct filter *f)
{
	const struct opt rows[] = {
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
		.pipeline = "default",
		.max_record_bytes = MAX_RECORD_DEFAULT,
	};
	paths_init(&f->paths);
	paths_add(&f->paths, "$dd", &f->reserved_key);
	stream_init(&f->stream);
	buf_init(&f->detail);
}

void filter_release(struct filter *f)
{
	outlet_release(&f->outlet);
	lines_release(&f->lines);
	paths_release(&f->paths);
	buf_release(&f->detail);
	free(f->fields);
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

void filter_emit(struct filter *f, const char *line, size_t len)
{
	outlet_flush_passed(&f->outlet);
	out_add(&f->outlet.out, line, len);
	out_add(&f->outlet.out, "\n", 1);
	if (f->role == FILTER_SINK)
		return;
	f->balance.made++;
	if (stream_is_supervised(&f->stream))
		f->balance.hash_out += hash_bytes(line, len);
}

void filter_send_watermark(struct filter *f, int64_t watermark_ns)
{
	const uint64_t *run = stream_is_supervised(&f->stream) ? &f->stream.run : NULL;

	control_watermark(&f->outlet.after, run, watermark_ns);
}

void filter_side_open(struct filter *f, const char *path)
{
	outlet_side_open(&f->outlet, path);
}

void filter_side_add(struct filter *f, const struct record *r)
{
	out_add(&f->outlet.side, r->bytes, r->len + 1);
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

/* One record */

/* What stands against a line as a record, in the detail; NULL if nothing does. */
static const char *fault(struct filter *f, struct record *r)
{
	size_t column;
	const char *why;

	buf_clear(&f->detail);
	if (r->too_long) {
		buf_format(&f->detail, "longer than --max-record (%llu bytes)",
			(unsigned long long)f->max_record_bytes);
		return "malformed";
	}
	why = scan(&f->paths, r->bytes, r->len, &r->root, f->fields, &column);
	if (why)
		buf_format(&f->detail, "%s at column %zu", why, column + 1);
	else if (f->fields[f->reserved_key].type != SPAN_MISSING)
		buf_text(&f->detail, "the key $dd is reserved for control lines");
	else if (f->wants_object && r->root.type != SPAN_OBJECT)
		buf_text(&f->detail, "not an object");
	else
		return NULL;
	return "malformed";
}

static void settle(struct filter *f, const struct record *r, struct verdict v,
	void (*pass)(struct outlet *, const char *, size_t))
{
	switch (v.outcome) {
	case PASSED:
		f->balance.passed++;
		f->balance.hash_out += r->hash;
		pass(&f->outlet, r->bytes, r->len);
		break;
	case ABSORBED:
		f->balance.absorbed++;
		break;
	case HELD:
		break;
	case DROPPED:
		balance_reason(&f->balance, v.reason);
		break;
	case BAD:
		filter_reject(f, r, v.reason, f->detail.len ? buf_string(&f->detail) : NULL);
		break;
	}
	outlet_send_after(&f->outlet);
}

static void handle(
	struct filter *f, struct record *r, void (*pass)(struct outlet *, const char *, size_t))
{
	struct verdict v = {.outcome = BAD};

	if (stream_record(&f->stream) != STREAM_FINE)
		die(EX_CONFIG, "%s: line %llu: %s", r->source, (unsigned long long)r->line,
			f->stream.why);
	f->balance.in++;
	if (stream_is_supervised(&f->stream)) {
		if (!r->too_long)
			r->hash = hash_bytes(r->bytes, r->len);
		f->balance.hash_in += r->hash;
	}
	r->fields = f->fields;
	v.reason = fault(f, r);
	if (!v.reason)
		v = f->handlers->record ? f->handlers->record(f->state, r) : verdict(PASSED);
	settle(f, r, v, pass);
	if (f->balance.in == REJECTS_PERCENT_FROM)
		rejects_judge(&f->rejects, r->source, r->line, f->balance.in);
}

void filter_take(struct filter *f, struct record *r)
{
	handle(f, r, outlet_pass_copied);
}

static bool is_blank(const struct line *l)
{
	size_t i = 0;

	while (i < l->len && (l->at[i] == ' ' || l->at[i] == '\t' || l->at[i] == '\r'))
		i++;
	return i == l->len;
}

/* The reader's own limit is higher where a control line needs it. */
static void cut_too_long(struct record *r)
{
	if (!r->too_long)
		r->hash = hash_bytes(r->bytes, r->len);
	r->too_long = true;
	if (r->len > LINE_KEPT_BYTES)
		r->len = LINE_KEPT_BYTES;
}

static void take_line(struct filter *f, const struct line *l)
{
	struct record r = {
		.bytes = l->at,
		.len = l->len,
		.source = f->input.name,
		.line = l->number,
		.offset = l->offset,
		.length = l->length,
		.too_long = l->too_long,
		.hash = l->hash,
	};

	if (f->handlers->line) {
		f->handlers->line(f->state, l);
		return;
	}
	if (is_blank(l)) {
		f->balance.empty++;
		return;
	}
	if (f->role != FILTER_SOURCE && control_begins(l->at, l->len) && supervision_line(f, l))
		return;
	/* what a stage that died left of its last line is no record */
	if (!l->ended && stream_is_supervised(&f->stream) && f->role != FILTER_SOURCE)
		return;
	if (l->len > f->max_record_bytes)
		cut_too_long(&r);
	handle(f, &r, outlet_pass_in_place);
}

/* The loop */

static void attend_signals(struct filter *f)
{
	if (loop_figures_asked()) {
		bool quiet = f->quiet;

		f->quiet = false;
		filter_tell(f);
		f->quiet = quiet;
	}
	if (f->role == FILTER_SOURCE && loop_stop_asked())
		die(EX_TEMPFAIL, "interrupted");
}

static void wait_for_input(struct filter *f)
{
	int fd = input_waits_on(&f->input);
	int64_t until_ns = LOOP_NEVER;

	attend_signals(f);
	if (loop_ready(fd))
		return;
	do {
		if (f->handlers->idle)
			until_ns = f->handlers->idle(f->state, loop_now_ns());
		outlet_flush(&f->outlet);
		attend_signals(f);
	} while (!loop_wait(fd, until_ns));
}

static void read_input(struct filter *f, const char *path)
{
	struct line l;

	input_open(&f->input, path);
	lines_begin(&f->lines, &f->input);
	if (f->handlers->input_begin)
		f->handlers->input_begin(f->state, f->input.name);
	do {
		while (lines_next(&f->lines, &l))
			take_line(f, &l);
		outlet_flush_passed(&f->outlet);
		wait_for_input(f);
	} while (lines_fill(&f->lines));
	if (lines_tail(&f->lines, &l))
		take_line(f, &l);
	outlet_flush_passed(&f->outlet);
	if (f->handlers->input_end)
		f->handlers->input_end(f->state);
	if (f->role != FILTER_SOURCE)
		supervision_end_of_input(f);
	input_close(&f->input);
}

static uint64_t random_number(void)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		die_errno(EX_TEMPFAIL, "cannot get a random number");
	return number;
}

void filter_begin(struct filter *f)
{
	pipe_guard_standard();
	loop_init();
	f->fields = mem_zero(f->paths.count, sizeof(*f->fields));
	lines_init(&f->lines, (size_t)(f->max_record_bytes > CONTROL_LINE_MAX ? f->max_record_bytes
									      : CONTROL_LINE_MAX));
	outlet_init(&f->outlet);
	if (f->rejects.dlq)
		deadletters_init(
			&f->outlet.letters, f->rejects.dlq, f->pipeline, f->name, random_number());
	supervision_speak_for(f);
	if (f->role == FILTER_SOURCE)
		supervision_open(f);
	if (f->handlers->begin)
		f->handlers->begin(f->state);
}

int filter_end(struct filter *f)
{
	/* in a supervised stream the last barrier has done this */
	if (!stream_is_supervised(&f->stream) && f->handlers->end)
		f->handlers->end(f->state);
	outlet_flush_passed(&f->outlet);
	outlet_sync(&f->outlet);
	if (f->role == FILTER_SOURCE)
		supervision_last(f);
	out_close(&f->outlet.out);
	supervision_hush();
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
