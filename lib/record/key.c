#include "record/key.h"

#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "base/mem.h"
#include "record/text.h"

/* Behind a NUL in a string. */
static const char NUL_IN_TEXT = (char)0xff;

const char *key_fields_read(struct key_fields *k, const char *list)
{
	char *rest;

	*k = (struct key_fields){.text = mem_string(list)};
	rest = k->text;
	while (rest) {
		char *name = strsep(&rest, ",");

		if (!*name)
			return "an empty name in the list";
		if (k->count == KEY_PARTS_MAX)
			return "more than 32 names";
		k->names[k->count++] = name;
	}
	return NULL;
}

void key_fields_release(struct key_fields *k)
{
	free(k->text);
	if (k->canonical)
		canonical_release(k->canonical);
	free(k->canonical);
	*k = (struct key_fields){0};
}

void key_fields_canonical(struct key_fields *k)
{
	if (!k->canonical)
		k->canonical = mem_zero(1, sizeof(*k->canonical));
}

static enum key_tag tag_of(const struct span *s)
{
	switch ((enum span_type)s->type) {
	case SPAN_FALSE:
		return KEY_FALSE;
	case SPAN_TRUE:
		return KEY_TRUE;
	case SPAN_NUMBER:
		return KEY_NUMBER;
	case SPAN_STRING:
		return KEY_STRING;
	case SPAN_ARRAY:
		return KEY_ARRAY;
	case SPAN_OBJECT:
		return KEY_OBJECT;
	case SPAN_MISSING:
	case SPAN_NULL:
		break;
	}
	return KEY_NULL;
}

/* Only an escaped string can hold a NUL. */
static void add_escaped(struct buf *to, const struct span *s)
{
	size_t from = to->len, nuls = 0;
	char *into;

	text_unescape(to, s);
	for (size_t i = from; i < to->len; i++)
		nuls += !to->data[i];
	into = buf_reserve(to, nuls) + nuls;
	to->len += nuls;
	for (const char *p = into - nuls; nuls;) {
		*--into = *--p;
		if (*p)
			continue;
		into[0] = NUL_IN_TEXT;
		*--into = '\0';
		nuls--;
	}
}

/* Canonical text has no NUL in it. */
static void add_canonical(struct buf *to, struct canonical *c, const struct span *s)
{
	buf_char(to, (char)tag_of(s));
	canonical_add(c, to, s);
	buf_char(to, '\0');
}

static void add_part(struct buf *to, const struct span *s)
{
	enum key_tag tag = tag_of(s);
	char *at = buf_reserve(to, s->len + 2);

	*at = (char)tag;
	to->len++;
	if (s->type == SPAN_STRING && s->escaped) {
		add_escaped(to, s);
	} else if (tag >= KEY_NUMBER) {
		memcpy(at + 1, s->at, s->len);
		to->len += s->len;
	}
	buf_char(to, '\0');
}

/* All but the first word of a key of len bytes; up to seven more are written. */
static void put_words(char *key, size_t len, const char *text)
{
	size_t at = DIGITS_WORD;
	uint64_t last;

	for (; at + DIGITS_WORD < len; at += DIGITS_WORD)
		digits_store(key + at, digits_load(text + at - 1));
	last = digits_load(text + at - 1);
	digits_store(key + at, last & ~(~UINT64_C(0) << 8 * (len - 1 - at)));
}

/* Of more bytes than key_encode writes hashes read word by word. */
static void encode_string(struct buf *to, const struct span *s)
{
	size_t len = s->len + 2;
	char *key = buf_reserve(to, len + VECTOR_BYTES);

	to->len = len;
	if (len <= VECTOR_BYTES) {
		vector_put_behind(key, KEY_STRING, s->at, s->len);
		return;
	}
	digits_store(key, digits_load(s->at) << 8 | KEY_STRING);
	put_words(key, len, s->at);
}

/* Apart, as those who have one string would save registers for it each time. */
static __attribute__((noinline)) bool encode_parts(
	struct buf *to, const struct key_fields *k, const struct span *spans)
{
	bool any = false;

	buf_reserve(to, 1); /* a key of no parts is bytes as well */
	for (size_t i = 0; i < k->count; i++) {
		const struct span *s = &spans[k->fields[i]];

		any |= s->type != SPAN_MISSING;
		if (k->canonical && tag_of(s) >= KEY_NUMBER && s->type != SPAN_STRING)
			add_canonical(to, k->canonical, s);
		else
			add_part(to, s);
	}
	return any;
}

bool key_encode_any(struct buf *to, const struct key_fields *k, const struct span *spans)
{
	const struct span *first = &spans[k->fields[0]];

	buf_clear(to);
	if (k->count != 1 || first->type != SPAN_STRING || first->escaped)
		return encode_parts(to, k, spans);
	encode_string(to, first);
	return true;
}

/* Whether the NUL at p stands for itself. The key may end with a part's own. */
static bool is_in_text(const char *p, const char *end)
{
	return p + 1 < end && p[1] == NUL_IN_TEXT;
}

static void print_string(struct buf *to, const char **part, const char *end)
{
	struct buf text;
	const char *p = *part;
	size_t len = strlen(p);

	*part = p + len + 1;
	if (!is_in_text(p + len, end)) {
		text_quote(to, p, len);
		return;
	}
	buf_init(&text);
	for (; *p || is_in_text(p, end); p += *p ? 1 : 2)
		buf_char(&text, *p);
	text_quote(to, text.data, text.len);
	buf_release(&text);
	*part = p + 1;
}

void key_part_print(struct buf *to, const char **part, const char *end)
{
	static const char *const words[] = {
		[KEY_NULL] = "null",
		[KEY_FALSE] = "false",
		[KEY_TRUE] = "true",
	};
	enum key_tag tag = (enum key_tag) * *part;

	++*part;
	if (tag == KEY_STRING) {
		print_string(to, part, end);
		return;
	}
	buf_text(to, tag <= KEY_TRUE ? words[tag] : *part);
	*part += strlen(*part) + 1;
}
