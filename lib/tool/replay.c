#include "tool/replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/loop.h"
#include "record/text.h"
#include "tool/intake.h"

void replay_init(struct replay *r, struct filter *f, double rate_per_s, bool dry_run)
{
	int reserved_key;

	*r = (struct replay){.filter = f, .rate_per_s = rate_per_s, .dry_run = dry_run};
	paths_init(&r->paths);
	paths_add(&r->paths, "$dd", &reserved_key);
	r->values = mem_zero(r->paths.count, sizeof(*r->values));
	buf_init(&r->bytes);
	buf_init(&r->source);
	r->start_ns = loop_now_ns();
}

void replay_release(struct replay *r)
{
	paths_release(&r->paths);
	free(r->values);
	buf_release(&r->bytes);
	buf_release(&r->source);
}

/* Why the bytes, made fit for a scan, are no record of a stream. */
static const char *unfit(struct replay *r, bool truncated)
{
	struct span root;
	size_t where;

	memset(buf_reserve(&r->bytes, 1 + SCAN_PAD), 0, 1 + SCAN_PAD);
	r->bytes.data[r->bytes.len] = '\n';
	if (truncated)
		return "truncated";
	if (memchr(r->bytes.data, '\n', r->bytes.len) ||
		scan(&r->paths, r->bytes.data, r->bytes.len, &root, r->values, &where) ||
		r->values[0].type != SPAN_MISSING)
		return "malformed";
	return NULL;
}

/* Thirty years: a number of nanoseconds that can be added to a time. */
#define NEVER_NS 1e18

/* Waits until the next record is due; what was sent is on its way by then. */
static void keep_rate(struct replay *r)
{
	double after_ns = (double)r->sent * 1e9 / r->rate_per_s;
	int64_t due_ns = r->start_ns + (int64_t)(after_ns < NEVER_NS ? after_ns : NEVER_NS);

	while (loop_now_ns() < due_ns) {
		out_flush(&r->filter->outlet.out);
		loop_wait(-1, -1, due_ns);
		if (loop_figures_asked())
			filter_tell(r->filter);
		if (loop_stop_asked())
			break;
	}
}

static struct record record_of(struct replay *r, const struct envelope *e)
{
	return (struct record){
		.bytes = r->bytes.data,
		.len = r->bytes.len,
		.length = r->bytes.len,
		.source = buf_string(&r->source),
		.line = e->source_line,
		.offset = e->source_offset,
	};
}

static void skip(struct replay *r, const struct envelope *e, const char *why)
{
	struct record record = record_of(r, e);

	if (strcmp(why, "truncated") == 0)
		r->truncated++;
	else
		r->malformed++;
	if (r->dry_run)
		return;
	intake_refuse(r->filter, &record, dropped(why));
	warn("skipped, as it is %s: letter %.*s, of %s, line %" PRIu64 ", byte %" PRIu64, why,
		(int)e->id.len, e->id.at, buf_string(&r->source), e->source_line, e->source_offset);
}

static void send_again(struct replay *r, const struct envelope *e)
{
	struct record record = record_of(r, e);

	if (!r->dry_run) {
		if (r->rate_per_s > 0)
			keep_rate(r);
		if (loop_stop_asked())
			die(EX_TEMPFAIL, "interrupted");
		intake_record(r->filter, &record);
	}
	r->sent++;
}

bool replay_letter(struct replay *r, const struct envelope *e)
{
	const char *why;

	buf_clear(&r->source);
	text_unescape(&r->source, &e->source_name);
	buf_clear(&r->bytes);
	letter_bytes(e, &r->bytes);
	why = unfit(r, e->truncated);
	if (why)
		skip(r, e, why);
	else
		send_again(r, e);
	return !why;
}
