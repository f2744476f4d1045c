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

/* STAGE.RUN.ndjson, STAGE.RUN.EPOCH.ndjson or STAGE.spool.RUN.NUMBER.OFFSET.ndjson; RUN is 16
 * hexadecimal digits. A stage's name has no dot in it. */
static bool is_segment(const char *name)
{
	enum { RUN_LEN = 16 };
	static const char spool[] = ".spool.";
	const char *run = strchr(name, '.'), *ending;

	if (!run || run == name)
		return false;
	run += strncmp(run, spool, strlen(spool)) == 0 ? strlen(spool) : 1;
	if (!is_hexadecimal(run, RUN_LEN))
		return false;
	ending = run + RUN_LEN;
	while (*ending == '.' && strspn(ending + 1, "0123456789abcdef"))
		ending += 1 + strspn(ending + 1, "0123456789abcdef");
	return strcmp(ending, ".ndjson") == 0;
}

/* How much of it there is. What can't be read is named and counted; the others are handled. */
static uint64_t readable_bytes(struct letterbox *b, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, R_OK) == 0)
		return (uint64_t)st.st_size;
	warn("'%s' is no segment that can be read; it is skipped", path);
	b->damaged++;
	return 0;
}

/* Up to so many bytes of it. */
static void add_segment(struct letterbox *b, const char *name, uint64_t bytes)
{
	struct segment *s;
	uint64_t there;
	struct buf path;

	buf_init(&path);
	buf_format(&path, "%s/%s", b->dir, name);
	there = readable_bytes(b, buf_string(&path));
	b->segments = mem_resize(b->segments, (b->count + 1) * sizeof(*b->segments));
	s = &b->segments[b->count++];
	*s = (struct segment){.path = mem_string(buf_string(&path)), .first_ns = INT64_MAX};
	s->bytes = there < bytes ? there : bytes;
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
	b->reading = s;
}

static void segment_end(struct letterbox *b)
{
	if (b->reading)
		input_close(&b->input);
	b->reading = NULL;
}

/* The next whole line of the segment that is being read, as far as it counts. */
static bool next_line(struct letterbox *b, struct line *l)
{
	while (!lines_next(&b->lines, l))
		if (!lines_fill(&b->lines))
			return false;
	return l->offset + l->length < b->reading->bytes;
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
		.segment = strrchr(b->reading->path, '/') + 1,
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

	if (!s->bytes)
		return ns;
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
			add_segment(b, entry->d_name, UINT64_MAX);
	closedir(dir);
	for (size_t i = 0; i < b->count; i++)
		b->segments[i].first_ns = first_ns(b, &b->segments[i]);
	if (b->count)
		qsort(b->segments, b->count, sizeof(*b->segments), segment_order);
}

static void begin(struct letterbox *b, const char *dir)
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
}

void letterbox_open(struct letterbox *b, const char *dir)
{
	begin(b, dir);
	list_segments(b);
}

void letterbox_open_set(struct letterbox *b, const char *dir, const json_t *set)
{
	json_t *segment;
	size_t i;

	begin(b, dir);
	json_array_foreach (set, i, segment) {
		const char *name = json_string_value(json_object_get(segment, "name"));

		if (name && is_segment(name))
			add_segment(b, name,
				(uint64_t)json_integer_value(json_object_get(segment, "bytes")));
	}
}

json_t *letterbox_set(const struct letterbox *b)
{
	json_t *set = json_array();

	for (size_t i = 0; i < b->count; i++)
		json_array_append_new(
			set, json_pack("{sssI}", "name", strrchr(b->segments[i].path, '/') + 1,
				     "bytes", (json_int_t)b->segments[i].bytes));
	return set;
}

void letterbox_go(struct letterbox *b, struct place place)
{
	segment_end(b);
	b->place = place;
}

void letterbox_close(struct letterbox *b)
{
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

/* Opens the segment that the place is in, or the next that has something. */
static bool arrive(struct letterbox *b)
{
	while (b->place.segment < b->count && !b->segments[b->place.segment].bytes)
		b->place = (struct place){.segment = b->place.segment + 1};
	if (b->place.segment >= b->count)
		return false;
	segment_begin(b, &b->segments[b->place.segment]);
	if (b->place.offset && input_seek(&b->input, b->place.offset))
		lines_begin_at(&b->lines, &b->input, b->place.offset, b->place.number);
	return true;
}

/* The next line of all. */
static bool next_of_all(struct letterbox *b, struct line *l)
{
	while (b->reading || arrive(b)) {
		if (next_line(b, l)) {
			b->place.offset = l->offset + l->length + 1;
			b->place.number = l->number;
			return true;
		}
		segment_end(b);
		b->place = (struct place){.segment = b->place.segment + 1};
	}
	return false;
}

bool letterbox_next(struct letterbox *b, struct envelope *e)
{
	struct line l;
	const char *why;

	while (next_of_all(b, &l)) {
		why = read_envelope(b, &l);
		if (!why && (!b->where || expr_true(b->where, b->values))) {
			fill_envelope(b, &l, e);
			return true;
		}
		if (!why)
			continue;
		b->damaged++;
		if (!b->is_quiet)
			warn("%s: line %" PRIu64 " is damaged: %s; it is skipped", b->input.name,
				l.number, why);
	}
	return false;
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
