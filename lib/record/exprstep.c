#include "record/exprstep.h"

#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/decimalprint.h"
#include "base/instant.h"
#include "base/mem.h"

static const struct value missing = {.type = VALUE_MISSING};

const struct value *step_truth(bool is_true)
{
	static const struct value truths[] = {{.type = VALUE_FALSE}, {.type = VALUE_TRUE}};

	return &truths[is_true];
}

static const char *regex_reason(int code)
{
	switch (code) {
	case REG_EPAREN:
		return "a parenthesis without its other half in a regular expression";
	case REG_EBRACK:
		return "a '[' without its ']' in a regular expression";
	case REG_EBRACE:
		return "a '{' without its '}' in a regular expression";
	case REG_BADBR:
		return "a bad count between '{' and '}' in a regular expression";
	case REG_BADRPT:
		return "nothing to repeat in a regular expression";
	case REG_ERANGE:
		return "a bad range in a regular expression";
	case REG_ECTYPE:
		return "an unknown class in a regular expression";
	case REG_EESCAPE:
		return "a backslash at the end of a regular expression";
	case REG_ESPACE:
		return "too large a regular expression";
	default:
		return "a bad regular expression";
	}
}

/* POSIX gives no meaning to a backslash before a letter or digit; what others mean by it ("\d") is
 * not what a C library makes of it. */
static bool has_foreign_escape(const char *pattern)
{
	for (const char *b = strchr(pattern, '\\'); b && b[1]; b = strchr(b + 2, '\\'))
		if ((unsigned)(b[1] | 0x20) - 'a' < 26 || (unsigned)b[1] - '0' < 10)
			return true;
	return false;
}

const char *step_set_regex(struct step *s, struct buf *pattern)
{
	const char *text = buf_string(pattern);
	int code;

	if (strlen(text) != pattern->len)
		return "a NUL in a regular expression";
	if (has_foreign_escape(text))
		return "a backslash before a letter or digit in a POSIX regular expression; "
		       "use [0-9], [[:space:]] and the like";
	s->regex = mem_alloc(sizeof(*s->regex));
	code = regcomp(s->regex, text, REG_EXTENDED | REG_NOSUB);
	if (!code)
		return NULL;
	free(s->regex);
	s->regex = NULL;
	return regex_reason(code);
}

const char *step_set_zone(struct step *s, const char *zone)
{
	const char *why;

	if (zone && !*zone)
		return "an empty name of a time zone";
	s->time = mem_alloc(sizeof(*s->time));
	why = time_format_set(s->time, NULL, zone);
	if (!why)
		return NULL;
	free(s->time);
	s->time = NULL;
	return why;
}

void step_release(struct step *s)
{
	buf_release(&s->text);
	if (s->regex)
		regfree(s->regex);
	free(s->regex);
	if (s->time)
		time_format_release(s->time);
	free(s->time);
	free(s->bound);
}

/* What a comparison holds for. */
static unsigned holding(enum op op)
{
	static const unsigned char by_op[] = {
		[OP_EQUAL] = BOUND_SAME,
		[OP_UNEQUAL] = BOUND_BELOW | BOUND_ABOVE,
		[OP_LESS] = BOUND_BELOW,
		[OP_LESS_EQUAL] = BOUND_BELOW | BOUND_SAME,
		[OP_GREATER] = BOUND_ABOVE,
		[OP_GREATER_EQUAL] = BOUND_SAME | BOUND_ABOVE,
	};

	return by_op[op];
}

static bool holds(enum op op, int order)
{
	return holding(op) & (order < 0 ? BOUND_BELOW : order ? BOUND_ABOVE : BOUND_SAME);
}

static bool compare(enum op op, const struct value *a, const struct value *b)
{
	int order;

	if (a->type == VALUE_MISSING || b->type == VALUE_MISSING)
		return false;
	if (op == OP_EQUAL || op == OP_UNEQUAL)
		return value_equal(a, b) == (op == OP_EQUAL);
	return value_order(a, b, &order) && holds(op, order);
}

void step_set_compare(struct step *s)
{
	const struct value *literal = &s[1].value;
	bool is_number = s->op == OP_PATH && s[1].op == OP_LITERAL &&
			 literal->type == VALUE_NUMBER && !literal->number.is_double;

	if (!is_number || s[2].op < OP_EQUAL || s[2].op > OP_GREATER_EQUAL)
		return;
	s->op = OP_COMPARE_FIELD;
	s->bound = mem_alloc(sizeof(*s->bound));
	bound_set(s->bound, holding(s[2].op), &literal->number);
}

const struct value *step_compare_field(struct step *s, const struct span *field)
{
	bool is_true;

	if (step_tells(s, field, &is_true))
		return step_truth(is_true);
	value_from_span(&s->value, field, &s->text);
	return step_truth(compare(s[2].op, &s->value, &s[1].value));
}

static const char *calculate(
	enum op op, struct decimal *result, const struct decimal *a, const struct decimal *b)
{
	switch (op) {
	case OP_ADD:
		return decimal_add(result, a, b);
	case OP_SUBTRACT:
		return decimal_subtract(result, a, b);
	case OP_MULTIPLY:
		return decimal_multiply(result, a, b);
	case OP_DIVIDE:
		return decimal_divide(result, a, b);
	default:
		return decimal_modulo(result, a, b);
	}
}

static const struct value *arithmetic(struct step *s, const struct value *a, const struct value *b)
{
	if (a->type != VALUE_NUMBER || b->type != VALUE_NUMBER)
		return &missing;
	s->value.type = VALUE_NUMBER;
	return calculate(s->op, &s->value.number, &a->number, &b->number) ? &missing : &s->value;
}

const struct value *step_binary(struct step *s, const struct value *a, const struct value *b)
{
	return s->op >= OP_ADD ? arithmetic(s, a, b) : step_truth(compare(s->op, a, b));
}

static const struct value *negate(struct step *s, const struct value *v)
{
	if (v->type != VALUE_NUMBER)
		return &missing;
	s->value.type = VALUE_NUMBER;
	s->value.number = v->number;
	decimal_negate(&s->value.number);
	return &s->value;
}

static const struct value *length(struct step *s, const struct value *v)
{
	int64_t count = value_length(v);

	if (count < 0)
		return &missing;
	s->value.type = VALUE_NUMBER;
	s->value.number = decimal_from_integer(count);
	return &s->value;
}

/* Makes a text in s->text the value. */
static const struct value *text_of(struct step *s)
{
	s->value.type = VALUE_STRING;
	s->value.text = buf_string(&s->text);
	s->value.len = s->text.len;
	return &s->value;
}

static const struct value *lower(struct step *s, const struct value *v)
{
	if (v->type != VALUE_STRING)
		return &missing;
	buf_clear(&s->text);
	buf_add(&s->text, v->text, v->len);
	for (size_t i = 0; i < s->text.len; i++)
		if ((unsigned)s->text.data[i] - 'A' < 26)
			s->text.data[i] |= 0x20;
	return text_of(s);
}

/* regexec takes what is before a NUL. */
static const struct value *matches(struct step *s, const struct value *v)
{
	if (v->type != VALUE_STRING)
		return &missing;
	buf_clear(&s->text);
	buf_add(&s->text, v->text, v->len);
	return step_truth(regexec(s->regex, buf_string(&s->text), 0, NULL, 0) == 0);
}

/* Each time by itself: what decided the unit of the last one is forgotten. False if it is none. */
static bool read_time(struct time_format *f, const struct value *v, int64_t *ns)
{
	char text[DECIMAL_TEXT_MAX];
	struct span span;

	f->unit = TIME_AUTO;
	if (v->type == VALUE_STRING)
		span = (struct span){.at = v->text, .len = (uint32_t)v->len, .type = SPAN_STRING};
	else if (v->type != VALUE_NUMBER)
		return false;
	else if (v->source.type == SPAN_NUMBER)
		span = v->source;
	else
		span = (struct span){
			.at = text,
			.len = (uint32_t)decimal_print(text, &v->number),
			.type = SPAN_NUMBER,
		};
	return time_read(f, &span, ns) == NULL;
}

/* The local second; false if v is no event time. */
static bool local_time(struct step *s, const struct value *v, int64_t *local_s)
{
	int64_t ns;

	if (!read_time(s->time, v, &ns))
		return false;
	*local_s = time_floor_divide(ns, NS_PER_S);
	if (s->time->has_zone)
		*local_s += zone_offset(&s->time->zone, *local_s);
	return true;
}

static int64_t day_of(int64_t local_s)
{
	return time_floor_divide(local_s, CIVIL_DAY_S);
}

static void add_digits(struct buf *to, int value, int digits)
{
	char *at = buf_reserve(to, (size_t)digits);

	for (int i = digits - 1; i >= 0; i--, value /= 10)
		at[i] = (char)('0' + value % 10);
	to->len += (size_t)digits;
}

static const struct value *date(struct step *s, const struct value *v)
{
	int64_t local_s;
	struct civil day;

	if (!local_time(s, v, &local_s))
		return &missing;
	day = civil_from_days(day_of(local_s));
	buf_clear(&s->text);
	add_digits(&s->text, (int)day.year, 4);
	buf_char(&s->text, '-');
	add_digits(&s->text, day.month, 2);
	buf_char(&s->text, '-');
	add_digits(&s->text, day.day, 2);
	return text_of(s);
}

static const struct value *hour(struct step *s, const struct value *v)
{
	int64_t local_s;

	if (!local_time(s, v, &local_s))
		return &missing;
	s->value.type = VALUE_NUMBER;
	s->value.number = decimal_from_integer((local_s - day_of(local_s) * CIVIL_DAY_S) / 3600);
	return &s->value;
}

const struct value *step_unary(struct step *s, const struct value *v)
{
	switch (s->op) {
	case OP_TRUTH:
		return step_truth(v->type == VALUE_TRUE);
	case OP_NOT:
		return step_truth(v->type != VALUE_TRUE);
	case OP_NEGATE:
		return negate(s, v);
	case OP_LEN:
		return length(s, v);
	case OP_LOWER:
		return lower(s, v);
	case OP_MATCHES:
		return matches(s, v);
	case OP_DATE:
		return date(s, v);
	default:
		return hour(s, v);
	}
}
