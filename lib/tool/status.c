#include "tool/status.h"

#include <inttypes.h>
#include <jansson.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/units.h"
#include "flow/tallies.h"
#include "io/loop.h"
#include "io/out.h"
#include "record/text.h"
#include "state/resolutions.h"
#include "state/selection.h"
#include "state/snapshot.h"
#include "state/survey.h"

struct status {
	const char *dir;
	int64_t now_ns;
	json_t *commit; /* NULL before the first */
	struct epoch at;
	json_t *told; /* what is found out */
};

static void set(const struct status *s, const char *key, json_t *value)
{
	json_object_set_new(s->told, key, value);
}

/* Finding out */

static void name_pipeline(struct status *s, const char *pipeline)
{
	char *path = pipeline ? NULL : realpath(s->dir, NULL);

	set(s, "pipeline", json_string(path ? basename(path) : pipeline));
	free(path);
}

static void look_at_commit(struct status *s)
{
	char run[RUN_DIGITS + 1];
	const char *why;
	int64_t at_ns;

	s->commit = survey_document(s->dir, "commit", &why);
	if (why)
		die(EX_IOERR, "'%s/commit' is damaged: %s; dd-run --check tells more", s->dir, why);
	if (s->commit && !epoch_read(s->commit, &s->at))
		die(EX_IOERR, "'%s/commit' is no commit", s->dir);
	run_print(run, s->at.run);
	set(s, "epoch", json_integer((json_int_t)s->at.number));
	if (!s->commit)
		return;
	set(s, "run", json_string(run));
	set(s, "at", json_incref(json_object_get(s->commit, "at")));
	if (survey_time(json_object_get(s->commit, "at"), &at_ns))
		set(s, "age_s", json_integer((s->now_ns - at_ns) / NS_PER_S));
	set(s, "stages", json_incref(json_object_get(s->commit, "stages")));
}

static bool stage_runs(const struct status *s, const char *stage)
{
	struct buf path;
	bool runs;

	buf_init(&path);
	buf_format(&path, "%s/stages/%s/lock", s->dir, stage);
	runs = lock_is_held(buf_string(&path));
	buf_release(&path);
	return runs;
}

/* "dd-run" where it holds the lock; else the stages that run by themselves. */
static void look_who_runs(const struct status *s)
{
	json_t *stages = json_array();
	struct names names;
	struct buf path;

	buf_init(&path);
	buf_format(&path, "%s/lock", s->dir);
	set(s, "under_dd_run", json_boolean(lock_is_held(buf_string(&path))));
	buf_clear(&path);
	buf_format(&path, "%s/stages", s->dir);
	names_read(&names, buf_string(&path));
	for (size_t i = 0; i < names.count; i++)
		if (stage_runs(s, names.list[i]))
			json_array_append_new(stages, json_string(names.list[i]));
	set(s, "running", stages);
	names_release(&names);
	buf_release(&path);
}

/* The committed record's state of a stage; a new reference, NULL where there is none. */
static json_t *state_of(const struct status *s, const char *stage)
{
	const char *why;
	json_t *record, *state;
	struct buf path;

	buf_init(&path);
	buf_format(&path, "%s/stages/%s", s->dir, stage);
	record = snapshot_document(buf_string(&path), s->at, &why);
	buf_release(&path);
	state = json_incref(json_object_get(record, "state"));
	json_decref(record);
	return state;
}

/* How many bytes of a file are yet to be read. One that was replaced is read from its start, when
 * what is left of the old one has been read: how much that is nobody can tell from its name. */
static json_t *look_at_input(const json_t *input)
{
	const char *name = survey_text(input, "name");
	json_int_t offset = json_integer_value(json_object_get(input, "offset"));
	json_t *inode = json_object_get(input, "ino");
	bool is_replaced;
	struct stat st;

	if (!*name || stat(name, &st) != 0 || !S_ISREG(st.st_mode))
		return NULL;
	is_replaced = json_is_integer(inode) && (ino_t)json_integer_value(inode) != st.st_ino;
	if (is_replaced)
		offset = 0;
	return json_pack("{ss sI sI sb}", "name", name, "offset", offset, "behind_bytes",
		st.st_size > offset ? (json_int_t)st.st_size - offset : 0, "replaced", is_replaced);
}

static void look_at_inputs(const struct status *s, const json_t *inputs)
{
	json_t *list = json_array(), *input;
	json_int_t behind = 0;
	size_t i;

	json_array_foreach (inputs, i, input) {
		json_t *found = look_at_input(input);

		behind += json_integer_value(json_object_get(found, "behind_bytes"));
		if (found)
			json_array_append_new(list, found);
	}
	set(s, "behind_bytes", json_integer(behind));
	set(s, "inputs", list);
}

static void look_at_stages(const struct status *s)
{
	const json_t *stage;
	size_t i;

	json_array_foreach (json_object_get(s->commit, "stages"), i, stage) {
		const char *name = json_string_value(stage);
		json_t *state = name ? state_of(s, name) : NULL;
		const json_t *inputs = json_object_get(state, "inputs");
		json_t *watermark = json_object_get(state, "watermark");
		int64_t at_ns;

		if (json_is_array(inputs) && i == 0)
			look_at_inputs(s, inputs);
		if (survey_time(watermark, &at_ns)) {
			set(s, "watermark", json_incref(watermark));
			set(s, "watermark_behind_s", json_integer((s->now_ns - at_ns) / NS_PER_S));
		}
		json_decref(state);
	}
}

static void quoted(struct buf *to, const struct span *text)
{
	buf_clear(to);
	text_unescape(to, text);
}

/* Those that are open. */
static void look_at_letters(const struct status *s)
{
	struct buf path, stage, reason;
	const struct choice all = {.limit = UINT64_MAX};
	struct resolutions resolutions;
	struct selection selection;
	struct tallies tallies;
	json_t *list = json_array();
	struct envelope e;

	buf_init(&path);
	buf_init(&stage);
	buf_init(&reason);
	tallies_init(&tallies);
	buf_format(&path, "%s/dlq", s->dir);
	if (access(buf_string(&path), F_OK) == 0) {
		resolutions_open(&resolutions, buf_string(&path), NULL);
		selection_open(&selection, buf_string(&path), &all, &resolutions, NULL);
		while (selection_next(&selection, &e)) {
			quoted(&stage, &e.stage);
			quoted(&reason, &e.reason);
			tallies_add(&tallies, buf_string(&stage), buf_string(&reason));
		}
		selection_close(&selection);
		resolutions_close(&resolutions);
	}
	for (size_t i = 0; i < tallies.count; i++)
		json_array_append_new(list, json_pack("{ss ss sI}", "stage", tallies.list[i].first,
						    "reason", tallies.list[i].second, "count",
						    (json_int_t)tallies.list[i].count));
	set(s, "dead_letters", list);
	tallies_release(&tallies);
	buf_release(&path);
	buf_release(&stage);
	buf_release(&reason);
}

static void look_at_failure(const struct status *s)
{
	const char *why;
	json_t *failure = survey_document(s->dir, "last-failure", &why);

	if (failure)
		set(s, "last_failure", failure);
}

/* Saying it */

static void say_age(struct buf *to, const struct status *s, const char *key)
{
	char text[UNITS_DURATION_TEXT_MAX];
	json_int_t age_s = json_integer_value(json_object_get(s->told, key));

	units_duration_text(age_s > 0 ? age_s * NS_PER_S : 0, text);
	buf_text(to, text);
}

static void say_list(struct buf *to, const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		buf_format(to, "%s%s", i ? ", " : "", json_string_value(item));
	}
}

static void say_commit(struct buf *to, const struct status *s)
{
	if (!s->commit) {
		buf_text(to, "epoch         none is committed yet\n");
		return;
	}
	buf_format(to, "epoch         %" PRIu64 ", committed ", s->at.number);
	say_age(to, s, "age_s");
	buf_format(to, " ago (%s) by run %s\n", survey_text(s->told, "at"),
		survey_text(s->told, "run"));
	buf_text(to, "stages        ");
	say_list(to, json_object_get(s->told, "stages"));
	buf_char(to, '\n');
}

static void say_who_runs(struct buf *to, const struct status *s)
{
	const json_t *running = json_object_get(s->told, "running");
	bool under_dd_run = json_is_true(json_object_get(s->told, "under_dd_run"));

	buf_format(to, "running       %s", json_array_size(running) || under_dd_run ? "yes" : "no");
	buf_text(to, under_dd_run ? ", under dd-run" : "");
	if (json_array_size(running)) {
		buf_text(to, ": ");
		say_list(to, running);
	}
	buf_char(to, '\n');
}

static void say_lag(struct buf *to, const struct status *s)
{
	const json_t *behind = json_object_get(s->told, "behind_bytes"), *input;
	size_t i;

	if (behind)
		buf_format(to, "behind        %" JSON_INTEGER_FORMAT " bytes of input\n",
			json_integer_value(behind));
	json_array_foreach (json_object_get(s->told, "inputs"), i, input) {
		if (json_integer_value(json_object_get(input, "behind_bytes")))
			buf_format(to, "                %" JSON_INTEGER_FORMAT " of '%s'%s\n",
				json_integer_value(json_object_get(input, "behind_bytes")),
				survey_text(input, "name"),
				json_is_true(json_object_get(input, "replaced"))
					? ", and what is left of the one before it"
					: "");
	}
	if (json_object_get(s->told, "watermark")) {
		buf_format(to, "watermark     %s, ", survey_text(s->told, "watermark"));
		say_age(to, s, "watermark_behind_s");
		buf_text(to, " behind the clock\n");
	}
}

static void say_letters(struct buf *to, const struct status *s)
{
	const json_t *letters = json_object_get(s->told, "dead_letters"), *letter;
	size_t i;

	buf_text(to, "dead letters  ");
	if (!json_array_size(letters))
		buf_text(to, "none");
	json_array_foreach (letters, i, letter) {
		buf_format(to, "%s%s: %s %" JSON_INTEGER_FORMAT, i ? ", " : "",
			survey_text(letter, "stage"), survey_text(letter, "reason"),
			json_integer_value(json_object_get(letter, "count")));
	}
	buf_char(to, '\n');
}

static void say_failure(struct buf *to, const struct status *s)
{
	const json_t *failure = json_object_get(s->told, "last_failure");

	if (!failure) {
		buf_text(to, "last failure  none\n");
		return;
	}
	buf_format(to,
		"last failure  %s: stage '%s' stopped with exit status %" JSON_INTEGER_FORMAT
		": %s\n",
		survey_text(failure, "at"), survey_text(failure, "stage"),
		json_integer_value(json_object_get(failure, "exit")), survey_text(failure, "why"));
}

static void say_all(struct buf *to, const struct status *s)
{
	buf_format(to, "pipeline      %s\n", survey_text(s->told, "pipeline"));
	buf_format(to, "incarnation   %s\n", survey_text(s->told, "incarnation"));
	say_commit(to, s);
	say_who_runs(to, s);
	say_lag(to, s);
	say_letters(to, s);
	say_failure(to, s);
}

static void say_json(struct buf *to, const json_t *told)
{
	char *text = json_dumps(told, JSON_COMPACT);

	buf_text(to, text ? text : "");
	buf_char(to, '\n');
	free(text);
}

void status_print(const char *dir, const char *pipeline, bool as_json)
{
	struct status s = {.dir = dir, .now_ns = loop_wall_ns(), .told = json_object()};
	char incarnation[INCARNATION_DIGITS + 1];
	const char *why = survey_incarnation(dir, incarnation);
	struct buf text;
	struct out out;

	if (why)
		die(EX_CONFIG, "'%s' is no checkpoint directory: '%s/incarnation': %s", dir, dir,
			why);
	name_pipeline(&s, pipeline);
	set(&s, "incarnation", json_string(incarnation));
	look_at_commit(&s);
	look_who_runs(&s);
	look_at_stages(&s);
	look_at_letters(&s);
	look_at_failure(&s);
	buf_init(&text);
	if (as_json)
		say_json(&text, s.told);
	else
		say_all(&text, &s);
	out_init(&out, STDOUT_FILENO, "stdout");
	out_add(&out, text.data, text.len);
	out_close(&out);
	out_release(&out);
	buf_release(&text);
	json_decref(s.commit);
	json_decref(s.told);
}
