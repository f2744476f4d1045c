#include "record/canonical.h"

#include "base/mem.h"
#include "record/canonnumber.h"
#include "record/path.h"
#include "test.h"

/* The canonical text of a line, as a C string behind what was there. */
static char *canonical_of(const char *text, size_t len)
{
	char *line = mem_zero(1, len + 1 + SCAN_PAD), *made;
	struct canonical c;
	struct paths none;
	struct span root;
	struct buf to;
	size_t where;

	memcpy(line, text, len);
	line[len] = '\n';
	paths_init(&none);
	check(!scan(&none, line, len, &root, NULL, &where));
	canonical_init(&c);
	buf_init(&to);
	for (int round = 0; round < 2; round++) {
		buf_clear(&to);
		buf_text(&to, "before ");
		canonical_add(&c, &to, &root);
	}
	made = mem_string(buf_string(&to) + strlen("before "));
	check(strlen(made) + strlen("before ") == to.len);
	buf_release(&to);
	canonical_release(&c);
	paths_release(&none);
	free(line);
	return made;
}

static void check_canonical(const char *line, const char *want)
{
	char *got = canonical_of(line, strlen(line)), *again = canonical_of(got, strlen(got));

	check_text(got, want);
	check_text(again, want);
	free(got);
	free(again);
}

void test_words_and_strings(void)
{
	check_canonical(" null ", "null");
	check_canonical("true", "true");
	check_canonical("false", "false");
	check_canonical("\"\"", "\"\"");
	check_canonical("\" a \xc3\xa4\"", "\" a \xc3\xa4\"");
	check_canonical("\"\\u0061\\/\\u00e4\"", "\"a/\xc3\xa4\"");
	check_canonical("\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"");
	check_canonical("\"\\u0000\\u001F\\u0022\\u005c\\u000a\"", "\"\\u0000\\u001f\\\"\\\\\\n\"");
}

void test_numbers(void)
{
	static const char *const vectors[][2] = {
		{"0", "0"},
		{"-0", "0"},
		{"-0.000e-12", "0"},
		{"0e99999999999999999999999", "0"},
		{"1", "1"},
		{"1.0", "1"},
		{"10e-1", "1"},
		{"1E0", "1"},
		{"1e+00", "1"},
		{"-1.50e1", "-15"},
		{"0.1", "0.1"},
		{"100e-3", "0.1"},
		{"0.000001", "0.000001"},
		{"0.0000001", "1e-7"},
		{"0.00000123", "0.00000123"},
		{"1.23e-7", "1.23e-7"},
		{"100000000000000000000", "100000000000000000000"},
		{"1e20", "100000000000000000000"},
		{"1e21", "1e+21"},
		{"1000000000000000000000", "1e+21"},
		{"1234567890123456789012", "1.234567890123456789012e+21"},
		{"123456789012345678901.5", "123456789012345678901.5"},
		{"9007199254740993", "9007199254740993"},
		{"0.1000000000000000055511151231257827021181583404541015625",
			"0.1000000000000000055511151231257827021181583404541015625"},
		{"1e400", "1e+400"},
		{"0.01e402", "1e+400"},
		{"1e-400", "1e-400"},
		{"12e1000000000000000", "1.2e+1000000000000001"},
		{"1e99999999999999999", "1e+99999999999999999"},
		{"10e99999999999999999", "1e+100000000000000000"},
		{"1e100000000000000000", "1e+100000000000000000"},
		{"0.1e100000000000000000", "1e+99999999999999999"},
		{"10e999999999999999999999", "1e+1000000000000000000000"},
		{"0.01e1000000000000000000000", "1e+999999999999999999998"},
		{"123e-1000000000000000000000", "1.23e-999999999999999999998"},
		{"0.0012e-999999999999999999998", "1.2e-1000000000000000000001"},
		{"1e0000000000000000000000000001", "10"},
		{"1e-0000000000000000000000000001", "0.1"},
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++)
		check_canonical(vectors[i][0], vectors[i][1]);
}

void test_arrays(void)
{
	check_canonical("[ ]", "[]");
	check_canonical("[[ [], [ ] ]]", "[[[],[]]]");
	check_canonical(
		"[1.0, \"a\" ,null,true,false,{ }, [2]]", "[1,\"a\",null,true,false,{},[2]]");
	check_canonical("[\"]\", \"[,:{\", 3]", "[\"]\",\"[,:{\",3]");
}

void test_objects(void)
{
	check_canonical("{ }", "{}");
	check_canonical("{\"b\" : 1 , \"a\":2}", "{\"a\":2,\"b\":1}");
	check_canonical("{\"a\":1,\"a\":2}", "{\"a\":2}");
	check_canonical("{\"a\":1,\"\\u0061\":{\"x\":[]},\"\":0}", "{\"\":0,\"a\":{\"x\":[]}}");
	check_canonical("{\"a\":{\"z\":{},\"y\":{}},\"a\":[{\"d\":1,\"c\":2},{}]}",
		"{\"a\":[{\"c\":2,\"d\":1},{}]}");
	check_canonical("[{\"b\":{\"d\":1,\"c\":{}},\"a\":{}},{},{\"b\":1,\"a\":[]}]",
		"[{\"a\":{},\"b\":{\"c\":{},\"d\":1}},{},{\"a\":[],\"b\":1}]");
	check_canonical("{\"key\":\"key\",\"ab\":\"}\",\"abc\":\"]\"}",
		"{\"ab\":\"}\",\"abc\":\"]\",\"key\":\"key\"}");
	check_canonical("{\"\\n\":1,\"\\u0000\":2,\"\\u0001\":3,\" \":4}",
		"{\"\\u0000\":2,\"\\u0001\":3,\"\\n\":1,\" \":4}");
	/* by code points, also where UTF-16 has another order */
	check_canonical("{\"\xf0\x9f\x98\x80\":1,\"\xef\xbf\xbd\":2}",
		"{\"\xef\xbf\xbd\":2,\"\xf0\x9f\x98\x80\":1}");
}

static char *nested(int depth, const char *opens, const char *closes)
{
	struct buf b;
	char *text;

	buf_init(&b);
	for (int i = 0; i < depth; i++)
		buf_text(&b, opens);
	buf_char(&b, '1');
	for (int i = 0; i < depth; i++)
		buf_text(&b, closes);
	text = mem_string(buf_string(&b));
	buf_release(&b);
	return text;
}

void test_depth(void)
{
	char *arrays = nested(SCAN_DEPTH_MAX, "[", "]");
	char *objects = nested(SCAN_DEPTH_MAX, "{\"b\":0,\"a\":", "}");
	char *want = nested(SCAN_DEPTH_MAX, "{\"a\":", ",\"b\":0}");

	check_canonical(arrays, arrays);
	check_canonical(objects, want);
	free(arrays);
	free(objects);
	free(want);
}

/* Neither many members nor much below many levels takes long: 8 MB each. */
void test_large_values(void)
{
	enum { MEMBERS = 500000, LEVELS = 500 };
	struct buf b;
	char *got;

	buf_init(&b);
	for (int i = 0; i < MEMBERS; i++)
		buf_format(&b, "%c\"k%07d\":%d", i ? ',' : '{', MEMBERS - i, i);
	buf_char(&b, '}');
	got = canonical_of(b.data, b.len);
	check(strncmp(got, "{\"k0000001\":499999,\"k0000002\":499998,", 37) == 0);
	check_int(strlen(got), b.len);
	free(got);
	buf_clear(&b);
	for (int i = 0; i < LEVELS; i++)
		buf_text(&b, "{\"b\":1,\"a\":");
	buf_text(&b, "[0");
	for (int i = 0; i < 4000000; i++)
		buf_text(&b, ",1");
	buf_char(&b, ']');
	for (int i = 0; i < LEVELS; i++)
		buf_char(&b, '}');
	got = canonical_of(b.data, b.len);
	check_int(strlen(got), b.len);
	check(strncmp(got, "{\"a\":{\"a\":", 10) == 0);
	free(got);
	buf_release(&b);
}

void test_bound(void)
{
	static const char number[] = "-0.0000001234567890123456789";
	struct buf to;

	buf_init(&to);
	canonical_number(&to, number, strlen(number));
	check(to.len <= strlen(number) + 24);
	check_text(buf_string(&to), "-1.234567890123456789e-7");
	buf_release(&to);
}
