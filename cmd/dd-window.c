/*
 * dd-window: event-time windows of keyed aggregates
 *
 * A window [start, end) is complete when the watermark reaches its end, or when the input is
 * complete; then each of its keys gives one result, ordered by end, start and key. A record that
 * comes to a window that is complete is late and never lost: it is a dead letter, stands in --late
 * FILE, or stops the stage.
 */
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/units.h"
#include "flow/aggregate.h"
#include "flow/panes.h"
#include "flow/window.h"
#include "record/text.h"
#include "tool/fields.h"
#include "tool/filter.h"

static struct {
	int64_t size_ns;
	int64_t offset_ns;
	uint64_t memory_bytes;
	const char *late; /* a file, or "drop" */
	struct key_fields key;
	struct aggregates aggregates;
} conf = {
	.memory_bytes = (uint64_t)1 << 30,
};

struct windows {
	struct filter filter;
	struct time_field time;
	struct panes panes;
	int64_t watermark_ns;       /* INT64_MIN before the first */
	int fields[AGGREGATES_MAX]; /* of the aggregates, where they have one */
	struct decimal numbers[AGGREGATES_MAX];
	const struct decimal *values[AGGREGATES_MAX]; /* of the record in hand */
	struct buf key;
	struct buf result;
};

static struct verdict not_a_number(struct windows *w, size_t i, const char *why)
{
	const struct aggregate *a = &conf.aggregates.list[i];

	return filter_bad(&w->filter, "not_a_number", "'%s' of %s: %s", a->field, a->name, why);
}

/* All values are read before any is taken, so that a record counts wholly or not at all. */
static struct verdict read_values(struct windows *w, const struct record *r)
{
	for (size_t i = 0; i < conf.aggregates.count; i++) {
		const struct span *s = &r->fields[w->fields[i]];
		const char *why = NULL;

		w->values[i] = NULL;
		if (!conf.aggregates.list[i].field || s->type <= SPAN_NULL)
			continue;
		if (s->type != SPAN_NUMBER)
			why = "not a number";
		else
			why = decimal_parse(&w->numbers[i], s->at, s->len);
		if (why)
			return not_a_number(w, i, why);
		w->values[i] = &w->numbers[i];
	}
	return verdict(ABSORBED);
}

static struct verdict late(
	struct windows *w, const struct record *r, int64_t time_ns, const struct window *window)
{
	char behind[UNITS_DURATION_TEXT_MAX], past[UNITS_DURATION_TEXT_MAX], now[TIME_TEXT_MAX];

	if (conf.late) {
		if (w->filter.outlet.has_side)
			filter_side_add(&w->filter, r);
		return dropped("late");
	}
	units_duration_text(w->watermark_ns - time_ns, behind);
	units_duration_text(w->watermark_ns - window->end_ns, past);
	time_print(now, w->watermark_ns);
	if (!w->filter.rejects.dlq)
		return filter_bad(&w->filter, "late",
			"%s behind the watermark %s, %s after its window was complete; a "
			"larger --bound of "
			"dd-watermark waits for it, --late FILE|drop takes it out",
			behind, now, past);
	return filter_bad(&w->filter, "late",
		"%s behind the watermark %s, %s after its window was complete", behind, now, past);
}

static void check_memory(const struct windows *w)
{
	if (w->panes.bytes > conf.memory_bytes)
		die(EX_TEMPFAIL,
			"%zu open windows take more than --memory; a watermark closes them "
			"earlier, "
			"fewer "
			"keys or aggregates make them smaller",
			panes_count(&w->panes));
}

static struct verdict windows_record(void *state, const struct record *r)
{
	struct windows *w = state;
	struct window window;
	struct verdict v;
	int64_t time_ns;
	const char *why = time_field_read(&w->time, &w->filter, r, &time_ns);

	if (why)
		return (struct verdict){BAD, why};
	if (!window_tumbling(time_ns, conf.size_ns, conf.offset_ns, &window))
		return filter_bad(
			&w->filter, "bad_time", "its window does not fit 64-bit nanoseconds");
	if (window.end_ns <= w->watermark_ns)
		return late(w, r, time_ns, &window);
	v = read_values(w, r);
	if (v.outcome == BAD)
		return v;
	key_encode(&w->key, &conf.key, r->fields);
	aggregates_add(&conf.aggregates, panes_state(&w->panes, &window, w->key.data, w->key.len),
		w->values);
	check_memory(w);
	return v;
}

static void print_key(struct buf *to, const char *part, const char *end)
{
	for (size_t i = 0; i < conf.key.count; i++) {
		text_quote(to, conf.key.names[i], strlen(conf.key.names[i]));
		buf_char(to, ':');
		key_part_print(to, &part, end);
		buf_char(to, ',');
	}
}

static void emit(struct windows *w, const struct pane *pane, const struct table_entry *e)
{
	const char *key = table_key(&pane->keys, e);
	struct buf *to = &w->result;
	char start[TIME_TEXT_MAX], end[TIME_TEXT_MAX];

	buf_clear(to);
	buf_char(to, '{');
	print_key(to, key, key + e->key_len);
	time_print(start, pane->window.start_ns);
	time_print(end, pane->window.end_ns);
	buf_format(to, "\"window_start\":\"%s\",\"window_end\":\"%s\"", start, end);
	for (size_t i = 0; i < conf.aggregates.count; i++) {
		const char *why;

		buf_format(to, ",\"%s\":", conf.aggregates.list[i].name);
		why = aggregate_print(&conf.aggregates, i, e->value, to);
		if (why)
			die(EX_DATAERR, "%s of the window from %s: %s",
				conf.aggregates.list[i].name, start, why);
	}
	buf_char(to, '}');
	filter_emit(&w->filter, to->data, to->len);
}

static void fire(struct windows *w, int64_t until_ns)
{
	struct pane *pane;

	while ((pane = panes_take(&w->panes, until_ns))) {
		struct table_entry **sorted = table_sorted(&pane->keys);

		for (uint32_t i = 0; i < pane->keys.count; i++)
			emit(w, pane, sorted[i]);
		free(sorted);
		pane_free(pane);
	}
}

static void windows_begin(void *state)
{
	struct windows *w = state;

	if (conf.late && strcmp(conf.late, "drop") != 0)
		filter_side_open(&w->filter, conf.late);
}

static void windows_watermark(void *state, int64_t watermark_ns)
{
	struct windows *w = state;

	w->watermark_ns = watermark_ns;
	fire(w, watermark_ns);
}

static void windows_end(void *state)
{
	fire(state, INT64_MAX);
}

static uint64_t windows_unfinished(void *state, const char **what)
{
	struct windows *w = state;

	*what = "windows";
	return panes_count(&w->panes);
}

static const struct handlers handlers = {
	.begin = windows_begin,
	.record = windows_record,
	.watermark = windows_watermark,
	.consumes_watermarks = true,
	.end = windows_end,
	.unfinished = windows_unfinished,
};

static const char *read_aggregates(const char *text, void *to)
{
	aggregates_release(to);
	return aggregates_read(to, text);
}

static void check_name(const char *name, const char *others[], size_t *count)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(others[i], name) == 0)
			die(EX_USAGE, "two fields of the result are called '%s'", name);
	others[(*count)++] = name;
}

/* A result is an object: its names must differ. */
static void check_names(void)
{
	const char *names[KEY_PARTS_MAX + 2 + AGGREGATES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < conf.key.count; i++)
		check_name(conf.key.names[i], names, &count);
	check_name("window_start", names, &count);
	check_name("window_end", names, &count);
	for (size_t i = 0; i < conf.aggregates.count; i++)
		check_name(conf.aggregates.list[i].name, names, &count);
}

static void check(const struct windows *w)
{
	if (!w->time.name)
		die(EX_USAGE, "--time FIELD must be given");
	if (conf.size_ns <= 0)
		die(EX_USAGE, "--tumbling D must be given, a duration above 0");
	if (conf.offset_ns <= -conf.size_ns || conf.offset_ns >= conf.size_ns)
		die(EX_USAGE, "--offset must be shorter than the window");
	if (!conf.aggregates.count)
		die(EX_USAGE, "--agg LIST must be given, as in --agg 'count, sum(amount)'");
	check_names();
}

static void parse(struct windows *w, int argc, char **argv)
{
	const struct opt own[] = {
		{.group = time_field_options(&w->time)},
		{.letter = 'k',
			.name = "key",
			.arg = "FIELD[,FIELD...]",
			.help = "a result for each value of these",
			.read = fields_key,
			.to = &conf.key},
		{.name = "tumbling",
			.arg = "D",
			.help = "windows of this length, one after the other",
			.read = opt_duration,
			.to = &conf.size_ns},
		{.name = "offset",
			.arg = "D",
			.help = "begin them this much later than 1970-01-01",
			.read = opt_signed_duration,
			.to = &conf.offset_ns},
		{.letter = 'a',
			.name = "agg",
			.arg = "LIST",
			.help = "count, sum(F), avg(F), min(F), max(F), NAME=...",
			.read = read_aggregates,
			.to = &conf.aggregates},
		{.name = "late",
			.arg = "FILE|drop",
			.help = "append late records to FILE, or drop them",
			.read = opt_text,
			.to = &conf.late},
		{.name = "memory",
			.arg = "SIZE",
			.help = "the most that open windows may take (1GiB)",
			.read = opt_size,
			.to = &conf.memory_bytes},
		{.name = NULL},
	};
	const struct opt_command command = {
		.purpose = "event-time windows of keyed aggregates",
		.operands = "",
		.own = own,
		.common = filter_options(&w->filter),
	};

	if (opt_parse(&command, argc, argv))
		die(EX_USAGE, "unexpected operand '%s': it reads the standard input", argv[0]);
	check(w);
}

static void ask(struct windows *w)
{
	time_field_ask(&w->time, &w->filter);
	fields_ask(&conf.key, &w->filter);
	for (size_t i = 0; i < conf.aggregates.count; i++)
		if (conf.aggregates.list[i].field)
			w->fields[i] = filter_field(&w->filter, conf.aggregates.list[i].field);
}

int main(int argc, char **argv)
{
	struct windows w = {.watermark_ns = INT64_MIN};
	int status;

	filter_init(&w.filter, FILTER_STAGE, "window", &handlers, &w);
	time_field_init(&w.time);
	parse(&w, argc, argv);
	ask(&w);
	panes_init(&w.panes, conf.aggregates.state_bytes);
	buf_init(&w.key);
	buf_init(&w.result);
	status = filter_run(&w.filter, NULL, 0);
	panes_release(&w.panes);
	buf_release(&w.key);
	buf_release(&w.result);
	time_field_release(&w.time);
	key_fields_release(&conf.key);
	aggregates_release(&conf.aggregates);
	filter_release(&w.filter);
	return status;
}
