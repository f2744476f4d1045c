/*
 * dd-source: reads files and begins a stream
 *
 * The inputs follow one another, or are merged by time; each is NDJSON, passed byte for byte, or
 * CSV, each row made into an object. The stream is supervised where a program reads it: it says
 * that it begins and that it is complete, and an end that was not said is a crash. Under a
 * checkpoint every position is behind a whole record, and is durable before the barrier that stands
 * for it. Memory is bounded by --max-record and, for merging, --read-ahead.
 */
#include <string.h>

#include "base/die.h"
#include "base/instant.h"
#include "base/units.h"
#include "record/csv.h"
#include "tool/fields.h"
#include "tool/filter.h"
#include "tool/ingest.h"
#include "tool/opt.h"

enum format {
	FORMAT_BY_NAME, /* by the ending of the input's name */
	FORMAT_NDJSON,
	FORMAT_CSV,
	FORMAT_TSV,
};

enum {
	READ_AHEAD_DEFAULT_BYTES = 64 << 20,
};

static struct {
	enum format format;
	const char *columns;
	bool typed;
	bool plain;
	bool follow;
	bool once;
	bool merge;
	bool source_log;
	bool no_source_log;
	struct ingest_rules rules;
} conf = {.rules.read_ahead_bytes = READ_AHEAD_DEFAULT_BYTES};

struct source {
	struct filter filter;
	struct time_field time;
	struct ingest ingest;
};

/* Options */

static const char *const format_names[] = {[FORMAT_BY_NAME] = "",
	[FORMAT_NDJSON] = "ndjson",
	[FORMAT_CSV] = "csv",
	[FORMAT_TSV] = "tsv"};

static const char *read_format(const char *text, void *to)
{
	for (enum format f = FORMAT_NDJSON; f <= FORMAT_TSV; f++) {
		if (strcmp(text, format_names[f]) == 0) {
			*(enum format *)to = f;
			return NULL;
		}
	}
	return "not one of ndjson, csv, tsv";
}

static void check(const struct source *s)
{
	if (conf.follow && conf.once)
		die(EX_USAGE, "--follow and --once exclude each other");
	if (conf.source_log && conf.no_source_log)
		die(EX_USAGE, "--source-log and --no-source-log exclude each other");
	if (conf.merge && !s->time.name)
		die(EX_USAGE, "--merge wants --time FIELD: where the event time stands");
	if (conf.plain && s->filter.epochs.dir && *s->filter.epochs.dir)
		die(EX_USAGE, "--plain sends no control lines, which --checkpoint needs "
			      "(--checkpoint '' undoes DDPIPE_CHECKPOINT)");
}

static void parse(struct source *s, int argc, char **argv, int *operands)
{
	const struct opt own[] = {
		{.name = "follow",
			.help = "go on with what comes, through rotations",
			.to = &conf.follow},
		{.name = "once", .help = "take what is there now", .to = &conf.once},
		{.name = "format",
			.arg = "F",
			.help = "ndjson, csv or tsv (default: by the input's name)",
			.read = read_format,
			.to = &conf.format},
		{.name = "columns",
			.arg = "A,B,...",
			.help = "names of CSV columns; there is no header line",
			.read = opt_text,
			.to = &conf.columns},
		{.name = "typed",
			.help = "CSV: numbers, true, false and null (empty)",
			.to = &conf.typed},
		{.name = "plain", .help = "records only, no control lines", .to = &conf.plain},
		{.group = pace_options(&conf.rules.pace)},
		{.group = time_field_options(&s->time)},
		{.name = "merge",
			.help = "several inputs by --time, which implies it",
			.to = &conf.merge},
		{.name = "read-ahead",
			.arg = "SIZE",
			.help = "for all inputs that are merged (64MiB)",
			.read = opt_size,
			.to = &conf.rules.read_ahead_bytes},
		{.name = "source-log",
			.help = "files go through a log as well: survive copytruncate",
			.to = &conf.source_log},
		{.name = "no-source-log",
			.help = "refuse pipes under a checkpoint",
			.to = &conf.no_source_log},
		{.name = NULL},
	};
	const struct opt_command command = {
		.purpose = "reads files and begins a stream",
		.operands = "[INPUT]...",
		.own = own,
		.common = filter_options(&s->filter),
	};

	*operands = opt_parse(&command, argc, argv);
	check(s);
}

/* Formats */

/* The length of name without an ending; the whole length if it does not have it. */
static size_t without(const char *name, size_t len, const char *ending)
{
	size_t ending_len = strlen(ending);

	if (len > ending_len && memcmp(name + len - ending_len, ending, ending_len) == 0)
		return len - ending_len;
	return len;
}

static enum format format_of(const char *name)
{
	size_t len = strlen(name);

	if (conf.format != FORMAT_BY_NAME)
		return conf.format;
	len = without(name, without(name, len, ".gz"), ".zst");
	if (without(name, len, ".csv") < len)
		return FORMAT_CSV;
	return without(name, len, ".tsv") < len ? FORMAT_TSV : FORMAT_NDJSON;
}

static struct feed_format feed_format_of(const char *name)
{
	enum format format = format_of(name);

	return (struct feed_format){
		.is_csv = format != FORMAT_NDJSON,
		.delimiter = format == FORMAT_TSV ? '\t' : ',',
		.typed = conf.typed,
		.columns = conf.columns,
	};
}

static void check_columns(size_t max_bytes)
{
	struct csv_rows rows;
	const char *why;

	csv_rows_init(&rows, ',', conf.typed, max_bytes);
	why = csv_rows_columns(&rows, conf.columns);
	if (why)
		die(EX_USAGE, "option '--columns' '%s': %s", conf.columns, why);
	csv_rows_release(&rows);
}

/* Handlers */

static void source_begin(void *state)
{
	struct source *s = state;

	ingest_begin(&s->ingest);
}

static void source_restore(void *state, const struct snapshot *from)
{
	struct source *s = state;

	ingest_restore(&s->ingest, from);
}

static void source_snapshot(void *state, struct snapshot *to)
{
	struct source *s = state;

	ingest_snapshot(&s->ingest, to);
}

static const struct handlers handlers = {
	.begin = source_begin,
	.restore = source_restore,
	.snapshot = source_snapshot,
};

/* What follows from the options. */
static void set_rules(const struct source *s, char **operands, int count)
{
	bool are_several = count > 1 || (count && operands[0][strcspn(operands[0], "*?[")]);

	struct ingest_rules *rules = &conf.rules;

	rules->inputs = (struct inputs_rules){
		.way = conf.follow ? INPUTS_FOLLOW
		       : conf.once ? INPUTS_ONCE
				   : INPUTS_COMPLETE,
		.logs_files = conf.source_log,
		.logs_none = conf.no_source_log,
		.format = feed_format_of,
	};
	rules->merges = conf.merge || (s->time.name && are_several);
}

int main(int argc, char **argv)
{
	struct source s = {.time = {0}};
	int operands, status;

	filter_init(&s.filter, FILTER_SOURCE, "source", &handlers, &s);
	time_field_init(&s.time);
	parse(&s, argc, argv, &operands);
	s.filter.plain = conf.plain;
	if (conf.columns)
		check_columns((size_t)s.filter.max_record_bytes);
	time_field_ask(&s.time, &s.filter);
	filter_shape(&s.filter, "format", format_names[conf.format]);
	set_rules(&s, argv, operands);
	ingest_init(&s.ingest, &s.filter, &conf.rules, &s.time, argv, operands);
	filter_begin(&s.filter);
	ingest_run(&s.ingest);
	status = filter_end(&s.filter);
	ingest_release(&s.ingest);
	time_field_release(&s.time);
	filter_release(&s.filter);
	return status;
}
