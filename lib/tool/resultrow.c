#include "tool/resultrow.h"

#include <string.h>

#include "base/die.h"
#include "record/aggprint.h"
#include "record/text.h"
#include "record/timetext.h"

enum {
	STEP = 16, /* as many bytes at once */
	BOUND_NAME_MAX = 20,
	BOUNDS_MAX = 2 * (BOUND_NAME_MAX + TIME_TEXT_MAX),
};

void resultrow_init(struct resultrow *r)
{
	*r = (struct resultrow){.key = NULL};
	buf_init(&r->names);
	buf_init(&r->between);
}

void resultrow_release(struct resultrow *r)
{
	buf_release(&r->names);
	buf_release(&r->between);
}

static const char *name_of(const struct resultrow *r, size_t i)
{
	size_t keys = r->key->count;

	return i < keys ? r->key->names[i] : r->aggregates->list[i - keys].name;
}

/* Before the first aggregate are the bounds, which bring the comma. */
void resultrow_prepare(struct resultrow *r)
{
	size_t keys = r->key->count, count = keys + r->aggregates->count, at = 0;

	for (size_t i = 0; i < count; i++) {
		size_t from = r->names.len;

		if (i != keys)
			buf_char(&r->names, i ? ',' : '{');
		text_quote(&r->names, name_of(r, i), strlen(name_of(r, i)));
		buf_char(&r->names, ':');
		r->pieces[i].len = r->names.len - from;
	}
	buf_reserve(&r->names, STEP);
	for (size_t i = 0; i < count; at += r->pieces[i++].len)
		r->pieces[i].text = r->names.data + at;
	r->room = r->names.len + BOUNDS_MAX + keys * KEY_FEW_TEXT +
		  r->aggregates->count * DECIMAL_TEXT_MAX + STEP;
}

/*
 * A row is written from one end to the other with its place in a register: in memory, where each
 * part would have to wait for it, it takes longer than the parts. For what is not as most are, the
 * place goes to the buffer and comes back.
 */

static char *again(const struct resultrow *r, struct buf *to)
{
	return buf_reserve(to, r->room);
}

static void settle(struct buf *to, const char *at)
{
	to->len = (size_t)(at - to->data);
}

/* In steps: a call takes longer. */
static inline char *put_text(char *to, const char *text, size_t len)
{
	size_t at = 0;

	do
		memcpy(to + at, text + at, STEP);
	while ((at += STEP) < len);
	return to + len;
}

static inline char *put_piece(const struct resultrow *r, char *to, size_t i)
{
	return put_text(to, r->pieces[i].text, r->pieces[i].len);
}

static inline char *put_key(
	const struct resultrow *r, struct buf *to, char *at, const struct result *what)
{
	const char *part = what->key, *end = part + what->key_len;

	for (size_t i = 0; i < r->key->count; i++) {
		char *behind;

		at = put_piece(r, at, i);
		behind = key_part_print_few(at, part, end);
		if (!behind) {
			settle(to, at);
			key_part_print(to, &part, end);
			behind = again(r, to);
		}
		at = behind;
	}
	return at;
}

__attribute__((always_inline)) static inline char *put_literal(char *to, const char *text)
{
	size_t len = strlen(text);

	memcpy(to, text, len);
	return to + len;
}

/* Inline, so that the length of the name is known. */
__attribute__((always_inline)) static inline char *put_time(
	const struct resultrow *r, char *at, const char *name, int64_t ns)
{
	at = put_literal(at, name);
	at += r->zone ? time_print_zone(at, ns, r->zone) : time_print(at, ns);
	return put_literal(at, "\",");
}

static char *put_bounds(const struct resultrow *r, char *at, const struct result_bounds *b)
{
	*at++ = r->key->count ? ',' : '{';
	if (!b->is_there)
		return at;
	if (b->is_window) {
		at = put_time(r, at, "\"window_start\":\"", b->from_ns);
		return put_time(r, at, "\"window_end\":\"", b->to_ns);
	}
	at = put_time(r, at, "\"window_first\":\"", b->from_ns);
	return put_time(r, at, "\"window_last\":\"", b->to_ns);
}

static inline bool are_same(const struct result_bounds *a, const struct result_bounds *b)
{
	return a->from_ns == b->from_ns && a->to_ns == b->to_ns && a->is_there == b->is_there &&
	       a->is_window == b->is_window;
}

static char *put_new_between(const struct resultrow *r, char *at, const struct result_bounds *b)
{
	return put_piece(r, put_bounds(r, at, b), r->key->count);
}

/* Rows of a window come one behind the other. Those of sessions have bounds of their own, and
 * nothing is gained by keeping them. */
static inline char *put_between(struct resultrow *r, char *at, const struct result_bounds *b)
{
	if (!are_same(b, &r->bounds)) {
		r->bounds = *b;
		buf_clear(&r->between);
		return put_new_between(r, at, b);
	}
	if (!r->between.len) {
		char *text = buf_reserve(&r->between, r->room);

		r->between.len = (size_t)(put_new_between(r, text, b) - text);
	}
	return put_text(at, r->between.data, r->between.len);
}

static void put_any(
	const struct resultrow *r, struct buf *to, size_t from, size_t i, const struct result *what)
{
	const char *why = aggregates_print(r->aggregates, i, what->state, to);
	size_t len = to->len - from;

	if (why)
		die(EX_DATAERR, "'%s' of the result %.*s...: %s", r->aggregates->list[i].name,
			(int)(len < 200 ? len : 200), to->data + from, why);
}

static inline char *put_aggregates(
	const struct resultrow *r, struct buf *to, char *at, size_t from, const struct result *what)
{
	for (size_t i = 0; i < r->aggregates->count; i++) {
		const struct aggregate *g = &r->aggregates->list[i];
		char *behind;

		if (i)
			at = put_piece(r, at, r->key->count + i);
		behind = aggprint_few(at, g, (const char *)what->state + g->offset);
		if (!behind) {
			settle(to, at);
			put_any(r, to, from, i, what);
			behind = again(r, to);
		}
		at = behind;
	}
	return at;
}

void resultrow_put(struct resultrow *r, struct buf *to, const struct result *what)
{
	size_t from = to->len;
	char *at = put_key(r, to, again(r, to), what);

	at = put_between(r, at, &what->bounds);
	at = put_aggregates(r, to, at, from, what);
	*at++ = ',';
	settle(to, at);
}
