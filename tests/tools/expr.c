/*
 * Evaluates expressions for tests/oracle/expr. Each line is an expression, a tab and a record; the
 * answer is "missing", the JSON of what it gives, or "error COLUMN REASON". An expression that is
 * that of the line before is not compiled again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/expr.h"

struct compiled {
	char *text; /* NULL: none yet */
	struct paths paths;
	struct expr *e; /* NULL: does not compile */
	const char *why;
	size_t column;
	struct span *values;
};

static void compiled_release(struct compiled *c)
{
	if (c->e)
		expr_free(c->e);
	paths_release(&c->paths);
	free(c->values);
	free(c->text);
	*c = (struct compiled){0};
}

static void compile(struct compiled *c, const char *text)
{
	if (c->text && strcmp(c->text, text) == 0)
		return;
	compiled_release(c);
	c->text = strdup(text);
	paths_init(&c->paths);
	c->why = expr_compile(&c->e, text, &c->paths, &c->column);
	c->values = calloc(c->paths.count + 1, sizeof(*c->values));
}

static void evaluate(struct compiled *c, const char *record, struct buf *answer)
{
	size_t len = strlen(record), where = 0;
	char *line = calloc(1, len + 1 + SCAN_PAD);
	struct span root;
	const struct value *v;
	const char *why;

	memcpy(line, record, len);
	line[len] = '\n';
	why = scan(&c->paths, line, len, &root, c->values, &where);
	if (why) {
		fprintf(stderr, "%s at %zu: %s\n", why, where, record);
		exit(1);
	}
	v = expr_eval(c->e, c->values);
	if (v->type == VALUE_MISSING)
		buf_text(answer, "missing");
	else
		value_print(answer, v);
	if (expr_true(c->e, c->values) != (strcmp(buf_string(answer), "true") == 0))
		buf_text(answer, ", and expr_true says otherwise");
	free(line);
}

int main(void)
{
	struct compiled c = {0};
	struct buf answer;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	buf_init(&answer);
	while ((len = getline(&line, &cap, stdin)) > 0) {
		char *record = strchr(line, '\t');

		if (!record || line[len - 1] != '\n')
			return 1;
		*record++ = line[len - 1] = '\0';
		buf_clear(&answer);
		compile(&c, line);
		if (c.why)
			buf_format(&answer, "error %zu %s", c.column, c.why);
		else
			evaluate(&c, record, &answer);
		puts(buf_string(&answer));
	}
	buf_release(&answer);
	compiled_release(&c);
	free(line);
	return 0;
}
