#include "tool/fields.h"

#include <string.h>

#include "base/die.h"
#include "state/member.h"

void time_field_init(struct time_field *t)
{
	*t = (struct time_field){.format = "auto"};
}

void time_field_release(struct time_field *t)
{
	if (t->name)
		time_format_release(&t->reader);
}

const struct opt *time_field_options(struct time_field *t)
{
	const struct opt rows[] = {
		{.letter = 't',
			.name = "time",
			.arg = "FIELD",
			.help = "where the event time stands",
			.read = opt_text,
			.to = &t->name},
		{.name = "time-format",
			.arg = "F",
			.help = "auto, rfc3339, s, ms, us, ns or a strptime pattern",
			.read = opt_text,
			.to = &t->format},
		{.name = "tz",
			.arg = "ZONE",
			.help = "zone of local times",
			.read = opt_text,
			.to = &t->zone},
		{.name = NULL},
	};

	_Static_assert(sizeof(rows) == sizeof(t->options), "room for the time options");
	memcpy(t->options, rows, sizeof(rows));
	return t->options;
}

void time_field_ask(struct time_field *t, struct filter *f)
{
	const char *why;

	if (!t->name && (t->zone || strcmp(t->format, "auto") != 0))
		die(EX_USAGE, "--time-format and --tz want --time FIELD");
	if (!t->name)
		return;
	t->field = filter_field(f, t->name);
	why = time_format_set(&t->reader, t->format, NULL);
	if (why)
		die(EX_USAGE, "--time-format '%s': %s", t->format, why);
	time_format_release(&t->reader);
	why = time_format_set(&t->reader, t->format, t->zone);
	if (why)
		die(EX_CONFIG, "--tz '%s': %s", t->zone, why);
}

static void tell_unit(struct time_field *t)
{
	const char *unit = time_unit_decided(&t->reader);

	if (t->unit_told || !unit)
		return;
	t->unit_told = true;
	warn("the numbers in '%s' are taken as %s since 1970; --time-format %s says so", t->name,
		unit, unit);
}

const char *time_field_read_any(
	struct time_field *t, struct filter *f, const struct record *r, int64_t *time_ns)
{
	const char *why = time_read(&t->reader, &r->fields[t->field], time_ns);

	if (why)
		filter_bad(f, why, "'%s': %s", t->name, t->reader.detail);
	else if (!t->unit_told && t->reader.unit != TIME_AUTO)
		tell_unit(t);
	return why;
}

void time_field_shape(const struct time_field *t, struct filter *f)
{
	filter_shape(f, "time", t->name ? t->name : "");
}

void time_field_snapshot(const struct time_field *t, json_t *state)
{
	const char *unit = t->name ? time_unit_decided(&t->reader) : NULL;

	if (unit)
		member_put_text(state, "time_unit", unit);
}

void time_field_restore(struct time_field *t, const json_t *state)
{
	const char *unit = member_text(state, "time_unit");

	if (!t->name || !unit)
		return;
	if (!time_unit_decide(&t->reader, unit))
		member_die("time_unit");
	t->unit_told = true;
}

const char *fields_key(const char *text, void *to)
{
	key_fields_release(to);
	return key_fields_read(to, text);
}

void fields_ask(struct key_fields *k, struct filter *f)
{
	for (size_t i = 0; i < k->count; i++)
		k->fields[i] = filter_field(f, k->names[i]);
}

void fields_shape(const struct key_fields *k, struct filter *f, const char *option)
{
	struct buf text;

	buf_init(&text);
	for (size_t i = 0; i < k->count; i++)
		buf_format(&text, "%s%s", i ? "," : "", k->names[i]);
	filter_shape(f, option, buf_string(&text));
	buf_release(&text);
}
