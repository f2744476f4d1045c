#include "record/canonical.h"

#include <stdlib.h>
#include <string.h>

#include "record/canonnumber.h"
#include "record/text.h"
#include "record/vector.h"

void canonical_init(struct canonical *c)
{
	*c = (struct canonical){0};
}

void canonical_release(struct canonical *c)
{
	buf_release(&c->objects);
	buf_release(&c->members);
	buf_release(&c->keys);
	buf_release(&c->text);
}

static void add_string(struct canonical *c, struct buf *to, const struct span *s)
{
	if (!s->escaped) { /* what needs no escape has none */
		buf_char(to, '"');
		buf_add(to, s->at, s->len);
		buf_char(to, '"');
		return;
	}
	buf_clear(&c->text);
	text_unescape(&c->text, s);
	text_quote(to, buf_string(&c->text), c->text.len);
}

/* An object of the value; places are counted from the value's first byte. */
struct object {
	uint32_t at;    /* of its brace */
	uint32_t end;   /* behind it */
	uint32_t first; /* of its members, when they are sorted */
};

struct member {
	const char *key; /* unescaped, in the line or in keys */
	uint32_t len;
	uint32_t object;
	uint32_t value; /* its place */
};

#define NO_OBJECT UINT32_MAX

/* A walk over a value: an array or object. */
struct walk {
	struct canonical *c;
	const char *text; /* the value's first byte */
	const char *end;
};

static struct object *objects(const struct canonical *c)
{
	return (struct object *)(void *)c->objects.data;
}

static struct member *members(const struct canonical *c)
{
	return (struct member *)(void *)c->members.data;
}

static uint32_t object_count(const struct canonical *c)
{
	return (uint32_t)(c->objects.len / sizeof(struct object));
}

static uint32_t member_count(const struct canonical *c)
{
	return (uint32_t)(c->members.len / sizeof(struct member));
}

/* What stands between the tokens of a value that was scanned says nothing. */
static const char *to_token(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r' || *p == ',' || *p == ':')
		p++;
	return p;
}

/* The string whose quote is at p, and behind it. */
static const char *read_string(const char *p, struct span *s)
{
	*s = (struct span){.at = p + 1, .type = SPAN_STRING};
	for (p++; *(p = vector_plain_end(p)) != '"'; p++) {
		if (*p != '\\')
			continue;
		s->escaped = true;
		p++;
	}
	s->len = (uint32_t)(p - s->at);
	return p + 1;
}

/* Behind the number or word at p. */
static const char *plain_end(const char *p, const char *end)
{
	while (p < end && !strchr(" \t\r,]}", *p))
		p++;
	return p;
}

/* Takes the key at p, and steps to its value. */
static const char *read_member(struct walk *w, const char *p, uint32_t object)
{
	struct member m = {.object = object};
	struct span key;

	p = to_token(read_string(p, &key));
	m.key = key.at;
	m.len = key.len;
	m.value = (uint32_t)(p - w->text);
	if (key.escaped) {
		size_t from = w->c->keys.len;

		text_unescape(&w->c->keys, &key);
		m.key = w->c->keys.data + from;
		m.len = (uint32_t)(w->c->keys.len - from);
	}
	buf_add(&w->c->members, &m, sizeof(m));
	return p;
}

static uint32_t begin_object(struct walk *w, const char *p)
{
	const struct object o = {.at = (uint32_t)(p - w->text)};

	buf_add(&w->c->objects, &o, sizeof(o));
	return object_count(w->c) - 1;
}

/* Takes down all objects and members, wherever they are. */
static void collect(struct walk *w)
{
	uint32_t open[SCAN_DEPTH_MAX]; /* objects, or NO_OBJECT for an array */
	const char *p = w->text;
	struct span string;
	bool is_key = false;
	size_t depth = 0;

	do {
		p = to_token(p);
		if (is_key && *p == '"')
			p = read_member(w, p, open[depth - 1]);
		if (*p == '{' || *p == '[') {
			open[depth++] = *p == '{' ? begin_object(w, p) : NO_OBJECT;
			p++;
		} else if (*p == '}' || *p == ']') {
			p++;
			if (open[--depth] != NO_OBJECT)
				objects(w->c)[open[depth]].end = (uint32_t)(p - w->text);
		} else {
			p = *p == '"' ? read_string(p, &string) : plain_end(p, w->end);
		}
		is_key = depth && open[depth - 1] != NO_OBJECT;
	} while (depth);
}

static int by_object_and_key(const void *x, const void *y)
{
	const struct member *a = x, *b = y;
	int order;

	if (a->object != b->object)
		return a->object < b->object ? -1 : 1;
	order = memcmp(a->key, b->key, a->len < b->len ? a->len : b->len);
	if (order)
		return order;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return a->value < b->value ? 1 : -1; /* of equal ones the last comes first */
}

static bool is_same_key(const struct member *a, const struct member *b)
{
	return a->object == b->object && a->len == b->len && memcmp(a->key, b->key, a->len) == 0;
}

static void sort_members(struct canonical *c)
{
	struct member *list = members(c);
	uint32_t count = member_count(c), kept = 0;

	if (!count)
		return;
	qsort(list, count, sizeof(*list), by_object_and_key);
	for (uint32_t i = 0; i < count; i++)
		if (!kept || !is_same_key(&list[kept - 1], &list[i]))
			list[kept++] = list[i];
	c->members.len = kept * sizeof(*list);
	for (uint32_t i = kept; i-- > 0;)
		objects(c)[list[i].object].first = i;
}

/* The object whose brace is at p. */
static uint32_t object_at(const struct walk *w, const char *p)
{
	uint32_t from = 0, to = object_count(w->c), at = (uint32_t)(p - w->text);

	while (to - from > 1) {
		uint32_t middle = from + (to - from) / 2;

		if (objects(w->c)[middle].at <= at)
			from = middle;
		else
			to = middle;
	}
	return from;
}

/* An array or object that is being written. */
struct frame {
	uint32_t object;
	uint32_t next; /* member */
	bool is_begun;
};

/* Writes a value, or the beginning of one that is pushed. */
static const char *write_value(struct walk *w, struct buf *to, const char *p, struct frame *push)
{
	const char *from = p;
	struct span string;

	*push = (struct frame){.object = NO_OBJECT};
	if (*p == '{') {
		push->object = object_at(w, p);
		push->next = objects(w->c)[push->object].first;
	}
	if (*p == '{' || *p == '[') {
		buf_char(to, *p);
		return p + 1;
	}
	if (*p == '"') {
		p = read_string(p, &string);
		add_string(w->c, to, &string);
		return p;
	}
	p = plain_end(p, w->end);
	if (strchr("tfn", *from))
		buf_add(to, from, (size_t)(p - from));
	else
		canonical_number(to, from, (size_t)(p - from));
	return p;
}

/* To the next value in the array or object, what stands before it written; NULL: it is at its end,
 * and *p behind it. */
static const char *next_value(struct walk *w, struct buf *to, struct frame *f, const char **p)
{
	const struct member *m = f->next < member_count(w->c) ? &members(w->c)[f->next] : NULL;
	bool is_object = f->object != NO_OBJECT;

	*p = to_token(*p);
	if (is_object ? !m || m->object != f->object : **p == ']') {
		buf_char(to, is_object ? '}' : ']');
		*p = is_object ? w->text + objects(w->c)[f->object].end : *p + 1;
		return NULL;
	}
	if (f->is_begun)
		buf_char(to, ',');
	f->is_begun = true;
	if (!is_object)
		return *p;
	text_quote(to, m->key, m->len);
	buf_char(to, ':');
	f->next++;
	return w->text + m->value;
}

static void write_sorted(struct walk *w, struct buf *to)
{
	struct frame frames[SCAN_DEPTH_MAX + 1];
	const char *p = w->text, *value = p;
	size_t depth = 0;

	for (;;) {
		if (value) {
			p = write_value(w, to, value, &frames[depth]);
			depth += *value == '{' || *value == '[';
		} else if (--depth == 0) {
			return;
		}
		value = next_value(w, to, &frames[depth - 1], &p);
	}
}

static void add_nested(struct canonical *c, struct buf *to, const struct span *s)
{
	struct walk w = {.c = c, .text = s->at, .end = s->at + s->len};

	buf_clear(&c->objects);
	buf_clear(&c->members);
	buf_clear(&c->keys);
	buf_reserve(&c->keys, s->len); /* members point into it: it must not move */
	collect(&w);
	sort_members(c);
	write_sorted(&w, to);
}

void canonical_add(struct canonical *c, struct buf *to, const struct span *value)
{
	switch ((enum span_type)value->type) {
	case SPAN_NUMBER:
		canonical_number(to, value->at, value->len);
		break;
	case SPAN_STRING:
		add_string(c, to, value);
		break;
	case SPAN_ARRAY:
	case SPAN_OBJECT:
		add_nested(c, to, value);
		break;
	default:
		buf_add(to, value->at, value->len);
	}
}
