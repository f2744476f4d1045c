#include "record/time.h"

#include <endian.h>
#include <string.h>
#include <time.h>

#include "base/civil.h"
#include "io/zoneinfo.h"
#include "record/text.h"

enum {
	NS_PER_S = 1000000000,
	DIGITS_64 = 19,     /* of the largest int64 */
	AUTO_POINT_MIN = 9, /* digits of 1e8 */
};

static const int64_t exponent_max = INT64_C(1) << 40; /* beyond any number of digits */

static const char does_not_fit[] = "does not fit 64-bit nanoseconds (years 1677 to 2262)";
static const char not_rfc3339[] = "not an RFC 3339 date-time such as 2026-05-01T12:00:00Z";

/* A date and time of day as it was written. */
struct stamp {
	int64_t local_s; /* as if it were UTC */
	int32_t ns;
	int32_t offset_s;
	bool has_offset;
	bool is_leap_second;
};

/* A decimal number as it was written. */
struct number {
	const char *at, *end; /* from the first digit that isn't 0; may have a '.' in it */
	int64_t point; /* the decimal point is behind so many digits from `at`, exponent counted */
	bool negative;
};

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

/* The value of eight digits, all in one word (Lemire and Mula, "Number parsing at a gigabyte per
 * second", 2021). */
static uint32_t eight_digits(const char *s, uint64_t *wrong)
{
	uint64_t v;

	memcpy(&v, s, sizeof(v));
	v = le64toh(v);
	*wrong |= ((v + 0x4646464646464646) | (v - 0x3030303030303030)) & 0x8080808080808080;
	v -= 0x3030303030303030;
	v = v * 10 + (v >> 8);
	return (uint32_t)(((v & 0x000000ff000000ff) * 0x000f424000000064 +
				  ((v >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >>
			  32);
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
	t->is_leap_second = second == 60;
	t->local_s += hour * 3600 + minute * 60 + second - t->is_leap_second;
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

static int64_t read_exponent(const char *s, const char *end)
{
	bool negative = *s == '-';
	int64_t value = 0;

	for (s += *s == '-' || *s == '+'; s < end; s++)
		if (value < exponent_max)
			value = value * 10 + (*s - '0');
	return negative ? -value : value;
}

/* JSON's form of a number, but for zeros before it. */
static bool read_number(const char *s, const char *end, struct number *n)
{
	const char *p, *digits;

	n->negative = s < end && *s == '-';
	n->at = s + n->negative;
	for (p = n->at; p < end && is_digit(*p); p++)
		;
	n->point = p - n->at;
	if (n->point == 0)
		return false;
	if (p < end && *p == '.') {
		for (digits = ++p; p < end && is_digit(*p); p++)
			;
		if (p == digits)
			return false;
	}
	n->end = p;
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		p += p < end && (*p == '-' || *p == '+');
		for (digits = p; p < end && is_digit(*p); p++)
			;
		if (p == digits)
			return false;
		n->point += read_exponent(n->end + 1, end);
	}
	for (; n->at < n->end && (*n->at == '0' || *n->at == '.'); n->at++)
		n->point -= *n->at == '0';
	return p == end;
}

/* Rounds n * 10^exponent down to an integer; false if it doesn't fit. */
static bool scale(const struct number *n, int exponent, int64_t *scaled)
{
	int64_t wanted = n->at == n->end ? 0 : n->point + exponent;
	uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX + n->negative;
	bool has_rest = false;

	if (wanted > DIGITS_64)
		return false;
	for (const char *p = n->at; p < n->end; p++) {
		if (*p == '.')
			continue;
		if (wanted > 0)
			magnitude = magnitude * 10 + (uint64_t)(*p - '0');
		else
			has_rest |= *p != '0';
		wanted -= wanted > 0;
	}
	for (; wanted > 0; wanted--)
		magnitude *= 10;
	magnitude += n->negative && has_rest;
	*scaled = (int64_t)(n->negative ? 0 - magnitude : magnitude);
	return magnitude <= limit;
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
	struct number n;
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
	if (!read_number(s, s + len, &n))
		return bad(f, "not a number");
	detail = check_unit(f, n.at == n.end ? 0 : n.point);
	if (detail)
		return bad(f, detail);
	return scale(&n, unit_exponent[f->unit], ns) ? NULL : bad(f, does_not_fit);
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

/* strptime checks no day against its month, and its %j can leave the year. */
static const char *read_pattern(struct time_format *f, const char *s, size_t len, int64_t *ns)
{
	struct tm tm = {.tm_year = 70, .tm_mday = 1};
	struct stamp t = {.has_offset = f->pattern_has_zone};
	const char *rest;
	int64_t year;

	if (memchr(s, '\0', len))
		return bad(f, "a NUL byte in the time");
	if (s != f->text.data) {
		buf_clear(&f->text);
		buf_add(&f->text, s, len);
	}
	rest = strptime(buf_string(&f->text), f->pattern, &tm);
	if (!rest)
		return bad(f, "does not match the time format");
	if (*rest != '\0')
		return bad(f, "goes on behind what the time format reads");
	year = (int64_t)tm.tm_year + 1900;
	if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 ||
		tm.tm_mday > civil_month_days(year, tm.tm_mon + 1))
		return bad(f, "no such day in the calendar");
	if (tm.tm_sec > 60)
		return bad(f, "no such time of day");
	if (tm.tm_gmtoff <= -CIVIL_DAY_S || tm.tm_gmtoff >= CIVIL_DAY_S)
		return bad(f, "an offset of a day or more");
	t.local_s = civil_days(year, tm.tm_mon + 1, tm.tm_mday) * CIVIL_DAY_S + tm.tm_hour * 3600 +
		    tm.tm_min * 60 + tm.tm_sec;
	t.offset_s = (int32_t)tm.tm_gmtoff;
	if (tm.tm_sec == 60) {
		t.local_s--;
		t.ns = NS_PER_S - 1;
	}
	return finish(f, &t, ns);
}

static const char *read_string(struct time_format *f, const struct span *value, int64_t *ns)
{
	const char *s = value->at;
	size_t len = value->len;

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

const char *time_read(struct time_format *f, const struct span *value, int64_t *ns)
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

static const char *const names[] = {
	[TIME_AUTO] = "auto",
	[TIME_RFC3339] = "rfc3339",
	[TIME_S] = "s",
	[TIME_MS] = "ms",
	[TIME_US] = "us",
	[TIME_NS] = "ns",
};

/*
 * Refused beside what strptime doesn't know: what it would read and ignore (%G %g %V), and a
 * pattern without a year, which it would take for 1970.
 */
static const char *check_pattern(struct time_format *f)
{
	bool has_year = false;

	for (const char *p = strchr(f->pattern, '%'); p; p = strchr(p, '%')) {
		p += 1 + strspn(p + 1, "_-0^#");
		p += *p == 'E' || *p == 'O';
		if (*p == 's')
			return "%s in a time format; the format for seconds is called s";
		if (*p == '\0' || !strchr("%aAbBcCdDeFhHIjklmMnprRStTuUwWxXyYzZ", *p))
			return "a conversion in the time format that strptime(3) cannot read";
		has_year |= strchr("cDFxyY", *p) != NULL;
		f->pattern_has_zone |= *p == 'z';
		p++;
	}
	return has_year ? NULL : "a time format without a year";
}

static const char *set_kind(struct time_format *f, const char *format)
{
	if (strchr(format, '%')) {
		f->kind = TIME_PATTERN;
		f->pattern = format;
		return check_pattern(f);
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

	*f = (struct time_format){.kind = TIME_AUTO, .date = "1970-01-01"};
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

/* Writes value with leading zeros and returns what is behind it. */
static char *put(char *to, uint32_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		to[i] = (char)('0' + value % 10);
	return to + digits;
}

static char *put_fraction(char *to, int32_t ns)
{
	if (ns == 0)
		return to;
	*to++ = '.';
	if (ns % 1000000 == 0)
		return put(to, (uint32_t)ns / 1000000, 3);
	return ns % 1000 == 0 ? put(to, (uint32_t)ns / 1000, 6) : put(to, (uint32_t)ns, 9);
}

/* Rounds down; b is positive. */
static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int32_t ns_of_second(int64_t ns)
{
	int32_t rest = (int32_t)(ns % NS_PER_S);

	return rest < 0 ? rest + NS_PER_S : rest;
}

/* All but the offset. */
static char *put_local(char *to, int64_t local_s, int32_t ns)
{
	int64_t days = floor_div(local_s, CIVIL_DAY_S);
	uint32_t second = (uint32_t)(local_s - days * CIVIL_DAY_S);
	struct civil date = civil_from_days(days);

	to = put(to, (uint32_t)date.year, 4);
	*to++ = '-';
	to = put(to, (uint32_t)date.month, 2);
	*to++ = '-';
	to = put(to, (uint32_t)date.day, 2);
	*to++ = 'T';
	to = put(to, second / 3600, 2);
	*to++ = ':';
	to = put(to, second / 60 % 60, 2);
	*to++ = ':';
	to = put(to, second % 60, 2);
	return put_fraction(to, ns);
}

size_t time_print(char out[TIME_TEXT_MAX], int64_t ns)
{
	char *end = put_local(out, floor_div(ns, NS_PER_S), ns_of_second(ns));

	*end++ = 'Z';
	*end = '\0';
	return (size_t)(end - out);
}

size_t time_print_zone(char out[TIME_TEXT_MAX], int64_t ns, struct zone *z)
{
	int64_t s = floor_div(ns, NS_PER_S);
	int64_t minutes = floor_div(zone_offset(z, s), 60);
	char *end = put_local(out, s + minutes * 60, ns_of_second(ns));
	uint32_t offset;

	*end++ = minutes < 0 ? '-' : '+';
	offset = (uint32_t)(minutes < 0 ? -minutes : minutes);
	end = put(end, offset / 60, 2);
	*end++ = ':';
	end = put(end, offset % 60, 2);
	*end = '\0';
	return (size_t)(end - out);
}
