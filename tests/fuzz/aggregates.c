/*
 * Lists of aggregates. The input is a list, and perhaps a newline and a record, which is taken into
 * two states. Names, layout and columns are as promised, results are JSON, merging and clearing
 * leave nothing behind.
 */
#include "record/aggregate.h"

#include "base/mem.h"

#include "json.h"

static const char record_for_all[] =
	"{\"x\":1.5,\"a\":{\"b\":-2},\"status\":500,\"s\":\"text\",\"n\":null}";

static void check_layout(const struct aggregates *a)
{
	size_t offset = 0;

	for (size_t i = 0; i < a->count; i++) {
		must(a->list[i].name[0] && a->list[i].limit >= 1);
		must(a->list[i].offset % 8 == 0 && a->list[i].offset >= offset);
		must(a->list[i].value || a->list[i].kind == AGGREGATE_COUNT);
		offset = a->list[i].offset + 1;
	}
	must(offset <= a->state_bytes && a->state_bytes % 8 == 0);
}

static void check_results(const struct aggregates *a, const void *state)
{
	struct buf result;

	buf_init(&result);
	for (size_t i = 0; i < a->count; i++) {
		buf_clear(&result);
		if (!aggregates_print(a, i, state, &result))
			json_must(&result);
	}
	buf_release(&result);
}

/* Room for the lists that the first values may ask for, not more. */
static int is_modest(const struct aggregates *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->list[i].limit > 1000)
			return 0;
	return 1;
}

static void use(struct aggregates *a, const struct span *values, const char *line, size_t len)
{
	void *one = mem_zero(1, a->state_bytes + 1), *two = mem_zero(1, a->state_bytes + 1);
	size_t which = a->count;

	check_results(a, one);
	for (int64_t i = 0; i < 3; i++) {
		if (aggregates_read(a, values, line, len, &which)) {
			must(which < a->count);
			break;
		}
		aggregates_apply(a, i % 2 ? two : one, -i);
	}
	aggregates_merge(a, one, two);
	check_results(a, one);
	a->gives_sketches = true;
	check_results(a, one);
	aggregates_clear(a, one);
	aggregates_clear(a, two);
	must(a->heap_bytes == 0);
	free(one);
	free(two);
}

static void run(struct aggregates *a, const struct paths *paths, const char *record, size_t len)
{
	struct span *values = mem_zero(paths->count + 1, sizeof(*values));
	char *line = json_line(record, len);
	struct span root;
	size_t where;

	check_layout(a);
	if (is_modest(a) && !memchr(record, '\n', len) &&
		!scan(paths, line, len, &root, values, &where))
		use(a, values, line, len);
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
	size_t list_len = end ? (size_t)(end - input) : len, column = 0;
	char *list = mem_zero(1, list_len + 1);
	struct aggregates a = {.count = 0};
	struct paths paths;

	if (list_len)
		memcpy(list, input, list_len);
	paths_init(&paths);
	if (!is_regex_bomb(list)) {
		if (aggregates_compile(&a, list, &paths, &column))
			must(column >= 1 && column <= strlen(list) + 1);
		else
			run(&a, &paths, end ? end + 1 : record_for_all,
				end ? len - list_len - 1 : sizeof(record_for_all) - 1);
		aggregates_release(&a);
	}
	paths_release(&paths);
	free(list);
	return 0;
}
