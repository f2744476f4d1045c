/*
 * The expression compiler and evaluator. The input is an expression, a newline, and a record. What
 * is given must be JSON, and the same when it is evaluated again.
 */
#include "record/expr.h"
#include "base/mem.h"

#include "json.h"

static void evaluate(struct expr *e, const struct span *values)
{
	struct buf first, second;

	buf_init(&first);
	buf_init(&second);
	value_print(&first, expr_eval(e, values));
	json_must(&first);
	must(expr_true(e, values) == (strcmp(buf_string(&first), "true") == 0));
	value_print(&second, expr_eval(e, values));
	must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	buf_release(&first);
	buf_release(&second);
}

static void run(struct expr *e, const struct paths *paths, const char *record, size_t len)
{
	struct span *values = mem_zero(paths->count + 1, sizeof(*values));
	char *line = json_line(record, len);
	struct span root;
	size_t where;

	if (!memchr(record, '\n', len) && !scan(paths, line, len, &root, values, &where))
		evaluate(e, values);
	free(line);
	free(values);
}

/* The C library's regcomp takes any amount of memory for a{255}{255}{255}: not ours to find. */
static int is_regex_bomb(const char *text)
{
	return strstr(text, "matches") && (strchr(text, '{') || strstr(text, "\\u"));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *input = (const char *)bytes;
	const char *end = len ? memchr(input, '\n', len) : NULL;
	size_t text_len = end ? (size_t)(end - input) : len, column = 0;
	char *text = mem_zero(1, text_len + 1);
	struct paths paths;
	struct expr *e;

	if (text_len)
		memcpy(text, input, text_len);
	paths_init(&paths);
	must(expr_extent(text) <= strlen(text));
	if (!is_regex_bomb(text)) {
		if (!expr_compile(&e, text, &paths, &column)) {
			run(e, &paths, end ? end + 1 : "{}", end ? len - text_len - 1 : 2);
			expr_free(e);
		} else {
			must(column >= 1 && column <= strlen(text) + 1);
		}
	}
	paths_release(&paths);
	free(text);
	return 0;
}
