#include "tool/opt.h"

#include <stdint.h>
#include <sysexits.h>

#include "child.h"
#include "test.h"

enum { WORDS_MAX = 16 };

/* What a command line sets. */
static struct {
	const char *key, *dlq, *grouped;
	int64_t bound_ns, offset_ns;
	uint64_t count, bytes;
	bool quiet, all;
} got;

static const struct opt group[] = {
	{.letter = 'g',
		.name = "grouped",
		.arg = "G",
		.help = "in a group",
		.read = opt_text,
		.to = &got.grouped},
	{.name = NULL},
};
static const struct opt own[] = {
	{.letter = 'k',
		.name = "key",
		.arg = "FIELD",
		.help = "the key",
		.read = opt_text,
		.to = &got.key},
	{.letter = 'b',
		.name = "bound",
		.arg = "D",
		.help = "the bound",
		.read = opt_duration,
		.to = &got.bound_ns},
	{.group = group},
	{.letter = 'a', .name = "all", .help = "a flag", .to = &got.all},
	{.name = "offset",
		.arg = "D",
		.help = "an offset",
		.read = opt_signed_duration,
		.to = &got.offset_ns},
	{.name = "count", .arg = "N", .help = "a count", .read = opt_count, .to = &got.count},
	{.name = "bytes-of-something-long",
		.arg = "SIZE",
		.help = "a size",
		.read = opt_size,
		.to = &got.bytes},
	{.name = NULL},
};
static const struct opt common[] = {
	{.name = "dlq", .arg = "DIR", .read = opt_text, .to = &got.dlq, .env = "OPT_TEST_DLQ"},
	{.letter = 'q', .name = "quiet", .to = &got.quiet},
	{.name = NULL},
};
static const struct opt_command command = {"does something", "[FILE]...", own, common};

/* A command line in words that are separated by blanks. */
struct words {
	char text[256];
	char *list[WORDS_MAX + 1];
	int count;
};

static void split(struct words *w, const char *line)
{
	char *rest = w->text;

	snprintf(w->text, sizeof(w->text), "/usr/bin/dd-test %s", line);
	w->count = 0;
	while (rest && *rest)
		w->list[w->count++] = strsep(&rest, " ");
	w->list[w->count] = NULL;
}

static int parse(struct words *w, const char *line)
{
	split(w, line);
	memset(&got, 0, sizeof(got));
	return opt_parse(&command, w->count, w->list);
}

void test_long_options(void)
{
	struct words w;

	check_int(parse(&w, "--key a.b --bound=5s --all --offset -1h --count=7"), 0);
	check_text(got.key, "a.b");
	check_int(got.bound_ns, 5000000000);
	check(got.all && !got.quiet);
	check_int(got.offset_ns, -3600000000000);
	check_int(got.count, 7);
	check_int(parse(&w, "--bytes-of-something-long 4k --grouped=x=y --key="), 0);
	check_int(got.bytes, 4096);
	check_text(got.grouped, "x=y");
	check_text(got.key, "");
}

void test_letters(void)
{
	struct words w;

	check_int(parse(&w, "-kab -b 5s -g x -a"), 0);
	check_text(got.key, "ab");
	check_int(got.bound_ns, 5000000000);
	check_text(got.grouped, "x");
	check(got.all);
	check_int(parse(&w, "-aqk x"), 0);
	check(got.all && got.quiet);
	check_text(got.key, "x");
	check_int(parse(&w, "-aqkx"), 0);
	check_text(got.key, "x");
	check_int(parse(&w, "-k-"), 0);
	check_text(got.key, "-");
	check_int(parse(&w, "-k=x"), 0);
	check_text(got.key, "=x");
}

/* A value may look like an option. */
void test_values_with_dashes(void)
{
	struct words w;

	check_int(parse(&w, "--key --all -k -q"), 0);
	check_text(got.key, "-q");
	check(!got.all && !got.quiet);
	check_int(parse(&w, "--key --"), 0);
	check_text(got.key, "--");
}

void test_operands(void)
{
	struct words w;

	check_int(parse(&w, "a -q - b --key k c"), 4);
	check_text(w.list[0], "a");
	check_text(w.list[1], "-");
	check_text(w.list[2], "b");
	check_text(w.list[3], "c");
	check(got.quiet);
	check_int(parse(&w, "-q x -- -a --key -- y"), 5);
	check_text(w.list[0], "x");
	check_text(w.list[1], "-a");
	check_text(w.list[2], "--key");
	check_text(w.list[3], "--");
	check_text(w.list[4], "y");
	check(!got.all && !got.key);
	check_int(parse(&w, ""), 0);
	check_int(parse(&w, "--"), 0);
}

void test_the_last_one_wins(void)
{
	struct words w;

	parse(&w, "-k a --key b -kc");
	check_text(got.key, "c");
}

void test_environment(void)
{
	struct words w;

	setenv("OPT_TEST_DLQ", "/from/env", 1);
	parse(&w, "");
	check_text(got.dlq, "/from/env");
	parse(&w, "--dlq given");
	check_text(got.dlq, "given");
	setenv("OPT_TEST_DLQ", "", 1);
	parse(&w, "");
	check(!got.dlq);
	unsetenv("OPT_TEST_DLQ");
}

static void parse_in_child(void *line)
{
	struct words w;

	parse(&w, line);
}

static void check_usage(const char *line, const char *want)
{
	char text[256];
	struct child c;

	snprintf(text, sizeof(text), "%s", line);
	child_run(&c, parse_in_child, text);
	check_text(c.err, want);
	check_text(c.out, "");
	check_int(c.status, EX_USAGE);
}

void test_errors(void)
{
	check_usage("--nonsense", "dd-test: unknown option '--nonsense'; see dd-test --help\n");
	check_usage("--nonsense=5", "dd-test: unknown option '--nonsense'; see dd-test --help\n");
	check_usage("--ke x", "dd-test: unknown option '--ke'; see dd-test --help\n");
	check_usage("--keys x", "dd-test: unknown option '--keys'; see dd-test --help\n");
	check_usage("--=x", "dd-test: unknown option '--'; see dd-test --help\n");
	check_usage("---", "dd-test: unknown option '---'; see dd-test --help\n");
	check_usage("-ax", "dd-test: unknown option '-x'; see dd-test --help\n");
	check_usage("a b -Z", "dd-test: unknown option '-Z'; see dd-test --help\n");
	check_usage("--key", "dd-test: option '--key' wants a value: FIELD\n");
	check_usage("-ak", "dd-test: option '-k' wants a value: FIELD\n");
	check_usage("--all=yes", "dd-test: option '--all' takes no value\n");
	check_usage("--bound 5",
		"dd-test: option '--bound' '5': without a unit: w, d, h, m, s, ms, us or ns\n");
	check_usage("-b-1s", "dd-test: option '-b' '-1s': negative\n");
	check_usage("--count=", "dd-test: option '--count' '': not a whole number\n");
}

static void check_shown(const char *line, const char *want)
{
	char text[256];
	struct child c;

	snprintf(text, sizeof(text), "%s", line);
	child_run(&c, parse_in_child, text);
	check_text(c.out, want);
	check_text(c.err, "");
	check_int(c.status, EX_OK);
}

void test_help_and_version(void)
{
	static const char help[] = "usage: dd-test [OPTION]... [FILE]...\n"
				   "does something\n"
				   "\n"
				   "  -k, --key FIELD           the key\n"
				   "  -b, --bound D             the bound\n"
				   "  -g, --grouped G           in a group\n"
				   "  -a, --all                 a flag\n"
				   "      --offset D            an offset\n"
				   "      --count N             a count\n"
				   "      --bytes-of-something-long SIZE  a size\n"
				   "Common, see ddpipe(7): --dlq --quiet\n";

	check_shown("--help", help);
	check_shown("-qh", help);
	check_shown("x --help --nonsense", help);
	check_shown("--version", "dd-test " VERSION "\n");
}

static void parse_unexplained(void *context)
{
	static const struct opt inner[] = {
		{.name = "inner", .arg = "N", .read = opt_count, .to = &got.count},
		{.name = NULL},
	};
	static const struct opt outer[] = {
		{.name = "first", .arg = "D", .read = opt_duration, .to = &got.bound_ns},
		{.letter = 'x', .name = "shown", .help = "is explained", .to = &got.all},
		{.group = inner},
		{.name = "a-flag-of-considerable-length", .to = &got.quiet},
		{.name = "a-name-that-goes-on", .arg = "SIZE", .read = opt_size, .to = &got.bytes},
		{.name = NULL},
	};
	static const struct opt_command c = {"explains little", "", outer, common};
	char help[] = "--help", *words[] = {context, help, NULL};

	opt_parse(&c, 2, words);
}

/* Options without a line of help are named below the others, in lines that fit a screen. */
void test_help_on_options_without_any(void)
{
	char name[] = "dd-test";
	struct child c;

	child_run(&c, parse_unexplained, name);
	check_text(c.out, "usage: dd-test [OPTION]...\n"
			  "explains little\n"
			  "\n"
			  "  -x, --shown               is explained\n"
			  "More:   --first D --inner N --a-flag-of-considerable-length\n"
			  "        --a-name-that-goes-on SIZE\n"
			  "Common, see ddpipe(7): --dlq --quiet\n");
	check_int(c.status, EX_OK);
}

static void parse_with_bad_environment(void *context)
{
	static uint64_t count;
	static const struct opt table[] = {
		{.name = "count",
			.arg = "N",
			.read = opt_count,
			.to = &count,
			.env = "OPT_TEST_COUNT"},
		{.name = NULL},
	};
	static const struct opt none[] = {{.name = NULL}};
	const struct opt_command c = {"", "", none, table};
	char *words[] = {context, NULL};

	setenv("OPT_TEST_COUNT", "many", 1);
	opt_parse(&c, 1, words);
}

void test_a_bad_value_in_the_environment(void)
{
	char name[] = "dd-test";
	struct child c;

	child_run(&c, parse_with_bad_environment, name);
	check_text(c.err, "dd-test: OPT_TEST_COUNT 'many': not a whole number\n");
	check_int(c.status, EX_USAGE);
}

static void help_into_a_full_disk(void *context)
{
	check(freopen("/dev/full", "w", stdout) != NULL);
	parse_in_child(context);
}

void test_help_that_cannot_be_written(void)
{
	char line[] = "--help";
	struct child c;

	child_run(&c, help_into_a_full_disk, line);
	check_text(c.err, "dd-test: cannot write to stdout: No space left on device\n");
	check_int(c.status, EX_IOERR);
}
