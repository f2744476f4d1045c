/*
 * dd-dlq: lists, shows, counts, replays, resolves and files dead letters
 *
 * A store is read in one order, letter by letter (state/letterbox.h), and letters in it never
 * change. A letter's bytes are the very bytes that were filed; what can't be replayed as a record
 * of a stream is skipped, counted and named, never sent half. A letter is resolved by hand, or by
 * the commit of an epoch that it was replayed in, never before (tool/replay.h). Memory is bounded
 * by one letter, the asked-for IDs, a fingerprint for each resolved letter, and for `count` by the
 * pairs of stage and reason.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/units.h"
#include "flow/tallies.h"
#include "io/out.h"
#include "io/pipe.h"
#include "record/text.h"
#include "state/resolutions.h"
#include "state/selection.h"
#include "tool/filter.h"
#include "tool/opt.h"
#include "tool/replay.h"

enum { RESOLVED_AT_ONCE = 1 << 16 }; /* others wait for the lock meanwhile */

static struct {
	const char *reason; /* NULL: not given */
	bool raw;
	bool has_limit;
	bool dry_run;
	bool plain;
	struct replay_rules rules; /* of all that read a store */
} conf = {.rules.choice.limit = UINT64_MAX};

static const char *read_reason(const char *text, void *to)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

	if (!*text || text[strspn(text, allowed)])
		return "a reason is lower-case letters, digits, '_' and '-'";
	return opt_text(text, to);
}

static const char *read_limit(const char *text, void *to)
{
	conf.has_limit = true;
	return units_count(text, to);
}

struct dlq {
	struct filter filter; /* take is a sink, replay a source */
	struct resolutions resolutions;
	struct selection selection;
	struct out out; /* of all but take and replay */
	struct buf line;
	struct tallies tallies; /* of stages and reasons, as JSON strings */
	struct replay replay;
	json_t *by;      /* who resolves by hand */
	struct buf made; /* resolutions that are not written yet */
	uint64_t made_count;
	uint64_t resolved;
};

/* ls, show, count */

static void list_letter(struct dlq *d, const struct envelope *e)
{
	buf_clear(&d->line);
	letter_summary(e, &d->line);
	buf_char(&d->line, '\n');
	out_add(&d->out, d->line.data, d->line.len);
}

static void show_letter(struct dlq *d, const struct envelope *e)
{
	if (!conf.raw) {
		out_add(&d->out, e->line, e->len + 1);
		return;
	}
	buf_clear(&d->line);
	letter_bytes(e, &d->line);
	buf_char(&d->line, '\n');
	out_add(&d->out, d->line.data, d->line.len);
}

/* A string as JSON, in its shortest form. */
static void quote(struct buf *json, const struct span *text)
{
	struct buf plain;

	buf_init(&plain);
	text_unescape(&plain, text);
	text_quote(json, buf_string(&plain), plain.len);
	buf_release(&plain);
}

static void count_letter(struct dlq *d, const struct envelope *e)
{
	struct buf reason;

	buf_init(&reason);
	buf_clear(&d->line);
	quote(&d->line, &e->stage);
	quote(&reason, &e->reason);
	tallies_add(&d->tallies, buf_string(&d->line), buf_string(&reason));
	buf_release(&reason);
}

static void print_tallies(struct dlq *d)
{
	for (size_t i = 0; i < d->tallies.count; i++) {
		const struct tally *t = &d->tallies.list[i];

		buf_clear(&d->line);
		buf_format(&d->line, "{\"stage\":%s,\"reason\":%s,\"count\":%" PRIu64 "}\n",
			t->first, t->second, t->count);
		out_add(&d->out, d->line.data, d->line.len);
	}
}

static void open_store(struct dlq *d)
{
	resolutions_open(&d->resolutions, conf.rules.store, NULL);
	selection_open(&d->selection, conf.rules.store, &conf.rules.choice, &d->resolutions, NULL);
	out_init(&d->out, STDOUT_FILENO, "stdout");
}

static int close_store(struct dlq *d)
{
	bool missing = selection_tell_missing(&d->selection);
	uint64_t damaged = d->selection.box.damaged;

	if (damaged)
		warn("letters that are damaged: %" PRIu64, damaged);
	out_close(&d->out);
	out_release(&d->out);
	selection_close(&d->selection);
	resolutions_close(&d->resolutions);
	return missing || damaged ? EX_DATAERR : EX_OK;
}

static int run_report(struct dlq *d, void (*handle)(struct dlq *, const struct envelope *))
{
	struct envelope e;

	open_store(d);
	tallies_init(&d->tallies);
	while (selection_next(&d->selection, &e))
		handle(d, &e);
	print_tallies(d);
	tallies_release(&d->tallies);
	return close_store(d);
}

/* resolve */

static void write_resolutions(struct dlq *d)
{
	size_t at = 0;

	if (!d->made.len)
		return;
	resolutions_begin(&d->resolutions);
	while (at < d->made.len) {
		const char *line = d->made.data + at;
		size_t len = (size_t)((char *)memchr(line, '\n', d->made.len - at) - line) + 1;

		d->resolved += resolutions_add(&d->resolutions, line, len);
		at += len;
	}
	resolutions_end(&d->resolutions);
	buf_clear(&d->made);
	d->made_count = 0;
}

static void resolve_letter(struct dlq *d, const struct envelope *e)
{
	resolution_print(&d->made, e->segment, &d->selection.id, d->by);
	if (++d->made_count == RESOLVED_AT_ONCE)
		write_resolutions(d);
}

static int run_resolve(struct dlq *d)
{
	struct envelope e;

	open_store(d);
	buf_init(&d->made);
	d->by = json_pack("{sI}", "uid", (json_int_t)getuid());
	while (selection_next(&d->selection, &e)) {
		if (conf.dry_run)
			d->resolved++;
		else
			resolve_letter(d, &e);
	}
	write_resolutions(d);
	buf_clear(&d->line);
	buf_format(&d->line, "{\"%s\":%" PRIu64 "}\n", conf.dry_run ? "resolve" : "resolved",
		d->resolved);
	out_add(&d->out, d->line.data, d->line.len);
	json_decref(d->by);
	buf_release(&d->made);
	return close_store(d);
}

/* take */

static struct verdict take_record(void *state, const struct record *r)
{
	(void)state;
	(void)r;
	return (struct verdict){.outcome = BAD, .reason = conf.reason};
}

static const struct handlers take_handlers = {.record = take_record};

static int run_take(struct dlq *d)
{
	d->filter.role = FILTER_SINK;
	d->filter.handlers = &take_handlers;
	d->filter.rejects.dlq = conf.rules.store;
	return filter_run(&d->filter, NULL, 0);
}

/* replay */

static void dlq_restore(void *state, const struct snapshot *from)
{
	struct dlq *d = state;

	replay_restore(&d->replay, from);
}

static void dlq_snapshot(void *state, struct snapshot *to)
{
	struct dlq *d = state;

	replay_snapshot(&d->replay, to);
}

static void dlq_committed(void *state, struct epoch at)
{
	struct dlq *d = state;

	replay_committed(&d->replay, at);
}

static const struct handlers replay_handlers = {
	.restore = dlq_restore,
	.snapshot = dlq_snapshot,
	.committed = dlq_committed,
};

static int plan_replay(struct dlq *d)
{
	int status = replay_dry_run(&d->replay);

	out_init(&d->out, STDOUT_FILENO, "stdout");
	buf_clear(&d->line);
	buf_format(&d->line,
		"{\"replay\":%" PRIu64 ",\"truncated\":%" PRIu64 ",\"malformed\":%" PRIu64 "}\n",
		d->replay.sent, d->replay.truncated, d->replay.malformed);
	out_add(&d->out, d->line.data, d->line.len);
	out_close(&d->out);
	out_release(&d->out);
	return status;
}

/* Begun before the store is opened, so that the stages behind hear of one that is not there. */
static int run_replay(struct dlq *d)
{
	int status, ended;

	d->filter.plain = conf.plain;
	d->filter.rejects.dlq = NULL; /* what is skipped stays where it is */
	replay_init(&d->replay, &d->filter, &conf.rules);
	if (conf.dry_run) {
		status = plan_replay(d);
	} else {
		filter_begin(&d->filter);
		status = replay_run(&d->replay);
		ended = filter_end(&d->filter);
		status = status ? status : ended;
	}
	replay_release(&d->replay);
	return status;
}

/* The command line */

enum verb {
	TAKE,
	LS,
	SHOW,
	COUNT,
	REPLAY,
	RESOLVE,
	NO_VERB,
};

static const char *const verbs[] = {[TAKE] = "take",
	[LS] = "ls",
	[SHOW] = "show",
	[COUNT] = "count",
	[REPLAY] = "replay",
	[RESOLVE] = "resolve"};

static enum verb verb_of(const char *text)
{
	enum verb v = TAKE;

	while (v < NO_VERB && strcmp(text, verbs[v]) != 0)
		v++;
	if (v == NO_VERB)
		die(EX_USAGE, "'%s' is none of take, ls, show, count, replay, resolve", text);
	return v;
}

static void check_option(bool is_given, bool fits, const char *name, enum verb verb)
{
	if (is_given && !fits)
		die(EX_USAGE, "option '--%s' means nothing to '%s'", name, verbs[verb]);
}

static void check_usage(enum verb verb, int operands)
{
	const struct pace_rules *pace = &conf.rules.pace;
	bool resolved = conf.rules.choice.resolved;

	check_option(conf.reason != NULL, verb == TAKE, "reason", verb);
	check_option(conf.raw, verb == SHOW, "raw", verb);
	check_option(conf.has_limit, verb != TAKE, "limit", verb);
	check_option(resolved, verb != TAKE && verb != RESOLVE, "resolved", verb);
	check_option(pace->rate_per_s > 0, verb == REPLAY, "rate", verb);
	check_option(pace->every_ns || pace->every_bytes, verb == REPLAY, "every", verb);
	check_option(conf.dry_run, verb == REPLAY || verb == RESOLVE, "dry-run", verb);
	check_option(conf.plain, verb == REPLAY, "plain", verb);
	if (verb == TAKE && !conf.reason)
		die(EX_USAGE, "--reason R must be given: what the letters are filed for");
	if (verb == TAKE && operands > 2)
		die(EX_USAGE, "'take' reads the standard input and takes no IDs");
}

static void check_checkpoint(const struct filter *f)
{
	if (f->epochs.dir && conf.rules.choice.resolved && !conf.dry_run)
		die(EX_USAGE, "--checkpoint resolves what it has replayed, so --resolved has no "
			      "place there (--checkpoint '' undoes the variable)");
}

static int run_reader(struct dlq *d, enum verb verb)
{
	conf.rules.choice.where = d->filter.where_text;
	d->filter.where_text = NULL; /* of records */
	pipe_guard_standard();
	switch (verb) {
	case REPLAY:
		check_checkpoint(&d->filter);
		return run_replay(d);
	case RESOLVE:
		return run_resolve(d);
	case LS:
		return run_report(d, list_letter);
	case SHOW:
		return run_report(d, show_letter);
	default:
		return run_report(d, count_letter);
	}
}

static int parse(struct dlq *d, int argc, char **argv)
{
	const struct opt own[] = {
		{.name = "reason",
			.arg = "R",
			.help = "take: what the letters are filed for",
			.read = read_reason,
			.to = &conf.reason},
		{.name = "raw", .help = "show: the bytes that were filed", .to = &conf.raw},
		{.name = "resolved",
			.help = "letters that are resolved, not those that are open",
			.to = &conf.rules.choice.resolved},
		{.name = "limit",
			.arg = "N",
			.help = "at most the first N letters",
			.read = read_limit,
			.to = &conf.rules.choice.limit},
		{.group = pace_options(&conf.rules.pace)},
		{.name = "dry-run",
			.help = "replay, resolve: only say how many it would be",
			.to = &conf.dry_run},
		{.name = "plain",
			.help = "replay: records only, no control lines",
			.to = &conf.plain},
		{.name = NULL},
	};
	const struct opt_command command = {
		.purpose = "lists, shows, counts, replays, resolves and files dead letters",
		.operands = "take|ls|show|count|replay|resolve STORE [ID]...",
		.own = own,
		.common = filter_options(&d->filter),
	};

	return opt_parse(&command, argc, argv);
}

int main(int argc, char **argv)
{
	struct dlq d = {0};
	enum verb verb;
	int operands, status;

	filter_init(&d.filter, FILTER_SOURCE, NULL, &replay_handlers, &d);
	operands = parse(&d, argc, argv);
	if (operands < 2)
		die(EX_USAGE, "it wants to know what to do with which store; see dd-dlq --help");
	verb = verb_of(argv[0]);
	check_usage(verb, operands);
	if (!d.filter.name)
		d.filter.name = verbs[verb];
	conf.rules.store = argv[1];
	conf.rules.choice.ids = argv + 2;
	conf.rules.choice.count = (size_t)operands - 2;
	buf_init(&d.line);
	status = verb == TAKE ? run_take(&d) : run_reader(&d, verb);
	buf_release(&d.line);
	filter_release(&d.filter);
	return status;
}
