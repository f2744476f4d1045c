#include "tool/commitment.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "io/random.h"
#include "state/sidefile.h"
#include "tool/filter.h"
#include "tool/supervision.h"

/* Options */

static const char *read_forgotten(const char *text, void *to)
{
	json_t **names = to;

	if (!*names)
		*names = json_array();
	json_array_append_new(*names, json_string(text));
	return NULL;
}

static const char *read_rewind(const char *text, void *to)
{
	struct commitment *c = to;

	c->rewinds = true;
	return opt_count(text, &c->rewind_to);
}

void commitment_init(struct commitment *c, const struct destination *destination)
{
	*c = (struct commitment){.destination = destination};
}

void commitment_release(struct commitment *c)
{
	json_decref(c->forgotten);
}

const struct opt *commitment_options(struct commitment *c)
{
	const struct opt rows[] = {
		{.name = "take-over",
			.help = "the destination keeps what it has and is ours",
			.to = &c->take_over},
		{.name = "rewind",
			.arg = "EPOCH",
			.help = "take it back to a kept epoch",
			.read = read_rewind,
			.to = c},
		{.name = "forget",
			.arg = "STAGE",
			.help = "this stage has left the pipeline",
			.read = read_forgotten,
			.to = &c->forgotten},
		{.name = NULL},
	};

	_Static_assert(sizeof(rows) <= sizeof(c->options), "room for the options");
	memcpy(c->options, rows, sizeof(rows));
	return c->options;
}

/* Records of the sink, and the ledger that is made of them */

/* The sink's record of an epoch, and the one before it. */
static json_t *record_of(const struct filter *f, struct epoch at, struct epoch *after)
{
	const char *why;
	json_t *record = snapshot_document(f->epochs.checkpoint.stage_dir, at, &why);

	if (!record)
		die(EX_IOERR,
			"the sink's record of epoch %" PRIu64 " in '%s' is %s: dd-run --check "
			"tells more",
			at.number, f->epochs.checkpoint.stage_dir, why ? why : "gone");
	if (!epoch_read(json_object_get(record, "previous"), after))
		*after = (struct epoch){0};
	return record;
}

/* Adds what the ledger lacks up to `at`, the oldest first. */
static void ledger_catch_up(struct filter *f, struct ledger_tail *t, struct epoch at)
{
	struct epoch after;
	json_t *record;

	if (at.number <= t->at.number)
		return;
	record = record_of(f, at, &after);
	ledger_catch_up(f, t, after);
	if (json_object_get(record, "ledger"))
		ledger_append(t, f->epochs.dir, json_object_get(record, "ledger"));
	json_decref(record);
}

static json_t *names_of(const json_t *stages)
{
	json_t *names = json_array(), *stage;
	size_t i;

	json_array_foreach (stages, i, stage)
		json_array_append(names, json_object_get(stage, "name"));
	return names;
}

/* The directory follows the destination, which has more. All others have to begin there as well, so
 * this start goes on only if the source still waits for the sink. */
static void follow(struct filter *f, struct epoch at)
{
	struct epoch after;
	json_t *record = record_of(f, at, &after), *names;

	names = names_of(json_object_get(json_object_get(record, "ledger"), "stages"));
	checkpoint_commit_set(&f->epochs.checkpoint, at, names);
	json_decref(names);
	json_decref(record);
	if (handshake_is_awaited(&f->handshake)) {
		commit_release(&f->epochs.start);
		checkpoint_commit(&f->epochs.checkpoint, &f->epochs.start);
		return;
	}
	die(EX_TEMPFAIL,
		"the destination has epoch %" PRIu64 ", which this directory did not know to be "
		"committed: now it does, and the next start goes on from it",
		at.number);
}

/* Going back */

static void ledger_note_rewind(struct filter *f, struct epoch to)
{
	struct ledger_tail *t = &f->commitment->ledger;
	json_t *none = json_array(), *line = ledger_line(t, to, none);

	json_object_set_new(line, "rewind", json_integer((json_int_t)t->at.number));
	ledger_append(t, f->epochs.dir, line);
	json_decref(none);
	json_decref(line);
}

static struct epoch kept_epoch(struct filter *f, uint64_t number)
{
	struct epoch at = f->epochs.start.at, after;

	while (at.number > number) {
		json_decref(record_of(f, at, &after));
		at = after;
		if (at.number && !snapshot_is_there(&f->epochs.checkpoint, at))
			die(EX_CONFIG,
				"epoch %" PRIu64 " is no longer kept: --keep-checkpoints says how "
				"many are",
				number);
	}
	if (at.number != number || !number)
		die(EX_CONFIG, "there is no epoch %" PRIu64 " to go back to", number);
	return at;
}

static void go_back(struct filter *f) __attribute__((noreturn));

static void go_back(struct filter *f)
{
	struct commitment *c = f->commitment;
	struct epoch to = kept_epoch(f, c->rewind_to);
	struct snapshot own;
	json_t *names;

	snapshot_read(&f->epochs.checkpoint, to, &own);
	if (c->destination->rewind && c->destination->rewind(f->state, to, &own))
		;
	else if (!c->take_over)
		die(EX_CONFIG,
			"this destination can't be taken back to epoch %" PRIu64
			": with --take-over as well it keeps what it has, and what came since "
			"comes again",
			to.number);
	else if (c->destination->take)
		c->destination->take(f->state, to);
	names = names_of(json_object_get(own.ledger, "stages"));
	ledger_note_rewind(f, to);
	checkpoint_commit_set(&f->epochs.checkpoint, to, names);
	json_decref(names);
	snapshot_release(&own);
	die(EX_TEMPFAIL,
		"the pipeline is back at epoch %" PRIu64 ": start it again without --rewind",
		to.number);
}

/* The claim */

static void die_behind(const struct filter *f, const struct held *held, const char *what)
	__attribute__((noreturn));

static void die_behind(const struct filter *f, const struct held *held, const char *what)
{
	die(EX_CONFIG,
		"the destination%s%s%s %s (it holds epoch %" PRIu64 ", '%s' is at %" PRIu64
		"): put the one back that belongs to this directory, or --take-over keeps what "
		"it has and goes on from here",
		held->where ? " ('" : "", held->where ? held->where : "", held->where ? "')" : "",
		what, held->at.number, f->epochs.dir, f->epochs.start.at.number);
}

/* What stands against going on; NULL if nothing does. */
static const char *misfit(const struct filter *f, const struct held *held)
{
	const struct epochs *e = &f->epochs;
	struct epoch at = e->start.at;

	if (!held->is_there)
		return at.number && !e->is_init ? "holds nothing of this pipeline" : NULL;
	if (strcmp(held->incarnation, e->checkpoint.incarnation) != 0)
		return "belongs to another checkpoint directory";
	if (held->at.number == at.number && held->at.run == at.run)
		return NULL;
	return held->at.number < at.number ? "is behind this directory"
					   : "is ahead of this directory";
}

static void compare(struct filter *f, const struct held *held)
{
	struct commitment *c = f->commitment;
	const char *why = misfit(f, held);
	bool is_ours =
		held->is_there && strcmp(held->incarnation, f->epochs.checkpoint.incarnation) == 0;

	if (why && is_ours && held->at.number >= f->epochs.start.at.number &&
		snapshot_is_there(&f->epochs.checkpoint, held->at)) {
		follow(f, held->at);
		return;
	}
	if (why && !c->take_over)
		die_behind(f, held, why);
	if (why && c->destination->take)
		c->destination->take(f->state, f->epochs.start.at);
}

void commitment_claim(struct filter *f)
{
	struct commitment *c = f->commitment;
	struct epochs *e = &f->epochs;
	struct held held;

	if (c->is_claimed)
		return;
	c->is_claimed = true;
	ledger_open(&c->ledger, e->dir, true);
	if (c->destination->fence) {
		c->destination->fence(f->state, &e->checkpoint, &held);
		if (!c->rewinds || c->rewind_to >= e->start.at.number)
			compare(f, &held);
	}
	if (!e->is_init)
		ledger_catch_up(f, &c->ledger, e->start.at);
	if (c->rewinds && c->rewind_to < e->start.at.number)
		go_back(f);
	checkpoint_claim_set(&e->checkpoint, e->start.at);
}

void commitment_rewind(struct filter *f)
{
	const struct commitment *c = f->commitment;
	struct commit commit;
	bool is_behind;

	if (!c || !c->rewinds || !f->epochs.is_open)
		return;
	checkpoint_commit(&f->epochs.checkpoint, &commit);
	is_behind = c->rewind_to < commit.at.number;
	commit_release(&commit);
	if (is_behind)
		epochs_join(f, f->handshake.has_run ? f->handshake.run : random_number());
}

/* A barrier */

static bool is_forgotten(const struct commitment *c, const char *name)
{
	json_t *forgotten;
	size_t i;

	json_array_foreach (c->forgotten, i, forgotten)
		if (strcmp(json_string_value(forgotten), name) == 0)
			return true;
	return false;
}

static bool stands_in(const json_t *names, const char *name)
{
	json_t *other;
	size_t i;

	json_array_foreach (names, i, other)
		if (strcmp(json_string_value(other), name) == 0)
			return true;
	return false;
}

/* It has left the pipeline. If it was killed behind the last commit, before it had published what
 * that covers, there is nobody else to do it, and after the next commit nobody knows that it is to
 * be done. A file of the user's is only known to the stage itself. */
static void settle_for(const struct filter *f, const char *stage)
{
	struct epoch at = f->epochs.start.at;
	struct buf dir;
	char *held;

	buf_init(&dir);
	buf_format(&dir, "%s/stages/%s", f->epochs.dir, stage);
	held = sidefile_left(buf_string(&dir), at);
	if (held)
		die(EX_CONFIG,
			"stage '%s' is to be forgotten, but has yet to append '%s' to a file of "
			"yours: one more start with it does that; or append it and delete it",
			stage, held);
	buf_release(&dir);
	deadletters_publish_for(&f->outlet.letters, stage, at.run, at.number);
}

/* The names of both lists in order, but for those that came and went as was said. */
static void compare_lists(const struct filter *f, const json_t *now, const json_t *stages)
{
	const json_t *was = f->epochs.start.stages;
	size_t i = 0, k = 0;

	for (;;) {
		const char *old = json_string_value(json_array_get(was, i)),
			   *new = json_string_value(json_array_get(now, k));

		if (old && !stands_in(now, old)) {
			if (!is_forgotten(f->commitment, old))
				die(EX_CONFIG,
					"stage '%s' is gone from the pipeline since epoch %" PRIu64
					": --forget %s says that this is meant",
					old, f->epochs.start.at.number, old);
			settle_for(f, old);
			i++;
		} else if (new && !stands_in(was, new)) {
			if (!json_is_true(json_object_get(json_array_get(stages, k), "init")))
				die(EX_CONFIG,
					"stage '%s' is new in the pipeline: --init at it says that "
					"this is meant",
					new);
			k++;
		} else if (!old && !new) {
			return;
		} else if (old && new &&strcmp(old, new) == 0) {
			i++;
			k++;
		} else {
			die(EX_CONFIG,
				"the stages stand in another order than when epoch %" PRIu64
				" was committed: '%s' in place of '%s'",
				f->epochs.start.at.number, new ? new : "none", old ? old : "none");
		}
	}
}

/* A younger run may have begun before it could see our claim, and have swept what our stages made:
 * then it has its name in a lock by now. One that begins later sees the claim. */
static void check_locks(const struct filter *f, const json_t *names)
{
	const json_t *name;
	size_t i;

	json_array_foreach (names, i, name) {
		if (checkpoint_has_other_run(&f->epochs.checkpoint, json_string_value(name)))
			die(EX_TEMPFAIL,
				"stage '%s' is another run's by now: a younger run has begun, and "
				"this one gives way",
				json_string_value(name));
	}
}

static void check_stages(struct filter *f, const json_t *stages, const json_t *names)
{
	struct commitment *c = f->commitment;
	const json_t *stage;
	struct buf why;
	size_t i;

	json_array_foreach (stages, i, stage)
		if (json_is_false(json_object_get(stage, "durable")))
			die(EX_CONFIG,
				"stage '%s' keeps no checkpoint: give --checkpoint to all stages "
				"of the pipeline",
				json_string_value(json_array_get(names, i)));
	if (!c->is_checked)
		check_locks(f, names);
	if (!c->is_checked && f->epochs.start.at.number)
		compare_lists(f, names, stages);
	c->is_checked = true;
	buf_init(&why);
	if (ledger_compare(stages, &why))
		die(EX_CONFIG,
			"%s: what is between them drops or changes records, and --changed at '%s' "
			"or behind says that this is meant; nothing of the epoch was committed",
			buf_string(&why), f->name);
	buf_release(&why);
}

/* What one stage put out and the next took in, this one's the last. */
static json_t *stages_of(struct filter *f, const struct control *barrier)
{
	json_t *body = json_object_get(barrier->document, "$dd");
	json_t *stages = json_deep_copy(json_object_get(body, "stages"));

	json_array_append_new(stages, supervision_balance(f));
	return stages;
}

void commitment_barrier(struct filter *f, const struct control *barrier)
{
	const struct destination *d = f->commitment->destination;
	struct epochs *e = &f->epochs;
	struct epoch at = {barrier->epoch, e->checkpoint.run}, after = e->last;
	json_t *stages, *names, *line;
	struct snapshot own;

	d->prepare(f->state, barrier);
	stages = stages_of(f, barrier);
	names = names_of(stages);
	check_stages(f, stages, names);
	snapshot_init(&own);
	own.ledger = ledger_line(&f->commitment->ledger, at, stages);
	line = json_incref(own.ledger);
	epochs_seal(f, at.number, &own);
	if (d->commit)
		d->commit(f->state, at, after);
	checkpoint_commit_set(&e->checkpoint, at, names);
	ledger_append(&f->commitment->ledger, e->dir, line);
	json_decref(line);
	json_decref(names);
	json_decref(stages);
	epochs_settle(f);
	if (d->committed)
		d->committed(f->state, barrier);
}
