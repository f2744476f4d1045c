#include "flow/aggregate.h"

#include "base/mem.h"
#include "base/wide.h"
#include "random.h"
#include "test.h"

static void check_read(const char *list, const char *want)
{
	static const char *const kinds[] = {"count", "sum", "avg", "min", "max"};
	struct aggregates a;
	struct buf got;
	const char *why = aggregates_read(&a, list);

	if (why)
		fprintf(stderr, "%s: %s\n", list, why);
	check(!why);
	buf_init(&got);
	for (size_t i = 0; i < a.count; i++) {
		const char *field = a.list[i].field;

		buf_format(&got, "%s:%s:%s;", a.list[i].name, kinds[a.list[i].kind],
			field ? field : "");
		check_int(a.list[i].at % 8, 0);
	}
	check_text(buf_string(&got), want);
	buf_release(&got);
	aggregates_release(&a);
}

void test_lists(void)
{
	check_read("count", "count:count:;");
	check_read("n=count", "n:count:;");
	check_read("count,sum(a)", "count:count:;sum_a:sum:a;");
	check_read(" total = sum ( order.total ) ,\tavg(x) ", "total:sum:order.total;avg_x:avg:x;");
	check_read("min(a.b-c),max(/p/0~1)", "min_a_b_c:min:a.b-c;max__p_0_1:max:/p/0~1;");
	check_read("count=sum(count)", "count:sum:count;");
	check_read("a=sum(x),b=sum(x)", "a:sum:x;b:sum:x;");
	check_read("1=count", "1:count:;");
	check_read("sum(a b)", "sum_a_b:sum:a b;");
	check_read("sum(a,b)", "sum_a_b:sum:a,b;");
	check_read("sum(\xc3\xa4)", "sum___:sum:\xc3\xa4;");
}

void test_lists_that_are_none(void)
{
	static const struct {
		const char *list, *why;
	} cases[] = {
		{"", "not one of count, sum, avg, min, max"},
		{"median(x)", "not one of count, sum, avg, min, max"},
		{"Count", "not one of count, sum, avg, min, max"},
		{"counts", "not one of count, sum, avg, min, max"},
		{"=count", "not one of count, sum, avg, min, max"},
		{"a=", "not one of count, sum, avg, min, max"},
		{"a=b=count", "not one of count, sum, avg, min, max"},
		{"count,", "not one of count, sum, avg, min, max"},
		{",count", "not one of count, sum, avg, min, max"},
		{"count,,n=count", "not one of count, sum, avg, min, max"},
		{"sum", "no (field) behind an aggregate that wants one"},
		{"max,count", "no (field) behind an aggregate that wants one"},
		{"sum x", "no (field) behind an aggregate that wants one"},
		{"count(x)", "count takes no field"},
		{"count()", "count takes no field"},
		{"sum(x", "an unclosed parenthesis"},
		{"sum()", "no field between the parentheses"},
		{"sum( \t)", "no field between the parentheses"},
		{"count count", "no comma between two aggregates"},
		{"sum(x))", "no comma between two aggregates"},
		{"sum(x)avg(x)", "no comma between two aggregates"},
		{"count,count", "two aggregates of one name; NAME=... tells them apart"},
		{"sum(a.b),sum(a_b)", "two aggregates of one name; NAME=... tells them apart"},
		{"count,count=sum(x)", "two aggregates of one name; NAME=... tells them apart"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct aggregates a;

		check_text(aggregates_read(&a, cases[i].list), cases[i].why);
		aggregates_release(&a);
	}
}

void test_as_many_as_may_be(void)
{
	struct aggregates a;
	struct buf list;

	buf_init(&list);
	for (int i = 0; i < AGGREGATES_MAX; i++)
		buf_format(&list, "%sn%d=count", i ? "," : "", i);
	check(!aggregates_read(&a, buf_string(&list)));
	check_int(a.count, AGGREGATES_MAX);
	aggregates_release(&a);
	buf_text(&list, ",more=count");
	check_text(aggregates_read(&a, buf_string(&list)), "more than 64 aggregates");
	aggregates_release(&a);
	buf_release(&list);
}

/* "1 - 2.5": the values of one field, record by record; '-' is none. */
static void check_result(const char *list, const char *values, const char *want)
{
	struct aggregates a;
	struct buf got;
	char *text = mem_string(values), *rest = text, *word;
	const char *why = NULL;
	void *state;

	check(!aggregates_read(&a, list));
	state = mem_zero(1, a.state_bytes);
	while ((word = strsep(&rest, " "))) {
		const struct decimal *given[AGGREGATES_MAX];
		struct decimal d;

		if (!*word)
			continue;
		if (strcmp(word, "-") != 0)
			check(!decimal_parse(&d, word, strlen(word)));
		for (size_t i = 0; i < a.count; i++)
			given[i] = a.list[i].field && strcmp(word, "-") != 0 ? &d : NULL;
		aggregates_add(&a, state, given);
	}
	buf_init(&got);
	for (size_t i = 0; i < a.count && !why; i++) {
		buf_text(&got, i ? " " : "");
		why = aggregate_print(&a, i, state, &got);
	}
	check_text(why ? why : buf_string(&got), want);
	buf_release(&got);
	free(state);
	free(text);
	aggregates_release(&a);
}

void test_results(void)
{
	static const char all[] = "count,sum(x),avg(x),min(x),max(x)";

	check_result(all, "", "0 null null null null");
	check_result(all, "- -", "2 null null null null");
	check_result(all, "1 - 2", "3 3 1.5 1 2");
	check_result(all, "0", "1 0 0 0 0");
	check_result(all, "0.1 0.2", "2 0.3 0.15 0.1 0.2");
	check_result(all, "-5 - -7", "3 -12 -6 -7 -5");
	check_result(all, "1.10 1.1 1.100", "3 3.300 1.1 1.10 1.10");
	check_result(all, "12345678901234567890 1",
		"2 12345678901234567891 6.172839450617284e+18 1 "
		"12345678901234567890");
}

/* Of equal ones the first stays, and is written as it was. */
void test_equal_extremes(void)
{
	check_result("min(x),max(x)", "2.0 2 2.00", "2.0 2.0");
	check_result("min(x),max(x)", "3 2 2.00 3.0", "2 3");
}

void test_sums_beyond_all_numbers(void)
{
	check_result("sum(x)", "1e308 1e308", "number out of range");
	check_result("avg(x)", "1e308 1e308", "number out of range");
	check_result("min(x),max(x)", "1e308 -1e308", "-1e+308 1e+308");
}

/* Sums of integers against sums of integers. */
void test_random_integers(void)
{
	random_seed();
	for (int round = 0; round < 2000; round++) {
		struct buf values, want;
		int128 sum = 0;
		int64_t least = INT64_MAX, most = INT64_MIN;
		uint64_t n = 1 + random_below(20);

		buf_init(&values);
		buf_init(&want);
		for (uint64_t i = 0; i < n; i++) {
			int64_t v = (int64_t)random_next() >> (8 + random_below(50));

			sum += v;
			least = v < least ? v : least;
			most = v > most ? v : most;
			buf_format(&values, "%lld ", (long long)v);
		}
		check(sum == (int64_t)sum);
		buf_format(
			&want, "%lld %lld %lld", (long long)sum, (long long)least, (long long)most);
		check_result("sum(x),min(x),max(x)", buf_string(&values), buf_string(&want));
		buf_release(&values);
		buf_release(&want);
	}
}
