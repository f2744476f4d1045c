/*
 * dd-dlq: lists, shows, counts, replays and files dead letters
 *
 * A store is read in one order, letter by letter (state/letterbox.h), and never written but by
 * `take`. A letter's bytes are the very bytes that were filed; what can't be replayed as a record
 * of a stream is skipped, counted and named, never sent half. Memory is bounded by one letter, the
 * asked-for IDs, and for `count` by the pairs of stage and reason.
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
#include "state/letterbox.h"
#include "state/selection.h"
#include "tool/filter.h"
#include "tool/opt.h"
#include "tool/replay.h"

static struct {
	const char *reason; /* NULL: not given */
	bool raw;
	struct limit {
		bool is_set;
		uint64_t count;
	} limit;
	double rate_per_s; /* 0: as fast as it goes */
	bool dry_run;
	bool plain;
} conf;

static const char *read_reason(const char *text, void *to)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

	if (!*text || text[strspn(text, allowed)])
		return "a reason is lower-case letters, digits, '_' and '-'";
	return opt_text(text, to);
}

static const char *read_limit(const char *text, void *to)
{
	struct limit *limit = to;

	limit->is_set = true;
	return units_count(text, &limit->count);
}

static const char *read_rate(const char *text, void *to)
{
	return units_rate(text, to);
}

static const struct opt options[] = {
	{.name = "reason",
		.arg = "R",
		.help = "take: what the letters are filed for",
		.read = read_reason,
		.to = &conf.reason},
	{.name = "raw", .help = "show: the bytes that were filed", .to = &conf.raw},
	{.name = "limit",
		.arg = "N",
		.help = "at most the first N letters",
		.read = read_limit,
		.to = &conf.limit},
	{.name = "rate",
		.arg = "N/s",
		.help = "replay: not faster than this",
		.read = read_rate,
		.to = &conf.rate_per_s},
	{.name = "dry-run", .help = "replay: only say how many would go", .to = &conf.dry_run},
	{.name = "plain", .help = "replay: records only, no control lines", .to = &conf.plain},
	{.name = NULL},
};

struct dlq {
	const char *where;    /* which letters; NULL: all */
	struct filter filter; /* take is a sink, replay a source */
	struct letterbox box;
	struct selection selection;
	struct out out; /* of ls, show and count */
	struct buf line;
	struct tallies tallies; /* of stages and reasons, as JSON strings */
	struct replay replay;
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

/* Calls handle for each letter that is wanted; returns the exit status. */
static int each_letter(struct dlq *d, void (*handle)(struct dlq *, const struct envelope *))
{
	struct envelope e;
	bool missing;

	while (selection_next(&d->selection, &d->box, &e))
		handle(d, &e);
	if (d->box.damaged)
		warn("letters that are damaged: %" PRIu64, d->box.damaged);
	missing = selection_tell_missing(&d->selection, d->box.dir);
	return missing || d->box.damaged ? EX_DATAERR : EX_OK;
}

/* --where chooses letters here, by their envelopes, and not records. */
static void open_box(struct dlq *d, const char *store)
{
	size_t column = 0;
	const char *why = NULL;

	letterbox_open(&d->box, store);
	if (d->where)
		why = letterbox_choose(&d->box, d->where, &column);
	if (why)
		die(EX_USAGE, "--where '%s': %s at column %zu", d->where, why, column);
}

static int run_report(
	struct dlq *d, const char *store, void (*handle)(struct dlq *, const struct envelope *))
{
	int status;

	open_box(d, store);
	out_init(&d->out, STDOUT_FILENO, "stdout");
	tallies_init(&d->tallies);
	status = each_letter(d, handle);
	print_tallies(d);
	tallies_release(&d->tallies);
	out_close(&d->out);
	out_release(&d->out);
	return status;
}

/* take */

static struct verdict take_record(void *state, const struct record *r)
{
	(void)state;
	(void)r;
	return (struct verdict){.outcome = BAD, .reason = conf.reason};
}

static const struct handlers take_handlers = {.record = take_record};

static int run_take(struct dlq *d, const char *store)
{
	d->filter.role = FILTER_SINK;
	d->filter.handlers = &take_handlers;
	d->filter.rejects.dlq = store;
	return filter_run(&d->filter, NULL, 0);
}

/* replay */

static const struct handlers replay_handlers = {.record = NULL};

static void replay_one(struct dlq *d, const struct envelope *e)
{
	if (!replay_letter(&d->replay, e))
		selection_pass_over(&d->selection); /* it doesn't count for the limit */
}

static void print_plan(struct dlq *d)
{
	out_init(&d->out, STDOUT_FILENO, "stdout");
	buf_clear(&d->line);
	buf_format(&d->line,
		"{\"replay\":%" PRIu64 ",\"truncated\":%" PRIu64 ",\"malformed\":%" PRIu64 "}\n",
		d->replay.sent, d->replay.truncated, d->replay.malformed);
	out_add(&d->out, d->line.data, d->line.len);
	out_close(&d->out);
	out_release(&d->out);
}

static int run_replay(struct dlq *d, const char *store)
{
	int status, ended;

	d->filter.plain = conf.plain;
	d->filter.rejects.dlq = NULL; /* what is skipped stays where it is */
	/* first, so that the stages behind hear of a store that is not there */
	if (!conf.dry_run)
		filter_begin(&d->filter);
	open_box(d, store);
	replay_init(&d->replay, &d->filter, conf.rate_per_s, conf.dry_run);
	status = each_letter(d, replay_one);
	if (conf.dry_run) {
		print_plan(d);
	} else {
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
	NO_VERB,
};

static const char *const verbs[] = {
	[TAKE] = "take", [LS] = "ls", [SHOW] = "show", [COUNT] = "count", [REPLAY] = "replay"};

static enum verb verb_of(const char *text)
{
	enum verb v = TAKE;

	while (v < NO_VERB && strcmp(text, verbs[v]) != 0)
		v++;
	if (v == NO_VERB)
		die(EX_USAGE, "'%s' is none of take, ls, show, count, replay", text);
	return v;
}

static void check_option(bool is_given, bool fits, const char *name, enum verb verb)
{
	if (is_given && !fits)
		die(EX_USAGE, "option '--%s' means nothing to '%s'", name, verbs[verb]);
}

static void check_usage(enum verb verb, int operands)
{
	check_option(conf.reason != NULL, verb == TAKE, "reason", verb);
	check_option(conf.raw, verb == SHOW, "raw", verb);
	check_option(conf.limit.is_set, verb != TAKE, "limit", verb);
	check_option(conf.rate_per_s > 0, verb == REPLAY, "rate", verb);
	check_option(conf.dry_run, verb == REPLAY, "dry-run", verb);
	check_option(conf.plain, verb == REPLAY, "plain", verb);
	if (verb == TAKE && !conf.reason)
		die(EX_USAGE, "--reason R must be given: what the letters are filed for");
	if (verb == TAKE && operands > 2)
		die(EX_USAGE, "'take' reads the standard input and takes no IDs");
}

static int run_reader(struct dlq *d, enum verb verb, char **operands, int count)
{
	const char *store = operands[1];
	int status;

	d->where = d->filter.where_text;
	d->filter.where_text = NULL;
	pipe_guard_standard();
	selection_init(&d->selection, operands + 2, (size_t)count - 2,
		conf.limit.is_set ? conf.limit.count : UINT64_MAX);
	if (verb == REPLAY)
		status = run_replay(d, store);
	else if (verb == LS)
		status = run_report(d, store, list_letter);
	else if (verb == SHOW)
		status = run_report(d, store, show_letter);
	else
		status = run_report(d, store, count_letter);
	selection_release(&d->selection);
	letterbox_close(&d->box);
	return status;
}

int main(int argc, char **argv)
{
	struct dlq d = {0};
	struct opt_command command = {
		.purpose = "lists, shows, counts, replays and files dead letters",
		.operands = "take|ls|show|count|replay STORE [ID]...",
		.own = options,
	};
	enum verb verb;
	int operands, status;

	filter_init(&d.filter, FILTER_SOURCE, NULL, &replay_handlers, &d);
	command.common = filter_options(&d.filter);
	operands = opt_parse(&command, argc, argv);
	if (operands < 2)
		die(EX_USAGE, "it wants to know what to do with which store; see dd-dlq --help");
	verb = verb_of(argv[0]);
	check_usage(verb, operands);
	if (!d.filter.name)
		d.filter.name = verbs[verb];
	buf_init(&d.line);
	if (verb == TAKE)
		status = run_take(&d, argv[1]);
	else
		status = run_reader(&d, verb, argv, operands);
	buf_release(&d.line);
	filter_release(&d.filter);
	return status;
}
