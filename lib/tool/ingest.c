#include "tool/ingest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/die.h"
#include "base/instant.h"
#include "base/mem.h"
#include "io/loop.h"

enum {
	LOOK_MS = 1000,       /* for what inotify doesn't tell */
	MERGE_LOOK_MS = 50,   /* while merging goes on */
	TURN_BYTES = 8 << 20, /* of one followed file, then others have their turn */
	READ_BYTES_MIN = 4 << 10,
};

void ingest_init(struct ingest *g, struct filter *f, const struct ingest_rules *rules,
	struct time_field *time, char **operands, int count)
{
	*g = (struct ingest){.filter = f, .rules = rules, .time = time, .watch = {.fd = -1}};
	inputs_init(&g->inputs, f, &rules->inputs, operands, count);
	merge_init(&g->merge);
	waits_init(&g->waits);
}

void ingest_release(struct ingest *g)
{
	inputs_release(&g->inputs);
	merge_release(&g->merge);
	watch_release(&g->watch);
	waits_release(&g->waits);
	free(g->fields);
}

/* Handlers */

void ingest_begin(struct ingest *g)
{
	if (!filter_checkpoint(g->filter))
		inputs_start(&g->inputs, NULL);
}

void ingest_restore(struct ingest *g, const struct snapshot *from)
{
	json_t *unit = from ? json_object_get(from->state, "time_unit") : NULL;

	if (unit && g->time->name)
		g->time->reader.unit = (enum time_kind)json_integer_value(unit);
	inputs_start(&g->inputs, from);
}

void ingest_snapshot(struct ingest *g, struct snapshot *to)
{
	inputs_record(&g->inputs, g->is_complete, to);
	if (g->time->name)
		json_object_set_new(
			to->state, "time_unit", json_integer((json_int_t)g->time->reader.unit));
}

static bool follows(const struct ingest *g)
{
	return g->rules->inputs.way == INPUTS_FOLLOW;
}

/* Sends the item in hand; false if the one before it was to be the last. */
static bool give(struct ingest *g, struct source_file *s)
{
	uint64_t before = s->feed.offset;

	if (!pace_turn(&g->pace))
		return false;
	feed_give(&s->feed);
	pace_given(&g->pace, s->feed.offset - before);
	return true;
}

/* Waits until a read gives something; false if it is to stop. */
static bool wait_for(struct ingest *g, struct source_file *s)
{
	int fd = source_file_waits_on(s);

	while (fd >= 0 && !source_file_is_ready(s)) {
		if (pace_stopped(&g->pace))
			return false;
		pace_wait(&g->pace, fd, LOOP_NEVER);
	}
	return true;
}

/* Files */

static void open_file(struct ingest *g, struct source_file *s)
{
	inputs_open(&g->inputs, s);
	if (follows(g) && source_file_waits_on(s) >= 0)
		waits_add(&g->waits, source_file_waits_on(s));
}

static void finish(struct ingest *g, struct source_file *s)
{
	if (source_file_waits_on(s) >= 0)
		waits_remove(&g->waits, source_file_waits_on(s));
	outlet_flush_passed(&g->filter->outlet);
	inputs_finish(&g->inputs, s);
}

/* Where the end is the end, also that of a compressed file, a last line needs no newline. */
static bool ends_lines(const struct ingest *g, const struct source_file *s)
{
	return !s->is_old_piece && (s->is_packed || g->rules->inputs.way == INPUTS_COMPLETE);
}

/* A last line that will never be whole is not taken. */
static bool finish_tail(struct ingest *g, struct source_file *s)
{
	if (ends_lines(g, s)) {
		while (feed_tail(&s->feed))
			if (!give(g, s))
				return false;
	} else {
		feed_drop_rest(&s->feed);
		source_file_drop_debris(s);
	}
	finish(g, s);
	return true;
}

/* One after the other */

enum drained { STOPPED, DRY, TURN_OVER };

/* Sends what there is of a file. */
static enum drained drain(struct ingest *g, struct source_file *s)
{
	uint64_t from = s->feed.offset;

	for (;;) {
		while (feed_next(&s->feed))
			if (!give(g, s))
				return STOPPED;
		outlet_flush_passed(&g->filter->outlet);
		pace_attend(&g->pace);
		if (pace_stopped(&g->pace))
			return STOPPED;
		if (follows(g) && s->feed.offset - from > TURN_BYTES)
			return TURN_OVER;
		if (follows(g) ? !source_file_is_ready(s) : !wait_for(g, s))
			return g->pace.is_stopped ? STOPPED : DRY;
		if (!source_file_fill(s))
			return DRY;
	}
}

/* Sends a file to its end, or to its end for now. */
static bool read_file(struct ingest *g, struct source_file *s)
{
	if (s->is_done || inputs_is_blocked(&g->inputs, s))
		return true;
	open_file(g, s);
	do {
		if (drain(g, s) == STOPPED)
			return false;
		if (g->rules->inputs.way == INPUTS_COMPLETE || inputs_is_past(&g->inputs, s))
			return finish_tail(g, s);
	} while (source_file_is_ready(s) && !s->is_packed);
	source_file_close(s);
	return true;
}

static void read_all(struct ingest *g)
{
	for (size_t i = 0; i < g->inputs.count; i++)
		if (!read_file(g, g->inputs.files[i]))
			return;
}

/* Following */

static void watch_dir(void *context, const char *dir)
{
	watch_add(context, dir);
}

static void look(struct ingest *g)
{
	watch_clear(&g->watch);
	inputs_look(&g->inputs);
	inputs_each_dir(&g->inputs, watch_dir, &g->watch);
	g->looked_ns = loop_now_ns();
}

static void begin_to_follow(struct ingest *g)
{
	struct rlimit files;

	/* each followed file is open, so that it can be read to its end when its name is gone */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	watch_init(&g->watch);
	if (g->watch.fd >= 0)
		waits_add(&g->waits, g->watch.fd);
}

/* Nothing of what is followed can ever come: all were pipes, and their writers are gone. */
static bool nothing_to_follow(const struct ingest *g)
{
	for (size_t i = 0; i < g->inputs.count; i++)
		if (!g->inputs.files[i]->is_done)
			return false;
	return !inputs_has_names(&g->inputs);
}

/* A file's turn; false if it is to stop. */
static bool follow_file(struct ingest *g, struct source_file *s, bool *progress)
{
	enum drained drained;

	if (s->is_done || inputs_is_blocked(&g->inputs, s))
		return true;
	if (!s->is_open)
		open_file(g, s);
	if (source_file_is_ready(s) || feed_next(&s->feed)) {
		*progress = true;
		drained = drain(g, s);
		if (drained != DRY)
			return drained == TURN_OVER;
	}
	if (inputs_is_past(&g->inputs, s)) {
		*progress = true;
		return finish_tail(g, s);
	}
	if (!s->is_parked && *progress)
		source_file_park(s);
	return true;
}

static void follow_all(struct ingest *g)
{
	while (!pace_stopped(&g->pace) && !nothing_to_follow(g)) {
		bool progress = false;

		look(g);
		for (size_t i = 0; i < g->inputs.count; i++)
			if (!follow_file(g, g->inputs.files[i], &progress))
				return;
		if (!progress)
			pace_wait(&g->pace, g->waits.fd, loop_now_ns() + LOOK_MS * NS_PER_MS);
	}
}

/* Merging */

/* Where the item in hand stands in time; one without a time goes with the one before it. */
static int64_t order_of(struct ingest *g, struct source_file *s)
{
	struct paths *paths = &g->filter->paths;
	struct span root;
	const char *at;
	int64_t time_ns;
	size_t len, where;

	if (feed_bytes(&s->feed, &at, &len) && !scan(paths, at, len, &root, g->fields, &where) &&
		!time_read(&g->time->reader, &g->fields[g->time->field], &time_ns)) {
		s->order_ns = time_ns;
		s->has_order = true;
	}
	return s->has_order ? s->order_ns : INT64_MIN;
}

enum stood { HAS_NEXT, HAS_NONE, MUST_STOP };

/* Sees that the file's next item is in hand. */
static enum stood stand(struct ingest *g, struct source_file *s)
{
	while (!feed_next(&s->feed)) {
		outlet_flush_passed(&g->filter->outlet);
		pace_attend(&g->pace);
		if (pace_stopped(&g->pace) || (!follows(g) && !wait_for(g, s)))
			return MUST_STOP;
		if (follows(g) && !source_file_is_ready(s))
			return HAS_NONE;
		if (source_file_fill(s))
			continue;
		return ends_lines(g, s) && feed_tail(&s->feed) ? HAS_NEXT : HAS_NONE;
	}
	return HAS_NEXT;
}

static void share_read_ahead(struct ingest *g)
{
	uint64_t share = g->rules->read_ahead_bytes / (g->inputs.count ? g->inputs.count : 1);

	for (size_t i = 0; i < g->inputs.count; i++) {
		struct lines *l = &g->inputs.files[i]->feed.lines;

		if (share < l->read_bytes)
			l->read_bytes = share > READ_BYTES_MIN ? (size_t)share : READ_BYTES_MIN;
	}
}

/* Puts in each file that has a next item and is not in. */
static bool stand_all(struct ingest *g, bool *progress)
{
	for (size_t i = 0; i < g->inputs.count; i++) {
		struct source_file *s = g->inputs.files[i];

		if (s->is_done || s->is_standing || inputs_is_blocked(&g->inputs, s))
			continue;
		if (!s->is_open)
			open_file(g, s);
		switch (stand(g, s)) {
		case MUST_STOP:
			return false;
		case HAS_NEXT:
			s->is_standing = true;
			merge_put(&g->merge, (struct merge_next){order_of(g, s), s->sequence, s});
			*progress = true;
			break;
		case HAS_NONE:
			if (g->rules->inputs.way != INPUTS_COMPLETE &&
				!inputs_is_past(&g->inputs, s))
				break;
			*progress = true;
			if (!finish_tail(g, s))
				return false;
		}
	}
	return true;
}

/* Gives the first in time, and looks for the next of the same file. */
static bool give_first(struct ingest *g)
{
	struct merge_next first = merge_take(&g->merge);
	struct source_file *s = first.what;

	if (!give(g, s))
		return false;
	if (feed_next(&s->feed))
		merge_put(&g->merge, (struct merge_next){order_of(g, s), s->sequence, s});
	else
		s->is_standing = false;
	return true;
}

/* All that stand, until one of them has nothing in hand. */
static bool give_standing(struct ingest *g)
{
	size_t standing = g->merge.count;
	int64_t look_ns = g->looked_ns + MERGE_LOOK_MS * NS_PER_MS;

	while (g->merge.count && g->merge.count == standing) {
		if (!give_first(g))
			return false;
		if (follows(g) && g->pace.given % 1024 == 0 && loop_now_ns() > look_ns)
			break;
	}
	return true;
}

static void merge_all(struct ingest *g)
{
	g->fields = mem_zero(g->filter->paths.count, sizeof(*g->fields));
	for (;;) {
		bool progress = false;

		if (pace_stopped(&g->pace) || (follows(g) && nothing_to_follow(g)))
			return;
		if (follows(g) && (!g->merge.count ||
					  loop_now_ns() > g->looked_ns + MERGE_LOOK_MS * NS_PER_MS))
			look(g);
		share_read_ahead(g);
		if (!stand_all(g, &progress) || (g->merge.count && !give_standing(g)))
			return;
		if (progress || g->merge.count)
			continue;
		if (!follows(g))
			return;
		pace_wait(&g->pace, g->waits.fd, loop_now_ns() + LOOK_MS * NS_PER_MS);
	}
}

static void say_end(struct ingest *g)
{
	g->is_complete = !g->pace.is_stopped && g->rules->inputs.way == INPUTS_COMPLETE;
	if (!g->pace.is_checkpointed)
		return;
	if (g->pace.is_stopped)
		filter_pause(g->filter, "signal");
	else if (!g->is_complete)
		filter_pause(g->filter, "once");
}

void ingest_run(struct ingest *g)
{
	pace_begin(&g->pace, g->filter, &g->rules->pace);
	if (follows(g))
		begin_to_follow(g);
	if (g->inputs.was_complete)
		; /* the sink has what there is */
	else if (g->rules->merges)
		merge_all(g);
	else if (follows(g))
		follow_all(g);
	else
		read_all(g);
	say_end(g);
}
