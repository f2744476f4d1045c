#include "record/expr.h"

#include "test.h"

/* Everything that the tests below ask for. */
static const char record[] =
	"{\"a\":1,\"b\":2.50,\"big\":170141183460469231731687303715884105727,\"huge\":1e999,"
	"\"s\":\"abc\",\"u\":\"Gr\xc3\xbc\xc3\x9f\",\"e\":\"a\\u0062c\\n\\u0000\\ud83d\\ude00\","
	"\"t\":true,\"f\":false,\"n\":null,\"empty\":\"\",\"l\":[1,\"\\\"],\",{\"x\":[2,3]}],"
	"\"o\":{\"x\":1 , \"y\":[1,2]},\"le\":[ ],\"oe\":{},\"user\":{\"id\":7},"
	"\"items\":[{\"sku\":\"k0\"}],\"a-b\":3,\"and\":4,\"date\":5,\" Timestamp\":6,\"x/y\":8,"
	"\"@ts\":\"2026-03-29T01:30:00Z\",\"local\":\"2026-07-01T23:30:00\","
	"\"s10\":1774746000,\"ms\":1774746000000,\"old\":\"1950-01-01T00:00:00.5-01:00\"}";

/* A compiled expression with the record's values for it. */
struct test {
	struct paths paths;
	struct expr *e;
	struct span root, *values;
	char line[sizeof(record) + SCAN_PAD];
};

static void test_begin(struct test *t, const char *text)
{
	const char *why;
	size_t column = 0, where = 0;

	paths_init(&t->paths);
	why = expr_compile(&t->e, text, &t->paths, &column);
	if (why) {
		fprintf(stderr, "%s: column %zu: %s\n", text, column, why);
		exit(1);
	}
	memset(t->line, 0, sizeof(t->line));
	memcpy(t->line, record, sizeof(record) - 1);
	t->line[sizeof(record) - 1] = '\n';
	t->values = calloc(t->paths.count + 1, sizeof(*t->values));
	check(scan(&t->paths, t->line, sizeof(record) - 1, &t->root, t->values, &where) == NULL);
}

static void test_end(struct test *t)
{
	expr_free(t->e);
	free(t->values);
	paths_release(&t->paths);
}

/* Twice, as what an evaluation leaves must not show in the next one. */
static void expect(const char *text, const char *want)
{
	struct buf got;
	struct test t;

	test_begin(&t, text);
	buf_init(&got);
	for (int i = 0; i < 2; i++) {
		const struct value *v = expr_eval(t.e, t.values);

		buf_clear(&got);
		if (v->type == VALUE_MISSING)
			buf_text(&got, "missing");
		else
			value_print(&got, v);
		if (strcmp(buf_string(&got), want) != 0)
			fprintf(stderr, "%s:\n", text);
		check_text(buf_string(&got), want);
		check(expr_true(t.e, t.values) == (strcmp(want, "true") == 0));
	}
	buf_release(&got);
	test_end(&t);
}

static void expect_error(const char *text, size_t want_column, const char *want)
{
	struct paths paths;
	struct expr *e = NULL;
	size_t column = 0;
	const char *why;

	paths_init(&paths);
	why = expr_compile(&e, text, &paths, &column);
	if (!why || column != want_column || !strstr(why, want)) {
		fprintf(stderr, "%s: column %zu: %s\nwant column %zu: %s\n", text, column,
			why ? why : "(compiles)", want_column, want);
		exit(1);
	}
	paths_release(&paths);
}

void test_fields(void)
{
	expect("a", "1");
	expect("b", "2.50");
	expect("user.id", "7");
	expect("items.0.sku", "\"k0\"");
	expect("`a-b`", "3");
	expect("`and`", "4");
	expect("date", "5");
	expect("` Timestamp`", "6");
	expect("`/x~1y`", "8");
	expect("`user.id`", "7");
	expect("`/items/0/sku`", "\"k0\"");
	expect("@ts", "\"2026-03-29T01:30:00Z\"");
	expect("nothing.here", "missing");
	expect("and.so", "missing");
}

void test_as_it_stands(void)
{
	expect("e", "\"a\\u0062c\\n\\u0000\\ud83d\\ude00\"");
	expect("o", "{\"x\":1 , \"y\":[1,2]}");
	expect("huge", "1e999");
	expect("coalesce(nope, b)", "2.50");
	expect("n", "null");
}

void test_literals(void)
{
	expect("1.10", "1.10");
	expect("-1.50", "-1.50");
	expect("1e3", "1000");
	expect("true", "true");
	expect("null", "null");
	expect("\"a\\u0062\\n\\\"\"", "\"ab\\n\\\"\"");
	expect("'a\\b\"'", "\"a\\\\b\\\"\"");
	expect("''", "\"\"");
	expect("\"\\u0000\" == \"\\u0000x\"", "false");
	expect("'Gr\xc3\xbc\xc3\x9f' == u", "true");
	expect("170141183460469231731687303715884105727 == big", "true");
	expect("170141183460469231731687303715884105726 < big", "true");
}

void test_arithmetic(void)
{
	expect("0.1 + 0.2 == 0.3", "true");
	expect("1 + 2 * 3", "7");
	expect("(1 + 2) * 3", "9");
	expect("10 - 2 - 3", "5");
	expect("7 / 2", "3.5");
	expect("12 / 4 / 3", "1");
	expect("-7 % 3", "-1");
	expect("7 % 2.5", "2.0");
	expect("a+b*-2", "-4.00");
	expect("-(a)", "-1");
	expect("- -a", "1");
	expect("--5", "5");
	expect("-(2 + a)", "-3");
	expect("-coalesce(a, 5)", "-1");
	expect("-coalesce(nope, 5)", "-5");
	expect("2-1", "1");
	expect("1e-1-1", "-0.9");
	expect("a / 0", "missing");
	expect("a % 0", "missing");
	expect("1e308 * 10", "missing");
	expect("a + s", "missing");
	expect("s + s", "missing");
	expect("a + nope", "missing");
	expect("a + n", "missing");
	expect("-s", "missing");
	expect("huge - 1", "missing");
}

void test_comparison(void)
{
	expect("a == 1.0", "true");
	expect("b == 2.5", "true");
	expect("a != 1", "false");
	expect("a < b", "true");
	expect("b <= 2.5 and b >= 2.5", "true");
	expect("b > 2.5 or b < 2.5", "false");
	expect("s == \"abc\"", "true");
	expect("s < 'abd'", "true");
	expect("s > 'ab'", "true");
	expect("'ab' < s", "true");
	expect("'' < s", "true");
	expect("empty == ''", "true");
	expect("e == \"abc\\n\\u0000\\ud83d\\ude00\"", "true");
	expect("e > s", "true");
	expect("u > 'Grz'", "true");
	expect("t == true", "true");
	expect("t == f", "false");
	expect("o == `/o`", "true");
	expect("o == oe", "false");
	expect("huge == huge", "true");
}

static void check_against(const char *number, const char *field, const char *op, bool want)
{
	char text[64];
	struct span value = {.at = field, .len = (uint32_t)strlen(field), .type = SPAN_NUMBER};
	struct paths paths;
	struct expr *e;
	size_t column;

	paths_init(&paths);
	snprintf(text, sizeof(text), "x %s %s", op, number);
	check(expr_compile(&e, text, &paths, &column) == NULL);
	if (expr_true(e, &value) != want)
		fprintf(stderr, "%s where x is %s\n", text, field);
	check(expr_true(e, &value) == want);
	expr_free(e);
	paths_release(&paths);
}

/* Fields and literals that are short, or not. Behind each the bytes of a word can be read. */
void test_field_and_number(void)
{
	static const char numbers[][48] = {"0", "-0", "0.0", "1", "-1", "9", "10", "1.5", "-1.5",
		"15e-1", "1.50", "0.0000001", "0.00000000001", "999999.9", "99999999", "9999999.9",
		"100000000", "99999999.0", "12345.67", "12345.678", "1234.5678", "1.234567",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"0.000000000000000001", "0.0000000000000000001", "92233720368.54775807", "1e3",
		"1E3", "1000", "1e-7", "1e300", "170141183460469231731687303715884105727"};
	enum { COUNT = sizeof(numbers) / sizeof(*numbers) };

	for (int i = 0; i < COUNT * COUNT; i++) {
		const char *field = numbers[i / COUNT], *number = numbers[i % COUNT];
		struct decimal a, b;
		int order;

		check(!decimal_parse(&a, field, strlen(field)));
		check(!decimal_parse(&b, number, strlen(number)));
		order = decimal_compare(&a, &b);
		check_against(number, field, "==", order == 0);
		check_against(number, field, "!=", order != 0);
		check_against(number, field, "<", order < 0);
		check_against(number, field, "<=", order <= 0);
		check_against(number, field, ">", order > 0);
		check_against(number, field, ">=", order >= 0);
	}
}

/* A comparison is one step where others jump to it or behind it, too. */
void test_comparison_and_jumps(void)
{
	expect("a > 0 and b > 2", "true");
	expect("a > 1 or b > 2", "true");
	expect("not (a > 1) and (b > 3 or a == 1)", "true");
	expect("coalesce(nope, a) > 0", "true");
	expect("coalesce(nope, a > 0)", "true");
	expect("coalesce(nope, a > 1, b > 2)", "false");
	expect("(a > 0) == (b > 2)", "true");
	expect("coalesce(nope, f) == (a > 1)", "true");
	expect("a > -1", "true");
	expect("s > 0", "false");
	expect("s != 0", "true");
	expect("nope != 0", "false");
	expect("n < 1", "false");
	expect("huge > 1", "false");
	expect("big > 170141183460469231731687303715884105726", "true");
}

void test_different_types(void)
{
	expect("a == '1'", "false");
	expect("a != '1'", "true");
	expect("a < '2'", "false");
	expect("a >= '0'", "false");
	expect("t != 1", "true");
	expect("t > f", "false");
	expect("t >= t", "false");
	expect("n == null", "true");
	expect("n != null", "false");
	expect("n <= null", "false");
	expect("a != null", "true");
	expect("a == null", "false");
	expect("o != 1", "true");
	expect("huge > 1", "false");
	expect("huge != 1", "true");
}

void test_missing(void)
{
	expect("nope == 1", "false");
	expect("nope != 1", "false");
	expect("nope < 1", "false");
	expect("nope == null", "false");
	expect("nope != null", "false");
	expect("nope == nope", "false");
	expect("a / 0 == a / 0", "false");
	expect("not nope", "true");
	expect("not (nope == 1)", "true");
}

void test_logic(void)
{
	expect("t and t", "true");
	expect("t and f", "false");
	expect("f or t", "true");
	expect("f or f", "false");
	expect("a and t", "false");
	expect("t and a", "false");
	expect("a or s", "false");
	expect("nope or t", "true");
	expect("not t", "false");
	expect("not a", "true");
	expect("not not a", "false");
	expect("not a == 1", "false");
	expect("not f and f", "false");
	expect("not (f and f)", "true");
	expect("t or f and f", "true");
	expect("(t or f) and f", "false");
	expect("a == 1 and not b == 2 or f", "true");
	expect("f and t or t and t", "true");
	expect("t and coalesce(a, t)", "false");
	expect("(not f) == true", "true");
	expect("(a < 2) == true", "true");
}

void test_functions(void)
{
	expect("has(n)", "true");
	expect("has(nope)", "false");
	expect("has(user.id) and has(`/items/0`)", "true");
	expect("len(s)", "3");
	expect("len(u)", "4");
	expect("len(e)", "6");
	expect("len('')", "0");
	expect("len(l)", "3");
	expect("len(le)", "0");
	expect("len(o)", "2");
	expect("len(oe)", "0");
	expect("len(a)", "missing");
	expect("len(huge)", "missing");
	expect("len(n)", "missing");
	expect("lower('ABC xyz Z \xc3\x9c')", "\"abc xyz z \xc3\x9c\"");
	expect("lower('@[`{')", "\"@[`{\"");
	expect("lower(a)", "missing");
	expect("lower('AB') == lower('aB') and lower('A') != lower('B')", "true");
	expect("coalesce(nope, n, s, a)", "\"abc\"");
	expect("coalesce(nope, n)", "null");
	expect("coalesce(n, nope)", "missing");
	expect("coalesce(f, t)", "false");
	expect("coalesce(a)", "1");
	expect("coalesce(n, coalesce(nope, 3) + 1, 9) * 2", "8");
	expect("len (s)", "3");
}

void test_matches(void)
{
	expect("matches(s, 'b')", "true");
	expect("matches(s, '^b')", "false");
	expect("matches(s, '^(a|x)b?c+$')", "true");
	expect("matches(s, \"^[a-c]{3}$\")", "true");
	expect("matches('a.png', '\\.png$')", "true");
	expect("matches('axpng', \"\\\\.png$\")", "false");
	expect("matches(s, '')", "true");
	expect("matches(u, '^Gr\xc3\xbc')", "true");
	expect("matches(a, '1')", "missing");
	expect("not matches(nope, '1')", "true");
}

void test_times(void)
{
	expect("date(@ts)", "\"2026-03-29\"");
	expect("hour(@ts)", "1");
	expect("hour(@ts, 'Europe/Berlin')", "3");
	expect("hour('2026-03-29T00:59:59Z', 'Europe/Berlin')", "1");
	expect("date(s10)", "\"2026-03-29\"");
	expect("hour(s10) == hour(ms) and date(ms) == date(s10)", "true");
	expect("hour(s10 * 1000000000)", "1");
	expect("hour(s10 + 3600)", "2");
	expect("date(local)", "missing");
	expect("date(local, 'UTC')", "\"2026-07-01\"");
	expect("hour(local, \"Europe/Berlin\")", "23");
	expect("date('2026-07-01T23:30:00Z', 'Europe/Berlin')", "\"2026-07-02\"");
	expect("date(old)", "\"1950-01-01\"");
	expect("hour(old)", "1");
	expect("hour(old, 'America/New_York')", "20");
	expect("date(old, 'America/New_York')", "\"1949-12-31\"");
	expect("date('1969-12-31T23:59:59.5Z')", "\"1969-12-31\"");
	expect("hour('1969-12-31T23:59:59.5Z')", "23");
	expect("date('2026-05-01t00:00:00z')", "\"2026-05-01\"");
	expect("date(a)", "missing");
	expect("date(t)", "missing");
	expect("date(o)", "missing");
	expect("date('2026-05-01')", "missing");
}

/* A number decides its unit for itself alone. */
void test_units_are_not_kept(void)
{
	struct paths paths;
	struct expr *e;
	size_t column;
	static const char *const numbers[] = {"1774746000", "1774746000000", "1774746000000000"};

	paths_init(&paths);
	check(expr_compile(&e, "hour(x)", &paths, &column) == NULL);
	for (int i = 0; i < 6; i++) {
		struct span x = {.at = numbers[i % 3], .type = SPAN_NUMBER};
		const struct value *v;

		x.len = (uint32_t)strlen(x.at);
		v = expr_eval(e, &x);
		check(v->type == VALUE_NUMBER);
		check(decimal_to_double(&v->number) == 1);
	}
	expr_free(e);
	paths_release(&paths);
}

void test_errors(void)
{
	expect_error("", 1, "ends too early");
	expect_error("   ", 4, "ends too early");
	expect_error("a ==", 5, "ends too early");
	expect_error("a b", 3, "neither an operator");
	expect_error("a, b", 2, "neither an operator");
	expect_error("a == 1)", 7, "without its '('");
	expect_error("(a == 1", 8, "no ')'");
	expect_error("a = 1", 3, "'=='");
	expect_error("a && b", 3, "'and'");
	expect_error("a || b", 3, "'or'");
	expect_error("!a", 1, "'not'");
	expect_error("a == 1 == 2", 8, "'and'");
	expect_error("1 < a < 2", 7, "'and'");
	expect_error("a == not b", 6, "parentheses");
	expect_error("a + * b", 5, "no value");
	expect_error("a == 01", 6, "not a number");
	expect_error("a == 1x", 6, "not a number");
	expect_error("a == 1.", 6, "not a number");
	expect_error("1e999", 1, "out of range");
	expect_error("a.", 2, "unexpected");
	expect_error("a..b", 2, "unexpected");
	expect_error("a ? b", 3, "unexpected");
	expect_error("s == 'x", 6, "doesn't end");
	expect_error("s == \"x\\\"", 6, "doesn't end");
	expect_error("s == \"a\\qb\"", 9, "escape");
	expect_error("s == \"\\ud800\"", 7, "surrogate");
	expect_error("`a", 1, "doesn't end");
	expect_error("t or ``", 6, "empty part");
	expect_error("`/a~2`", 1, "'~0'");
	expect_error("a == '\xff'", 1, "not UTF-8");
	expect_error("'\xc3\xbc' == ", 8, "ends too early");
}

void test_errors_of_calls(void)
{
	expect_error("upper(s)", 1, "no such function");
	expect_error("has()", 5, "name of a field");
	expect_error("has('a')", 5, "name of a field");
	expect_error("has(a + 1)", 7, "no ')'");
	expect_error("len()", 5, "no value");
	expect_error("len(a, b)", 6, "no ')'");
	expect_error("coalesce()", 10, "no value");
	expect_error("coalesce(a,)", 12, "no value");
	expect_error("matches(s)", 10, "regular expression");
	expect_error("matches(s, u)", 12, "must be a string");
	expect_error("matches(s, 'a(b')", 12, "parenthesis");
	expect_error("matches(s, '[a')", 12, "']'");
	expect_error("a == 1 and matches(s, '\\d+')", 23, "backslash");
	expect_error("matches(s, 'a', 'b')", 15, "no ')'");
	expect_error("matches(s, \"\\u0000\")", 12, "NUL");
	expect_error("date(s, zone)", 9, "must be a string");
	expect_error("date(s, 'No/Where')", 9, "zone");
	expect_error("date(s, '')", 9, "zone");
}

static char *append(char *to, const char *text, int times)
{
	size_t len = strlen(text);

	for (int i = 0; i < times; i++, to += len)
		memcpy(to, text, len);
	return to;
}

static char *repeated(const char *begin, int times, const char *middle, const char *end)
{
	size_t pair = strlen(begin) + strlen(end);
	char *text = malloc(pair * (size_t)times + strlen(middle) + 1);

	*append(append(append(text, begin, times), middle, 1), end, times) = '\0';
	return text;
}

void test_bounds(void)
{
	static const char *const nests[][2] = {{"(", ")"}, {"-", ""}, {"not ", ""}, {"len(", ")"}};
	char *text;

	for (size_t i = 0; i < sizeof(nests) / sizeof(*nests); i++) {
		text = repeated(nests[i][0], 200, "a", nests[i][1]);
		expect(text, i == 0 || i == 1 ? "1" : i == 2 ? "false" : "missing");
		free(text);
		text = repeated(nests[i][0], 201, "a", nests[i][1]);
		expect_error(text, 200 * strlen(nests[i][0]) + 1, "deeper than 200");
		free(text);
		text = repeated(nests[i][0], 300000, "a", nests[i][1]);
		expect_error(text, 200 * strlen(nests[i][0]) + 1, "deeper than 200");
		free(text);
	}
	text = repeated("", 499, "1", "+1");
	expect(text, "500");
	free(text);
	text = repeated("", 500, "1", "+1");
	expect_error(text, 1002, "too long");
	free(text);
	text = repeated("1+(", 199, "1", ")");
	expect(text, "200");
	free(text);
}

void test_extent(void)
{
	check_int(expr_extent("a"), 1);
	check_int(expr_extent("type==\"),\"),total=sum(x)"), 10);
	check_int(expr_extent("has(a) and (b,c),d"), 16);
	check_int(expr_extent("`,)` == ')' , x"), 12);
	check_int(expr_extent(",x"), 0);
	check_int(expr_extent("a = 'x,"), 7);
	check_int(expr_extent(""), 0);
}

void test_paths_are_shared(void)
{
	struct paths paths;
	struct expr *first, *second;
	size_t column;
	int value;

	paths_init(&paths);
	check(paths_add(&paths, "x", &value) == NULL);
	check(expr_compile(&first, "a == 1 or a == 2", &paths, &column) == NULL);
	check(expr_compile(&second, "`/a` == x", &paths, &column) == NULL);
	check_int(paths.count, 2);
	expr_free(first);
	expr_free(second);
	paths_release(&paths);
}
