#include "state/deadletter.h"

#include <sodium.h>
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

static void segment_create(struct deadletters *d)
{
	struct buf path;
	int fd;

	buf_init(&path);
	buf_format(&path, "%s/%s.%016llx.ndjson", d->dir, d->stage, (unsigned long long)d->run);
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
	buf_format(&d->line, "{\"id\":\"%s-%016llx-%llu-%016llx\",\"at\":\"%s\",", d->stage,
		(unsigned long long)d->run, (unsigned long long)d->filed,
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
