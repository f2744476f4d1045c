#include "record/scan.h"

#include <string.h>

#include "record/text.h"
#include "record/token.h"

/* Tokens, and what the paths lead to. */
struct scanner {
	struct tokens t;
	const struct path_node *nodes;
	struct span *values;
};

/* From behind a key's closing quote to its value. */
static inline const char *colon(struct scanner *s, const char *p)
{
	p = token_space(p);
	if (*p != ':')
		return token_fail(&s->t, p, "no colon behind a key");
	return token_space(p + 1);
}

static inline const char *key(struct scanner *s, const char *p)
{
	if (*p != '"')
		return token_fail(&s->t, p, "no key where one must be");
	p = token_string(&s->t, p + 1);
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
				return token_fail(&s->t, p, "nested deeper than 512");
			nesting_enter(&n, *p == '{');
			p = token_space(p + 1);
			if (*p != (in_object(&n) ? '}' : ']')) {
				if (in_object(&n) && !(p = key(s, p)))
					return NULL;
				continue;
			}
		} else {
			if (!(p = token_scalar(&s->t, p)))
				return NULL;
			p = token_space(p);
		}
		while (*p == (in_object(&n) ? '}' : ']')) {
			if (--n.level == depth)
				return p + 1;
			p = token_space(p + 1);
		}
		if (*p != ',')
			return token_fail(&s->t, p, "no comma between two values");
		p = token_space(p + 1);
		if (in_object(&n) && !(p = key(s, p)))
			return NULL;
	}
}

static inline const char *value(struct scanner *s, const char *p, unsigned depth)
{
	return *p == '{' || *p == '[' ? nested(s, p, depth) : token_scalar(&s->t, p);
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
	p = token_space(p + 1);
	if (*p == '}')
		return p + 1;
	for (;;) {
		const char *from = p + 1, *to;
		const struct path_node *child;

		if (*p != '"')
			return token_fail(&s->t, p, "no key where one must be");
		if (!(to = token_string(&s->t, from)))
			return NULL;
		child = s->t.escaped ? child_of_escaped_key(s, n, from, (size_t)(to - from))
				     : child_of_key(s, n, from, (size_t)(to - from));
		if (!(p = colon(s, to + 1)))
			return NULL;
		p = child ? wanted(s, p, child, depth + 1) : value(s, p, depth + 1);
		if (!p)
			return NULL;
		p = token_space(p);
		if (*p == '}')
			return p + 1;
		if (*p != ',')
			return token_fail(&s->t, p, "no comma between two members");
		p = token_space(p + 1);
	}
}

static const char *array(
	struct scanner *s, const char *p, const struct path_node *n, unsigned depth)
{
	p = token_space(p + 1);
	if (*p == ']')
		return p + 1;
	for (int64_t element = 0;; element++) {
		const struct path_node *child = child_of_element(s, n, element);

		p = child ? wanted(s, p, child, depth + 1) : value(s, p, depth + 1);
		if (!p)
			return NULL;
		p = token_space(p);
		if (*p == ']')
			return p + 1;
		if (*p != ',')
			return token_fail(&s->t, p, "no comma between two values");
		p = token_space(p + 1);
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
		token_give(&s->values[n->value], from, p, s->t.escaped);
	return p;
}

const char *scan(const struct paths *paths, const char *line, size_t len, struct span *root,
	struct span *values, size_t *where)
{
	struct scanner s = {.nodes = paths->nodes, .values = values, .t.end = line + len};
	const char *from = token_space(line), *p;

	p = wanted(&s, from, &paths->nodes[0], 0);
	if (p) {
		token_give(root, from, p, s.t.escaped);
		p = token_space(p);
		if (p != s.t.end) {
			s.t.why = "more behind the value";
			s.t.fault = p;
		}
	}
	if (s.t.why)
		*where = (size_t)(s.t.fault - line);
	return s.t.why;
}

void scan_members(const char *line, size_t len,
	void (*member)(void *context, const struct span *key, const struct span *value),
	void *context)
{
	struct scanner s = {.t.end = line + len};
	const char *p = token_space(token_space(line) + 1);

	while (*p == '"') {
		const char *from = p + 1, *to = token_string(&s.t, from);
		struct span name, found;

		token_give(&name, p, to + 1, s.t.escaped);
		from = colon(&s, to + 1);
		p = value(&s, from, 1);
		token_give(&found, from, p, s.t.escaped);
		member(context, &name, &found);
		p = token_space(p);
		p = *p == ',' ? token_space(p + 1) : p;
	}
}
