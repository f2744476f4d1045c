#include "tool/desthelper.h"

#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/units.h"
#include "io/loop.h"

void desthelper_init(struct desthelper *d, struct filter *f)
{
	*d = (struct desthelper){
		.filter = f,
		.batch_records = 500,
		.batch_bytes = 1 << 20,
		.timeout_ns = (int64_t)30 * NS_PER_S,
		.linger_until_ns = LOOP_NEVER,
	};
	spooling_init(&d->spooling, d);
	delivery_init(&d->batch, f, &d->helper);
	d->batch.retry = (struct retry){
		.backoff = {.base_ms = 1000, .cap_ms = 30000},
		.most = UINT64_MAX,
		.for_ns = (int64_t)300 * NS_PER_S,
	};
}

void desthelper_release(struct desthelper *d)
{
	spooling_release(&d->spooling);
	delivery_release(&d->batch);
	if (d->url)
		helper_release(&d->helper);
}

/* Reads --backoff, D or D..D, into a struct backoff. */
static const char *read_backoff(const char *text, void *to)
{
	const char *dots = strstr(text, "..");
	char *first = mem_string(text);
	int64_t base_ns, cap_ns;
	const char *why;

	if (dots)
		first[dots - text] = '\0';
	why = units_duration(first, &base_ns);
	free(first);
	if (!why)
		why = units_duration(dots ? dots + 2 : text, &cap_ns);
	if (why)
		return why;
	if (base_ns < NS_PER_MS)
		return "must be at least 1ms";
	if (cap_ns < base_ns)
		return "the second duration is below the first";
	*(struct backoff *)to = (struct backoff){
		.base_ms = (uint64_t)base_ns / NS_PER_MS,
		.cap_ms = (uint64_t)cap_ns / NS_PER_MS,
	};
	return NULL;
}

const struct opt *desthelper_options(struct desthelper *d)
{
	const struct opt rows[] = {
		{.name = "batch",
			.arg = "N",
			.help = "at most this many records a batch (500)",
			.read = opt_count,
			.to = &d->batch_records},
		{.name = "batch-bytes",
			.arg = "SIZE",
			.help = "at most this many bytes, but one record (1MiB)",
			.read = opt_size,
			.to = &d->batch_bytes},
		{.name = "linger",
			.arg = "D",
			.help = "how long a batch may wait for dry input (0)",
			.read = opt_duration,
			.to = &d->linger_ns},
		{.name = "retries",
			.arg = "N",
			.help = "at most this many tries again (no limit)",
			.read = opt_count,
			.to = &d->batch.retry.most},
		{.name = "retry-for",
			.arg = "D",
			.help = "try again for this long (5m)",
			.read = opt_duration,
			.to = &d->batch.retry.for_ns},
		{.name = "backoff",
			.arg = "D[..D]",
			.help = "wait up to D, doubling up to D (1s..30s)",
			.read = read_backoff,
			.to = &d->batch.retry.backoff},
		{.name = "timeout",
			.arg = "D",
			.help = "how long one try may take (30s)",
			.read = opt_duration,
			.to = &d->timeout_ns},
		{.group = spooling_options(&d->spooling)},
		{.name = NULL},
	};

	_Static_assert(sizeof(rows) <= sizeof(d->options), "room for the options");
	memcpy(d->options, rows, sizeof(rows));
	return d->options;
}

void desthelper_check(const struct desthelper *d)
{
	if (!d->batch_records || !d->batch_bytes)
		die(EX_USAGE, "--batch and --batch-bytes must be above 0");
	if (!d->timeout_ns)
		die(EX_USAGE, "--timeout must be above 0");
}

void desthelper_find(struct desthelper *d, const char *url, const char *scheme, size_t scheme_len)
{
	helper_init(&d->helper, d->filter, scheme, scheme_len);
	d->url = url;
	d->scheme = scheme;
	d->scheme_len = scheme_len;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void open_helper(struct desthelper *d)
{
	helper_open(&d->helper, d->url, (d->timeout_ns + NS_PER_MS - 1) / NS_PER_MS);
}

void desthelper_reopen(struct desthelper *d)
{
	helper_release(&d->helper);
	helper_init(&d->helper, d->filter, d->scheme, d->scheme_len);
	d->helper.gives_keys = true;
	open_helper(d);
}

static void desthelper_begin(void *state)
{
	struct desthelper *d = state;

	open_helper(d);
	d->batch_records = lesser(d->batch_records, d->helper.max_records);
	d->batch_bytes = lesser(d->batch_bytes, d->helper.max_bytes);
	if (filter_checkpoint(d->filter) && !helper_can(&d->helper, "transactions")) {
		/* the sender has one of its own */
		helper_end(&d->helper);
		spooling_take_over(&d->spooling);
	}
}

static void batch_send(struct desthelper *d)
{
	delivery_send(&d->batch);
	d->linger_until_ns = LOOP_NEVER;
}

static struct verdict desthelper_record(void *state, const struct record *r)
{
	struct desthelper *d = state;
	uint64_t more = r->len + 1;

	if (more > d->helper.max_bytes)
		return filter_bad(d->filter, "too_big", "%s takes at most %llu bytes",
			d->helper.name, (unsigned long long)d->helper.max_bytes);
	if (d->batch.count && d->batch.lines.len + more > d->batch_bytes)
		batch_send(d);
	delivery_hold(&d->batch, r);
	if (d->batch.count == d->batch_records || d->batch.lines.len >= d->batch_bytes)
		batch_send(d);
	return verdict(HELD);
}

static int64_t desthelper_idle(void *state, int64_t now_ns)
{
	struct desthelper *d = state;

	if (!d->batch.count)
		return LOOP_NEVER;
	if (d->linger_until_ns == LOOP_NEVER)
		d->linger_until_ns = time_plus(now_ns, d->linger_ns);
	if (now_ns >= d->linger_until_ns)
		batch_send(d);
	return d->linger_until_ns;
}

static void desthelper_end(void *state)
{
	struct desthelper *d = state;

	if (d->batch.count)
		batch_send(d);
	helper_end(&d->helper);
}

const struct handlers desthelper_handlers = {
	.begin = desthelper_begin,
	.record = desthelper_record,
	.idle = desthelper_idle,
	.end = desthelper_end,
};

/* Under a checkpoint */

static void desthelper_fence(void *state, const struct checkpoint *c, struct held *held)
{
	struct desthelper *d = state;

	d->checkpoint = c;
	helper_fence(&d->helper, c->incarnation, c->run, held);
	held->where = d->url;
}

static struct held held_of(const struct desthelper *d, struct epoch at)
{
	struct held h = {.is_there = true, .at = at};

	memcpy(h.incarnation, d->checkpoint->incarnation, sizeof(h.incarnation));
	return h;
}

static void desthelper_take(void *state, struct epoch at)
{
	struct desthelper *d = state;
	const struct held becomes = held_of(d, at);

	helper_take(&d->helper, &becomes);
}

static void desthelper_prepare(void *state, const struct control *barrier)
{
	struct desthelper *d = state;

	if (d->batch.count)
		batch_send(d);
	helper_prepare(&d->helper, barrier->epoch);
}

static void desthelper_commit(void *state, struct epoch at, struct epoch after)
{
	struct desthelper *d = state;
	const struct held becomes = held_of(d, at);

	(void)after;
	helper_commit(&d->helper, &becomes, false);
}

static void desthelper_committed(void *state, const struct control *barrier)
{
	struct desthelper *d = state;

	if (barrier->is_last)
		helper_end(&d->helper);
}

const struct handlers desthelper_checkpointed = {
	.begin = desthelper_begin,
	.record = desthelper_record,
	.idle = desthelper_idle,
};

const struct destination desthelper_destination = {
	.fence = desthelper_fence,
	.take = desthelper_take,
	.prepare = desthelper_prepare,
	.commit = desthelper_commit,
	.committed = desthelper_committed,
};
