/*
 * dd-dedupe: passes each key once, or only newer versions
 *
 * The first record of a key passes, later ones are duplicates: for ever, or until --ttl of event
 * time, or of the time of arrival, has gone by; with --newest those with a greater version pass as
 * well. Keys are kept as 128-bit fingerprints under a random key (SipHash-2-4-128), so that nobody
 * can craft two that collide; with n keys the chance that any two do is below n^2 / 2^129.
 * --exact-keys keeps their bytes.
 */
#include <sodium.h>
#include <string.h>

#include "base/die.h"
#include "base/instant.h"
#include "base/units.h"
#include "record/canonical.h"
#include "record/version.h"
#include "state/keyset.h"
#include "state/keysetfilter.h"
#include "state/member.h"
#include "state/sidefile.h"
#include "tool/dedupeargs.h"
#include "tool/fields.h"
#include "tool/filter.h"
#include "tool/repeats.h"

static struct dedupeargs conf = {
	.keys = {.ttl_ns = SEEN_FOREVER, .memory_bytes = (uint64_t)1 << 30},
};

/* A record's key, worked out before it is its turn. */
struct prepared {
	bool is_there;
	struct fingerprint print;
	const char *bytes; /* of the record, or of own */
	size_t len;
	struct buf own;
};

struct dedupe {
	struct filter filter;
	struct time_field time;
	struct version_reader version;
	int version_field;
	struct canonical canonical;
	struct keyset *keys; /* from the first record on */
	struct prepared prepared[FILTER_AHEAD];
	unsigned char secret[crypto_shorthash_siphashx24_KEYBYTES];
	bool has_watermark; /* then it is the clock; until then the largest event time is */
	int64_t watermark_ns;
	struct side *late; /* where there is --late FILE */
	struct side *duplicates;
	struct repeats repeats;
};

/* Keys */

static struct fingerprint fingerprint_of(const struct dedupe *d, const char *bytes, size_t len)
{
	struct fingerprint f;

	_Static_assert(sizeof(f) == crypto_shorthash_siphashx24_BYTES, "a fingerprint is a hash");
	crypto_shorthash_siphashx24(
		(unsigned char *)&f, (const unsigned char *)bytes, len, d->secret);
	return f;
}

static void find_whole(struct dedupe *d, struct prepared *p, const struct record *r)
{
	p->bytes = r->bytes;
	p->len = r->len - (r->len && r->bytes[r->len - 1] == '\r');
	if (!conf.is_canonical)
		return;
	buf_clear(&p->own);
	canonical_add(&d->canonical, &p->own, &r->root);
	p->bytes = p->own.data;
	p->len = p->own.len;
}

/* The bytes by which two records are the same; false if there are none. */
static bool find_key(struct dedupe *d, struct prepared *p, const struct record *r)
{
	bool is_there;

	if (conf.is_whole) {
		find_whole(d, p, r);
		return true;
	}
	is_there = key_encode(&p->own, &conf.key, r->fields);
	p->bytes = p->own.data;
	p->len = p->own.len;
	return is_there;
}

static void dedupe_prepare(void *state, const struct record *r)
{
	struct dedupe *d = state;
	struct prepared *p = &d->prepared[r->slot];

	p->is_there = find_key(d, p, r);
	if (!p->is_there)
		return;
	p->print = fingerprint_of(d, p->bytes, p->len);
	keyset_prefetch(d->keys, p->print);
}

/* Records */

static struct verdict late(struct dedupe *d, const struct record *r, int64_t time_ns)
{
	char behind[UNITS_DURATION_TEXT_MAX], lateness[UNITS_DURATION_TEXT_MAX], at[TIME_TEXT_MAX];

	if (conf.late) {
		if (d->late)
			side_add(d->late, r->bytes, r->len);
		return dropped("late");
	}
	units_duration_text(time_minus(d->watermark_ns, time_ns), behind);
	units_duration_text(conf.lateness_ns, lateness);
	time_print(at, d->watermark_ns);
	return filter_bad(&d->filter, "late",
		"%s behind the watermark %s, where --lateness is %s%s", behind, at, lateness,
		d->filter.rejects.dlq ? ""
				      : "; a larger --bound of dd-watermark waits for it, a larger "
					"--lateness takes it, --late FILE|drop takes it out");
}

static struct verdict taken_out(struct dedupe *d, const struct record *r, const char *reason)
{
	const struct prepared *p = &d->prepared[r->slot];

	if (d->duplicates)
		side_add(d->duplicates, r->bytes, r->len);
	if (conf.wants_report)
		repeats_add(&d->repeats, p->print, &conf.key, p->bytes, p->len);
	return dropped(reason);
}

static void die_full(const struct dedupe *d) __attribute__((noreturn));

static void die_full(const struct dedupe *d)
{
	die(EX_TEMPFAIL,
		"%llu keys are all that --memory has room for; give it more, or a %s--ttl%s",
		(unsigned long long)keyset_count(d->keys),
		conf.keys.ttl_ns == SEEN_FOREVER ? "" : "shorter ",
		conf.doubt ? "" : ", or --state rocksdb to hold them on disk");
}

static struct verdict judge(struct dedupe *d, const struct record *r, const struct keyset_key *key)
{
	switch (keyset_add(d->keys, key)) {
	case KEYSET_NEW:
	case KEYSET_NEWER:
		return verdict(PASSED);
	case KEYSET_SAME:
		return taken_out(d, r, "duplicate");
	case KEYSET_OLDER:
		return taken_out(d, r, "older");
	case KEYSET_DOUBT:
		return taken_out(d, r, "doubtful");
	case KEYSET_FULL:
		break;
	}
	die_full(d);
}

/* Under arrival time the clock never falls, whatever becomes of that of the machine. */
static void arrive(struct dedupe *d, int64_t *time_ns)
{
	*time_ns = filter_arrival_ns(&d->filter);
	if (*time_ns > keyset_clock_ns(d->keys))
		keyset_set_clock(d->keys, *time_ns);
	else
		*time_ns = keyset_clock_ns(d->keys);
}

/* Whether the record is late for the key of that time; if not, time moves with it. */
static bool comes_late(struct dedupe *d, int64_t time_ns)
{
	if (!d->time.name)
		return false;
	if (d->has_watermark)
		return time_ns <= time_minus(d->watermark_ns, conf.lateness_ns);
	if (time_ns > keyset_clock_ns(d->keys))
		keyset_set_clock(d->keys, time_ns);
	return false;
}

/* NULL, or why the record is bad: its time and its version. */
static const char *read_fields(struct dedupe *d, const struct record *r, struct keyset_key *key)
{
	const char *why = NULL;

	if (d->time.name)
		why = time_field_read(&d->time, &d->filter, r, &key->time_ns);
	if (why || !conf.newest)
		return why;
	why = version_read(&d->version, &r->fields[d->version_field], &key->version);
	if (why)
		filter_bad(&d->filter, why, "'%s': %s", conf.newest, d->version.detail);
	return why;
}

static struct verdict dedupe_record(void *state, const struct record *r)
{
	struct dedupe *d = state;
	const struct prepared *p = &d->prepared[r->slot];
	struct keyset_key key = {.print = p->print, .bytes = p->bytes, .len = p->len};
	const char *why;

	if (!p->is_there)
		return filter_bad(&d->filter, "no_key", "no part of the key is there");
	why = read_fields(d, r, &key);
	if (why)
		return (struct verdict){BAD, why};
	if (comes_late(d, key.time_ns))
		return late(d, r, key.time_ns);
	if (dedupeargs_by_arrival(&conf))
		arrive(d, &key.time_ns);
	return judge(d, r, &key);
}

static void dedupe_watermark(void *state, int64_t watermark_ns)
{
	struct dedupe *d = state;

	if (!d->time.name)
		return;
	d->has_watermark = true;
	d->watermark_ns = watermark_ns;
	keyset_set_clock(d->keys, watermark_ns);
}

/* The beginning and the end */

static void tell_room(const struct dedupe *d)
{
	if (!d->filter.quiet)
		warn("--approximate %s: --memory has room for %llu keys", conf.doubt,
			(unsigned long long)keysetfilter_capacity(&conf.keys));
}

static void dedupe_begin(void *state)
{
	struct dedupe *d = state;

	if (conf.late && strcmp(conf.late, "drop") != 0)
		d->late = filter_side_open(&d->filter, conf.late, SIDE_LATE);
	if (conf.duplicates)
		d->duplicates = filter_side_open(&d->filter, conf.duplicates, SIDE_DUPLICATES);
	if (conf.doubt)
		tell_room(d);
	if (!filter_checkpoint(&d->filter))
		d->keys = keyset_open(&conf.keys, NULL, 0);
}

static void dedupe_figures(void *state)
{
	const struct dedupe *d = state;

	repeats_tell(&d->repeats);
}

static void dedupe_snapshot(void *state, struct snapshot *to)
{
	struct dedupe *d = state;

	keyset_snapshot(d->keys, to);
	member_put_bytes(to->state, "secret", d->secret, sizeof(d->secret));
	member_put(to->state, "has_watermark", d->has_watermark);
	member_put(to->state, "watermark", d->watermark_ns);
	time_field_snapshot(&d->time, to->state);
	if (conf.newest && version_kind(&d->version))
		member_put_text(to->state, "version_kind", version_kind(&d->version));
	if (conf.wants_report)
		repeats_snapshot(&d->repeats, to->state);
}

static void restore_secret(struct dedupe *d, const json_t *state)
{
	struct buf bytes;

	buf_init(&bytes);
	member_bytes(state, "secret", &bytes);
	if (bytes.len != sizeof(d->secret))
		member_die("secret");
	memcpy(d->secret, bytes.data, sizeof(d->secret));
	buf_release(&bytes);
}

static void restore_version(struct dedupe *d, const json_t *state)
{
	const char *kind = member_text(state, "version_kind");

	if (kind && !version_decide(&d->version, kind))
		member_die("version_kind");
}

static void dedupe_restore(void *state, const struct snapshot *from)
{
	struct dedupe *d = state;
	const struct checkpoint *c = filter_checkpoint(&d->filter);

	d->keys = keyset_open(&conf.keys, c->stage_dir, c->run);
	if (!from)
		return;
	restore_secret(d, from->state);
	d->has_watermark = member_get(from->state, "has_watermark") != 0;
	d->watermark_ns = member_get(from->state, "watermark");
	time_field_restore(&d->time, from->state);
	restore_version(d, from->state);
	if (conf.wants_report)
		repeats_restore(&d->repeats, from->state);
	keyset_restore(d->keys, from);
}

static const struct handlers handlers = {
	.begin = dedupe_begin,
	.prepare = dedupe_prepare,
	.record = dedupe_record,
	.watermark = dedupe_watermark,
	.figures = dedupe_figures,
	.snapshot = dedupe_snapshot,
	.restore = dedupe_restore,
};

static void prepare_version(struct dedupe *d)
{
	const char *why = version_init(&d->version, d->time.zone);

	if (why)
		die(EX_CONFIG, "--tz '%s': %s", d->time.zone, why);
	d->version_field = filter_field(&d->filter, conf.newest);
	if (!d->time.name)
		d->time.zone = NULL; /* it was for the versions */
}

static void prepare(struct dedupe *d)
{
	d->filter.where_passes = true;
	if (conf.is_canonical)
		key_fields_canonical(&conf.key);
	canonical_init(&d->canonical);
	fields_ask(&conf.key, &d->filter);
	if (conf.newest)
		prepare_version(d);
	time_field_ask(&d->time, &d->filter);
	randombytes_buf(d->secret, sizeof(d->secret));
	dedupeargs_shape(&conf);
}

static void release(struct dedupe *d)
{
	if (d->keys)
		keyset_close(d->keys);
	for (unsigned i = 0; i < FILTER_AHEAD; i++)
		buf_release(&d->prepared[i].own);
	canonical_release(&d->canonical);
	if (conf.newest)
		version_release(&d->version);
	repeats_release(&d->repeats);
	time_field_release(&d->time);
	key_fields_release(&conf.key);
	filter_release(&d->filter);
}

int main(int argc, char **argv)
{
	struct dedupe d = {.keys = NULL};
	int status;

	filter_init(&d.filter, FILTER_STAGE, "dedupe", &handlers, &d);
	time_field_init(&d.time);
	conf.filter = &d.filter;
	conf.time = &d.time;
	dedupeargs_parse(&conf, argc, argv);
	prepare(&d);
	status = filter_run(&d.filter, NULL, 0);
	repeats_tell(&d.repeats);
	release(&d);
	return status;
}
