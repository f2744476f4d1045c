/*
 * dd-deliver: delivers to a destination named by a URL
 *
 * Records are held in a batch until the destination's helper says what became of each: delivered, a
 * dead letter, or to be sent again. Memory is bounded by the batch. What is sent again is the same
 * bytes; a batch that is refused is halved until the record to blame stands alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/units.h"
#include "base/url.h"
#include "io/append.h"
#include "io/loop.h"
#include "io/replace.h"
#include "tool/delivery.h"
#include "tool/filter.h"
#include "tool/helper.h"

static struct {
	const char *url;
	uint64_t batch_records, batch_bytes;
	int64_t linger_ns;
	int64_t timeout_ns;
} conf = {
	.batch_records = 500,
	.batch_bytes = 1 << 20,
	.timeout_ns = (int64_t)30 * NS_PER_S,
};

struct deliver {
	struct filter filter;

	/* file: */
	struct buf path;
	bool appends;
	struct out appended;
	struct replace replaced;

	/* a helper */
	struct helper helper;
	struct delivery batch;
	int64_t linger_until_ns; /* LOOP_NEVER: input has not run dry since the batch was begun */
};

/* To stdout */

static struct verdict stdout_record(void *state, const struct record *r)
{
	(void)state;
	(void)r;
	return verdict(PASSED);
}

static const struct handlers stdout_handlers = {.record = stdout_record};

/* To a file */

static struct out *file_out(struct deliver *d)
{
	return d->appends ? &d->appended : &d->replaced.out;
}

static void file_begin(void *state)
{
	struct deliver *d = state;
	const char *path = buf_string(&d->path);

	if (d->appends)
		append_open(&d->appended, path);
	else
		replace_open(&d->replaced, path);
}

static struct verdict file_record(void *state, const struct record *r)
{
	out_add(file_out(state), r->bytes, r->len + 1);
	return verdict(HELD);
}

static int64_t file_idle(void *state, int64_t now_ns)
{
	(void)now_ns;
	out_flush(file_out(state));
	return LOOP_NEVER;
}

static void file_end(void *state)
{
	struct deliver *d = state;

	if (d->appends) {
		append_close(&d->appended);
	} else {
		replace_land(&d->replaced);
		replace_release(&d->replaced);
	}
	filter_settle(&d->filter, balance_unfinished(&d->filter.balance));
}

static const struct handlers file_handlers = {
	.begin = file_begin,
	.record = file_record,
	.idle = file_idle,
	.end = file_end,
};

/* To a helper */

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void deliver_begin(void *state)
{
	struct deliver *d = state;

	helper_open(&d->helper, conf.url, (conf.timeout_ns + NS_PER_MS - 1) / NS_PER_MS);
	conf.batch_records = lesser(conf.batch_records, d->helper.max_records);
	conf.batch_bytes = lesser(conf.batch_bytes, d->helper.max_bytes);
}

static void batch_send(struct deliver *d)
{
	delivery_send(&d->batch);
	d->linger_until_ns = LOOP_NEVER;
}

static struct verdict deliver_record(void *state, const struct record *r)
{
	struct deliver *d = state;
	uint64_t more = r->len + 1;

	if (more > d->helper.max_bytes)
		return filter_bad(&d->filter, "too_big", "%s takes at most %llu bytes",
			d->helper.name, (unsigned long long)d->helper.max_bytes);
	if (d->batch.count && d->batch.lines.len + more > conf.batch_bytes)
		batch_send(d);
	delivery_hold(&d->batch, r);
	if (d->batch.count == conf.batch_records || d->batch.lines.len >= conf.batch_bytes)
		batch_send(d);
	return verdict(HELD);
}

static int64_t deliver_idle(void *state, int64_t now_ns)
{
	struct deliver *d = state;

	if (!d->batch.count)
		return LOOP_NEVER;
	if (d->linger_until_ns == LOOP_NEVER)
		d->linger_until_ns = time_plus(now_ns, conf.linger_ns);
	if (now_ns >= d->linger_until_ns)
		batch_send(d);
	return d->linger_until_ns;
}

static void deliver_end(void *state)
{
	struct deliver *d = state;

	if (d->batch.count)
		batch_send(d);
	helper_end(&d->helper);
}

static const struct handlers helper_handlers = {
	.begin = deliver_begin,
	.record = deliver_record,
	.idle = deliver_idle,
	.end = deliver_end,
};

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

/* FILE[?append]; file:///FILE is read as that. */
static void file_take(struct deliver *d, struct url *u)
{
	struct url_option o;
	const char *why;

	if (u->path_len >= 2 && memcmp(u->path, "//", 2) == 0) {
		if (u->path_len < 3 || u->path[2] != '/')
			die(EX_USAGE, "'%s': a file has no host: it is file:PATH", conf.url);
		u->path += 2;
		u->path_len -= 2;
	}
	why = url_decode(&d->path, u->path, u->path_len);
	if (why)
		die(EX_USAGE, "'%s': %s", conf.url, why);
	if (!d->path.len || d->path.data[d->path.len - 1] == '/')
		die(EX_USAGE, "'%s' names no file: it is file:PATH", conf.url);
	while (url_next_option(u, &o)) {
		if (!url_option_is(&o, "append") || o.value)
			die(EX_USAGE, "'%s': unknown option '%.*s': append is known", conf.url,
				(int)o.len, o.name);
		d->appends = true;
	}
	d->filter.handlers = &file_handlers;
}

static void destination_take(struct deliver *d)
{
	struct url u;

	if (strcmp(conf.url, "-") == 0)
		return;
	if (url_has_password(conf.url))
		die(EX_USAGE, "a password in the URL, where everybody can see it: "
			      "put it into ~/.netrc");
	if (!url_split(&u, conf.url))
		die(EX_USAGE, "'%s' is no URL: it is -, file:PATH, sqlite:FILE or http://HOST/PATH",
			conf.url);
	if (url_has_scheme(&u, "file")) {
		file_take(d, &u);
		return;
	}
	helper_init(&d->helper, &d->filter, u.scheme, u.scheme_len);
	d->filter.handlers = &helper_handlers;
}

static void parse(struct deliver *d, int argc, char **argv)
{
	const struct opt own[] = {
		{.name = "batch",
			.arg = "N",
			.help = "at most this many records a batch (500)",
			.read = opt_count,
			.to = &conf.batch_records},
		{.name = "batch-bytes",
			.arg = "SIZE",
			.help = "at most this many bytes, but one record (1MiB)",
			.read = opt_size,
			.to = &conf.batch_bytes},
		{.name = "linger",
			.arg = "D",
			.help = "how long a batch may wait for dry input (0)",
			.read = opt_duration,
			.to = &conf.linger_ns},
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
			.to = &conf.timeout_ns},
		{.name = NULL},
	};
	const struct opt_command command = {
		.purpose = "delivers to a destination named by a URL",
		.operands = "URL",
		.own = own,
		.common = filter_options(&d->filter),
	};
	int operands = opt_parse(&command, argc, argv);

	if (operands != 1)
		die(EX_USAGE, "%s: it is one URL: -, file:PATH, sqlite:FILE or http://HOST/PATH",
			operands ? "more than one destination" : "no destination");
	if (!conf.batch_records || !conf.batch_bytes)
		die(EX_USAGE, "--batch and --batch-bytes must be above 0");
	if (!conf.timeout_ns)
		die(EX_USAGE, "--timeout must be above 0");
	conf.url = argv[0];
	destination_take(d);
}

int main(int argc, char **argv)
{
	struct deliver d = {.linger_until_ns = LOOP_NEVER};
	int status;

	filter_init(&d.filter, FILTER_SINK, "deliver", &stdout_handlers, &d);
	d.filter.passed_word = "delivered";
	delivery_init(&d.batch, &d.filter, &d.helper);
	d.batch.retry = (struct retry){
		.backoff = {.base_ms = 1000, .cap_ms = 30000},
		.most = UINT64_MAX,
		.for_ns = (int64_t)300 * NS_PER_S,
	};
	parse(&d, argc, argv);
	status = filter_run(&d.filter, NULL, 0);
	delivery_release(&d.batch);
	if (d.filter.handlers == &helper_handlers)
		helper_release(&d.helper);
	buf_release(&d.path);
	filter_release(&d.filter);
	return status;
}
