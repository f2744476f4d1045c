#include "base/die.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 4096 };

static const char *name = "ddpipe";
static void (*last_words)(int status, const char *why);

void program_name_set(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');

	name = slash ? slash + 1 : argv0;
}

const char *program_name(void)
{
	return name;
}

void die_last_words(void (*speak)(int status, const char *why))
{
	last_words = speak;
}

/* Messages quote what comes from outside: no control character of it reaches a terminal. */
static void tame(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static void leave(int status, char *why) __attribute__((noreturn));

static void leave(int status, char *why)
{
	void (*speak)(int, const char *) = last_words;

	tame(why);
	fprintf(stderr, "%s: %s\n", name, why);
	last_words = NULL;
	if (speak)
		speak(status, why);
	exit(status);
}

void die(int status, const char *format, ...)
{
	char why[MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	leave(status, why);
}

void die_errno(int status, const char *format, ...)
{
	int error = errno;
	char what[MESSAGE_MAX / 2];
	char why[MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(why, sizeof(why), "%s: %s", what, strerror(error));
	leave(error == EACCES || error == EPERM ? EX_NOPERM : status, why);
}

void warn(const char *format, ...)
{
	char what[MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	tame(what);
	fprintf(stderr, "%s: %s\n", name, what);
}
