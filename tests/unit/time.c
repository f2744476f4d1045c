#include "record/time.h"

#include "base/instant.h"
#include "random.h"
#include "test.h"

static struct span string(const char *text)
{
	return (struct span){.at = text, .len = (uint32_t)strlen(text), .type = SPAN_STRING};
}

static struct span number(const char *text)
{
	return (struct span){.at = text, .len = (uint32_t)strlen(text), .type = SPAN_NUMBER};
}

/* Reads by a format of its own; the answer is the time as text, or the reason. */
static const char *answer(const char *format, const char *zone, struct span value)
{
	static char text[64];
	struct time_format f;
	const char *reason;
	int64_t ns;

	check(time_format_set(&f, format, zone) == NULL);
	reason = time_read(&f, &value, &ns);
	if (!reason)
		snprintf(text, sizeof(text), "%lld", (long long)ns);
	else if (strcmp(reason, "bad_time") == 0)
		snprintf(text, sizeof(text), "bad: %.50s", f.detail);
	time_format_release(&f);
	return reason && strcmp(reason, "bad_time") != 0 ? reason : text;
}

struct line {
	const char *text, *want;
};

static void check_lines(const char *format, const char *zone, struct span (*make)(const char *),
	const struct line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *got = answer(format, zone, make(lines[i].text));

		if (strncmp(got, lines[i].want, strlen(lines[i].want)) != 0 ||
			(*got != 'b' && strcmp(got, lines[i].want) != 0)) {
			fprintf(stderr, "'%s' as %s: got '%s', want '%s'\n", lines[i].text, format,
				got, lines[i].want);
			exit(1);
		}
	}
}

#define LINES(lines) lines, sizeof(lines) / sizeof(*(lines))

void test_rfc3339(void)
{
	static const struct line lines[] = {
		{"1970-01-01T00:00:00Z", "0"},
		{"2026-05-01T12:00:00Z", "1777636800000000000"},
		{"2026-05-01t12:00:00z", "1777636800000000000"},
		{"2026-05-01 12:00:00Z", "1777636800000000000"},
		{"2026-05-01T17:30:00+05:30", "1777636800000000000"},
		{"2026-05-01T12:00:00-00:00", "1777636800000000000"},
		{"2026-05-01T02:15:00.5-09:45", "1777636800500000000"},
		{"2026-05-01T12:00:00.000000001Z", "1777636800000000001"},
		{"2026-05-01T12:00:00.1234567899999999999999Z", "1777636800123456789"},
		{"1969-12-31T23:59:59.9999999999Z", "-1"},
		{"2000-02-29T00:00:00Z", "951782400000000000"},
		{"2016-12-31T23:59:60Z", "1483228799999999999"},
		{"2016-12-31T23:59:60.5Z", "1483228799999999999"},
		{"2017-01-01T05:29:60+05:30", "1483228799999999999"},
		{"1677-09-21T00:12:43.145224192Z", "-9223372036854775808"},
		{"2262-04-11T23:47:16.854775807Z", "9223372036854775807"},
		{"1677-09-21T00:12:43.145224191Z", "bad: does not fit"},
		{"2262-04-11T23:47:16.854775808Z", "bad: does not fit"},
		{"0000-01-01T00:00:00Z", "bad: does not fit"},
		{"9999-12-31T23:59:59Z", "bad: does not fit"},
		{"2026-02-30T00:00:00Z", "bad: no such day"},
		{"2026-02-29T00:00:00Z", "bad: no such day"},
		{"2026-00-01T00:00:00Z", "bad: no such day"},
		{"2026-13-01T00:00:00Z", "bad: no such day"},
		{"2026-01-00T00:00:00Z", "bad: no such day"},
		{"2026-05-01T24:00:00Z", "bad: no such time"},
		{"2026-05-01T12:60:00Z", "bad: no such time"},
		{"2026-05-01T12:00:61Z", "bad: no such time"},
		{"2026-05-01T12:00:00.Z", "bad: no digit"},
		{"2026-05-01T12:00:00.", "bad: no digit"},
		{"2026-05-01T12:00:00,5Z", "bad: the offset"},
		{"2026-05-01T12:00:00+24:00", "bad: the offset"},
		{"2026-05-01T12:00:00+05:60", "bad: the offset"},
		{"2026-05-01T12:00:00+0530", "bad: the offset"},
		{"2026-05-01T12:00:00+05", "bad: the offset"},
		{"2026-05-01T12:00:00Zx", "bad: the offset"},
		{"2026-05-01T12:00:00 ", "bad: the offset"},
		{"2026-05-01", "bad: a date without"},
		{"", "bad: not an RFC"},
		{" 2026-05-01T12:00:00Z", "bad: not an RFC"},
		{"2026-05-01T12:00Z", "bad: not an RFC"},
		{"2026-05-01x12:00:00Z", "bad: not an RFC"},
		{"2026/05/01T12:00:00Z", "bad: not an RFC"},
		{"+026-05-01T12:00:00Z", "bad: not an RFC"},
		{"2026-05-01T12:0\xc3\xa9:00Z", "bad: not an RFC"},
		{"1777636800", "bad: not an RFC"},
		{"2026-05-01T12:00:00", "no_time_zone"},
		{"2026-05-01T12:00:00.25", "no_time_zone"},
	};

	check_lines("rfc3339", NULL, string, LINES(lines));
	check_lines("auto", NULL, string, LINES(lines));
	check_lines(NULL, "UTC", string, lines, sizeof(lines) / sizeof(*lines) - 2);
}

void test_zone_of_local_times(void)
{
	static const struct line lines[] = {
		{"2026-05-01T12:00:00", "1777636800000000000"},
		{"2026-05-01T12:00:00.25", "1777636800250000000"},
		{"2026-05-01T12:00:00+01:00", "1777633200000000000"},
	};

	check_lines("rfc3339", "UTC", string, LINES(lines));
}

void test_escaped_string(void)
{
	struct span value = string("2026-05-01\\u002012:00:00\\u005a");
	struct span spoilt = string("2026-05-01T12:00:00Z\\u0000");

	value.escaped = spoilt.escaped = true;
	check_text(answer("auto", NULL, value), "1777636800000000000");
	check_text(answer("%Y-%m-%d %H:%M:%SZ", "UTC", value), "1777636800000000000");
	check(strncmp(answer("auto", NULL, spoilt), "bad: the offset", 15) == 0);
	check_text(answer("%FT%TZ", "UTC", spoilt), "bad: a NUL byte in the time");
	spoilt = string("\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"
			"T12:00:00Z");
	spoilt.escaped = true;
	check(strncmp(answer("auto", NULL, spoilt), "bad: not an RFC", 15) == 0);
}

void test_other_types(void)
{
	static const uint8_t types[] = {SPAN_TRUE, SPAN_FALSE, SPAN_ARRAY, SPAN_OBJECT};

	check_text(answer("auto", NULL, (struct span){.type = SPAN_MISSING}), "no_time");
	check_text(answer("s", NULL, (struct span){.type = SPAN_NULL}), "no_time");
	for (size_t i = 0; i < sizeof(types); i++)
		check_text(answer("auto", NULL, (struct span){.type = types[i]}),
			"bad: neither a string nor a number");
	check(strncmp(answer("rfc3339", NULL, number("1777636800")), "bad: a number", 13) == 0);
}

void test_counts(void)
{
	static const struct line seconds[] = {
		{"0", "0"},
		{"-0.0", "0"},
		{"0e999999999999999999999", "0"},
		{"1", "1000000000"},
		{"1777636800", "1777636800000000000"},
		{"1777636800.123456789", "1777636800123456789"},
		{"1777636800.1234567899", "1777636800123456789"},
		{"-1.5", "-1500000000"},
		{"-0.0000000001", "-1"},
		{"-1.0000000000", "-1000000000"},
		{"1.7776368e9", "1777636800000000000"},
		{"17776368E+2", "1777636800000000000"},
		{"17776368000000e-4", "1777636800000000000"},
		{"1e-9", "1"},
		{"1e-10", "0"},
		{"-1e-99999999999999999999", "-1"},
		{"0.00000000000000000001e20", "1000000000"},
		{"9223372036.854775807", "9223372036854775807"},
		{"9223372036.8547758079", "9223372036854775807"},
		{"9223372036.854775808", "bad: does not fit"},
		{"-9223372036.854775808", "-9223372036854775808"},
		{"-9223372036.8547758081", "bad: does not fit"},
		{"9223372037", "bad: does not fit"},
		{"10000000000000000000", "bad: does not fit"},
		{"99999999999999999999999999", "bad: does not fit"},
		{"1e99999999999999999999", "bad: does not fit"},
	};
	static const struct line strings[] = {
		{" 1777636800\t", "1777636800000000000"},
		{"0001777636800", "1777636800000000000"},
		{"", "bad: not a number"},
		{" ", "bad: not a number"},
		{"-", "bad: not a number"},
		{"1.", "bad: not a number"},
		{".5", "bad: not a number"},
		{"+5", "bad: not a number"},
		{"1e", "bad: not a number"},
		{"1e+", "bad: not a number"},
		{"1 2", "bad: not a number"},
		{"177763680x", "bad: not a number"},
		{"1777636800x", "bad: not a number"},
		{"17776368001777636x", "bad: not a number"},
		{"17776/6800", "bad: not a number"},
		{"17776:6800", "bad: not a number"},
		{"1777\xb3"
		 "36800",
			"bad: not a number"},
		{"0x10", "bad: not a number"},
		{"inf", "bad: not a number"},
		{"2026-05-01T12:00:00Z", "bad: not a number"},
	};

	check_lines("s", NULL, number, LINES(seconds));
	check_lines("s", NULL, string, LINES(seconds));
	check_lines("s", NULL, string, LINES(strings));
	check_text(answer("ms", NULL, number("1777636800123.4567")), "1777636800123456700");
	check_text(answer("us", NULL, number("1777636800123456")), "1777636800123456000");
	check_text(answer("ns", NULL, number("1777636800123456789")), "1777636800123456789");
	check_text(answer("ns", NULL, number("9223372036854775807")), "9223372036854775807");
	check_text(answer("ns", NULL, number("9223372036854775808")),
		"bad: does not fit 64-bit nanoseconds (years 1677 to 226");
	check_text(answer("ns", NULL, number("-9223372036854775808")), "-9223372036854775808");
	check_text(answer("ns", NULL, number("-1.5")), "-2");
	check_text(answer("ms", NULL, number("5")), "5000000");
}

static const char *auto_read(struct time_format *f, const char *text, int64_t *ns)
{
	struct span value = number(text);

	return time_read(f, &value, ns);
}

void test_auto_unit_is_decided_once(void)
{
	static const struct {
		const char *first, *unit, *others[4];
		int64_t ns;
	} cases[] = {
		{"100000000", "s", {"99999999", "100000000000", "1e14", "0"}, 100000000000000000},
		{"-8999999999.5", "s", {"100000000000", "1.5", "-1e11", "1e18"},
			-8999999999500000000},
		{"100000000000", "ms", {"99999999999", "100000000000000", "7", "0"},
			100000000000000000},
		{"1e14", "us", {"99999999999999.9", "1e17", "1e8", "-7"}, 100000000000000000},
		{"100000000000000000", "ns", {"99999999999999999", "1e16", "1", "0.0"},
			100000000000000000},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct time_format f;
		int64_t ns;

		check(time_format_set(&f, "auto", NULL) == NULL);
		check_text(auto_read(&f, "99999999.9", &ns), "bad_time");
		check(strstr(f.detail, "below 1e8") != NULL);
		check(time_unit_decided(&f) == NULL);
		check(auto_read(&f, cases[i].first, &ns) == NULL);
		check_int(ns, cases[i].ns);
		check_text(time_unit_decided(&f), cases[i].unit);
		for (size_t k = 0; k < 4; k++) {
			check_text(auto_read(&f, cases[i].others[k], &ns), "bad_time");
			check(strstr(f.detail, "another magnitude") != NULL);
		}
		check(auto_read(&f, cases[i].first, &ns) == NULL);
		time_format_release(&f);
	}
	check_text(answer("auto", NULL, string("1777636800")),
		"bad: not an RFC 3339 date-time such as 2026-05-01T12:00");
}

void test_patterns(void)
{
	static const struct line apache[] = {
		{"01/May/2026:12:00:00 +0000", "1777636800000000000"},
		{"01/May/2026:17:30:00 +0530", "1777636800000000000"},
		{"01/May/2026:12:00:60 +0000", "1777636859999999999"},
		{"01/May/2026:12:00:61 +0000", "bad: no such time"},
		{"30/Feb/2026:12:00:00 +0000", "bad: no such day"},
		{"01/May/2026:12:00:00", "bad: does not match"},
		{"01/May/2026:12:00:00 +0000 ", "bad: goes on"},
		{"01/May/9026:12:00:00 +0000", "bad: does not fit"},
		{"01/May/2026:12:00:00 +2400", "bad: an offset"},
		{"", "bad: does not match"},
	};
	static const struct line dates[] = {
		{"2026-05-01", "1777593600000000000"},
		{"2024-02-29", "1709164800000000000"},
		{"2026-02-29", "bad: no such day"},
	};
	static const struct line days[] = {
		{"2026 121", "1777593600000000000"},
		{"2026 366", "bad: no such day"},
	};

	check_lines("%d/%b/%Y:%H:%M:%S %z", NULL, string, LINES(apache));
	check_lines("%Y-%m-%d", "UTC", string, LINES(dates));
	check_lines("%Y %j", "UTC", string, LINES(days));
	check_text(answer("%Y-%m-%d", NULL, string("2026-05-01")), "no_time_zone");
	check_text(answer("%Y-%m-%d %Z", NULL, string("2026-05-01 CET")), "no_time_zone");
	check_text(answer("%Y%m%d", "UTC", number("20260501")), "1777593600000000000");
	check_text(
		answer("%I:%M %p, %D", "UTC", string("12:00 PM, 05/01/26")), "1777636800000000000");
}

/* What one value left behind must not help the next. */
void test_values_in_turn(void)
{
	static const struct line lines[] = {
		{"1970-01-01T00:00:01Z", "1"},
		{"2026-05-01T00:00:00Z", "1777593600"},
		{"2026-05-01T00:00:01Z", "1777593601"},
		{"2026-05-32T00:00:01Z", NULL},
		{"2026-05-32T00:00:01Z", NULL},
		{"2026-05-01T00:00:02Z", "1777593602"},
		{"2026-04-30T00:00:00Z", "1777507200"},
	};
	struct time_format f;

	check(time_format_set(&f, "rfc3339", NULL) == NULL);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct span value = string(lines[i].text);
		int64_t ns;

		check(!time_read(&f, &value, &ns) == !!lines[i].want);
		if (lines[i].want)
			check_int(ns, atoll(lines[i].want) * 1000000000);
	}
	time_format_release(&f);
}

/* The fresh reader has another way than the one that has read this hour. */
void test_bytes_behind_the_hour(void)
{
	static const char usual[] = "2026-05-01T12:34:56.789Z";
	struct time_format f;

	check(time_format_set(&f, NULL, NULL) == NULL);
	for (size_t at = 0; at < sizeof(usual) - 1; at++) {
		for (int c = ' '; c < 256; c++) {
			char text[sizeof(usual)];
			struct span first = string(usual), value = string(text);
			int64_t ns;
			bool good;

			memcpy(text, usual, sizeof(text));
			text[at] = (char)c;
			value.len = sizeof(usual) - 1;
			check(!time_read(&f, &first, &ns));
			check_int(ns, 1777638896789000000);
			good = !time_read(&f, &value, &ns);
			if (good)
				check_int(ns, atoll(answer(NULL, NULL, value)));
			else
				check(*answer(NULL, NULL, value) > '9');
		}
	}
	time_format_release(&f);
}

/* An hour that does not fit whole, at either end. */
void test_hours_at_the_ends(void)
{
	static const char *const texts[] = {"1677-09-21T00:12:44.000Z", "1677-09-21T00:12:43.000Z",
		"2262-04-11T23:47:16.000Z", "2262-04-11T23:47:17.000Z", "1970-01-01T00:00:00.001Z"};
	struct time_format f;

	check(time_format_set(&f, NULL, NULL) == NULL);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
			struct span value = string(texts[i]);
			const char *want = answer(NULL, NULL, value);
			int64_t ns;

			check(!time_read(&f, &value, &ns) == (*want != 'b'));
			if (*want != 'b')
				check_int(ns, atoll(want));
		}
	}
	time_format_release(&f);
}

/* The time zone of the process has no say. */
void test_pattern_ignores_tz(void)
{
	check(setenv("TZ", "XYZ-5", 1) == 0);
	check_text(answer("%F %T", "UTC", string("2026-05-01 12:00:00")), "1777636800000000000");
	check_text(answer("%F %T %z", NULL, string("2026-05-01 12:00:00 +0000")),
		"1777636800000000000");
}

void test_formats_refused(void)
{
	static const struct line lines[] = {
		{"", "a time format is auto"},
		{"S", "a time format is auto"},
		{"rfc", "a time format is auto"},
		{"%s", "%s in a time format"},
		{"%Y %Es", "%s in a time format"},
		{"%Y-%f", "a conversion"},
		{"%Y-%", "a conversion"},
		{"%G-W%V-%u", "a conversion"},
		{"%b %e %H:%M:%S", "a time format without a year"},
		{"%%Y", "a time format without a year"},
	};
	struct time_format f;

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		const char *reason = time_format_set(&f, lines[i].text, NULL);

		check(reason && strncmp(reason, lines[i].want, strlen(lines[i].want)) == 0);
	}
	check(setenv("TZDIR", "/etc", 1) == 0);
	check_text(time_format_set(&f, "auto", "Moon/Tycho"), "unknown time zone");
	check_text(time_format_set(&f, "auto", ""), "not a time zone name (such as Europe/Berlin)");
}

static const char *printed(int64_t ns)
{
	static char text[TIME_TEXT_MAX];

	check_int(time_print(text, ns), strlen(text));
	return text;
}

void test_print(void)
{
	check_text(printed(0), "1970-01-01T00:00:00Z");
	check_text(printed(-1), "1969-12-31T23:59:59.999999999Z");
	check_text(printed(-1000000000), "1969-12-31T23:59:59Z");
	check_text(printed(1777636800500000000), "2026-05-01T12:00:00.500Z");
	check_text(printed(1777636800000500000), "2026-05-01T12:00:00.000500Z");
	check_text(printed(1777636800000000500), "2026-05-01T12:00:00.000000500Z");
	check_text(printed(INT64_MIN), "1677-09-21T00:12:43.145224192Z");
	check_text(printed(INT64_MAX), "2262-04-11T23:47:16.854775807Z");
}

/* What a time has of a fraction: none, or three, six or nine digits. */
static void put_fraction(char *to, int64_t ns)
{
	int digits = ns % 1000 ? 9 : ns % 1000000 ? 6 : 3;

	for (int i = digits; i < 9; i++)
		ns /= 10;
	if (ns)
		sprintf(to, ".%0*lld", digits, (long long)ns);
	else
		*to = '\0';
}

/* By the C library; one after another, near and far. */
void test_print_one_after_another(void)
{
	static const int64_t units[] = {NS_PER_S, NS_PER_MS, 1000, 1};
	static const int64_t steps[] = {1, 977, 3600, 21600};
	int64_t ns = 0;

	random_seed();
	for (int i = 0; i < 20000; i++) {
		char want[64];
		struct tm tm;
		time_t s;

		ns = i % 3 ? time_plus(ns, (int64_t)random_below(5) * steps[i % 4] * NS_PER_S)
			   : (int64_t)random_next();
		ns -= ns % units[random_below(4)];
		s = (time_t)time_floor_divide(ns, NS_PER_S);
		check(gmtime_r(&s, &tm) && strftime(want, sizeof(want), "%FT%T", &tm));
		put_fraction(want + strlen(want), ns - s * NS_PER_S);
		check_text(printed(ns), strcat(want, "Z"));
	}
}

/* The day and the hour before it are what was printed last. */
void test_print_midnights(void)
{
	for (int64_t day = -800; day < 800; day++) {
		int64_t ns = day * 86400 * NS_PER_S;
		time_t s = day * 86400;
		char want[64];
		struct tm tm;

		printed(ns - NS_PER_S);
		check(gmtime_r(&s, &tm) && strftime(want, sizeof(want), "%FT00:00:00Z", &tm));
		check_text(printed(ns), want);
		check(strftime(want, sizeof(want), "%FT01:00:00Z", &tm));
		check_text(printed(ns + (int64_t)3600 * NS_PER_S), want);
	}
}

static const char *printed_at(int64_t ns, int32_t offset_s)
{
	static char text[TIME_TEXT_MAX];
	struct zone z;

	zone_fixed(&z, offset_s);
	check_int(time_print_zone(text, ns, &z), strlen(text));
	zone_release(&z);
	return text;
}

void test_print_in_zone(void)
{
	check_text(printed_at(0, 0), "1970-01-01T00:00:00+00:00");
	check_text(printed_at(1777636800500000000, 19800), "2026-05-01T17:30:00.500+05:30");
	check_text(printed_at(0, -12600), "1969-12-31T20:30:00-03:30");
	check_text(printed_at(INT64_MAX, 50400), "2262-04-12T13:47:16.854775807+14:00");
	check_text(printed_at(INT64_MIN, -43200), "1677-09-20T12:12:43.145224192-12:00");
	/* Seconds of an offset are cut, the instant stays. */
	check_text(printed_at(0, 3208), "1970-01-01T00:53:00+00:53");
	check_text(printed_at(0, -17762), "1969-12-31T19:03:00-04:57");
	check_text(printed_at(0, -1), "1969-12-31T23:59:00-00:01");
}
