/*
 * Scans the lines of stdin for tests/oracle/scan; its arguments are the paths. For each line it
 * prints "bad WHERE REASON", or "good" and for the value itself and each path
 * TYPE:OFFSET:LEN:ESCAPED.
 */
#include "record/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 64 };

static void print_span(const char *line, const struct span *s)
{
	if (s->type == SPAN_MISSING)
		printf(" 0:0:0:0");
	else
		printf(" %d:%td:%u:%d", s->type, s->at - line, s->len, s->escaped);
}

static void judge(const struct paths *p, const char *line, size_t len)
{
	struct span root, values[VALUES_MAX];
	size_t where;
	const char *why = scan(p, line, len, &root, values, &where);

	if (why) {
		printf("bad %zu %s\n", where, why);
		return;
	}
	printf("good");
	print_span(line, &root);
	for (uint32_t i = 0; i < p->count; i++)
		print_span(line, &values[i]);
	printf("\n");
}

/* Each line is scanned in memory that ends where the contract lets it end. */
int main(int argc, char **argv)
{
	struct paths p;
	char *read = NULL;
	size_t room = 0;
	ssize_t n;
	int value;

	paths_init(&p);
	for (int i = 1; i < argc; i++)
		if (i > VALUES_MAX || paths_add(&p, argv[i], &value))
			return 1;
	while ((n = getline(&read, &room, stdin)) > 0) {
		size_t len = (size_t)n - (read[n - 1] == '\n');
		char *line = malloc(len + 1 + SCAN_PAD);

		memcpy(line, read, len);
		line[len] = '\n';
		memset(line + len + 1, '0', SCAN_PAD);
		judge(&p, line, len);
		free(line);
	}
	free(read);
	paths_release(&p);
	return fflush(stdout) != 0;
}
