#include "record/aggparse.h"

#include "base/buf.h"
#include "base/decimalprint.h"
#include "test.h"

static const char *const kinds[] = {
	[AGGREGATE_COUNT] = "count",
	[AGGREGATE_SUM] = "sum",
	[AGGREGATE_AVG] = "avg",
	[AGGREGATE_STDDEV] = "stddev",
	[AGGREGATE_MIN] = "min",
	[AGGREGATE_MAX] = "max",
	[AGGREGATE_ARGMIN] = "argmin",
	[AGGREGATE_ARGMAX] = "argmax",
	[AGGREGATE_FIRST] = "first",
	[AGGREGATE_LAST] = "last",
	[AGGREGATE_COLLECT] = "collect",
	[AGGREGATE_TOP] = "top",
	[AGGREGATE_DISTINCT] = "distinct",
	[AGGREGATE_QUANTILE] = "quantile",
	[AGGREGATE_MERGE] = "merge",
};

static void describe(struct buf *to, const struct aggregate *g)
{
	buf_format(to, "%s:%s:%s", g->name, kinds[g->kind], g->argument ? g->argument : "");
	if (g->other)
		buf_text(to, ":other");
	if (g->is_list || g->kind == AGGREGATE_TOP)
		buf_format(to, ":%u", g->limit);
	if (g->has_at) {
		char text[DECIMAL_TEXT_MAX];

		decimal_print(text, &g->at);
		buf_format(to, ":at %s", text);
	}
	buf_char(to, ';');
}

/* NAME:KIND:ARGUMENT and the second argument, as it was understood. */
static void check_list(const char *list, const char *want)
{
	struct aggregates a = {.count = 0};
	struct paths paths;
	struct buf got;
	size_t column;
	const char *why;

	paths_init(&paths);
	buf_init(&got);
	why = aggregates_compile(&a, list, &paths, &column);
	if (why)
		fprintf(stderr, "%s: %s at column %zu\n", list, why, column);
	check(!why);
	for (size_t i = 0; i < a.count; i++)
		describe(&got, &a.list[i]);
	check_text(buf_string(&got), want);
	buf_release(&got);
	aggregates_release(&a);
	paths_release(&paths);
}

void test_lists(void)
{
	check_list("count", "count:count:;");
	check_list("n=count", "n:count:;");
	check_list("count,sum(a)", "count:count:;sum_a:sum:a;");
	check_list(" total = sum ( order.total ) ,\tavg(x) ", "total:sum:order.total;avg_x:avg:x;");
	check_list("count=sum(count)", "count:sum:count;");
	check_list("a=sum(x),b=sum(x)", "a:sum:x;b:sum:x;");
	check_list("1=count", "1:count:;");
	check_list("count\n,\n count(x)\n", "count:count:;count_x:count:x;");
	check_list("stddev(x),min(x),max(x)", "stddev_x:stddev:x;min_x:min:x;max_x:max:x;");
	check_list("distinct(x)", "distinct_x:distinct:x;");
	check_list("sum=sum(x)", "sum:sum:x;");
}

void test_arguments_are_expressions(void)
{
	check_list("errors=count(status >= 500 and not (a or b))",
		"errors:count:status >= 500 and not (a or b);");
	check_list("s=sum(a * (b + 1)),count", "s:sum:a * (b + 1);count:count:;");
	check_list("n=count(x == \"a),(\"),count", "n:count:x == \"a),(\";count:count:;");
	check_list("distinct(lower(name))", "distinct_lower_name:distinct:lower(name);");
}

void test_second_arguments(void)
{
	check_list("first(x),last(x)", "first_x:first:x;last_x:last:x;");
	check_list("first(x,1),last( x , 10 )", "first_x:first:x:1;last_x:last:x:10;");
	check_list("collect(x),collect(x,1000000)", "collect_x:collect:x:1000;"
						    "collect_x:collect:x:1000000;");
	check_list("top(page,3)", "top_page:top:page:3;");
	check_list("quantile(ms,0.99),quantile(ms,0),quantile(ms, 1.0)",
		"quantile_ms:quantile:ms:at 0.99;quantile_ms:quantile:ms:at 0;"
		"quantile_ms:quantile:ms:at 1.0;");
	check_list("merge(d),merge(q,0.5)", "merge_d:merge:d;merge_q:merge:q:at 0.5;");
	check_list("argmin(p),argmax(p,id),argmax(p, a + b)",
		"argmin_p:argmin:p;argmax_p:argmax:p:other;argmax_p:argmax:p:other;");
}

void test_names_of_their_own(void)
{
	check_list("sum(order.total)", "sum_order_total:sum:order.total;");
	check_list("sum(a  +  b)", "sum_a_b:sum:a  +  b;");
	check_list("count(status >= 500)", "count_status_500:count:status >= 500;");
	check_list("quantile(ms,0.5)", "quantile_ms:quantile:ms:at 0.5;");
}

static const char unknown[] = "not one of count sum avg stddev min max argmin argmax first last "
			      "collect top distinct quantile merge";

void test_lists_that_are_none(void)
{
	static const struct {
		const char *list, *why;
		size_t column;
	} cases[] = {
		{"", unknown, 1},
		{"median(x)", unknown, 1},
		{"Count", unknown, 1},
		{"counts", unknown, 1},
		{"  =count", unknown, 3},
		{"a=", unknown, 3},
		{"a=b=count", unknown, 3},
		{"count,", unknown, 7},
		{",count", unknown, 1},
		{"count,,n=count", unknown, 7},
		{"count, x = nothing", unknown, 12},
		{"sum", "no (argument) behind an aggregate that wants one", 4},
		{"max,count", "no (argument) behind an aggregate that wants one", 4},
		{"sum x", "no (argument) behind an aggregate that wants one", 5},
		{"top(x)", "no number of values, as in top(page, 10)", 7},
		{"quantile(x)", "no place from 0 to 1, as in quantile(ms, 0.99)", 12},
		{"count()", "an argument is missing", 7},
		{"sum( \t)", "an argument is missing", 7},
		{"argmax(x,)", "an argument is missing", 10},
		{"sum(x", "an unclosed parenthesis", 6},
		{"sum(x,y)", "one argument is all it takes", 7},
		{"count(x, 5)", "one argument is all it takes", 10},
		{"argmax(x,y,z)", "two arguments are all it takes", 11},
		{"first(x,0)", "not a number from 1 to 1000000", 9},
		{"first(x,-1)", "not a number from 1 to 1000000", 9},
		{"first(x,1.5)", "not a number from 1 to 1000000", 9},
		{"first(x,)", "not a number from 1 to 1000000", 9},
		{"first(x,y)", "not a number from 1 to 1000000", 9},
		{"collect(x,1000001)", "not a number from 1 to 1000000", 11},
		{"top(x,99999999999999999999)", "not a number from 1 to 1000000", 7},
		{"quantile(x,1.01)", "not a number from 0 to 1", 12},
		{"quantile(x, -0.1)", "not a number from 0 to 1", 13},
		{"quantile(x,.5)", "not a number from 0 to 1", 12},
		{"quantile(x,p99)", "not a number from 0 to 1", 12},
		{"merge(x,2)", "not a number from 0 to 1", 9},
		{"count count", "no comma between two aggregates", 7},
		{"sum(x))", "no comma between two aggregates", 7},
		{"sum(x)avg(x)", "no comma between two aggregates", 7},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct aggregates a = {.count = 0};
		struct paths paths;
		size_t column = 0;

		paths_init(&paths);
		check_text(aggregates_compile(&a, cases[i].list, &paths, &column), cases[i].why);
		check_int(column, cases[i].column);
		aggregates_release(&a);
		paths_release(&paths);
	}
}

/* What is wrong within an expression is shown where it stands in the whole list. */
void test_columns_of_expressions(void)
{
	static const struct {
		const char *list;
		size_t column;
	} cases[] = {
		{"sum(a b)", 7},
		{"count, e = count(status = 5)", 25},
		{"argmax(x, y ==)", 15},
		{"sum( nothing(x))", 6},
		{"count(s == \"\xc3\xa4\"), sum(b c)", 24},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct aggregates a = {.count = 0};
		struct paths paths;
		size_t column = 0;
		const char *why;

		paths_init(&paths);
		why = aggregates_compile(&a, cases[i].list, &paths, &column);
		check(why != NULL);
		check_int(column, cases[i].column);
		aggregates_release(&a);
		paths_release(&paths);
	}
}

void test_as_many_as_may_be(void)
{
	struct aggregates a = {.count = 0};
	struct paths paths;
	struct buf list;
	size_t column;

	paths_init(&paths);
	buf_init(&list);
	for (int i = 0; i < AGGREGATES_MAX; i++)
		buf_format(&list, "%sn%d=count", i ? "," : "", i);
	check(!aggregates_compile(&a, buf_string(&list), &paths, &column));
	check_int(a.count, AGGREGATES_MAX);
	aggregates_release(&a);
	buf_text(&list, ",more=count");
	check_text(aggregates_compile(&a, buf_string(&list), &paths, &column),
		"more than 64 aggregates");
	check_int(column, list.len - strlen("more=count") + 1);
	aggregates_release(&a);
	buf_release(&list);
	paths_release(&paths);
}
