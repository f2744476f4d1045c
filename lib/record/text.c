#include "record/text.h"

#include <assert.h>
#include <string.h>

#include "base/digits.h"
#include "record/utf8.h"

static unsigned hex4(const char *p)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++) {
		unsigned c = (unsigned char)p[i];

		value = value << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

/* Decodes the escape at *p, a backslash in a string that was scanned, and steps behind it. */
static size_t unescape_one(const char **p, char out[4])
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = *p;
	unsigned code;

	if (at[1] != 'u') {
		const char *found = strchr(from, at[1]);

		assert(found && *found);
		out[0] = to[found - from];
		*p = at + 2;
		return 1;
	}
	code = hex4(at + 2);
	at += 6;
	if (code >= 0xd800 && code < 0xdc00) {
		code = 0x10000 + ((code - 0xd800) << 10) + (hex4(at + 2) - 0xdc00);
		at += 6;
	}
	*p = at;
	return utf8_encode(code, out);
}

void text_unescape(struct buf *to, const struct span *string)
{
	const char *p = string->at, *end = p + string->len;

	while (p < end) {
		const char *escape = string->escaped ? memchr(p, '\\', (size_t)(end - p)) : NULL;
		char bytes[4];

		buf_add(to, p, (size_t)((escape ? escape : end) - p));
		if (!escape)
			return;
		p = escape;
		buf_add(to, bytes, unescape_one(&p, bytes));
	}
}

bool text_says(const struct span *string, const char *text, size_t len)
{
	const char *p = string->at, *end = p + string->len;
	const char *text_end = text + len;

	while (p < end) {
		char bytes[4];
		size_t n = 1;

		if (*p == '\\')
			n = unescape_one(&p, bytes);
		else
			bytes[0] = *p++;
		if ((size_t)(text_end - text) < n || memcmp(text, bytes, n) != 0)
			return false;
		text += n;
	}
	return text == text_end;
}

static void quote_special(struct buf *to, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *found = c ? strchr(from, c) : NULL;

	if (found)
		buf_format(to, "\\%c", letters[found - from]);
	else
		buf_format(to, "\\u%04x", c);
}

/* Whether one of a word's bytes is below a blank, a quote or a backslash. */
static bool has_special(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
	uint64_t found = ((word - ones * ' ') & ~word) | ((quote - ones) & ~quote) |
			 ((backslash - ones) & ~backslash);

	return found & ones << 7;
}

/* Whether nothing in it is to be escaped; of less than eight bytes that is not asked. */
static bool is_plain(const char *text, size_t len)
{
	bool special = len < 8;

	for (size_t at = 0; !special && at + 8 <= len; at += 8)
		special = has_special(digits_load(text + at));
	return !special && !has_special(digits_load(text + len - 8));
}

/* text_quote of what has nothing to escape; else false. */
static bool quote_plain(struct buf *to, const char *text, size_t len)
{
	char *at = buf_reserve(to, len + 2);

	if (!short_is(len) || !text_quote_short(at, text, len)) {
		if (!is_plain(text, len))
			return false;
		at[0] = at[len + 1] = '"';
		memcpy(at + 1, text, len);
	}
	to->len += len + 2;
	return true;
}

void text_quote(struct buf *to, const char *text, size_t len)
{
	const char *end = text + len, *plain = text;

	if (quote_plain(to, text, len))
		return;
	buf_char(to, '"');
	for (const char *p = text; p < end; p++) {
		unsigned char c = (unsigned char)*p;

		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		buf_add(to, plain, (size_t)(p - plain));
		quote_special(to, c);
		plain = p + 1;
	}
	buf_add(to, plain, (size_t)(end - plain));
	buf_char(to, '"');
}

/* Behind the longest UTF-8 run from p on. */
static const char *utf8_run(const char *p, const char *end)
{
	while (p < end) {
		const char *why, *next = p + 1;

		if ((unsigned char)*p >= 0x80 && !(next = utf8_next(p, end, &why)))
			return p;
		p = next;
	}
	return p;
}

bool text_is_utf8(const char *bytes, size_t len)
{
	return utf8_run(bytes, bytes + len) == bytes + len;
}

void text_quote_any(struct buf *to, const char *bytes, size_t len)
{
	const char *p = bytes, *end = bytes + len;
	struct buf clean;

	buf_init(&clean);
	while (p < end) {
		const char *good = utf8_run(p, end);

		buf_add(&clean, p, (size_t)(good - p));
		p = good;
		if (p < end) {
			buf_text(&clean, "\xef\xbf\xbd");
			p++;
		}
	}
	text_quote(to, buf_string(&clean), clean.len);
	buf_release(&clean);
}
