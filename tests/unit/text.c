#include "record/text.h"

#include "base/mem.h"
#include "test.h"

/* A scanned string; the quotes are no part of it. */
static struct span span(const char *inner, size_t len)
{
	return (struct span){
		.at = inner,
		.len = (uint32_t)len,
		.type = SPAN_STRING,
		.escaped = memchr(inner, '\\', len) != NULL,
	};
}

static void check_says(const char *inner, const char *want, size_t len)
{
	char *text = mem_copy(inner, strlen(inner) + 1);
	struct span s = span(text, strlen(text));
	struct buf got;

	buf_init(&got);
	buf_text(&got, "before");
	text_unescape(&got, &s);
	check_int(got.len, len + 6);
	check(memcmp(got.data + 6, want, len) == 0);
	check(text_says(&s, want, len));
	check(!len || !text_says(&s, want, len - 1));
	buf_clear(&got);
	buf_add(&got, want, len);
	buf_char(&got, '\0');
	check(!text_says(&s, got.data, len + 1));
	if (len) {
		got.data[len - 1] ^= 1;
		check(!text_says(&s, got.data, len));
	}
	buf_release(&got);
	free(text);
}

void test_unescape(void)
{
	check_says("", "", 0);
	check_says("plain", "plain", 5);
	check_says("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", 8);
	check_says("a\\nb\\\\nc", "a\nb\\nc", 6);
	check_says("\\u0041\\u00e4\\u20AC", "A\xc3\xa4\xe2\x82\xac", 6);
	check_says("\\uD83D\\uDE00", "\xf0\x9f\x98\x80", 4);
	check_says("\\ud800\\udc00\\udbff\\udfff", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8);
	check_says("\\u0000", "\0", 1);
	check_says("a\\u0000b", "a\0b", 3);
	check_says("\\u007f\\u0080\\u07ff\\u0800\\uffff",
		"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", 11);
	check_says("\xc3\xa4\\n", "\xc3\xa4\n", 3);
}

static void check_text_of(const char *text, size_t len, const char *want)
{
	struct buf got;

	buf_init(&got);
	text_quote(&got, text, len);
	check_text(buf_string(&got), want);
	buf_release(&got);
}

static void check_quoted(const char *text, size_t len, const char *want)
{
	struct buf got;

	check_text_of(text, len, want);
	buf_init(&got);
	text_quote_any(&got, text, len);
	check_text(buf_string(&got), want);
	buf_release(&got);
}

/* One character that is to be escaped, or looks like it, in any place of a text of any length. */
void test_quote_finds_each(void)
{
	static const char tried[] = {'"', '\\', 0x1f, 1, 0, ' ', '!', '#', '[', ']', 0x7f,
		(char)0xa0, (char)0xa2, (char)0xdc, (char)0xff};

	for (size_t len = 1; len <= 40; len++)
		for (size_t at = 0; at < len; at++)
			for (size_t i = 0; i < sizeof(tried); i++) {
				char text[40], want[64], escape[8] = {tried[i], 0};

				if (tried[i] == '"' || tried[i] == '\\')
					sprintf(escape, "\\%c", tried[i]);
				else if ((unsigned char)tried[i] < ' ')
					sprintf(escape, "\\u%04x", (unsigned)tried[i]);
				memset(text, 'a', len);
				sprintf(want, "\"%.*s%s%.*s\"", (int)at, text, escape,
					(int)(len - at - 1), text);
				text[at] = tried[i];
				check_text_of(text, len, want);
			}
}

void test_quote(void)
{
	check_quoted("", 0, "\"\"");
	check_quoted("plain /'", 8, "\"plain /'\"");
	check_quoted("\"\\\b\f\n\r\t", 7, "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
	check_quoted("\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\x7f\"");
	check_quoted("\xc3\xa4\xf0\x9f\x98\x80\n", 7, "\"\xc3\xa4\xf0\x9f\x98\x80\\n\"");
}

/* Eight bytes are looked at together: each byte, in each place. */
void test_quote_every_byte(void)
{
	for (size_t len = 1; len <= 20; len++)
		for (size_t at = 0; at < len; at++)
			for (int c = 0; c < 128; c++) {
				static const char special[] = "\"\\\b\f\n\r\t";
				char text[21], escape[8] = {(char)c}, want[80];

				if (c && strchr(special, c))
					snprintf(escape, sizeof(escape), "\\%c",
						"\"\\bfnrt"[strchr(special, c) - special]);
				else if (c < ' ')
					snprintf(escape, sizeof(escape), "\\u%04x", c);
				memset(text, '~', len);
				text[at] = (char)c;
				snprintf(want, sizeof(want), "\"%.*s%s%.*s\"", (int)at,
					"~~~~~~~~~~~~~~~~~~~~", escape, (int)(len - 1 - at),
					"~~~~~~~~~~~~~~~~~~~~");
				check_quoted(text, len, want);
			}
}

/* What is short and plain is, and nothing else: one byte, in each place. */
void test_quote_short(void)
{
	for (size_t len = 8; len <= 16; len++)
		for (size_t at = 0; at < len; at++)
			for (int c = 0; c < 256; c++) {
				bool is_plain = c >= ' ' && c < 128 && c != '"' && c != '\\';
				char *text = mem_alloc(len), got[20], want[20], *end;

				memset(text, '~', len);
				text[at] = (char)c;
				memset(got, '#', sizeof(got));
				end = text_quote_short(got, text, len);
				check_int(end ? end - got : 0, is_plain ? len + 2 : 0);
				want[0] = want[len + 1] = '"';
				memcpy(want + 1, text, len);
				check(!end || memcmp(got, want, len + 2) == 0);
				check_int(got[len + 2], '#');
				free(text);
			}
}

void test_quote_bytes_that_are_no_text(void)
{
	static const struct {
		const char *bytes, *want;
	} cases[] = {
		{"a\xff"
		 "b",
			"\"a\xef\xbf\xbd"
			"b\""},
		{"\xc3", "\"\xef\xbf\xbd\""},
		{"\xc3\"", "\"\xef\xbf\xbd\\\"\""},
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xe2\x82\xac\xe2\x82", "\"\xe2\x82\xac\xef\xbf\xbd\xef\xbf\xbd\""},
	};
	struct buf got;

	buf_init(&got);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		buf_clear(&got);
		text_quote_any(&got, cases[i].bytes, strlen(cases[i].bytes));
		check_text(buf_string(&got), cases[i].want);
	}
	buf_release(&got);
}

void test_is_utf8(void)
{
	static const char *const no[] = {
		"\x80", "a\xc3", "\xc0\x80", "\xed\xa0\x80", "ab\xf5\x80\x80\x80"};
	static const char *const yes[] = {"", "a", "\x01\x7f", "\xc3\xa4", "x\xf4\x8f\xbf\xbfy"};

	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
		char *bytes = mem_copy(no[i], strlen(no[i]));

		check(!text_is_utf8(bytes, strlen(no[i])));
		free(bytes);
	}
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		check(text_is_utf8(yes[i], strlen(yes[i])));
	check(text_is_utf8("a\0b", 3));
}

/* What quoting writes the scanner takes, and unescaping gives the bytes back. */
void test_quote_and_back(void)
{
	uint64_t x = 88172645463325252u;
	struct buf text, line, back;
	struct paths none;

	paths_init(&none);
	buf_init(&text);
	buf_init(&line);
	buf_init(&back);
	for (int round = 0; round < 20000; round++) {
		struct span root;
		size_t where;

		buf_clear(&text);
		buf_clear(&line);
		buf_clear(&back);
		for (int i = round % 40; i; i--) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			buf_char(&text, (char)(x >> 32 & (x & 1 ? 0xff : 0x3f)));
		}
		text_quote_any(&line, text.data ? text.data : "", text.len);
		memset(buf_reserve(&line, 1 + SCAN_PAD), 0, 1 + SCAN_PAD);
		line.data[line.len] = '\n';
		check(!scan(&none, line.data, line.len, &root, NULL, &where));
		text_unescape(&back, &root);
		if (text_is_utf8(text.data ? text.data : "", text.len)) {
			check_int(back.len, text.len);
			check(!text.len || memcmp(back.data, text.data, text.len) == 0);
		} else {
			check(text_is_utf8(back.data, back.len));
		}
	}
	buf_release(&text);
	buf_release(&line);
	buf_release(&back);
	paths_release(&none);
}
