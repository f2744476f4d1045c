#include "state/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/durable.h"
#include "io/loop.h"
#include "io/out.h"
#include "record/time.h"

enum { TAIL_BYTES = 64 << 10 };

static const char no_hash[] = "0000000000000000000000000000000000000000000000000000000000000000";

static void ledger_path(struct buf *path, const char *dir)
{
	buf_clear(path);
	buf_format(path, "%s/ledger.ndjson", dir);
}

static void hash_line(char hash[LEDGER_HASH_DIGITS + 1], const char *line, size_t len)
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	_Static_assert(2 * sizeof(digest) == LEDGER_HASH_DIGITS, "a hash is 64 digits");
	crypto_hash_sha256(digest, (const unsigned char *)line, len);
	sodium_bin2hex(hash, LEDGER_HASH_DIGITS + 1, digest, sizeof(digest));
}

/* The tail */

/* Reads the end of the file: from the last whole line that fits, or all of it. */
static void read_end(int fd, const char *path, uint64_t size, uint64_t bytes, struct buf *to)
{
	uint64_t from = size > bytes ? size - bytes : 0;

	buf_clear(to);
	while (to->len < size - from) {
		size_t room = (size_t)(size - from) - to->len;
		ssize_t n = pread(fd, buf_reserve(to, room), room, (off_t)(from + to->len));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die_errno(EX_IOERR, "cannot read '%s'", path);
		to->len += (size_t)n;
	}
}

/* The last whole line in what was read; false if its beginning is not there. */
static bool last_line(const struct buf *end, bool is_all, const char **line, size_t *len)
{
	const char *newline = end->len ? memrchr(end->data, '\n', end->len) : NULL, *before;

	*line = end->data;
	*len = 0;
	if (!newline)
		return is_all;
	before = memrchr(end->data, '\n', (size_t)(newline - end->data));
	*line = before ? before + 1 : end->data;
	*len = (size_t)(newline - *line);
	return before || is_all;
}

static void take_line(struct ledger_tail *t, const char *path, const char *line, size_t len)
{
	json_t *document = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);

	if (!document || !epoch_read(document, &t->at))
		die(EX_IOERR,
			"the last line of '%s' is damaged: dd-deliver --verify tells more; cut it "
			"off, and the sink's own record brings it back",
			path);
	json_decref(document);
	hash_line(t->hash, line, len);
}

static void cut(int fd, const char *path, uint64_t size)
{
	if (ftruncate(fd, (off_t)size) != 0)
		die_errno(EX_IOERR, "cannot cut the torn last line of '%s'", path);
	durable_sync(fd, path);
}

static void find_tail(struct ledger_tail *t, int fd, const char *path, bool repair)
{
	uint64_t bytes = TAIL_BYTES, size;
	const char *line;
	struct buf end;
	struct stat st;
	size_t len, torn;

	if (fstat(fd, &st) != 0)
		die_errno(EX_IOERR, "cannot look at '%s'", path);
	size = (uint64_t)st.st_size;
	buf_init(&end);
	do {
		read_end(fd, path, size, bytes, &end);
		bytes *= 2;
	} while (!last_line(&end, end.len == size, &line, &len));
	if (len)
		take_line(t, path, line, len);
	torn = len ? (size_t)(end.data + end.len - (line + len + 1)) : end.len;
	if (torn && repair)
		cut(fd, path, size - torn);
	buf_release(&end);
}

void ledger_open(struct ledger_tail *t, const char *dir, bool repair)
{
	struct buf path;
	int fd;

	*t = (struct ledger_tail){.at = {0}};
	memcpy(t->hash, no_hash, sizeof(no_hash));
	buf_init(&path);
	ledger_path(&path, dir);
	fd = open(buf_string(&path), (repair ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd >= 0) {
		find_tail(t, fd, buf_string(&path), repair);
		close(fd);
	} else if (errno != ENOENT) {
		die_errno(EX_IOERR, "cannot open '%s'", buf_string(&path));
	}
	buf_release(&path);
}

/* Lines */

json_t *ledger_line(const struct ledger_tail *t, struct epoch at, const json_t *stages)
{
	char run[RUN_DIGITS + 1], now[TIME_TEXT_MAX];
	json_t *line;

	run_print(run, at.run);
	time_print(now, loop_wall_ns());
	line = json_pack("{sI ss ss sO ss}", "epoch", (json_int_t)at.number, "run", run, "at", now,
		"stages", stages, "previous", t->hash);
	if (!line)
		die(EX_TEMPFAIL, "out of memory for the ledger");
	return line;
}

void ledger_append(struct ledger_tail *t, const char *dir, const json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);
	struct buf path;
	struct out out;
	int fd;

	if (!text)
		die(EX_TEMPFAIL, "out of memory for the ledger");
	buf_init(&path);
	ledger_path(&path, dir);
	fd = open(buf_string(&path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		die_errno(EX_CANTCREAT, "cannot open '%s'", buf_string(&path));
	out_init(&out, fd, buf_string(&path));
	out_add(&out, text, strlen(text));
	out_add(&out, "\n", 1);
	out_flush(&out);
	durable_sync(fd, out.name);
	if (!t->at.number)
		durable_sync_parent(out.name);
	out_close(&out);
	out_release(&out);
	epoch_read(line, &t->at);
	hash_line(t->hash, text, strlen(text));
	buf_release(&path);
	free(text);
}

/* Verifying */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static json_int_t count_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

const char *ledger_compare(const json_t *stages, struct buf *why)
{
	for (size_t i = 1; i < json_array_size(stages); i++) {
		const json_t *from = json_array_get(stages, i - 1), *to = json_array_get(stages, i);

		if (json_is_true(json_object_get(to, "changed")))
			continue;
		if (count_of(from, "out") == count_of(to, "in") &&
			strcmp(text_of(from, "hash_out"), text_of(to, "hash_in")) == 0)
			continue;
		buf_format(why,
			"stage '%s' put out %lld records (hash %s), but '%s' took in %lld (hash "
			"%s)",
			text_of(from, "name"), (long long)count_of(from, "out"),
			text_of(from, "hash_out"), text_of(to, "name"),
			(long long)count_of(to, "in"), text_of(to, "hash_in"));
		return buf_string(why);
	}
	return NULL;
}

static const char *verify_order(
	struct ledger_report *r, const json_t *line, struct epoch at, struct buf *why)
{
	if (json_object_get(line, "rewind")) {
		r->rewinds++;
		if (at.number <= r->last.number)
			return NULL;
	} else if (at.number == r->last.number + 1) {
		r->epochs++;
		return NULL;
	}
	buf_format(why, "epoch %" PRIu64 " behind epoch %" PRIu64, at.number, r->last.number);
	return buf_string(why);
}

static void add_up(struct ledger_report *r, const json_t *stages)
{
	const json_t *sink = json_array_get(stages, json_array_size(stages) - 1), *count;
	const char *reason;

	r->delivered += (uint64_t)count_of(sink, "out");
	json_object_foreach (json_object_get(sink, "reasons"), reason, count)
		r->rejected += (uint64_t)json_integer_value(count);
}

static const char *verify_line(struct ledger_report *r, struct ledger_tail *t, const char *text,
	size_t len, struct buf *why)
{
	json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const char *wrong = NULL;
	struct epoch at;

	if (!line || !epoch_read(line, &at)) {
		buf_text(why, "it is no line of a ledger");
		wrong = buf_string(why);
	} else if (strcmp(text_of(line, "previous"), t->hash) != 0) {
		buf_text(why, "the line before it is not the one that it was written behind");
		wrong = buf_string(why);
	} else {
		wrong = verify_order(r, line, at, why);
	}
	if (!wrong)
		wrong = ledger_compare(json_object_get(line, "stages"), why);
	if (!wrong) {
		add_up(r, json_object_get(line, "stages"));
		r->last = t->at = at;
		hash_line(t->hash, text, len);
	}
	json_decref(line);
	return wrong;
}

const char *ledger_verify(const char *dir, struct ledger_report *report, struct buf *why)
{
	struct ledger_tail t = {.at = {0}};
	const char *wrong = NULL;
	char *line = NULL;
	size_t cap = 0;
	struct buf path;
	FILE *file;
	ssize_t len;

	*report = (struct ledger_report){.lines = 0};
	memcpy(t.hash, no_hash, sizeof(no_hash));
	buf_init(&path);
	ledger_path(&path, dir);
	file = fopen(buf_string(&path), "re");
	if (!file && errno != ENOENT)
		die_errno(EX_IOERR, "cannot open '%s'", buf_string(&path));
	while (!wrong && file && (len = getline(&line, &cap, file)) > 0 && line[len - 1] == '\n') {
		report->lines++;
		wrong = verify_line(report, &t, line, (size_t)len - 1, why);
	}
	if (wrong) {
		buf_format(why, " (line %" PRIu64 " of '%s')", report->lines, buf_string(&path));
		wrong = buf_string(why);
	}
	if (file)
		fclose(file);
	free(line);
	buf_release(&path);
	return wrong;
}
