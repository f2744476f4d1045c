/*
 * How fast the scanner reads, beside jansson, in one run: the medians of interleaved rounds.
 *
 * usage: scan [FILE FIELD...]     reads the fields of a file instead, and prints how many lines
 * have how many of them, and their bytes; to be timed as a process
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/die.h"
#include "io/line.h"
#include "record/shape.h"

enum { ROUNDS = 7, RATIO_MIN = 15, BYTES = 16 << 20, FIELDS_MAX = 16 };

struct sample {
	const char *name;
	const char *fields[3];
	struct buf lines;
	size_t records;
};

static unsigned seed = 1;

static unsigned pick(unsigned below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void small_record(struct buf *b)
{
	buf_format(b,
		"{\"id\":\"%08x-%04x\",\"ts\":\"2026-05-01T%02u:%02u:%02u.%03uZ\",\"user\":"
		"\"user%u\","
		"\"type\":\"%s\",\"amount\":%u.%02u,\"status\":%u,\"page\":\"/p/%u\"}\n",
		pick(1u << 24), pick(1u << 16), pick(24), pick(60), pick(60), pick(1000),
		pick(100000), pick(2) ? "click" : "view", pick(1000), pick(100),
		200 + pick(4) * 100, pick(100000));
}

static void large_record(struct buf *b)
{
	buf_format(b,
		"{\"id\":%u,\"actor\":{\"login\":\"user%u\",\"site_admin\":false},\"items\":[",
		pick(1u << 24), pick(100000));
	for (int i = 0; i < 12; i++)
		buf_format(b,
			"%s{\"sku\":\"sku-%u\",\"title\":\"A thing that is sold by the dozen\","
			"\"price\":%u.%02u,\"tags\":[\"new\",\"sale\",null,true],"
			"\"stock\":{\"berlin\":%u,\"paris\":%u}}",
			i ? "," : "", pick(100000), pick(100), pick(100), pick(50), pick(50));
	buf_text(b, "],\"created_at\":\"2026-05-01T12:00:00Z\"}\n");
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Two lines at a time have their values in turn here and there. */
struct reader {
	struct shape shape;
	struct span values[2][FIELDS_MAX];
	unsigned turn;
};

static const char *read_line(struct reader *r, const char *at, size_t len)
{
	const struct shape_line l = {.at = at, .len = len, .values = r->values[r->turn ^= 1]};
	struct span root;
	size_t where;

	return shape_scan(&r->shape, &l, &root, &where);
}

static const char *next_newline(struct reader *r, const char *at, const char *end)
{
	const struct shape_view v = {.at = at,
		.end = end,
		.values = r->values[r->turn ^ 1],
		.next_values = r->values[r->turn]};

	if (!shape_next_newline(&r->shape))
		shape_look(&r->shape, &v);
	return shape_next_newline(&r->shape);
}

static double scanned_s(const struct sample *s, struct reader *r)
{
	double from = now_s();
	const char *p = s->lines.data, *end = p + s->lines.len;

	while (p < end) {
		const char *newline = next_newline(r, p, end);

		if (!newline)
			newline = memchr(p, '\n', (size_t)(end - p));
		if (read_line(r, p, (size_t)(newline - p)) ||
			r->values[r->turn][0].type == SPAN_MISSING)
			die(EX_SOFTWARE, "the scanner refuses the sample");
		p = newline + 1;
	}
	return now_s() - from;
}

static double parsed_s(const struct sample *s)
{
	double from = now_s();
	const char *p = s->lines.data, *end = p + s->lines.len / 8;

	while (p < end) {
		const char *newline = memchr(p, '\n', s->lines.len);
		json_t *tree = json_loadb(p, (size_t)(newline - p), 0, NULL);

		if (!tree)
			die(EX_SOFTWARE, "jansson refuses the sample");
		json_decref(tree);
		p = newline + 1;
	}
	return (now_s() - from) * 8;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int measure(struct sample *s, void (*record)(struct buf *))
{
	double ours[ROUNDS], theirs[ROUNDS], ratio[ROUNDS], mb;
	struct paths paths;
	struct reader reader = {.turn = 0};
	int value;

	buf_init(&s->lines);
	for (s->records = 0; s->lines.len < BYTES; s->records++)
		record(&s->lines);
	mb = (double)s->lines.len / 1e6;
	memset(buf_reserve(&s->lines, SCAN_PAD), 0, SCAN_PAD);
	paths_init(&paths);
	for (int i = 0; i < 3; i++)
		paths_add(&paths, s->fields[i], &value);
	shape_init(&reader.shape, &paths);
	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = scanned_s(s, &reader);
		theirs[i] = parsed_s(s);
		ratio[i] = theirs[i] / ours[i];
	}
	qsort(ours, ROUNDS, sizeof(*ours), ascending);
	qsort(theirs, ROUNDS, sizeof(*theirs), ascending);
	qsort(ratio, ROUNDS, sizeof(*ratio), ascending);
	printf("%-8s %6.0f %10.0f %12.0f %8.1f\n", s->name,
		(double)s->lines.len / (double)s->records, mb / ours[ROUNDS / 2],
		mb / theirs[ROUNDS / 2], ratio[ROUNDS / 2]);
	paths_release(&paths);
	buf_release(&s->lines);
	return ratio[ROUNDS / 2] >= RATIO_MIN;
}

static int read_file(const char *file, char **fields, int count)
{
	struct paths paths;
	struct reader reader = {.turn = 0};
	struct input in;
	struct lines lines;
	struct line line;
	size_t records = 0, found = 0, bytes = 0;
	int value;

	paths_init(&paths);
	for (int i = 0; i < count; i++)
		if (i == FIELDS_MAX || paths_add(&paths, fields[i], &value))
			die(EX_USAGE, "'%s' is no field", fields[i]);
	shape_init(&reader.shape, &paths);
	input_open(&in, file);
	lines_init(&lines, (size_t)16 << 20);
	lines_begin(&lines, &in);
	do {
		for (; lines_next(&lines, &line); records++) {
			const char *rest, *end;

			if (read_line(&reader, line.at, line.len))
				die(EX_DATAERR, "line %zu is no JSON", records + 1);
			for (int i = 0; i < count; i++) {
				found += reader.values[reader.turn][i].type != SPAN_MISSING;
				bytes += reader.values[reader.turn][i].len;
			}
			rest = lines_rest(&lines, &end);
			lines_expect(&lines, next_newline(&reader, rest, end));
		}
	} while (lines_fill(&lines));
	printf("%zu records, %zu fields, %zu bytes\n", records, found, bytes);
	lines_release(&lines);
	input_close(&in);
	shape_release(&reader.shape);
	paths_release(&paths);
	return 0;
}

int main(int argc, char **argv)
{
	struct sample small = {.name = "small", .fields = {"id", "user", "amount"}};
	struct sample large = {.name = "nested", .fields = {"id", "actor.login", "items.3.price"}};
	int fast;

	if (argc > 2)
		return read_file(argv[1], argv + 2, argc - 2);
	printf("%-8s %6s %10s %12s %8s\n", "records", "bytes", "scan MB/s", "jansson MB/s",
		"ratio");
	fast = measure(&small, small_record);
	fast &= measure(&large, large_record);
	if (!fast)
		printf("the scanner is less than %d times as fast as jansson\n", RATIO_MIN);
	return !fast;
}
