#include "tool/supervision.h"

#include <stdlib.h>

#include "base/die.h"
#include "io/loop.h"
#include "io/pipe.h"
#include "io/random.h"
#include "record/control.h"

/* Whose last words are said; die has no argument to say it with. */
static struct filter *speaker;

static void last_words(int status, const char *why)
{
	struct filter *f = speaker;
	struct buf line;

	outlet_flush_passed(&f->outlet);
	/* dying before the first line must not look like empty input to the stages behind */
	if (f->role != FILTER_SINK && f->stream.state == STREAM_START)
		supervision_open(f);
	if (stream_is_supervised(&f->stream) && f->role != FILTER_SINK && !f->outlet.out.broken) {
		buf_init(&line);
		control_abort(&line, f->stream.run, f->name, status, why);
		out_add(&f->outlet.out, line.data, line.len);
		buf_release(&line);
	}
	outlet_flush(&f->outlet);
	if (f->has_begun)
		filter_tell(f);
}

void supervision_speak_for(struct filter *f)
{
	speaker = f;
	die_last_words(last_words);
}

void supervision_hush(void)
{
	die_last_words(NULL);
	speaker = NULL;
}

static void become_supervised(struct filter *f)
{
	f->outlet.out.supervised = true;
	loop_catch_stop();
}

void supervision_open(struct filter *f)
{
	struct buf line;
	uint64_t run;

	if (f->plain || !pipe_has_reader(f->outlet.out.fd))
		return;
	run = random_number();
	stream_open(&f->stream, run, 0);
	become_supervised(f);
	buf_init(&line);
	control_open(&line, run, f->pipeline, 0);
	out_add(&f->outlet.out, line.data, line.len);
	buf_release(&line);
}

static json_t *epoch_balance(struct filter *f)
{
	json_t *balance = balance_json(&f->balance, &f->reported, f->name);

	f->reported = f->balance;
	return balance;
}

void supervision_last(struct filter *f)
{
	struct buf line;

	if (!stream_is_supervised(&f->stream))
		return;
	stream_barrier(&f->stream, &f->stream.run, f->stream.epoch + 1, true);
	buf_init(&line);
	control_barrier(&line, f->stream.run, f->stream.epoch, "end", epoch_balance(f));
	out_add(&f->outlet.out, line.data, line.len);
	buf_release(&line);
}

static enum stream_answer judge(struct filter *f, const struct control *c)
{
	const uint64_t *run = c->has_run ? &c->run : NULL;

	switch (c->kind) {
	case CONTROL_OPEN:
		if (c->version != CONTROL_VERSION)
			die(EX_CONFIG,
				"%s: the stream is of version %lld, this program speaks %d: are "
				"the tools of one installation?",
				f->input.name, (long long)c->version, CONTROL_VERSION);
		return stream_open(&f->stream, c->run, c->epoch);
	case CONTROL_WATERMARK:
		return stream_watermark(&f->stream, run, c->watermark_ns);
	case CONTROL_BARRIER:
		return stream_barrier(&f->stream, run, c->epoch, c->is_last);
	case CONTROL_ABORT:
		return stream_abort(&f->stream, run);
	case CONTROL_UNKNOWN:
		return stream_unknown(&f->stream, run);
	}
	return STREAM_FOREIGN;
}

static void pass_on(struct filter *f, const struct line *l)
{
	outlet_flush_passed(&f->outlet);
	if (f->role != FILTER_SINK)
		out_add(&f->outlet.out, l->at, l->len + 1);
}

/* What a barrier stands for must be done and durable before it is passed on. */
static void barrier(struct filter *f, const struct control *c)
{
	struct buf line;

	/* a stage keeps its windows at a pause; a sink's records are delivered in any case */
	if (f->handlers->end && (c->is_end || (c->is_last && f->role == FILTER_SINK)))
		f->handlers->end(f->state);
	outlet_flush_passed(&f->outlet);
	outlet_sync(&f->outlet);
	if (f->role == FILTER_SINK)
		return;
	buf_init(&line);
	control_barrier_joined(&line, c, epoch_balance(f));
	out_add(&f->outlet.out, line.data, line.len);
	buf_release(&line);
}

static void abort_of(struct filter *f, const struct control *c, const struct line *l)
{
	int status = c->exit;

	warn("stopped as stage '%s' did: %s", c->stage, c->text);
	pass_on(f, l);
	outlet_flush(&f->outlet);
	filter_tell(f);
	supervision_hush();
	exit(status);
}

static void obey(struct filter *f, const struct control *c, const struct line *l)
{
	switch (c->kind) {
	case CONTROL_OPEN:
		become_supervised(f);
		pass_on(f, l);
		return;
	case CONTROL_WATERMARK:
		if (!f->handlers->consumes_watermarks)
			pass_on(f, l);
		if (f->handlers->watermark)
			f->handlers->watermark(f->state, c->watermark_ns);
		outlet_send_after(&f->outlet);
		return;
	case CONTROL_BARRIER:
		barrier(f, c);
		return;
	case CONTROL_ABORT:
		abort_of(f, c, l);
		return;
	case CONTROL_UNKNOWN:
		pass_on(f, l);
		return;
	}
}

bool supervision_line(struct filter *f, const struct line *l)
{
	enum stream_answer answer = STREAM_FOREIGN;
	struct control c;

	if (!l->ended)
		return stream_is_supervised(&f->stream);
	if (!l->too_long && !control_read(&c, l->at, l->len))
		answer = judge(f, &c);
	if (answer == STREAM_BREACH)
		die(EX_CONFIG,
			"%s: line %llu: %s; is a filter in between re-ordering or dropping lines?",
			f->input.name, (unsigned long long)l->number, f->stream.why);
	if (answer == STREAM_FINE)
		obey(f, &c, l);
	if (!l->too_long)
		control_release(&c);
	return answer == STREAM_FINE;
}

void supervision_end_of_input(struct filter *f)
{
	if (f->stream.state == STREAM_OPEN)
		die(EX_TEMPFAIL,
			"%s ended without its last barrier: a stage before this one died, so "
			"what is unfinished here stays so",
			f->input.name);
}
