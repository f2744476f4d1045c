#include "record/version.h"

#include "base/decimalprint.h"
#include "base/mem.h"
#include "test.h"

static struct version_reader reader;

/* Reads a JSON scalar. */
static const char *read_text(const char *json, struct decimal *version)
{
	static char line[256 + SCAN_PAD];
	struct paths none;
	struct span root;
	size_t where;

	snprintf(line, 256, "%s\n", json);
	paths_init(&none);
	check(!scan(&none, line, strlen(json), &root, NULL, &where));
	paths_release(&none);
	return version_read(&reader, &root, version);
}

static void check_version(const char *json, const char *want)
{
	char text[DECIMAL_TEXT_MAX];
	struct decimal d;

	check(!read_text(json, &d));
	check(!d.is_double);
	decimal_print(text, &d);
	check_text(text, want);
}

static void check_refused(const char *json, const char *reason, const char *detail)
{
	struct decimal d;

	check_text(read_text(json, &d), reason);
	check_text(reader.detail, detail);
}

static const char time_among_numbers[] = "a string where the versions so far are numbers";
static const char number_among_times[] = "a number where the versions so far are times";
static const char too_long[] = "a number of more digits than are compared exactly";

void test_numbers(void)
{
	check(!version_init(&reader, NULL));
	check(!version_kind(&reader));
	check_version("12", "12");
	check_text(version_kind(&reader), "number");
	check_version("-1.50e1", "-15.0");
	check_version("9007199254740993", "9007199254740993");
	check_version("0.10000000000000000000000000000000000001",
		"0.10000000000000000000000000000000000001");
	check_refused("\"2026-05-01T12:00:00Z\"", "not_a_version", time_among_numbers);
	check_refused("\"7\"", "not_a_version", time_among_numbers);
	check_refused("1e400", "not_a_version", too_long);
	check_refused("1e39", "not_a_version", too_long);
	check_refused("1e-39", "not_a_version", too_long);
	check_refused("170141183460469231731687303715884105728", "not_a_version", too_long);
	check_version("170141183460469231731687303715884105727",
		"170141183460469231731687303715884105727");
	version_release(&reader);
}

void test_times(void)
{
	check(!version_init(&reader, NULL));
	check_version("\"1970-01-01T00:00:01.5Z\"", "1500000000");
	check_text(version_kind(&reader), "time");
	check_version("\"2026-05-01T14:00:00\\u002b02:00\"", "1777636800000000000");
	check_version("\"1969-12-31t23:59:59.999999999z\"", "-1");
	check_refused("1777636800", "not_a_version", number_among_times);
	check_refused("\"2026-05-01T12:00:00\"", "not_a_version",
		"a date-time without offset; name its zone with --tz");
	check_refused("\"3026-05-01T12:00:00Z\"", "not_a_version",
		"does not fit 64-bit nanoseconds (years 1677 to 2262)");
	check_refused("\"1777636800\"", "not_a_version",
		"not an RFC 3339 date-time such as 2026-05-01T12:00:00Z");
	version_release(&reader);
	check(!version_init(&reader, "Europe/Berlin"));
	check_version("\"2026-05-01T14:00:00\"", "1777636800000000000");
	version_release(&reader);
	check(version_init(&reader, "Nowhere/At All") != NULL);
}

/* What can't be read decides nothing. */
void test_none(void)
{
	check(!version_init(&reader, NULL));
	check_refused("null", "no_version", "the version is missing or null");
	check_refused("true", "not_a_version", "neither a number nor a time");
	check_refused("[1]", "not_a_version", "neither a number nor a time");
	check_refused("{}", "not_a_version", "neither a number nor a time");
	check_refused(
		"\"x\"", "not_a_version", "not an RFC 3339 date-time such as 2026-05-01T12:00:00Z");
	check_refused("1e99", "not_a_version", too_long);
	check(!version_kind(&reader));
	check_version("0", "0");
	version_release(&reader);
}

void test_kinds(void)
{
	check(!version_init(&reader, NULL));
	check(!version_decide(&reader, ""));
	check(version_decide(&reader, "time"));
	check_text(version_kind(&reader), "time");
	check_refused("1", "not_a_version", number_among_times);
	check(version_decide(&reader, "number"));
	check_version("1", "1");
	version_release(&reader);
}
