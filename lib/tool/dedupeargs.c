#include "tool/dedupeargs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"

static const char *read_lateness(const char *text, void *to)
{
	struct dedupeargs *a = to;

	a->has_lateness = true;
	return opt_duration(text, &a->lateness_ns);
}

static const char *read_state(const char *text, void *to)
{
	*(bool *)to = strcmp(text, "rocksdb") == 0;
	return *(bool *)to || strcmp(text, "memory") == 0 ? NULL : "not memory or rocksdb";
}

/* The C locale is relied upon. */
static const char *read_doubt(const char *text, void *to)
{
	struct dedupeargs *a = to;
	char *end;

	a->doubt = text;
	a->keys.doubt = strtod(text, &end);
	if (*end == '%') {
		a->keys.doubt /= 100;
		end++;
	}
	if (strspn(text, "0123456789.e-%") != strlen(text) || end == text || *end)
		return "not a rate, as in 0.1% or 0.001";
	if (!(a->keys.doubt >= 1e-12 && a->keys.doubt <= 0.5))
		return "must be above 0 and at most 50%";
	return NULL;
}

bool dedupeargs_by_event(const struct dedupeargs *a)
{
	return a->keys.ttl_ns != SEEN_FOREVER && a->time->name;
}

bool dedupeargs_by_arrival(const struct dedupeargs *a)
{
	return a->keys.ttl_ns != SEEN_FOREVER && !a->time->name;
}

static void check_keys(const struct dedupeargs *a)
{
	if (a->is_whole && a->key.count)
		die(EX_USAGE, "--key and --whole exclude each other: a record is the same by some "
			      "fields or by all of it");
	if (!a->is_whole && !a->key.count)
		die(EX_USAGE, "--key FIELD or --whole must be given");
	if (!a->doubt)
		return;
	if (a->newest)
		die(EX_USAGE, "--approximate and --newest exclude each other: a filter holds no "
			      "versions");
	if (a->keys.exact)
		die(EX_USAGE, "--approximate and --exact-keys exclude each other: a filter holds "
			      "no keys");
	if (a->keys.on_disk)
		die(EX_USAGE, "--approximate and --state rocksdb exclude each other: a filter is "
			      "for memory that is bounded, the disk for exact answers");
}

static void check_time(const struct dedupeargs *a)
{
	const char *asked = a->has_lateness ? "lateness" : a->late ? "late" : NULL;

	if (!a->keys.ttl_ns)
		die(EX_USAGE, "--ttl must be above 0");
	if (a->time->name && a->keys.ttl_ns == SEEN_FOREVER)
		die(EX_USAGE, "--time wants --ttl: keys that are kept for ever have no time");
	if (asked && !dedupeargs_by_event(a))
		die(EX_USAGE, "--%s wants --ttl and --time: a record is late by its event time",
			asked);
	if (a->lateness_ns >= a->keys.ttl_ns)
		die(EX_USAGE, "--lateness must be shorter than --ttl: the key of a record that is "
			      "--ttl behind the watermark is forgotten at once");
}

static void check_files(const struct dedupeargs *a)
{
	if (a->late && a->duplicates && strcmp(a->late, a->duplicates) == 0)
		die(EX_USAGE, "--late and --duplicates must be two files");
}

static const struct opt *key_options(struct dedupeargs *a)
{
	const struct opt list[] = {
		{.letter = 'k',
			.name = "key",
			.arg = "FIELD[,FIELD...]",
			.help = "what makes two records the same",
			.read = fields_key,
			.to = &a->key},
		{.name = "whole", .help = "all of the record does", .to = &a->is_whole},
		{.name = "canonical",
			.help = "compare values, not how they are written",
			.to = &a->is_canonical},
		{.name = "newest",
			.arg = "FIELD",
			.help = "pass only what has a greater version there",
			.read = opt_text,
			.to = &a->newest},
		{.name = NULL},
	};

	_Static_assert(sizeof(list) == sizeof(a->key_options), "room for them");
	memcpy(a->key_options, list, sizeof(list));
	return a->key_options;
}

static const struct opt *state_options(struct dedupeargs *a)
{
	const struct opt list[] = {
		{.name = "state",
			.arg = "memory|rocksdb",
			.help = "where the keys are held (memory)",
			.read = read_state,
			.to = &a->keys.on_disk},
		{.name = "memory",
			.arg = "SIZE",
			.help = "the most that they may take of it (1GiB)",
			.read = opt_size,
			.to = &a->keys.memory_bytes},
		{.name = "exact-keys",
			.help = "hold the keys' own bytes, not fingerprints",
			.to = &a->keys.exact},
		{.name = "approximate",
			.arg = "RATE",
			.help = "hold a filter that errs so often, as 0.1%",
			.read = read_doubt,
			.to = a},
		{.name = NULL},
	};

	_Static_assert(sizeof(list) == sizeof(a->state_options), "room for them");
	memcpy(a->state_options, list, sizeof(list));
	return a->state_options;
}

void dedupeargs_parse(struct dedupeargs *a, int argc, char **argv)
{
	const struct opt own[] = {
		{.group = key_options(a)},
		{.name = "ttl",
			.arg = "D",
			.help = "forget a key when time is D past it",
			.read = opt_duration,
			.to = &a->keys.ttl_ns},
		{.group = time_field_options(a->time)},
		{.name = "lateness",
			.arg = "D",
			.help = "take records up to D behind the watermark",
			.read = read_lateness,
			.to = a},
		{.name = "late",
			.arg = "FILE|drop",
			.help = "append to FILE what is later, or drop it",
			.read = opt_text,
			.to = &a->late},
		{.name = "duplicates",
			.arg = "FILE",
			.help = "append to FILE what does not pass",
			.read = opt_text,
			.to = &a->duplicates},
		{.name = "report",
			.help = "tell the most duplicated keys at the end",
			.to = &a->wants_report},
		{.group = state_options(a)},
		{.name = NULL},
	};
	const struct opt_command command = {
		.purpose = "passes each key once, or only newer versions",
		.operands = "",
		.own = own,
		.common = filter_options(a->filter),
	};

	if (opt_parse(&command, argc, argv))
		die(EX_USAGE, "unexpected operand '%s': it reads the standard input", argv[0]);
	a->keys.has_versions = a->newest != NULL;
	check_keys(a);
	check_time(a);
	check_files(a);
}

static void shape_flag(const struct dedupeargs *a, const char *option, bool is_given)
{
	filter_shape(a->filter, option, is_given ? "given" : "");
}

/* A rate is the same however it was written. */
static void shape_doubt(const struct dedupeargs *a)
{
	char text[32];

	snprintf(text, sizeof(text), "%.12g", a->keys.doubt);
	filter_shape(a->filter, "approximate", a->doubt ? text : "");
}

void dedupeargs_shape(const struct dedupeargs *a)
{
	fields_shape(&a->key, a->filter, "key");
	shape_flag(a, "whole", a->is_whole);
	shape_flag(a, "canonical", a->is_canonical);
	shape_flag(a, "exact-keys", a->keys.exact);
	filter_shape(a->filter, "newest", a->newest);
	shape_doubt(a);
	filter_shape(a->filter, "state", a->keys.on_disk ? "rocksdb" : "memory");
	time_field_shape(a->time, a->filter);
	shape_flag(a, "ttl", a->keys.ttl_ns != SEEN_FOREVER);
}
