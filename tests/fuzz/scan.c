/*
 * The scanner against jansson: both take the same lines, and find the same values. Of equal keys
 * the last wins with both. The known differences, each dealt with exactly:
 *
 * - jansson keeps integers in 64 bits and reals in a double, and refuses what does not fit. Then
 *   each number of the text is made a 0, and the verdict on that text counts.
 * - Its depth limit is another one. Where the scanner says "nested deeper", the depth is counted.
 * - It has no keys with a NUL in them. Then each \u0000 of the text is made a \u0001.
 * - It loses a NUL byte behind a number. JSON has no such byte, so the scanner must refuse it.
 */
#include <jansson.h>

#include "base/buf.h"
#include "base/decimal.h"
#include "record/scan.h"
#include "record/text.h"
#include "replay.h"

/* What is asked for, and its parts as jansson is asked for them. */
static const struct {
	const char *name;
	const char *parts[4];
} asked[] = {
	{"a", {"a"}},
	{"b", {"b"}},
	{"a.b", {"a", "b"}},
	{"a.b.c", {"a", "b", "c"}},
	{"a.0", {"a", "0"}},
	{"0", {"0"}},
	{"0.1", {"0", "1"}},
	{"1.a", {"1", "a"}},
	{"/a~1", {"a/"}},
	{"/", {""}},
	{"/a//b", {"a", "", "b"}},
	{"longer than 8", {"longer than 8"}},
};

enum { ASKED = sizeof(asked) / sizeof(*asked) };

static const json_t *found_by_jansson(const json_t *at, const char *const *part)
{
	for (; at && *part; part++)
		at = json_is_array(at) && strchr("01", **part) && **part
			     ? json_array_get(at, (size_t)(**part - '0'))
			     : json_object_get(at, *part);
	return at;
}

static void compare_string(const struct span *s, const json_t *j)
{
	const char *want = json_string_value(j);
	size_t len = json_string_length(j);
	struct buf text;

	buf_init(&text);
	text_unescape(&text, s);
	must(text.len == len && memcmp(buf_string(&text), want, len) == 0);
	must(text_says(s, want, len));
	must(s->escaped == (memchr(s->at, '\\', s->len) != NULL));
	buf_release(&text);
}

static void compare_number(const struct span *s, const json_t *j)
{
	char *text = strndup(s->at, s->len);

	must(decimal_is_number(s->at, s->len));
	must(json_is_integer(j) ? strtoll(text, NULL, 10) == json_integer_value(j)
				: strtod(text, NULL) == json_real_value(j));
	free(text);
}

static void compare(const struct span *s, const json_t *j)
{
	static const enum span_type types[] = {
		[JSON_OBJECT] = SPAN_OBJECT,
		[JSON_ARRAY] = SPAN_ARRAY,
		[JSON_STRING] = SPAN_STRING,
		[JSON_INTEGER] = SPAN_NUMBER,
		[JSON_REAL] = SPAN_NUMBER,
		[JSON_TRUE] = SPAN_TRUE,
		[JSON_FALSE] = SPAN_FALSE,
		[JSON_NULL] = SPAN_NULL,
	};

	must(s->type == (j ? types[json_typeof(j)] : SPAN_MISSING));
	if (s->type == SPAN_STRING)
		compare_string(s, j);
	else if (s->type == SPAN_NUMBER)
		compare_number(s, j);
	else if (s->type == SPAN_OBJECT || s->type == SPAN_ARRAY) {
		json_t *again = json_loadb(s->at, s->len, JSON_ALLOW_NUL, NULL);

		must(again && json_equal(again, j));
		json_decref(again);
	}
}

/* Behind the string that begins at p, or end. */
static char *string_end(char *p, char *end)
{
	for (p++; p < end && *p != '"'; p++)
		p += *p == '\\';
	return p < end ? p + 1 : end;
}

static void zero_numbers(char *p, char *end)
{
	while (p < end) {
		char *from = p;

		if (*p == '"') {
			p = string_end(p, end);
			continue;
		}
		while (p < end && *p && strchr("0123456789+-.eE", *p))
			p++;
		if (p > from && decimal_is_number(from, (size_t)(p - from))) {
			memset(from, ' ', (size_t)(p - from));
			*from = '0';
		}
		p += p == from;
	}
}

static void replace_nuls(char *p, char *end)
{
	for (; end - p >= 6; p++)
		if (memcmp(p, "\\u0000", 6) == 0)
			p[5] = '1';
}

/* How many containers are open in front of the last of these bytes, which opens another. */
static unsigned depth(char *p, char *end)
{
	unsigned open = 0;

	while (p < end) {
		open += *p == '{' || *p == '[';
		open -= *p == '}' || *p == ']';
		p = *p == '"' ? string_end(p, end) : p + 1;
	}
	return open;
}

/* jansson's verdict on a text that it refused for what it can't hold, not for what is wrong. */
static bool is_good_otherwise(const char *line, size_t len)
{
	char *copy = malloc(len + 1);
	json_t *j;

	memcpy(copy, line, len);
	zero_numbers(copy, copy + len);
	replace_nuls(copy, copy + len);
	j = json_loadb(copy, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	json_decref(j);
	free(copy);
	return j != NULL;
}

static void judge(const struct paths *p, char *line, size_t len)
{
	struct span root, values[ASKED];
	size_t where = 0;
	json_error_t error;
	json_t *j = json_loadb(line, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	const char *why = scan(p, line, len, &root, values, &where);

	must(!why || where <= len);
	if (memchr(line, '\0', len)) {
		must(why);
	} else if (why && strcmp(why, "nested deeper than 512") == 0) {
		must(depth(line, line + where) == SCAN_DEPTH_MAX);
	} else if (j) {
		must(!why);
		compare(&root, j);
		for (size_t i = 0; i < ASKED; i++)
			compare(&values[i], found_by_jansson(j, asked[i].parts));
	} else if (!why) {
		must(json_error_code(&error) == json_error_numeric_overflow ||
			json_error_code(&error) == json_error_null_byte_in_key);
		must(is_good_otherwise(line, len));
	} else if (json_error_code(&error) == json_error_numeric_overflow) {
		must(!is_good_otherwise(line, len));
	}
	json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *line = malloc(len + 1 + SCAN_PAD);
	struct paths p;
	int value;

	paths_init(&p);
	for (size_t i = 0; i < ASKED; i++)
		must(!paths_add(&p, asked[i].name, &value) && value == (int)i);
	memcpy(line, bytes, len);
	for (size_t i = 0; i < len; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	line[len] = '\n';
	memset(line + len + 1, '"', SCAN_PAD);
	judge(&p, line, len);
	free(line);
	paths_release(&p);
	return 0;
}
