#include "record/scan.h"

#include <string.h>

#include "record/text.h"
#include "record/utf8.h"
#include "record/vector.h"

/*
 * The newline that the contract puts behind the line ends every loop: it is no white space of ours,
 * no part of a token, and stops a string. So nothing below compares with the end to stop.
 */
struct scanner {
	const struct path_node *nodes;
	struct span *values;
	const char *end;
	const char *why;   /* set once, by fail */
	const char *fault; /* where */
	bool escaped;      /* of the string read last */
};

static const char *fail(struct scanner *s, const char *at, const char *why)
{
	s->why = at >= s->end ? "the line ends too early" : why;
	s->fault = at >= s->end ? s->end : at;
	return NULL;
}

static inline const char *space(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

static inline bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

static bool is_hex4(const char *p)
{
	for (int i = 0; i < 4; i++)
		if (!is_digit(p[i]) && ((unsigned char)((p[i] | 0x20) - 'a') > 5))
			return false;
	return true;
}

/* p is at "\u"; a high surrogate must be followed by the escape of a low one. */
static const char *unicode_escape(struct scanner *s, const char *p)
{
	char second;

	if (!is_hex4(p + 2))
		return fail(s, p, "a bad \\u escape");
	if ((p[2] | 0x20) != 'd' || p[3] < '8')
		return p + 6;
	second = (char)(p[3] | 0x20);
	if (second >= 'c' && second <= 'f')
		return fail(s, p, "a lone surrogate in an escape");
	if (p[6] != '\\' || p[7] != 'u' || !is_hex4(p + 8) || (p[8] | 0x20) != 'd' ||
		(p[9] | 0x20) < 'c')
		return fail(s, p, "a lone surrogate in an escape");
	return p + 12;
}

static const char *escape(struct scanner *s, const char *p)
{
	s->escaped = true;
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return p + 2;
	case 'u':
		return unicode_escape(s, p);
	default:
		return fail(s, p + 1, "a bad escape");
	}
}

static const char *multibyte(struct scanner *s, const char *p)
{
	const char *why;

	do {
		const char *next = utf8_next(p, s->end, &why);

		if (!next) {
			s->why = why;
			s->fault = p;
			return NULL;
		}
		p = next;
	} while ((unsigned char)*p >= 0x80);
	return p;
}

/* From behind the opening quote to the closing one. */
static inline const char *string(struct scanner *s, const char *p)
{
	s->escaped = false;
	while (p) {
		p = vector_plain_end(p);
		if (*p == '"')
			return p;
		if (*p == '\\')
			p = escape(s, p);
		else if ((unsigned char)*p >= 0x80)
			p = multibyte(s, p);
		else
			p = fail(s, p, "a control character in a string");
	}
	return NULL;
}

static inline const char *digits(const char *p)
{
	while (is_digit(*p))
		p++;
	return p;
}

static const char *number(struct scanner *s, const char *p)
{
	if (*p == '-')
		p++;
	if (!is_digit(*p))
		return fail(s, p, "a bad number");
	if (*p == '0' && is_digit(p[1]))
		return fail(s, p, "a number with a leading zero");
	p = digits(p);
	if (*p == '.') {
		if (!is_digit(p[1]))
			return fail(s, p + 1, "a bad number");
		p = digits(p + 1);
	}
	if ((*p | 0x20) == 'e') {
		p += p[1] == '+' || p[1] == '-' ? 2 : 1;
		if (!is_digit(*p))
			return fail(s, p, "a bad number");
		p = digits(p);
	}
	return p;
}

static const char *word(struct scanner *s, const char *p, const char *want)
{
	size_t i = 0;

	while (want[i] && p[i] == want[i])
		i++;
	return want[i] ? fail(s, p + i, "an unexpected character") : p + i;
}

static inline const char *scalar(struct scanner *s, const char *p)
{
	switch (*p) {
	case '"':
		p = string(s, p + 1);
		return p ? p + 1 : NULL;
	case 't':
		return word(s, p, "true");
	case 'f':
		return word(s, p, "false");
	case 'n':
		return word(s, p, "null");
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		return number(s, p);
	default:
		return fail(s, p, "an unexpected character");
	}
}

/* From behind a key's closing quote to its value. */
static inline const char *colon(struct scanner *s, const char *p)
{
	p = space(p);
	if (*p != ':')
		return fail(s, p, "no colon behind a key");
	return space(p + 1);
}

static inline const char *key(struct scanner *s, const char *p)
{
	if (*p != '"')
		return fail(s, p, "no key where one must be");
	p = string(s, p + 1);
	return p ? colon(s, p + 1) : NULL;
}

/* The kinds of the open containers, one bit each: set for an object. */
struct nesting {
	uint64_t is_object[SCAN_DEPTH_MAX / 64];
	unsigned level;
};

static inline bool in_object(const struct nesting *n)
{
	unsigned i = n->level - 1;

	return n->is_object[i / 64] >> (i % 64) & 1;
}

static inline void nesting_enter(struct nesting *n, bool is_object)
{
	uint64_t bit = (uint64_t)1 << (n->level % 64);
	uint64_t *at = &n->is_object[n->level / 64];

	*at = is_object ? *at | bit : *at & ~bit;
	n->level++;
}

/* Validates a container that nothing is asked of; depth others are open around it. */
static const char *nested(struct scanner *s, const char *p, unsigned depth)
{
	struct nesting n = {.level = depth};

	for (;;) {
		if (*p == '{' || *p == '[') {
			if (n.level == SCAN_DEPTH_MAX)
				return fail(s, p, "nested deeper than 512");
			nesting_enter(&n, *p == '{');
			p = space(p + 1);
			if (*p != (in_object(&n) ? '}' : ']')) {
				if (in_object(&n) && !(p = key(s, p)))
					return NULL;
				continue;
			}
		} else {
			if (!(p = scalar(s, p)))
				return NULL;
			p = space(p);
		}
		while (*p == (in_object(&n) ? '}' : ']')) {
			if (--n.level == depth)
				return p + 1;
			p = space(p + 1);
		}
		if (*p != ',')
			return fail(s, p, "no comma between two values");
		p = space(p + 1);
		if (in_object(&n) && !(p = key(s, p)))
			return NULL;
	}
}

static inline const char *value(struct scanner *s, const char *p, unsigned depth)
{
	return *p == '{' || *p == '[' ? nested(s, p, depth) : scalar(s, p);
}

static inline enum span_type type_of(char first)
{
	switch (first) {
	case '"':
		return SPAN_STRING;
	case '{':
		return SPAN_OBJECT;
	case '[':
		return SPAN_ARRAY;
	case 't':
		return SPAN_TRUE;
	case 'f':
		return SPAN_FALSE;
	case 'n':
		return SPAN_NULL;
	default:
		return SPAN_NUMBER;
	}
}

static inline struct span span_of(const char *from, const char *to, bool escaped)
{
	enum span_type type = type_of(*from);
	bool quoted = type == SPAN_STRING;

	return (struct span){
		.at = from + quoted,
		.len = (uint32_t)(to - from) - 2 * quoted,
		.type = (uint8_t)type,
		.escaped = quoted && escaped,
	};
}

static const struct path_node *child_of_key(
	const struct scanner *s, const struct path_node *parent, const char *at, size_t len)
{
	static const uint64_t kept[] = {0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff,
		0xffffffffffff, 0xffffffffffffff, 0xffffffffffffffff};
	uint64_t head;

	memcpy(&head, at, sizeof(head));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	head &= __builtin_bswap64(kept[len < 8 ? len : 8]);
#else
	head &= kept[len < 8 ? len : 8];
#endif
	for (uint32_t i = parent->child; i; i = s->nodes[i].sibling) {
		const struct path_node *n = &s->nodes[i];

		if (n->head == head && n->key_len == len &&
			(len <= 8 || memcmp(n->key, at, len) == 0))
			return n;
	}
	return NULL;
}

static const struct path_node *child_of_escaped_key(
	const struct scanner *s, const struct path_node *parent, const char *at, size_t len)
{
	const struct span name = {.at = at, .len = (uint32_t)len, .escaped = true};

	for (uint32_t i = parent->child; i; i = s->nodes[i].sibling)
		if (text_says(&name, s->nodes[i].key, s->nodes[i].key_len))
			return &s->nodes[i];
	return NULL;
}

static const struct path_node *child_of_element(
	const struct scanner *s, const struct path_node *parent, int64_t element)
{
	for (uint32_t i = parent->child; i; i = s->nodes[i].sibling)
		if (s->nodes[i].element == element)
			return &s->nodes[i];
	return NULL;
}

/* The last of equal keys wins, so what an earlier one gave, below it too, is taken back. */
static void forget(struct scanner *s, const struct path_node *n)
{
	if (n->value >= 0)
		s->values[n->value] = (struct span){.type = SPAN_MISSING};
	for (uint32_t i = n->child; i; i = s->nodes[i].sibling)
		forget(s, &s->nodes[i]);
}

static const char *wanted(
	struct scanner *s, const char *p, const struct path_node *n, unsigned depth);

static const char *object(
	struct scanner *s, const char *p, const struct path_node *n, unsigned depth)
{
	p = space(p + 1);
	if (*p == '}')
		return p + 1;
	for (;;) {
		const char *from = p + 1, *to;
		const struct path_node *child;

		if (*p != '"')
			return fail(s, p, "no key where one must be");
		if (!(to = string(s, from)))
			return NULL;
		child = s->escaped ? child_of_escaped_key(s, n, from, (size_t)(to - from))
				   : child_of_key(s, n, from, (size_t)(to - from));
		if (!(p = colon(s, to + 1)))
			return NULL;
		p = child ? wanted(s, p, child, depth + 1) : value(s, p, depth + 1);
		if (!p)
			return NULL;
		p = space(p);
		if (*p == '}')
			return p + 1;
		if (*p != ',')
			return fail(s, p, "no comma between two members");
		p = space(p + 1);
	}
}

static const char *array(
	struct scanner *s, const char *p, const struct path_node *n, unsigned depth)
{
	p = space(p + 1);
	if (*p == ']')
		return p + 1;
	for (int64_t element = 0;; element++) {
		const struct path_node *child = child_of_element(s, n, element);

		p = child ? wanted(s, p, child, depth + 1) : value(s, p, depth + 1);
		if (!p)
			return NULL;
		p = space(p);
		if (*p == ']')
			return p + 1;
		if (*p != ',')
			return fail(s, p, "no comma between two values");
		p = space(p + 1);
	}
}

/* A value that a path leads to or through; its recursion is as deep as the longest path. */
static const char *wanted(
	struct scanner *s, const char *p, const struct path_node *n, unsigned depth)
{
	const char *from = p;

	forget(s, n);
	if (n->child && (*p == '{' || *p == '[')) {
		p = *p == '{' ? object(s, p, n, depth) : array(s, p, n, depth);
	} else {
		p = value(s, p, depth);
	}
	if (p && n->value >= 0)
		s->values[n->value] = span_of(from, p, s->escaped);
	return p;
}

const char *scan(const struct paths *paths, const char *line, size_t len, struct span *root,
	struct span *values, size_t *where)
{
	struct scanner s = {.nodes = paths->nodes, .values = values, .end = line + len};
	const char *from = space(line), *p;

	p = wanted(&s, from, &paths->nodes[0], 0);
	if (p) {
		*root = span_of(from, p, s.escaped);
		p = space(p);
		if (p != s.end) {
			s.why = "more behind the value";
			s.fault = p;
		}
	}
	if (s.why)
		*where = (size_t)(s.fault - line);
	return s.why;
}

void scan_members(const char *line, size_t len,
	void (*member)(void *context, const struct span *key, const struct span *value),
	void *context)
{
	struct scanner s = {.end = line + len};
	const char *p = space(space(line) + 1);

	while (*p == '"') {
		const char *from = p + 1, *to = string(&s, from);
		struct span name = span_of(p, to + 1, s.escaped), found;

		from = colon(&s, to + 1);
		p = value(&s, from, 1);
		found = span_of(from, p, s.escaped);
		member(context, &name, &found);
		p = space(p);
		p = *p == ',' ? space(p + 1) : p;
	}
}
