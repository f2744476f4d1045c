/* Aggregates over records that a test writes. */
#ifndef AGGRUN_H
#define AGGRUN_H

#include "base/mem.h"
#include "random.h"
#include "record/aggprint.h"
#include "test.h"

/* A list with all it needs to take records. */
struct run {
	struct aggregates a;
	struct paths paths;
	struct span *values;
	struct buf line;
};

static inline void run_begin(struct run *r, const char *list)
{
	size_t column;
	const char *why;

	*r = (struct run){.values = NULL};
	paths_init(&r->paths);
	buf_init(&r->line);
	why = aggregates_compile(&r->a, list, &r->paths, &column);
	if (why)
		fprintf(stderr, "%s: %s at %zu\n", list, why, column);
	check(!why);
	r->values = mem_zero(r->paths.count + 1, sizeof(*r->values));
}

static inline void run_end(struct run *r)
{
	aggregates_release(&r->a);
	paths_release(&r->paths);
	buf_release(&r->line);
	free(r->values);
}

static inline void *state_new(const struct run *r)
{
	return mem_zero(1, r->a.state_bytes + 1);
}

static inline void state_free(struct run *r, void *state)
{
	aggregates_clear(&r->a, state);
	for (size_t i = 0; i < r->a.state_bytes; i++)
		check_int(((char *)state)[i], 0);
	free(state);
}

static const char *read_record(struct run *r, const char *record, size_t len, size_t *which)
{
	struct span root;
	size_t where;

	buf_clear(&r->line);
	buf_add(&r->line, record, len);
	buf_char(&r->line, '\n');
	memset(buf_reserve(&r->line, SCAN_PAD), 0, SCAN_PAD);
	check(!scan(&r->paths, r->line.data, len, &root, r->values, &where));
	return aggregates_read(&r->a, r->values, r->line.data, len, which);
}

static inline void take(struct run *r, void *state, const char *record, int64_t time_ns)
{
	size_t which;
	const char *why = read_record(r, record, strlen(record), &which);

	if (why)
		fprintf(stderr, "%s: %s of %s\n", record, why, r->a.list[which].name);
	check(!why);
	aggregates_apply(&r->a, state, time_ns);
}

/* Records one a line, each a nanosecond after the one before. */
static inline void take_all(struct run *r, void *state, const char *records)
{
	char *text = mem_string(records), *rest = text, *record;
	int64_t time_ns = 0;

	while ((record = strsep(&rest, "\n")))
		if (*record)
			take(r, state, record, time_ns++);
	free(text);
}

/* What is written in the short way is what the long one gave. */
static inline void check_few(
	const struct aggregates *a, size_t i, const void *state, const char *want)
{
	const struct aggregate *g = &a->list[i];
	char text[DECIMAL_TEXT_MAX], *end;

	end = aggprint_few(text, g, (const char *)state + g->offset);
	check(end || g->kind != AGGREGATE_COUNT);
	if (!end)
		return;
	*end = '\0';
	check_text(text, want);
}

/* All results, or the reason why there are none. */
static inline void print_all(struct run *r, const void *state, struct buf *to)
{
	buf_clear(to);
	for (size_t i = 0; i < r->a.count; i++) {
		const char *why;
		size_t from;

		buf_text(to, i ? " " : "");
		from = to->len;
		why = aggregates_print(&r->a, i, state, to);
		check_few(&r->a, i, state, why ? why : buf_string(to) + from);
		if (why)
			buf_format(to, "(%s)", why);
	}
}

/* A random record, of few values, some of them none. */
static inline void random_record(struct buf *record, bool is_float)
{
	static const char *const values[] = {"1", "-2", "0.5", "1.50", "100", "-0.25", "3.000",
		"12345678901", "null", "0", "7e0"};

	buf_clear(record);
	buf_format(record, "{\"id\":%llu", (unsigned long long)random_below(1000));
	if (is_float)
		buf_format(record, ",\"x\":%llue-%llu", (unsigned long long)random_below(1000),
			(unsigned long long)random_below(60));
	else if (random_below(8))
		buf_format(record, ",\"x\":%s", values[random_below(11)]);
	buf_format(record, ",\"s\":\"%c\"}", "abcdefgh"[random_below(8)]);
}

static inline void print_equal(struct run *r, const void *got, const void *want)
{
	struct buf a, b;

	buf_init(&a);
	buf_init(&b);
	print_all(r, got, &a);
	print_all(r, want, &b);
	check_text(buf_string(&a), buf_string(&b));
	buf_release(&a);
	buf_release(&b);
}

#endif
