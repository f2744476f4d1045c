/*
 * dd-window: keyed event-time windows, aggregates, late data, corrections
 *
 * A window [start, end) is complete when the watermark reaches its end, or when the input is
 * complete; then each of its keys gives one result, ordered by end, start and key. A record that
 * comes later than --lateness after that is late and never lost: it is a dead letter, stands in
 * --late FILE, or stops the stage.
 */
#include <string.h>

#include "base/die.h"
#include "base/instant.h"
#include "base/units.h"
#include "io/loop.h"
#include "io/zoneinfo.h"
#include "state/member.h"
#include "state/sidefile.h"
#include "tool/aligned.h"
#include "tool/counted.h"
#include "tool/sessioned.h"
#include "tool/sliced.h"
#include "tool/windowargs.h"

static struct windowargs conf;

struct windows {
	struct filter filter;
	struct time_field time;
	struct aggregates aggregates;
	struct results results;
	struct windower windower;
	struct zone zone;
	struct side *late; /* where there is --late FILE */
	struct buf key;
	int64_t said_ns;  /* the last watermark that was sent on */
	int64_t early_ns; /* when to say what is early */
};

/* Records */

static struct verdict late(struct windows *w, const struct record *r, int64_t time_ns)
{
	char behind[UNITS_DURATION_TEXT_MAX], past[UNITS_DURATION_TEXT_MAX], now[TIME_TEXT_MAX];

	if (conf.late) {
		if (w->late)
			side_add(w->late, r->bytes, r->len);
		return dropped("late");
	}
	units_duration_text(time_minus(w->windower.watermark_ns, time_ns), behind);
	units_duration_text(time_minus(w->windower.watermark_ns, w->windower.complete_ns), past);
	time_print(now, w->windower.watermark_ns);
	return filter_bad(&w->filter, "late",
		"%s behind the watermark %s, %s after its window was complete%s", behind, now, past,
		w->filter.rejects.dlq
			? ""
			: "; a larger --bound of dd-watermark waits for it, --lateness "
			  "corrects the result, --late FILE|drop takes it out");
}

static struct verdict read_values(struct windows *w, const struct record *r)
{
	size_t which;
	const char *why = aggregates_read(&w->aggregates, r->fields, r->bytes, r->len, &which);

	if (!why)
		return verdict(ABSORBED);
	return filter_bad(&w->filter, why, "'%s' of %s", w->aggregates.list[which].argument,
		w->aggregates.list[which].name);
}

static void tell_inexact(struct windows *w)
{
	const char *name;

	while ((name = aggregates_inexact(&w->aggregates)))
		warn("'%s' has left the exact numbers (128 bits): it goes on as a double", name);
}

static struct verdict taken(struct windows *w, const struct record *r, int64_t time_ns)
{
	switch (w->windower.kind->take(&w->windower, &w->key, time_ns)) {
	case WINDOWER_TAKEN:
		break;
	case WINDOWER_LATE:
		return late(w, r, time_ns);
	case WINDOWER_NONE:
		return dropped("no_window");
	case WINDOWER_BEYOND:
		return filter_bad(
			&w->filter, "bad_time", "a window of it does not fit 64-bit nanoseconds");
	}
	windower_check_memory(&w->windower);
	store_run_ahead(&w->windower.store);
	if (w->aggregates.has_inexact)
		tell_inexact(w);
	return verdict(ABSORBED);
}

static struct verdict windows_record(void *state, const struct record *r)
{
	struct windows *w = state;
	struct verdict v;
	int64_t time_ns = 0;

	key_encode(&w->key, &conf.key, r->fields);
	windower_expect(&w->windower, &w->key);
	if (w->time.name) {
		const char *why = time_field_read(&w->time, &w->filter, r, &time_ns);

		if (why)
			return (struct verdict){BAD, why};
	}
	v = read_values(w, r);
	if (v.outcome == BAD)
		return v;
	return taken(w, r, time_ns);
}

/* Time */

static void windows_begin(void *state)
{
	struct windows *w = state;

	if (conf.late && strcmp(conf.late, "drop") != 0)
		w->late = filter_side_open(&w->filter, conf.late, SIDE_LATE);
	if (conf.early_ns)
		w->early_ns = time_plus(loop_now_ns(), conf.early_ns);
	if (!filter_checkpoint(&w->filter))
		windower_open(&w->windower, NULL, 0, NULL);
}

static void windows_watermark(void *state, int64_t watermark_ns)
{
	struct windows *w = state;
	int64_t earliest_ns;

	w->windower.watermark_ns = watermark_ns;
	w->windower.kind->advance(&w->windower);
	earliest_ns = w->windower.kind->earliest(&w->windower);
	if (conf.gives_watermarks && earliest_ns > w->said_ns) {
		w->said_ns = earliest_ns;
		filter_send_watermark(&w->filter, earliest_ns);
	}
}

static int64_t windows_idle(void *state, int64_t now_ns)
{
	struct windows *w = state;

	if (!conf.early_ns)
		return LOOP_NEVER;
	if (now_ns >= w->early_ns) {
		if (w->windower.is_open)
			w->windower.kind->say_early(&w->windower);
		w->early_ns = time_plus(now_ns, conf.early_ns);
	}
	return w->early_ns;
}

static void windows_end(void *state)
{
	struct windows *w = state;

	w->windower.watermark_ns = INT64_MAX;
	w->windower.kind->advance(&w->windower);
}

static uint64_t windows_unfinished(void *state, const char **what)
{
	struct windows *w = state;

	*what = "windows";
	return w->windower.watermark_ns == INT64_MAX ? 0 : w->windower.kind->count(&w->windower);
}

/* Checkpoints */

static void windows_snapshot(void *state, struct snapshot *to)
{
	struct windows *w = state;

	windower_snapshot(&w->windower, to);
	member_put(to->state, "said", w->said_ns);
	time_field_snapshot(&w->time, to->state);
}

static void windows_restore(void *state, const struct snapshot *from)
{
	struct windows *w = state;
	const struct checkpoint *c = filter_checkpoint(&w->filter);

	if (from) {
		w->said_ns = member_get(from->state, "said");
		time_field_restore(&w->time, from->state);
	}
	windower_open(&w->windower, c->stage_dir, c->run, from);
}

static const struct handlers handlers = {
	.begin = windows_begin,
	.record = windows_record,
	.watermark = windows_watermark,
	.consumes_watermarks = true,
	.idle = windows_idle,
	.end = windows_end,
	.unfinished = windows_unfinished,
	.snapshot = windows_snapshot,
	.restore = windows_restore,
};

/* Hopping windows that overlap and say each result once. */
static bool is_sliced(const struct windows *w)
{
	const struct windowing *k = &w->windower.shape.windowing;

	return conf.kind == WINDOWARGS_HOPPING && k->slide_ns < k->size_ns &&
	       w->results.emit == RESULTS_FINAL && !w->windower.shape.fills;
}

static void prepare_kind(struct windows *w)
{
	struct windower *k = &w->windower;
	const char *why = NULL;

	k->kind = conf.kind == WINDOWARGS_SESSION ? &session_windows
		  : conf.kind == WINDOWARGS_COUNT ? &count_windows
		  : is_sliced(w)                  ? &sliced_windows
						  : &aligned_windows;
	k->shape.windowing.kind = conf.kind == WINDOWARGS_CALENDAR ? WINDOWING_CALENDAR
				  : conf.kind == WINDOWARGS_ALL    ? WINDOWING_ALL
								   : WINDOWING_HOPPING;
	if (!k->shape.windowing.week_start)
		k->shape.windowing.week_start = 1;
	if (conf.kind != WINDOWARGS_CALENDAR)
		return;
	why = zoneinfo_load(&w->zone, w->time.zone);
	if (why)
		die(EX_CONFIG, "--tz '%s': %s", w->time.zone, why);
	k->shape.windowing.zone = &w->zone;
	w->results.plain.zone = &w->zone;
}

static void prepare(struct windows *w)
{
	static const char *const window_names[] = {"window_start", "window_end"};
	static const char *const range_names[] = {"window_first", "window_last"};
	size_t column = 0;
	const char *why;

	time_field_ask(&w->time, &w->filter);
	fields_ask(&conf.key, &w->filter);
	why = aggregates_compile(&w->aggregates, conf.aggregates, &w->filter.paths, &column);
	if (why)
		die(EX_USAGE, "--agg '%s': %s at column %zu", conf.aggregates, why, column);
	w->filter.wants_object = true;
	w->aggregates.is_lenient = conf.is_lenient;
	w->aggregates.gives_sketches = conf.gives_sketches;
	if (!windowargs_end_with_time(&conf) && w->time.name)
		aggregates_keep_range(&w->aggregates);
	prepare_kind(w);
	results_prepare(&w->results, windowargs_end_with_time(&conf) ? window_names : range_names,
		windowargs_end_with_time(&conf) || w->time.name ? 2 : 0);
	w->windower.kind->init(&w->windower);
	windowargs_shape(&conf);
}

static void release(struct windows *w)
{
	windower_release(&w->windower);
	results_release(&w->results);
	aggregates_release(&w->aggregates);
	time_field_release(&w->time);
	key_fields_release(&conf.key);
	if (conf.kind == WINDOWARGS_CALENDAR)
		zone_release(&w->zone);
	buf_release(&w->key);
	filter_release(&w->filter);
}

int main(int argc, char **argv)
{
	struct windows w = {.said_ns = INT64_MIN};
	int status;

	filter_init(&w.filter, FILTER_STAGE, "window", &handlers, &w);
	time_field_init(&w.time);
	results_init(&w.results);
	w.results.filter = &w.filter;
	w.results.plain.key = &conf.key;
	w.results.plain.aggregates = &w.aggregates;
	w.windower = (struct windower){
		.aggregates = &w.aggregates,
		.results = &w.results,
		.watermark_ns = INT64_MIN,
		.over_ns = INT64_MIN,
		.shape.fill_for_ns = INT64_MAX,
		.memory_bytes = (uint64_t)1 << 30,
	};
	buf_init(&w.key);
	conf.filter = &w.filter;
	conf.time = &w.time;
	conf.results = &w.results;
	conf.windower = &w.windower;
	windowargs_parse(&conf, argc, argv);
	prepare(&w);
	status = filter_run(&w.filter, NULL, 0);
	release(&w);
	return status;
}
