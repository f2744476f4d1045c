/*
 * dd-dedupe: passes each key once
 *
 * The first record of a key passes, later ones are duplicates: for ever, or until --ttl of event
 * time has gone by. Keys are kept as 128-bit fingerprints under a random key (SipHash-2-4-128), so
 * that nobody can craft two that collide; with n keys the chance that any two do is below n^2 /
 * 2^129.
 */
#include <sodium.h>
#include <string.h>

#include "base/die.h"
#include "flow/seen.h"
#include "state/member.h"
#include "state/seenlog.h"
#include "tool/fields.h"
#include "tool/filter.h"

static struct {
	int64_t ttl_ns;
	uint64_t memory_bytes;
	struct key_fields key;
} conf = {
	.ttl_ns = SEEN_FOREVER,
	.memory_bytes = (uint64_t)1 << 30,
};

struct dedupe {
	struct filter filter;
	struct time_field time;
	struct seen seen;
	struct buf key;
	unsigned char secret[crypto_shorthash_siphashx24_KEYBYTES];
	bool has_watermark; /* then it is the clock; until then the largest time is */
	bool is_logged;     /* under a checkpoint */
	struct seenlog log;
};

static struct fingerprint fingerprint_of(const struct dedupe *d)
{
	struct fingerprint f;

	_Static_assert(sizeof(f) == crypto_shorthash_siphashx24_BYTES, "a fingerprint is a hash");
	crypto_shorthash_siphashx24(
		(unsigned char *)&f, (const unsigned char *)d->key.data, d->key.len, d->secret);
	return f;
}

static struct verdict dedupe_record(void *state, const struct record *r)
{
	struct dedupe *d = state;
	struct fingerprint key;
	int64_t time_ns = 0;

	if (!key_encode(&d->key, &conf.key, r->fields))
		return filter_bad(&d->filter, "no_key", "no part of the key is there");
	if (d->time.name) {
		const char *why = time_field_read(&d->time, &d->filter, r, &time_ns);

		if (why)
			return (struct verdict){BAD, why};
		if (!d->has_watermark && time_ns > d->seen.clock_ns)
			seen_set_clock(&d->seen, time_ns);
	}
	key = fingerprint_of(d);
	switch (seen_add(&d->seen, key, time_ns)) {
	case SEEN_NEW:
		if (d->is_logged)
			seenlog_add(&d->log, key, time_ns);
		return verdict(PASSED);
	case SEEN_BEFORE:
		return dropped("duplicate");
	case SEEN_FULL:
		break;
	}
	die(EX_TEMPFAIL, "%zu keys are all that --memory has room for; give it more, or a --ttl",
		d->seen.count);
}

static void dedupe_watermark(void *state, int64_t watermark_ns)
{
	struct dedupe *d = state;

	d->has_watermark = true;
	if (d->is_logged)
		seenlog_settle(&d->log);
	seen_set_clock(&d->seen, watermark_ns);
}

static void dedupe_snapshot(void *state, struct snapshot *to)
{
	struct dedupe *d = state;

	seenlog_snapshot(&d->log, to);
	member_put_bytes(to->state, "secret", d->secret, sizeof(d->secret));
	member_put(to->state, "has_watermark", d->has_watermark);
	time_field_snapshot(&d->time, to->state);
}

static void dedupe_restore(void *state, const struct snapshot *from)
{
	struct dedupe *d = state;
	const struct checkpoint *c = filter_checkpoint(&d->filter);

	d->is_logged = true;
	seenlog_init(&d->log, &d->seen, c->stage_dir, c->run);
	if (!from)
		return;
	buf_clear(&d->key);
	member_bytes(from->state, "secret", &d->key);
	if (d->key.len != sizeof(d->secret))
		member_die("secret");
	memcpy(d->secret, d->key.data, sizeof(d->secret));
	d->has_watermark = member_get(from->state, "has_watermark") != 0;
	time_field_restore(&d->time, from->state);
	seenlog_restore(&d->log, from);
}

static const struct handlers handlers = {
	.record = dedupe_record,
	.watermark = dedupe_watermark,
	.snapshot = dedupe_snapshot,
	.restore = dedupe_restore,
};

static void parse(struct dedupe *d, int argc, char **argv)
{
	const struct opt own[] = {
		{.letter = 'k',
			.name = "key",
			.arg = "FIELD[,FIELD...]",
			.help = "what makes two records the same",
			.read = fields_key,
			.to = &conf.key},
		{.name = "ttl",
			.arg = "D",
			.help = "forget a key when event time is D past it",
			.read = opt_duration,
			.to = &conf.ttl_ns},
		{.group = time_field_options(&d->time)},
		{.name = "memory",
			.arg = "SIZE",
			.help = "the most that the keys may take (1GiB)",
			.read = opt_size,
			.to = &conf.memory_bytes},
		{.name = NULL},
	};
	const struct opt_command command = {
		.purpose = "passes each key once",
		.operands = "",
		.own = own,
		.common = filter_options(&d->filter),
	};

	if (opt_parse(&command, argc, argv))
		die(EX_USAGE, "unexpected operand '%s': it reads the standard input", argv[0]);
	if (!conf.key.count)
		die(EX_USAGE, "--key FIELD must be given");
	if (!conf.ttl_ns)
		die(EX_USAGE, "--ttl must be above 0");
	if ((conf.ttl_ns != SEEN_FOREVER) != (d->time.name != NULL))
		die(EX_USAGE, "--ttl and --time go together: keys live in event time");
}

int main(int argc, char **argv)
{
	struct dedupe d = {.has_watermark = false};
	int status;

	filter_init(&d.filter, FILTER_STAGE, "dedupe", &handlers, &d);
	d.filter.where_passes = true;
	time_field_init(&d.time);
	parse(&d, argc, argv);
	fields_ask(&conf.key, &d.filter);
	time_field_ask(&d.time, &d.filter);
	seen_init(&d.seen, conf.ttl_ns, (size_t)conf.memory_bytes);
	buf_init(&d.key);
	randombytes_buf(d.secret, sizeof(d.secret));
	fields_shape(&conf.key, &d.filter, "key");
	time_field_shape(&d.time, &d.filter);
	status = filter_run(&d.filter, NULL, 0);
	if (d.is_logged)
		seenlog_release(&d.log);
	buf_release(&d.key);
	seen_release(&d.seen);
	time_field_release(&d.time);
	key_fields_release(&conf.key);
	filter_release(&d.filter);
	return status;
}
