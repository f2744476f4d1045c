/*
 * dd-batch: cuts the stream into batches with stable identities
 *
 * Where a batch ends is a function of the records alone, so the same input gives the same batches,
 * whatever the pauses and crashes: with --dir files whose names say number and hash, without it one
 * record a batch. Memory: with --dir none, else one batch, which is at most as long as a record.
 */
#include "base/die.h"
#include "tool/batchfiles.h"
#include "tool/batchlines.h"

static struct {
	const char *dir;
} conf;

struct batches {
	struct filter filter;
	struct commitment commitment;
	struct cut cut;
	struct batchfiles files;
	struct batchlines lines;
};

static void parse(struct batches *b, int argc, char **argv)
{
	const struct opt own[] = {
		{.name = "dir",
			.arg = "DIR",
			.help = "land batches here as files; without: as records",
			.read = opt_text,
			.to = &conf.dir},
		{.name = "count",
			.arg = "N",
			.help = "at most this many records a batch",
			.read = opt_count,
			.to = &b->cut.most_records},
		{.name = "bytes",
			.arg = "SIZE",
			.help = "at most this many bytes a batch, but one record",
			.read = opt_size,
			.to = &b->cut.most_bytes},
		{.group = commitment_options(&b->commitment)},
		{.name = NULL},
	};
	const struct opt_command command = {
		.purpose = "cuts the stream into batches with stable identities",
		.operands = "",
		.own = own,
		.common = filter_options(&b->filter),
	};

	if (opt_parse(&command, argc, argv))
		die(EX_USAGE, "unexpected operand '%s': it reads the standard input", argv[0]);
	if (!b->cut.most_records && !b->cut.most_bytes)
		die(EX_USAGE, "--count N or --bytes SIZE must be given, and be above 0");
}

/* A sink that lands files. */
static void land(struct batches *b)
{
	b->filter.passed_word = "landed";
	b->filter.commitment = &b->commitment;
	b->filter.handlers = b->filter.epochs.dir ? &batchfiles_checkpointed : &batchfiles_handlers;
	b->filter.state = &b->files;
	batchfiles_init(&b->files, &b->filter, &b->cut, conf.dir);
}

/* A stage; its lines must be records for those behind it. */
static void pass_on(struct batches *b)
{
	enum { ROOM = 256 };
	uint64_t most = b->filter.max_record_bytes > ROOM ? b->filter.max_record_bytes - ROOM : 1;

	b->filter.role = FILTER_STAGE;
	if (!b->cut.most_bytes || b->cut.most_bytes > most)
		b->cut.most_bytes = most;
}

static void shape(struct batches *b)
{
	struct buf text;

	buf_init(&text);
	buf_format(&text, "%llu", (unsigned long long)b->cut.most_records);
	filter_shape(&b->filter, "count", buf_string(&text));
	buf_clear(&text);
	buf_format(&text, "%llu", (unsigned long long)b->cut.most_bytes);
	filter_shape(&b->filter, "bytes", buf_string(&text));
	buf_release(&text);
}

int main(int argc, char **argv)
{
	struct batches b = {.cut = {0}};
	int status;

	filter_init(&b.filter, FILTER_SINK, "batch", &batchlines_handlers, &b.lines);
	commitment_init(&b.commitment, &batchfiles_destination);
	batchlines_init(&b.lines, &b.filter, &b.cut);
	parse(&b, argc, argv);
	if (conf.dir)
		land(&b);
	else
		pass_on(&b);
	shape(&b);
	status = filter_run(&b.filter, NULL, 0);
	batchlines_release(&b.lines);
	if (conf.dir)
		batchfiles_release(&b.files);
	commitment_release(&b.commitment);
	filter_release(&b.filter);
	return status;
}
