#include "tool/batchfiles.h"

#include <stdio.h>

#include "base/die.h"
#include "io/random.h"
#include "record/text.h"
#include "state/member.h"

void batchfiles_init(struct batchfiles *b, struct filter *f, struct cut *cut, const char *dir)
{
	*b = (struct batchfiles){.filter = f, .cut = cut, .dir = dir, .hash = XXH3_createState()};
}

void batchfiles_release(struct batchfiles *b)
{
	landing_release(&b->landing);
	XXH3_freeState(b->hash);
}

static void finish(struct batchfiles *b)
{
	unsigned long long hash = XXH3_64bits_digest(b->hash);
	char hash_text[17];
	struct buf name;
	json_t *info;

	buf_init(&name);
	buf_format(&name, "%s-%06llu-%016llx.ndjson", b->filter->pipeline,
		(unsigned long long)b->cut->number, hash);
	snprintf(hash_text, sizeof(hash_text), "%016llx", hash);
	info = json_pack("{sI sI sI ss}", "batch", (json_int_t)b->cut->number, "records",
		(json_int_t)b->cut->records, "bytes", (json_int_t)b->cut->bytes, "xxh3", hash_text);
	landing_finish(&b->landing, &b->file, buf_string(&name), info);
	cut_end(b->cut);
	buf_release(&name);
}

static void tell(struct batchfiles *b, const json_t *batch)
{
	struct buf path, line;

	buf_init(&path);
	buf_init(&line);
	buf_format(&path, "%s/%s", b->dir, json_string_value(json_object_get(batch, "name")));
	buf_format(&line, "{\"batch\":%lld,\"file\":",
		(long long)json_integer_value(json_object_get(batch, "batch")));
	text_quote_any(&line, path.data, path.len);
	buf_format(&line, ",\"records\":%lld,\"bytes\":%lld,\"xxh3\":\"%s\"}\n",
		(long long)json_integer_value(json_object_get(batch, "records")),
		(long long)json_integer_value(json_object_get(batch, "bytes")),
		json_string_value(json_object_get(batch, "xxh3")));
	filter_emit(b->filter, line.data, line.len - 1);
	buf_release(&line);
	buf_release(&path);
}

/* A crash in between names and tells them again. */
static void publish(struct batchfiles *b)
{
	const json_t *batch;
	size_t i;

	landing_link(&b->landing);
	json_array_foreach (b->landing.committed, i, batch)
		tell(b, batch);
	if (filter_checkpoint(b->filter))
		outlet_flush(&b->filter->outlet);
	landing_forget(&b->landing);
}

static void settle(struct batchfiles *b)
{
	filter_settle(b->filter, balance_unfinished(&b->filter->balance));
}

static void add(struct batchfiles *b, const struct record *r)
{
	if (cut_take(b->cut, r->len + 1)) {
		landing_create(&b->landing, &b->file);
		XXH3_64bits_reset(b->hash);
	}
	out_add(&b->file.out, r->bytes, r->len + 1);
	XXH3_64bits_update(b->hash, r->bytes, r->len + 1);
}

/* Without a checkpoint */

static void land_now(struct batchfiles *b, uint64_t records)
{
	finish(b);
	landing_adopt(&b->landing);
	filter_settle(b->filter, records);
	publish(b);
}

static void batchfiles_begin(void *state)
{
	struct batchfiles *b = state;

	landing_open(&b->landing, b->dir, b->filter->pipeline, b->filter->name);
	if (b->landing.manifest)
		die(EX_CONFIG,
			"'%s' belongs to a pipeline with a checkpoint directory: give "
			"--checkpoint, "
			"or another --pipeline",
			b->dir);
	landing_recover(&b->landing, random_number(), NULL);
}

static struct verdict batchfiles_record(void *state, const struct record *r)
{
	struct batchfiles *b = state;

	if (cut_before(b->cut, r->len + 1))
		land_now(b, b->cut->records);
	add(b, r);
	if (cut_behind(b->cut))
		land_now(b, b->cut->records);
	return verdict(HELD);
}

static void batchfiles_end(void *state)
{
	struct batchfiles *b = state;

	if (b->cut->records)
		land_now(b, b->cut->records);
}

const struct handlers batchfiles_handlers = {
	.begin = batchfiles_begin,
	.record = batchfiles_record,
	.end = batchfiles_end,
};

/* Under a checkpoint */

static void batchfiles_fence(void *state, const struct checkpoint *c, struct held *held)
{
	struct batchfiles *b = state;

	b->incarnation = c->incarnation;
	landing_open(&b->landing, b->dir, b->filter->pipeline, b->filter->name);
	*held = (struct held){.is_there = false, .where = b->landing.inner};
	held->is_there = landing_held(&b->landing, held->incarnation, &held->at);
}

static void batchfiles_take(void *state, struct epoch at)
{
	struct batchfiles *b = state;

	landing_commit(&b->landing, b->incarnation, at);
}

static void hash_piece(void *context, const char *bytes, size_t len)
{
	XXH3_64bits_update(context, bytes, len);
}

static void resume_open_batch(struct batchfiles *b, const char *name)
{
	XXH3_64bits_reset(b->hash);
	landing_resume(&b->landing, &b->file, name, b->cut->bytes, hash_piece, b->hash);
}

static void batchfiles_restore(void *state, const struct snapshot *from)
{
	struct batchfiles *b = state;
	const char *open = from ? member_text(from->state, "open") : NULL;

	if (from) {
		b->cut->number = (uint64_t)member_get(from->state, "number");
		b->cut->records = (uint64_t)member_get(from->state, "records");
		b->cut->bytes = (uint64_t)member_get(from->state, "bytes");
	}
	landing_recover(&b->landing, filter_checkpoint(b->filter)->run, open);
	publish(b);
	if (open)
		resume_open_batch(b, open);
}

static void batchfiles_snapshot(void *state, struct snapshot *to)
{
	struct batchfiles *b = state;

	member_put(to->state, "number", (int64_t)b->cut->number);
	member_put(to->state, "records", (int64_t)b->cut->records);
	member_put(to->state, "bytes", (int64_t)b->cut->bytes);
	if (b->file.path)
		member_put_text(to->state, "open", landing_file_name(&b->file));
}

static struct verdict checkpointed_record(void *state, const struct record *r)
{
	struct batchfiles *b = state;

	if (cut_before(b->cut, r->len + 1))
		finish(b);
	add(b, r);
	if (cut_behind(b->cut))
		finish(b);
	return verdict(HELD);
}

static void batchfiles_prepare(void *state, const struct control *barrier)
{
	struct batchfiles *b = state;

	if (barrier->is_end && b->cut->records)
		finish(b);
	if (b->file.path)
		landing_sync(&b->file);
	settle(b);
}

static void batchfiles_commit(void *state, struct epoch at, struct epoch after)
{
	struct batchfiles *b = state;

	(void)after;
	landing_commit(&b->landing, b->incarnation, at);
}

static void batchfiles_committed(void *state, const struct control *barrier)
{
	struct batchfiles *b = state;

	(void)barrier;
	publish(b);
}

const struct handlers batchfiles_checkpointed = {
	.record = checkpointed_record,
	.restore = batchfiles_restore,
	.snapshot = batchfiles_snapshot,
};

const struct destination batchfiles_destination = {
	.fence = batchfiles_fence,
	.take = batchfiles_take,
	.prepare = batchfiles_prepare,
	.commit = batchfiles_commit,
	.committed = batchfiles_committed,
};
