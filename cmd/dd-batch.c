/*
 * dd-batch: cuts the stream into batches with stable identities
 *
 * A batch is written aside, synced, and given its name at once, so that who lists the directory
 * sees whole files only. The name says the batch's number and the hash of its bytes: the same input
 * gives the same files, and no other input replaces them.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/die.h"
#include "base/hash.h"
#include "io/durable.h"
#include "record/text.h"
#include "tool/filter.h"

static struct {
	const char *dir;
	uint64_t count; /* records of a batch; 0: no limit */
	uint64_t bytes; /* of a batch; 0: no limit */
} conf;

struct batches {
	struct filter filter;
	uint64_t number; /* of the open batch, from 1 */
	uint64_t records;
	uint64_t bytes;
	XXH3_state_t *hash;
	struct buf aside; /* the path under which a batch is written */
	struct out file;
	int lock;
};

/* The file aside is always the same one, so that a crash leaves no more than it. */
static void batch_open(struct batches *b)
{
	const char *path = buf_string(&b->aside);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		die_errno(EX_CANTCREAT, "cannot create '%s'", path);
	out_init(&b->file, fd, path);
	b->number++;
	b->records = b->bytes = 0;
	XXH3_64bits_reset(b->hash);
}

static void tell(struct batches *b, const char *path, uint64_t hash)
{
	struct buf line;

	buf_init(&line);
	buf_format(&line, "{\"batch\":%llu,\"file\":", (unsigned long long)b->number);
	text_quote_any(&line, path, strlen(path));
	buf_format(&line, ",\"records\":%llu,\"bytes\":%llu,\"xxh3\":\"%016llx\"}",
		(unsigned long long)b->records, (unsigned long long)b->bytes,
		(unsigned long long)hash);
	filter_emit(&b->filter, line.data, line.len);
	buf_release(&line);
}

static void batch_land(struct batches *b)
{
	uint64_t hash = XXH3_64bits_digest(b->hash);
	struct buf path;

	buf_init(&path);
	buf_format(&path, "%s/%s-%06llu-%016llx.ndjson", conf.dir, b->filter.pipeline,
		(unsigned long long)b->number, (unsigned long long)hash);
	out_flush(&b->file);
	durable_sync(b->file.fd, b->file.name);
	out_close(&b->file);
	out_release(&b->file);
	durable_rename(b->file.name, buf_string(&path));
	filter_settle(&b->filter, b->records);
	tell(b, buf_string(&path), hash);
	b->records = 0;
	buf_release(&path);
}

static void batches_begin(void *state)
{
	struct batches *b = state;
	struct buf lock;

	durable_dir(conf.dir);
	buf_init(&lock);
	buf_format(&lock, "%s/.%s.lock", conf.dir, b->filter.pipeline);
	b->lock = open(buf_string(&lock), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (b->lock < 0)
		die_errno(EX_CANTCREAT, "cannot create '%s'", buf_string(&lock));
	if (flock(b->lock, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			die_errno(EX_IOERR, "cannot lock '%s'", buf_string(&lock));
		die(EX_TEMPFAIL,
			"'%s' is locked: another dd-batch of this pipeline is at work there",
			buf_string(&lock));
	}
	buf_release(&lock);
}

static struct verdict batches_record(void *state, const struct record *r)
{
	struct batches *b = state;
	uint64_t more = r->len + 1;

	if (b->records && conf.bytes && b->bytes + more > conf.bytes)
		batch_land(b);
	if (!b->records)
		batch_open(b);
	out_add(&b->file, r->bytes, r->len + 1);
	XXH3_64bits_update(b->hash, r->bytes, r->len + 1);
	b->records++;
	b->bytes += more;
	if (b->records == conf.count)
		batch_land(b);
	return verdict(HELD);
}

static void batches_end(void *state)
{
	struct batches *b = state;

	if (b->records)
		batch_land(b);
}

static const struct handlers handlers = {
	.begin = batches_begin,
	.record = batches_record,
	.end = batches_end,
};

static void parse(struct batches *b, int argc, char **argv)
{
	const struct opt own[] = {
		{.name = "dir",
			.arg = "DIR",
			.help = "land the batches here, as files",
			.read = opt_text,
			.to = &conf.dir},
		{.name = "count",
			.arg = "N",
			.help = "at most this many records a batch",
			.read = opt_count,
			.to = &conf.count},
		{.name = "bytes",
			.arg = "SIZE",
			.help = "at most this many bytes a batch, but one record",
			.read = opt_size,
			.to = &conf.bytes},
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
	if (!conf.dir)
		die(EX_USAGE, "--dir DIR must be given");
	if (!conf.count && !conf.bytes)
		die(EX_USAGE, "--count N or --bytes SIZE must be given, and be above 0");
}

int main(int argc, char **argv)
{
	struct batches b = {.hash = XXH3_createState()};
	int status;

	filter_init(&b.filter, FILTER_SINK, "batch", &handlers, &b);
	b.filter.passed_word = "landed";
	parse(&b, argc, argv);
	buf_init(&b.aside);
	buf_format(&b.aside, "%s/.%s.partial", conf.dir, b.filter.pipeline);
	status = filter_run(&b.filter, NULL, 0);
	close(b.lock);
	buf_release(&b.aside);
	XXH3_freeState(b.hash);
	filter_release(&b.filter);
	return status;
}
