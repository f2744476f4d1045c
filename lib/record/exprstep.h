/*
 * The steps of a compiled expression, in post-order for a small stack of values. A step runs at
 * most once in an evaluation, so it holds what it gives itself, and the stack holds pointers.
 */
#ifndef EXPRSTEP_H
#define EXPRSTEP_H

#include <regex.h>

#include "base/bound.h"
#include "base/buf.h"
#include "record/time.h"
#include "record/value.h"

enum op {
	OP_LITERAL,
	OP_PATH,
	OP_HAS,
	OP_AND,     /* jumps to a TRUTH if it is decided, else drops the value */
	OP_OR,      /* likewise */
	OP_PRESENT, /* jumps if the value is neither missing nor null, else drops it */
	/* of one value */
	OP_TRUTH, /* a boolean: whether the value is true */
	OP_NOT,
	OP_NEGATE,
	OP_LEN,
	OP_LOWER,
	OP_MATCHES,
	OP_DATE,
	OP_HOUR,
	/* of two values */
	OP_EQUAL,
	OP_UNEQUAL,
	OP_LESS,
	OP_LESS_EQUAL,
	OP_GREATER,
	OP_GREATER_EQUAL,
	OP_ADD,
	OP_SUBTRACT,
	OP_MULTIPLY,
	OP_DIVIDE,
	OP_MODULO,
	/* of a field and a number that is behind it, in place of a path: the next two steps are the
	 * literal and the comparison */
	OP_COMPARE_FIELD,
};

struct step {
	enum op op;
	uint32_t target;    /* of a jump: the step to go on with; of a path: its span */
	struct value value; /* what it gives */
	struct buf text;    /* holds the text of value where that stands nowhere else; reused */
	regex_t *regex;     /* of OP_MATCHES */
	struct time_format *time; /* of OP_DATE and OP_HOUR; its zone is theirs */
	struct bound *bound;      /* of OP_COMPARE_FIELD */
};

void step_release(struct step *s);

/* Each returns NULL or a static reason, with the step fit to be released. The zone may be NULL:
 * UTC, and times without an offset are none. */
const char *step_set_regex(struct step *s, struct buf *pattern);
const char *step_set_zone(struct step *s, const char *zone);

/* The value of a boolean; static. */
const struct value *step_truth(bool is_true);

/* What an operator or function gives. Borrows s, a static value, or nothing. */
const struct value *step_unary(struct step *s, const struct value *v);
const struct value *step_binary(struct step *s, const struct value *a, const struct value *b);

/* Makes s, a path before a literal and a comparison, all three of them where that can be. */
void step_set_compare(struct step *s);
const struct value *step_compare_field(struct step *s, const struct span *field);

/* The same of most numbers; false, and nothing is known, of any other field. */
static inline bool step_tells(const struct step *s, const struct span *field, bool *is_true)
{
	return field->type == SPAN_NUMBER && bound_tells(s->bound, field->at, field->len, is_true);
}

#endif
