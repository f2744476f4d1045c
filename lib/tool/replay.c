#include "tool/replay.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/die.h"
#include "base/mem.h"
#include "record/text.h"
#include "state/document.h"
#include "state/member.h"
#include "tool/intake.h"

void replay_init(struct replay *r, struct filter *f, const struct replay_rules *rules)
{
	int reserved_key;

	*r = (struct replay){.filter = f, .rules = rules};
	paths_init(&r->paths);
	paths_add(&r->paths, "$dd", &reserved_key);
	r->values = mem_zero(r->paths.count, sizeof(*r->values));
	buf_init(&r->bytes);
	buf_init(&r->source);
	buf_init(&r->resolution);
}

void replay_release(struct replay *r)
{
	if (r->is_open)
		selection_close(&r->selection);
	if (r->has_resolutions)
		resolutions_close(&r->resolutions);
	epochfile_release(&r->held);
	json_decref(r->set);
	paths_release(&r->paths);
	free(r->values);
	buf_release(&r->bytes);
	buf_release(&r->source);
	buf_release(&r->resolution);
}

/* One letter */

/* Takes the letter in hand. Why its bytes are no record of a stream; NULL: they are one. */
static const char *unfit(struct replay *r, const struct envelope *e)
{
	struct span root;
	size_t where;

	buf_clear(&r->source);
	text_unescape(&r->source, &e->source_name);
	buf_clear(&r->bytes);
	letter_bytes(e, &r->bytes);
	memset(buf_reserve(&r->bytes, 1 + SCAN_PAD), 0, 1 + SCAN_PAD);
	r->bytes.data[r->bytes.len] = '\n';
	if (e->truncated)
		return "truncated";
	if (memchr(r->bytes.data, '\n', r->bytes.len) ||
		scan(&r->paths, r->bytes.data, r->bytes.len, &root, r->values, &where) ||
		r->values[0].type != SPAN_MISSING)
		return "malformed";
	return NULL;
}

static struct record record_of(struct replay *r, const struct envelope *e)
{
	return (struct record){
		.bytes = r->bytes.data,
		.len = r->bytes.len,
		.length = r->bytes.len,
		.source = buf_string(&r->source),
		.line = e->source_line,
		.offset = e->source_offset,
	};
}

static void skip(struct replay *r, const struct envelope *e, const char *why)
{
	struct record record = record_of(r, e);

	selection_pass_over(&r->selection); /* it doesn't count for the limit */
	if (strcmp(why, "truncated") == 0)
		r->truncated++;
	else
		r->malformed++;
	if (r->is_dry)
		return;
	intake_refuse(r->filter, &record, dropped(why));
	warn("skipped, as it is %s: letter %.*s, of %s, line %" PRIu64 ", byte %" PRIu64, why,
		(int)e->id.len, e->id.at, buf_string(&r->source), e->source_line, e->source_offset);
}

/* Its resolution is of the epoch in hand. */
static void hold_resolution(struct replay *r, const struct envelope *e)
{
	const struct checkpoint *c = filter_checkpoint(r->filter);
	char run[RUN_DIGITS + 1];
	json_t *by;

	if (!c)
		return;
	run_print(run, c->run);
	by = json_pack("{ss ss sI ss}", "pipeline", r->filter->pipeline, "incarnation",
		c->incarnation, "epoch", (json_int_t)r->held.epoch, "run", run);
	buf_clear(&r->resolution);
	resolution_print(&r->resolution, e->segment, &r->selection.id, by);
	epochfile_add(&r->held, r->resolution.data, r->resolution.len);
	json_decref(by);
}

static void send_again(struct replay *r, const struct envelope *e)
{
	struct record record = record_of(r, e);

	intake_record(r->filter, &record);
	hold_resolution(r, e);
	r->sent++;
}

/* All of them */

/* False if it was told to stop before this letter. An epoch may end while it waits, or behind it.
 */
static bool replay_letter(struct replay *r, const struct envelope *e)
{
	const char *why = unfit(r, e);

	if (!why && !pace_turn(&r->pace))
		return false;
	if (why)
		skip(r, e, why);
	else
		send_again(r, e);
	r->at = r->selection.box.place;
	if (!why)
		pace_given(&r->pace, r->bytes.len);
	pace_attend(&r->pace);
	return true;
}

static int status_of(const struct replay *r)
{
	const struct letterbox *box = &r->selection.box;
	bool missing = false;

	if (box->damaged)
		warn("letters that are damaged: %" PRIu64, box->damaged);
	/* what comes before the place where this run began was not looked at */
	if (!r->is_resumed)
		missing = selection_tell_missing(&r->selection);
	return missing || box->damaged ? EX_DATAERR : EX_OK;
}

static void open_store(struct replay *r, const json_t *set)
{
	if (!r->has_resolutions)
		resolutions_open(&r->resolutions, r->rules->store, NULL);
	r->has_resolutions = true;
	selection_open(&r->selection, r->rules->store, &r->rules->choice, &r->resolutions, set);
	/* what a replay has resolved need not be told of by its next start */
	r->selection.resolved_is_fine = filter_checkpoint(r->filter) != NULL;
	r->is_open = true;
}

int replay_run(struct replay *r)
{
	struct envelope e;

	if (!r->is_open)
		open_store(r, NULL);
	pace_begin(&r->pace, r->filter, &r->rules->pace);
	while (selection_next(&r->selection, &e) && replay_letter(r, &e))
		;
	r->is_complete = !r->pace.is_stopped;
	if (!r->is_complete)
		filter_pause(r->filter, "signal");
	return status_of(r);
}

int replay_dry_run(struct replay *r)
{
	struct envelope e;

	r->is_dry = true;
	open_store(r, NULL);
	while (selection_next(&r->selection, &e)) {
		const char *why = unfit(r, &e);

		if (why)
			skip(r, &e, why);
		else
			r->sent++;
	}
	return status_of(r);
}

/* The set of letters */

static const char set_kind[] = "letters";

static json_t *ids_json(const struct choice *c)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < c->count; i++)
		json_array_append_new(ids, json_string(c->ids[i]));
	return ids;
}

/* What was asked for, as far as it says which letters are meant. */
static json_t *choice_json(const struct choice *c)
{
	json_t *choice = json_pack("{ss sI so}", "where", c->where ? c->where : "", "limit",
		(json_int_t)(c->limit > INT64_MAX ? INT64_MAX : c->limit), "ids", ids_json(c));

	if (!choice)
		die(EX_USAGE, "--where is not UTF-8");
	return choice;
}

static char *path_in_stage(const struct replay *r, const char *name)
{
	struct buf path;
	char *text;

	buf_init(&path);
	buf_format(&path, "%s/%s", filter_checkpoint(r->filter)->stage_dir, name);
	text = mem_string(buf_string(&path));
	buf_release(&path);
	return text;
}

/* Written once, by the run that begins the set; all runs that go on with it rely on the file. */
static void keep_set(struct replay *r)
{
	const struct checkpoint *c = filter_checkpoint(r->filter);
	json_t *document = json_pack("{so so}", "choice", choice_json(&r->rules->choice),
		"segments", letterbox_set(&r->selection.box));
	struct stat st;
	struct buf name;
	char *path;

	buf_init(&name);
	bulk_name_print(&name, set_kind, c->run, 1);
	path = path_in_stage(r, buf_string(&name));
	document_create(path, document);
	if (stat(path, &st) != 0)
		die_errno(EX_IOERR, "cannot look at '%s'", path);
	json_decref(r->set);
	r->set = json_pack("{sssI}", "name", buf_string(&name), "bytes", (json_int_t)st.st_size);
	json_decref(document);
	buf_release(&name);
	free(path);
}

static void check_choice(const struct replay *r, const json_t *was)
{
	json_t *is = choice_json(&r->rules->choice), *old;
	char *old_text, *new_text;
	const char *name;
	json_t *value;

	json_object_foreach (is, name, value) {
		old = json_object_get(was, name);
		if (json_equal(value, old))
			continue;
		old_text = json_dumps(old, JSON_COMPACT | JSON_ENCODE_ANY);
		new_text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		die(EX_CONFIG,
			"the replay that was begun is of letters with %s %s, not %s: finish it as "
			"it was begun, or begin another with another --checkpoint",
			name, old_text ? old_text : "", new_text ? new_text : "");
	}
	json_decref(is);
}

static void go_on(struct replay *r, const struct snapshot *from)
{
	const json_t *set = json_array_get(from->files, 0);
	const char *name = json_string_value(json_object_get(set, "name"));
	json_t *document;
	char *path;

	if (!name)
		member_die(set_kind);
	path = path_in_stage(r, name);
	document = document_get(path, "dd-deliver --rewind goes back to an earlier epoch");
	if (!document)
		die(EX_IOERR, "'%s' is gone, which the replay relies on", path);
	check_choice(r, json_object_get(document, "choice"));
	open_store(r, json_object_get(document, "segments"));
	r->at = (struct place){(size_t)member_get(from->state, "segment"),
		(uint64_t)member_get(from->state, "offset"),
		(uint64_t)member_get(from->state, "number")};
	letterbox_go(&r->selection.box, r->at);
	r->is_resumed = r->at.segment || r->at.offset;
	r->before = (uint64_t)member_get(from->state, "sent");
	r->selection.left -= r->before < r->selection.left ? r->before : r->selection.left;
	r->set = json_deep_copy(set);
	json_decref(document);
	free(path);
}

/* Whether there is a letter that would be sent. */
static bool has_some(struct replay *r)
{
	struct envelope e;
	bool is_fit = false;

	r->selection.box.is_quiet = true;
	while (!is_fit && selection_next(&r->selection, &e))
		is_fit = !unfit(r, &e);
	return is_fit;
}

/* What has come since a replay was completed is new input. */
static void begin_again(struct replay *r)
{
	json_t *now;

	open_store(r, NULL);
	if (has_some(r))
		filter_begin_new(r->filter);
	now = letterbox_set(&r->selection.box);
	selection_close(&r->selection);
	open_store(r, now);
	json_decref(now);
	keep_set(r);
}

/* Checkpoints */

/* What the epochs up to a commit of that run have sent is resolved. */
static void resolve(struct replay *r, struct epoch committed)
{
	char *path;

	while ((path = epochfile_due(&r->held, committed))) {
		resolutions_begin(&r->resolutions);
		resolutions_add_file(&r->resolutions, path);
		resolutions_end(&r->resolutions);
		epochfile_delete(path);
		free(path);
	}
}

void replay_committed(struct replay *r, struct epoch at)
{
	resolutions_reopen(&r->resolutions);
	resolve(r, at);
}

void replay_restore(struct replay *r, const struct snapshot *from)
{
	const struct checkpoint *c = filter_checkpoint(r->filter);
	const struct epoch start = r->filter->epochs.start.at;

	epochfile_init(&r->held, c, BULK_SENT, start.number + 1);
	r->past = (struct resolutions_past){c->incarnation, start.number};
	resolutions_open(&r->resolutions, r->rules->store, &r->past);
	r->has_resolutions = true;
	if (!from) {
		open_store(r, NULL);
		keep_set(r);
		return;
	}
	resolve(r, start);
	if (json_is_true(json_object_get(from->state, "complete")))
		begin_again(r);
	else
		go_on(r, from);
}

void replay_snapshot(struct replay *r, struct snapshot *to)
{
	epochfile_seal(&r->held);
	json_object_set_new(to->state, "complete", json_boolean(r->is_complete));
	if (r->is_complete)
		return;
	member_put(to->state, "segment", (int64_t)r->at.segment);
	member_put(to->state, "offset", (int64_t)r->at.offset);
	member_put(to->state, "number", (int64_t)r->at.number);
	member_put(to->state, "sent", (int64_t)(r->before + r->sent));
	json_array_append(to->files, r->set);
}
