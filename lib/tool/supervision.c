#include "tool/supervision.h"

#include <stdlib.h>

#include "base/die.h"
#include "io/loop.h"
#include "io/pipe.h"
#include "io/random.h"
#include "record/control.h"
#include "tool/commitment.h"

static void become_supervised(struct filter *f)
{
	f->outlet.out.supervised = true;
	loop_catch_stop();
}

/* Into a file or a terminal nothing is said, but under a checkpoint. */
static void say_open(struct filter *f, uint64_t run, const struct control_start *start)
{
	struct buf line;

	if (f->plain || (!start->incarnation && !pipe_has_reader(f->outlet.out.fd)))
		return;
	stream_open(&f->stream, run, start->epoch);
	become_supervised(f);
	buf_init(&line);
	control_open(&line, run, f->pipeline ? f->pipeline : "default", start);
	out_add(&f->outlet.out, line.data, line.len);
	buf_release(&line);
}

/* Whose last words are said; die has no argument to say it with. */
static struct filter *speaker;

static void last_words(int status, const char *why)
{
	struct filter *f = speaker;
	struct buf line;

	out_drop(&f->outlet.out);
	outlet_flush_passed(&f->outlet);
	/* dying before the first line must not look like empty input to the stages behind */
	if (f->role != FILTER_SINK && f->stream.state == STREAM_START)
		say_open(f, random_number(), &(struct control_start){.epoch = 0});
	if (stream_is_supervised(&f->stream) && f->role != FILTER_SINK && !f->has_said_last &&
		!f->outlet.out.broken) {
		buf_init(&line);
		control_abort(&line, f->stream.run, f->name, status, why);
		out_add(&f->outlet.out, line.data, line.len);
		buf_release(&line);
	}
	outlet_flush(&f->outlet);
	if (f->epochs.is_open)
		checkpoint_failure(&f->epochs.checkpoint, status, why);
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

void supervision_open(struct filter *f, uint64_t run)
{
	const struct epochs *e = &f->epochs;
	const struct control_start start = {
		.incarnation = e->is_open ? e->checkpoint.incarnation : NULL,
		.epoch = e->start.at.number,
		.of = e->start.at.run,
		.is_new = e->begins_new,
	};

	say_open(f, run, &start);
}

json_t *supervision_balance(struct filter *f)
{
	json_t *balance = balance_json(&f->balance, &f->reported, f->name);

	f->reported = f->balance;
	epochs_mark(f, balance);
	return balance;
}

static void send_barrier(struct filter *f, const char *last)
{
	struct buf line;

	if (f->epochs.is_open)
		epochs_seal(f, f->stream.epoch + 1, NULL);
	stream_barrier(&f->stream, &f->stream.run, f->stream.epoch + 1, last != NULL);
	buf_init(&line);
	control_barrier(&line, f->stream.run, f->stream.epoch, last, supervision_balance(f));
	out_add(&f->outlet.out, line.data, line.len);
	f->has_said_last = last != NULL;
	buf_release(&line);
}

void supervision_epoch(struct filter *f)
{
	if (!stream_is_supervised(&f->stream))
		return;
	send_barrier(f, NULL);
	outlet_flush(&f->outlet);
	if (f->epochs.is_open)
		epochs_settle(f);
}

void supervision_last(struct filter *f)
{
	if (stream_is_supervised(&f->stream))
		send_barrier(f, f->epochs.pause_by ? f->epochs.pause_by : "end");
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

void supervision_demand_open(const struct filter *f)
{
	if (!f->epochs.is_open || f->epochs.has_joined)
		return;
	if (stream_is_supervised(&f->stream))
		die(EX_CONFIG, "the source of this stream has no checkpoint directory, but this "
			       "stage has: give --checkpoint to all of them, or to none");
	die(EX_CONFIG,
		"%s: the stream does not begin with 'open', which a checkpoint needs: does it come "
		"from dd-source --checkpoint, and is a filter in between dropping control lines?",
		f->input.name);
}

static void pass_on(struct filter *f, const struct line *l)
{
	if (f->role != FILTER_SINK)
		outlet_pass_copied(&f->outlet, l->at, l->len);
}

static void pass_barrier(struct filter *f, const struct control *c)
{
	struct buf line;

	buf_init(&line);
	control_barrier_joined(&line, c, supervision_balance(f));
	out_add(&f->outlet.out, line.data, line.len);
	f->has_said_last = c->is_last;
	buf_release(&line);
}

/* A stage keeps its windows at a pause; a sink's records are delivered in any case. */
static void end_at(struct filter *f, const struct control *c)
{
	if (f->handlers->end && (c->is_end || (c->is_last && f->role == FILTER_SINK)))
		f->handlers->end(f->state);
	outlet_flush_passed(&f->outlet);
}

static void checkpointed_barrier(struct filter *f, const struct control *c)
{
	if (f->role == FILTER_SINK) {
		outlet_flush_passed(&f->outlet);
		commitment_barrier(f, c);
		return;
	}
	end_at(f, c);
	epochs_seal(f, c->epoch, NULL);
	pass_barrier(f, c);
	outlet_flush(&f->outlet);
	epochs_settle(f);
}

/* What a barrier stands for must be done and durable before it is passed on. */
static void barrier(struct filter *f, const struct control *c)
{
	if (f->epochs.is_open) {
		checkpointed_barrier(f, c);
		return;
	}
	end_at(f, c);
	outlet_sync(&f->outlet);
	if (f->role != FILTER_SINK)
		pass_barrier(f, c);
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
	if (c->kind != CONTROL_OPEN && c->kind != CONTROL_ABORT)
		supervision_demand_open(f);
	switch (c->kind) {
	case CONTROL_OPEN:
		become_supervised(f);
		/* before anything can fail: an abort must find it said */
		pass_on(f, l);
		epochs_take_open(f, c);
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
	if (f->stream.state == STREAM_START && (f->handshake.has_run || f->epochs.is_open))
		die(EX_TEMPFAIL,
			"%s ended without a line: a program before this one died or did not start "
			"(or drops all lines), so nothing is taken to be complete",
			f->input.name);
	supervision_demand_open(f);
	if (f->stream.state == STREAM_OPEN)
		die(EX_TEMPFAIL,
			"%s ended without its last barrier: a stage before this one died, so "
			"what is unfinished here stays so",
			f->input.name);
}
