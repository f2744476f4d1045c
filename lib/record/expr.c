#include "record/expr.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/exprlex.h"
#include "record/exprparse.h"

struct expr {
	struct program program;
	const struct value **stack; /* room for a value of each step */
};

static size_t column_of(const char *text, const char *at)
{
	size_t column = 1;

	for (; text < at; text++)
		column += ((unsigned char)*text & 0xc0) != 0x80;
	return column;
}

const char *expr_compile(struct expr **e, const char *text, struct paths *paths, size_t *column)
{
	struct expr *made = mem_zero(1, sizeof(*made));
	const char *fault;
	const char *why = program_parse(&made->program, text, paths, &fault);

	if (why) {
		*column = column_of(text, fault);
		expr_free(made);
		return why;
	}
	made->stack = mem_alloc(made->program.count * sizeof(struct value *));
	*e = made;
	return NULL;
}

void expr_free(struct expr *e)
{
	if (!e)
		return;
	program_release(&e->program);
	free(e->stack);
	free(e);
}

size_t expr_extent(const char *text)
{
	struct lexer l;
	int depth = 0;
	size_t extent;

	lexer_init(&l, text);
	for (;;) {
		if (lexer_next(&l) || l.type == TOKEN_END) {
			extent = strlen(text);
			break;
		}
		if (depth == 0 && (l.type == TOKEN_COMMA || l.type == TOKEN_CLOSE)) {
			extent = (size_t)(l.from - text);
			break;
		}
		depth += (l.type == TOKEN_OPEN) - (l.type == TOKEN_CLOSE);
	}
	lexer_release(&l);
	return extent;
}

/* Whether a jump is taken on v. */
static bool jumps(enum op op, const struct value *v)
{
	if (op == OP_PRESENT)
		return v->type > VALUE_NULL;
	return (v->type == VALUE_TRUE) == (op == OP_OR);
}

const struct value *expr_eval(struct expr *e, const struct span *values)
{
	const struct value **top = e->stack; /* behind the topmost */
	struct step *s = e->program.steps, *end = s + e->program.count;

	while (s < end) {
		switch (s->op) {
		case OP_LITERAL:
			*top++ = &s->value;
			break;
		case OP_PATH:
			value_from_span(&s->value, &values[s->target], &s->text);
			*top++ = &s->value;
			break;
		case OP_COMPARE_FIELD:
			*top++ = step_compare_field(s, &values[s->target]);
			s += 2;
			break;
		case OP_HAS:
			*top++ = step_truth(values[s->target].type != SPAN_MISSING);
			break;
		case OP_AND:
		case OP_OR:
		case OP_PRESENT:
			if (jumps(s->op, top[-1])) {
				s = e->program.steps + s->target;
				continue;
			}
			top--;
			break;
		case OP_TRUTH:
		case OP_NOT:
		case OP_NEGATE:
		case OP_LEN:
		case OP_LOWER:
		case OP_MATCHES:
		case OP_DATE:
		case OP_HOUR:
			top[-1] = step_unary(s, top[-1]);
			break;
		default:
			top--;
			top[-1] = step_binary(s, top[-1], top[0]);
			break;
		}
		s++;
	}
	return e->stack[0];
}

int expr_path(const struct expr *e)
{
	const struct step *first = e->program.steps;

	return e->program.count == 1 && first->op == OP_PATH ? (int)first->target : -1;
}

/* The steps of one comparison. */
enum { COMPARE_STEPS = 3 };

bool expr_true(struct expr *e, const struct span *values)
{
	const struct step *first = e->program.steps;
	bool is_true;

	if (first->op == OP_COMPARE_FIELD && e->program.count == COMPARE_STEPS &&
		step_tells(first, &values[first->target], &is_true))
		return is_true;
	return expr_eval(e, values)->type == VALUE_TRUE;
}
