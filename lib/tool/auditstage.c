#include "tool/auditstage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "state/acked.h"
#include "state/changelog.h"
#include "state/document.h"
#include "state/filehash.h"
#include "state/letterbox.h"
#include "state/snapshot.h"
#include "state/spool.h"
#include "state/survey.h"
#include "state/workdir.h"

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
		audit_damaged(s->audit, told_path(s, &told, name),
			"the state relies on %" PRIu64 " bytes of it: %s", bytes, why);
	else if (why)
		audit_damaged(s->audit, told_path(s, &told, name),
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
		audit_damaged(s->audit, told_path(s, &told, buf_string(&name)),
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
		audit_inconsistent(s->audit, told_path(s, &told, ""),
			"the commit is epoch %" PRIu64 ", and the stage has no record of it",
			at.number);
	else if (commit_names(s->audit, s->name))
		for (at = before; at.number && check_record(s, at, &before); at = before)
			;
	buf_release(&told);
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
	else if (audit_ends_with(name, ".new"))
		audit_note(s->audit, buf_string(&told),
			"a file that was not finished; nothing reads it");
	else if (!bulk_name_read(name, &bulk) && strcmp(name, "lock") != 0 &&
		 strcmp(name, WORKDIR_NAME) != 0 && !audit_ends_with(name, ".note"))
		audit_note(s->audit, buf_string(&told), "unknown: nothing reads it");
	audit_mode(s->audit, buf_string(&told));
	buf_release(&told);
}

void audit_stage(struct audit *a, const char *name)
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
	(a->damaged + a->inconsistent == wrong ? audit_fine : audit_note)(a, buf_string(&told),
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
