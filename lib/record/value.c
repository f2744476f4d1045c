#include "record/value.h"

#include <string.h>

#include "base/decimalprint.h"
#include "record/text.h"

static void take_string(struct value *v, const struct span *span, struct buf *text)
{
	v->type = VALUE_STRING;
	v->text = span->at;
	v->len = span->len;
	if (!span->escaped)
		return;
	buf_clear(text);
	text_unescape(text, span);
	v->text = text->data;
	v->len = text->len;
}

void value_from_span(struct value *v, const struct span *span, struct buf *text)
{
	v->source = *span;
	switch ((enum span_type)span->type) {
	case SPAN_MISSING:
		v->type = VALUE_MISSING;
		break;
	case SPAN_NULL:
		v->type = VALUE_NULL;
		break;
	case SPAN_FALSE:
		v->type = VALUE_FALSE;
		break;
	case SPAN_TRUE:
		v->type = VALUE_TRUE;
		break;
	case SPAN_NUMBER:
		v->type = decimal_parse_padded(&v->number, span->at, span->len) ? VALUE_OTHER
										: VALUE_NUMBER;
		break;
	case SPAN_STRING:
		take_string(v, span, text);
		break;
	case SPAN_ARRAY:
	case SPAN_OBJECT:
		v->type = VALUE_OTHER;
		break;
	}
}

static void print_source(struct buf *to, const struct span *s)
{
	bool quoted = s->type == SPAN_STRING;

	buf_add(to, s->at - quoted, s->len + 2u * quoted);
}

void value_print(struct buf *to, const struct value *v)
{
	static const char *const words[] = {
		[VALUE_MISSING] = "null",
		[VALUE_NULL] = "null",
		[VALUE_FALSE] = "false",
		[VALUE_TRUE] = "true",
	};
	char text[DECIMAL_TEXT_MAX];

	if (v->type <= VALUE_TRUE)
		buf_text(to, words[v->type]);
	else if (v->source.type != SPAN_MISSING)
		print_source(to, &v->source);
	else if (v->type == VALUE_NUMBER)
		buf_add(to, text, decimal_print(text, &v->number));
	else
		text_quote(to, v->text, v->len);
}

static bool same_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

bool value_equal(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_MISSING:
		return false;
	case VALUE_NULL:
	case VALUE_FALSE:
	case VALUE_TRUE:
		return true;
	case VALUE_NUMBER:
		return decimal_compare(&a->number, &b->number) == 0;
	case VALUE_STRING:
		return same_bytes(a->text, a->len, b->text, b->len);
	case VALUE_OTHER:
		break;
	}
	return same_bytes(a->source.at, a->source.len, b->source.at, b->source.len);
}

bool value_order(const struct value *a, const struct value *b, int *order)
{
	size_t common;

	if (a->type != b->type)
		return false;
	if (a->type == VALUE_NUMBER) {
		*order = decimal_compare(&a->number, &b->number);
		return true;
	}
	if (a->type != VALUE_STRING)
		return false;
	common = a->len < b->len ? a->len : b->len;
	*order = memcmp(a->text, b->text, common);
	if (*order == 0)
		*order = (a->len > b->len) - (a->len < b->len);
	return true;
}

static int64_t count_characters(const char *text, size_t len)
{
	int64_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

/* Behind the string that begins with the quote at p. */
static const char *behind_string(const char *p)
{
	for (p++; *p != '"'; p++)
		p += *p == '\\';
	return p + 1;
}

/* Of an array or object that has passed the scanner. */
static int64_t count_parts(const char *p, const char *end)
{
	int64_t commas = 0, depth = 0;

	for (p++; *p == ' ' || *p == '\t' || *p == '\r'; p++)
		;
	if (p == end - 1)
		return 0;
	while (p < end - 1) {
		char c = *p;

		if (c == '"') {
			p = behind_string(p);
			continue;
		}
		depth += (c == '[' || c == '{') - (c == ']' || c == '}');
		commas += depth == 0 && c == ',';
		p++;
	}
	return commas + 1;
}

int64_t value_length(const struct value *v)
{
	const struct span *s = &v->source;

	if (v->type == VALUE_STRING)
		return count_characters(v->text, v->len);
	if (v->type == VALUE_OTHER && (s->type == SPAN_ARRAY || s->type == SPAN_OBJECT))
		return count_parts(s->at, s->at + s->len);
	return -1;
}
