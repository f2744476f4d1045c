#include "tool/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "io/durable.h"
#include "io/out.h"
#include "state/document.h"
#include "state/ledger.h"
#include "state/snapshot.h"
#include "state/survey.h"

enum { TRIES_MAX = 20, COPY_BYTES = 256 << 10 };

struct backup {
	const char *from;
	const char *to;
	json_t *commit;
	json_t *line; /* of the ledger, for the commit; NULL until the sink's record was copied */
	struct backup_done *done;
};

/* Whole files, and beginnings of files */

static void make_dir(const char *path)
{
	if (mkdir(path, 0700) != 0)
		die_errno(EX_CANTCREAT, "cannot create directory '%s'", path);
}

/* Up to `bytes`; returns how many there were. */
static uint64_t copy_bytes(int fd, const char *from, struct out *out, uint64_t bytes)
{
	uint64_t copied = 0;
	struct buf piece;
	ssize_t n = 1;

	buf_init(&piece);
	while (n > 0 && copied < bytes) {
		uint64_t left = bytes - copied;

		n = read(fd, buf_reserve(&piece, COPY_BYTES),
			left < COPY_BYTES ? (size_t)left : COPY_BYTES);
		if (n < 0 && errno != EINTR)
			die_errno(EX_IOERR, "cannot read '%s'", from);
		if (n < 0) {
			n = 1;
			continue;
		}
		out_add(out, piece.data, (size_t)n);
		copied += (uint64_t)n;
	}
	buf_release(&piece);
	return copied;
}

static void create(struct out *out, const char *path)
{
	int fd = durable_create(path);

	if (fd < 0)
		die(EX_CANTCREAT, "'%s' is there already", path);
	out_init(out, fd, path);
}

static void finish(struct backup *b, struct out *out)
{
	out_flush(out);
	durable_sync(out->fd, out->name);
	b->done->files++;
	out_close(out);
	out_release(out);
}

/* False if the file is not there. One that is shorter than `least` is damaged. */
static bool copy_file(struct backup *b, const char *name, uint64_t least, uint64_t most)
{
	struct buf from, to;
	struct out out;
	uint64_t bytes;
	int fd;

	buf_init(&from);
	buf_init(&to);
	buf_format(&from, "%s/%s", b->from, name);
	buf_format(&to, "%s/%s", b->to, name);
	fd = open(buf_string(&from), O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		die_errno(EX_IOERR, "cannot open '%s'", buf_string(&from));
	if (fd >= 0) {
		create(&out, buf_string(&to));
		bytes = copy_bytes(fd, buf_string(&from), &out, most);
		if (bytes < least)
			die(EX_IOERR,
				"'%s' is cut off: %llu bytes are there, %llu are relied on; dd-run "
				"--check tells more",
				buf_string(&from), (unsigned long long)bytes,
				(unsigned long long)least);
		finish(b, &out);
		close(fd);
	}
	buf_release(&from);
	buf_release(&to);
	return fd >= 0;
}

static bool copy_whole(struct backup *b, const char *name)
{
	return copy_file(b, name, 0, UINT64_MAX);
}

static void sync_dir(const struct backup *b, const char *name)
{
	struct buf path;

	buf_init(&path);
	buf_format(&path, "%s/%s/.", b->to, name);
	durable_sync_parent(buf_string(&path));
	buf_release(&path);
}

static void make_dir_in(const struct backup *b, const char *name)
{
	struct buf path;

	buf_init(&path);
	buf_format(&path, "%s/%s", b->to, name);
	make_dir(buf_string(&path));
	buf_release(&path);
}

/* A stage */

static const char *stage_file(struct buf *to, const char *stage, const char *name)
{
	buf_clear(to);
	buf_format(to, "stages/%s/%s", stage, name);
	return buf_string(to);
}

static bool is_journal(const char *name)
{
	struct bulk_name is;

	return bulk_name_read(name, &is) && is.kind_len == strlen(BULK_JOURNAL) &&
	       memcmp(is.kind, BULK_JOURNAL, is.kind_len) == 0;
}

static bool copy_files(struct backup *b, const char *stage, const json_t *record)
{
	const json_t *file;
	struct buf name;
	bool good = true;
	size_t i;

	buf_init(&name);
	json_array_foreach (json_object_get(record, "files"), i, file) {
		uint64_t bytes = (uint64_t)json_integer_value(json_object_get(file, "bytes"));

		stage_file(&name, stage, survey_text(file, "name"));
		if (!is_journal(survey_text(file, "name")))
			good = good && copy_file(b, buf_string(&name), bytes, bytes);
	}
	buf_release(&name);
	return good;
}

static bool copy_record(struct backup *b, const char *stage)
{
	json_t *record;
	struct buf path;
	const char *why;
	bool good;

	buf_init(&path);
	buf_format(&path, "%s/stages/%s", b->from, stage);
	record = snapshot_document(buf_string(&path), b->done->at, &why);
	if (why)
		die(EX_IOERR, "the record of stage '%s' is damaged: %s; dd-run --check tells more",
			stage, why);
	buf_clear(&path);
	buf_format(&path, "%s/stages/%s/", b->to, stage);
	snapshot_name(&path, b->done->at);
	good = record && copy_files(b, stage, record);
	if (good) {
		if (json_object_get(record, "ledger"))
			b->line = json_incref(json_object_get(record, "ledger"));
		document_create(buf_string(&path), record);
		b->done->files++;
	}
	json_decref(record);
	buf_release(&path);
	return good;
}

/* A side file's segments are in no record: they go from here once they are appended to the user's
 * file, which the note is about. */
static void copy_side_files(struct backup *b, const char *stage, const struct names *names)
{
	struct bulk_name is;
	struct buf name;

	buf_init(&name);
	for (size_t i = 0; i < names->count; i++) {
		const char *note = strstr(names->list[i], ".note");

		if (!note || note[strlen(".note")])
			continue;
		copy_whole(b, stage_file(&name, stage, names->list[i]));
		for (size_t k = 0; k < names->count; k++)
			if (bulk_name_read(names->list[k], &is) && is.run == b->done->at.run &&
				is.number <= b->done->at.number &&
				is.kind_len == (size_t)(note - names->list[i]) &&
				memcmp(is.kind, names->list[i], is.kind_len) == 0)
				copy_whole(b, stage_file(&name, stage, names->list[k]));
	}
	buf_release(&name);
}

/* What the commit covers and is not done yet. */
static void copy_sent(struct backup *b, const char *stage, const struct names *names)
{
	struct bulk_name is;
	struct buf name;

	buf_init(&name);
	for (size_t i = 0; i < names->count; i++)
		if (bulk_name_read(names->list[i], &is) && is.run == b->done->at.run &&
			is.number <= b->done->at.number && is.kind_len == strlen(BULK_SENT) &&
			memcmp(is.kind, BULK_SENT, is.kind_len) == 0)
			copy_whole(b, stage_file(&name, stage, names->list[i]));
	buf_release(&name);
}

/* Journals say what has happened outside, whatever was committed: all of each, as far as it goes.
 */
static void copy_journals(struct backup *b, const char *stage, const struct names *names)
{
	struct buf name;

	buf_init(&name);
	for (size_t i = 0; i < names->count; i++)
		if (is_journal(names->list[i]))
			copy_whole(b, stage_file(&name, stage, names->list[i]));
	buf_release(&name);
}

/* False if something has been swept meanwhile. */
static bool copy_stage(struct backup *b, const char *stage)
{
	struct names names;
	struct buf path;
	bool good;

	buf_init(&path);
	buf_format(&path, "stages/%s", stage);
	make_dir_in(b, buf_string(&path));
	good = copy_record(b, stage);
	if (good) {
		struct buf from;

		buf_init(&from);
		buf_format(&from, "%s/%s", b->from, buf_string(&path));
		names_read(&names, buf_string(&from));
		copy_side_files(b, stage, &names);
		copy_sent(b, stage, &names);
		copy_journals(b, stage, &names);
		names_release(&names);
		buf_release(&from);
		sync_dir(b, buf_string(&path));
	}
	buf_release(&path);
	return good;
}

static bool copy_stages(struct backup *b)
{
	const json_t *stage;
	size_t i;

	make_dir_in(b, "stages");
	json_array_foreach (json_object_get(b->commit, "stages"), i, stage) {
		if (!json_string_value(stage) || !copy_stage(b, json_string_value(stage)))
			return false;
	}
	sync_dir(b, "stages");
	return true;
}

/* The ledger: up to the line of the commit, or all of it where it is behind */

static bool is_line_of(const char *line, struct epoch at)
{
	json_t *document = json_loads(line, 0, NULL);
	struct epoch of;
	bool is_so =
		document && epoch_read(document, &of) && of.number == at.number && of.run == at.run;

	json_decref(document);
	return is_so;
}

static uint64_t ledger_length(const struct backup *b)
{
	uint64_t bytes = 0;
	char *line = NULL;
	size_t cap = 0;
	struct buf path;
	ssize_t len;
	FILE *file;

	buf_init(&path);
	buf_format(&path, "%s/ledger.ndjson", b->from);
	file = fopen(buf_string(&path), "re");
	while (file && (len = getline(&line, &cap, file)) > 0 && line[len - 1] == '\n') {
		bytes += (uint64_t)len;
		if (is_line_of(line, b->done->at))
			break;
	}
	if (file)
		fclose(file);
	free(line);
	buf_release(&path);
	return bytes;
}

/* Between a commit and its line in the ledger the line stands in the sink's record only. */
static void complete_ledger(const struct backup *b)
{
	struct ledger_tail tail;

	ledger_open(&tail, b->to, false);
	if (b->line && strcmp(survey_text(b->line, "previous"), tail.hash) == 0)
		ledger_append(&tail, b->to, b->line);
}

/* Dead letters */

/* Of a name [.…]STAGE.RUN.EPOCH.ENDING: false if it is none. */
static bool letters_of(const char *name, const char *ending, struct epoch *at)
{
	static const size_t run_len = RUN_DIGITS, epoch_len = 12;
	size_t tail_len = 1 + run_len + 1 + epoch_len + strlen(ending), len = strlen(name);
	const char *tail = name + len - tail_len;
	char run[RUN_DIGITS + 1] = "";

	if (len <= tail_len || *tail != '.' || tail[1 + run_len] != '.' ||
		strcmp(name + len - strlen(ending), ending) != 0 ||
		strspn(tail + 2 + run_len, "0123456789") != epoch_len)
		return false;
	memcpy(run, tail + 1, run_len);
	at->number = strtoull(tail + 2 + run_len, NULL, 10);
	return run_read(run, &at->run);
}

/* What is published and not later than the commit, and what it covers but is not yet published.
 * Later ones are filed again by the start that follows. */
static bool are_wanted(const struct backup *b, const char *name)
{
	struct epoch at;

	if (letters_of(name, ".partial", &at))
		return at.run == b->done->at.run && at.number <= b->done->at.number;
	if (*name == '.')
		return false;
	return !letters_of(name, ".ndjson", &at) || at.number <= b->done->at.number;
}

static void copy_letters_named(struct backup *b, bool hidden)
{
	struct names names;
	struct buf path;

	buf_init(&path);
	buf_format(&path, "%s/dlq", b->from);
	names_read(&names, buf_string(&path));
	for (size_t i = 0; i < names.count; i++) {
		if ((*names.list[i] == '.') != hidden || !are_wanted(b, names.list[i]))
			continue;
		buf_clear(&path);
		buf_format(&path, "dlq/%s", names.list[i]);
		copy_whole(b, buf_string(&path));
	}
	names_release(&names);
	buf_release(&path);
}

/* The unpublished first: what is published in between is found under its later name. */
static void copy_letters(struct backup *b)
{
	struct buf path;
	struct stat st;

	buf_init(&path);
	buf_format(&path, "%s/dlq", b->from);
	if (stat(buf_string(&path), &st) == 0) {
		make_dir_in(b, "dlq");
		copy_letters_named(b, true);
		copy_letters_named(b, false);
		sync_dir(b, "dlq");
	}
	buf_release(&path);
}

/* All of it */

static void read_commit(struct backup *b)
{
	const char *why;

	json_decref(b->commit);
	json_decref(b->line);
	b->line = NULL;
	b->commit = survey_document(b->from, "commit", &why);
	*b->done = (struct backup_done){.files = 0};
	if (why || (b->commit && !epoch_read(b->commit, &b->done->at)))
		die(EX_IOERR, "'%s/commit' is damaged: %s; dd-run --check tells more", b->from,
			why ? why : "it names no epoch");
}

/* The commit last: a copy without it is none. */
static bool copy_all(struct backup *b)
{
	uint64_t ledger_bytes = ledger_length(b);
	struct buf path;

	if (!copy_stages(b))
		return false;
	if (ledger_bytes)
		copy_file(b, "ledger.ndjson", ledger_bytes, ledger_bytes);
	complete_ledger(b);
	copy_letters(b);
	copy_whole(b, "incarnation");
	if (b->commit) {
		buf_init(&path);
		buf_format(&path, "%s/commit", b->to);
		document_create(buf_string(&path), b->commit);
		buf_release(&path);
		b->done->files++;
	}
	return true;
}

/* Of our own making only: it was empty. */
static void empty(const char *path)
{
	struct names names;
	struct buf name;
	struct stat st;

	buf_init(&name);
	names_read(&names, path);
	for (size_t i = 0; i < names.count; i++) {
		buf_clear(&name);
		buf_format(&name, "%s/%s", path, names.list[i]);
		if (lstat(buf_string(&name), &st) == 0 && S_ISDIR(st.st_mode))
			empty(buf_string(&name));
		if (remove(buf_string(&name)) != 0)
			die_errno(EX_CANTCREAT, "cannot remove '%s'", buf_string(&name));
	}
	names_release(&names);
	buf_release(&name);
}

static void begin(const char *to)
{
	struct names names;

	if (mkdir(to, 0700) == 0)
		return;
	if (errno != EEXIST || !names_read(&names, to))
		die_errno(EX_CANTCREAT, "cannot create directory '%s'", to);
	if (names.count)
		die(EX_CANTCREAT, "'%s' is not empty", to);
	names_release(&names);
	if (chmod(to, 0700) != 0)
		die_errno(EX_CANTCREAT, "cannot make '%s' its owner's only", to);
}

static bool commit_has_moved(const struct backup *b)
{
	const char *why;
	json_t *now = survey_document(b->from, "commit", &why);
	bool has_moved = !json_equal(now, b->commit);

	json_decref(now);
	return has_moved;
}

void backup_run(const char *dir, const char *to, struct backup_done *done)
{
	struct backup b = {.from = dir, .to = to, .done = done};
	char incarnation[INCARNATION_DIGITS + 1];
	const char *why = survey_incarnation(dir, incarnation);

	if (why)
		die(EX_CONFIG, "'%s' is no checkpoint directory: '%s/incarnation': %s", dir, dir,
			why);
	begin(to);
	read_commit(&b);
	for (int tries = 0; !copy_all(&b); tries++) {
		if (!commit_has_moved(&b))
			die(EX_IOERR,
				"what the commit of '%s' relies on is not there: dd-run --check "
				"tells more",
				dir);
		if (tries == TRIES_MAX)
			die(EX_TEMPFAIL, "the commit of '%s' moves too fast to be copied", dir);
		empty(to);
		read_commit(&b);
	}
	sync_dir(&b, ".");
	durable_sync_parent(to);
	json_decref(b.commit);
	json_decref(b.line);
}
