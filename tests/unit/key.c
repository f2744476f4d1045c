#include "record/key.h"

#include "base/mem.h"
#include "random.h"
#include "record/path.h"
#include "test.h"

static void scan_line(struct buf *line, const struct paths *p, struct span *spans)
{
	struct span root;
	size_t where;

	memset(buf_reserve(line, 1 + SCAN_PAD), 0, 1 + SCAN_PAD);
	line->data[line->len] = '\n';
	check(!scan(p, line->data, line->len, &root, spans, &where));
}

static bool is_canonical; /* the keys below */

/* The key of the fields a, b and c of a line, in memory of its own size. */
static char *key_of(const char *text, size_t *len)
{
	struct key_fields k;
	struct paths p;
	struct span spans[3];
	struct buf line, key;
	char *exact;

	paths_init(&p);
	buf_init(&line);
	buf_init(&key);
	check(!key_fields_read(&k, "a,b,c"));
	if (is_canonical)
		key_fields_canonical(&k);
	for (size_t i = 0; i < k.count; i++)
		check(!paths_add(&p, k.names[i], &k.fields[i]));
	buf_text(&line, text);
	scan_line(&line, &p, spans);
	buf_text(&key, "what was here before");
	check_int(key_encode(&key, &k, spans), strcmp(text, "{}") != 0);
	exact = mem_copy(key.data, key.len);
	*len = key.len;
	key_fields_release(&k);
	buf_release(&line);
	buf_release(&key);
	paths_release(&p);
	return exact;
}

/* A key of one string, of any length: its bytes between a tag and a NUL, whatever is beside them.
 */
void test_one_string(void)
{
	struct key_fields k = {.fields = {0}, .count = 1};
	struct buf key;

	random_seed();
	buf_init(&key);
	for (size_t len = 0; len < 100; len++)
		for (int round = 0; round < 100; round++) {
			char line[100 + SCAN_PAD];
			struct span s = {.at = line, .len = (uint32_t)len, .type = SPAN_STRING};

			for (size_t i = 0; i < sizeof(line); i++)
				line[i] = (char)(1 + random_below(255));
			memset(buf_reserve(&key, 200), 'x', 200);
			check(key_encode(&key, &k, &s));
			check_int(key.len, len + 2);
			check_int(key.data[0], KEY_STRING);
			check(memcmp(key.data + 1, line, len) == 0);
			check_int(key.data[len + 1], 0);
		}
	buf_release(&key);
}

/* One part of another kind, or with escapes, in a buffer that has room for any. */
void test_one_part(void)
{
	static const struct {
		const char *line, *key;
		size_t len;
	} rows[] = {
		{"{\"a\":12}",
			"\x04"
			"12",
			4},
		{"{\"a\":\"x\\ny\"}", "\x05x\ny", 5},
		{"{\"a\":\"12345678\"}",
			"\x05"
			"12345678",
			10},
		{"{\"a\":true}", "\x03", 2},
		{"{\"a\":[1,2]}", "\x06[1,2]", 7},
		{"{\"b\":\"x\"}", "\x01", 2},
	};
	struct key_fields k = {.fields = {0}, .count = 1};
	struct paths p;
	struct buf line, key;
	int value;

	paths_init(&p);
	buf_init(&line);
	buf_init(&key);
	check(!paths_add(&p, "a", &value));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct span span;

		buf_clear(&line);
		buf_text(&line, rows[i].line);
		scan_line(&line, &p, &span);
		memset(buf_reserve(&key, 200), 'x', 200);
		check_int(key_encode(&key, &k, &span), rows[i].line[2] == 'a');
		check_int(key.len, rows[i].len);
		check(memcmp(key.data, rows[i].key, key.len) == 0);
	}
	buf_release(&line);
	buf_release(&key);
	paths_release(&p);
}

static int compare(const char *x, const char *y)
{
	size_t xn, yn;
	char *a = key_of(x, &xn), *b = key_of(y, &yn);
	int order = memcmp(a, b, xn < yn ? xn : yn);

	order = order ? order : (xn > yn) - (xn < yn);
	free(a);
	free(b);
	return (order > 0) - (order < 0);
}

static void check_same(const char *x, const char *y)
{
	if (compare(x, y))
		fprintf(stderr, "%s and %s\n", x, y);
	check_int(compare(x, y), 0);
}

void test_lists(void)
{
	struct key_fields k;

	check(!key_fields_read(&k, "user.id"));
	check_int(k.count, 1);
	check_text(k.names[0], "user.id");
	key_fields_release(&k);
	check(!key_fields_read(&k, "a,/b~1c,d.0"));
	check_int(k.count, 3);
	check_text(k.names[1], "/b~1c");
	key_fields_release(&k);
}

void test_lists_that_are_none(void)
{
	static const char *const empty[] = {"", ",", "a,", ",a", "a,,b"};
	char many[KEY_PARTS_MAX * 2 + 2];
	struct key_fields k;

	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++) {
		check_text(key_fields_read(&k, empty[i]), "an empty name in the list");
		key_fields_release(&k);
	}
	for (int i = 0; i <= KEY_PARTS_MAX; i++)
		memcpy(many + 2 * i, "a,", 2);
	many[KEY_PARTS_MAX * 2 + 1] = '\0';
	check_text(key_fields_read(&k, many), "more than 32 names");
	key_fields_release(&k);
	many[KEY_PARTS_MAX * 2 - 1] = '\0';
	check(!key_fields_read(&k, many));
	check_int(k.count, KEY_PARTS_MAX);
	key_fields_release(&k);
}

void test_equal_keys(void)
{
	check_same("{\"a\":1}", "{\"a\":1,\"b\":null}");
	check_same("{\"a\":null}", "{\"b\":null,\"c\":null}");
	check_same("{\"a\":\"x\"}", " { \"z\":9, \"a\" : \"x\" } ");
	check_same("{\"a\":\"\\u0061\\/\"}", "{\"a\":\"a/\"}");
	check_same("{\"a\":\"\\ud83d\\ude00\"}", "{\"a\":\"\xf0\x9f\x98\x80\"}");
	check_same("{\"a\":\"\\u0000\"}", "{\"a\":\"\\u0000\",\"a\":\"\\u0000\"}");
	check_same("{\"a\":[1, 2]}", "{\"a\":[1, 2]}");
}

/* All of these differ, and stand in their order. */
void test_order(void)
{
	static const char *const lines[] = {
		"{}",
		"{\"c\":1}",
		"{\"c\":\"\"}",
		"{\"b\":true}",
		"{\"b\":\"\"}",
		"{\"a\":false}",
		"{\"a\":true}",
		"{\"a\":1}",
		"{\"a\":1,\"b\":1}",
		"{\"a\":1.0}",
		"{\"a\":10}",
		"{\"a\":1e0}",
		"{\"a\":\"\"}",
		"{\"a\":\"\",\"b\":\"\"}",
		"{\"a\":\"\",\"b\":\"\\u0001\"}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":\"\\u0000\",\"b\":\"\"}",
		"{\"a\":\"\\u0000\\u0000\"}",
		"{\"a\":\"\\u0000\\u0001\"}",
		"{\"a\":\"\\u0000\xc3\xa4\"}",
		"{\"a\":\"\\u0001\"}",
		"{\"a\":\"1\"}",
		"{\"a\":\"a\"}",
		"{\"a\":\"a\",\"b\":{}}",
		"{\"a\":\"a\\u0000\"}",
		"{\"a\":\"a\\u0000b\"}",
		"{\"a\":\"a\\u0001\"}",
		"{\"a\":\"aa\"}",
		"{\"a\":\"b\"}",
		"{\"a\":\"null\"}",
		"{\"a\":\"\xc3\xa4\"}",
		"{\"a\":\"\xf0\x9f\x98\x80\"}",
		"{\"a\":[1]}",
		"{\"a\":[]}",
		"{\"a\":{\"\":1}}",
		"{\"a\":{}}",
	};
	enum { COUNT = sizeof(lines) / sizeof(*lines) };

	for (size_t i = 0; i < COUNT; i++)
		for (size_t k = 0; k < COUNT; k++) {
			int want = (i > k) - (i < k);

			if (compare(lines[i], lines[k]) != want)
				fprintf(stderr, "%s and %s\n", lines[i], lines[k]);
			check_int(compare(lines[i], lines[k]), want);
		}
}

void test_canonical_keys(void)
{
	is_canonical = true;
	test_equal_keys();
	check_same("{\"a\":1}", "{\"a\":1.0}");
	check_same("{\"a\":10e-1}", "{\"a\":1E0,\"b\":null}");
	check_same("{\"a\":-0}", "{\"a\":0}");
	check_same("{\"a\":[1, 2]}", "{\"a\":[1.0,20e-1]}");
	check_same("{\"b\":{\"x\":1,\"y\":\"\\u0000\"}}",
		"{\"b\":{\"y\":\"\\u0000\",\"x\":2,\"x\":1e0}}");
	check_same("{\"a\":[1],\"b\":[2]}", "{\"b\":[2.0],\"a\":[1.0]}");
	check(compare("{\"a\":[1],\"b\":[2]}", "{\"a\":[2],\"b\":[1]}") < 0);
	check(compare("{\"a\":1}", "{\"a\":\"1\"}") < 0);
	check(compare("{\"a\":\"[1]\"}", "{\"a\":[1]}") < 0);
	check(compare("{\"a\":[]}", "{\"a\":{}}") < 0);
	check(compare("{\"a\":true}", "{\"a\":0.0}") < 0);
}

static void check_printed(const char *line, const char *const want[3])
{
	size_t len;
	char *key = key_of(line, &len);
	const char *part = key;
	struct buf got;

	buf_init(&got);
	for (int i = 0; i < 3; i++) {
		buf_clear(&got);
		key_part_print(&got, &part, key + len);
		check_text(buf_string(&got), want[i]);
	}
	check(part == key + len);
	buf_release(&got);
	free(key);
}

#define PRINTED(line, ...) check_printed(line, (const char *const[]){__VA_ARGS__})

/* The key lies in memory of its own size: looking behind it is seen. */
void test_print(void)
{
	PRINTED("{}", "null", "null", "null");
	PRINTED("{\"a\":true,\"b\":false,\"c\":-1.50e+3}", "true", "false", "-1.50e+3");
	PRINTED("{\"a\":\"\",\"b\":\"x\",\"c\":\"y\"}", "\"\"", "\"x\"", "\"y\"");
	PRINTED("{\"a\":[1, \"\\u0000\"],\"b\":{ },\"c\":[]}", "[1, \"\\u0000\"]", "{ }", "[]");
	PRINTED("{\"a\":\"\\u0000\",\"b\":\"x\\u0000\\u0000y\",\"c\":\"z\\u0000\"}", "\"\\u0000\"",
		"\"x\\u0000\\u0000y\"", "\"z\\u0000\"");
	PRINTED("{\"a\":\"\\u0000\",\"c\":\"\\n\\\"\"}", "\"\\u0000\"", "null", "\"\\n\\\"\"");
}

/* What is left to the long way, and that the short one gives the same. */
void test_print_few(void)
{
	static const char *const parts[] = {"12345678", "true", "null", "[1,2,3,4,5]",
		"\"1234567\"", "\"12345678\"", "\"0123456789\"", "\"0123456789abcdef\"",
		"\"0123456789abcdefg\"", "\"1234\xc3\xa4wxyz\"", "\"123456\\u0000\"",
		"\"\\u00001234567890\"", "\"123456\\n89\"", "\"123456\\\"89\""};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		char line[64], got[KEY_FEW_TEXT + 1], *end;
		bool is_of_few = i >= 5 && i <= 7;
		size_t len;
		char *key;

		sprintf(line, "{\"c\":%s}", parts[i]);
		key = key_of(line, &len);
		/* behind two parts that are null */
		check(key[0] == KEY_NULL && key[2] == KEY_NULL);
		end = key_part_print_few(got, key + 4, key + len);
		check_int(end != NULL, is_of_few);
		if (end) {
			*end = '\0';
			check_text(got, parts[i]);
		}
		check(!key_part_print_few(got, key, key + len));
		free(key);
	}
}

void test_print_canonical(void)
{
	is_canonical = true;
	PRINTED("{}", "null", "null", "null");
	PRINTED("{\"a\":true,\"b\":false,\"c\":-1.50e+3}", "true", "false", "-1500");
	PRINTED("{\"a\":[1.0, \"\\u0000\"],\"b\":{ },\"c\":{\"y\":1e400,\"x\":[ ]}}",
		"[1,\"\\u0000\"]", "{}", "{\"x\":[],\"y\":1e+400}");
	PRINTED("{\"a\":\"\\u0000\",\"c\":\"\\n\\\"\"}", "\"\\u0000\"", "null", "\"\\n\\\"\"");
}

/* Whatever stands behind a key in memory is none of it. */
void test_print_beside_anything(void)
{
	for (int behind = 0; behind < 256; behind++) {
		size_t len;
		char *key = key_of("{\"c\":\"abc\"}", &len);
		char *beside = mem_alloc(len + 8);
		const char *part = beside;
		struct buf got;

		memset(beside, behind, len + 8);
		beside[len + 7] = '\0';
		memcpy(beside, key, len);
		buf_init(&got);
		for (int i = 0; i < 3; i++)
			key_part_print(&got, &part, beside + len);
		check_text(buf_string(&got), "nullnull\"abc\"");
		buf_release(&got);
		free(beside);
		free(key);
	}
}

/* A part that is missing has no length, whatever stood in its span before. */
void test_missing_parts_take_no_room(void)
{
	struct key_fields k;
	struct paths p;
	struct span spans[2];
	struct buf line, key;

	paths_init(&p);
	buf_init(&line);
	buf_init(&key);
	check(!key_fields_read(&k, "a,b"));
	for (size_t i = 0; i < k.count; i++)
		check(!paths_add(&p, k.names[i], &k.fields[i]));
	memset(spans, 0x01, sizeof(spans));
	buf_text(&line, "{\"a\":1}");
	scan_line(&line, &p, spans);
	check(key_encode(&key, &k, spans));
	check(key.cap < 4096);
	key_fields_release(&k);
	buf_release(&line);
	buf_release(&key);
	paths_release(&p);
}

/* Strings of few letters, so that NULs and equal ones come often: against the strings themselves.
 */
static void random_string(struct buf *text, struct buf *json)
{
	static const char *const letters[] = {"\\u0000", "\\u0001", "a", "\\u0061", "\xc3\xbf"};
	static const char *const said[] = {"\0", "\1", "a", "a", "\xc3\xbf"};

	buf_char(json, '"');
	for (uint64_t n = random_below(5); n; n--) {
		uint64_t i = random_below(5);

		buf_text(json, letters[i]);
		buf_add(text, said[i], i == 4 ? 2 : 1);
	}
	buf_char(json, '"');
}

static int bytes_order(const struct buf *x, const struct buf *y)
{
	size_t n = x->len < y->len ? x->len : y->len;
	int order = n ? memcmp(x->data, y->data, n) : 0;

	order = order ? order : (x->len > y->len) - (x->len < y->len);
	return (order > 0) - (order < 0);
}

void test_random_strings(void)
{
	struct buf a[2], b[2], line[2];

	random_seed();
	for (int round = 0; round < 20000; round++) {
		int want;

		for (int i = 0; i < 2; i++) {
			buf_init(&a[i]);
			buf_init(&b[i]);
			buf_init(&line[i]);
			buf_text(&line[i], "{\"a\":");
			random_string(&a[i], &line[i]);
			buf_text(&line[i], ",\"b\":");
			random_string(&b[i], &line[i]);
			buf_text(&line[i], "}");
		}
		want = bytes_order(&a[0], &a[1]);
		want = want ? want : bytes_order(&b[0], &b[1]);
		check_int(compare(buf_string(&line[0]), buf_string(&line[1])), want);
		for (int i = 0; i < 2; i++) {
			buf_release(&a[i]);
			buf_release(&b[i]);
			buf_release(&line[i]);
		}
	}
}

/* One record must not take minutes. */
void test_a_megabyte_of_nuls(void)
{
	enum { NULS = 1 << 20 };
	struct buf line;
	char *key;
	size_t len;

	buf_init(&line);
	buf_text(&line, "{\"a\":\"");
	for (int i = 0; i < NULS; i++)
		buf_text(&line, "\\u0000");
	buf_text(&line, "\"}");
	key = key_of(buf_string(&line), &len);
	check(len > 2 * NULS);
	for (int i = 0; i < NULS; i++)
		check(key[1 + 2 * i] == '\0' && key[2 + 2 * i] == (char)0xff);
	free(key);
	buf_release(&line);
}
