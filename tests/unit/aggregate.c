#include "aggrun.h"
#include "base/wide.h"

static void check_result(const char *list, const char *records, const char *want)
{
	struct run r;
	struct buf got;
	void *state;

	run_begin(&r, list);
	buf_init(&got);
	state = state_new(&r);
	take_all(&r, state, records);
	print_all(&r, state, &got);
	check_text(buf_string(&got), want);
	buf_release(&got);
	state_free(&r, state);
	check_int(r.a.heap_bytes, 0);
	run_end(&r);
}

static const char all[] =
	"count,count(x),sum(x),avg(x),stddev(x),min(x),max(x),argmin(x,id),argmax(x,id),first(x),"
	"last(x),first(x,2),last(x,2),collect(x),top(x,2),distinct(x),quantile(x,1)";

void test_nothing(void)
{
	static const char want[] = "null null null null null null null null null [] [] [] [] 0 "
				   "null";
	char text[256];

	snprintf(text, sizeof(text), "0 0 %s", want);
	check_result(all, "", text);
	/* null and missing are as good as nothing */
	snprintf(text, sizeof(text), "2 0 %s", want);
	check_result(all, "{\"x\":null,\"id\":1}\n{\"id\":2}", text);
	check_result("merge(x),merge(x,0.5)", "{\"x\":null}\n{}", "0 null");
}

void test_each_kind(void)
{
	check_result(all,
		"{\"x\":3,\"id\":\"a\"}\n{\"x\":null,\"id\":\"n\"}\n{\"x\":1,\"id\":\"b\"}\n{"
		"\"id\":0}\n"
		"{\"x\":3,\"id\":\"c\"}\n{\"x\":1,\"id\":\"d\"}\n{\"x\":2,\"id\":\"e\"}",
		"7 5 10 2 1 1 3 \"b\" \"a\" 3 2 [3,1] [1,2] [3,1,3,1,2] "
		"[{\"value\":1,\"count\":2},{\"value\":3,\"count\":2}] 3 3");
	check_result("sum(x),avg(x),stddev(x)", "{\"x\":5}", "5 5 null");
}

void test_counts(void)
{
	check_result("count(x),count(x == 1),count(x > 1),count(not y),count(x > 1 or y)",
		"{\"x\":1}\n{\"x\":2,\"y\":true}\n{\"x\":0,\"y\":false}\n{\"x\":\"a\"}\n{\"x\":"
		"false}"
		"\n{}",
		"4 1 1 5 1");
}

void test_exact_numbers(void)
{
	check_result("sum(x),avg(x),min(x),max(x)", "{\"x\":0.1}\n{\"x\":0.2}", "0.3 0.15 0.1 0.2");
	check_result("sum(x),avg(x),min(x),max(x)", "{\"x\":1.10}\n{\"x\":1.1}\n{\"x\":1.100}",
		"3.300 1.1 1.10 1.10");
	check_result("sum(x),min(x),max(x)", "{\"x\":12345678901234567890}\n{\"x\":1}",
		"12345678901234567891 1 12345678901234567890");
	check_result("sum(a * b)", "{\"a\":0.1,\"b\":3}\n{\"a\":2,\"b\":0.05}", "0.40");
	check_result("sum(x),avg(x)", "{\"x\":1e308}\n{\"x\":1e308}",
		"(number out of range) (number out of range)");
	/* of equal ones the first stays, and is written as it was */
	check_result("min(x),max(x)", "{\"x\":2.0}\n{\"x\":2}\n{\"x\":2.00}", "2.0 2.0");
	check_result("max(x)", "{\"x\":9007199254740993}\n{\"x\":9007199254740992.5}",
		"9007199254740993");
	check_result("stddev(x)",
		"{\"x\":1000000000001}\n{\"x\":1000000000002}\n{\"x\":1000000000003}", "1");
}

void test_what_values_are_kept_as(void)
{
	check_result("first(x),collect(x),distinct(x)",
		"{\"x\":\"\\u0041\"}\n{\"x\":\"A\"}\n{\"x\":[1, "
		"2]}\n{\"x\":{\"a\":1}}\n{\"x\":true}"
		"\n{\"x\":\"true\"}",
		"\"A\" [\"A\",\"A\",[1, 2],{\"a\":1},true,\"true\"] 5");
	check_result("collect(x,2),first(x,1),last(x,1)", "{\"x\":1}\n{\"x\":2}\n{\"x\":3}",
		"[1,2] [1] [3]");
	check_result("argmax(x),argmin(x,y)", "{\"x\":1, \"y\":7}\n{\"x\":2}\n{\"x\":0}",
		"{\"x\":2} null");
	check_result("top(x,10)", "{\"x\":\"b\"}\n{\"x\":\"a\"}\n{\"x\":\"b\"}\n{\"x\":1}",
		"[{\"value\":\"b\",\"count\":2},{\"value\":\"a\",\"count\":1},{\"value\":1,"
		"\"count\":1}]");
}

/* First and last are those of event time, not of arrival. */
void test_time_decides(void)
{
	struct run r;
	struct buf got;
	void *state;
	int64_t first, last;

	run_begin(&r, "first(x),last(x),collect(x),argmax(y,x),argmin(y,x)");
	aggregates_keep_range(&r.a);
	buf_init(&got);
	state = state_new(&r);
	check(!aggregates_range(&r.a, state, &first, &last));
	take(&r, state, "{\"x\":\"middle\",\"y\":1}", 0);
	take(&r, state, "{\"x\":\"late\",\"y\":1}", 70);
	take(&r, state, "{\"x\":\"early\",\"y\":1}", -70);
	take(&r, state, "{\"x\":\"early too\",\"y\":1}", -70);
	print_all(&r, state, &got);
	check_text(buf_string(&got),
		"\"early\" \"late\" [\"early\",\"early too\",\"middle\",\"late\"] "
		"\"early\" \"early\"");
	check(aggregates_range(&r.a, state, &first, &last));
	check_int(first, -70);
	check_int(last, 70);
	state_free(&r, state);
	buf_release(&got);
	run_end(&r);
}

/* A record is malformed for the list, and nothing of it is to be taken. */
static void check_malformed(
	const char *list, bool is_lenient, const char *record, const char *why, size_t which)
{
	struct run r;
	size_t got = 99;

	run_begin(&r, list);
	r.a.is_lenient = is_lenient;
	check_text(read_record(&r, record, strlen(record), &got), why);
	check_int(got, which);
	run_end(&r);
}

void test_not_a_number(void)
{
	static const char *const values[] = {"\"7\"", "\"\"", "true", "false", "[]", "{}", "1e999"};
	static const char *const kinds[] = {
		"sum(x)", "avg(x)", "stddev(x)", "min(x)", "max(x)", "argmin(x)", "quantile(x,1)"};

	for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
			char list[64], record[64];

			snprintf(list, sizeof(list), "count,count(x),%s", kinds[k]);
			snprintf(record, sizeof(record), "{\"x\":%s}", values[v]);
			check_malformed(list, false, record, "not_a_number", 2);
			if (v)
				check_malformed(list, true, record, "not_a_number", 2);
		}
	check_malformed("sum(x)", true, "{\"x\":\"0x10\"}", "not_a_number", 0);
	check_malformed("sum(x)", true, "{\"x\":\"1 2\"}", "not_a_number", 0);
	check_malformed("sum(x)", true, "{\"x\":\"1e999\"}", "not_a_number", 0);
	check_malformed("sum(x)", true, "{\"x\":\" \"}", "not_a_number", 0);
	check_malformed("sum(x)", true, "{\"x\":\"nan\"}", "not_a_number", 0);
}

void test_lenient_numbers(void)
{
	struct run r;
	struct buf got;
	void *state;

	run_begin(&r, "sum(x),min(x),argmax(x,x),collect(x)");
	r.a.is_lenient = true;
	buf_init(&got);
	state = state_new(&r);
	take_all(&r, state,
		"{\"x\":\"7\"}\n{\"x\":\" -1.50\\t\"}\n{\"x\":2}\n{\"x\":null}\n"
		"{\"x\":\"\\u0031e1\"}");
	print_all(&r, state, &got);
	check_text(buf_string(&got), "17.50 -1.50 \"\\u0031e1\" [\"7\",\" -1.50\\t\",2,\"1e1\"]");
	state_free(&r, state);
	buf_release(&got);
	run_end(&r);
}

void test_not_a_sketch(void)
{
	static const char *const values[] = {"7", "\"\"", "\"distinct.1\"", "\"distinct.9.\"", "{}",
		"\"quantile.1.\\u0000\"", "true"};

	for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++) {
		char record[64];

		snprintf(record, sizeof(record), "{\"x\":%s}", values[v]);
		check_malformed("count,merge(x)", false, record, "not_a_sketch", 1);
		check_malformed("merge(x,0.5)", true, record, "not_a_sketch", 0);
	}
}

/* Records dealt to three states, which are merged in any order, against one that took them all.
 * Equal numbers that are written in several ways keep the form of the first, so min and max are by
 * value.
 */
static void check_split(struct run *r, struct buf *record)
{
	void *parts[3], *one = state_new(r);
	size_t n = random_below(60), into = random_below(3);
	size_t bytes;

	for (int i = 0; i < 3; i++)
		parts[i] = state_new(r);
	for (size_t i = 0; i < n; i++) {
		int64_t time_ns = (int64_t)random_below(20) - 10;

		random_record(record, false);
		take(r, one, buf_string(record), time_ns);
		r->a.sequence--; /* the same record, so the same place in the order of arrival */
		take(r, parts[random_below(3)], buf_string(record), time_ns);
	}
	aggregates_merge(&r->a, parts[into], parts[(into + 1) % 3]);
	aggregates_merge(&r->a, parts[into], parts[(into + 2) % 3]);
	print_equal(r, parts[into], one);
	bytes = r->a.heap_bytes;
	r->a.gives_sketches = true;
	print_equal(r, parts[into], one);
	r->a.gives_sketches = false;
	check_int(r->a.heap_bytes, bytes);
	for (int i = 0; i < 3; i++)
		state_free(r, parts[i]);
	check(n == 0 || r->a.heap_bytes > 0);
	state_free(r, one);
	check_int(r->a.heap_bytes, 0);
}

void test_merging(void)
{
	struct run r;
	struct buf record;

	random_seed();
	buf_init(&record);
	run_begin(&r, "count,count(x > 0),sum(x),avg(x),stddev(x),min(x * 1000),max(x * 1000),"
		      "argmin(x,id),argmax(x),first(s),last(s),first(s,3),last(id,4),collect(id),"
		      "collect(x,5),top(s,3),distinct(s),quantile(x,0.9)");
	aggregates_keep_range(&r.a);
	for (int i = 0; i < 1500; i++)
		check_split(&r, &record);
	run_end(&r);
	buf_release(&record);
}

/* The range of a merged state, where one or both have none. */
void test_merging_ranges(void)
{
	struct run r;
	void *a, *b;
	int64_t first, last;

	run_begin(&r, "count");
	aggregates_keep_range(&r.a);
	a = state_new(&r);
	b = state_new(&r);
	aggregates_merge(&r.a, a, b);
	check(!aggregates_range(&r.a, a, &first, &last));
	take(&r, b, "{}", -5);
	take(&r, b, "{}", 5);
	aggregates_merge(&r.a, a, b);
	check(aggregates_range(&r.a, a, &first, &last) && first == -5 && last == 5);
	take(&r, b, "{}", 9);
	aggregates_merge(&r.a, a, b);
	check(aggregates_range(&r.a, a, &first, &last) && first == -5 && last == 9);
	state_free(&r, a);
	state_free(&r, b);
	run_end(&r);
}

/* Sums that are beyond all numbers are so when they are merged, too. */
void test_merging_what_is_out_of_range(void)
{
	struct run r;
	struct buf got;
	void *a, *b;

	run_begin(&r, "sum(x)");
	buf_init(&got);
	a = state_new(&r);
	b = state_new(&r);
	take(&r, a, "{\"x\":1}", 0);
	take_all(&r, b, "{\"x\":1e308}\n{\"x\":1e308}");
	aggregates_merge(&r.a, a, b);
	print_all(&r, a, &got);
	check_text(buf_string(&got), "(number out of range)");
	check_text(aggregates_inexact(&r.a), "sum_x");
	state_free(&r, a);
	state_free(&r, b);
	buf_release(&got);
	run_end(&r);
}

/* Random integers against sums in 128 bits. */
void test_random_integers(void)
{
	struct buf records, want;

	random_seed();
	buf_init(&records);
	buf_init(&want);
	for (int round = 0; round < 2000; round++) {
		int128 sum = 0;
		int64_t least = INT64_MAX, most = INT64_MIN;
		uint64_t n = 1 + random_below(20);

		buf_clear(&records);
		buf_clear(&want);
		for (uint64_t i = 0; i < n; i++) {
			int64_t v = (int64_t)random_next() >> (8 + random_below(50));

			sum += v;
			least = v < least ? v : least;
			most = v > most ? v : most;
			buf_format(&records, "{\"x\":%lld}\n", (long long)v);
		}
		check(sum == (int64_t)sum);
		buf_format(
			&want, "%lld %lld %lld", (long long)sum, (long long)least, (long long)most);
		check_result("sum(x),min(x),max(x)", buf_string(&records), buf_string(&want));
	}
	buf_release(&records);
	buf_release(&want);
}

/* What overflows goes on in doubles; that is told once, by name. */
void test_inexact(void)
{
	struct run r;
	struct buf got;
	void *state;

	run_begin(&r, "a=sum(x),count,b=avg(x),c=sum(y)");
	buf_init(&got);
	state = state_new(&r);
	take(&r, state, "{\"x\":170141183460469231731687303715884105727,\"y\":1}", 0);
	check(!r.a.has_inexact && !aggregates_inexact(&r.a));
	take(&r, state, "{\"x\":1,\"y\":1}", 0);
	check(r.a.has_inexact);
	check_text(aggregates_inexact(&r.a), "a");
	check_text(aggregates_inexact(&r.a), "b");
	check(!aggregates_inexact(&r.a));
	take(&r, state, "{\"x\":1,\"y\":1}", 0);
	check(!r.a.has_inexact && !aggregates_inexact(&r.a));
	print_all(&r, state, &got);
	check_text(buf_string(&got), "1.7014118346046923e+38 3 5.671372782015641e+37 3");
	state_free(&r, state);
	buf_release(&got);
	run_end(&r);
}

/* Sketches of parts, given out and merged again, are as one of the whole. */
void test_sketches_again(void)
{
	struct run hours, days, whole;
	struct buf row, got, want, record;
	void *day, *total;

	random_seed();
	run_begin(&hours, "d=distinct(x),q=quantile(x,0.5)");
	hours.a.gives_sketches = true;
	run_begin(&days, "merge(d),merge(q,0.5),merge(q,0.99)");
	run_begin(&whole, "distinct(x),quantile(x,0.5),quantile(x,0.99)");
	buf_init(&row);
	buf_init(&got);
	buf_init(&want);
	buf_init(&record);
	day = state_new(&days);
	total = state_new(&whole);
	for (int hour = 0; hour < 24; hour++) {
		void *state = state_new(&hours);
		/* hours without records, and enough of them all to leave the exact counts */
		int n = hour % 5 ? 600 : 0;

		for (int i = 0; i < n; i++) {
			random_record(&record, true);
			take(&hours, state, buf_string(&record), i);
			take(&whole, total, buf_string(&record), i);
		}
		buf_clear(&row);
		buf_text(&row, "{\"d\":");
		check(!aggregates_print(&hours.a, 0, state, &row));
		buf_text(&row, ",\"q\":");
		check(!aggregates_print(&hours.a, 1, state, &row));
		buf_text(&row, "}");
		take(&days, day, buf_string(&row), hour);
		state_free(&hours, state);
	}
	print_all(&days, day, &got);
	print_all(&whole, total, &want);
	check_text(buf_string(&got), buf_string(&want));
	days.a.gives_sketches = whole.a.gives_sketches = true;
	print_all(&days, day, &got);
	print_all(&whole, total, &want);
	check_text(buf_string(&got), buf_string(&want));
	check(strncmp(buf_string(&got), "\"distinct.1.", 12) == 0);
	state_free(&days, day);
	state_free(&whole, total);
	check_int(days.a.heap_bytes, 0);
	run_end(&hours);
	run_end(&days);
	run_end(&whole);
	buf_release(&row);
	buf_release(&got);
	buf_release(&want);
	buf_release(&record);
}

/* What is held is said: it grows with values that are kept, and does not with those that are not.
 */
void test_heap_bytes(void)
{
	struct run r;
	char record[1100];
	void *state;

	run_begin(&r, "count,sum(n),collect(x),first(x),distinct(n)");
	state = state_new(&r);
	check_int(r.a.heap_bytes, 0);
	for (int i = 1; i <= 10; i++) {
		snprintf(record, sizeof(record), "{\"n\":1,\"x\":\"%01000d\"}", i);
		take(&r, state, record, i);
		check(r.a.heap_bytes >= (size_t)(i + 1) * 1000);
	}
	check(r.a.heap_bytes < 16000);
	state_free(&r, state);
	check_int(r.a.heap_bytes, 0);
	run_end(&r);
}

/* As in the budget: a count and a sum of a key take less than 100 bytes. */
void test_state_bytes(void)
{
	struct run r;

	run_begin(&r, "count,sum(x)");
	check(r.a.state_bytes <= 48);
	check_int(r.a.state_bytes % 8, 0);
	for (size_t i = 0; i < r.a.count; i++)
		check_int(r.a.list[i].offset % 8, 0);
	run_end(&r);
}
