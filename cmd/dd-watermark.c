/*
 * dd-watermark: tells the rest how far event time has come
 *
 * A watermark W says that records with a time of W or later may still come, none before it. W is
 * the largest time that is believed, less --bound; it is written directly behind the record that
 * made it advance by --step, and never falls. All of it is a function of the input alone.
 */
#include <string.h>

#include "base/die.h"
#include "base/units.h"
#include "flow/watermark.h"
#include "tool/fields.h"
#include "tool/filter.h"

static struct {
	int64_t bound_ns;
	int64_t step_ns;
	int64_t max_jump_ns;
} conf = {
	.bound_ns = -1,
	.step_ns = 1000000000,
	.max_jump_ns = (int64_t)3600 * 1000000000,
};

struct clock {
	struct filter filter;
	struct time_field time;
	struct watermark watermark;
};

static struct verdict clock_record(void *state, const struct record *r)
{
	struct clock *c = state;
	int64_t time_ns, now_ns;
	const char *why = time_field_read(&c->time, &c->filter, r, &time_ns);

	if (why)
		return (struct verdict){BAD, why};
	if (watermark_advance(&c->watermark, time_ns, &now_ns))
		filter_send_watermark(&c->filter, now_ns);
	return verdict(PASSED);
}

static const struct handlers handlers = {
	.record = clock_record,
	.consumes_watermarks = true, /* what a stage before this one said is replaced */
};

static const char *read_max_jump(const char *text, void *to)
{
	if (strcmp(text, "off") == 0) {
		*(int64_t *)to = WATERMARK_ANY_JUMP;
		return NULL;
	}
	return units_duration(text, to);
}

static void parse(struct clock *c, int argc, char **argv)
{
	const struct opt own[] = {
		{.group = time_field_options(&c->time)},
		{.name = "bound",
			.arg = "D",
			.help = "how late a record may be and still be in time",
			.read = opt_duration,
			.to = &conf.bound_ns},
		{.name = "step",
			.arg = "D",
			.help = "how far time goes between two watermarks (1s)",
			.read = opt_duration,
			.to = &conf.step_ns},
		{.name = "max-jump",
			.arg = "D|off",
			.help = "believe a jump beyond this once confirmed (1h)",
			.read = read_max_jump,
			.to = &conf.max_jump_ns},
		{.name = NULL},
	};
	const struct opt_command command = {
		.purpose = "tells the rest how far event time has come",
		.operands = "",
		.own = own,
		.common = filter_options(&c->filter),
	};

	if (opt_parse(&command, argc, argv))
		die(EX_USAGE, "unexpected operand '%s': it reads the standard input", argv[0]);
	if (!c->time.name)
		die(EX_USAGE, "--time FIELD must be given");
	if (conf.bound_ns < 0)
		die(EX_USAGE,
			"--bound D must be given: how late may a record be and still be in time");
}

int main(int argc, char **argv)
{
	struct clock c;
	int status;

	filter_init(&c.filter, FILTER_STAGE, "watermark", &handlers, &c);
	time_field_init(&c.time);
	parse(&c, argc, argv);
	time_field_ask(&c.time, &c.filter);
	watermark_init(&c.watermark, conf.bound_ns, conf.step_ns, conf.max_jump_ns);
	status = filter_run(&c.filter, NULL, 0);
	time_field_release(&c.time);
	filter_release(&c.filter);
	return status;
}
