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
#include "base/mem.h"
#include "base/units.h"
#include "io/loop.h"
#include "io/out.h"
#include "io/pipe.h"
#include "record/text.h"
#include "state/letterbox.h"
#include "tool/filter.h"
#include "tool/intake.h"
#include "tool/opt.h"

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

/* Which letters are meant: those with one of the IDs, or all of them; up to the limit. */
struct wanted {
	struct id {
		const char *text;
		bool found;
	} * ids;
	size_t id_count;
	uint64_t left;
	struct buf text; /* an ID, unescaped */
};

/* How often a stage filed letters for a reason; both are JSON strings as written. */
struct tally {
	char *stage;
	char *reason;
	uint64_t count;
};

struct dlq {
	struct filter filter; /* take is a sink, replay a source */
	struct letterbox box;
	struct wanted wanted;
	struct out out; /* of ls, show and count */
	struct buf line;
	bool any_member;
	struct tally *tallies; /* in order */
	size_t tally_count;

	/* replay */
	struct paths paths; /* to see what is a record */
	struct span *values;
	uint64_t sent;
	uint64_t truncated;
	uint64_t malformed;
	int64_t start_ns;
};

/* Selection */

static int id_order(const void *a, const void *b)
{
	return strcmp(((const struct id *)a)->text, ((const struct id *)b)->text);
}

static void wanted_init(struct wanted *w, char **ids, int count)
{
	*w = (struct wanted){.left = conf.limit.is_set ? conf.limit.count : UINT64_MAX};
	buf_init(&w->text);
	w->id_count = (size_t)count;
	w->ids = mem_zero(w->id_count + 1, sizeof(*w->ids));
	for (size_t i = 0; i < w->id_count; i++)
		w->ids[i].text = ids[i];
	qsort(w->ids, w->id_count, sizeof(*w->ids), id_order);
}

static void wanted_release(struct wanted *w)
{
	buf_release(&w->text);
	free(w->ids);
}

static bool is_wanted(struct wanted *w, const struct envelope *e)
{
	struct id key = {.found = false}, *id;

	if (!w->id_count)
		return true;
	buf_clear(&w->text);
	text_unescape(&w->text, &e->id);
	key.text = buf_string(&w->text);
	id = bsearch(&key, w->ids, w->id_count, sizeof(*w->ids), id_order);
	if (!id)
		return false;
	id->found = true;
	return true;
}

/* Whether a letter that was asked for isn't there; each is named. */
static bool tell_missing(const struct wanted *w, const char *store)
{
	bool missing = false;

	for (size_t i = 0; i < w->id_count; i++) {
		if (w->ids[i].found)
			continue;
		warn("there is no letter '%s' in '%s'", w->ids[i].text, store);
		missing = true;
	}
	return missing;
}

/* ls, show, count */

static void add_member(void *state, const struct span *key, const struct span *value)
{
	static const char *const bytes_keys[] = {"record", "raw", "raw_base64"};
	struct dlq *d = state;
	size_t quotes = value->type == SPAN_STRING;

	for (size_t i = 0; i < 3; i++)
		if (text_says(key, bytes_keys[i], strlen(bytes_keys[i])))
			return;
	buf_char(&d->line, d->any_member ? ',' : '{');
	buf_add(&d->line, key->at - 1, key->len + 2u);
	buf_char(&d->line, ':');
	buf_add(&d->line, value->at - quotes, value->len + 2 * quotes);
	d->any_member = true;
}

static void list_letter(struct dlq *d, const struct envelope *e)
{
	buf_clear(&d->line);
	d->any_member = false;
	scan_members(e->line, e->len, add_member, d);
	buf_text(&d->line, "}\n");
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
static char *quoted(const struct span *text)
{
	struct buf plain, json;
	char *copy;

	buf_init(&plain);
	buf_init(&json);
	text_unescape(&plain, text);
	text_quote(&json, buf_string(&plain), plain.len);
	copy = mem_string(buf_string(&json));
	buf_release(&plain);
	buf_release(&json);
	return copy;
}

static int tally_order(const struct tally *a, const struct tally *b)
{
	int order = strcmp(a->stage, b->stage);

	return order ? order : strcmp(a->reason, b->reason);
}

static void count_letter(struct dlq *d, const struct envelope *e)
{
	struct tally one = {quoted(&e->stage), quoted(&e->reason), 1};
	size_t from = 0, to = d->tally_count;

	while (from < to) {
		size_t middle = (from + to) / 2;
		int order = tally_order(&one, &d->tallies[middle]);

		if (order == 0) {
			d->tallies[middle].count++;
			free(one.stage);
			free(one.reason);
			return;
		}
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	d->tallies = mem_resize(d->tallies, (d->tally_count + 1) * sizeof(one));
	memmove(d->tallies + from + 1, d->tallies + from, (d->tally_count - from) * sizeof(one));
	d->tallies[from] = one;
	d->tally_count++;
}

static void print_tallies(struct dlq *d)
{
	for (size_t i = 0; i < d->tally_count; i++) {
		struct tally *t = &d->tallies[i];

		buf_clear(&d->line);
		buf_format(&d->line, "{\"stage\":%s,\"reason\":%s,\"count\":%" PRIu64 "}\n",
			t->stage, t->reason, t->count);
		out_add(&d->out, d->line.data, d->line.len);
		free(t->stage);
		free(t->reason);
	}
	free(d->tallies);
}

/* Calls handle for each letter that is wanted; returns the exit status. */
static int each_letter(struct dlq *d, void (*handle)(struct dlq *, const struct envelope *))
{
	struct envelope e;
	bool at_end = false;

	while (d->wanted.left && !at_end) {
		at_end = !letterbox_next(&d->box, &e);
		if (!at_end && is_wanted(&d->wanted, &e)) {
			d->wanted.left--;
			handle(d, &e);
		}
	}
	if (d->box.damaged)
		warn("letters that are damaged: %" PRIu64, d->box.damaged);
	/* what lies behind the limit may be there */
	return (at_end && tell_missing(&d->wanted, d->box.dir)) || d->box.damaged ? EX_DATAERR
										  : EX_OK;
}

static int run_report(
	struct dlq *d, const char *store, void (*handle)(struct dlq *, const struct envelope *))
{
	int status;

	pipe_guard_standard();
	letterbox_open(&d->box, store);
	out_init(&d->out, STDOUT_FILENO, "stdout");
	status = each_letter(d, handle);
	print_tallies(d);
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

/* Why a letter's bytes are no record of a stream; they are d->line, made fit for a scan. */
static const char *unfit(struct dlq *d, const struct envelope *e)
{
	struct span root;
	size_t where;

	memset(buf_reserve(&d->line, 1 + SCAN_PAD), 0, 1 + SCAN_PAD);
	d->line.data[d->line.len] = '\n';
	if (e->truncated)
		return "truncated";
	if (memchr(d->line.data, '\n', d->line.len) ||
		scan(&d->paths, d->line.data, d->line.len, &root, d->values, &where) ||
		d->values[0].type != SPAN_MISSING)
		return "malformed";
	return NULL;
}

/* Thirty years: a number of nanoseconds that can be added to a time. */
#define NEVER_NS 1e18

/* Waits until the next record is due; what was sent is on its way by then. */
static void keep_rate(struct dlq *d)
{
	double after_ns = (double)d->sent * 1e9 / conf.rate_per_s;
	int64_t due_ns = d->start_ns + (int64_t)(after_ns < NEVER_NS ? after_ns : NEVER_NS);

	while (loop_now_ns() < due_ns) {
		out_flush(&d->filter.outlet.out);
		loop_wait(-1, due_ns);
		if (loop_figures_asked())
			filter_tell(&d->filter);
		if (loop_stop_asked())
			break;
	}
}

static void skip_letter(
	struct dlq *d, const struct envelope *e, const struct record *r, const char *why)
{
	struct filter *f = &d->filter;

	if (strcmp(why, "truncated") == 0)
		d->truncated++;
	else
		d->malformed++;
	d->wanted.left++; /* it doesn't count for the limit */
	if (conf.dry_run)
		return;
	f->balance.in++;
	if (stream_is_supervised(&f->stream))
		f->balance.hash_in += hash_bytes(r->bytes, r->len);
	balance_reason(&f->balance, why);
	warn("skipped, as it is %s: letter %.*s, of %s, line %" PRIu64 ", byte %" PRIu64, why,
		(int)e->id.len, e->id.at, r->source, r->line, r->offset);
}

static void send_record(struct dlq *d, struct record *r)
{
	if (!conf.dry_run) {
		if (conf.rate_per_s > 0)
			keep_rate(d);
		if (loop_stop_asked())
			die(EX_TEMPFAIL, "interrupted");
		intake_record(&d->filter, r);
	}
	d->sent++;
}

static void replay_letter(struct dlq *d, const struct envelope *e)
{
	struct record r = {.line = e->source_line, .offset = e->source_offset};
	struct buf source;
	const char *why;

	buf_init(&source);
	text_unescape(&source, &e->source_name);
	buf_clear(&d->line);
	letter_bytes(e, &d->line);
	why = unfit(d, e);
	r.bytes = d->line.data;
	r.len = r.length = d->line.len;
	r.source = buf_string(&source);
	if (why)
		skip_letter(d, e, &r, why);
	else
		send_record(d, &r);
	buf_release(&source);
}

static void print_plan(struct dlq *d)
{
	pipe_guard_standard();
	out_init(&d->out, STDOUT_FILENO, "stdout");
	buf_clear(&d->line);
	buf_format(&d->line,
		"{\"replay\":%" PRIu64 ",\"truncated\":%" PRIu64 ",\"malformed\":%" PRIu64 "}\n",
		d->sent, d->truncated, d->malformed);
	out_add(&d->out, d->line.data, d->line.len);
	out_close(&d->out);
	out_release(&d->out);
}

static int run_replay(struct dlq *d, const char *store)
{
	int reserved_key, status, ended;

	paths_init(&d->paths);
	paths_add(&d->paths, "$dd", &reserved_key);
	d->values = mem_zero(d->paths.count, sizeof(*d->values));
	d->filter.plain = conf.plain;
	d->filter.rejects.dlq = NULL; /* what is skipped stays where it is */
	/* first, so that the stages behind hear of a store that is not there */
	if (!conf.dry_run)
		filter_begin(&d->filter);
	letterbox_open(&d->box, store);
	d->start_ns = loop_now_ns();
	status = each_letter(d, replay_letter);
	if (conf.dry_run) {
		print_plan(d);
	} else {
		ended = filter_end(&d->filter);
		status = status ? status : ended;
	}
	paths_release(&d->paths);
	free(d->values);
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

	wanted_init(&d->wanted, operands + 2, count - 2);
	if (verb == REPLAY)
		status = run_replay(d, store);
	else if (verb == LS)
		status = run_report(d, store, list_letter);
	else if (verb == SHOW)
		status = run_report(d, store, show_letter);
	else
		status = run_report(d, store, count_letter);
	wanted_release(&d->wanted);
	letterbox_close(&d->box);
	return status;
}

int main(int argc, char **argv)
{
	struct dlq d = {.sent = 0};
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
