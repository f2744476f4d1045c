#include "state/resolutions.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/durable.h"
#include "io/lock.h"
#include "io/loop.h"
#include "io/random.h"
#include "record/text.h"
#include "record/time.h"

enum field { ID, SEGMENT, OPEN, INCARNATION, EPOCH, HASH };

static const char *const field_names[RESOLUTION_FIELDS] = {
	[ID] = "id",
	[SEGMENT] = "segment",
	[OPEN] = "open",
	[INCARNATION] = "by.incarnation",
	[EPOCH] = "by.epoch",
	[HASH] = "xxh3",
};

/* What the last line of a letter says. */
enum said { IS_OPEN, IS_RESOLVED, IS_VOID };

static const char seal[] = ",\"xxh3\":\"";

enum { SEAL_BYTES = sizeof(seal) - 1 + 16 + 2 };

/* Lines */

static void seal_print(struct buf *line, size_t from)
{
	uint64_t hash = hash_bytes(line->data + from, line->len - from);

	buf_format(line, "%s%016" PRIx64 "\"}\n", seal, hash);
}

static bool seal_holds(const char *line, size_t len)
{
	char text[SEAL_BYTES + 1];

	if (len < SEAL_BYTES)
		return false;
	len -= SEAL_BYTES;
	snprintf(text, sizeof(text), "%s%016" PRIx64 "\"}", seal, hash_bytes(line, len));
	return memcmp(line + len, text, SEAL_BYTES) == 0;
}

static void print(struct buf *line, const char *segment, const struct buf *id, const char *rest)
{
	char at[TIME_TEXT_MAX];
	size_t from = line->len;

	time_print(at, loop_wall_ns());
	buf_text(line, "{\"id\":");
	text_quote_any(line, id->data, id->len);
	buf_text(line, ",\"segment\":");
	text_quote_any(line, segment, strlen(segment));
	buf_format(line, ",\"at\":\"%s\",%s", at, rest);
	seal_print(line, from);
	memset(buf_reserve(line, SCAN_PAD), 0, SCAN_PAD); /* it will be scanned */
}

void resolution_print(struct buf *line, const char *segment, const struct buf *id, const json_t *by)
{
	char *text = json_dumps(by, JSON_COMPACT | JSON_ENSURE_ASCII);
	struct buf rest;

	if (!text)
		die(EX_TEMPFAIL, "out of memory for a resolution");
	buf_init(&rest);
	buf_format(&rest, "\"by\":%s", text);
	print(line, segment, id, buf_string(&rest));
	buf_release(&rest);
	free(text);
}

/* line[len] is a newline. What it is of is in r->id and r->segment then. */
static const char *read_line(struct resolutions *r, const char *line, size_t len)
{
	struct span root;
	size_t where;
	const char *why;

	if (!seal_holds(line, len))
		return "its checksum does not match";
	why = scan(&r->paths, line, len, &root, r->values, &where);
	if (why)
		return why;
	if (r->values[r->fields[ID]].type != SPAN_STRING ||
		r->values[r->fields[SEGMENT]].type != SPAN_STRING)
		return "no id or segment";
	buf_clear(&r->id);
	text_unescape(&r->id, &r->values[r->fields[ID]]);
	buf_clear(&r->segment);
	text_unescape(&r->segment, &r->values[r->fields[SEGMENT]]);
	return NULL;
}

static bool is_void(const struct resolutions *r)
{
	const struct span *incarnation = &r->values[r->fields[INCARNATION]];
	const struct span *epoch = &r->values[r->fields[EPOCH]];

	return r->past.incarnation && incarnation->type == SPAN_STRING &&
	       epoch->type == SPAN_NUMBER &&
	       text_says(incarnation, r->past.incarnation, strlen(r->past.incarnation)) &&
	       strtoull(epoch->at, NULL, 10) > r->past.epoch;
}

/* Letters */

struct fingerprint_bytes {
	unsigned char bytes[crypto_shorthash_siphashx24_BYTES];
};

static struct fingerprint_bytes fingerprint_of(
	struct resolutions *r, const char *segment, const struct buf *id)
{
	struct fingerprint_bytes f;

	buf_clear(&r->key);
	buf_text(&r->key, segment);
	buf_char(&r->key, '/'); /* no name of a file has it */
	buf_add(&r->key, id->data, id->len);
	crypto_shorthash_siphashx24(
		f.bytes, (const unsigned char *)r->key.data, r->key.len, r->secret);
	return f;
}

static enum said said_of(struct resolutions *r, const char *segment, const struct buf *id)
{
	struct fingerprint_bytes f = fingerprint_of(r, segment, id);
	const char *said = table_find(&r->letters, f.bytes, sizeof(f.bytes));

	return said ? (enum said) * said : IS_OPEN;
}

/* Of the line in hand. */
static void say(struct resolutions *r, enum said said)
{
	struct fingerprint_bytes f = fingerprint_of(r, buf_string(&r->segment), &r->id);
	bool added;
	char *is = table_add(&r->letters, f.bytes, sizeof(f.bytes), &added);

	*is = (char)said;
}

static bool says(struct resolutions *r, enum said said)
{
	return said_of(r, buf_string(&r->segment), &r->id) == said;
}

static void take(struct resolutions *r, const char *line, size_t len)
{
	(void)line;
	(void)len;
	if (r->values[r->fields[OPEN]].type != SPAN_MISSING) {
		say(r, IS_OPEN);
	} else if (is_void(r)) {
		say(r, IS_VOID);
		r->has_void = true;
	} else {
		say(r, IS_RESOLVED);
	}
}

bool resolutions_has(struct resolutions *r, const char *segment, const struct buf *id)
{
	return said_of(r, segment, id) == IS_RESOLVED;
}

/* Files of lines */

typedef void handler(struct resolutions *r, const char *line, size_t len);

/* Hands out the whole lines of a file from a place on, which moves. */
static void each_line(
	struct resolutions *r, const char *path, uint64_t *bytes, uint64_t *number, handler *handle)
{
	struct input in;
	struct lines lines;
	struct line l;
	const char *why;

	input_open(&in, path);
	lines_init(&lines, INT_MAX);
	if (!input_seek(&in, *bytes))
		die(EX_IOERR, "'%s' has become shorter: it is only ever appended to", path);
	lines_begin_at(&lines, &in, *bytes, *number);
	do {
		while (lines_next(&lines, &l)) {
			why = l.too_long ? "too long" : read_line(r, l.at, l.len);
			if (why)
				die(EX_IOERR,
					"'%s': line %" PRIu64
					" is damaged: %s; restore it from a backup, "
					"or delete the line: its letter is open again then",
					path, l.number, why);
			handle(r, l.at, l.len);
			*bytes = l.offset + l.length + 1;
			*number = l.number;
		}
	} while (lines_fill(&lines));
	lines_release(&lines);
	input_close(&in);
}

/* Under the lock: else a line that a crash has torn may be cut while it is read. */
static void catch_up(struct resolutions *r)
{
	each_line(r, r->path, &r->read_bytes, &r->read_lines, take);
}

static void lock(const struct resolutions *r, int fd)
{
	if (!lock_wait(fd, r->path))
		die(EX_TEMPFAIL, "'%s' is being written by another process", r->path);
}

static void read_all(struct resolutions *r)
{
	int fd = open(r->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0)
		die_errno(EX_IOERR, "cannot open '%s'", r->path);
	lock(r, fd);
	catch_up(r);
	close(fd);
	/* what is relied on is synced first: who wrote it may have died before */
	if (r->past.incarnation)
		durable_adopt(r->path);
}

void resolutions_open(struct resolutions *r, const char *store, const struct resolutions_past *past)
{
	struct buf path;
	const char *why;
	uint64_t word;

	*r = (struct resolutions){.lock = -1};
	if (past)
		r->past = *past;
	buf_init(&path);
	buf_format(&path, "%s/resolved.ndjson", store);
	r->path = mem_string(buf_string(&path));
	buf_release(&path);
	for (size_t i = 0; i < sizeof(r->secret); i += sizeof(word)) {
		word = random_number();
		memcpy(r->secret + i, &word, sizeof(word));
	}
	table_init(&r->letters, 1);
	paths_init(&r->paths);
	for (int i = 0; i < RESOLUTION_FIELDS; i++) {
		why = paths_add(&r->paths, field_names[i], &r->fields[i]);
		assert(!why);
	}
	(void)why;
	r->values = mem_zero(r->paths.count, sizeof(*r->values));
	buf_init(&r->id);
	buf_init(&r->segment);
	buf_init(&r->key);
	read_all(r);
}

void resolutions_close(struct resolutions *r)
{
	free(r->path);
	free(r->values);
	table_release(&r->letters);
	paths_release(&r->paths);
	buf_release(&r->id);
	buf_release(&r->segment);
	buf_release(&r->key);
}

/* Writing */

void resolutions_begin(struct resolutions *r)
{
	struct stat st;

	r->lock = open(r->path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (r->lock < 0)
		die_errno(EX_CANTCREAT, "cannot open '%s'", r->path);
	lock(r, r->lock);
	catch_up(r);
	if (fstat(r->lock, &st) != 0)
		die_errno(EX_IOERR, "cannot look at '%s'", r->path);
	if ((uint64_t)st.st_size > r->read_bytes && ftruncate(r->lock, (off_t)r->read_bytes) != 0)
		die_errno(EX_IOERR, "cannot cut '%s'", r->path);
	out_init(&r->out, r->lock, r->path);
}

static void append(struct resolutions *r, const char *line, size_t len, enum said said)
{
	say(r, said);
	out_add(&r->out, line, len);
	r->read_bytes += len;
	r->read_lines++;
}

bool resolutions_add(struct resolutions *r, const char *line, size_t len)
{
	const char *why = read_line(r, line, len - 1);

	assert(!why);
	(void)why;
	if (says(r, IS_RESOLVED))
		return false;
	append(r, line, len, IS_RESOLVED);
	return true;
}

static void reopen(struct resolutions *r, const char *line, size_t len)
{
	struct buf taken_back;

	(void)line;
	(void)len;
	if (!says(r, IS_VOID))
		return;
	buf_init(&taken_back);
	print(&taken_back, buf_string(&r->segment), &r->id, "\"open\":true");
	append(r, taken_back.data, taken_back.len, IS_OPEN);
	buf_release(&taken_back);
}

void resolutions_reopen(struct resolutions *r)
{
	uint64_t bytes = 0, number = 0;

	if (!r->has_void)
		return;
	resolutions_begin(r);
	each_line(r, r->path, &bytes, &number, reopen);
	resolutions_end(r);
	r->has_void = false;
}

void resolutions_end(struct resolutions *r)
{
	out_flush(&r->out);
	durable_sync(r->lock, r->path);
	durable_sync_parent(r->path);
	out_close(&r->out);
	out_release(&r->out);
	r->lock = -1;
}

static void add_line(struct resolutions *r, const char *line, size_t len)
{
	if (!says(r, IS_RESOLVED))
		append(r, line, len + 1, IS_RESOLVED);
}

void resolutions_add_file(struct resolutions *r, const char *path)
{
	uint64_t bytes = 0, number = 0;

	each_line(r, path, &bytes, &number, add_line);
}
