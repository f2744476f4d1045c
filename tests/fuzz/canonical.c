/*
 * Canonical texts. The input is one line of JSON, or two. The text is JSON that is canonical
 * itself; the value written in another way, by chance from the input's hash, has the same one; and
 * two values have the same one exactly when jansson says that they are equal. That reads numbers as
 * doubles: it is asked only where these tell all numbers apart.
 */
#include <jansson.h>

#include "base/hash.h"
#include "base/numeral.h"
#include "record/canonical.h"
#include "record/text.h"

#include "json.h"

/* A text with its newline and pad, and its value. */
struct read {
	char *line;
	size_t len;
	struct span root;
};

static bool read_line(struct read *r, const char *text, size_t len)
{
	struct paths none;
	const char *why;
	size_t where;

	*r = (struct read){.line = json_line(text, len), .len = len};
	paths_init(&none);
	why = scan(&none, r->line, len, &r->root, NULL, &where);
	paths_release(&none);
	return !why;
}

static void canonical_of(struct buf *to, const struct read *r)
{
	struct canonical c;

	buf_init(to);
	canonical_init(&c);
	canonical_add(&c, to, &r->root);
	canonical_release(&c);
}

static uint64_t chance;

static uint64_t below(uint64_t n)
{
	chance = chance * 6364136223846793005u + 1442695040888963407u;
	return (chance >> 33) % n;
}

struct member {
	struct span key;
	const char *value;
	bool is_lost; /* the same key comes again */
};

static const char *write_other(struct buf *to, const char *p);

static void write_blank(struct buf *to)
{
	static const char *const blanks[] = {"", "", " ", "\t\r"};

	buf_text(to, blanks[below(4)]);
}

static void write_number(struct buf *to, const char *p, size_t len)
{
	struct numeral n;

	must(numeral_read(&n, p, len));
	if (below(2) || !n.first || n.exponent > 1000000 || n.exponent < -1000000) {
		buf_add(to, p, len);
		return;
	}
	buf_text(to, n.negative ? "-" : "");
	for (const char *digit = n.first; digit <= n.last; digit++)
		if (*digit != '.')
			buf_char(to, *digit);
	if (below(2))
		buf_format(to, ".0E%lld", (long long)n.exponent);
	else
		buf_format(to, "00e%lld", (long long)n.exponent - 2);
}

static const char *string_at(const char *p, struct span *s)
{
	*s = (struct span){.at = p + 1, .type = SPAN_STRING};
	for (p++; *p != '"'; p++)
		if (*p == '\\') {
			s->escaped = true;
			p++;
		}
	s->len = (uint32_t)(p - s->at);
	return p + 1;
}

static void write_string(struct buf *to, const struct span *s)
{
	struct buf text = {0};

	text_unescape(&text, s);
	buf_char(to, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c < 0x80 && (below(2) || c < ' ' || c == '"' || c == '\\'))
			buf_format(to, below(2) ? "\\u%04x" : "\\u%04X", c);
		else
			buf_char(to, (char)c);
	}
	buf_char(to, '"');
	buf_release(&text);
}

static const char *skip(const char *p)
{
	while (strchr(" \t\r,:", *p))
		p++;
	return p;
}

/* The last of equal keys stands behind the others; else the order is any. */
static void order(struct member *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct buf key = {0};

		text_unescape(&key, &list[i].key);
		for (size_t k = i + 1; k < count && !list[i].is_lost; k++)
			list[i].is_lost = text_says(&list[k].key, buf_string(&key), key.len);
		buf_release(&key);
	}
	for (size_t i = count; i > 1; i--) {
		size_t k = below(i);
		struct member swap = list[k];

		list[k] = list[i - 1];
		list[i - 1] = swap;
	}
}

static const char *value_end(const char *p)
{
	struct span s;
	size_t open = 0;

	do {
		p = skip(p);
		open += *p == '{' || *p == '[';
		open -= *p == '}' || *p == ']';
		if (*p == '"')
			p = string_at(p, &s);
		else
			p += strchr("{}[]", *p) ? 1 : strcspn(p, " \t\r\n,]}");
	} while (open);
	return p;
}

static const char *write_object(struct buf *to, const char *p)
{
	struct buf members = {0};
	struct member *list;
	bool any = false;

	for (p = skip(p + 1); *p != '}'; p = skip(p)) {
		struct member m = {.is_lost = false};

		p = skip(string_at(p, &m.key));
		m.value = p;
		buf_add(&members, &m, sizeof(m));
		p = value_end(p);
	}
	list = (struct member *)(void *)members.data;
	order(list, members.len / sizeof(*list));
	buf_char(to, '{');
	for (int round = 0; round < 2; round++) /* first what is lost */
		for (size_t i = 0; i < members.len / sizeof(*list); i++) {
			if (list[i].is_lost != !round)
				continue;
			buf_text(to, any ? "," : "");
			any = true;
			write_string(to, &list[i].key);
			write_blank(to);
			buf_char(to, ':');
			write_other(to, list[i].value);
		}
	buf_char(to, '}');
	buf_release(&members);
	return p + 1;
}

static const char *write_array(struct buf *to, const char *p)
{
	const char *more = "";

	buf_char(to, '[');
	for (p = skip(p + 1); *p != ']'; p = skip(p)) {
		buf_text(to, more);
		p = write_other(to, p);
		more = ",";
	}
	buf_char(to, ']');
	return p + 1;
}

/* Writes the value at p in another way, and steps behind it. */
static const char *write_other(struct buf *to, const char *p)
{
	const char *from = p;
	struct span s;

	write_blank(to);
	if (*p == '{') {
		p = write_object(to, p);
	} else if (*p == '[') {
		p = write_array(to, p);
	} else if (*p == '"') {
		p = string_at(p, &s);
		write_string(to, &s);
	} else {
		while (!strchr(" \t\r\n,]}", *p))
			p++;
		if (strchr("tfn", *from))
			buf_add(to, from, (size_t)(p - from));
		else
			write_number(to, from, (size_t)(p - from));
	}
	write_blank(to);
	return p;
}

static void must_be_same(const struct buf *canonical, const char *text, size_t len)
{
	struct buf again;
	struct read r;

	must(read_line(&r, text, len));
	canonical_of(&again, &r);
	must(again.len == canonical->len &&
		memcmp(again.data, canonical->data, canonical->len) == 0);
	buf_release(&again);
	free(r.line);
}

/* Depth for the recursion above, and objects small enough for its square. */
static bool is_small(const struct read *r)
{
	unsigned open = 0;

	for (size_t i = 0; i < r->len; i++)
		open += r->line[i] == '{' || r->line[i] == '[';
	return open < 300 && r->len < 4096;
}

/* Whether doubles tell all numbers of a canonical text apart. */
static bool is_for_doubles(const struct buf *text)
{
	const char *p = text->data, *end = p + text->len;
	struct span s;

	while (p < end) {
		int digits = 0;
		const char *from = p;

		if (*p == '"') {
			p = string_at(p, &s);
			continue;
		}
		for (; p < end && strchr("0123456789.", *p); p++)
			digits += *p != '.';
		if (digits > 15 || (p < end && p > from && (*p == 'e')))
			return false;
		p += p == from;
	}
	return true;
}

static json_t *by_jansson(const struct read *r)
{
	return json_loadb(
		r->line, r->len, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
}

static void compare(const struct read *x, const struct buf *xc, const struct read *y)
{
	json_t *a = by_jansson(x), *b = by_jansson(y);
	struct buf yc;
	bool same;

	canonical_of(&yc, y);
	same = xc->len == yc.len && memcmp(xc->data, yc.data, yc.len) == 0;
	if (a && b) {
		must(!same || json_equal(a, b));
		must(same || !json_equal(a, b) || !is_for_doubles(xc) || !is_for_doubles(&yc));
	}
	json_decref(a);
	json_decref(b);
	buf_release(&yc);
}

static void judge(const struct read *first, const struct read *second)
{
	struct buf canonical, other = {0};

	canonical_of(&canonical, first);
	must_be_same(&canonical, canonical.data, canonical.len);
	if (is_small(first)) {
		write_other(&other, first->line + strspn(first->line, " \t\r"));
		must_be_same(&canonical, other.data, other.len);
		buf_release(&other);
	}
	if (second)
		compare(first, &canonical, second);
	buf_release(&canonical);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes, *end = len ? memchr(text, '\n', len) : NULL;
	size_t first_len = end ? (size_t)(end - text) : len;
	struct read first, second = {.line = NULL};
	bool has_second = false;

	chance = len ? hash_bytes(bytes, len) : 0;
	if (end && !memchr(end + 1, '\n', len - first_len - 1))
		has_second = read_line(&second, end + 1, len - first_len - 1);
	if (read_line(&first, text, first_len))
		judge(&first, has_second ? &second : NULL);
	free(first.line);
	free(second.line);
	return 0;
}
