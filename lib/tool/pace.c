#include "tool/pace.h"

#include <string.h>

#include "base/instant.h"
#include "base/units.h"
#include "io/loop.h"

enum {
	EVERY_DEFAULT_S = 10,
	EVERY_DEFAULT_BYTES = 64 << 20,
	ATTEND_MS = 100, /* to signals and the clock, while busy */
};

/* Thirty years: a number of nanoseconds that can be added to a time. */
#define NEVER_NS 1e18

/* A time or a size, or both, each by an option of its own. */
static const char *read_every(const char *text, void *to)
{
	struct pace_rules *rules = to;
	uint64_t bytes;
	int64_t ns;

	if (!text[strspn(text, "0123456789")])
		return "wants a unit: a time such as 10s, or a size such as 64MiB";
	if (!units_duration(text, &ns)) {
		if (ns < NS_PER_MS)
			return "must be at least 1ms";
		rules->every_ns = ns;
		return NULL;
	}
	if (units_size(text, &bytes) || !bytes)
		return "neither a time such as 10s nor a size such as 64MiB";
	rules->every_bytes = bytes;
	return NULL;
}

static const char *read_rate(const char *text, void *to)
{
	return units_rate(text, to);
}

const struct opt *pace_options(struct pace_rules *rules)
{
	const struct opt rows[] = {
		{.name = "every",
			.arg = "D|SIZE",
			.help = "checkpoint: how long an epoch is (10s and 64MiB)",
			.read = read_every,
			.to = rules},
		{.name = "rate",
			.arg = "N/s",
			.help = "not faster than this",
			.read = read_rate,
			.to = &rules->rate_per_s},
		{.name = NULL},
	};

	_Static_assert(sizeof(rows) == sizeof(rules->options), "room for the options");
	memcpy(rules->options, rows, sizeof(rows));
	return rules->options;
}

void pace_begin(struct pace *p, struct filter *f, const struct pace_rules *rules)
{
	bool is_default = !rules->every_ns && !rules->every_bytes;

	*p = (struct pace){
		.filter = f,
		.rules = rules,
		.is_checkpointed = filter_checkpoint(f) != NULL,
		.start_ns = loop_now_ns(),
	};
	p->is_free = !p->is_checkpointed && rules->rate_per_s <= 0;
	p->attended_ns = p->start_ns;
	rhythm_begin(&p->rhythm, is_default ? (int64_t)EVERY_DEFAULT_S * NS_PER_S : rules->every_ns,
		is_default ? EVERY_DEFAULT_BYTES : rules->every_bytes, p->start_ns);
}

bool pace_stopped(struct pace *p)
{
	p->is_stopped = p->is_stopped || filter_stop_asked(p->filter);
	return p->is_stopped;
}

static void end_epoch(struct pace *p)
{
	filter_epoch(p->filter);
	rhythm_next(&p->rhythm, loop_now_ns());
}

static int64_t epoch_due_ns(const struct pace *p)
{
	return p->is_checkpointed ? rhythm_due_ns(&p->rhythm) : LOOP_NEVER;
}

static void end_epoch_if_due(struct pace *p, int64_t now_ns)
{
	if (epoch_due_ns(p) <= now_ns)
		end_epoch(p);
}

void pace_attend(struct pace *p)
{
	int64_t now_ns = loop_now_ns();

	if (now_ns - p->attended_ns >= ATTEND_MS * NS_PER_MS) {
		p->attended_ns = now_ns;
		filter_wait(p->filter, -1, now_ns);
	}
	end_epoch_if_due(p, now_ns);
}

void pace_wait(struct pace *p, int fd, int64_t until_ns)
{
	int64_t due_ns = epoch_due_ns(p);

	filter_wait(p->filter, fd, due_ns < until_ns ? due_ns : until_ns);
	end_epoch_if_due(p, loop_now_ns());
}

static bool keep_rate(struct pace *p)
{
	double after_ns = (double)p->given * 1e9 / p->rules->rate_per_s;
	int64_t due_ns = p->start_ns + (int64_t)(after_ns < NEVER_NS ? after_ns : NEVER_NS);

	while (loop_now_ns() < due_ns) {
		pace_wait(p, -1, due_ns);
		if (pace_stopped(p))
			return false;
	}
	return true;
}

bool pace_turn_comes(struct pace *p)
{
	return !pace_stopped(p) && (p->rules->rate_per_s <= 0 || keep_rate(p));
}

void pace_count(struct pace *p, uint64_t bytes)
{
	if (rhythm_record(&p->rhythm, bytes))
		end_epoch(p);
}
