#include "flow/zone.h"

#include <stdint.h>

#include "base/buf.h"
#include "base/civil.h"
#include "io/zoneinfo.h"
#include "test.h"

enum { HOUR = 3600 };

struct change {
	int64_t at_s;
	uint8_t type;
};

/* Berlin in 1996 and 1997, when the rule of today began; type 0 is its time before 1893. */
static const int32_t berlin_types[] = {3208, HOUR, 2 * HOUR};
static const struct change berlin_changes[] = {
	{-2422054408, 1}, {828234000, 2}, {846378000, 1}, {859683600, 2}, {877827600, 1}};
static const char berlin_rule[] = "CET-1CEST,M3.5.0,M10.5.0/3";

static int64_t at(int year, int month, int day, int hour, int minute)
{
	return civil_days(year, month, day) * CIVIL_DAY_S + hour * HOUR + minute * 60;
}

static void add_big(struct buf *b, uint64_t value, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		buf_char(b, (char)(value >> (8 * i)));
}

static void add_block(struct buf *b, char version, uint32_t leaps, const struct change *changes,
	uint32_t change_count, const int32_t *types, uint32_t type_count)
{
	int bytes = b->len == 0 ? 4 : 8;

	buf_add(b, "TZif", 4);
	buf_char(b, version);
	buf_add(b, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15);
	add_big(b, 0, 8);
	add_big(b, leaps, 4);
	add_big(b, change_count, 4);
	add_big(b, type_count, 4);
	add_big(b, 4, 4);
	for (uint32_t i = 0; i < change_count; i++)
		add_big(b, (uint64_t)changes[i].at_s, bytes);
	for (uint32_t i = 0; i < change_count; i++)
		buf_char(b, (char)changes[i].type);
	for (uint32_t i = 0; i < type_count; i++) {
		add_big(b, (uint32_t)types[i], 4);
		add_big(b, 0, 2);
	}
	buf_add(b, "ABC", 4);
	for (uint32_t i = 0; i < leaps; i++)
		add_big(b, 0, bytes + 4);
}

/* Version 2 as zic -b slim writes it: the first block empty but for a type. */
static void tzif(struct buf *b, const struct change *changes, uint32_t change_count,
	const int32_t *types, uint32_t type_count, const char *rule)
{
	static const int32_t none[] = {0};

	buf_clear(b);
	add_block(b, '2', 0, NULL, 0, none, 1);
	add_block(b, '2', 0, changes, change_count, types, type_count);
	buf_format(b, "\n%s\n", rule);
}

static void tzif_berlin(struct buf *b)
{
	tzif(b, berlin_changes, 5, berlin_types, 3, berlin_rule);
}

static const char *parse(struct zone *z, const struct buf *b)
{
	return zone_parse(z, b->data, b->len);
}

static void zone_of(struct zone *z, const char *rule)
{
	static const int32_t none[] = {0};
	struct buf b;

	buf_init(&b);
	tzif(&b, NULL, 0, none, 1, rule);
	check(parse(z, &b) == NULL);
	buf_release(&b);
}

static void berlin(struct zone *z)
{
	struct buf b;

	buf_init(&b);
	tzif_berlin(&b);
	check(parse(z, &b) == NULL);
	buf_release(&b);
}

void test_transitions(void)
{
	struct zone z;

	berlin(&z);
	check_int(zone_offset(&z, INT64_MIN), 3208);
	check_int(zone_offset(&z, -2422054409), 3208);
	check_int(zone_offset(&z, -2422054408), HOUR);
	check_int(zone_offset(&z, 828233999), HOUR);
	check_int(zone_offset(&z, 828234000), 2 * HOUR);
	check_int(zone_offset(&z, 846377999), 2 * HOUR);
	check_int(zone_offset(&z, 846378000), HOUR);
	zone_release(&z);
}

void test_rule_beyond_transitions(void)
{
	struct zone z;

	berlin(&z);
	check_int(zone_offset(&z, at(2026, 3, 29, 1, 0) - 1), HOUR);
	check_int(zone_offset(&z, at(2026, 3, 29, 1, 0)), 2 * HOUR);
	check_int(zone_offset(&z, at(2026, 10, 25, 1, 0) - 1), 2 * HOUR);
	check_int(zone_offset(&z, at(2026, 10, 25, 1, 0)), HOUR);
	check_int(zone_offset(&z, at(2262, 3, 30, 1, 0) - 1), HOUR);
	check_int(zone_offset(&z, at(2262, 3, 30, 1, 0)), 2 * HOUR);
	/* 2026 again, cycles of 400 years later. */
	check_int(zone_offset(&z, at(2426, 3, 29, 1, 0) - 1), HOUR);
	check_int(zone_offset(&z, at(2426, 3, 29, 1, 0)), 2 * HOUR);
	check_int(zone_offset(&z, at(9226, 10, 25, 1, 0) - 1), 2 * HOUR);
	check_int(zone_offset(&z, at(9226, 10, 25, 1, 0)), HOUR);
	check_int(zone_to_utc(&z, at(9226, 10, 25, 2, 30)), at(9226, 10, 25, 0, 30));
	check_int(zone_to_utc(&z, at(9226, 3, 29, 2, 30)), at(9226, 3, 29, 1, 30));
	zone_offset(&z, INT64_MAX);
	zone_release(&z);
}

void test_repeated_and_skipped(void)
{
	struct zone z;

	berlin(&z);
	for (int warm = 0; warm < 2; warm++) {
		check_int(zone_to_utc(&z, at(2026, 7, 1, 12, 0)), at(2026, 7, 1, 10, 0));
		check_int(zone_to_utc(&z, at(2026, 10, 25, 2, 0)), at(2026, 10, 25, 0, 0));
		check_int(zone_to_utc(&z, at(2026, 10, 25, 2, 59)), at(2026, 10, 25, 0, 59));
		check_int(zone_to_utc(&z, at(2026, 10, 25, 3, 0)), at(2026, 10, 25, 2, 0));
		check_int(zone_to_utc(&z, at(2026, 3, 29, 1, 59)), at(2026, 3, 29, 0, 59));
		check_int(zone_to_utc(&z, at(2026, 3, 29, 2, 0)), at(2026, 3, 29, 1, 0));
		check_int(zone_to_utc(&z, at(2026, 3, 29, 2, 30)), at(2026, 3, 29, 1, 30));
		check_int(zone_to_utc(&z, at(2026, 3, 29, 3, 0)), at(2026, 3, 29, 1, 0));
	}
	zone_release(&z);
}

void test_rules(void)
{
	struct zone z;

	zone_of(&z, "<+0545>-5:45");
	check_int(zone_offset(&z, 0), 5 * HOUR + 45 * 60);
	zone_release(&z);

	zone_of(&z, "EST5EDT,M3.2.0,M11.1.0");
	check_int(zone_offset(&z, at(2026, 3, 8, 7, 0) - 1), -5 * HOUR);
	check_int(zone_offset(&z, at(2026, 3, 8, 7, 0)), -4 * HOUR);
	check_int(zone_offset(&z, at(2026, 11, 1, 6, 0) - 1), -4 * HOUR);
	check_int(zone_offset(&z, at(2026, 11, 1, 6, 0)), -5 * HOUR);
	check_int(zone_offset(&z, at(1700, 7, 1, 0, 0)), -4 * HOUR);
	zone_release(&z);

	/* Greenland: the day before the last Sunday in March at 22:00. */
	zone_of(&z, "<-02>2<-01>,M3.5.0/-1,M10.5.0/0");
	check_int(zone_offset(&z, at(2026, 3, 29, 1, 0) - 1), -2 * HOUR);
	check_int(zone_offset(&z, at(2026, 3, 29, 1, 0)), -HOUR);
	zone_release(&z);

	/* Dublin: winter is the exception, and over the new year. */
	zone_of(&z, "IST-1GMT0,M10.5.0,M3.5.0/1");
	check_int(zone_offset(&z, at(2026, 1, 1, 0, 0)), 0);
	check_int(zone_offset(&z, at(2026, 7, 1, 0, 0)), HOUR);
	zone_release(&z);

	/* Always daylight saving. */
	zone_of(&z, "EST5EDT,0/0,J365/25");
	for (int64_t s = at(2023, 12, 30, 0, 0); s < at(2024, 1, 3, 0, 0); s += 600)
		check_int(zone_offset(&z, s), -4 * HOUR);
	zone_release(&z);

	/* J60 is March 1 in every year, J59 the last day but one before it in a leap year; counted
	 * from 0, 59 is Feb 29 there. */
	zone_of(&z, "AAA0BBB,J60/0,J300/1");
	check_int(zone_offset(&z, at(2024, 3, 1, 0, 0) - 1), 0);
	check_int(zone_offset(&z, at(2024, 3, 1, 0, 0)), HOUR);
	check_int(zone_offset(&z, at(2025, 3, 1, 0, 0) - 1), 0);
	check_int(zone_offset(&z, at(2025, 3, 1, 0, 0)), HOUR);
	zone_release(&z);
	zone_of(&z, "AAA0BBB,J59/0,J300/1");
	check_int(zone_offset(&z, at(2024, 2, 28, 0, 0) - 1), 0);
	check_int(zone_offset(&z, at(2024, 2, 28, 0, 0)), HOUR);
	zone_release(&z);
	zone_of(&z, "AAA0BBB-0:30,59/0,300/1");
	check_int(zone_offset(&z, at(2024, 2, 29, 0, 0) - 1), 0);
	check_int(zone_offset(&z, at(2024, 2, 29, 0, 0)), HOUR / 2);
	check_int(zone_offset(&z, at(2025, 3, 1, 0, 0) - 1), 0);
	check_int(zone_offset(&z, at(2025, 3, 1, 0, 0)), HOUR / 2);
	zone_release(&z);

	/* Hours of other days: Thursday 0:00 + 74 h is Sunday 2:00. */
	zone_of(&z, "AAA0BBB,M3.4.4/74,M10.4.4/-25:30:15");
	check_int(zone_offset(&z, at(2026, 3, 29, 2, 0) - 1), 0);
	check_int(zone_offset(&z, at(2026, 3, 29, 2, 0)), HOUR);
	check_int(zone_offset(&z, at(2026, 10, 22, 0, 0) - 26 * HOUR - 1815 - 1), HOUR);
	check_int(zone_offset(&z, at(2026, 10, 22, 0, 0) - 26 * HOUR - 1815), 0);
	zone_release(&z);
}

void test_damaged_rules(void)
{
	static const char *const rules[] = {"EST", "E5", "EST25", "EST5EDT", "EST5EDT,",
		"EST5EDT,M3.2.0", "EST5EDT,M3.2.0,", "EST5EDT,M13.2.0,M11.1.0",
		"EST5EDT,M3.6.0,M11.1.0", "EST5EDT,M3.2.7,M11.1.0", "EST5EDT,M3.2.0,M11.1.0x",
		"EST5EDT,J0,J9", "EST5EDT,J366,J9", "EST5EDT,366,9", "EST5EDT,1/168,9",
		"EST5EDT,1/1:60,9", "<EST5", "<E>5<D>,1,2/", "EST5:", "EST99999999999999999999",
		"5"};
	static const int32_t none[] = {0};
	struct zone z;
	struct buf b;

	buf_init(&b);
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		tzif(&b, NULL, 0, none, 1, rules[i]);
		check_text(parse(&z, &b), "the time zone's rule for later times is damaged");
	}
	buf_release(&b);
}

/* A clock that is changed again before the hour it skipped or repeated is over. */
void test_changes_close_together(void)
{
	static const int32_t types[] = {0, HOUR, 2 * HOUR, -HOUR};
	static const struct change up_down[] = {{100000, 1}, {100600, 0}};
	static const struct change down_up[] = {{100000, 3}, {100600, 0}};
	static const struct change up_up[] = {{100000, 1}, {100600, 2}};
	struct zone z;
	struct buf b;

	buf_init(&b);
	tzif(&b, up_down, 2, types, 4, "");
	check(parse(&z, &b) == NULL);
	check_int(zone_to_utc(&z, 99999), 99999);
	check_int(
		zone_to_utc(&z, 100100), 103700 - HOUR + HOUR - 3600); /* 100100: UTC comes back */
	check_int(zone_to_utc(&z, 103600), 100000);
	check_int(zone_to_utc(&z, 104199), 100599);
	check_int(zone_to_utc(&z, 104200), 104200);
	zone_release(&z);
	tzif(&b, down_up, 2, types, 4, "");
	check(parse(&z, &b) == NULL);
	check_int(zone_to_utc(&z, 96400), 96400);
	check_int(zone_to_utc(&z, 100300), 103900);
	check_int(zone_to_utc(&z, 100600), 100600);
	zone_release(&z);
	tzif(&b, up_up, 2, types, 4, "");
	check(parse(&z, &b) == NULL);
	check_int(zone_to_utc(&z, 103600), 100000);
	check_int(zone_to_utc(&z, 104200), 100600);
	check_int(zone_to_utc(&z, 107800), 100600);
	zone_release(&z);
	buf_release(&b);
}

void test_version_1(void)
{
	struct zone z;
	struct buf b;

	buf_init(&b);
	add_block(&b, '\0', 0, berlin_changes + 1, 4, berlin_types, 3);
	check(parse(&z, &b) == NULL);
	check_int(zone_offset(&z, 0), 3208);
	check_int(zone_offset(&z, 828234000), 2 * HOUR);
	check_int(zone_offset(&z, at(2026, 7, 1, 0, 0)), HOUR);
	zone_release(&z);
	buf_release(&b);
}

void test_refusals(void)
{
	static const int32_t far[] = {26 * HOUR};
	static const int32_t near[] = {0};
	static const struct change disorder[] = {{10, 0}, {10, 0}};
	static const struct change stranger[] = {{10, 1}};
	static const struct change distant[] = {{INT64_MAX, 0}};
	struct zone z;
	struct buf b;

	buf_init(&b);
	check_text(zone_parse(&z, "", 0), "not a time zone file");
	tzif(&b, NULL, 0, far, 1, "");
	check_text(parse(&z, &b), "the time zone file has an offset of more than a day");
	tzif(&b, NULL, 0, near, 0, "");
	check_text(parse(&z, &b), "the time zone file has no offset");
	tzif(&b, disorder, 2, near, 1, "");
	check_text(parse(&z, &b), "the time zone file's transitions are out of order");
	tzif(&b, stranger, 1, near, 1, "");
	check_text(parse(&z, &b), "the time zone file names an offset that it does not have");
	tzif(&b, distant, 1, near, 1, "");
	check_text(parse(&z, &b), "the time zone file has a transition out of range");
	buf_clear(&b);
	add_block(&b, '\0', 2, NULL, 0, near, 1);
	check_text(parse(&z, &b), "the time zone counts leap seconds, which UTC times here do not");
	buf_release(&b);
}

/* In memory of its exact size, so that a sanitizer sees every byte read behind it. */
static void parse_exactly(const char *bytes, size_t len)
{
	char *copy = malloc(len ? len : 1);
	struct zone z;

	memcpy(copy, bytes, len);
	if (!zone_parse(&z, copy, len)) {
		for (int64_t s = at(1600, 1, 1, 0, 0); s < at(2900, 1, 1, 0, 0); s += 86400 * 331) {
			zone_offset(&z, s);
			zone_to_utc(&z, s);
		}
		zone_to_utc(&z, INT64_MIN / 2);
		zone_to_utc(&z, INT64_MAX / 2);
		zone_release(&z);
	}
	free(copy);
}

void test_cut_short(void)
{
	struct zone z;
	struct buf b;

	buf_init(&b);
	tzif_berlin(&b);
	for (size_t len = 0; len < b.len; len++) {
		parse_exactly(b.data, len);
		check(zone_parse(&z, b.data, len) != NULL);
	}
	buf_release(&b);
}

void test_any_damage_is_safe(void)
{
	uint64_t random = 20260501;
	struct buf b, whole;

	buf_init(&b);
	buf_init(&whole);
	tzif_berlin(&whole);
	for (int i = 0; i < 20000; i++) {
		buf_clear(&b);
		buf_add(&b, whole.data, whole.len);
		for (int n = 0; n <= i % 4; n++) {
			random = random * 6364136223846793005 + 1442695040888963407;
			b.data[(random >> 33) % b.len] = (char)(random >> 25);
		}
		parse_exactly(b.data, b.len);
	}
	buf_release(&whole);
	buf_release(&b);
}

void test_names(void)
{
	static const char *const no_names[] = {
		"", "/etc/localtime", "..", "../x", "a/..", "a/../b"};
	struct zone z;

	for (size_t i = 0; i < sizeof(no_names) / sizeof(*no_names); i++)
		check_text(zoneinfo_load(&z, no_names[i]),
			"not a time zone name (such as Europe/Berlin)");
	check(setenv("TZDIR", "/nonexistent", 1) == 0);
	check_text(zoneinfo_load(&z, "Europe/Berlin"),
		"no time zone data on this system (package tzdata, or set TZDIR)");
	check(zoneinfo_load(&z, "UTC") == NULL);
	check_int(zone_offset(&z, at(2026, 7, 1, 0, 0)), 0);
	check_int(zone_to_utc(&z, 12345), 12345);
	zone_release(&z);
	check(setenv("TZDIR", "/etc", 1) == 0);
	check_text(zoneinfo_load(&z, "Moon/Tycho"), "unknown time zone");
	check_text(zoneinfo_load(&z, "passwd/x"), "unknown time zone");
	check_text(zoneinfo_load(&z, "."), "unknown time zone");
	check_text(zoneinfo_load(&z, "passwd"), "not a time zone file");
}
