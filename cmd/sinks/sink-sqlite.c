/*
 * sink-sqlite - a table in an SQLite file as a destination of dd-deliver
 *
 * sqlite:FILE?table=NAME&real: a record is a row, a top-level key a column. One batch is one
 * transaction, and is accepted when that is committed and synced. After a fence an epoch is one
 * transaction, which a batch is a savepoint of; it is committed together with the epoch's number.
 */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/die.h"
#include "base/url.h"
#include "sinks/sqlite-claim.h"
#include "sinks/sqlite-database.h"
#include "sinks/sqlite-table.h"
#include "tool/sink.h"

enum { BATCH_RECORDS_MAX = 100000, BATCH_BYTES_MAX = 64 << 20 };

static struct {
	struct database db;
	struct table table;
	struct claim claim;
} sink;

static void decode(struct buf *to, const char *text, size_t len)
{
	const char *why = url_decode(to, text, len);

	if (why)
		sink_fail(EX_USAGE, "'%.*s' in the URL: %s", (int)len, text, why);
}

static void option_take(const struct url_option *o)
{
	if (url_option_is(o, "table") && o->value) {
		buf_clear(&sink.table.name);
		decode(&sink.table.name, o->value, o->value_len);
		if (!sink.table.name.len)
			sink_fail(EX_USAGE, "an empty name in the URL: table=NAME");
	} else if (url_option_is(o, "real") && !o->value) {
		sink.table.real = true;
	} else {
		sink_fail(EX_USAGE,
			"unknown option '%.*s' in the URL: table=NAME and real are known",
			(int)o->len, o->name);
	}
}

static void url_take(const char *text)
{
	struct url_option option;
	struct url url;

	if (!url_split(&url, text) || !url.path_len)
		sink_fail(EX_USAGE, "no file in the URL: it is sqlite:FILE?table=NAME");
	if (url.path_len >= 2 && memcmp(url.path, "//", 2) == 0 &&
		(url.path_len < 3 || url.path[2] != '/'))
		sink_fail(EX_USAGE, "a file has no host: it is sqlite:FILE?table=NAME");
	/* A relative path is marked as one: SQLite means something else by :memory: and file:. */
	if (*url.path != '/')
		buf_text(&sink.db.file, "./");
	decode(&sink.db.file, url.path, url.path_len);
	buf_text(&sink.table.name, "records");
	while (url_next_option(&url, &option))
		option_take(&option);
	if (sqlite3_stricmp(buf_string(&sink.table.name), claim_table) == 0)
		sink_fail(EX_USAGE, "the table %s is ddpipe's own: name another one", claim_table);
}

static void sqlite_open(const struct sink_target *target)
{
	table_init(&sink.table, &sink.db);
	claim_init(&sink.claim, &sink.db);
	url_take(target->url);
	database_open(&sink.db, target->timeout_ms);
}

/* Begins a transaction for the batch, or the epoch's if it has none yet. */
static int transaction_begin(void)
{
	int rc;

	if (database_in_transaction(&sink.db))
		return SQLITE_OK;
	rc = database_begin(&sink.db);
	if (rc == SQLITE_OK && sink.claim.is_made)
		claim_check(&sink.claim);
	return rc;
}

static int records_put(const struct sink_batch *batch, struct sink_verdict *verdict)
{
	const char *line = batch->lines, *reason, *detail;
	int rc = table_load(&sink.table);

	for (size_t i = 0; rc == SQLITE_OK && i < batch->count; i++) {
		const char *end = memchr(line, '\n', batch->len - (size_t)(line - batch->lines));

		assert(end);
		rc = table_put(&sink.table, line, (size_t)(end - line), &reason, &detail);
		if (reason)
			sink_reject_record(verdict, i, reason, "%s", detail);
		line = end + 1;
	}
	return rc;
}

/* The batch failed as a whole: says why. */
static void batch_judge(int rc, struct sink_verdict *verdict)
{
	const char *reason = table_reason(rc), *words = sqlite3_errmsg(sink.db.handle);

	if (database_is_busy(rc))
		sink_retry(verdict, "busy", 0, "%s", words);
	else if (reason)
		sink_reject(verdict, reason, "%s", words);
	else
		database_fail(&sink.db, rc);
}

/* A batch that is a transaction of its own. */
static void batch_alone(const struct sink_batch *batch, struct sink_verdict *verdict)
{
	int rc = records_put(batch, verdict);

	if (rc == SQLITE_OK)
		rc = database_run(&sink.db, "COMMIT");
	if (rc != SQLITE_OK)
		batch_judge(rc, verdict);
	table_unload(&sink.table);
	if (database_in_transaction(&sink.db))
		database_must(&sink.db, database_run(&sink.db, "ROLLBACK"));
}

/* A batch that can be undone without the rest of its epoch. */
static void batch_of_epoch(const struct sink_batch *batch, struct sink_verdict *verdict)
{
	int rc = database_run(&sink.db, "SAVEPOINT ddpipe_batch");

	if (rc == SQLITE_OK)
		rc = records_put(batch, verdict);
	if (!database_in_transaction(&sink.db) && table_reason(rc))
		sink_fail(EX_CONFIG, "'%s': a rule of table '%s' rolled the whole epoch back: %s",
			buf_string(&sink.db.file), buf_string(&sink.table.name),
			sqlite3_errmsg(sink.db.handle));
	if (rc != SQLITE_OK)
		batch_judge(rc, verdict);
	table_unload(&sink.table);
	if (rc != SQLITE_OK)
		database_must(&sink.db, database_run(&sink.db, "ROLLBACK TO ddpipe_batch"));
	database_must(&sink.db, database_run(&sink.db, "RELEASE ddpipe_batch"));
}

static void sqlite_batch(const struct sink_batch *batch, struct sink_verdict *verdict)
{
	int rc = transaction_begin();

	if (rc != SQLITE_OK)
		batch_judge(rc, verdict);
	else if (sink.claim.is_made)
		batch_of_epoch(batch, verdict);
	else
		batch_alone(batch, verdict);
}

static void sqlite_fence(const struct sink_claim *claim, struct held *held)
{
	claim_make(&sink.claim, claim, held);
}

static void sqlite_take(const struct held *becomes)
{
	database_must(&sink.db, transaction_begin());
	claim_commit(&sink.claim, becomes, true);
}

/* An epoch without a record has no transaction before. */
static void sqlite_prepare(uint64_t epoch)
{
	(void)epoch;
	database_must(&sink.db, transaction_begin());
}

static void sqlite_commit(const struct held *becomes, bool over)
{
	claim_commit(&sink.claim, becomes, over);
}

static void sqlite_close(void)
{
	table_release(&sink.table);
	claim_release(&sink.claim);
	database_close(&sink.db);
}

int main(int argc, char **argv)
{
	static const struct sink handlers = {
		.name = "sqlite",
		.max_records = BATCH_RECORDS_MAX,
		.max_bytes = BATCH_BYTES_MAX,
		.open = sqlite_open,
		.batch = sqlite_batch,
		.fence = sqlite_fence,
		.take = sqlite_take,
		.prepare = sqlite_prepare,
		.commit = sqlite_commit,
		.close = sqlite_close,
	};

	return sink_run(&handlers, argc, argv);
}
