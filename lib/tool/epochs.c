#include "tool/epochs.h"

#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/loop.h"
#include "record/control.h"
#include "tool/commitment.h"
#include "tool/filter.h"
#include "tool/spooling.h"

static struct snapshot empty_snapshot(void)
{
	struct snapshot s;

	snapshot_init(&s);
	return s;
}

/* The start */

static void name_store(struct filter *f)
{
	struct buf path;

	if (f->rejects.dlq)
		return;
	buf_init(&path);
	buf_format(&path, "%s/dlq", f->epochs.dir);
	f->epochs.dlq = mem_string(buf_string(&path));
	f->rejects.dlq = f->epochs.dlq;
	buf_release(&path);
}

/* The last part of the directory's path names the pipeline, unless something else does. */
static void name_pipeline(struct filter *f)
{
	const char *dir = f->epochs.dir, *end = dir + strlen(dir), *from;

	while (end > dir && end[-1] == '/')
		end--;
	for (from = end; from > dir && from[-1] != '/'; from--)
		;
	if (f->pipeline || from == end)
		return;
	f->epochs.pipeline = mem_string(from);
	f->epochs.pipeline[end - from] = '\0';
	f->pipeline = f->epochs.pipeline;
}

void epochs_open(struct filter *f)
{
	struct epochs *e = &f->epochs;
	const struct checkpoint_rules rules = {
		.is_sink = f->role == FILTER_SINK,
		.run = f->handshake.run,
		.may_be_shared = e->may_be_shared,
	};

	if (!e->dir)
		return;
	if (e->keep < 2)
		die(EX_USAGE, "--keep-checkpoints must be at least 2: the destination may hold an "
			      "epoch that the directory does not know of yet");
	if (f->plain)
		die(EX_USAGE, "--plain and --checkpoint exclude each other: epochs are said in "
			      "control lines");
	if (rules.is_sink && !f->commitment)
		die(EX_CONFIG, "this command commits nothing: it is no sink of a pipeline with a "
			       "checkpoint directory (--checkpoint '' undoes the variable)");
	checkpoint_open(&e->checkpoint, e->dir, f->name, &rules);
	e->is_open = true;
	name_pipeline(f);
	name_store(f);
	if (f->role == FILTER_SOURCE) {
		loop_catch_stop();
		handshake_await(&f->handshake);
	}
}

void epochs_close(struct filter *f)
{
	struct epochs *e = &f->epochs;

	commit_release(&e->start);
	json_decref(e->options);
	free(e->dlq);
	free(e->pipeline);
	if (e->is_open)
		checkpoint_close(&e->checkpoint);
	e->is_open = false;
}

/* An option that is not there has no text. */
static const char *option_text(const json_t *options, const char *name)
{
	const char *text = json_string_value(json_object_get(options, name));

	return text ? text : "";
}

static void compare_option(
	const struct filter *f, const char *name, const char *was, const char *is, uint64_t number)
{
	if (strcmp(was, is) == 0)
		return;
	die(EX_CONFIG,
		"--%s is '%s', but the state of epoch %llu was made with '%s', and can't be read "
		"by the new value: give the old one, or begin the stage anew with another --name "
		"and --init (and --forget %s at the sink)",
		name, is, (unsigned long long)number, was, f->name);
}

static void compare_options(const struct filter *f, const json_t *was, uint64_t number)
{
	const json_t *is = f->epochs.options;
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(size_t)was, name, value)
		compare_option(f, name, option_text(was, name), option_text(is, name), number);
	json_object_foreach ((json_t *)(size_t)is, name, value)
		compare_option(f, name, option_text(was, name), option_text(is, name), number);
}

/* An older run that is still there may have committed, and swept, since the commit was read. */
static void check_still(struct filter *f, struct epoch at)
{
	struct commit now;

	checkpoint_commit(&f->epochs.checkpoint, &now);
	if (now.at.number != at.number || now.at.run != at.run)
		die(EX_TEMPFAIL,
			"an older run has committed epoch %llu since this start read the commit: "
			"the next start is consistent",
			(unsigned long long)now.at.number);
	commit_release(&now);
}

static void load(struct filter *f, struct epoch at)
{
	struct snapshot s;

	if (!at.number) {
		if (f->handlers->restore)
			f->handlers->restore(f->state, NULL);
		return;
	}
	if (!snapshot_is_there(&f->epochs.checkpoint, at))
		check_still(f, at);
	snapshot_read(&f->epochs.checkpoint, at, &s);
	compare_options(f, s.options, at.number);
	if (f->role == FILTER_SINK)
		spooling_refuse_rest(f, &s);
	if (f->handlers->restore)
		f->handlers->restore(f->state, &s);
	snapshot_release(&s);
}

static void sweep(struct filter *f, struct epoch commit, uint64_t spared)
{
	deadletters_sweep(&f->outlet.letters, spared);
	snapshot_sweep(&f->epochs.checkpoint, commit, (unsigned)f->epochs.keep, spared);
}

/* What the commit covers is published before anything new is made, and durably so, whoever did it:
 * once this run has committed, a hidden name of an older one is a dead start's, and swept. */
static void settle_start(struct filter *f)
{
	struct epochs *e = &f->epochs;

	e->last = e->start.at;
	outlet_begin_epoch(&f->outlet, &e->checkpoint, e->start.at.number + 1);
	outlet_publish(&f->outlet, e->start.at);
	deadletters_adopt(&f->outlet.letters);
}

static void check_known(struct filter *f)
{
	struct epochs *e = &f->epochs;

	e->is_init = e->start.at.number && !commit_has_stage(&e->start, f->name);
	if (e->is_init && !e->init)
		die(EX_CONFIG,
			"stage '%s' is not in the pipeline that committed epoch %llu: --init says "
			"that it is new and begins empty (--forget STAGE at the sink, that another "
			"one is gone)",
			f->name, (unsigned long long)e->start.at.number);
}

static void join(struct filter *f, uint64_t run, bool begins_new)
{
	struct epochs *e = &f->epochs;
	uint64_t claimer;

	checkpoint_begin_run(&e->checkpoint, run);
	e->has_joined = true;
	checkpoint_commit(&e->checkpoint, &e->start);
	check_known(f);
	if (f->commitment)
		commitment_claim(f);
	settle_start(f);
	/* what a sink keeps (what it has yet to send, say) is not of the input */
	if (e->is_init || (begins_new && f->role != FILTER_SINK))
		load(f, (struct epoch){0});
	else
		load(f, e->start.at);
	/* what starts that came to nothing have left, or each would leave less room for the next */
	if (checkpoint_claimer(&e->checkpoint, e->start.at, &claimer))
		sweep(f, e->start.at, claimer);
}

void epochs_join(struct filter *f, uint64_t run)
{
	join(f, run, false);
}

static void check_open(const struct filter *f, const struct control *open)
{
	const struct epochs *e = &f->epochs;

	if (strcmp(open->incarnation, e->checkpoint.incarnation) != 0)
		die(EX_CONFIG,
			"the source's checkpoint directory is not '%s': all stages of a pipeline "
			"share one",
			e->dir);
}

static void check_start(const struct filter *f, const struct control *open)
{
	const struct epochs *e = &f->epochs;

	if (e->checkpoint.run != open->run)
		die(EX_CONFIG, "DDPIPE_RUN is not the run of this stream");
	if (e->start.at.number != open->epoch || (open->epoch && e->start.at.run != open->of))
		die(EX_TEMPFAIL,
			"an older run has committed epoch %llu since the source began at %llu: "
			"the next start is consistent",
			(unsigned long long)e->start.at.number, (unsigned long long)open->epoch);
}

void epochs_take_open(struct filter *f, const struct control *open)
{
	f->epochs.is_missed = !f->epochs.is_open && open->incarnation &&
			      strlen(open->incarnation) == INCARNATION_DIGITS;
	/* one that dies before it knows more says so too, and why behind it */
	if (!f->epochs.is_open || !open->incarnation)
		return;
	check_open(f, open);
	if (!f->epochs.has_joined)
		join(f, open->run, open->is_new);
	check_start(f, open);
}

/* Epochs */

void epochs_seal(struct filter *f, uint64_t number, struct snapshot *own)
{
	struct epochs *e = &f->epochs;
	struct epoch at = {number, e->checkpoint.run};
	struct snapshot s = own ? *own : empty_snapshot();

	if (f->handlers->snapshot)
		f->handlers->snapshot(f->state, &s);
	json_decref(s.options);
	s.options = json_incref(e->options);
	outlet_seal(&f->outlet);
	snapshot_write(&e->checkpoint, at, e->last, &s);
	e->last = at;
	snapshot_release(&s);
}

void epochs_settle(struct filter *f)
{
	struct epochs *e = &f->epochs;
	struct commit now;

	checkpoint_commit(&e->checkpoint, &now);
	if (now.at.run == e->checkpoint.run && now.at.number > e->settled.number) {
		e->settled = now.at;
		outlet_publish(&f->outlet, now.at);
		if (f->handlers->committed)
			f->handlers->committed(f->state, now.at);
		sweep(f, now.at, 0);
	}
	commit_release(&now);
}

void epochs_await(struct filter *f)
{
	struct epochs *e = &f->epochs;

	if (!e->is_open || f->role == FILTER_SINK)
		return;
	if (!checkpoint_await(&e->checkpoint, e->last))
		die(EX_TEMPFAIL,
			"the sink ended, and epoch %llu is not committed: the next start does it "
			"again",
			(unsigned long long)e->last.number);
	epochs_settle(f);
}

void epochs_mark(const struct filter *f, json_t *balance)
{
	const struct epochs *e = &f->epochs;

	if (e->is_open || e->is_missed)
		json_object_set_new(balance, "durable", json_boolean(e->is_open));
	if (!e->is_open)
		return;
	if (e->is_init)
		json_object_set_new(balance, "init", json_true());
	if (e->changed)
		json_object_set_new(balance, "changed", json_true());
}
