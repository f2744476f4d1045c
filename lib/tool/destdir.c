#include "tool/destdir.h"

#include <string.h>

#include "base/die.h"
#include "io/random.h"

void destdir_init(struct destdir *d, struct filter *f)
{
	*d = (struct destdir){.filter = f, .hash = XXH3_createState()};
	buf_init(&d->path);
}

void destdir_release(struct destdir *d)
{
	landing_release(&d->landing);
	XXH3_freeState(d->hash);
	buf_release(&d->path);
}

void destdir_take_url(struct destdir *d, struct url *u, const char *text)
{
	struct url_option o;
	const char *why;

	if (u->path_len >= 2 && memcmp(u->path, "//", 2) == 0) {
		if (u->path_len < 3 || u->path[2] != '/')
			die(EX_USAGE, "'%s': a directory has no host: it is dir:PATH", text);
		u->path += 2;
		u->path_len -= 2;
	}
	why = url_decode(&d->path, u->path, u->path_len);
	if (why)
		die(EX_USAGE, "'%s': %s", text, why);
	while (d->path.len > 1 && d->path.data[d->path.len - 1] == '/')
		d->path.len--;
	if (!d->path.len)
		die(EX_USAGE, "'%s' names no directory: it is dir:PATH", text);
	if (url_next_option(u, &o))
		die(EX_USAGE, "'%s': unknown option '%.*s': dir: has none", text, (int)o.len,
			o.name);
}

static struct verdict destdir_record(void *state, const struct record *r)
{
	struct destdir *d = state;

	if (!d->file.path) {
		landing_create(&d->landing, &d->file);
		XXH3_64bits_reset(d->hash);
		d->records = 0;
	}
	out_add(&d->file.out, r->bytes, r->len + 1);
	XXH3_64bits_update(d->hash, r->bytes, r->len + 1);
	d->records++;
	return verdict(HELD);
}

static void finish(struct destdir *d, uint64_t epoch)
{
	unsigned long long hash = XXH3_64bits_digest(d->hash);
	struct buf name;
	json_t *info;

	if (!d->file.path)
		return;
	buf_init(&name);
	buf_format(&name, "%s-", d->filter->pipeline);
	if (epoch)
		buf_format(&name, "%012llu-", (unsigned long long)epoch);
	buf_format(&name, "%016llx.ndjson", hash);
	info = json_pack("{sI sI}", "records", (json_int_t)d->records, "bytes",
		(json_int_t)d->file.out.bytes);
	landing_finish(&d->landing, &d->file, buf_string(&name), info);
	filter_settle(d->filter, d->records);
	buf_release(&name);
}

static void publish(struct destdir *d)
{
	landing_link(&d->landing);
	landing_forget(&d->landing);
}

/* Without a checkpoint */

static void destdir_begin(void *state)
{
	struct destdir *d = state;

	landing_open(&d->landing, buf_string(&d->path), d->filter->pipeline, d->filter->name);
	if (d->landing.manifest)
		die(EX_CONFIG,
			"'%s' belongs to a pipeline with a checkpoint directory: give "
			"--checkpoint, "
			"or another --pipeline",
			buf_string(&d->path));
	landing_recover(&d->landing, random_number(), NULL);
}

static void destdir_end(void *state)
{
	struct destdir *d = state;

	finish(d, 0);
	landing_adopt(&d->landing);
	publish(d);
}

const struct handlers destdir_handlers = {
	.begin = destdir_begin,
	.record = destdir_record,
	.end = destdir_end,
};

/* Under a checkpoint */

static void destdir_fence(void *state, const struct checkpoint *c, struct held *held)
{
	struct destdir *d = state;

	d->incarnation = c->incarnation;
	landing_open(&d->landing, buf_string(&d->path), d->filter->pipeline, d->filter->name);
	*held = (struct held){.is_there = false, .where = d->landing.inner};
	held->is_there = landing_held(&d->landing, held->incarnation, &held->at);
}

static void destdir_take(void *state, struct epoch at)
{
	struct destdir *d = state;

	landing_commit(&d->landing, d->incarnation, at);
}

static void destdir_restore(void *state, const struct snapshot *from)
{
	struct destdir *d = state;

	(void)from;
	landing_recover(&d->landing, filter_checkpoint(d->filter)->run, NULL);
	publish(d);
}

static void destdir_prepare(void *state, const struct control *barrier)
{
	finish(state, barrier->epoch);
}

static void destdir_commit(void *state, struct epoch at, struct epoch after)
{
	struct destdir *d = state;

	(void)after;
	landing_commit(&d->landing, d->incarnation, at);
}

static void destdir_committed(void *state, const struct control *barrier)
{
	struct destdir *d = state;

	(void)barrier;
	publish(d);
}

const struct handlers destdir_checkpointed = {
	.record = destdir_record,
	.restore = destdir_restore,
};

const struct destination destdir_destination = {
	.fence = destdir_fence,
	.take = destdir_take,
	.prepare = destdir_prepare,
	.commit = destdir_commit,
	.committed = destdir_committed,
};
