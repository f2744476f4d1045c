#include "state/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/durable.h"
#include "state/document.h"

static const char suffix[] = ".snapshot";

enum { EPOCH_DIGITS = 12, NUMBER_DIGITS = 6 };

void snapshot_init(struct snapshot *s)
{
	*s = (struct snapshot){json_object(), json_array(), json_object(), NULL};
}

void snapshot_release(struct snapshot *s)
{
	json_decref(s->state);
	json_decref(s->files);
	json_decref(s->options);
	json_decref(s->ledger);
}

/* Names */

void snapshot_name(struct buf *to, struct epoch at)
{
	buf_format(to, "%0*" PRIu64 ".%016" PRIx64 "%s", EPOCH_DIGITS, at.number, at.run, suffix);
}

/* Takes digits of a base up to `end`, a dot. */
static const char *take_number(const char *text, int base, size_t digits_min, uint64_t *number)
{
	const char *digits = base == 16 ? "0123456789abcdef" : "0123456789";
	size_t len = strspn(text, digits);

	*number = len < 20 ? strtoull(text, NULL, base) : 0;
	return len >= digits_min && len < 20 ? text + len : NULL;
}

bool snapshot_name_read(const char *name, struct epoch *at)
{
	const char *p = take_number(name, 10, EPOCH_DIGITS, &at->number);

	if (!p || *p != '.')
		return false;
	p = take_number(p + 1, 16, RUN_DIGITS, &at->run);
	return p && strcmp(p, suffix) == 0;
}

void bulk_name_print(struct buf *to, const char *kind, uint64_t run, uint64_t number)
{
	buf_format(to, "%s.%016" PRIx64 ".%0*" PRIu64, kind, run, NUMBER_DIGITS, number);
}

bool bulk_name_read(const char *name, struct bulk_name *is)
{
	const char *dot = strchr(name, '.'), *p;

	if (!dot || dot == name)
		return false;
	is->kind = name;
	is->kind_len = (size_t)(dot - name);
	p = take_number(dot + 1, 16, RUN_DIGITS, &is->run);
	if (!p || *p != '.')
		return false;
	p = take_number(p + 1, 10, NUMBER_DIGITS, &is->number);
	return p && !*p;
}

static const char *record_path(struct buf *path, const char *stage_dir, struct epoch at)
{
	buf_clear(path);
	buf_format(path, "%s/", stage_dir);
	snapshot_name(path, at);
	return buf_string(path);
}

/* Writing and reading */

void snapshot_write(
	const struct checkpoint *c, struct epoch at, struct epoch after, const struct snapshot *s)
{
	char run[RUN_DIGITS + 1];
	json_t *record;
	struct buf path;

	run_print(run, at.run);
	record = json_pack("{si ss sI ss so sO sO sO sO*}", "v", 1, "stage", c->stage, "epoch",
		(json_int_t)at.number, "run", run, "previous", epoch_json(after), "options",
		s->options, "state", s->state, "files", s->files, "ledger", s->ledger);
	if (!record)
		die(EX_TEMPFAIL, "out of memory for a snapshot");
	buf_init(&path);
	document_create(record_path(&path, c->stage_dir, at), record);
	buf_release(&path);
	json_decref(record);
}

/* The writer may have died before it synced what it wrote. */
static void adopt(const char *path, uint64_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		die_errno(EX_IOERR,
			"cannot open '%s', which the state relies on (dd-run --check tells what is "
			"there, dd-deliver --rewind goes back)",
			path);
	if ((uint64_t)st.st_size < bytes)
		die(EX_IOERR,
			"'%s' is cut off: %lld bytes are there, %llu are relied on; dd-run --check "
			"tells more, dd-deliver --rewind goes back to an earlier epoch",
			path, (long long)st.st_size, (unsigned long long)bytes);
	durable_sync(fd, path);
	close(fd);
}

static void adopt_files(const struct checkpoint *c, const json_t *files)
{
	struct buf path;
	json_t *file;
	size_t i;

	buf_init(&path);
	json_array_foreach (files, i, file) {
		buf_clear(&path);
		buf_format(&path, "%s/%s", c->stage_dir,
			json_string_value(json_object_get(file, "name")));
		adopt(buf_string(&path),
			(uint64_t)json_integer_value(json_object_get(file, "bytes")));
	}
	buf_release(&path);
}

static bool is_record(const json_t *record, struct epoch at)
{
	struct epoch is;
	json_t *file;
	size_t i;

	json_array_foreach (json_object_get(record, "files"), i, file) {
		const char *name = json_string_value(json_object_get(file, "name"));

		if (!name || strchr(name, '/') || !json_is_integer(json_object_get(file, "bytes")))
			return false;
	}
	return epoch_read(record, &is) && is.number == at.number && is.run == at.run &&
	       json_is_object(json_object_get(record, "state")) &&
	       json_is_array(json_object_get(record, "files")) &&
	       json_is_object(json_object_get(record, "options"));
}

json_t *snapshot_document(const char *stage_dir, struct epoch at, const char **why)
{
	struct buf path;
	json_t *record;

	buf_init(&path);
	record = document_read(record_path(&path, stage_dir, at), why);
	buf_release(&path);
	if (record && !is_record(record, at)) {
		*why = "it is no record of this epoch";
		json_decref(record);
		record = NULL;
	}
	return record;
}

void snapshot_read(const struct checkpoint *c, struct epoch at, struct snapshot *s)
{
	struct buf path;
	const char *why;
	json_t *record;

	buf_init(&path);
	adopt(record_path(&path, c->stage_dir, at), 0);
	durable_sync_parent(buf_string(&path));
	record = snapshot_document(c->stage_dir, at, &why);
	if (!record)
		die(EX_IOERR,
			"'%s' is damaged: %s; dd-deliver --rewind goes back to an earlier epoch, "
			"dd-run --check tells which are whole",
			buf_string(&path), why ? why : "it is gone");
	buf_release(&path);
	*s = (struct snapshot){
		.state = json_incref(json_object_get(record, "state")),
		.files = json_incref(json_object_get(record, "files")),
		.options = json_incref(json_object_get(record, "options")),
		.ledger = json_incref(json_object_get(record, "ledger")),
	};
	json_decref(record);
	adopt_files(c, s->files);
}

bool snapshot_is_there(const struct checkpoint *c, struct epoch at)
{
	struct buf path;
	const char *why;
	bool is_there;

	buf_init(&path);
	is_there = access(record_path(&path, c->stage_dir, at), F_OK) == 0;
	if (is_there) {
		json_t *record = snapshot_document(c->stage_dir, at, &why);

		is_there = record != NULL;
		json_decref(record);
	}
	if (is_there)
		adopt(buf_string(&path), 0);
	buf_release(&path);
	return is_there;
}

/* Sweeping */

/* Records are told by their files' names. */
struct sweep {
	const struct checkpoint *checkpoint;
	struct epoch commit;
	uint64_t spared;
	json_t *kept;    /* records that stay: name -> true */
	json_t *needed;  /* bulk files that they rely on */
	json_t *dropped; /* bulk files that those that go relied on */
};

static void note_files(json_t *in, const json_t *record)
{
	json_t *file;
	size_t i;

	json_array_foreach (json_object_get(record, "files"), i, file)
		json_object_set_new(
			in, json_string_value(json_object_get(file, "name")), json_true());
}

enum found { WHOLE, DAMAGED, NOT_THERE };

static enum found note_kept(struct sweep *s, struct epoch at, struct epoch *after)
{
	const char *why;
	json_t *record = snapshot_document(s->checkpoint->stage_dir, at, &why);
	struct buf name;

	if (!record)
		return why ? DAMAGED : NOT_THERE;
	buf_init(&name);
	snapshot_name(&name, at);
	json_object_set_new(s->kept, buf_string(&name), json_true());
	buf_release(&name);
	note_files(s->needed, record);
	if (!epoch_read(json_object_get(record, "previous"), after))
		*after = (struct epoch){0};
	json_decref(record);
	return WHOLE;
}

/* False where a record is damaged, or the commit's own is not there: what is older may be the way
 * back, and nobody can tell what it relies on. */
static bool keep_lineage(struct sweep *s, unsigned keep)
{
	struct epoch at = s->commit, after = {0};
	enum found found = WHOLE;
	unsigned i;

	for (i = 0; i < keep && at.number && found == WHOLE; i++) {
		found = note_kept(s, at, &after);
		at = after;
	}
	return found == WHOLE || (found == NOT_THERE && i > 1);
}

typedef void visit(struct sweep *s, const char *name);

static void each_name(struct sweep *s, visit *visitor)
{
	DIR *dir = opendir(s->checkpoint->stage_dir);
	struct dirent *entry;

	if (!dir)
		die_errno(EX_IOERR, "cannot list '%s'", s->checkpoint->stage_dir);
	while ((entry = readdir(dir)))
		visitor(s, entry->d_name);
	closedir(dir);
}

static bool may_be_held(const struct sweep *s, uint64_t run)
{
	return run == s->checkpoint->run || run == s->spared;
}

static void keep_newer(struct sweep *s, const char *name)
{
	struct epoch at, after;

	if (snapshot_name_read(name, &at) && may_be_held(s, at.run) && at.number > s->commit.number)
		note_kept(s, at, &after);
}

static void delete (const struct sweep *s, const char *name)
{
	struct buf path;

	buf_init(&path);
	buf_format(&path, "%s/%s", s->checkpoint->stage_dir, name);
	if (unlink(buf_string(&path)) != 0 && errno != ENOENT)
		die_errno(EX_IOERR, "cannot delete '%s'", buf_string(&path));
	buf_release(&path);
}

static void drop_record(struct sweep *s, const char *name)
{
	const char *why;
	struct epoch at;
	json_t *record;

	if (!snapshot_name_read(name, &at) || json_object_get(s->kept, name))
		return;
	record = snapshot_document(s->checkpoint->stage_dir, at, &why);
	note_files(s->dropped, record);
	json_decref(record);
	delete (s, name);
}

static bool is_journal(const struct bulk_name *is)
{
	return is->kind_len == strlen(BULK_JOURNAL) &&
	       memcmp(is->kind, BULK_JOURNAL, is->kind_len) == 0;
}

/* Of its own run's files a process may have some in hand that no record names yet. */
static void drop_bulk(struct sweep *s, const char *name)
{
	struct bulk_name is;

	if (!bulk_name_read(name, &is) || json_object_get(s->needed, name))
		return;
	if (s->commit.run != s->checkpoint->run && is_journal(&is))
		return;
	if (!may_be_held(s, is.run) || json_object_get(s->dropped, name))
		delete (s, name);
}

void snapshot_sweep(const struct checkpoint *c, struct epoch commit, unsigned keep, uint64_t spared)
{
	struct sweep s = {c, commit, spared, json_object(), json_object(), json_object()};

	if (keep_lineage(&s, keep)) {
		each_name(&s, keep_newer);
		each_name(&s, drop_record);
		each_name(&s, drop_bulk);
	}
	json_decref(s.kept);
	json_decref(s.needed);
	json_decref(s.dropped);
}
