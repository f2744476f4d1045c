#include "tool/auditreport.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void say(
	struct audit *a, const char *word, const char *path, const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	buf_format(&a->report, "%-13s %s: %s\n", word, path, text);
}

void audit_fine(struct audit *a, const char *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(a, "fine", path, format, args);
	va_end(args);
}

void audit_note(struct audit *a, const char *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(a, "note", path, format, args);
	va_end(args);
}

void audit_damaged(struct audit *a, const char *path, const char *format, ...)
{
	va_list args;

	a->damaged++;
	va_start(args, format);
	say(a, "damaged", path, format, args);
	va_end(args);
}

void audit_inconsistent(struct audit *a, const char *path, const char *format, ...)
{
	va_list args;

	a->inconsistent++;
	va_start(args, format);
	say(a, "inconsistent", path, format, args);
	va_end(args);
}

const char *audit_path(const struct audit *a, struct buf *path, const char *name)
{
	buf_clear(path);
	buf_format(path, "%s/%s", a->dir, name);
	return buf_string(path);
}

/* Who may write here could make us rely on anything. */
void audit_mode(struct audit *a, const char *name)
{
	struct buf path;
	struct stat st;

	buf_init(&path);
	if (stat(audit_path(a, &path, name), &st) == 0) {
		if (st.st_mode & (S_IWGRP | S_IWOTH))
			audit_inconsistent(a, name,
				"others can write it (mode %03o): chmod go-w it",
				(unsigned)st.st_mode & 0777);
		else if (st.st_mode & (S_IRWXG | S_IRWXO))
			audit_note(a, name, "others can read it (mode %03o)",
				(unsigned)st.st_mode & 0777);
	}
	buf_release(&path);
}

bool audit_ends_with(const char *name, const char *ending)
{
	size_t len = strlen(name), ending_len = strlen(ending);

	return len > ending_len && strcmp(name + len - ending_len, ending) == 0;
}
