#include "sinks/sqlite-claim.h"

#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/mem.h"

const char claim_table[] = "ddpipe_commits";

/* epoch is NULL, with incarnation and run, while nothing has been committed. */
static const char create_sql[] = "CREATE TABLE IF NOT EXISTS ddpipe_commits ("
				 "pipeline TEXT NOT NULL, stage TEXT NOT NULL, incarnation TEXT, "
				 "epoch INTEGER, run TEXT, owner TEXT NOT NULL, "
				 "PRIMARY KEY (pipeline, stage))";
static const char own_sql[] =
	"INSERT INTO ddpipe_commits (pipeline, stage, owner) VALUES (?1, ?2, ?3) "
	"ON CONFLICT (pipeline, stage) DO UPDATE SET owner = excluded.owner";
static const char read_sql[] = "SELECT owner, epoch, incarnation, run FROM ddpipe_commits "
			       "WHERE pipeline = ?1 AND stage = ?2";
static const char commit_sql[] =
	"UPDATE ddpipe_commits SET incarnation = ?4, epoch = ?5, run = ?6 "
	"WHERE pipeline = ?1 AND stage = ?2 AND owner = ?3 "
	"AND (?7 OR coalesce(epoch, 0) = ?5 - 1 AND coalesce(incarnation, ?4) = ?4)";

enum column { OWNER, EPOCH, INCARNATION, RUN };

void claim_init(struct claim *c, struct database *db)
{
	*c = (struct claim){.db = db};
}

void claim_release(struct claim *c)
{
	free(c->pipeline);
	free(c->stage);
}

static void bind(sqlite3_stmt *s, int at, const char *text)
{
	/* A statement that does not use the parameter has no place for it. */
	if (at <= sqlite3_bind_parameter_count(s))
		sqlite3_bind_text(s, at, text, -1, SQLITE_TRANSIENT);
}

/* ?1, ?2 and ?3 are the pipeline, the stage and this run. */
static sqlite3_stmt *statement(const struct claim *c, const char *sql)
{
	sqlite3_stmt *s;

	database_must(c->db, sqlite3_prepare_v2(c->db->handle, sql, -1, &s, NULL));
	bind(s, 1, c->pipeline);
	bind(s, 2, c->stage);
	bind(s, 3, c->owner);
	return s;
}

static void finish(const struct claim *c, sqlite3_stmt *s)
{
	sqlite3_step(s);
	database_must(c->db, sqlite3_finalize(s));
}

/* No text is none that any of these columns may have. */
static const char *text_of(sqlite3_stmt *s, enum column column)
{
	const char *text = (const char *)sqlite3_column_text(s, (int)column);

	return text ? text : "";
}

/* False if the row is not what a commit leaves. */
static bool row_take(sqlite3_stmt *s, struct held *held)
{
	sqlite3_int64 epoch = sqlite3_column_int64(s, EPOCH);

	held->is_there = sqlite3_column_type(s, EPOCH) != SQLITE_NULL;
	held->at.number = (uint64_t)epoch;
	return !held->is_there ||
	       (sqlite3_column_type(s, EPOCH) == SQLITE_INTEGER && epoch >= 0 &&
		       incarnation_read(text_of(s, INCARNATION), held->incarnation) &&
		       run_read(text_of(s, RUN), &held->at.run));
}

/* What the file holds, and whether it is this run's; without a row it holds nothing. */
static bool row_find(const struct claim *c, struct held *held)
{
	sqlite3_stmt *s = statement(c, read_sql);
	bool is_ours = false, is_whole = true;

	*held = (struct held){.is_there = false};
	if (sqlite3_step(s) == SQLITE_ROW) {
		is_ours = strcmp(text_of(s, OWNER), c->owner) == 0;
		is_whole = row_take(s, held);
	}
	database_must(c->db, sqlite3_finalize(s));
	if (!is_whole)
		sink_fail(EX_CONFIG, "'%s': the row of pipeline '%s', stage '%s' in %s is damaged",
			c->db->file.data, c->pipeline, c->stage, claim_table);
	return is_ours;
}

/* The write of the fence also makes durable what it found: it is synced behind it. */
void claim_make(struct claim *c, const struct sink_claim *by, struct held *held)
{
	c->pipeline = mem_string(by->pipeline);
	c->stage = mem_string(by->stage);
	run_print(c->owner, by->run);
	database_must(c->db, database_begin(c->db));
	database_must(c->db, database_run(c->db, create_sql));
	row_find(c, held);
	finish(c, statement(c, own_sql));
	database_must(c->db, database_run(c->db, "COMMIT"));
	c->is_made = true;
}

static void lost(const struct claim *c) __attribute__((noreturn));

static void lost(const struct claim *c)
{
	sink_fail(EX_TEMPFAIL, "'%s': a newer run of pipeline '%s' delivers there now",
		c->db->file.data, c->pipeline);
}

void claim_check(const struct claim *c)
{
	struct held held;

	if (!row_find(c, &held))
		lost(c);
}

static void mismatch(const struct claim *c, const struct held *becomes) __attribute__((noreturn));

static void mismatch(const struct claim *c, const struct held *becomes)
{
	struct held held;

	if (!row_find(c, &held))
		lost(c);
	sink_fail(EX_CONFIG,
		"'%s' holds epoch %llu%s of pipeline '%s', which epoch %llu cannot follow",
		c->db->file.data, (unsigned long long)held.at.number,
		!held.is_there || strcmp(held.incarnation, becomes->incarnation) == 0
			? ""
			: " (of another checkpoint directory)",
		c->pipeline, (unsigned long long)becomes->at.number);
}

void claim_commit(const struct claim *c, const struct held *becomes, bool over)
{
	sqlite3_stmt *s = statement(c, commit_sql);
	char run[RUN_DIGITS + 1];

	run_print(run, becomes->at.run);
	bind(s, 4, becomes->incarnation);
	sqlite3_bind_int64(s, 5, (sqlite3_int64)becomes->at.number);
	bind(s, 6, run);
	sqlite3_bind_int(s, 7, over);
	finish(c, s);
	if (sqlite3_changes(c->db->handle) != 1)
		mismatch(c, becomes);
	database_must(c->db, database_run(c->db, "COMMIT"));
}
