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

void results_init(struct results *r)
{
	*r = (struct results){.top_value = -1};
	paths_init(&r->paths);
	resultrow_init(&r->plain);
	buf_init(&r->row);
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
	resultrow_release(&r->plain);
	buf_release(&r->row);
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
	const struct key_fields *key = r->plain.key;
	const struct aggregates *aggregates = r->plain.aggregates;

	for (size_t i = 0; i < key->count; i++)
		add_name(n, key->names[i]);
	for (size_t i = 0; i < bound_count; i++)
		add_name(n, bounds[i]);
	for (size_t i = 0; i < aggregates->count; i++)
		add_name(n, aggregates->list[i].name);
}

static void prepare_let(struct results *r, struct results_let *let, struct names *n)
{
	let->value = compile(r, "let", let->name, let->text);
	free(let->text);
	let->text = NULL;
	check_known(r, n, "let");
	add_name(n, let->name);
}

void results_prepare(struct results *r, const char *const *bound_names, size_t bound_count)
{
	struct names n = {.count = 0};
	const char *why = NULL;

	name_fields(r, bound_names, bound_count, &n);
	resultrow_prepare(&r->plain);
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

/* Finds the fields of the row as it stands; its end is put on for that only. */
static void look(struct results *r, struct buf *row, size_t from)
{
	size_t len = row->len - from, where;
	char *begin, *end = buf_reserve(row, 1 + SCAN_PAD);

	begin = row->data + from;
	end[-1] = '}';
	memset(end, 0, 1 + SCAN_PAD);
	*end = '\n';
	if (scan(&r->paths, begin, len, &r->root, r->spans, &where))
		die(EX_SOFTWARE, "a result that is not JSON; this is a bug");
	end[-1] = ',';
}

static void add_let(struct results *r, struct buf *row, size_t from, const struct results_let *let)
{
	struct buf value;

	look(r, row, from);
	buf_init(&value);
	value_print(&value, expr_eval(let->value, r->spans));
	buf_format(row, "\"%s\":", let->name);
	buf_add(row, value.data, value.len);
	buf_char(row, ',');
	buf_release(&value);
}

static bool make(struct results *r, struct buf *row, const struct result *what)
{
	size_t from = row->len;

	resultrow_put(&r->plain, row, what);
	for (size_t i = 0; i < r->let_count; i++)
		add_let(r, row, from, &r->lets[i]);
	if (r->having || r->top)
		look(r, row, from);
	return !r->having || expr_true(r->having, r->spans);
}

bool results_make(struct results *r, const struct result *what)
{
	buf_clear(&r->row);
	return make(r, &r->row, what);
}

bool results_rank(const struct results *r, struct decimal *rank)
{
	const struct span *s = &r->spans[r->top_value];

	return s->type == SPAN_NUMBER && !decimal_parse(rank, s->at, s->len);
}

/* Saying them */

/* Every row so far ends in a comma; its last field or its brace takes the comma's place. */
static void say_once(struct results *r, const struct result *what)
{
	struct buf *row = filter_make(r->filter);

	if (make(r, row, what)) {
		row->data[row->len - 1] = '}';
		buf_char(row, '\n');
		filter_made(r->filter);
	} else {
		filter_drop(r->filter);
	}
}

static void say_again(struct results *r, struct buf *row, const struct issued *was, bool retract)
{
	size_t len = row->len;

	buf_format(row, "\"revision\":%u%s}\n", was->revisions - 1,
		retract ? ",\"retract\":true" : "");
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
	say_again(r, &row, was, true);
	buf_release(&row);
	return -(int64_t)issued_release(was);
}

static bool is_same(const struct results *r, const struct issued *was)
{
	return was->row && was->row_len == r->row.len &&
	       memcmp(was->row, r->row.data, r->row.len) == 0;
}

int64_t results_say(struct results *r, const struct result *what, struct issued *was)
{
	int64_t grown = 0;

	if (!was) {
		say_once(r, what);
		return 0;
	}
	was->is_stale = false;
	if (!results_make(r, what))
		return results_retract(r, was);
	/* in the rows of a --top most do not change with one record */
	if (r->top && is_same(r, was))
		return 0;
	if (r->emit == RESULTS_RETRACTIONS)
		grown = results_retract(r, was);
	else
		grown = -(int64_t)issued_release(was);
	was->revisions++;
	was->row = mem_copy(r->row.data, r->row.len);
	was->row_len = (uint32_t)r->row.len;
	say_again(r, &r->row, was, false);
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
