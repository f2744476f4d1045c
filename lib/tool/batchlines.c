#include "tool/batchlines.h"

#include "state/member.h"

/* What a batch's line has around its records. */
enum { FRAME_BYTES = 128 };

void batchlines_init(struct batchlines *b, struct filter *f, struct cut *cut)
{
	*b = (struct batchlines){.filter = f, .cut = cut, .hash = XXH3_createState()};
	buf_init(&b->records);
	buf_init(&b->line);
}

void batchlines_release(struct batchlines *b)
{
	buf_release(&b->records);
	buf_release(&b->line);
	XXH3_freeState(b->hash);
	if (b->has_log)
		changelog_release(&b->log);
}

static void give(struct batchlines *b)
{
	buf_clear(&b->line);
	buf_format(&b->line,
		"{\"batch\":%llu,\"count\":%llu,\"bytes\":%llu,\"xxh3\":\"%016llx\",\"records\":[",
		(unsigned long long)b->cut->number, (unsigned long long)b->cut->records,
		(unsigned long long)b->cut->bytes, (unsigned long long)XXH3_64bits_digest(b->hash));
	buf_add(&b->line, b->records.data, b->records.len);
	buf_text(&b->line, "]}\n");
	filter_emit(b->filter, b->line.data, b->line.len - 1);
	buf_clear(&b->records);
	cut_end(b->cut);
	if (b->has_log)
		changelog_drop_before(&b->log, changelog_roll(&b->log));
}

/* line[len] is its newline. */
static void add(struct batchlines *b, const char *line, size_t len)
{
	if (cut_take(b->cut, len + 1))
		XXH3_64bits_reset(b->hash);
	else
		buf_char(&b->records, ',');
	buf_add(&b->records, line, len);
	XXH3_64bits_update(b->hash, line, len + 1);
}

static struct verdict batchlines_record(void *state, const struct record *r)
{
	struct batchlines *b = state;

	if (r->len + FRAME_BYTES > b->filter->max_record_bytes)
		return filter_bad(b->filter, "too_big",
			"with what a batch has around it, it is longer than --max-record");
	if (cut_before(b->cut, r->len + 1))
		give(b);
	add(b, r->bytes, r->len);
	if (b->has_log)
		changelog_put(&b->log, "", 0, r->bytes, r->len);
	if (cut_behind(b->cut))
		give(b);
	return verdict(ABSORBED);
}

static void batchlines_end(void *state)
{
	struct batchlines *b = state;

	if (b->cut->records)
		give(b);
}

static uint64_t batchlines_unfinished(void *state, const char **what)
{
	struct batchlines *b = state;

	*what = "records of a batch";
	return b->cut->records;
}

static const char *take_again(
	void *context, const char *key, size_t key_len, const char *value, size_t value_len)
{
	struct batchlines *b = context;

	(void)key;
	(void)key_len;
	buf_clear(&b->line);
	buf_add(&b->line, value, value_len);
	buf_char(&b->line, '\n');
	add(b, b->line.data, value_len);
	return NULL;
}

static void batchlines_restore(void *state, const struct snapshot *from)
{
	struct batchlines *b = state;
	const struct checkpoint *c = filter_checkpoint(b->filter);
	uint64_t number;

	changelog_init(&b->log, c->stage_dir, "batch", c->run);
	b->has_log = true;
	if (!from)
		return;
	number = (uint64_t)member_get(from->state, "number");
	changelog_restore(&b->log, from->files, take_again, b);
	b->cut->number = number;
}

static void batchlines_snapshot(void *state, struct snapshot *to)
{
	struct batchlines *b = state;
	json_t *files;

	member_put(to->state, "number", (int64_t)b->cut->number);
	changelog_sync(&b->log);
	files = changelog_files(&b->log);
	json_array_extend(to->files, files);
	json_decref(files);
}

const struct handlers batchlines_handlers = {
	.record = batchlines_record,
	.end = batchlines_end,
	.unfinished = batchlines_unfinished,
	.restore = batchlines_restore,
	.snapshot = batchlines_snapshot,
};
