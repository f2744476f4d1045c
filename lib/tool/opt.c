#include "tool/opt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/units.h"

enum { HELP_COLUMN = 28 };

enum { HELP, VERSION_ROW };

static const struct opt builtin[] = {
	[HELP] = {.letter = 'h', .name = "help"},
	[VERSION_ROW] = {.name = "version"},
	{.name = NULL},
};

const char *opt_text(const char *text, void *to)
{
	*(const char **)to = text;
	return NULL;
}

const char *opt_duration(const char *text, void *to)
{
	return units_duration(text, to);
}

const char *opt_signed_duration(const char *text, void *to)
{
	return units_signed_duration(text, to);
}

const char *opt_size(const char *text, void *to)
{
	return units_size(text, to);
}

const char *opt_count(const char *text, void *to)
{
	return units_count(text, to);
}

static const struct opt *find_in(const struct opt *table, char letter, const char *name, size_t len)
{
	for (const struct opt *o = table; o->name || o->group; o++) {
		const struct opt *found = o;

		if (o->group)
			found = find_in(o->group, letter, name, len);
		else if (name ? strncmp(o->name, name, len) != 0 || o->name[len]
			      : o->letter != letter)
			found = NULL;
		if (found)
			return found;
	}
	return NULL;
}

/* By letter, or by name where there is one. */
static const struct opt *find(
	const struct opt_command *c, char letter, const char *name, size_t len)
{
	const struct opt *o = find_in(c->own, letter, name, len);

	if (!o)
		o = find_in(c->common, letter, name, len);
	return o ? o : find_in(builtin, letter, name, len);
}

/* Names only, in lines that fit a screen; returns the column. */
static int print_names(const struct opt *table, bool unexplained_only, int column)
{
	for (const struct opt *o = table; o->name || o->group; o++) {
		if (o->group) {
			column = print_names(o->group, unexplained_only, column);
			continue;
		}
		if (unexplained_only && o->help)
			continue;
		if (column + (int)strlen(o->name) + (o->arg ? (int)strlen(o->arg) : 0) + 4 > 79)
			column = printf("\n       ") - 1;
		column += printf(" --%s%s%s", o->name, o->arg && unexplained_only ? " " : "",
			o->arg && unexplained_only ? o->arg : "");
	}
	return column;
}

static bool has_unexplained(const struct opt *table)
{
	for (const struct opt *o = table; o->name || o->group; o++)
		if (o->group ? has_unexplained(o->group) : !o->help)
			return true;
	return false;
}

static void print_row(const struct opt *o)
{
	char left[80];
	int len;

	if (o->letter)
		len = snprintf(left, sizeof(left), "  -%c, --%s", o->letter, o->name);
	else
		len = snprintf(left, sizeof(left), "      --%s", o->name);
	if (o->arg)
		len += snprintf(left + len, sizeof(left) - (size_t)len, " %s", o->arg);
	if (len >= HELP_COLUMN)
		printf("%s  %s\n", left, o->help);
	else
		printf("%-*s%s\n", HELP_COLUMN, left, o->help);
}

static void print_rows(const struct opt *table)
{
	for (const struct opt *o = table; o->name || o->group; o++) {
		if (o->group)
			print_rows(o->group);
		else if (o->help)
			print_row(o);
	}
}

static void print_help(const struct opt_command *c)
{
	printf("usage: %s [OPTION]...%s%s\n%s\n\n", program_name(), *c->operands ? " " : "",
		c->operands, c->purpose);
	print_rows(c->own);
	if (has_unexplained(c->own)) {
		print_names(c->own, true, printf("More:  "));
		printf("\n");
	}
	print_names(c->common, false, printf("Common, see ddpipe(7):"));
	printf("\n");
}

static void leave_if_asked(const struct opt_command *c, const struct opt *o)
{
	if (o == &builtin[HELP])
		print_help(c);
	else if (o == &builtin[VERSION_ROW])
		printf("%s " VERSION "\n", program_name());
	else
		return;
	if (fflush(stdout) != 0)
		die_errno(EX_IOERR, "cannot write to stdout");
	exit(EX_OK);
}

static void set(const struct opt *o, const char *value, const char *from)
{
	const char *why;

	if (!o->read) {
		*(bool *)o->to = true;
		return;
	}
	why = o->read(value, o->to);
	if (why)
		die(EX_USAGE, "%s '%s': %s", from, value, why);
}

static void take_env(const struct opt *table)
{
	for (const struct opt *o = table; o->name; o++) {
		const char *value = o->env ? getenv(o->env) : NULL;

		if (value && *value)
			set(o, value, o->env);
	}
}

/* --name, --name=value or --name value; returns how many words it took. */
static int take_long(const struct opt_command *c, const char *word, const char *next)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct opt *o = find(c, 0, word, len);
	const char *value = equals ? equals + 1 : next;
	char from[64];

	if (!o)
		die(EX_USAGE, "unknown option '--%.*s'; see %s --help", (int)len, word,
			program_name());
	leave_if_asked(c, o);
	if (!o->read && equals)
		die(EX_USAGE, "option '--%s' takes no value", o->name);
	if (o->read && !value)
		die(EX_USAGE, "option '--%s' wants a value: %s", o->name, o->arg);
	snprintf(from, sizeof(from), "option '--%s'", o->name);
	set(o, value, from);
	return o->read && !equals ? 2 : 1;
}

/* A word of letters, the last of which may have a value; returns how many words it took. */
static int take_letters(const struct opt_command *c, const char *word, const char *next)
{
	for (const char *p = word; *p; p++) {
		const struct opt *o = find(c, *p, NULL, 0);
		const char *value = p[1] ? p + 1 : next;
		char from[16];

		if (!o)
			die(EX_USAGE, "unknown option '-%c'; see %s --help", *p, program_name());
		leave_if_asked(c, o);
		if (o->read && !value)
			die(EX_USAGE, "option '-%c' wants a value: %s", *p, o->arg);
		snprintf(from, sizeof(from), "option '-%c'", *p);
		set(o, value, from);
		if (o->read)
			return p[1] ? 1 : 2;
	}
	return 1;
}

int opt_parse(const struct opt_command *c, int argc, char **argv)
{
	int operands = 0, i = 1;

	program_name_set(argv[0]);
	take_env(c->common);
	while (i < argc) {
		char *word = argv[i];
		const char *next = argv[i + 1];

		if (strcmp(word, "--") == 0) {
			for (i++; i < argc; i++)
				argv[operands++] = argv[i];
		} else if (word[0] == '-' && word[1] == '-') {
			i += take_long(c, word + 2, next);
		} else if (word[0] == '-' && word[1]) {
			i += take_letters(c, word + 1, next);
		} else {
			argv[operands++] = word;
			i++;
		}
	}
	return operands;
}
