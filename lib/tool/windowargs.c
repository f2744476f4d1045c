#include "tool/windowargs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/units.h"

static const char *const calendar_units[] = {"day", "week", "month", "quarter", "year", NULL};
static const char *const week_days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};

static const char *set_kind(struct windowargs *a, enum windowargs_kind kind)
{
	a->kind_twice |= a->kind != WINDOWARGS_NONE;
	a->kind = kind;
	return NULL;
}

static const char *read_tumbling(const char *text, void *to)
{
	struct windowing *k = &((struct windowargs *)to)->windower->shape.windowing;
	const char *why = units_duration(text, &k->size_ns);

	k->slide_ns = k->size_ns;
	if (!why && !k->size_ns)
		why = "must be above 0";
	return why ? why : set_kind(to, WINDOWARGS_HOPPING);
}

static const char *read_hopping(const char *text, void *to)
{
	struct windowing *k = &((struct windowargs *)to)->windower->shape.windowing;
	const char *slash = strchr(text, '/'), *why;
	char size[32];

	if (!slash || (size_t)(slash - text) >= sizeof(size))
		return "not SIZE/SLIDE, as in 1h/5m";
	memcpy(size, text, (size_t)(slash - text));
	size[slash - text] = '\0';
	why = units_duration(size, &k->size_ns);
	if (!why)
		why = units_duration(slash + 1, &k->slide_ns);
	if (!why && (!k->size_ns || !k->slide_ns))
		why = "must be above 0";
	return why ? why : set_kind(to, WINDOWARGS_HOPPING);
}

static const char *read_session(const char *text, void *to)
{
	struct windower *k = ((struct windowargs *)to)->windower;
	const char *why = units_duration(text, &k->shape.gap_ns);

	if (!why && !k->shape.gap_ns)
		why = "must be above 0";
	return why ? why : set_kind(to, WINDOWARGS_SESSION);
}

static const char *read_count(const char *text, void *to)
{
	struct windower *k = ((struct windowargs *)to)->windower;
	char *end;

	k->shape.count = k->shape.slide = strtoull(text, &end, 10);
	if (*end == '/')
		k->shape.slide = strtoull(end + 1, &end, 10);
	if (strspn(text, "0123456789/") != strlen(text) || *end || !k->shape.count ||
		!k->shape.slide || k->shape.count > 1000000 || k->shape.slide > 1000000000)
		return "not N or N/SLIDE, numbers above 0, N at most 1000000";
	return set_kind(to, WINDOWARGS_COUNT);
}

/* Which of the words text is, from 0. */
static bool find_word(const char *text, const char *const *words, int *which)
{
	for (*which = 0; words[*which]; ++*which)
		if (strcmp(words[*which], text) == 0)
			return true;
	return false;
}

static const char *read_calendar(const char *text, void *to)
{
	struct windowing *k = &((struct windowargs *)to)->windower->shape.windowing;
	int unit;

	if (!find_word(text, calendar_units, &unit))
		return "not day, week, month, quarter or year";
	k->unit = (enum calendar_unit)unit;
	return set_kind(to, WINDOWARGS_CALENDAR);
}

static const char *read_week_start(const char *text, void *to)
{
	int day;

	if (!find_word(text, week_days, &day))
		return "not mon, tue, wed, thu, fri, sat or sun";
	*(int *)to = day + 1;
	return NULL;
}

static const char *read_numbers(const char *text, void *to)
{
	*(bool *)to = strcmp(text, "lenient") == 0;
	return *(bool *)to || strcmp(text, "strict") == 0 ? NULL : "not strict or lenient";
}

static const char *read_state(const char *text, void *to)
{
	*(bool *)to = strcmp(text, "rocksdb") == 0;
	return *(bool *)to || strcmp(text, "memory") == 0 ? NULL : "not memory or rocksdb";
}

static void check_kind(struct windowargs *a)
{
	const struct windower *k = a->windower;

	if (a->wants_all)
		set_kind(a, WINDOWARGS_ALL);
	if (a->kind == WINDOWARGS_NONE)
		die(EX_USAGE, "a kind of window must be given: --tumbling, --hopping, --session, "
			      "--count, "
			      "--calendar or --all");
	if (a->kind_twice)
		die(EX_USAGE, "more than one kind of window is given");
	if (a->kind == WINDOWARGS_CALENDAR && !a->time->zone)
		die(EX_USAGE, "--calendar wants --tz ZONE: its days are those of a time zone");
	if (a->windower->shape.windowing.offset_ns && a->kind != WINDOWARGS_HOPPING)
		die(EX_USAGE, "--offset is for tumbling and hopping windows");
	if (a->kind == WINDOWARGS_HOPPING &&
		(a->windower->shape.windowing.offset_ns <= -k->shape.windowing.slide_ns ||
			a->windower->shape.windowing.offset_ns >= k->shape.windowing.slide_ns))
		die(EX_USAGE, "--offset must be shorter than the slide of the windows");
	if (k->shape.windowing.week_start &&
		(a->kind != WINDOWARGS_CALENDAR || k->shape.windowing.unit != CALENDAR_WEEK))
		die(EX_USAGE, "--week-start is for --calendar week");
	if (k->shape.gives_partial && a->kind != WINDOWARGS_COUNT)
		die(EX_USAGE, "--partial is for --count");
}

bool windowargs_end_with_time(const struct windowargs *a)
{
	return a->kind != WINDOWARGS_COUNT && a->kind != WINDOWARGS_ALL;
}

static void check_rest(const struct windowargs *a)
{
	bool is_aligned = a->kind == WINDOWARGS_HOPPING || a->kind == WINDOWARGS_CALENDAR;

	if (!a->time->name && windowargs_end_with_time(a))
		die(EX_USAGE, "--time FIELD must be given");
	if (!a->aggregates)
		die(EX_USAGE, "--agg LIST must be given, as in --agg 'count, sum(amount)'");
	if (!windowargs_end_with_time(a) &&
		(a->windower->lateness_ns || a->late || a->gives_watermarks))
		die(EX_USAGE,
			"--lateness, --late and --watermarks are for windows that end with time");
	if (a->kind == WINDOWARGS_COUNT && (a->results->emit != RESULTS_FINAL || a->early_ns))
		die(EX_USAGE,
			"--emit and --early are not for --count: it gives a result only once");
	if (a->early_ns && a->results->emit == RESULTS_FINAL)
		die(EX_USAGE, "--early wants --emit updates or retractions");
	if (a->results->top && !is_aligned && a->kind != WINDOWARGS_ALL)
		die(EX_USAGE, "--top is not for --session and --count: it compares the keys of one "
			      "window");
	if (a->windower->shape.fills && !is_aligned)
		die(EX_USAGE, "--fill is for tumbling, hopping and calendar windows");
	if (!a->windower->shape.fills && a->windower->shape.fill_for_ns != INT64_MAX)
		die(EX_USAGE, "--fill-for wants --fill");
}

/* What the shape of windows is described by. */
static const struct opt *kind_options(struct windowargs *a)
{
	const struct opt list[] = {
		{.name = "tumbling",
			.arg = "D",
			.help = "windows of length D, one after the other",
			.read = read_tumbling,
			.to = a},
		{.name = "hopping",
			.arg = "SIZE/SLIDE",
			.help = "of length SIZE, one each SLIDE",
			.read = read_hopping,
			.to = a},
		{.name = "session",
			.arg = "GAP",
			.help = "until a key is silent for GAP",
			.read = read_session,
			.to = a},
		{.name = "count",
			.arg = "N[/SLIDE]",
			.help = "of N records, one each SLIDE; see --partial",
			.read = read_count,
			.to = a},
		{.name = "partial", .help = NULL, .to = &a->windower->shape.gives_partial},
		{.name = "calendar",
			.arg = "UNIT",
			.help = "day, week, month, quarter, year in --tz",
			.read = read_calendar,
			.to = a},
		{.name = "week-start",
			.arg = "DAY",
			.help = NULL,
			.read = read_week_start,
			.to = &a->windower->shape.windowing.week_start},
		{.name = "all", .help = "one window of all", .to = &a->wants_all},
		{.name = "offset",
			.arg = "D",
			.help = NULL,
			.read = opt_signed_duration,
			.to = &a->windower->shape.windowing.offset_ns},
		{.name = NULL},
	};

	_Static_assert(sizeof(list) == sizeof(a->kind_options), "room for the kinds");
	memcpy(a->kind_options, list, sizeof(list));
	return a->kind_options;
}

/* What is done with results before they go out. */
static const struct opt *result_options(struct windowargs *a)
{
	const struct opt list[] = {
		{.name = "let",
			.arg = "NAME=EXPR",
			.help = "add a field that is worked out from the result",
			.read = results_read_let,
			.to = a->results},
		{.name = "having", .arg = "EXPR", .read = results_read_having, .to = a->results},
		{.name = "top", .arg = "N:FIELD", .read = results_read_top, .to = a->results},
		{.name = "fill", .to = &a->windower->shape.fills},
		{.name = "fill-for",
			.arg = "D",
			.read = opt_duration,
			.to = &a->windower->shape.fill_for_ns},
		{.name = NULL},
	};

	_Static_assert(sizeof(list) == sizeof(a->result_options), "room for them");
	memcpy(a->result_options, list, sizeof(list));
	return a->result_options;
}

void windowargs_parse(struct windowargs *a, int argc, char **argv)
{
	const struct opt own[] = {
		{.group = kind_options(a)},
		{.group = time_field_options(a->time)},
		{.letter = 'k',
			.name = "key",
			.arg = "FIELD[,FIELD...]",
			.help = "a result for each value of these",
			.read = fields_key,
			.to = &a->key},
		{.letter = 'a',
			.name = "agg",
			.arg = "LIST",
			.help = "count, sum(F), p=quantile(F, 0.99), top(F, N) ...",
			.read = opt_text,
			.to = &a->aggregates},
		{.name = "numbers",
			.arg = "strict|lenient",
			.read = read_numbers,
			.to = &a->is_lenient},
		{.name = "emit-sketch", .to = &a->gives_sketches},
		{.group = result_options(a)},
		{.name = "lateness",
			.arg = "D",
			.help = "take records up to D after their window is complete",
			.read = opt_duration,
			.to = &a->windower->lateness_ns},
		{.name = "late",
			.arg = "FILE|drop",
			.help = "append to FILE what is too late, or drop it",
			.read = opt_text,
			.to = &a->late},
		{.name = "emit",
			.arg = "final|updates|retractions",
			.read = results_read_emit,
			.to = a->results},
		{.name = "early", .arg = "D", .read = opt_duration, .to = &a->early_ns},
		{.name = "watermarks", .to = &a->gives_watermarks},
		{.name = "memory",
			.arg = "SIZE",
			.read = opt_size,
			.to = &a->windower->memory_bytes},
		{.name = "state",
			.arg = "memory|rocksdb",
			.read = read_state,
			.to = &a->windower->is_on_disk},
		{.name = "max-keys", .arg = "N", .read = opt_count, .to = &a->windower->max_keys},
		{.name = NULL},
	};
	const struct opt_command command = {
		.purpose = "keyed event-time windows, aggregates, late data, corrections",
		.operands = "",
		.own = own,
		.common = filter_options(a->filter),
	};

	if (opt_parse(&command, argc, argv))
		die(EX_USAGE, "unexpected operand '%s': it reads the standard input", argv[0]);
	check_kind(a);
	check_rest(a);
}

static void shape_duration(const struct windowargs *a, const char *option, int64_t ns)
{
	char text[UNITS_DURATION_TEXT_MAX];

	units_duration_text(ns, text);
	filter_shape(a->filter, option, text);
}

static void shape_pair(
	const struct windowargs *a, const char *option, const char *first, const char *second)
{
	struct buf text;

	buf_init(&text);
	buf_format(&text, "%s/%s", first, second);
	filter_shape(a->filter, option, buf_string(&text));
	buf_release(&text);
}

static void shape_hopping(const struct windowargs *a)
{
	const struct windowing *k = &a->windower->shape.windowing;
	char size[UNITS_DURATION_TEXT_MAX], slide[UNITS_DURATION_TEXT_MAX];
	int64_t offset_ns = k->offset_ns < 0 ? k->offset_ns + k->slide_ns : k->offset_ns;

	units_duration_text(k->size_ns, size);
	units_duration_text(k->slide_ns, slide);
	if (k->size_ns == k->slide_ns)
		filter_shape(a->filter, "tumbling", size);
	else
		shape_pair(a, "hopping", size, slide);
	if (offset_ns)
		shape_duration(a, "offset", offset_ns);
}

static void shape_calendar(const struct windowargs *a)
{
	const struct windowing *k = &a->windower->shape.windowing;

	filter_shape(a->filter, "calendar", calendar_units[k->unit]);
	filter_shape(a->filter, "tz", a->time->zone);
	if (k->unit == CALENDAR_WEEK)
		filter_shape(a->filter, "week-start", week_days[k->week_start - 1]);
}

static void shape_count(const struct windowargs *a)
{
	char count[24], slide[24];

	snprintf(count, sizeof(count), "%llu", (unsigned long long)a->windower->shape.count);
	snprintf(slide, sizeof(slide), "%llu", (unsigned long long)a->windower->shape.slide);
	shape_pair(a, "count", count, slide);
}

void windowargs_shape(const struct windowargs *a)
{
	switch (a->kind) {
	case WINDOWARGS_HOPPING:
		shape_hopping(a);
		break;
	case WINDOWARGS_SESSION:
		shape_duration(a, "session", a->windower->shape.gap_ns);
		break;
	case WINDOWARGS_COUNT:
		shape_count(a);
		break;
	case WINDOWARGS_CALENDAR:
		shape_calendar(a);
		break;
	case WINDOWARGS_ALL:
	case WINDOWARGS_NONE:
		filter_shape(a->filter, "all", "given");
		break;
	}
	filter_shape(a->filter, "state", a->windower->is_on_disk ? "rocksdb" : "memory");
	filter_shape(a->filter, "agg", a->aggregates);
	fields_shape(&a->key, a->filter, "key");
	time_field_shape(a->time, a->filter);
	filter_shape(a->filter, "emit",
		a->results->emit == RESULTS_FINAL ? "final" : "updates or retractions");
}
