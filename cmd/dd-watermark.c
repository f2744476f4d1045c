/*
 * dd-watermark: tells the rest how far event time has come
 *
 * A watermark W says that records with a time of W or later may still come, none before it. W is
 * the largest time that is believed, less --bound, with --partition the least of that over the
 * partitions that are not idle; it is written directly behind the record that made it advance by
 * --step, and never falls. All of it is a function of the input alone, but for --idle.
 */
#include <string.h>

#include "base/die.h"
#include "base/instant.h"
#include "base/units.h"
#include "flow/lateness.h"
#include "flow/watermark.h"
#include "io/loop.h"
#include "state/member.h"
#include "tool/fields.h"
#include "tool/filter.h"

enum { NAME_BYTES_MAX = 200, FRESH_RECORDS = 64 };

static struct {
	struct watermark_rules rules;
	struct key_fields partition;
	uint64_t partitions_max;
	bool learn;
	bool explain;
} conf = {
	.rules = {.bound_ns = -1, .step_ns = NS_PER_S, .max_jump_ns = (int64_t)3600 * NS_PER_S},
	.partitions_max = 100000,
};

struct clock {
	struct filter filter;
	struct time_field time;
	struct watermark watermark;
	struct partition *only; /* without --partition */
	struct buf key;
	struct lateness lateness; /* with --learn */
	int64_t now_ns;           /* clock_ns, for so many records more: reading it takes time */
	unsigned fresh_for;
};

/* The monotonic clock, but that it stands while a slow reader keeps this program from reading: no
 * partition is silent for that. */
static int64_t clock_ns(const struct clock *c)
{
	return loop_now_ns() - c->filter.outlet.out.writing_ns;
}

static int64_t clock_of_record(struct clock *c)
{
	if (!c->fresh_for) {
		c->now_ns = clock_ns(c);
		c->fresh_for = FRESH_RECORDS;
	}
	c->fresh_for--;
	return c->now_ns;
}

/* What --explain says */

/* Cut to what a reader wants of it. */
static const char *duration(int64_t ns, char text[UNITS_DURATION_TEXT_MAX])
{
	ns -= ns % (ns < (int64_t)10 * NS_PER_S ? NS_PER_MS : NS_PER_S);
	units_duration_text(ns, text);
	return text;
}

static void print_partition(struct buf *to, const struct partition *one)
{
	const char *part = one->key, *end = part + one->key_len;
	size_t from = to->len;

	for (bool first = true; part < end; first = false) {
		if (!first)
			buf_char(to, ',');
		key_part_print(to, &part, end);
	}
	if (to->len > from + NAME_BYTES_MAX) {
		to->len = from + NAME_BYTES_MAX;
		buf_text(to, "...");
	}
}

static void print_holder(struct buf *to, const struct clock *c, const struct partition *one)
{
	const struct partition *next = partitions_next(&c->watermark.partitions);
	char time[TIME_TEXT_MAX], text[UNITS_DURATION_TEXT_MAX];

	buf_text(to, "; partition ");
	print_partition(to, one);
	time_print(time, one->belief.max_ns);
	buf_format(to, " holds it back: its last time is %s", time);
	if (next) {
		duration(time_minus(next->belief.max_ns, one->belief.max_ns), text);
		buf_format(to, ", %s behind the next one, ", text);
		print_partition(to, next);
	}
	duration(clock_ns(c) - one->seen_ns, text);
	buf_format(to, "; last seen %s ago", text);
}

static void print_where(struct buf *to, const struct clock *c)
{
	const struct watermark *w = &c->watermark;
	const struct partition *lowest = partitions_lowest(&w->partitions);
	char time[TIME_TEXT_MAX], text[UNITS_DURATION_TEXT_MAX];

	if (!w->has_front) {
		buf_text(to, "there is no time yet: no record's time is confirmed by a later one");
		return;
	}
	time_print(time, watermark_now_ns(w));
	buf_format(
		to, "time stands at %s since %s", time, duration(clock_ns(c) - w->moved_ns, text));
	if (lowest && !c->only) {
		print_holder(to, c, lowest);
	} else if (lowest) {
		time_print(time, lowest->belief.max_ns);
		buf_format(to, "; the largest time is %s", time);
	} else {
		buf_format(to, "; all is silent%s",
			w->rules.follow_clock ? ", so time follows the clock" : "");
	}
}

static void clock_explain(void *state)
{
	const struct clock *c = state;
	const struct watermark *w = &c->watermark;
	struct buf line;

	buf_init(&line);
	print_where(&line, c);
	if (!c->only)
		buf_format(&line, "; partitions %zu, idle %zu", w->partitions.by_key.count,
			w->partitions.idle.count);
	buf_format(&line, "; times not believed at once %llu, confirmed later %llu",
		(unsigned long long)w->doubted, (unsigned long long)w->confirmed);
	warn("%s", buf_string(&line));
	buf_release(&line);
}

/* Records and silence */

static struct partition *partition_of(struct clock *c, const struct record *r)
{
	struct partition *one;

	if (c->only)
		return c->only;
	key_encode(&c->key, &conf.partition, r->fields);
	one = partitions_find(&c->watermark.partitions, c->key.data, c->key.len);
	if (!one)
		die(EX_TEMPFAIL,
			"%s: line %llu: more than %llu partitions, the limit of --max-partitions; "
			"is --partition the right field, or is --idle wanted?",
			r->source, (unsigned long long)r->line,
			(unsigned long long)conf.partitions_max);
	return one;
}

static struct verdict clock_record(void *state, const struct record *r)
{
	struct clock *c = state;
	struct partition *one;
	int64_t time_ns, now_ns;
	const char *why = time_field_read(&c->time, &c->filter, r, &time_ns);

	if (why)
		return (struct verdict){BAD, why};
	one = partition_of(c, r);
	if (conf.learn)
		lateness_add(&c->lateness, watermark_behind_ns(&c->watermark, one, time_ns));
	if (watermark_advance(&c->watermark, one, time_ns, clock_of_record(c), &now_ns) &&
		!conf.learn)
		filter_send_watermark(&c->filter, now_ns);
	/* a busy stream is to be interrupted, too */
	if (conf.rules.idle_ns && c->filter.idle_ns == LOOP_NEVER)
		c->filter.idle_ns = time_plus(loop_now_ns(), conf.rules.idle_ns);
	return verdict(conf.learn ? ABSORBED : PASSED);
}

static int64_t clock_idle(void *state, int64_t now_ns)
{
	struct clock *c = state;
	int64_t standing_ns = c->filter.outlet.out.writing_ns, due_ns, watermark_ns;

	c->fresh_for = 0;
	/* nothing may follow the last barrier */
	if (!conf.rules.idle_ns || c->filter.stream.state == STREAM_LAST)
		return LOOP_NEVER;
	if (watermark_silence(&c->watermark, now_ns - standing_ns, &watermark_ns))
		filter_send_watermark(&c->filter, watermark_ns);
	due_ns = watermark_due_ns(&c->watermark);
	return due_ns == WATERMARK_NEVER ? LOOP_NEVER : time_plus(due_ns, standing_ns);
}

/* What --learn says: its last line is the option to use. */
static void clock_end(void *state)
{
	struct clock *c = state;
	const struct watermark *w = &c->watermark;
	char text[UNITS_DURATION_TEXT_MAX];
	struct buf table;

	if (!conf.learn)
		return;
	if (!c->lateness.count)
		die(EX_DATAERR, "there is no record to learn from");
	lateness_sort(&c->lateness);
	buf_init(&table);
	buf_format(&table, "records %llu", (unsigned long long)c->lateness.count);
	if (!c->only)
		buf_format(&table, ", partitions %zu", w->partitions.by_key.count);
	buf_format(&table,
		"\ntimes not believed at once %llu: confirmed later %llu, never %llu\n\n",
		(unsigned long long)w->doubted, (unsigned long long)w->confirmed,
		(unsigned long long)(w->doubted - w->confirmed));
	lateness_print(&c->lateness, &table);
	units_duration_text(lateness_bound(&c->lateness, 0), text);
	buf_format(&table, "\n--bound %s\n", text);
	filter_emit(&c->filter, table.data, table.len - 1);
	buf_release(&table);
}

/* Checkpoints */

static void clock_snapshot(void *state, struct snapshot *to)
{
	const struct clock *c = state;
	struct buf packed;

	buf_init(&packed);
	watermark_pack(&c->watermark, clock_ns(c), &packed);
	member_put_bytes(to->state, "clocks", packed.data, packed.len);
	buf_release(&packed);
	time_field_snapshot(&c->time, to->state);
}

static void clock_restore(void *state, const struct snapshot *from)
{
	struct clock *c = state;
	struct buf packed;

	if (!from)
		return;
	buf_init(&packed);
	member_bytes(from->state, "clocks", &packed);
	if (!watermark_unpack(&c->watermark, clock_ns(c), packed.data, packed.len))
		member_die("clocks");
	buf_release(&packed);
	time_field_restore(&c->time, from->state);
}

static const struct handlers handlers = {
	.record = clock_record,
	.consumes_watermarks = true, /* what a stage before this one said is replaced */
	.idle = clock_idle,
	.figures = clock_explain,
	.end = clock_end,
	.snapshot = clock_snapshot,
	.restore = clock_restore,
};

static const char *read_max_jump(const char *text, void *to)
{
	if (strcmp(text, "off") == 0) {
		*(int64_t *)to = BELIEF_ANY_JUMP;
		return NULL;
	}
	return units_duration(text, to);
}

static const char *read_at_least_1ms(const char *text, void *to)
{
	const char *why = units_duration(text, to);

	return !why && *(int64_t *)to < NS_PER_MS ? "must be at least 1ms" : why;
}

static const char *read_partitions_max(const char *text, void *to)
{
	const char *why = units_count(text, to);

	return !why && *(uint64_t *)to == 0 ? "must be at least 1" : why;
}

static void check(const struct clock *c)
{
	const struct watermark_rules *rules = &conf.rules;

	if (!c->time.name)
		die(EX_USAGE, "--time FIELD must be given");
	if (conf.learn && (rules->bound_ns >= 0 || rules->idle_ns || rules->follow_clock))
		die(EX_USAGE, "--learn finds the bound in a whole sample: leave out --bound, "
			      "--idle and --idle-advance");
	if (conf.learn && c->filter.epochs.dir && *c->filter.epochs.dir)
		die(EX_USAGE, "--learn keeps nothing: leave out --checkpoint (--checkpoint '' "
			      "undoes DDPIPE_CHECKPOINT)");
	if (rules->bound_ns < 0 && !conf.learn)
		die(EX_USAGE, "--bound D must be given: how late may a record be and still be in "
			      "time; --learn finds it in a sample");
	if (rules->follow_clock && !rules->idle_ns)
		die(EX_USAGE, "--idle-advance wants --idle D: how long a silence is before time "
			      "follows the clock");
	if (rules->idle_ns && !rules->follow_clock && !conf.partition.count)
		die(EX_USAGE, "--idle wants --partition FIELD or --idle-advance: without them "
			      "there is nothing that silence could change");
}

static void parse(struct clock *c, int argc, char **argv)
{
	const struct opt own[] = {
		{.group = time_field_options(&c->time)},
		{.name = "bound",
			.arg = "D",
			.help = "how late a record may be and still be in time",
			.read = opt_duration,
			.to = &conf.rules.bound_ns},
		{.name = "step",
			.arg = "D",
			.help = "how far time goes between two watermarks (1s)",
			.read = opt_duration,
			.to = &conf.rules.step_ns},
		{.name = "max-jump",
			.arg = "D|off",
			.help = "believe a jump beyond this once confirmed (1h)",
			.read = read_max_jump,
			.to = &conf.rules.max_jump_ns},
		{.name = "partition",
			.arg = "FIELD[,FIELD...]",
			.help = "each value has a clock of its own",
			.read = fields_key,
			.to = &conf.partition},
		{.name = "max-partitions",
			.arg = "N",
			.help = "how many there may be (100000)",
			.read = read_partitions_max,
			.to = &conf.partitions_max},
		{.name = "idle",
			.arg = "D",
			.help = "a partition silent for so long holds nothing back",
			.read = read_at_least_1ms,
			.to = &conf.rules.idle_ns},
		{.name = "idle-advance",
			.help = "time follows the clock when all are silent",
			.to = &conf.rules.follow_clock},
		{.name = "learn",
			.help = "find the bound in a sample; passes no records",
			.to = &conf.learn},
		{.name = "explain",
			.help = "say at the end what holds time back",
			.to = &conf.explain},
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
	check(c);
}

static void clock_init(struct clock *c)
{
	conf.rules.partitions_max =
		conf.partitions_max > SIZE_MAX ? SIZE_MAX : (size_t)conf.partitions_max;
	watermark_init(&c->watermark, &conf.rules);
	buf_init(&c->key);
	if (!conf.partition.count)
		c->only = partitions_find(&c->watermark.partitions, "", 0);
	if (conf.learn) {
		lateness_init(&c->lateness);
		c->filter.role = FILTER_SINK;
	}
	c->filter.where_passes = !conf.learn;
}

static void clock_release(struct clock *c)
{
	if (conf.learn)
		lateness_release(&c->lateness);
	watermark_release(&c->watermark);
	buf_release(&c->key);
	time_field_release(&c->time);
	key_fields_release(&conf.partition);
	filter_release(&c->filter);
}

int main(int argc, char **argv)
{
	struct clock c = {.only = NULL};
	int status;

	filter_init(&c.filter, FILTER_STAGE, "watermark", &handlers, &c);
	time_field_init(&c.time);
	parse(&c, argc, argv);
	time_field_ask(&c.time, &c.filter);
	fields_ask(&conf.partition, &c.filter);
	clock_init(&c);
	time_field_shape(&c.time, &c.filter);
	fields_shape(&conf.partition, &c.filter, "partition");
	status = filter_run(&c.filter, NULL, 0);
	if (conf.explain)
		clock_explain(&c);
	clock_release(&c);
	return status;
}
