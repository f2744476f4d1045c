#include "tool/spooling.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "base/instant.h"
#include "io/loop.h"
#include "tool/desthelper.h"
#include "tool/sending.h"
#include "tool/supervision.h"

enum { MAX_DEFAULT = 1 << 30 };

static const char spool_kind[] = "spool", journal_kind[] = BULK_JOURNAL;

void spooling_init(struct spooling *s, struct desthelper *destination)
{
	*s = (struct spooling){
		.destination = destination,
		.filter = destination->filter,
		.max_bytes = MAX_DEFAULT,
		.linger_until_ns = LOOP_NEVER,
	};
	buf_init(&s->lines);
	spool_chain_init(&s->chain);
}

void spooling_release(struct spooling *s)
{
	if (s->has_sender) {
		spool_release(&s->spool);
		journal_release(&s->journal);
		acked_release(&s->acked);
	}
	spool_chain_release(&s->chain);
	buf_release(&s->lines);
}

const struct opt *spooling_options(struct spooling *s)
{
	const struct opt rows[] = {
		{.name = "spool-max",
			.arg = "SIZE",
			.help = "wait when so much is to be sent (1GiB)",
			.read = opt_size,
			.to = &s->max_bytes},
		{.name = "at-least-once",
			.help = "send before the commit: repeats may come",
			.to = &s->sends_at_once},
		{.name = NULL},
	};

	_Static_assert(sizeof(rows) <= sizeof(s->options), "room for the options");
	memcpy(s->options, rows, sizeof(rows));
	return s->options;
}

/* The sender */

static uint64_t sent(const struct spooling *s)
{
	return atomic_load(&s->sender.progress->sent);
}

/* Records that the chain has, but for the batch in hand. */
static uint64_t waiting(const struct spooling *s)
{
	return s->records - atomic_load(&s->sender.progress->delivered) -
	       atomic_load(&s->sender.progress->rejected);
}

void spooling_tell(const struct spooling *s)
{
	struct buf line;

	if (!s->has_sender || s->filter->quiet)
		return;
	buf_init(&line);
	buf_format(&line, "sent %" PRIu64 ", rejected %" PRIu64 " of %" PRIu64,
		atomic_load(&s->sender.progress->delivered),
		atomic_load(&s->sender.progress->rejected), s->records);
	if (waiting(s))
		buf_format(&line, "; %" PRIu64 " wait in the spool", waiting(s));
	warn("%s", buf_string(&line));
	buf_release(&line);
}

/* The sender has said why on stderr: its status is ours. */
static void leave_as_sender(struct spooling *s, int status) __attribute__((noreturn));

static void leave_as_sender(struct spooling *s, int status)
{
	struct filter *f = s->filter;

	supervision_hush();
	checkpoint_failure(filter_checkpoint(f), status, s->sender.progress->why);
	filter_tell(f);
	spooling_tell(s);
	exit(status);
}

/* It is gone, which is as it should be only where it was told to end. */
static void mourn(struct spooling *s, bool was_told)
{
	int status = sender_reap(&s->sender);

	if (WIFSIGNALED(status))
		die(EX_TEMPFAIL, "the sender was killed by signal %d (%s): the next start goes on",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status))
		leave_as_sender(s, WEXITSTATUS(status));
	if (!was_told)
		die(EX_SOFTWARE, "the sender ended before it was told to; this is a bug");
}

static void hear(struct spooling *s)
{
	if (!sender_hear(&s->sender))
		mourn(s, false);
}

static void order(struct spooling *s, const struct sender_order *o)
{
	if (!sender_order(&s->sender, o))
		mourn(s, false);
}

/* Tells it of what this run has appended since. */
static void order_sending(struct spooling *s)
{
	for (size_t i = 0; i < s->chain.count; i++) {
		const struct spool_segment *g = &s->chain.segments[i];

		if (g->start + g->bytes > s->ordered)
			order(s, &(struct sender_order){
					 .kind = SENDER_SEND,
					 .number = g->number,
					 .bytes = g->bytes,
					 .records = s->records,
				 });
	}
	s->ordered = s->chain.end;
	spool_chain_drop(&s->chain, sent(s));
}

/* Batches */

static bool is_full(const struct spooling *s)
{
	uint64_t done = sent(s);

	return s->chain.end - done > s->max_bytes && done < s->ordered;
}

/* Where nothing of what waits is committed waiting would not help: an epoch is taken whole. */
static void wait_for_room(struct spooling *s)
{
	hear(s);
	if (is_full(s) && !s->was_full && !s->filter->quiet)
		warn("the spool is full (%" PRIu64
		     " bytes wait to be sent): nothing is read until the destination has taken "
		     "some; --spool-max is the bound",
			s->chain.end - sent(s));
	s->was_full = s->was_full || is_full(s);
	while (is_full(s)) {
		filter_wait(s->filter, s->sender.news, LOOP_NEVER);
		hear(s);
	}
}

static void batch_end(struct spooling *s)
{
	s->linger_until_ns = LOOP_NEVER;
	if (!s->count)
		return;
	spool_add(&s->spool, &s->chain, &s->lines, s->count);
	s->records += s->count;
	s->held += s->count;
	buf_clear(&s->lines);
	s->count = 0;
	if (s->sends_at_once) {
		spool_flush(&s->spool);
		order_sending(s);
	}
	wait_for_room(s);
}

static struct verdict spooling_record(void *state, const struct record *r)
{
	struct spooling *s = state;
	const struct desthelper *d = s->destination;
	uint64_t more = r->len + 1;

	if (more > d->helper.max_bytes)
		return filter_bad(s->filter, "too_big", "%s takes at most %llu bytes",
			d->helper.name, (unsigned long long)d->helper.max_bytes);
	if (s->lines.len + more > d->batch_bytes)
		batch_end(s);
	buf_add(&s->lines, r->bytes, r->len + 1);
	s->count++;
	if (s->count == d->batch_records || s->lines.len >= d->batch_bytes)
		batch_end(s);
	return verdict(HELD);
}

/* Batches that wait for the commit are cut by the records alone. */
static int64_t spooling_idle(void *state, int64_t now_ns)
{
	struct spooling *s = state;

	if (s->has_sender)
		hear(s);
	if (!s->sends_at_once || !s->count)
		return LOOP_NEVER;
	if (s->linger_until_ns == LOOP_NEVER)
		s->linger_until_ns = time_plus(now_ns, s->destination->linger_ns);
	if (now_ns >= s->linger_until_ns)
		batch_end(s);
	return s->linger_until_ns;
}

static void spooling_figures(void *state)
{
	const struct spooling *s = state;

	spooling_tell(s);
}

/* The record of an epoch */

static void add_file(json_t *files, const char *name, uint64_t bytes)
{
	json_array_append_new(
		files, json_pack("{s:s, s:I}", "name", name, "bytes", (json_int_t)bytes));
}

static void spooling_snapshot(void *state, struct snapshot *to)
{
	struct spooling *s = state;
	/* the journal first: what it does not say is not known to be sent then */
	uint64_t journal = atomic_load(&s->sender.progress->journal), done = sent(s);
	const struct spool_segment *at = spool_chain_at(&s->chain, done);
	struct buf name;

	for (size_t i = 0; i < s->chain.count; i++) {
		const struct spool_segment *g = &s->chain.segments[i];

		/* a segment of this run may grow again */
		if (g->start + g->bytes > done || g->run == s->spool.run)
			add_file(to->files, g->name, g->bytes);
	}
	buf_init(&name);
	bulk_name_print(&name, journal_kind, s->spool.run, journal >> 32);
	add_file(to->files, buf_string(&name), journal & UINT32_MAX);
	buf_release(&name);
	if (at)
		json_object_set_new(to->state, "sent",
			json_pack("{s:s, s:I}", "segment", at->name, "offset",
				(json_int_t)(done - at->start)));
	json_object_set_new(to->state, "waiting",
		json_pack("{s:I, s:I}", "records", (json_int_t)waiting(s), "bytes",
			(json_int_t)(s->chain.end - done)));
}

/* The start */

static void die_damaged(const struct spooling *s, const struct spool_segment *g, uint64_t offset,
	const char *why) __attribute__((noreturn));

static void die_damaged(
	const struct spooling *s, const struct spool_segment *g, uint64_t offset, const char *why)
{
	die(EX_IOERR,
		"'%s/%s' is damaged at byte %" PRIu64
		": %s; nothing of it and behind it was sent: put it back from a backup, or go "
		"back to an earlier epoch (dd-deliver --rewind)",
		s->spool.dir, g->name, offset, why);
}

/* The records of a segment behind an offset, by the heads of its frames. */
static uint64_t count_records(
	const struct spooling *s, const struct spool_segment *g, uint64_t offset)
{
	struct spool_frame f = {.next = offset};
	uint64_t records = 0;
	const char *why = NULL;
	struct buf path;
	int fd;

	buf_init(&path);
	buf_format(&path, "%s/%s", s->spool.dir, g->name);
	fd = open(buf_string(&path), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die_errno(EX_IOERR, "cannot open '%s'", buf_string(&path));
	while (!why && f.next < g->bytes) {
		why = spool_head_read(fd, f.next, g->bytes, &f);
		records += f.records;
	}
	if (why)
		die_damaged(s, g, f.offset, why);
	close(fd);
	buf_release(&path);
	return records;
}

static void count_waiting(struct spooling *s, uint64_t position)
{
	for (size_t i = 0; i < s->chain.count; i++) {
		const struct spool_segment *g = &s->chain.segments[i];

		if (g->start + g->bytes > position)
			s->records +=
				count_records(s, g, position > g->start ? position - g->start : 0);
	}
}

static void chain_restore(struct spool_chain *c, const json_t *files)
{
	struct bulk_name is;

	for (size_t i = 0; i < json_array_size(files); i++) {
		const json_t *file = json_array_get(files, i);
		const char *name = json_string_value(json_object_get(file, "name"));
		uint64_t bytes = (uint64_t)json_integer_value(json_object_get(file, "bytes"));

		if (bulk_name_read(name, &is) && is.kind_len == sizeof(spool_kind) - 1 &&
			memcmp(name, spool_kind, is.kind_len) == 0)
			spool_chain_grow(c, is.run, is.number, bytes);
	}
}

/* A batch's name is SEGMENT.OFFSET. */
static bool is_done(void *state, const char *batch)
{
	const struct spooling *s = state;
	const char *dot = strrchr(batch, '.');
	char *segment = strndup(batch, (size_t)(dot - batch));
	bool is_so = segment && acked_is_done(&s->acked, segment, strtoull(dot + 1, NULL, 16));

	free(segment);
	return is_so;
}

/* What older runs wrote down is said again in this run's own journal. */
static void journal_begin(struct spooling *s, uint64_t position)
{
	const struct spool_segment *at = spool_chain_at(&s->chain, position);
	json_t *steps;
	uint64_t offset;

	journal_init(&s->journal, s->spool.dir, s->spool.run);
	if (!at)
		at = s->chain.count ? &s->chain.segments[s->chain.count - 1] : NULL;
	if (!at)
		return;
	offset = position - at->start;
	journal_end(&s->journal, at->name, offset);
	steps = acked_steps(&s->acked, at->name, offset);
	for (size_t i = 0; i < json_array_size(steps); i++)
		journal_step(&s->journal, at->name, offset, json_copy(json_array_get(steps, i)));
}

static void sender_begin(struct spooling *s, uint64_t position)
{
	struct sending sending = {
		.destination = s->destination,
		.checkpoint = filter_checkpoint(s->filter),
		.chain = &s->chain,
		.journal = &s->journal,
		.acked = &s->acked,
		.position = position,
		.records = s->records,
	};

	sender_init(&s->sender);
	atomic_store(&s->sender.progress->sent, position);
	atomic_store(&s->sender.progress->journal, journal_place(&s->journal));
	sender_start(&s->sender, s->filter, sending_run, &sending);
	s->has_sender = true;
}

static void spooling_restore(void *state, const struct snapshot *from)
{
	struct spooling *s = state;
	const struct checkpoint *c = filter_checkpoint(s->filter);
	uint64_t position;

	spool_init(&s->spool, c->stage_dir, c->run);
	if (from)
		chain_restore(&s->chain, from->files);
	acked_init(&s->acked);
	acked_read(&s->acked, c->stage_dir);
	position = acked_position(&s->acked, &s->chain);
	deadletters_recover_batches(&s->filter->outlet.letters, is_done, s);
	journal_begin(s, position);
	count_waiting(s, position);
	s->ordered = s->chain.end;
	sender_begin(s, position);
}

/* Barriers */

static void spooling_prepare(void *state, const struct control *barrier)
{
	struct spooling *s = state;

	(void)barrier;
	batch_end(s);
	spool_sync(&s->spool);
	filter_settle(s->filter, s->held);
	s->held = 0;
}

static enum sender_order_kind last_order(const struct control *barrier)
{
	if (barrier->is_end)
		return SENDER_FINISH;
	return barrier->is_once ? SENDER_PAUSE : SENDER_STOP;
}

static void spooling_committed(void *state, const struct control *barrier)
{
	struct spooling *s = state;

	order_sending(s);
	if (!barrier->is_last)
		return;
	order(s, &(struct sender_order){.kind = last_order(barrier), .records = s->records});
	while (sender_hear(&s->sender))
		filter_wait(s->filter, s->sender.news, LOOP_NEVER);
	mourn(s, true);
}

static const struct handlers handlers = {
	.record = spooling_record,
	.idle = spooling_idle,
	.figures = spooling_figures,
	.restore = spooling_restore,
	.snapshot = spooling_snapshot,
};

static const struct destination destination = {
	.prepare = spooling_prepare,
	.committed = spooling_committed,
};

void spooling_take_over(struct spooling *s)
{
	struct filter *f = s->filter;

	f->handlers = &handlers;
	f->state = s;
	f->passed_word = "spooled";
	f->commitment->destination = &destination;
}

void spooling_refuse_rest(const struct filter *f, const struct snapshot *own)
{
	struct spool_chain chain;
	struct acked acked;

	if (f->handlers == &handlers)
		return;
	spool_chain_init(&chain);
	acked_init(&acked);
	chain_restore(&chain, own->files);
	if (chain.count)
		acked_read(&acked, filter_checkpoint(f)->stage_dir);
	if (acked_position(&acked, &chain) < chain.end)
		die(EX_CONFIG,
			"records for another destination wait in the spool: start the pipeline "
			"with that one until it exits with 0, then with this one");
	acked_release(&acked);
	spool_chain_release(&chain);
}
