#include "record/aggparse.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"

/* What an aggregate may have between its parentheses. */
enum arguments {
	ARGUMENTS_VALUE,       /* one value */
	ARGUMENTS_MAYBE_VALUE, /* a value or nothing */
	ARGUMENTS_MAYBE_LIMIT, /* a value and perhaps a number of them */
	ARGUMENTS_LIMIT,       /* a value and a number of them */
	ARGUMENTS_AT,          /* a value and a place from 0 to 1 */
	ARGUMENTS_MAYBE_AT,
	ARGUMENTS_MAYBE_OTHER, /* a value and perhaps another one */
};

static const struct {
	const char *name;
	enum arguments arguments;
} kinds[] = {
	[AGGREGATE_COUNT] = {"count", ARGUMENTS_MAYBE_VALUE},
	[AGGREGATE_SUM] = {"sum", ARGUMENTS_VALUE},
	[AGGREGATE_AVG] = {"avg", ARGUMENTS_VALUE},
	[AGGREGATE_STDDEV] = {"stddev", ARGUMENTS_VALUE},
	[AGGREGATE_MIN] = {"min", ARGUMENTS_VALUE},
	[AGGREGATE_MAX] = {"max", ARGUMENTS_VALUE},
	[AGGREGATE_ARGMIN] = {"argmin", ARGUMENTS_MAYBE_OTHER},
	[AGGREGATE_ARGMAX] = {"argmax", ARGUMENTS_MAYBE_OTHER},
	[AGGREGATE_FIRST] = {"first", ARGUMENTS_MAYBE_LIMIT},
	[AGGREGATE_LAST] = {"last", ARGUMENTS_MAYBE_LIMIT},
	[AGGREGATE_COLLECT] = {"collect", ARGUMENTS_MAYBE_LIMIT},
	[AGGREGATE_TOP] = {"top", ARGUMENTS_LIMIT},
	[AGGREGATE_DISTINCT] = {"distinct", ARGUMENTS_VALUE},
	[AGGREGATE_QUANTILE] = {"quantile", ARGUMENTS_AT},
	[AGGREGATE_MERGE] = {"merge", ARGUMENTS_MAYBE_AT},
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(*kinds), LIMIT_MAX = 1000000 };

/* Where in the list the parser stands; what it stumbled on stays at. */
struct parser {
	const char *at;
	struct paths *paths;
	size_t column_in_expr; /* of an error within an argument; 0: at the parser's own place */
};

static void skip_blanks(struct parser *p)
{
	p->at += strspn(p->at, " \t\n");
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static size_t name_len(const char *at)
{
	size_t len = 0;

	while (is_name(at[len]))
		len++;
	return len;
}

static char *text_of(const char *at, size_t len)
{
	char *text = mem_zero(1, len + 1);

	memcpy(text, at, len);
	return text;
}

/* The next argument, up to its comma or parenthesis. */
static char *take_argument(struct parser *p)
{
	size_t len = expr_extent(p->at);
	char *text = text_of(p->at, len);

	while (len && strchr(" \t\n", text[len - 1]))
		text[--len] = '\0';
	return text;
}

static const char *read_expr(struct parser *p, struct expr **e, const char *text)
{
	if (!*text)
		return "an argument is missing";
	return expr_compile(e, text, p->paths, &p->column_in_expr);
}

static const char *read_limit(struct aggregate *g, const char *text)
{
	uint64_t limit;

	if (units_count(text, &limit) || !limit || limit > LIMIT_MAX)
		return "not a number from 1 to 1000000";
	g->limit = (uint32_t)limit;
	g->is_list = true;
	return NULL;
}

static const char *read_at(struct aggregate *g, const char *text)
{
	const struct decimal zero = decimal_from_integer(0), one = decimal_from_integer(1);

	if (!decimal_is_number(text, strlen(text)) || decimal_parse(&g->at, text, strlen(text)) ||
		decimal_compare(&g->at, &zero) < 0 || decimal_compare(&g->at, &one) > 0)
		return "not a number from 0 to 1";
	g->has_at = true;
	return NULL;
}

static const char *read_second(struct parser *p, struct aggregate *g, const char *text)
{
	switch (kinds[g->kind].arguments) {
	case ARGUMENTS_VALUE:
	case ARGUMENTS_MAYBE_VALUE:
		return "one argument is all it takes";
	case ARGUMENTS_MAYBE_LIMIT:
	case ARGUMENTS_LIMIT:
		return read_limit(g, text);
	case ARGUMENTS_AT:
	case ARGUMENTS_MAYBE_AT:
		return read_at(g, text);
	case ARGUMENTS_MAYBE_OTHER:
		return read_expr(p, &g->other, text);
	}
	return NULL;
}

/* From behind the opening parenthesis to behind the closing one. */
static const char *read_arguments(struct parser *p, struct aggregate *g)
{
	const char *why;
	char *second;

	skip_blanks(p);
	g->argument = take_argument(p);
	why = read_expr(p, &g->value, g->argument);
	if (why)
		return why;
	p->at += expr_extent(p->at);
	if (*p->at == ',') {
		p->at++;
		skip_blanks(p);
		second = take_argument(p);
		why = read_second(p, g, second);
		free(second);
		if (why)
			return why;
		p->at += expr_extent(p->at);
	}
	if (*p->at != ')')
		return *p->at ? "two arguments are all it takes" : "an unclosed parenthesis";
	p->at++;
	return NULL;
}

static const char *missing(const struct aggregate *g)
{
	enum arguments wanted = kinds[g->kind].arguments;

	if (!g->value && wanted != ARGUMENTS_MAYBE_VALUE)
		return "no (argument) behind an aggregate that wants one";
	if (wanted == ARGUMENTS_LIMIT && !g->limit)
		return "no number of values, as in top(page, 10)";
	if (wanted == ARGUMENTS_AT && !g->has_at)
		return "no place from 0 to 1, as in quantile(ms, 0.99)";
	return NULL;
}

/* sum(order.total) is called sum_order_total. */
static char *default_name(const struct aggregate *g)
{
	struct buf name;
	char *text;

	buf_init(&name);
	buf_text(&name, kinds[g->kind].name);
	for (const char *p = g->argument ? g->argument : ""; *p;) {
		size_t len = name_len(p);

		if (len) {
			buf_char(&name, '_');
			buf_add(&name, p, len);
		}
		p += len;
		p += *p && !is_name(*p);
	}
	text = mem_string(buf_string(&name));
	buf_release(&name);
	return text;
}

static const char *read_kind(struct parser *p, struct aggregate *g)
{
	size_t len = name_len(p->at);

	for (size_t i = 0; i < KIND_COUNT; i++)
		if (strlen(kinds[i].name) == len && memcmp(kinds[i].name, p->at, len) == 0) {
			g->kind = (enum aggregate_kind)i;
			p->at += len;
			return NULL;
		}
	return "not one of count sum avg stddev min max argmin argmax first last collect top "
	       "distinct "
	       "quantile merge";
}

/* One of the list: [NAME=]KIND[(ARGUMENTS)]. */
static const char *read_one(struct parser *p, struct aggregate *g)
{
	const char *why, *behind;
	size_t len;

	skip_blanks(p);
	len = name_len(p->at);
	behind = p->at + len + strspn(p->at + len, " \t\n");
	if (len && *behind == '=') {
		g->name = text_of(p->at, len);
		p->at = behind + 1;
		skip_blanks(p);
	}
	why = read_kind(p, g);
	if (why)
		return why;
	skip_blanks(p);
	if (*p->at == '(') {
		p->at++;
		why = read_arguments(p, g);
	}
	if (!why)
		why = missing(g);
	if (!why && !g->name)
		g->name = default_name(g);
	if (g->kind == AGGREGATE_COLLECT) {
		g->is_list = true;
		g->limit = g->limit ? g->limit : AGGREGATE_COLLECT_DEFAULT;
	}
	g->limit = g->limit ? g->limit : 1;
	return why;
}

/* In characters of UTF-8, as the columns within expressions are. */
static size_t characters(const char *from, const char *to)
{
	size_t count = 0;

	for (; from < to; from++)
		count += (*from & 0xc0) != 0x80;
	return count;
}

const char *aggparse_list(
	struct aggregates *a, const char *list, struct paths *paths, size_t *column)
{
	struct parser p = {.at = list, .paths = paths};
	const char *why = NULL;

	for (bool more = true; more && !why;) {
		if (a->count == AGGREGATES_MAX)
			why = "more than 64 aggregates";
		else
			why = read_one(&p, &a->list[a->count++]);
		skip_blanks(&p);
		more = *p.at != '\0';
		if (!why && more && *p.at != ',')
			why = "no comma between two aggregates";
		p.at += !why && more;
	}
	*column = characters(list, p.at) + (p.column_in_expr ? p.column_in_expr : 1);
	return why;
}
