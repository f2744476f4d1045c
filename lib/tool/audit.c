#include "tool/audit.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "io/out.h"
#include "state/acked.h"
#include "state/changelog.h"
#include "state/document.h"
#include "state/filehash.h"
#include "state/ledger.h"
#include "state/letterbox.h"
#include "state/snapshot.h"
#include "state/spool.h"
#include "state/survey.h"
#include "state/workdir.h"

enum { LOOKS_MAX = 5 };

struct audit {
	const char *dir;
	struct buf report;
	uint64_t damaged;
	uint64_t inconsistent;
	char incarnation[INCARNATION_DIGITS + 1]; /* empty where it can't be read */
	json_t *commit;                           /* NULL: none, or damaged */
	bool commit_is_damaged;
	struct epoch at;
};

/* Telling; a path is told relative to the directory */

static void say(
	struct audit *a, const char *word, const char *path, const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	buf_format(&a->report, "%-13s %s: %s\n", word, path, text);
}

static void fine(struct audit *a, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void note(struct audit *a, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void damaged(struct audit *a, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void inconsistent(struct audit *a, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void fine(struct audit *a, const char *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(a, "fine", path, format, args);
	va_end(args);
}

static void note(struct audit *a, const char *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(a, "note", path, format, args);
	va_end(args);
}

static void damaged(struct audit *a, const char *path, const char *format, ...)
{
	va_list args;

	a->damaged++;
	va_start(args, format);
	say(a, "damaged", path, format, args);
	va_end(args);
}

static void inconsistent(struct audit *a, const char *path, const char *format, ...)
{
	va_list args;

	a->inconsistent++;
	va_start(args, format);
	say(a, "inconsistent", path, format, args);
	va_end(args);
}

static const char *path_in(const struct audit *a, struct buf *path, const char *name)
{
	buf_clear(path);
	buf_format(path, "%s/%s", a->dir, name);
	return buf_string(path);
}

/* Who may write here could make us rely on anything. */
static void check_mode(struct audit *a, const char *name)
{
	struct buf path;
	struct stat st;

	buf_init(&path);
	if (stat(path_in(a, &path, name), &st) == 0) {
		if (st.st_mode & (S_IWGRP | S_IWOTH))
			inconsistent(a, name, "others can write it (mode %03o): chmod go-w it",
				(unsigned)st.st_mode & 0777);
		else if (st.st_mode & (S_IRWXG | S_IRWXO))
			note(a, name, "others can read it (mode %03o)",
				(unsigned)st.st_mode & 0777);
	}
	buf_release(&path);
}

/* DIR/incarnation and DIR/commit */

static void check_incarnation(struct audit *a)
{
	const char *why = survey_incarnation(a->dir, a->incarnation);

	if (why)
		damaged(a, "incarnation",
			"%s; restore it from a backup, or from 'incarnation' in "
			"'commit'",
			why);
	else
		fine(a, "incarnation", "%s", a->incarnation);
}

static void check_commit(struct audit *a)
{
	const char *why;
	char run[RUN_DIGITS + 1];

	a->commit = survey_document(a->dir, "commit", &why);
	a->commit_is_damaged = why || (a->commit && !epoch_read(a->commit, &a->at));
	if (a->commit_is_damaged) {
		damaged(a, "commit", "%s; the ledger's last line says what it was",
			why ? why : "it names no epoch");
		return;
	}
	if (!a->commit) {
		note(a, "commit", "nothing is committed yet");
		return;
	}
	run_print(run, a->at.run);
	fine(a, "commit", "epoch %" PRIu64 " of run %s, at %s, %zu stages", a->at.number, run,
		survey_text(a->commit, "at"),
		json_array_size(json_object_get(a->commit, "stages")));
	if (*a->incarnation && strcmp(survey_text(a->commit, "incarnation"), a->incarnation) != 0)
		inconsistent(a, "commit",
			"it is of incarnation %s: one of the two was copied here "
			"from another directory",
			survey_text(a->commit, "incarnation"));
}

static void check_failure(struct audit *a)
{
	const char *why;
	json_t *failure = survey_document(a->dir, "last-failure", &why);

	if (why)
		damaged(a, "last-failure", "%s; it can be deleted", why);
	else if (failure)
		note(a, "last-failure", "stage '%s' stopped with exit status %d at %s: %s",
			survey_text(failure, "stage"),
			(int)json_integer_value(json_object_get(failure, "exit")),
			survey_text(failure, "at"), survey_text(failure, "why"));
	json_decref(failure);
}

static void check_claim(struct audit *a)
{
	const char *why;
	json_t *claim = survey_document(a->dir, "claim", &why);

	if (why)
		damaged(a, "claim", "%s; delete it: the next start makes it anew", why);
	else if (claim)
		fine(a, "claim", "run %s found the destination at epoch %lld",
			survey_text(claim, "by"),
			(long long)json_integer_value(json_object_get(claim, "epoch")));
	json_decref(claim);
}

/* A stage */

struct stage {
	struct audit *audit;
	const char *name;
	struct buf dir;
	struct names names;
	json_t *lineage; /* names of the records that the commit leads back to -> true */
	json_t *hashed;  /* entries of files that never change, and were looked at: name -> entry */
	size_t files;    /* that these rely on */
};

static const char *told_path(const struct stage *s, struct buf *to, const char *name)
{
	buf_clear(to);
	buf_format(to, "stages/%s/%s", s->name, name);
	return buf_string(to);
}

/* Which letters a replay is of. */
static const char *letters_check(const char *path, uint64_t bytes, uint64_t *offset)
{
	const char *why;

	(void)bytes;
	*offset = 0;
	json_decref(document_read(path, &why));
	return why;
}

/* What never changes has its hash in the record; the offset is of no damage then. */
static const char *check_hash(const json_t *file, const char *path, uint64_t bytes)
{
	uint64_t hash;

	if (!run_read(survey_text(file, "xxh3"), &hash))
		return "its record has no hash that can be read";
	return file_hash_check(path, bytes, hash);
}

/* Logs of the user's own lines have no checksums. */
static const struct kind {
	const char *name;
	const char *(*check)(const char *path, uint64_t bytes, uint64_t *offset);
} kinds[] = {
	{"state", changelog_check},
	{"batch", changelog_check},
	{"spool", spool_check},
	{"acked", acked_check},
	{"letters", letters_check},
};

/* Where a stage has several of a kind they are KIND-0, KIND-1 and so on. */
static size_t kind_of_many(const struct bulk_name *is)
{
	const char *dash = memchr(is->kind, '-', is->kind_len);

	return dash ? (size_t)(dash - is->kind) : is->kind_len;
}

/* What a bulk file holds, by its hash or its kind; of others no more is known than their length. */
static const char *check_content(const json_t *file, const char *path, uint64_t *offset)
{
	uint64_t bytes = (uint64_t)json_integer_value(json_object_get(file, "bytes"));
	const char *name = survey_text(file, "name");
	struct bulk_name is;
	struct stat st;
	size_t kind_len;

	*offset = 0;
	if (!bulk_name_read(name, &is))
		return "that is no name of such a file";
	kind_len = kind_of_many(&is);
	if (stat(path, &st) != 0)
		return errno == ENOENT ? "it is gone" : "it can't be looked at";
	*offset = (uint64_t)st.st_size;
	if (*offset < bytes)
		return "it is shorter than that";
	if (json_object_get(file, "xxh3"))
		return check_hash(file, path, bytes);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kind_len == strlen(kinds[i].name) &&
			memcmp(is.kind, kinds[i].name, kind_len) == 0)
			return kinds[i].check(path, bytes, offset);
	return NULL;
}

/* Several records name one that never changes, which may be large. */
static bool was_hashed(struct stage *s, const char *name, json_t *file)
{
	if (!json_object_get(file, "xxh3"))
		return false;
	if (json_equal(json_object_get(s->hashed, name), file))
		return true;
	json_object_set(s->hashed, name, file);
	return false;
}

static void check_file(struct stage *s, json_t *file)
{
	const char *name = survey_text(file, "name"), *why = NULL;
	uint64_t bytes = (uint64_t)json_integer_value(json_object_get(file, "bytes")), offset = 0;
	struct buf path, told;

	buf_init(&path);
	buf_init(&told);
	buf_format(&path, "%s/%s", buf_string(&s->dir), name);
	s->files++;
	if (!was_hashed(s, name, file))
		why = check_content(file, buf_string(&path), &offset);
	if (why && offset >= bytes)
		damaged(s->audit, told_path(s, &told, name),
			"the state relies on %" PRIu64 " bytes of it: %s", bytes, why);
	else if (why)
		damaged(s->audit, told_path(s, &told, name),
			"the state relies on %" PRIu64 " bytes of it, but at byte %" PRIu64 ": %s",
			bytes, offset, why);
	buf_release(&path);
	buf_release(&told);
}

static void check_files(struct stage *s, const json_t *record)
{
	json_t *file;
	size_t i;

	json_array_foreach (json_object_get(record, "files"), i, file) {
		check_file(s, file);
	}
}

/* False if there is none, or it is damaged, so that the chain ends with it. */
static bool check_record(struct stage *s, struct epoch at, struct epoch *before)
{
	const char *why;
	json_t *record = snapshot_document(buf_string(&s->dir), at, &why);
	struct buf name, told;

	buf_init(&name);
	buf_init(&told);
	snapshot_name(&name, at);
	if (record || why)
		json_object_set_new(s->lineage, buf_string(&name), json_true());
	if (why)
		damaged(s->audit, told_path(s, &told, buf_string(&name)),
			"%s; dd-deliver --rewind goes back to an older epoch", why);
	if (record)
		check_files(s, record);
	if (!epoch_read(json_object_get(record, "previous"), before))
		*before = (struct epoch){0};
	buf_release(&name);
	buf_release(&told);
	json_decref(record);
	return record || why;
}

static bool commit_names(const struct audit *a, const char *stage)
{
	const json_t *name;
	size_t i;

	json_array_foreach (json_object_get(a->commit, "stages"), i, name) {
		if (strcmp(json_string_value(name) ? json_string_value(name) : "", stage) == 0)
			return true;
	}
	return false;
}

/* From the commit back as far as records are kept. */
static void check_lineage(struct stage *s)
{
	struct epoch at = s->audit->at, before;
	struct buf told;

	buf_init(&told);
	if (commit_names(s->audit, s->name) && !check_record(s, at, &before))
		inconsistent(s->audit, told_path(s, &told, ""),
			"the commit is epoch %" PRIu64 ", and the stage has no record of it",
			at.number);
	else if (commit_names(s->audit, s->name))
		for (at = before; at.number && check_record(s, at, &before); at = before)
			;
	buf_release(&told);
}

static bool ends_with(const char *name, const char *ending)
{
	size_t len = strlen(name), ending_len = strlen(ending);

	return len > ending_len && strcmp(name + len - ending_len, ending) == 0;
}

/* What the commit does not lead to is of no use, so that damage there is none. */
static void check_name(struct stage *s, const char *name, size_t *spare)
{
	struct bulk_name bulk;
	struct epoch at;
	struct buf told;

	buf_init(&told);
	told_path(s, &told, name);
	if (snapshot_name_read(name, &at))
		*spare += json_object_get(s->lineage, name) == NULL;
	else if (ends_with(name, ".new"))
		note(s->audit, buf_string(&told), "a file that was not finished; nothing reads it");
	else if (!bulk_name_read(name, &bulk) && strcmp(name, "lock") != 0 &&
		 strcmp(name, WORKDIR_NAME) != 0 && !ends_with(name, ".note"))
		note(s->audit, buf_string(&told), "unknown: nothing reads it");
	check_mode(s->audit, buf_string(&told));
	buf_release(&told);
}

static void check_stage(struct audit *a, const char *name)
{
	struct stage s = {
		.audit = a, .name = name, .lineage = json_object(), .hashed = json_object()};
	struct buf told, lock;
	uint64_t wrong = a->damaged + a->inconsistent;
	size_t spare = 0;

	buf_init(&told);
	buf_init(&lock);
	buf_init(&s.dir);
	buf_format(&s.dir, "%s/stages/%s", a->dir, name);
	names_read(&s.names, buf_string(&s.dir));
	if (a->commit)
		check_lineage(&s);
	for (size_t i = 0; i < s.names.count; i++)
		check_name(&s, s.names.list[i], &spare);
	buf_format(&lock, "%s/lock", buf_string(&s.dir));
	told_path(&s, &told, "");
	(a->damaged + a->inconsistent == wrong ? fine : note)(a, buf_string(&told),
		"records that the commit leads to: %zu, relying on files: %zu; other records: "
		"%zu%s%s",
		json_object_size(s.lineage), s.files, spare,
		commit_names(a, name) ? "" : "; the commit does not name this stage",
		lock_is_held(buf_string(&lock)) ? "; it runs" : "");
	names_release(&s.names);
	json_decref(s.lineage);
	json_decref(s.hashed);
	buf_release(&s.dir);
	buf_release(&told);
	buf_release(&lock);
}

static void check_stages(struct audit *a)
{
	struct names names;
	const json_t *stage;
	struct buf path;
	size_t i;

	buf_init(&path);
	names_read(&names, path_in(a, &path, "stages"));
	for (i = 0; i < names.count; i++)
		check_stage(a, names.list[i]);
	json_array_foreach (json_object_get(a->commit, "stages"), i, stage) {
		struct stat st;

		buf_clear(&path);
		buf_format(&path, "%s/stages/%s", a->dir,
			json_string_value(stage) ? json_string_value(stage) : "");
		if (stat(buf_string(&path), &st) != 0)
			inconsistent(a, "stages", "the commit names stage '%s', which is not there",
				json_string_value(stage));
	}
	names_release(&names);
	buf_release(&path);
}

/* The ledger */

/* It may be behind: the next start brings it up from the sink's records. */
static void check_ledger_end(struct audit *a, const struct ledger_report *r)
{
	if (a->commit_is_damaged)
		return;
	if (r->last.number == a->at.number && r->last.run == a->at.run)
		return;
	if (r->last.number < a->at.number)
		note(a, "ledger.ndjson",
			"it ends at epoch %" PRIu64 ", before the commit: the next start brings it "
			"up from the sink's records",
			r->last.number);
	else
		inconsistent(a, "ledger.ndjson",
			"it ends at epoch %" PRIu64 " of run %016" PRIx64
			", which is not what is committed",
			r->last.number, r->last.run);
}

static void check_ledger(struct audit *a)
{
	struct ledger_report r;
	const char *wrong;
	struct buf why;

	buf_init(&why);
	wrong = ledger_verify(a->dir, &r, &why);
	if (wrong) {
		damaged(a, "ledger.ndjson", "%s", wrong);
	} else if (r.lines || a->commit) {
		fine(a, "ledger.ndjson", "%" PRIu64 " lines, each of which proves the one before",
			r.lines);
		check_ledger_end(a, &r);
	}
	buf_release(&why);
}

/* Dead letters */

static void check_letters(struct audit *a)
{
	struct letterbox box;
	struct envelope e;
	uint64_t letters = 0;
	struct buf path;

	buf_init(&path);
	if (access(path_in(a, &path, "dlq"), F_OK) == 0) {
		letterbox_open(&box, buf_string(&path));
		while (letterbox_next(&box, &e))
			letters++;
		if (box.damaged)
			damaged(a, "dlq", "%" PRIu64 " letters are damaged, as told on stderr",
				box.damaged);
		else
			fine(a, "dlq", "%" PRIu64 " letters in %zu files", letters, box.count);
		letterbox_close(&box);
	}
	buf_release(&path);
}

/* All of it */

static bool is_known(const char *name)
{
	static const char *const known[] = {"incarnation", "commit", "claim", "last-failure",
		"ledger.ndjson", "lock", "stages", "dlq", NULL};

	for (const char *const *k = known; *k; k++)
		if (strcmp(name, *k) == 0)
			return true;
	return false;
}

static void check_names(struct audit *a)
{
	struct names names;

	if (!names_read(&names, a->dir))
		die_errno(EX_IOERR, "cannot list '%s'", a->dir);
	check_mode(a, ".");
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.list[i];

		if (is_known(name))
			check_mode(a, name);
		else if (ends_with(name, ".new") || strncmp(name, "incarnation.", 12) == 0)
			note(a, name, "a file that was not finished; nothing reads it");
		else
			note(a, name, "unknown: nothing reads it");
	}
	names_release(&names);
}

static void look(struct audit *a)
{
	struct buf path;

	buf_init(&path);
	check_incarnation(a);
	check_commit(a);
	check_stages(a);
	check_ledger(a);
	check_letters(a);
	check_claim(a);
	check_failure(a);
	check_names(a);
	if (lock_is_held(path_in(a, &path, "lock")))
		note(a, "lock", "the pipeline runs under dd-run");
	buf_release(&path);
}

static bool commit_has_moved(const struct audit *a)
{
	const char *why;
	json_t *now = survey_document(a->dir, "commit", &why);
	bool has_moved = !json_equal(now, a->commit) && (now || a->commit);

	json_decref(now);
	return has_moved;
}

static void print(struct audit *a)
{
	struct out out;

	if (a->damaged || a->inconsistent)
		buf_format(&a->report, "damaged: %" PRIu64 ", inconsistent: %" PRIu64 "\n",
			a->damaged, a->inconsistent);
	else
		buf_text(&a->report, "all is well\n");
	out_init(&out, STDOUT_FILENO, "stdout");
	out_add(&out, a->report.data, a->report.len);
	out_close(&out);
	out_release(&out);
}

int audit_run(const char *dir)
{
	struct audit a;
	int looks = 0, status = EX_OK;
	bool again;

	do {
		a = (struct audit){.dir = dir};
		buf_init(&a.report);
		look(&a);
		again = (a.damaged || a.inconsistent) && ++looks < LOOKS_MAX &&
			commit_has_moved(&a);
		if (!again)
			print(&a);
		buf_release(&a.report);
		json_decref(a.commit);
	} while (again);
	if (a.damaged)
		status = EX_IOERR;
	else if (a.inconsistent)
		status = EX_CONFIG;
	return status;
}
