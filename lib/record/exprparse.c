#include "record/exprparse.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/exprlex.h"
#include "record/text.h"

struct parser {
	struct lexer lex;
	struct program *program;
	struct paths *paths;
	int depth;
	const char *why;   /* set once, by fail */
	const char *fault; /* where */
};

/* From the loosest to the tightest. */
enum level {
	LEVEL_NONE,
	LEVEL_OR,
	LEVEL_AND,
	LEVEL_NOT,
	LEVEL_COMPARE,
	LEVEL_ADD,
	LEVEL_MULTIPLY,
	LEVEL_SIGN,
};

static const struct binary {
	enum level level;
	enum op op;
} binaries[TOKEN_TYPES] = {
	[TOKEN_OR] = {LEVEL_OR, OP_OR},
	[TOKEN_AND] = {LEVEL_AND, OP_AND},
	[TOKEN_EQUAL] = {LEVEL_COMPARE, OP_EQUAL},
	[TOKEN_UNEQUAL] = {LEVEL_COMPARE, OP_UNEQUAL},
	[TOKEN_LESS] = {LEVEL_COMPARE, OP_LESS},
	[TOKEN_LESS_EQUAL] = {LEVEL_COMPARE, OP_LESS_EQUAL},
	[TOKEN_GREATER] = {LEVEL_COMPARE, OP_GREATER},
	[TOKEN_GREATER_EQUAL] = {LEVEL_COMPARE, OP_GREATER_EQUAL},
	[TOKEN_PLUS] = {LEVEL_ADD, OP_ADD},
	[TOKEN_MINUS] = {LEVEL_ADD, OP_SUBTRACT},
	[TOKEN_TIMES] = {LEVEL_MULTIPLY, OP_MULTIPLY},
	[TOKEN_DIVIDE] = {LEVEL_MULTIPLY, OP_DIVIDE},
	[TOKEN_MODULO] = {LEVEL_MULTIPLY, OP_MODULO},
};

static bool expression(struct parser *p, enum level level);

static bool fail(struct parser *p, const char *at, const char *why)
{
	p->why = why;
	p->fault = at;
	return false;
}

static bool next(struct parser *p)
{
	const char *why = lexer_next(&p->lex);

	return why ? fail(p, p->lex.from, why) : true;
}

static bool expect(struct parser *p, enum token_type type, const char *why)
{
	return p->lex.type == type ? next(p) : fail(p, p->lex.from, why);
}

static bool enter(struct parser *p)
{
	if (p->depth == EXPR_DEPTH_MAX)
		return fail(p, p->lex.from, "nested deeper than 200");
	p->depth++;
	return true;
}

/* Of a parenthesis. */
static bool leave(struct parser *p)
{
	p->depth--;
	return expect(p, TOKEN_CLOSE, "no ')' where one must be");
}

/* NULL if there are too many. Valid until the next one. */
static struct step *emit(struct parser *p, enum op op)
{
	struct program *g = p->program;

	if (g->count == EXPR_STEPS_MAX) {
		fail(p, p->lex.from, "too long an expression");
		return NULL;
	}
	g->steps = mem_resize(g->steps, (g->count + 1) * sizeof(*g->steps));
	g->steps[g->count] = (struct step){.op = op};
	return &g->steps[g->count++];
}

static bool literal(struct parser *p, enum value_type type)
{
	struct step *s = emit(p, OP_LITERAL);

	if (!s)
		return false;
	s->value.type = type;
	if (type == VALUE_NUMBER)
		s->value.number = p->lex.number;
	if (type == VALUE_STRING) {
		buf_add(&s->text, p->lex.text.data, p->lex.text.len);
		s->value.text = buf_string(&s->text);
		s->value.len = s->text.len;
	}
	return next(p);
}

/* The token is the path. */
static bool path(struct parser *p, enum op op)
{
	struct step *s = emit(p, op);
	const char *why;
	int value;

	if (!s)
		return false;
	why = paths_add(p->paths, buf_string(&p->lex.text), &value);
	if (why)
		return fail(p, p->lex.from, why);
	s->target = (uint32_t)value;
	return next(p);
}

static bool call_has(struct parser *p, enum op op)
{
	if (p->lex.type != TOKEN_NAME && p->lex.type != TOKEN_FIELD)
		return fail(p, p->lex.from, "has() takes the name of a field");
	return path(p, op);
}

static bool call_one(struct parser *p, enum op op)
{
	return expression(p, LEVEL_OR) && emit(p, op);
}

/* Each but the last jumps to the end if it is there. */
static bool call_coalesce(struct parser *p, enum op op)
{
	uint32_t first = p->program->count;

	while (expression(p, LEVEL_OR)) {
		if (p->lex.type != TOKEN_COMMA)
			break;
		if (!emit(p, op) || !next(p))
			return false;
	}
	if (p->why)
		return false;
	for (uint32_t i = first; i < p->program->count; i++)
		if (p->program->steps[i].op == op && p->program->steps[i].target == 0)
			p->program->steps[i].target = p->program->count;
	return true;
}

static bool call_matches(struct parser *p, enum op op)
{
	struct step *s;
	const char *why;

	if (!expression(p, LEVEL_OR) ||
		!expect(p, TOKEN_COMMA, "matches() takes a value and a regular expression"))
		return false;
	if (p->lex.type != TOKEN_STRING)
		return fail(p, p->lex.from, "the regular expression must be a string");
	s = emit(p, op);
	if (!s)
		return false;
	why = step_set_regex(s, &p->lex.text);
	return why ? fail(p, p->lex.from, why) : next(p);
}

/* date() and hour() */
static bool call_time(struct parser *p, enum op op)
{
	const char *zone = NULL, *why;
	struct step *s;

	if (!expression(p, LEVEL_OR))
		return false;
	if (p->lex.type == TOKEN_COMMA) {
		if (!next(p))
			return false;
		if (p->lex.type != TOKEN_STRING)
			return fail(p, p->lex.from, "the time zone must be a string");
		zone = buf_string(&p->lex.text);
	}
	s = emit(p, op);
	if (!s)
		return false;
	why = step_set_zone(s, zone);
	if (why)
		return fail(p, p->lex.from, why);
	return zone ? next(p) : true;
}

static bool is_call(const struct parser *p)
{
	const char *at = p->lex.at;

	return at[strspn(at, " \t\r\n")] == '(';
}

/* The token is the function's name. */
static bool call(struct parser *p)
{
	static const struct {
		const char *name;
		bool (*arguments)(struct parser *p, enum op op);
		enum op op;
	} functions[] = {
		{"has", call_has, OP_HAS},
		{"len", call_one, OP_LEN},
		{"lower", call_one, OP_LOWER},
		{"matches", call_matches, OP_MATCHES},
		{"date", call_time, OP_DATE},
		{"hour", call_time, OP_HOUR},
		{"coalesce", call_coalesce, OP_PRESENT},
	};
	const char *name = buf_string(&p->lex.text);

	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (strcmp(name, functions[i].name) == 0)
			return enter(p) && next(p) && next(p) &&
			       functions[i].arguments(p, functions[i].op) && leave(p);
	return fail(p, p->lex.from,
		"no such function; there are has, len, lower, matches, date, hour and coalesce");
}

static bool parenthesis(struct parser *p)
{
	return enter(p) && next(p) && expression(p, LEVEL_OR) && leave(p);
}

/* A number behind the sign becomes a negative literal. */
static bool negative(struct parser *p)
{
	uint32_t first = p->program->count;
	struct step *s;

	if (!enter(p) || !next(p) || !expression(p, LEVEL_SIGN))
		return false;
	p->depth--;
	s = &p->program->steps[first];
	if (p->program->count > first + 1 || s->op != OP_LITERAL || s->value.type != VALUE_NUMBER)
		return emit(p, OP_NEGATE);
	decimal_negate(&s->value.number);
	return true;
}

static bool negation(struct parser *p, enum level level)
{
	if (level > LEVEL_NOT)
		return fail(p, p->lex.from, "a 'not' here needs parentheses around it");
	if (!enter(p) || !next(p) || !expression(p, LEVEL_NOT))
		return false;
	p->depth--;
	return emit(p, OP_NOT);
}

static bool operand(struct parser *p, enum level level)
{
	switch (p->lex.type) {
	case TOKEN_NUMBER:
		return literal(p, VALUE_NUMBER);
	case TOKEN_STRING:
		return literal(p, VALUE_STRING);
	case TOKEN_TRUE:
		return literal(p, VALUE_TRUE);
	case TOKEN_FALSE:
		return literal(p, VALUE_FALSE);
	case TOKEN_NULL:
		return literal(p, VALUE_NULL);
	case TOKEN_NAME:
		return is_call(p) ? call(p) : path(p, OP_PATH);
	case TOKEN_FIELD:
		return path(p, OP_PATH);
	case TOKEN_OPEN:
		return parenthesis(p);
	case TOKEN_MINUS:
		return negative(p);
	case TOKEN_NOT:
		return negation(p, level);
	case TOKEN_END:
		return fail(p, p->lex.from, "the expression ends too early");
	default:
		return fail(p, p->lex.from, "no value where one must be");
	}
}

/* The token is behind the sign of b, whose left side begins with the step first. */
static bool right_side(struct parser *p, const struct binary *b, uint32_t first)
{
	uint32_t jump = p->program->count;

	if (b->op != OP_AND && b->op != OP_OR) {
		if (!expression(p, b->level + 1) || !emit(p, b->op))
			return false;
		if (p->program->count == first + 3)
			step_set_compare(&p->program->steps[first]);
		return true;
	}
	if (!emit(p, b->op) || !expression(p, b->level + 1))
		return false;
	p->program->steps[jump].target = p->program->count;
	return emit(p, OP_TRUTH);
}

/* Everything whose signs bind at least as tightly as level. */
static bool expression(struct parser *p, enum level level)
{
	uint32_t first = p->program->count;

	if (!operand(p, level))
		return false;
	for (;;) {
		const struct binary *b = &binaries[p->lex.type];

		if (b->level == LEVEL_NONE || b->level < level)
			return true;
		if (!next(p) || !right_side(p, b, first))
			return false;
		if (b->level == LEVEL_COMPARE && binaries[p->lex.type].level == LEVEL_COMPARE)
			return fail(p, p->lex.from, "comparisons are joined with 'and'");
	}
}

static bool whole(struct parser *p, const char *text)
{
	if (!text_is_utf8(text, strlen(text)))
		return fail(p, text, "not UTF-8");
	if (!next(p) || !expression(p, LEVEL_OR))
		return false;
	if (p->lex.type == TOKEN_CLOSE)
		return fail(p, p->lex.from, "a ')' without its '('");
	return expect(p, TOKEN_END, "neither an operator nor the end");
}

const char *program_parse(
	struct program *g, const char *text, struct paths *paths, const char **fault)
{
	struct parser p = {.paths = paths, .program = g};

	lexer_init(&p.lex, text);
	if (!whole(&p, text))
		*fault = p.fault;
	lexer_release(&p.lex);
	return p.why;
}

void program_release(struct program *g)
{
	for (uint32_t i = 0; i < g->count; i++)
		step_release(&g->steps[i]);
	free(g->steps);
	*g = (struct program){0};
}
