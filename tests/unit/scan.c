#include "record/scan.h"

#include "base/mem.h"
#include "test.h"

#define TEXT(literal) (literal), sizeof(literal) - 1

enum { VALUES_MAX = 1024 };

/* A line in memory that ends where the contract lets it end, and what the scan found in it. */
struct scanned {
	char *line;
	const char *why;
	size_t where;
	struct span root;
	struct span values[VALUES_MAX];
};

static void scan_with_pad(
	struct scanned *s, const struct paths *p, const char *text, size_t len, char pad)
{
	s->line = mem_alloc(len + 1 + SCAN_PAD);
	memcpy(s->line, text, len);
	s->line[len] = '\n';
	memset(s->line + len + 1, pad, SCAN_PAD);
	s->where = SIZE_MAX;
	s->why = scan(p, s->line, len, &s->root, s->values, &s->where);
}

/* Nothing of what stands behind the newline may matter, so each line is scanned with several. */
static void scan_text(struct scanned *s, const struct paths *p, const char *text, size_t len)
{
	static const char pads[] = {'\0', '"', '}', '7', '\\', (char)0x80, '\n', ' '};
	struct scanned other;

	scan_with_pad(s, p, text, len, 'a');
	for (size_t i = 0; i < sizeof(pads); i++) {
		scan_with_pad(&other, p, text, len, pads[i]);
		check(other.why == s->why);
		check(other.where == s->where);
		free(other.line);
	}
}

static const char *reason(const char *text, size_t len, size_t *where)
{
	struct paths none;
	struct scanned s;

	paths_init(&none);
	scan_text(&s, &none, text, len);
	*where = s.where;
	free(s.line);
	paths_release(&none);
	return s.why;
}

static void check_good(const char *text, size_t len)
{
	size_t where;
	const char *why = reason(text, len, &where);

	if (why)
		fprintf(stderr, "'%.*s': %s at %zu\n", (int)len, text, why, where);
	check(!why);
}

struct bad {
	const char *text;
	size_t len;
	size_t where;
};

/* As the line itself, in an array, as a member's value, with a member behind it. */
static void check_bad(const struct bad *b, const char *want)
{
	static const struct {
		const char *before, *behind;
	} places[] = {{"", ""}, {"[", "]"}, {"{\"a\":", "}"}, {"[{\"a\":[", "]}]"}, {" \t\r", ""}};
	char text[512];

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		size_t before = strlen(places[i].before), behind = strlen(places[i].behind), where;
		const char *why;

		memcpy(text, places[i].before, before);
		memcpy(text + before, b->text, b->len);
		memcpy(text + before + b->len, places[i].behind, behind);
		why = reason(text, before + b->len + behind, &where);
		if (!why || strcmp(why, want) != 0 || where != before + b->where)
			fprintf(stderr, "%s'%.*s'%s: %s at %zu\n", places[i].before, (int)b->len,
				b->text, places[i].behind, why ? why : "good", where);
		check_text(why, want);
		check_int(where, before + b->where);
	}
}

#define check_all_bad(list, want)                                            \
	do {                                                                 \
		for (size_t i_ = 0; i_ < sizeof(list) / sizeof(*list); i_++) \
			check_bad(&(list)[i_], want);                        \
	} while (0)

void test_values(void)
{
	static const char *const good[] = {
		"null",
		"true",
		"false",
		"0",
		"-0",
		"10",
		"-1.5",
		"0.0",
		"1e5",
		"1E+5",
		"1.25e-7",
		"0e0",
		"-0.0E-0",
		"12345678901234567890123456789012345678901234567890",
		"1e999999999999",
		"\"\"",
		"\"a\"",
		"[]",
		"{}",
		"[1,[2,[3]],{}]",
		"{\"\":{\"\":[]}}",
		"{\"a\":1,\"a\":2}",
		" \t\r{ \"a\"\t:\r1 , \"b\" : [ ] , \"c\" : { } } \r",
		"[ 1 , 2 ]\r",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"",
		"\"\x7f\"",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		check_good(good[i], strlen(good[i]));
}

void test_numbers_that_are_none(void)
{
	static const struct bad bad[] = {
		{TEXT("-x"), 1},
		{TEXT("--1"), 1},
		{TEXT("-.5"), 1},
		{TEXT("1.x"), 2},
		{TEXT("1..2"), 2},
		{TEXT("1ex"), 2},
		{TEXT("1e+x"), 3},
		{TEXT("1E--1"), 3},
		{TEXT("0.e1"), 2},
		{TEXT("1e.5"), 2},
		{TEXT("-\"1\""), 1},
		{TEXT("-Infinity"), 1},
	};
	static const struct bad zero[] = {{TEXT("01"), 0}, {TEXT("-00"), 1}, {TEXT("007.5"), 0}};

	check_all_bad(bad, "a bad number");
	check_all_bad(zero, "a number with a leading zero");
}

void test_words_that_are_none(void)
{
	static const struct bad bad[] = {
		{TEXT("nul,"), 3},
		{TEXT("True"), 0},
		{TEXT("trux"), 3},
		{TEXT("fals\0e"), 4},
		{TEXT("NaN"), 0},
		{TEXT("Infinity"), 0},
		{TEXT("+1"), 0},
		{TEXT(".5"), 0},
		{TEXT("'a'"), 0},
		{TEXT("undefined"), 0},
		{TEXT("\0"), 0},
		{TEXT("\x0b"
		      "1"),
			0},
		{TEXT("\x0c"
		      "1"),
			0},
		{TEXT("\xc2\xa0"
		      "1"),
			0},
		{TEXT("\x80"), 0},
		{TEXT("/**/1"), 0},
		{TEXT("\xef\xbb\xbf"
		      "1"),
			0},
		{TEXT(":"), 0},
		{TEXT("[,1]"), 1},
		{TEXT("[1,]"), 3},
		{TEXT("[1,,2]"), 3},
	};

	check_all_bad(bad, "an unexpected character");
}

void test_strings_with_control_characters(void)
{
	for (int c = 0; c < 32; c++) {
		char text[] = {'"', 'a', (char)c, '"'};
		struct bad bad = {text, sizeof(text), 2};

		if (c != '\n')
			check_bad(&bad, "a control character in a string");
	}
}

void test_escapes_that_are_none(void)
{
	static const struct bad four[] = {
		{TEXT("\"\\u\""), 1},
		{TEXT("\"\\u1\""), 1},
		{TEXT("\"\\u12\""), 1},
		{TEXT("\"\\u123\""), 1},
		{TEXT("\"\\u123g\""), 1},
		{TEXT("\"\\u 123\""), 1},
		{TEXT("\"\\u-123\""), 1},
		{TEXT("\"\\u0x12\""), 1},
		{TEXT("\"ab\\u:234\""), 3},
		{TEXT("\"\\u123@\""), 1},
		{TEXT("\"\\u123`\""), 1},
		{TEXT("\"\\u123G\""), 1},
		{TEXT("\"\\u123\xc3\xa4\""), 1},
	};

	for (int c = 0; c < 256; c++) {
		char text[] = {'"', '\\', (char)c, 'a', '"'};
		struct bad bad = {text, sizeof(text), 2};

		if (c != '\n' && (!c || !strchr("\"\\/bfnrtu", c)))
			check_bad(&bad, "a bad escape");
	}
	check_all_bad(four, "a bad \\u escape");
	check_good(TEXT("\"\\uaBcF\\uAbCf\\u0000\\ud7ff\\uE000\\uFFFF\""));
}

void test_surrogates_in_escapes(void)
{
	static const struct bad bad[] = {
		{TEXT("\"\\ud800\""), 1},
		{TEXT("\"\\uD800\""), 1},
		{TEXT("\"\\udbff\""), 1},
		{TEXT("\"\\udc00\""), 1},
		{TEXT("\"\\udfff\""), 1},
		{TEXT("\"\\uDFFF\\uD800\""), 1},
		{TEXT("\"\\ud800\\ud800\""), 1},
		{TEXT("\"\\ud800\\udbff\""), 1},
		{TEXT("\"\\ud800\\u0041\""), 1},
		{TEXT("\"\\ud800\\ue000\""), 1},
		{TEXT("\"\\ud800\\n\""), 1},
		{TEXT("\"\\ud800 \\udc00\""), 1},
		{TEXT("\"\\ud800\\udc0\""), 1},
		{TEXT("\"\\ud800\\Udc00\""), 1},
		{TEXT("\"\\ud800/udc00\""), 1},
		{TEXT("\"\\ud800\\uxc00\""), 1},
		{TEXT("\"\\ud83d\\ude00\\udc00\""), 13},
		{TEXT("\"x\\ud83d\\ude00\\ud83d\""), 14},
		{TEXT("\"\\udc00\\ud800\""), 1},
		{TEXT("\"\\udc00\\udc00\""), 1},
		{TEXT("\"\\uDcff\\udfff\""), 1},
		{TEXT("\"\\udd00\\udc00\""), 1},
		{TEXT("\"\\ude00\\udc00\""), 1},
		{TEXT("\"\\udf00\\udc00\""), 1},
		{TEXT("\"\\ud9ff\xed\xb0\x80\""), 1},
	};

	check_all_bad(bad, "a lone surrogate in an escape");
	check_good(TEXT("\"\\ud800\\udc00\\uDBFF\\uDFFF\\udb3A\\uDcfE\""));
}

void test_utf8(void)
{
	static const struct bad overlong[] = {
		{TEXT("\"\xc0\x80\""), 1},
		{TEXT("\"\xc1\xbf\""), 1},
		{TEXT("\"\xe0\x80\x80\""), 1},
		{TEXT("\"\xe0\x9f\xbf\""), 1},
		{TEXT("\"\xf0\x80\x80\x80\""), 1},
		{TEXT("\"\xf0\x8f\xbf\xbf\""), 1},
		{TEXT("\"a\xc3\xa4\xc0\xaf\""), 4},
	};
	static const struct bad surrogate[] = {
		{TEXT("\"\xed\xa0\x80\""), 1},
		{TEXT("\"\xed\xbf\xbf\""), 1},
		{TEXT("\"\xed\xa0\xbd\xed\xb8\x80\""), 1},
	};
	static const struct bad beyond[] = {
		{TEXT("\"\xf4\x90\x80\x80\""), 1},
		{TEXT("\"\xf5\x80\x80\x80\""), 1},
		{TEXT("\"\xf7\xbf\xbf\xbf\""), 1},
	};
	static const struct bad bad[] = {
		{TEXT("\"\x80\""), 1},
		{TEXT("\"\xbf\""), 1},
		{TEXT("\"\xc3\""), 1},
		{TEXT("\"\xc3\xc3\xa4\""), 1},
		{TEXT("\"\xe2\x82\""), 1},
		{TEXT("\"\xe2\""), 1},
		{TEXT("\"\xf0\x9f\x98\""), 1},
		{TEXT("\"\xf0\x9f\""), 1},
		{TEXT("\"\xf0\""), 1},
		{TEXT("\"\xe2\x82"
		      "a\""),
			1},
		{TEXT("\"\xf0\x9f\x98"
		      "a\""),
			1},
		{TEXT("\"\xf0\x9f\"\x80\""), 1},
		{TEXT("\"\xf8\x88\x80\x80\x80\""), 1},
		{TEXT("\"\xfe\""), 1},
		{TEXT("\"\xff\""), 1},
		{TEXT("\"\xc3\xa4\xa4\""), 3},
	};

	check_all_bad(overlong, "overlong UTF-8");
	check_all_bad(surrogate, "a surrogate in UTF-8");
	check_all_bad(beyond, "UTF-8 beyond U+10FFFF");
	check_all_bad(bad, "bad UTF-8");
	check_good(TEXT("\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"
			"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""));
}

/* Keys are strings like any other. */
void test_bad_strings_as_keys(void)
{
	static const struct {
		const char *text, *why;
		size_t where;
	} bad[] = {
		{"{\"\xc0\x80\":1}", "overlong UTF-8", 2},
		{"{\"\\ud800\":1}", "a lone surrogate in an escape", 2},
		{"{\"\t\":1}", "a control character in a string", 2},
		{"{\"a\":1,\"\\x\":1}", "a bad escape", 9},
		{"[{\"a\\u12\":1}]", "a bad \\u escape", 4},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		size_t where;

		check_text(reason(bad[i].text, strlen(bad[i].text), &where), bad[i].why);
		check_int(where, bad[i].where);
	}
}

void test_structure(void)
{
	static const struct {
		const char *text, *why;
		size_t where;
	} bad[] = {
		{"{\"a\" 1}", "no colon behind a key", 5},
		{"{\"a\",1}", "no colon behind a key", 4},
		{"{\"a\"}", "no colon behind a key", 4},
		{"{\"a\":}", "an unexpected character", 5},
		{"{\"a\"::1}", "an unexpected character", 5},
		{"{,}", "no key where one must be", 1},
		{"{1:2}", "no key where one must be", 1},
		{"{a:1}", "no key where one must be", 1},
		{"{\"a\":1,}", "no key where one must be", 7},
		{"{\"a\":1,2:3}", "no key where one must be", 7},
		{"{'a':1}", "no key where one must be", 1},
		{"[{\"a\":1,}]", "no key where one must be", 8},
		{"[1:2]", "no comma between two values", 2},
		{"[1 2]", "no comma between two values", 3},
		{"[1}", "no comma between two values", 2},
		{"[[1}]", "no comma between two values", 3},
		{"[\"a\"\"b\"]", "no comma between two values", 4},
		{"[1.5.5]", "no comma between two values", 4},
		{"[truefalse]", "no comma between two values", 5},
		{"]", "an unexpected character", 0},
		{"}", "an unexpected character", 0},
		{"1 2", "more behind the value", 2},
		{"{}{}", "more behind the value", 2},
		{"{} x", "more behind the value", 3},
		{"[]]", "more behind the value", 2},
		{"\"a\"b", "more behind the value", 3},
		{"nullnull", "more behind the value", 4},
		{"1\x0b", "more behind the value", 1},
		{"1,", "more behind the value", 1},
	};
	static const char nul[] = "{}\0";
	size_t where;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *why = reason(bad[i].text, strlen(bad[i].text), &where);

		check_text(why, bad[i].why);
		check_int(where, bad[i].where);
	}
	check_text(reason(nul, 3, &where), "more behind the value");
	check_int(where, 2);
}

/* The members of an object that a path leads through are read by other code than the others. */
void test_structure_of_wanted_objects(void)
{
	static const struct {
		const char *text, *why;
		size_t where;
	} bad[] = {
		{"{\"a\" 1}", "no colon behind a key", 5},
		{"{,}", "no key where one must be", 1},
		{"{a:1}", "no key where one must be", 1},
		{"{\"a\":1,}", "no key where one must be", 7},
		{"{\"a\":1 \"b\":2}", "no comma between two members", 7},
		{"{\"a\":1]", "no comma between two members", 6},
		{"{\"a\":{\"b\":1]}", "no comma between two members", 11},
		{"{\"a\":[1 2]}", "no comma between two values", 8},
		{"{\"a\":[1}}", "no comma between two values", 7},
		{"{\"a\":[1,]}", "an unexpected character", 8},
		{"{\"a\":[,]}", "an unexpected character", 6},
		{"{\"a\":}", "an unexpected character", 5},
		{"{\"a\":{\"b\\ud800\":1}}", "a lone surrogate in an escape", 8},
		{"{\"a\":{\"\xff\":1}}", "bad UTF-8", 7},
		{"{\"a\":\"\x01\"}", "a control character in a string", 6},
		{"{\"a\":1", "the line ends too early", 6},
		{"{\"a\":[1,", "the line ends too early", 8},
		{"{\"a\":{\"b", "the line ends too early", 8},
		{"[", "the line ends too early", 1},
		{"{\"a\":1}}", "more behind the value", 7},
	};
	struct paths p;
	int value;

	paths_init(&p);
	check(!paths_add(&p, "a.b", &value) && !paths_add(&p, "a.0", &value));
	check(!paths_add(&p, "0", &value));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct scanned s;

		scan_text(&s, &p, bad[i].text, strlen(bad[i].text));
		check_text(s.why, bad[i].why);
		check_int(s.where, bad[i].where);
		free(s.line);
	}
	paths_release(&p);
}

/* Every beginning of a good line fails, at its end or, inside of a token that can't be told from
 * its end, at the token. */
void test_cut_lines(void)
{
	static const char whole[] =
		"{\"a\\n\":[true,false,null,-1.5e+3,\"x\\u00e4\xc3\xa4\"],\"b\":{}}";

	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		size_t where = 0;
		const char *why = reason(whole, len, &where);

		check(why);
		if (strcmp(why, "the line ends too early") == 0) {
			check_int(where, len);
		} else {
			check(strcmp(why, "bad UTF-8") == 0 ||
				strcmp(why, "a bad \\u escape") == 0);
			check(where < len && len - where < 6);
		}
	}
	check_good(whole, sizeof(whole) - 1);
}

/* Depth */

enum nest { ARRAYS, OBJECTS, MIXED };

static size_t nest(char *to, enum nest how, size_t depth)
{
	char *p = to;

	for (size_t i = 0; i < depth; i++) {
		bool object = how == OBJECTS || (how == MIXED && i % 2);

		p += sprintf(p, "%s", object ? "{\"k\":" : "[");
	}
	*p++ = '1';
	for (size_t i = depth; i-- > 0;)
		*p++ = how == OBJECTS || (how == MIXED && i % 2) ? '}' : ']';
	return (size_t)(p - to);
}

static size_t nest_place(enum nest how, size_t depth)
{
	return how == ARRAYS ? depth : how == OBJECTS ? depth * 5 : (depth + 1) / 2 + depth / 2 * 5;
}

void test_depth(void)
{
	static const char *const wanted[] = {NULL, "0", "k.k.k.k", "0.k.0.k.0", "0.0.0.0.0.0"};
	static char text[SCAN_DEPTH_MAX * 8];

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		for (enum nest how = ARRAYS; how <= MIXED; how++) {
			struct paths p;
			struct scanned s;
			int value;

			paths_init(&p);
			if (wanted[i])
				check(!paths_add(&p, wanted[i], &value));
			scan_text(&s, &p, text, nest(text, how, SCAN_DEPTH_MAX));
			check(!s.why);
			free(s.line);
			scan_text(&s, &p, text, nest(text, how, SCAN_DEPTH_MAX + 1));
			check_text(s.why, "nested deeper than 512");
			check_int(s.where, nest_place(how, SCAN_DEPTH_MAX));
			free(s.line);
			paths_release(&p);
		}
}

/* The limit is one of depth: what was closed does not count. */
void test_depth_again_and_again(void)
{
	static char text[SCAN_DEPTH_MAX * 64];
	size_t len = 1;

	text[0] = '[';
	for (int i = 0; i < 6; i++) {
		len += nest(text + len, (enum nest)(i % 3), SCAN_DEPTH_MAX - 1);
		text[len++] = ',';
	}
	memcpy(text + len, "{}]", 3);
	check_good(text, len + 3);
}

void test_containers_close_as_they_were_opened(void)
{
	static char text[SCAN_DEPTH_MAX * 8];

	for (size_t depth = 1; depth <= SCAN_DEPTH_MAX; depth += depth < 70 ? 1 : 63)
		for (enum nest how = ARRAYS; how <= MIXED; how++) {
			size_t len = nest(text, how, depth), where;

			for (size_t i = 0; i < depth; i += 1 + i / 3) {
				char *at = &text[len - 1 - i], was = *at;

				*at = was == ']' ? '}' : ']';
				check_text(
					reason(text, len, &where), "no comma between two values");
				check_int(where, len - 1 - i);
				*at = was;
			}
		}
}

/* The paths */

struct found {
	const char *path;
	enum span_type type;
	const char *text;
};

static void check_span(
	const struct scanned *s, const struct span *v, enum span_type type, const char *text)
{
	check_int(v->type, type);
	if (type == SPAN_MISSING)
		return;
	check_int(v->len, strlen(text));
	check(memcmp(v->at, text, v->len) == 0);
	check(v->at >= s->line);
	check(v->escaped == (type == SPAN_STRING && memchr(text, '\\', v->len)));
}

static void check_found(const char *line, const struct found *found, size_t count)
{
	struct scanned s;
	struct paths p;

	paths_init(&p);
	for (size_t i = 0; i < count; i++) {
		int value = -1;

		check(!paths_add(&p, found[i].path, &value));
		check_int(value, i);
	}
	check_int(p.count, count);
	memset(s.values, 0xff, sizeof(s.values));
	scan_text(&s, &p, line, strlen(line));
	check(!s.why);
	for (size_t i = 0; i < count; i++)
		check_span(&s, &s.values[i], found[i].type, found[i].text);
	free(s.line);
	paths_release(&p);
}

#define FOUND(line, ...)                                         \
	check_found((line), (const struct found[]){__VA_ARGS__}, \
		sizeof((const struct found[]){__VA_ARGS__}) / sizeof(struct found))

void test_types_and_spans(void)
{
	FOUND(" {\"n\": null ,\"f\":false,\"t\" :true,\"i\":-1.50e+1 ,\"s\":\"x\\n\" , "
	      "\"e\":\"\",\"a\":[ 1 ] ,"
	      "\"o\" : { \"x\":\"}\" } } ",
		{"n", SPAN_NULL, "null"}, {"f", SPAN_FALSE, "false"}, {"t", SPAN_TRUE, "true"},
		{"i", SPAN_NUMBER, "-1.50e+1"}, {"s", SPAN_STRING, "x\\n"}, {"e", SPAN_STRING, ""},
		{"a", SPAN_ARRAY, "[ 1 ]"}, {"o", SPAN_OBJECT, "{ \"x\":\"}\" }"},
		{"x", SPAN_MISSING, NULL});
}

void test_the_root(void)
{
	static const struct {
		const char *line;
		enum span_type type;
		const char *text;
	} roots[] = {
		{" {} ", SPAN_OBJECT, "{}"},
		{"[1,\"\\n\"]\r", SPAN_ARRAY, "[1,\"\\n\"]"},
		{"\t\"a\\tb\"", SPAN_STRING, "a\\tb"},
		{"-0", SPAN_NUMBER, "-0"},
		{"true ", SPAN_TRUE, "true"},
		{"null", SPAN_NULL, "null"},
		{"\"\"", SPAN_STRING, ""},
		{"false", SPAN_FALSE, "false"},
	};
	struct paths p;
	int value;

	paths_init(&p);
	check(!paths_add(&p, "a.b", &value));
	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		struct scanned s;

		s.values[0].type = SPAN_STRING;
		scan_text(&s, &p, roots[i].line, strlen(roots[i].line));
		check(!s.why);
		check_span(&s, &s.root, roots[i].type, roots[i].text);
		check_int(s.values[0].type, SPAN_MISSING);
		free(s.line);
	}
	paths_release(&p);
}

void test_nested_paths(void)
{
	FOUND("{\"a\":{\"b\":{\"c\":1,\"d\":[10,{\"e\":\"x\"},[5,6]]}},\"b\":2,\"c\":3}",
		{"a.b.c", SPAN_NUMBER, "1"}, {"b", SPAN_NUMBER, "2"}, {"c", SPAN_NUMBER, "3"},
		{"a.b.d.1.e", SPAN_STRING, "x"}, {"a.b.d.2.0", SPAN_NUMBER, "5"},
		{"a.b.d.2.2", SPAN_MISSING, NULL}, {"a.c", SPAN_MISSING, NULL},
		{"/a/b/d/0", SPAN_NUMBER, "10"}, {"a.b.d.1", SPAN_OBJECT, "{\"e\":\"x\"}"});
}

void test_prefixes_of_each_other(void)
{
	FOUND("{\"a\":{\"b\":{\"c\":1}},\"ab\":2}", {"a.b.c", SPAN_NUMBER, "1"},
		{"a", SPAN_OBJECT, "{\"b\":{\"c\":1}}"}, {"a.b", SPAN_OBJECT, "{\"c\":1}"},
		{"ab", SPAN_NUMBER, "2"}, {"a.b.c.d", SPAN_MISSING, NULL});
}

/* A number names an element of an array, and a key of an object. */
void test_indexes(void)
{
	FOUND("{\"0\":\"key\",\"a\":[\"x\",\"y\"],\"b\":{\"1\":\"z\",\"01\":\"q\"}}",
		{"0", SPAN_STRING, "key"}, {"a.0", SPAN_STRING, "x"}, {"a.1", SPAN_STRING, "y"},
		{"a.01", SPAN_MISSING, NULL}, {"b.1", SPAN_STRING, "z"}, {"b.01", SPAN_STRING, "q"},
		{"a.-1", SPAN_MISSING, NULL}, {"/a/-", SPAN_MISSING, NULL},
		{"a.9999999999", SPAN_MISSING, NULL},
		{"a.18446744073709551616", SPAN_MISSING, NULL},
		{"a.4294967296", SPAN_MISSING, NULL}, {"/a/", SPAN_MISSING, NULL});
	FOUND("[[1,2],{\"1\":3}]", {"0.1", SPAN_NUMBER, "2"}, {"1.1", SPAN_NUMBER, "3"},
		{"1", SPAN_OBJECT, "{\"1\":3}"}, {"2", SPAN_MISSING, NULL});
}

void test_pointers(void)
{
	FOUND("{\"a/"
	      "b\":1,\"m~n\":2,\"\":{\"\":{\"x\":3}},\"a.b\":4,\"~1\":5,\"c\":{\"\":6},\"~\":7,"
	      "\"/\":8}",
		{"/a~1b", SPAN_NUMBER, "1"}, {"/m~0n", SPAN_NUMBER, "2"},
		{"/", SPAN_OBJECT, "{\"\":{\"x\":3}}"}, {"//", SPAN_OBJECT, "{\"x\":3}"},
		{"///x", SPAN_NUMBER, "3"}, {"/a.b", SPAN_NUMBER, "4"}, {"/~01", SPAN_NUMBER, "5"},
		{"/c/", SPAN_NUMBER, "6"}, {"/~0", SPAN_NUMBER, "7"}, {"/~1", SPAN_NUMBER, "8"},
		{"a/b/c", SPAN_MISSING, NULL}, {"/a/b", SPAN_MISSING, NULL});
}

/* Keys are compared by what they say, not by how they are written. */
void test_escaped_keys(void)
{
	FOUND("{\"\\u0061\":1,\"b\\/"
	      "c\":2,\"\\u00e4\":3,\"\\ud83d\\ude00\":4,\"q\\\"\":5,\"e\\\\\":6}",
		{"a", SPAN_NUMBER, "1"}, {"b/c", SPAN_NUMBER, "2"}, {"\xc3\xa4", SPAN_NUMBER, "3"},
		{"\xf0\x9f\x98\x80", SPAN_NUMBER, "4"}, {"q\"", SPAN_NUMBER, "5"},
		{"e\\", SPAN_NUMBER, "6"}, {"\\u0061", SPAN_MISSING, NULL},
		{"b", SPAN_MISSING, NULL});
	FOUND("{\"a\\u0000\":1,\"a\\u0000b\":2,\"aa\\u0062\":3}", {"a", SPAN_MISSING, NULL},
		{"ab", SPAN_MISSING, NULL}, {"aab", SPAN_NUMBER, "3"}, {"aa", SPAN_MISSING, NULL});
	FOUND("{\"a\":1,\"\\u0061\":2}", {"a", SPAN_NUMBER, "2"});
	FOUND("{\"\\u0061\":{\"\\u0062\":1,\"c\":2}}", {"a.b", SPAN_NUMBER, "1"},
		{"a.c", SPAN_NUMBER, "2"});
}

/* Around the eight bytes that are compared at once. */
void test_keys_of_all_lengths(void)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	char line[128];

	for (int len = 1; len < 26; len++) {
		char key[32], longer[32], other[32], last[32];

		snprintf(key, sizeof(key), "%.*s", len, letters);
		snprintf(longer, sizeof(longer), "%.*s", len + 1, letters);
		snprintf(other, sizeof(other), "%.*s", len, letters);
		snprintf(last, sizeof(last), "%.*s", len, letters);
		other[0] = 'X';
		last[len - 1] = 'X';
		snprintf(line, sizeof(line), "{\"%s\":1,\"%s\":2,\"%s\":3}", longer, other, last);
		FOUND(line, {key, SPAN_MISSING, NULL}, {longer, SPAN_NUMBER, "1"},
			{last, SPAN_NUMBER, "3"});
		FOUND(line, {key, SPAN_MISSING, NULL});
		snprintf(line, sizeof(line), "{\"%s\":1,\"%s\":2}", key, longer);
		FOUND(line, {key, SPAN_NUMBER, "1"}, {longer, SPAN_NUMBER, "2"});
	}
}

void test_the_last_of_equal_keys(void)
{
	FOUND("{\"a\":1,\"a\":\"x\",\"a\":true}", {"a", SPAN_TRUE, "true"});
	FOUND("{\"a\":{\"b\":1,\"b\":2},\"a\":{\"b\":3,\"c\":4,\"b\":5}}",
		{"a.b", SPAN_NUMBER, "5"}, {"a.c", SPAN_NUMBER, "4"});
}

/* A parent that comes again takes back what was found below the one before it. */
void test_the_last_of_equal_parents(void)
{
	FOUND("{\"a\":{\"b\":1,\"d\":{\"e\":2}},\"a\":{\"c\":3}}", {"a.b", SPAN_MISSING, NULL},
		{"a.c", SPAN_NUMBER, "3"}, {"a.d.e", SPAN_MISSING, NULL},
		{"a", SPAN_OBJECT, "{\"c\":3}"});
	FOUND("{\"a\":{\"b\":1},\"a\":null}", {"a.b", SPAN_MISSING, NULL},
		{"a", SPAN_NULL, "null"});
	FOUND("{\"a\":{\"b\":1},\"a\":[]}", {"a.b", SPAN_MISSING, NULL}, {"a", SPAN_ARRAY, "[]"});
	FOUND("{\"a\":[1,2,3],\"a\":[4]}", {"a.0", SPAN_NUMBER, "4"}, {"a.1", SPAN_MISSING, NULL});
	FOUND("{\"a\":[1],\"\\u0061\":{\"x\":1}}", {"a.0", SPAN_MISSING, NULL},
		{"a.x", SPAN_NUMBER, "1"});
	FOUND("{\"a\":{\"b\":1},\"a\":5,\"a\":{\"b\":2}}", {"a.b", SPAN_NUMBER, "2"});
}

void test_paths_through_what_is_no_container(void)
{
	FOUND("{\"a\":1,\"b\":\"{\\\"c\\\":1}\",\"d\":null,\"e\":[],\"f\":{}}",
		{"a.x", SPAN_MISSING, NULL}, {"b.c", SPAN_MISSING, NULL},
		{"d.0", SPAN_MISSING, NULL}, {"e.0", SPAN_MISSING, NULL},
		{"f.x", SPAN_MISSING, NULL}, {"a.0", SPAN_MISSING, NULL});
}

/* What an escape in the value's own key or in a container says is not said of the value. */
void test_escaped_is_of_the_string_itself(void)
{
	FOUND("{\"\\u0061\":\"plain\",\"b\":[\"\\n\"],\"c\":\"\\n\",\"d\":\"plain\",\"\\u0065\":1}",
		{"a", SPAN_STRING, "plain"}, {"b", SPAN_ARRAY, "[\"\\n\"]"},
		{"c", SPAN_STRING, "\\n"}, {"d", SPAN_STRING, "plain"}, {"e", SPAN_NUMBER, "1"});
}

void test_many_paths(void)
{
	static char line[VALUES_MAX * 32];
	char *p = line;
	struct scanned s;
	struct paths paths;

	paths_init(&paths);
	p += sprintf(p, "{");
	for (int i = 0; i < VALUES_MAX; i++) {
		char name[32];
		int value;

		snprintf(name, sizeof(name), "k%d.x.%d", i / 32, i % 32);
		check(!paths_add(&paths, name, &value));
		check_int(value, i);
		if (i % 32 == 0)
			p += sprintf(p, "%s\"k%d\":{\"x\":[", i ? "]}," : "", i / 32);
		p += sprintf(p, "%s%d", i % 32 ? "," : "", i);
	}
	p += sprintf(p, "]}}");
	scan_text(&s, &paths, line, strlen(line));
	check(!s.why);
	for (int i = 0; i < VALUES_MAX; i++)
		check_int(strtol(s.values[i].at, NULL, 10), i);
	free(s.line);
	paths_release(&paths);
}

/* Every length of a string around the vectors' widths, with a special byte at every place. */
static void check_string(
	const char *text, size_t len, size_t at, const char *special, const char *want)
{
	struct bad bad = {text, len, at};
	size_t where;

	if (want)
		check_bad(&bad, want);
	else if (reason(text, len, &where))
		fprintf(stderr, "%zu bytes, '%s' at %zu: refused at %zu\n", len, special, at,
			where),
			exit(1);
}

void test_strings_of_all_lengths(void)
{
	static const struct {
		const char *bytes, *why;
		size_t at;
	} specials[] = {
		{"", NULL, 0},
		{"\\\"", NULL, 0},
		{"\\u00e4", NULL, 0},
		{"\\ud83d\\ude00", NULL, 0},
		{"\xc3\xa4", NULL, 0},
		{"\xe2\x82\xac", NULL, 0},
		{"\xf0\x9f\x98\x80", NULL, 0},
		{"\x7f", NULL, 0},
		{"\x1f", "a control character in a string", 0},
		{"\t", "a control character in a string", 0},
		{"\xff", "bad UTF-8", 0},
		{"\x80", "bad UTF-8", 0},
		{"\xc3\xa4\xc3", "bad UTF-8", 2},
		{"\xed\xa0\x80", "a surrogate in UTF-8", 0},
		{"\\x", "a bad escape", 1},
		{"\\ud800", "a lone surrogate in an escape", 0},
	};
	char text[128];

	for (size_t len = 0; len <= 80; len++)
		for (size_t at = 0; at <= len; at++)
			for (size_t i = 0; i < sizeof(specials) / sizeof(*specials); i++) {
				size_t n = strlen(specials[i].bytes);

				text[0] = '"';
				memset(text + 1, "z!~"[i % 3], len + n);
				memcpy(text + 1 + at, specials[i].bytes, n);
				text[1 + len + n] = '"';
				check_string(text, len + n + 2, 1 + at + specials[i].at,
					specials[i].bytes, specials[i].why);
			}
}

/* A string that nothing closes must stop at the newline, wherever that is in a vector. */
void test_open_strings_of_all_lengths(void)
{
	char text[128];

	memset(text, 'a', sizeof(text));
	text[0] = '"';
	for (size_t len = 1; len < sizeof(text); len++) {
		size_t where;

		check_text(reason(text, len, &where), "the line ends too early");
		check_int(where, len);
	}
}

/* The members of an object */

struct members {
	char text[256];
};

static void note_member(void *context, const struct span *key, const struct span *value)
{
	struct members *m = context;
	size_t used = strlen(m->text);

	snprintf(m->text + used, sizeof(m->text) - used, "%.*s%s=%.*s:%d;", (int)key->len, key->at,
		key->escaped ? "!" : "", (int)value->len, value->at, value->type);
}

static void check_members(const char *line, const char *want)
{
	struct members m = {.text = ""};
	struct scanned s;
	struct paths none;

	paths_init(&none);
	scan_text(&s, &none, line, strlen(line));
	check(!s.why);
	scan_members(s.line, strlen(line), note_member, &m);
	check_text(m.text, want);
	free(s.line);
	paths_release(&none);
}

void test_members(void)
{
	check_members("{}", "");
	check_members(" { } ", "");
	check_members("{\"a\":1}", "a=1:4;");
	check_members(" { \"a\" : null , \"\\u0062\" : \"x\\n\" ,\"a\":[ {} ] , \"\":{\"c\":1}}\r",
		"a=null:1;\\u0062!=x\\n:5;a=[ {} ]:6;={\"c\":1}:7;");
}
