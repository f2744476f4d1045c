#include "tool/results.h"

#include <stdlib.h>
#include <string.h>

#include "base/compact.h"
#include "base/die.h"
#include "base/mem.h"
#include "base/units.h"
#include "record/text.h"
#include "record/time.h"
#include "record/value.h"

/* The name of a bound as it stands in a row, and what is behind its time. */
enum { BOUND_NAME_MAX = 20 };

void results_init(struct results *r)
{
	*r = (struct results){.top_value = -1};
	paths_init(&r->paths);
	buf_init(&r->row);
	buf_init(&r->names);
	buf_init(&r->bounds);
}

void results_release(struct results *r)
{
	for (size_t i = 0; i < r->let_count; i++) {
		free(r->lets[i].name);
		expr_free(r->lets[i].value);
	}
	expr_free(r->having);
	paths_release(&r->paths);
	free(r->spans);
	buf_release(&r->row);
	buf_release(&r->names);
	buf_release(&r->bounds);
}

/* Options */

const char *results_read_let(const char *text, void *to)
{
	struct results *r = to;
	size_t len =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	struct results_let *let = &r->lets[r->let_count];

	if (r->let_count == RESULTS_LETS_MAX)
		return "more than 32 of them";
	if (!len || text[len] != '=' || text[len + 1] == '=')
		return "not NAME=EXPR";
	let->name = mem_zero(1, len + 1);
	memcpy(let->name, text, len);
	let->text = mem_string(text + len + 1);
	r->let_count++;
	return NULL;
}

const char *results_read_having(const char *text, void *to)
{
	struct results *r = to;

	r->having_text = text;
	return NULL;
}

const char *results_read_top(const char *text, void *to)
{
	struct results *r = to;
	char *end;

	r->top = strtoull(text, &end, 10);
	if (*text < '1' || *text > '9' || *end != ':' || !end[1])
		return "not N:FIELD";
	r->top_field = end + 1;
	return NULL;
}

const char *results_read_emit(const char *text, void *to)
{
	static const char *const names[] = {
		[RESULTS_FINAL] = "final",
		[RESULTS_UPDATES] = "updates",
		[RESULTS_RETRACTIONS] = "retractions",
	};
	struct results *r = to;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], text) == 0) {
			r->emit = (enum results_emit)i;
			return NULL;
		}
	return "not final, updates or retractions";
}

/* name is that of a --let; empty for --having. */
static struct expr *compile(
	struct results *r, const char *option, const char *name, const char *text)
{
	struct expr *e = NULL;
	size_t column = 0;
	const char *why = expr_compile(&e, text, &r->paths, &column);

	if (why)
		die(EX_USAGE, "--%s '%s%s%s': %s at column %zu", option, name, *name ? "=" : "",
			text, why, column + strlen(name) + (*name != 0));
	return e;
}

struct names {
	const char *list[KEY_PARTS_MAX + 2 + AGGREGATES_MAX + RESULTS_LETS_MAX + 2];
	size_t count;
};

static bool has_name(const struct names *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++)
		if (strcmp(n->list[i], name) == 0)
			return true;
	return false;
}

static void add_name(struct names *n, const char *name)
{
	if (has_name(n, name))
		die(EX_USAGE, "two fields of the result are called '%s'", name);
	n->list[n->count++] = name;
}

/* A name that no result has would be missing in all of them: a mistake, not data. */
static void check_known(const struct results *r, const struct names *n, const char *option)
{
	for (uint32_t i = r->paths.nodes[0].child; i; i = r->paths.nodes[i].sibling)
		if (!has_name(n, r->paths.nodes[i].key))
			die(EX_USAGE, "--%s: no result has a field '%s'", option,
				r->paths.nodes[i].key);
}

static void name_fields(
	const struct results *r, const char *const *bounds, size_t bound_count, struct names *n)
{
	for (size_t i = 0; i < r->key->count; i++)
		add_name(n, r->key->names[i]);
	for (size_t i = 0; i < bound_count; i++)
		add_name(n, bounds[i]);
	for (size_t i = 0; i < r->aggregates->count; i++)
		add_name(n, r->aggregates->list[i].name);
}

static void prepare_let(struct results *r, struct results_let *let, struct names *n)
{
	let->value = compile(r, "let", let->name, let->text);
	free(let->text);
	let->text = NULL;
	check_known(r, n, "let");
	add_name(n, let->name);
}

static void prepare_names(struct results *r)
{
	size_t keys = r->key->count, count = keys + r->aggregates->count;

	for (size_t i = 0; i < count; i++) {
		const char *name = i < keys ? r->key->names[i] : r->aggregates->list[i - keys].name;

		text_quote(&r->names, name, strlen(name));
		buf_char(&r->names, ':');
		r->name_ends[i] = r->names.len;
	}
}

void results_prepare(struct results *r, const char *const *bound_names, size_t bound_count)
{
	struct names n = {.count = 0};
	const char *why = NULL;

	name_fields(r, bound_names, bound_count, &n);
	prepare_names(r);
	for (size_t i = 0; i < r->let_count; i++)
		prepare_let(r, &r->lets[i], &n);
	if (r->having_text)
		r->having = compile(r, "having", "", r->having_text);
	check_known(r, &n, "having");
	if (r->top)
		why = paths_add(&r->paths, r->top_field, &r->top_value);
	if (why)
		die(EX_USAGE, "--top %s: %s", r->top_field, why);
	check_known(r, &n, "top");
	if (r->emit != RESULTS_FINAL) {
		add_name(&n, "revision");
		add_name(&n, "retract");
	}
	r->spans = mem_zero(r->paths.count + 1, sizeof(*r->spans));
}

size_t results_state_bytes(const struct results *r)
{
	return r->emit == RESULTS_FINAL ? 0 : sizeof(struct issued);
}

/* Rows */

/* The name of the i-th of key and aggregates. */
static void add_name_of(struct results *r, size_t i)
{
	size_t from = i ? r->name_ends[i - 1] : 0;

	buf_add(&r->row, r->names.data + from, r->name_ends[i] - from);
}

static void add_key(struct results *r, const char *part, const char *end)
{
	for (size_t i = 0; i < r->key->count; i++) {
		add_name_of(r, i);
		key_part_print(&r->row, &part, end);
		buf_char(&r->row, ',');
	}
}

__attribute__((always_inline)) static inline char *put_text(char *to, const char *text)
{
	size_t len = strlen(text);

	memcpy(to, text, len);
	return to + len;
}

/* Inline, so that the length of the name is known. */
__attribute__((always_inline)) static inline void put_time(
	struct results *r, const char *name, int64_t ns)
{
	char *begin = buf_reserve(&r->bounds, BOUND_NAME_MAX + TIME_TEXT_MAX), *to;

	to = put_text(begin, name);
	to += r->zone ? time_print_zone(to, ns, r->zone) : time_print(to, ns);
	to = put_text(to, "\",");
	r->bounds.len += (size_t)(to - begin);
}

static void put_bounds(struct results *r, const struct result_bounds *b)
{
	if (b->is_window) {
		put_time(r, "\"window_start\":\"", b->from_ns);
		put_time(r, "\"window_end\":\"", b->to_ns);
	} else {
		put_time(r, "\"window_first\":\"", b->from_ns);
		put_time(r, "\"window_last\":\"", b->to_ns);
	}
}

/* Rows of a window come one behind the other. */
static void add_bounds(struct results *r, const struct result_bounds *b)
{
	if (!b->is_there)
		return;
	if (!r->bounds.len || b->from_ns != r->bounds_of.from_ns ||
		b->to_ns != r->bounds_of.to_ns) {
		buf_clear(&r->bounds);
		put_bounds(r, b);
		r->bounds_of = *b;
	}
	buf_add(&r->row, r->bounds.data, r->bounds.len);
}

static void add_aggregates(struct results *r, const void *state)
{
	for (size_t i = 0; i < r->aggregates->count; i++) {
		size_t begun = r->row.len;
		const char *why;

		add_name_of(r, r->key->count + i);
		why = aggregates_print(r->aggregates, i, state, &r->row);
		if (why)
			die(EX_DATAERR, "'%s' of the result %.*s...: %s",
				r->aggregates->list[i].name, (int)(begun < 200 ? begun : 200),
				r->row.data, why);
		buf_char(&r->row, ',');
	}
}

/* Finds the fields of the row as it stands; its end is put on for that only. */
static void look(struct results *r)
{
	size_t len = r->row.len, where;

	r->row.data[len - 1] = '}';
	memset(buf_reserve(&r->row, 1 + SCAN_PAD), 0, 1 + SCAN_PAD);
	r->row.data[len] = '\n';
	if (scan(&r->paths, r->row.data, len, &r->root, r->spans, &where))
		die(EX_SOFTWARE, "a result that is not JSON; this is a bug");
	r->row.data[len - 1] = ',';
}

bool results_make(struct results *r, const char *key, size_t key_len, const struct result_bounds *b,
	const void *state)
{
	buf_clear(&r->row);
	buf_char(&r->row, '{');
	add_key(r, key, key + key_len);
	add_bounds(r, b);
	add_aggregates(r, state);
	for (size_t i = 0; i < r->let_count; i++) {
		struct buf value;

		look(r);
		buf_init(&value);
		value_print(&value, expr_eval(r->lets[i].value, r->spans));
		buf_format(&r->row, "\"%s\":", r->lets[i].name);
		buf_add(&r->row, value.data, value.len);
		buf_char(&r->row, ',');
		buf_release(&value);
	}
	if (r->having || r->top)
		look(r);
	return !r->having || expr_true(r->having, r->spans);
}

bool results_rank(const struct results *r, struct decimal *rank)
{
	const struct span *s = &r->spans[r->top_value];

	return s->type == SPAN_NUMBER && !decimal_parse(rank, s->at, s->len);
}

/* Saying them */

/* Every row so far ends in a comma; its last field or its brace takes the comma's place. */
static void say(struct results *r, struct buf *row, const struct issued *was, bool retract)
{
	size_t len = row->len;

	if (was)
		buf_format(row, "\"revision\":%u%s}", was->revisions - 1,
			retract ? ",\"retract\":true" : "");
	else
		row->data[len - 1] = '}';
	buf_char(row, '\n');
	filter_emit(r->filter, row->data, row->len - 1);
	row->len = len;
}

size_t issued_release(struct issued *was)
{
	size_t bytes = was->row ? was->row_len : 0;

	free(was->row);
	was->row = NULL;
	return bytes;
}

int64_t results_retract(struct results *r, struct issued *was)
{
	struct buf row;

	if (!was->row)
		return 0;
	buf_init(&row);
	buf_add(&row, was->row, was->row_len);
	say(r, &row, was, true);
	buf_release(&row);
	return -(int64_t)issued_release(was);
}

static bool is_same(const struct results *r, const struct issued *was)
{
	return was->row && was->row_len == r->row.len &&
	       memcmp(was->row, r->row.data, r->row.len) == 0;
}

int64_t results_say(struct results *r, struct issued *was, bool is_out)
{
	int64_t grown = 0;

	if (!was) {
		if (is_out)
			say(r, &r->row, NULL, false);
		return 0;
	}
	was->is_stale = false;
	/* in the rows of a --top most do not change with one record */
	if (!is_out || (r->top && is_same(r, was)))
		return is_out ? 0 : results_retract(r, was);
	if (r->emit == RESULTS_RETRACTIONS)
		grown = results_retract(r, was);
	else
		grown = -(int64_t)issued_release(was);
	was->revisions++;
	was->row = mem_copy(r->row.data, r->row.len);
	was->row_len = (uint32_t)r->row.len;
	say(r, &r->row, was, false);
	return grown + (int64_t)was->row_len;
}

enum { HAS_ROW = 1, IS_STALE = 2 };

void issued_pack(const struct issued *was, struct buf *to)
{
	compact_add(to, was->revisions);
	compact_add(to, (was->row ? HAS_ROW : 0) | (was->is_stale ? IS_STALE : 0));
	if (was->row)
		compact_add_bytes(to, was->row, was->row_len);
}

bool issued_unpack(struct issued *was, const char **at, const char *end)
{
	uint64_t revisions, what;
	const char *row;
	size_t len;

	if (!compact_take(at, end, &revisions) || revisions > UINT32_MAX ||
		!compact_take(at, end, &what) || what > (HAS_ROW | IS_STALE))
		return false;
	*was = (struct issued){.revisions = (uint32_t)revisions, .is_stale = what & IS_STALE};
	if (!(what & HAS_ROW))
		return true;
	if (!compact_take_bytes(at, end, &row, &len) || len > UINT32_MAX)
		return false;
	was->row = mem_copy(row, len);
	was->row_len = (uint32_t)len;
	return true;
}
