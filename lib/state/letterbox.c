#include "state/letterbox.h"

#include <assert.h>
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "record/text.h"

/* What is asked of an envelope; in the order of field_names. */
enum field {
	ID,
	AT,
	STAGE,
	REASON,
	SOURCE_NAME,
	SOURCE_LINE,
	SOURCE_OFFSET,
	TRUNCATED,
	RECORD,
	RAW,
	RAW_BASE64,
};

static const char *const field_names[LETTERBOX_FIELDS] = {
	[ID] = "id",
	[AT] = "at",
	[STAGE] = "stage",
	[REASON] = "reason",
	[SOURCE_NAME] = "source.name",
	[SOURCE_LINE] = "source.line",
	[SOURCE_OFFSET] = "source.offset",
	[TRUNCATED] = "truncated",
	[RECORD] = "record",
	[RAW] = "raw",
	[RAW_BASE64] = "raw_base64",
};

/* The longest line that spans can point into. */
enum { ENVELOPE_MAX = INT_MAX };

/* Segments */

static bool is_hexadecimal(const char *text, size_t len)
{
	return strspn(text, "0123456789abcdef") >= len;
}

/* STAGE.RUN.ndjson, where RUN is 16 hexadecimal digits. */
static bool is_segment(const char *name)
{
	static const size_t run_len = 16;
	static const char ending[] = ".ndjson";
	size_t len = strlen(name), tail_len = 1 + run_len + strlen(ending);
	const char *tail = name + len - tail_len;

	return len > tail_len && *tail == '.' && is_hexadecimal(tail + 1, run_len) &&
	       strcmp(tail + 1 + run_len, ending) == 0;
}

/* What can't be read is named and counted; the others are handled. */
static bool is_readable(struct letterbox *b, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, R_OK) == 0)
		return true;
	warn("'%s' is no segment that can be read; it is skipped", path);
	b->damaged++;
	return false;
}

static void add_segment(struct letterbox *b, const char *name)
{
	struct buf path;

	buf_init(&path);
	buf_format(&path, "%s/%s", b->dir, name);
	if (is_readable(b, buf_string(&path))) {
		b->segments = mem_resize(b->segments, (b->count + 1) * sizeof(*b->segments));
		b->segments[b->count++] = (struct segment){.path = mem_string(buf_string(&path))};
	}
	buf_release(&path);
}

static int segment_order(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return strcmp(x->path, y->path);
}

static void segment_begin(struct letterbox *b, const struct segment *s)
{
	input_open(&b->input, s->path);
	lines_begin(&b->lines, &b->input);
	b->is_reading = true;
}

static void segment_end(struct letterbox *b)
{
	input_close(&b->input);
	b->is_reading = false;
}

/* The next whole line of the segment that is being read. */
static bool next_line(struct letterbox *b, struct line *l)
{
	while (!lines_next(&b->lines, l))
		if (!lines_fill(&b->lines))
			return false;
	return true;
}

/* Envelopes */

static const struct span *value(const struct letterbox *b, enum field field)
{
	return &b->values[b->fields[field]];
}

static bool has_string(const struct letterbox *b, enum field field)
{
	return value(b, field)->type == SPAN_STRING;
}

static bool is_base64(const struct span *text)
{
	struct buf bytes;
	size_t len;
	int bad;

	buf_init(&bytes);
	bad = sodium_base642bin((unsigned char *)buf_reserve(&bytes, text->len + 1), text->len,
		text->at, text->len, NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL);
	buf_release(&bytes);
	return !bad;
}

/* Why the scanned line is no letter. */
static const char *fault(const struct letterbox *b, const struct span *root)
{
	bool has_record = value(b, RECORD)->type != SPAN_MISSING;

	if (root->type != SPAN_OBJECT)
		return "not an object";
	if (!has_string(b, ID) || !has_string(b, STAGE) || !has_string(b, REASON))
		return "no id, stage or reason";
	if (has_record + has_string(b, RAW) + has_string(b, RAW_BASE64) != 1)
		return "not exactly one of record, raw and raw_base64";
	if (has_string(b, RAW_BASE64) && !is_base64(value(b, RAW_BASE64)))
		return "raw_base64 is not base64";
	return NULL;
}

static const char *read_envelope(struct letterbox *b, const struct line *l)
{
	struct span root;
	size_t where;
	const char *why;

	if (l->too_long)
		return "longer than any letter";
	why = scan(&b->paths, l->at, l->len, &root, b->values, &where);
	return why ? why : fault(b, &root);
}

static uint64_t number(const struct span *value)
{
	return value->type == SPAN_NUMBER ? strtoull(value->at, NULL, 10) : 0;
}

static void fill_envelope(const struct letterbox *b, const struct line *l, struct envelope *e)
{
	*e = (struct envelope){
		.line = l->at,
		.len = l->len,
		.id = *value(b, ID),
		.stage = *value(b, STAGE),
		.reason = *value(b, REASON),
		.source_name = *value(b, SOURCE_NAME),
		.source_line = number(value(b, SOURCE_LINE)),
		.source_offset = number(value(b, SOURCE_OFFSET)),
		.truncated = value(b, TRUNCATED)->type != SPAN_MISSING,
		.record = *value(b, RECORD),
		.raw = *value(b, RAW),
		.raw_base64 = *value(b, RAW_BASE64),
	};
}

/* When the first sound letter was filed; without one the segment comes last. */
static int64_t first_ns(struct letterbox *b, const struct segment *s)
{
	int64_t ns = INT64_MAX;
	struct line l;

	segment_begin(b, s);
	while (ns == INT64_MAX && next_line(b, &l))
		if (read_envelope(b, &l) || time_read(&b->time, value(b, AT), &ns))
			ns = INT64_MAX;
	segment_end(b);
	return ns;
}

static void list_segments(struct letterbox *b)
{
	DIR *dir = opendir(b->dir);
	const struct dirent *entry;

	if (!dir)
		die_errno(EX_IOERR, "cannot open the dead-letter store '%s'", b->dir);
	while ((entry = readdir(dir)))
		if (is_segment(entry->d_name))
			add_segment(b, entry->d_name);
	closedir(dir);
	for (size_t i = 0; i < b->count; i++)
		b->segments[i].first_ns = first_ns(b, &b->segments[i]);
	if (b->count)
		qsort(b->segments, b->count, sizeof(*b->segments), segment_order);
}

void letterbox_open(struct letterbox *b, const char *dir)
{
	const char *why;

	*b = (struct letterbox){.dir = dir};
	lines_init(&b->lines, ENVELOPE_MAX);
	paths_init(&b->paths);
	for (int i = 0; i < LETTERBOX_FIELDS; i++) {
		why = paths_add(&b->paths, field_names[i], &b->fields[i]);
		assert(!why);
	}
	b->values = mem_zero(b->paths.count, sizeof(*b->values));
	why = time_format_set(&b->time, "rfc3339", NULL);
	assert(!why);
	(void)why;
	list_segments(b);
}

void letterbox_close(struct letterbox *b)
{
	if (b->is_reading)
		segment_end(b);
	for (size_t i = 0; i < b->count; i++)
		free(b->segments[i].path);
	free(b->segments);
	free(b->values);
	expr_free(b->where);
	lines_release(&b->lines);
	paths_release(&b->paths);
	time_format_release(&b->time);
}

const char *letterbox_choose(struct letterbox *b, const char *where, size_t *column)
{
	const char *why = expr_compile(&b->where, where, &b->paths, column);

	free(b->values);
	b->values = mem_zero(b->paths.count, sizeof(*b->values));
	return why;
}

bool letterbox_next(struct letterbox *b, struct envelope *e)
{
	struct line l;
	const char *why;

	for (;;) {
		if (!b->is_reading) {
			if (b->next == b->count)
				return false;
			segment_begin(b, &b->segments[b->next++]);
		}
		if (!next_line(b, &l)) {
			segment_end(b);
			continue;
		}
		why = read_envelope(b, &l);
		if (!why && (!b->where || expr_true(b->where, b->values)))
			break;
		if (!why)
			continue;
		b->damaged++;
		warn("%s: line %" PRIu64 " is damaged: %s; it is skipped", b->input.name, l.number,
			why);
	}
	fill_envelope(b, &l, e);
	return true;
}

void letter_bytes(const struct envelope *e, struct buf *to)
{
	size_t quotes = e->record.type == SPAN_STRING, len = 0;
	char *at;

	if (e->record.type != SPAN_MISSING) {
		buf_add(to, e->record.at - quotes, e->record.len + 2 * quotes);
	} else if (e->raw.type == SPAN_STRING) {
		text_unescape(to, &e->raw);
	} else {
		at = buf_reserve(to, e->raw_base64.len + 1);
		sodium_base642bin((unsigned char *)at, e->raw_base64.len, e->raw_base64.at,
			e->raw_base64.len, NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL);
		to->len += len;
	}
}

struct summary {
	struct buf *to;
	bool any_member;
};

static void add_member(void *state, const struct span *key, const struct span *value)
{
	static const enum field bytes_fields[] = {RECORD, RAW, RAW_BASE64};
	struct summary *s = state;
	size_t quotes = value->type == SPAN_STRING;

	for (size_t i = 0; i < sizeof(bytes_fields) / sizeof(*bytes_fields); i++) {
		const char *name = field_names[bytes_fields[i]];

		if (text_says(key, name, strlen(name)))
			return;
	}
	buf_char(s->to, s->any_member ? ',' : '{');
	buf_add(s->to, key->at - 1, key->len + 2u);
	buf_char(s->to, ':');
	buf_add(s->to, value->at - quotes, value->len + 2 * quotes);
	s->any_member = true;
}

void letter_summary(const struct envelope *e, struct buf *to)
{
	struct summary s = {.to = to};

	scan_members(e->line, e->len, add_member, &s);
	buf_char(to, '}');
}
