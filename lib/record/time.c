#include "record/time.h"

#include <string.h>

#include "base/civil.h"
#include "base/digits.h"
#include "base/numeral.h"
#include "io/zoneinfo.h"
#include "record/stamp.h"
#include "record/text.h"
#include "record/timepattern.h"

enum {
	DIGITS_64 = 19,     /* of the largest int64 */
	AUTO_POINT_MIN = 9, /* digits of 1e8 */
};

static const char does_not_fit[] = "does not fit 64-bit nanoseconds (years 1677 to 2262)";
static const char not_rfc3339[] = "not an RFC 3339 date-time such as 2026-05-01T12:00:00Z";

static const char *bad(struct time_format *f, const char *detail)
{
	f->detail = detail;
	return "bad_time";
}

static bool is_digit(char c)
{
	return (unsigned)c - '0' < 10;
}

/* *wrong is set when they aren't digits, else left. */
static int two_digits(const char *s, unsigned *wrong)
{
	unsigned tens = (unsigned)(unsigned char)s[0] - '0';
	unsigned ones = (unsigned)(unsigned char)s[1] - '0';

	*wrong |= tens > 9 || ones > 9;
	return (int)(tens * 10 + ones);
}

static uint32_t eight_digits(const char *s, uint64_t *wrong)
{
	uint64_t word = digits_load(s);

	*wrong |= digits_wrong(word);
	return digits_value(word);
}

/* Seconds and the nanoseconds behind them (0..999999999) as one count; false if it doesn't fit. */
static bool join(int64_t s, int32_t ns, int64_t *joined)
{
	int64_t whole_ns;

	if (s < 0) { /* else the earliest times would overflow on the way */
		s++;
		ns -= NS_PER_S;
	}
	return !__builtin_mul_overflow(s, (int64_t)NS_PER_S, &whole_ns) &&
	       !__builtin_add_overflow(whole_ns, (int64_t)ns, joined);
}

static const char *finish(struct time_format *f, const struct stamp *t, int64_t *ns)
{
	int64_t utc_s;

	if (t->has_offset) {
		utc_s = t->local_s - t->offset_s;
	} else if (f->has_zone) {
		utc_s = zone_to_utc(&f->zone, t->local_s);
	} else {
		f->detail = "a date-time without offset; name its zone with --tz";
		return "no_time_zone";
	}
	return join(utc_s, t->ns, ns) ? NULL : bad(f, does_not_fit);
}

/* Z, z, +hh:mm, -hh:mm, or nothing: no offset. */
static const char *read_offset(const char *s, const char *end, struct stamp *t)
{
	unsigned wrong = 0;
	int hours, minutes;

	t->has_offset = s < end;
	t->offset_s = 0;
	if (s == end || (end - s == 1 && (*s == 'Z' || *s == 'z')))
		return NULL;
	if ((*s != '+' && *s != '-') || end - s != 6 || s[3] != ':')
		return "the offset is not Z or of the form +hh:mm";
	hours = two_digits(s + 1, &wrong);
	minutes = two_digits(s + 4, &wrong);
	if (wrong || hours > 23 || minutes > 59)
		return "the offset is not Z or of the form +hh:mm";
	t->offset_s = (hours * 60 + minutes) * 60;
	if (*s == '-')
		t->offset_s = -t->offset_s;
	return NULL;
}

/* Returns where the fraction ends, or NULL if there is no digit behind its point. */
static const char *read_fraction(const char *s, const char *end, int32_t *ns)
{
	int32_t unit = NS_PER_S / 10;

	if (s == end || !is_digit(*s))
		return NULL;
	for (*ns = 0; s < end && is_digit(*s); s++) {
		*ns += (*s - '0') * unit;
		unit /= 10;
	}
	return s;
}

/* YYYY-MM-DD. Most times have the date of the one before. Returns NULL or a detail. */
static const char *read_date(struct time_format *f, const char *s)
{
	unsigned wrong = 0;
	int year, month, day;

	if (memcmp(s, f->date, sizeof(f->date)) == 0)
		return NULL;
	year = two_digits(s, &wrong) * 100 + two_digits(s + 2, &wrong);
	month = two_digits(s + 5, &wrong);
	day = two_digits(s + 8, &wrong);
	if (wrong || s[4] != '-' || s[7] != '-')
		return not_rfc3339;
	if (month < 1 || month > 12 || day < 1 || day > civil_month_days(year, month))
		return "no such day in the calendar";
	memcpy(f->date, s, sizeof(f->date));
	f->date_s = civil_days(year, month, day) * CIVIL_DAY_S;
	return NULL;
}

/* hh:mm:ss, with second 60 as the end of second 59. Returns NULL or a detail. */
static const char *read_time_of_day(const char *s, struct stamp *t)
{
	unsigned wrong = 0;
	int hour = two_digits(s, &wrong);
	int minute = two_digits(s + 3, &wrong);
	int second = two_digits(s + 6, &wrong);

	if (wrong || s[2] != ':' || s[5] != ':')
		return not_rfc3339;
	if (hour > 23 || minute > 59 || second > 60)
		return "no such time of day";
	stamp_add(t, hour, minute, second);
	return NULL;
}

/* Returns NULL or a detail. */
static const char *read_rfc3339(struct time_format *f, const char *s, size_t len, struct stamp *t)
{
	const char *end = s + len;
	const char *detail;

	if (len < 19)
		return len == 10 && s[4] == '-' && s[7] == '-' ? "a date without a time of day"
							       : not_rfc3339;
	if ((s[10] | 0x20) != 't' && s[10] != ' ')
		return not_rfc3339;
	detail = read_date(f, s);
	t->local_s = f->date_s;
	t->ns = 0;
	if (!detail)
		detail = read_time_of_day(s + 11, t);
	if (detail)
		return detail;
	s += 19;
	if (s < end && *s == '.') {
		s = read_fraction(s + 1, end, &t->ns);
		if (!s)
			return "no digit behind the decimal point";
	}
	if (t->is_leap_second)
		t->ns = NS_PER_S - 1;
	return read_offset(s, end, t);
}

static const char *read_date_time(struct time_format *f, const char *s, size_t len, int64_t *ns)
{
	struct stamp t;
	const char *detail = read_rfc3339(f, s, len, &t);

	return detail ? bad(f, detail) : finish(f, &t, ns);
}

/* The unit that a number with so many digits before its point speaks for. */
static enum time_kind unit_of(int64_t point)
{
	if (point < AUTO_POINT_MIN)
		return TIME_AUTO;
	if (point <= 11)
		return TIME_S;
	if (point <= 14)
		return TIME_MS;
	return point <= 17 ? TIME_US : TIME_NS;
}

/* Returns NULL or a detail; under auto settles the unit. */
static const char *check_unit(struct time_format *f, int64_t point)
{
	enum time_kind unit;

	if (f->kind != TIME_AUTO)
		return NULL;
	unit = unit_of(point);
	if (f->unit == TIME_AUTO)
		f->unit = unit;
	if (unit == TIME_AUTO && f->unit == TIME_AUTO)
		return "a number below 1e8 before the unit was decided; "
		       "name the unit with --time-format";
	if (unit != f->unit)
		return "a number of another magnitude than the one that decided the unit; "
		       "name the unit with --time-format";
	return NULL;
}

/* A unit as a power of ten of nanoseconds. */
static const int unit_exponent[] = {[TIME_S] = 9, [TIME_MS] = 6, [TIME_US] = 3, [TIME_NS] = 0};
static const int64_t unit_ns[] = {
	[TIME_S] = NS_PER_S, [TIME_MS] = 1000000, [TIME_US] = 1000, [TIME_NS] = 1};

/* A positive integer of 9 to 19 digits without leading zero: what most number times are. */
static bool read_plain(const char *s, size_t len, uint64_t *value)
{
	uint64_t wrong = 0;
	unsigned bad_digit = 0;
	size_t i = 8;

	if (len < AUTO_POINT_MIN || len > DIGITS_64 || *s == '0')
		return false;
	*value = eight_digits(s, &wrong);
	if (len >= 16) {
		*value = *value * 100000000 + eight_digits(s + 8, &wrong);
		i = 16;
	}
	for (; i < len; i++) {
		unsigned digit = (unsigned)(unsigned char)s[i] - '0';

		bad_digit |= digit > 9;
		*value = *value * 10 + digit;
	}
	return !wrong && !bad_digit && *value <= INT64_MAX;
}

static const char *read_count(struct time_format *f, const char *s, size_t len, int64_t *ns)
{
	struct numeral n;
	uint64_t value;
	const char *detail;

	if (read_plain(s, len, &value)) {
		detail = check_unit(f, (int64_t)len);
		if (detail)
			return bad(f, detail);
		return __builtin_mul_overflow((int64_t)value, unit_ns[f->unit], ns)
			       ? bad(f, does_not_fit)
			       : NULL;
	}
	if (!numeral_read(&n, s, len))
		return bad(f, "not a number");
	detail = check_unit(f, n.first ? n.point : 0);
	if (detail)
		return bad(f, detail);
	return numeral_floor(&n, unit_exponent[f->unit], ns) ? NULL : bad(f, does_not_fit);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *read_count_string(struct time_format *f, const char *s, size_t len, int64_t *ns)
{
	for (; len > 0 && is_blank(*s); s++)
		len--;
	while (len > 0 && is_blank(s[len - 1]))
		len--;
	return read_count(f, s, len, ns);
}

static const char *read_pattern(struct time_format *f, const char *s, size_t len, int64_t *ns)
{
	struct stamp t = {.has_offset = f->pattern_has_zone};
	const char *detail;

	if (memchr(s, '\0', len))
		return bad(f, "a NUL byte in the time");
	if (s != f->text.data) {
		buf_clear(&f->text);
		buf_add(&f->text, s, len);
	}
	detail = timepattern_read(f->pattern, buf_string(&f->text), &t);
	return detail ? bad(f, detail) : finish(f, &t, ns);
}

/* The usual form, of the date read last: hh:mm:ss or hh:mm:ss.mmm, in UTC. False: it is another. */
static bool read_usual(struct time_format *f, const char *s, size_t len, int64_t *ns)
{
	int64_t hour_s;
	unsigned wrong = 0;
	int hour, minute, second, ms = 0;

	if ((len != 20 && len != 24) || memcmp(s, f->date, sizeof(f->date)) != 0)
		return false;
	hour = two_digits(s + 11, &wrong);
	minute = two_digits(s + 14, &wrong);
	second = two_digits(s + 17, &wrong);
	if (len == 24) {
		ms = two_digits(s + 20, &wrong) * 10 + s[22] - '0';
		wrong |= !is_digit(s[22]) || s[19] != '.';
	}
	if (wrong || s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[len - 1] != 'Z' ||
		hour > 23 || minute > 59 || second > 59)
		return false;
	hour_s = f->date_s + hour * 3600;
	timehour_keep(&f->hour, s, hour_s);
	return join(hour_s + minute * 60 + second, ms * NS_PER_MS, ns);
}

static const char *read_string(struct time_format *f, const struct span *value, int64_t *ns)
{
	const char *s = value->at;
	size_t len = value->len;

	if (f->kind <= TIME_RFC3339 && !value->escaped && read_usual(f, s, len, ns))
		return NULL;
	if (value->escaped) {
		buf_clear(&f->text);
		text_unescape(&f->text, value);
		s = f->text.data ? f->text.data : "";
		len = f->text.len;
	}
	switch (f->kind) {
	case TIME_AUTO:
	case TIME_RFC3339:
		return read_date_time(f, s, len, ns);
	case TIME_PATTERN:
		return read_pattern(f, s, len, ns);
	default:
		return read_count_string(f, s, len, ns);
	}
}

/* Not a part of time_read, which would then save registers for it each time. */
__attribute__((noinline)) static const char *read_any(
	struct time_format *f, const struct span *value, int64_t *ns)
{
	switch (value->type) {
	case SPAN_STRING:
		return read_string(f, value, ns);
	case SPAN_NUMBER:
		if (f->kind == TIME_RFC3339)
			return bad(f, "a number where an RFC 3339 string is expected");
		if (f->kind == TIME_PATTERN)
			return read_pattern(f, value->at, value->len, ns);
		return read_count(f, value->at, value->len, ns);
	case SPAN_MISSING:
	case SPAN_NULL:
		f->detail = "the time is missing or null";
		return "no_time";
	default:
		return bad(f, "neither a string nor a number");
	}
}

const char *time_read(struct time_format *f, const struct span *value, int64_t *ns)
{
	return time_read_few(f, value, ns) ? NULL : read_any(f, value, ns);
}

static const char *const names[] = {
	[TIME_AUTO] = "auto",
	[TIME_RFC3339] = "rfc3339",
	[TIME_S] = "s",
	[TIME_MS] = "ms",
	[TIME_US] = "us",
	[TIME_NS] = "ns",
};

static const char *set_kind(struct time_format *f, const char *format)
{
	if (strchr(format, '%')) {
		f->kind = TIME_PATTERN;
		f->pattern = format;
		return timepattern_check(format, &f->pattern_has_zone);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(format, names[i]) == 0) {
			f->kind = f->unit = (enum time_kind)i;
			return NULL;
		}
	}
	return "a time format is auto, rfc3339, s, ms, us, ns, or a strptime pattern such as "
	       "'%d/%b/%Y:%H:%M:%S %z'";
}

const char *time_format_set(struct time_format *f, const char *format, const char *zone_name)
{
	const char *reason;

	*f = (struct time_format){.kind = TIME_AUTO, .date = "1970-01-01", .hour = timehour_first};
	reason = format ? set_kind(f, format) : NULL;
	if (!reason && zone_name) {
		reason = zoneinfo_load(&f->zone, zone_name);
		f->has_zone = !reason;
	}
	return reason;
}

void time_format_release(struct time_format *f)
{
	zone_release(&f->zone);
	buf_release(&f->text);
}

const char *time_unit_decided(const struct time_format *f)
{
	return f->kind == TIME_AUTO && f->unit != TIME_AUTO ? names[f->unit] : NULL;
}

bool time_unit_decide(struct time_format *f, const char *unit)
{
	for (enum time_kind kind = TIME_S; kind <= TIME_NS; kind++) {
		if (strcmp(names[kind], unit) != 0)
			continue;
		if (f->kind == TIME_AUTO)
			f->unit = kind;
		return true;
	}
	return false;
}
