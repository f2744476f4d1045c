#include "tool/results.h"

#include <sysexits.h>

#include "base/mem.h"
#include "child.h"
#include "test.h"

/* A command's results, without its filter: rows are made, not said. */
struct setting {
	struct results r;
	struct aggregates a;
	struct paths paths;
	struct key_fields key;
	void *state;
};

static const char *const window_names[] = {"window_start", "window_end"};

static void setting_begin(struct setting *s, const char *list)
{
	size_t column;

	*s = (struct setting){.state = NULL};
	results_init(&s->r);
	paths_init(&s->paths);
	check(!aggregates_compile(&s->a, list, &s->paths, &column));
	s->r.plain.aggregates = &s->a;
	s->r.plain.key = &s->key;
	s->state = mem_zero(1, s->a.state_bytes + sizeof(struct issued));
}

static void setting_end(struct setting *s)
{
	aggregates_clear(&s->a, s->state);
	free(s->state);
	results_release(&s->r);
	aggregates_release(&s->a);
	paths_release(&s->paths);
}

/* So many records, of nothing but their being there. */
static void count_records(struct setting *s, int n)
{
	while (n-- > 0) {
		size_t which;
		const struct span none[8] = {{.at = NULL}};

		check(s->paths.count <= 8);
		check(!aggregates_read(&s->a, none, "{}", 2, &which));
		aggregates_apply(&s->a, s->state, 0);
	}
}

static bool make(struct setting *s, const char *want)
{
	const struct result what = {
		.bounds = {true, true, 0, 60000000000}, .key = "", .state = s->state};
	bool is_out = results_make(&s->r, &what);

	buf_char(&s->r.row, '\0');
	s->r.row.len--;
	check_text(s->r.row.data, want);
	return is_out;
}

#define BOUNDS "{\"window_start\":\"1970-01-01T00:00:00Z\",\"window_end\":\"1970-01-01T00:01:00Z\","

void test_rows(void)
{
	struct setting s;

	setting_begin(&s, "n=count, x=sum(x)");
	results_prepare(&s.r, window_names, 2);
	check(make(&s, BOUNDS "\"n\":0,\"x\":null,"));
	count_records(&s, 3);
	check(make(&s, BOUNDS "\"n\":3,\"x\":null,"));
	setting_end(&s);
}

/* Each --let sees the ones before it, and --having all. */
void test_let_and_having(void)
{
	struct setting s;

	setting_begin(&s, "n=count");
	check(!results_read_let("twice=n * 2", &s.r));
	check(!results_read_let("four=twice * 2", &s.r));
	check(!results_read_let("none=n / 0", &s.r));
	check(!results_read_having("four > 8 and window_end != \"x\"", &s.r));
	results_prepare(&s.r, window_names, 2);
	count_records(&s, 2);
	check(!make(&s, BOUNDS "\"n\":2,\"twice\":4,\"four\":8,\"none\":null,"));
	count_records(&s, 1);
	check(make(&s, BOUNDS "\"n\":3,\"twice\":6,\"four\":12,\"none\":null,"));
	setting_end(&s);
}

void test_rank(void)
{
	struct setting s;
	struct decimal rank;

	setting_begin(&s, "n=count,x=max(x)");
	check(!results_read_let("half=n / 2", &s.r));
	check(!results_read_top("3:half", &s.r));
	check_int(s.r.top, 3);
	results_prepare(&s.r, window_names, 2);
	count_records(&s, 7);
	check(make(&s, BOUNDS "\"n\":7,\"x\":null,\"half\":3.5,"));
	check(results_rank(&s.r, &rank));
	check(decimal_to_double(&rank) == 3.5);
	setting_end(&s);
	setting_begin(&s, "n=count,x=max(x)");
	check(!results_read_top("1:x", &s.r));
	results_prepare(&s.r, window_names, 2);
	check(make(&s, BOUNDS "\"n\":0,\"x\":null,"));
	check(!results_rank(&s.r, &rank));
	setting_end(&s);
}

void test_options_that_are_none(void)
{
	static const char *const lets[] = {"", "=1", "a", "a b=1", "a==1", "a-b=1", " a=1"};
	static const char *const tops[] = {"", "0:n", "n", "3", "3:", ":n", "-1:n", "+1:n", "3n:n"};
	struct results r;

	results_init(&r);
	for (size_t i = 0; i < sizeof(lets) / sizeof(*lets); i++)
		check_text(results_read_let(lets[i], &r), "not NAME=EXPR");
	check_int(r.let_count, 0);
	for (size_t i = 0; i < sizeof(tops) / sizeof(*tops); i++)
		check_text(results_read_top(tops[i], &r), "not N:FIELD");
	check_text(results_read_emit("Final", &r), "not final, updates or retractions");
	check(!results_read_emit("retractions", &r) && r.emit == RESULTS_RETRACTIONS);
	check(!results_read_emit("updates", &r) && r.emit == RESULTS_UPDATES);
	check_int(results_state_bytes(&r), sizeof(struct issued));
	check(!results_read_emit("final", &r) && r.emit == RESULTS_FINAL);
	check_int(results_state_bytes(&r), 0);
	results_release(&r);
}

/* What --let and others make of a list: prepared in a child, as it dies. */
struct wrong {
	const char *list, *let, *having, *emit;
};

static void prepare(void *context)
{
	const struct wrong *w = context;
	struct setting s;

	setting_begin(&s, w->list);
	if (w->let)
		check(!results_read_let(w->let, &s.r));
	if (w->having)
		check(!results_read_having(w->having, &s.r));
	if (w->emit)
		check(!results_read_emit(w->emit, &s.r));
	results_prepare(&s.r, window_names, 2);
	setting_end(&s);
}

static void check_wrong(struct wrong w, const char *why)
{
	struct child c;

	child_run(&c, prepare, &w);
	if (!strstr(c.err, why))
		fprintf(stderr, "got '%s', want '%s'\n", c.err, why);
	check(strstr(c.err, why) != NULL);
	check_int(c.status, EX_USAGE);
}

void test_names_and_expressions(void)
{
	struct wrong right = {"revision=count,retract=count", "x=retract", NULL, NULL};
	struct child c;

	child_run(&c, prepare, &right);
	check_int(c.status, 0);
	check_wrong((struct wrong){"count,count", NULL, NULL, NULL},
		"two fields of the result are called 'count'");
	check_wrong((struct wrong){"window_end=count", NULL, NULL, NULL},
		"two fields of the result are called 'window_end'");
	check_wrong((struct wrong){"n=count", "n=1", NULL, NULL},
		"two fields of the result are called 'n'");
	check_wrong((struct wrong){"revision=count", NULL, NULL, "updates"},
		"two fields of the result are called 'revision'");
	check_wrong((struct wrong){"retract=count", NULL, NULL, "retractions"},
		"two fields of the result are called 'retract'");
	check_wrong((struct wrong){"count", "ab=count +", NULL, NULL},
		"--let 'ab=count +': the expression ends too early at column 11");
	check_wrong((struct wrong){"count", NULL, "count = 1", NULL},
		"--having 'count = 1': '=' is written '==' at column 7");
}
