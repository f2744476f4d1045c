#include "state/deadletter.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/durable.h"
#include "io/loop.h"
#include "record/text.h"
#include "record/time.h"

static const char partial[] = ".partial";

enum { INCARNATION_SHOWN = 16 };

void deadletters_init(struct deadletters *d, const char *dir, const char *pipeline,
	const char *stage, uint64_t run)
{
	*d = (struct deadletters){.dir = dir, .pipeline = pipeline, .stage = stage, .run = run};
	durable_dir(dir);
	paths_init(&d->paths);
	paths_add(&d->paths, "record", &d->record);
	buf_init(&d->line);
}

void deadletters_release(struct deadletters *d)
{
	if (d->path)
		out_release(&d->segment);
	free(d->path);
	paths_release(&d->paths);
	buf_release(&d->line);
}

static void segment_name(const struct deadletters *d, struct buf *to)
{
	if (d->batch)
		buf_format(to, "%s/.%.*s.%s.%s%s", d->dir, INCARNATION_SHOWN, d->incarnation,
			d->stage, d->batch, partial);
	else if (d->incarnation)
		buf_format(to, "%s/.%.*s.%s.%016llx.%012llu%s", d->dir, INCARNATION_SHOWN,
			d->incarnation, d->stage, (unsigned long long)d->run,
			(unsigned long long)d->epoch, partial);
	else
		buf_format(
			to, "%s/%s.%016llx.ndjson", d->dir, d->stage, (unsigned long long)d->run);
}

static void segment_create(struct deadletters *d)
{
	struct buf path;
	int fd;

	buf_init(&path);
	segment_name(d, &path);
	d->path = mem_string(buf_string(&path));
	buf_release(&path);
	fd = durable_create(d->path);
	if (fd < 0)
		die(EX_CONFIG,
			"'%s' is there already: are two stages named '%s'? --name tells them apart",
			d->path, d->stage);
	durable_sync_parent(d->path);
	out_init(&d->segment, fd, d->path);
}

/* Text of ours may quote the input, or a name that the user chose: it need not be UTF-8. */
static void add_text(struct buf *line, const char *key, const char *text)
{
	buf_format(line, "\"%s\":", key);
	text_quote_any(line, text, strlen(text));
	buf_char(line, ',');
}

static void add_head(struct deadletters *d, const struct letter *l)
{
	char at[TIME_TEXT_MAX];

	time_print(at, loop_wall_ns());
	buf_clear(&d->line);
	buf_format(&d->line, "{\"id\":\"%s-", d->stage);
	if (d->batch)
		buf_text(&d->line, d->batch);
	else if (d->incarnation)
		buf_format(&d->line, "%llu", (unsigned long long)d->epoch);
	else
		buf_format(&d->line, "%016llx", (unsigned long long)d->run);
	buf_format(&d->line, "-%llu-%016llx\",\"at\":\"%s\",", (unsigned long long)d->filed,
		(unsigned long long)l->hash, at);
	add_text(&d->line, "pipeline", d->pipeline);
	add_text(&d->line, "stage", d->stage);
	add_text(&d->line, "reason", l->reason);
	if (l->detail)
		add_text(&d->line, "detail", l->detail);
	buf_text(&d->line, "\"source\":{");
	add_text(&d->line, "name", l->source);
	buf_format(&d->line, "\"line\":%llu,\"offset\":%llu},\"attempts\":1,\"first_at\":\"%s\",",
		(unsigned long long)l->line, (unsigned long long)l->offset, at);
	if (l->length > l->len)
		buf_format(&d->line, "\"truncated\":{\"length\":%llu,\"xxh3\":\"%016llx\"},",
			(unsigned long long)l->length, (unsigned long long)l->hash);
}

static void end_line(struct buf *line)
{
	buf_text(line, "}\n");
	memset(buf_reserve(line, SCAN_PAD), 0, SCAN_PAD);
}

/*
 * Puts the line in as a JSON value if that value says its bytes: read back from the envelope it
 * must be the same run of bytes (blanks around it, depth and syntax may stand against that).
 */
static bool add_record(struct deadletters *d, const struct letter *l)
{
	size_t head_len = d->line.len, where;
	struct span root, record;

	if (l->length > l->len || memchr(l->bytes, '\n', l->len))
		return false;
	buf_text(&d->line, "\"record\":");
	buf_add(&d->line, l->bytes, l->len);
	end_line(&d->line);
	if (!scan(&d->paths, d->line.data, d->line.len - 1, &root, &record, &where) &&
		record.len + (record.type == SPAN_STRING) * 2u == l->len &&
		record.at - (record.type == SPAN_STRING) ==
			d->line.data + head_len + strlen("\"record\":"))
		return true;
	d->line.len = head_len;
	return false;
}

static void add_raw(struct deadletters *d, const struct letter *l)
{
	size_t cap;
	char *to;

	if (text_is_utf8(l->bytes, l->len)) {
		buf_text(&d->line, "\"raw\":");
		text_quote(&d->line, l->bytes, l->len);
	} else {
		cap = sodium_base64_encoded_len(l->len, sodium_base64_VARIANT_ORIGINAL);
		buf_text(&d->line, "\"raw_base64\":\"");
		to = buf_reserve(&d->line, cap);
		sodium_bin2base64(to, cap, (const unsigned char *)l->bytes, l->len,
			sodium_base64_VARIANT_ORIGINAL);
		d->line.len += cap - 1;
		buf_char(&d->line, '"');
	}
	end_line(&d->line);
}

void deadletters_file(struct deadletters *d, const struct letter *l)
{
	if (!d->path)
		segment_create(d);
	d->filed++;
	add_head(d, l);
	if (!add_record(d, l))
		add_raw(d, l);
	out_add(&d->segment, d->line.data, d->line.len);
}

void deadletters_flush(struct deadletters *d)
{
	if (d->path)
		out_flush(&d->segment);
}

void deadletters_sync(struct deadletters *d)
{
	deadletters_flush(d);
	if (d->path)
		durable_sync(d->segment.fd, d->path);
}

/* Epochs */

void deadletters_begin_epoch(
	struct deadletters *d, const char *incarnation, uint64_t run, uint64_t epoch)
{
	d->incarnation = incarnation;
	d->run = run;
	d->epoch = epoch;
}

static void segment_close(struct deadletters *d)
{
	out_close(&d->segment);
	out_release(&d->segment);
	free(d->path);
	d->path = NULL;
	d->filed = 0;
}

void deadletters_seal(struct deadletters *d)
{
	deadletters_sync(d);
	if (d->path)
		segment_close(d);
	d->epoch++;
}

/* What a name that this stage gave to an unpublished segment says. */
static bool is_unpublished(
	const struct deadletters *d, const char *name, uint64_t *run, uint64_t *epoch)
{
	char head[NAME_MAX];
	char *end;
	int len = snprintf(
		head, sizeof(head), ".%.*s.%s.", INCARNATION_SHOWN, d->incarnation, d->stage);

	if (strncmp(name, head, (size_t)len) != 0)
		return false;
	*run = strtoull(name + len, &end, 16);
	if (*end != '.')
		return false;
	*epoch = strtoull(end + 1, &end, 10);
	return strcmp(end, partial) == 0;
}

static void publish(const struct deadletters *d, const char *name, uint64_t run, uint64_t epoch)
{
	struct buf from, to;

	buf_init(&from);
	buf_init(&to);
	buf_format(&from, "%s/%s", d->dir, name);
	buf_format(&to, "%s/%s.%016llx.%012llu.ndjson", d->dir, d->stage, (unsigned long long)run,
		(unsigned long long)epoch);
	durable_rename(buf_string(&from), buf_string(&to));
	buf_release(&from);
	buf_release(&to);
}

static void forget(const struct deadletters *d, const char *name)
{
	struct buf path;

	buf_init(&path);
	buf_format(&path, "%s/%s", d->dir, name);
	if (unlink(buf_string(&path)) != 0 && errno != ENOENT)
		die_errno(EX_IOERR, "cannot delete '%s'", buf_string(&path));
	buf_release(&path);
}

static DIR *store_list(const struct deadletters *d)
{
	DIR *store = opendir(d->dir);

	if (!store)
		die_errno(EX_IOERR, "cannot list '%s'", d->dir);
	return store;
}

void deadletters_publish(const struct deadletters *d, uint64_t run, uint64_t epoch)
{
	DIR *store = store_list(d);
	struct dirent *entry;
	uint64_t of, number;

	while ((entry = readdir(store)))
		if (is_unpublished(d, entry->d_name, &of, &number) && of == run && number <= epoch)
			publish(d, entry->d_name, of, number);
	closedir(store);
}

void deadletters_publish_for(
	const struct deadletters *d, const char *stage, uint64_t run, uint64_t epoch)
{
	struct deadletters other = {.dir = d->dir, .stage = stage, .incarnation = d->incarnation};

	deadletters_publish(&other, run, epoch);
	deadletters_adopt(&other);
}

void deadletters_adopt(const struct deadletters *d)
{
	durable_adopt(d->dir);
}

void deadletters_sweep(const struct deadletters *d, uint64_t spared)
{
	DIR *store = store_list(d);
	struct dirent *entry;
	uint64_t of, number;

	while ((entry = readdir(store)))
		if (is_unpublished(d, entry->d_name, &of, &number) && of != d->run && of != spared)
			forget(d, entry->d_name);
	closedir(store);
}

/* Batches of a spool */

void deadletters_begin_batch(struct deadletters *d, const char *incarnation, const char *batch)
{
	d->incarnation = incarnation;
	d->batch = batch;
}

void deadletters_publish_batch(const struct deadletters *d, const char *batch)
{
	struct buf from, to;

	buf_init(&from);
	buf_init(&to);
	buf_format(&from, "%s/.%.*s.%s.%s%s", d->dir, INCARNATION_SHOWN, d->incarnation, d->stage,
		batch, partial);
	buf_format(&to, "%s/%s.%s.ndjson", d->dir, d->stage, batch);
	durable_rename(buf_string(&from), buf_string(&to));
	buf_release(&from);
	buf_release(&to);
}

/* The batch that a hidden name is of: the caller frees it; NULL: of none. */
static char *batch_of(const struct deadletters *d, const char *name)
{
	char head[NAME_MAX];
	int len = snprintf(
		head, sizeof(head), ".%.*s.%s.", INCARNATION_SHOWN, d->incarnation, d->stage);
	size_t name_len = strlen(name), tail_len = sizeof(partial) - 1;
	char *batch;

	if (strncmp(name, head, (size_t)len) != 0 ||
		strncmp(name + len, "spool.", strlen("spool.")) != 0 ||
		strcmp(name + name_len - tail_len, partial) != 0)
		return NULL;
	batch = mem_string(name + len);
	batch[name_len - (size_t)len - tail_len] = '\0';
	return batch;
}

void deadletters_recover_batches(const struct deadletters *d,
	bool (*is_done)(void *context, const char *batch), void *context)
{
	DIR *store = store_list(d);
	struct dirent *entry;

	while ((entry = readdir(store))) {
		char *batch = batch_of(d, entry->d_name);

		if (batch && is_done(context, batch))
			deadletters_publish_batch(d, batch);
		else if (batch)
			forget(d, entry->d_name);
		free(batch);
	}
	closedir(store);
}
