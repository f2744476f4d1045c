#include "flow/zonerule.h"

#include "base/civil.h"

enum { HOURS_MAX = 167 };

/* What is left to read of a text. */
struct cursor {
	const char *at, *end;
};

static bool next_is(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool read_number(struct cursor *c, int min, int max, int *number)
{
	const char *from = c->at;

	for (*number = 0; c->at < c->end && is_digit(*c->at) && *number <= max; c->at++)
		*number = *number * 10 + (*c->at - '0');
	return c->at > from && *number >= min && *number <= max;
}

static bool read_name(struct cursor *c)
{
	const char *from = c->at;
	bool quoted = next_is(c, '<');

	while (c->at < c->end &&
		(is_letter(*c->at) ||
			(quoted && (is_digit(*c->at) || *c->at == '+' || *c->at == '-'))))
		c->at++;
	return quoted ? next_is(c, '>') : c->at - from >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool read_time(struct cursor *c, int hours_max, int32_t *time_s)
{
	bool negative = next_is(c, '-');
	int hours, minutes = 0, seconds = 0;

	if (!negative)
		next_is(c, '+');
	if (!read_number(c, 0, hours_max, &hours))
		return false;
	if (next_is(c, ':')) {
		if (!read_number(c, 0, 59, &minutes))
			return false;
		if (next_is(c, ':') && !read_number(c, 0, 59, &seconds))
			return false;
	}
	*time_s = hours * 3600 + minutes * 60 + seconds;
	if (negative)
		*time_s = -*time_s;
	return true;
}

/* ,Jn ,n or ,Mm.w.d, each with an optional /time */
static bool read_date(struct cursor *c, struct zone_rule_date *d)
{
	bool good;

	if (!next_is(c, ','))
		return false;
	if (next_is(c, 'M')) {
		d->kind = 'M';
		good = read_number(c, 1, 12, &d->month) && next_is(c, '.') &&
		       read_number(c, 1, 5, &d->week) && next_is(c, '.') &&
		       read_number(c, 0, 6, &d->day);
	} else if (next_is(c, 'J')) {
		d->kind = 'J';
		good = read_number(c, 1, 365, &d->day);
	} else {
		d->kind = '0';
		good = read_number(c, 0, 365, &d->day);
	}
	d->time_s = 2 * 3600;
	return good && (!next_is(c, '/') || read_time(c, HOURS_MAX, &d->time_s));
}

/* The text's offsets count west of UTC as positive, ours east. */
bool zone_rule_read(struct zone_rule *r, const char *text, const char *end)
{
	struct cursor c = {text, end};

	if (!read_name(&c) || !read_time(&c, 24, &r->standard_s))
		return false;
	r->standard_s = -r->standard_s;
	r->has_dst = c.at < c.end;
	if (!r->has_dst)
		return true;
	r->dst_s = r->standard_s + 3600;
	if (!read_name(&c))
		return false;
	if (c.at < c.end && *c.at != ',') {
		if (!read_time(&c, 24, &r->dst_s))
			return false;
		r->dst_s = -r->dst_s;
	}
	return read_date(&c, &r->start) && read_date(&c, &r->end) && c.at == c.end;
}

static int64_t date_days(const struct zone_rule_date *d, int64_t year)
{
	int64_t first, day;

	switch (d->kind) {
	case 'J':
		return civil_days(year, 1, d->day) + (d->day >= 60 && civil_is_leap(year));
	case '0':
		return civil_days(year, 1, 1) + d->day;
	default:
		first = civil_days(year, d->month, 1);
		day = (d->day - civil_weekday(first) + 7) % 7 + (d->week - 1) * 7;
		return first + (day < civil_month_days(year, d->month) ? day : day - 7);
	}
}

static int64_t instant(const struct zone_rule_date *d, int64_t year, int32_t old_offset_s)
{
	return date_days(d, year) * CIVIL_DAY_S + d->time_s - old_offset_s;
}

int64_t zone_rule_start(const struct zone_rule *r, int64_t year)
{
	return instant(&r->start, year, r->standard_s);
}

int64_t zone_rule_end(const struct zone_rule *r, int64_t year)
{
	return instant(&r->end, year, r->dst_s);
}
