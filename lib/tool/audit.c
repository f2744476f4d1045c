#include "tool/audit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "io/out.h"
#include "state/document.h"
#include "state/ledger.h"
#include "state/letterbox.h"
#include "state/survey.h"
#include "tool/auditstage.h"

enum { LOOKS_MAX = 5 };

/* DIR/incarnation and DIR/commit */

static void check_incarnation(struct audit *a)
{
	const char *why = survey_incarnation(a->dir, a->incarnation);

	if (why)
		audit_damaged(a, "incarnation",
			"%s; restore it from a backup, or from 'incarnation' in "
			"'commit'",
			why);
	else
		audit_fine(a, "incarnation", "%s", a->incarnation);
}

static void check_commit(struct audit *a)
{
	const char *why;
	char run[RUN_DIGITS + 1];

	a->commit = survey_document(a->dir, "commit", &why);
	a->commit_is_damaged = why || (a->commit && !epoch_read(a->commit, &a->at));
	if (a->commit_is_damaged) {
		audit_damaged(a, "commit", "%s; the ledger's last line says what it was",
			why ? why : "it names no epoch");
		return;
	}
	if (!a->commit) {
		audit_note(a, "commit", "nothing is committed yet");
		return;
	}
	run_print(run, a->at.run);
	audit_fine(a, "commit", "epoch %" PRIu64 " of run %s, at %s, %zu stages", a->at.number, run,
		survey_text(a->commit, "at"),
		json_array_size(json_object_get(a->commit, "stages")));
	if (*a->incarnation && strcmp(survey_text(a->commit, "incarnation"), a->incarnation) != 0)
		audit_inconsistent(a, "commit",
			"it is of incarnation %s: one of the two was copied here "
			"from another directory",
			survey_text(a->commit, "incarnation"));
}

static void check_failure(struct audit *a)
{
	const char *why;
	json_t *failure = survey_document(a->dir, "last-failure", &why);

	if (why)
		audit_damaged(a, "last-failure", "%s; it can be deleted", why);
	else if (failure)
		audit_note(a, "last-failure", "stage '%s' stopped with exit status %d at %s: %s",
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
		audit_damaged(a, "claim", "%s; delete it: the next start makes it anew", why);
	else if (claim)
		audit_fine(a, "claim", "run %s found the destination at epoch %lld",
			survey_text(claim, "by"),
			(long long)json_integer_value(json_object_get(claim, "epoch")));
	json_decref(claim);
}

/* The stages */

static void check_stages(struct audit *a)
{
	struct names names;
	const json_t *stage;
	struct buf path;
	size_t i;

	buf_init(&path);
	names_read(&names, audit_path(a, &path, "stages"));
	for (i = 0; i < names.count; i++)
		audit_stage(a, names.list[i]);
	json_array_foreach (json_object_get(a->commit, "stages"), i, stage) {
		struct stat st;

		buf_clear(&path);
		buf_format(&path, "%s/stages/%s", a->dir,
			json_string_value(stage) ? json_string_value(stage) : "");
		if (stat(buf_string(&path), &st) != 0)
			audit_inconsistent(a, "stages",
				"the commit names stage '%s', which is not there",
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
		audit_note(a, "ledger.ndjson",
			"it ends at epoch %" PRIu64 ", before the commit: the next start brings it "
			"up from the sink's records",
			r->last.number);
	else
		audit_inconsistent(a, "ledger.ndjson",
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
		audit_damaged(a, "ledger.ndjson", "%s", wrong);
	} else if (r.lines || a->commit) {
		audit_fine(a, "ledger.ndjson",
			"%" PRIu64 " lines, each of which proves the one before", r.lines);
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
	if (access(audit_path(a, &path, "dlq"), F_OK) == 0) {
		letterbox_open(&box, buf_string(&path));
		while (letterbox_next(&box, &e))
			letters++;
		if (box.damaged)
			audit_damaged(a, "dlq",
				"%" PRIu64 " letters are damaged, as told on stderr", box.damaged);
		else
			audit_fine(
				a, "dlq", "%" PRIu64 " letters in %zu files", letters, box.count);
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
	audit_mode(a, ".");
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.list[i];

		if (is_known(name))
			audit_mode(a, name);
		else if (audit_ends_with(name, ".new") || strncmp(name, "incarnation.", 12) == 0)
			audit_note(a, name, "a file that was not finished; nothing reads it");
		else
			audit_note(a, name, "unknown: nothing reads it");
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
	if (lock_is_held(audit_path(a, &path, "lock")))
		audit_note(a, "lock", "the pipeline runs under dd-run");
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
