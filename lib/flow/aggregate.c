#include "flow/aggregate.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct sum_state {
	uint64_t count;
	struct decimal_sum sum;
};

struct extreme_state {
	uint64_t count;
	struct decimal value;
};

static const struct {
	const char *name;
	size_t state_bytes;
	bool has_field;
} kinds[] = {
	[AGGREGATE_COUNT] = {"count", sizeof(uint64_t), false},
	[AGGREGATE_SUM] = {"sum", sizeof(struct sum_state), true},
	[AGGREGATE_AVG] = {"avg", sizeof(struct sum_state), true},
	[AGGREGATE_MIN] = {"min", sizeof(struct extreme_state), true},
	[AGGREGATE_MAX] = {"max", sizeof(struct extreme_state), true},
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(*kinds) };

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static size_t name_len(const char *p)
{
	size_t len = 0;

	while (is_name(p[len]))
		len++;
	return len;
}

static char *text_of(const char *p, size_t len)
{
	char *text = mem_zero(1, len + 1);

	memcpy(text, p, len);
	return text;
}

/* sum(order.total) is called sum_order_total. */
static char *default_name(const struct aggregate *a)
{
	struct buf name;
	char *text;

	buf_init(&name);
	buf_text(&name, kinds[a->kind].name);
	if (a->field)
		buf_char(&name, '_');
	for (const char *p = a->field ? a->field : ""; *p; p++)
		buf_char(&name, is_name(*p) ? *p : '_');
	text = mem_string(buf_string(&name));
	buf_release(&name);
	return text;
}

static bool kind_of(const char *p, size_t len, enum aggregate_kind *kind)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (strlen(kinds[i].name) == len && memcmp(kinds[i].name, p, len) == 0) {
			*kind = (enum aggregate_kind)i;
			return true;
		}
	return false;
}

/* "(field)" behind an aggregate's name. */
static const char *read_field(struct aggregate *a, const char **at)
{
	const char *p = skip_blanks(*at), *end;

	if (*p != '(')
		return kinds[a->kind].has_field ? "no (field) behind an aggregate that wants one"
						: NULL;
	if (!kinds[a->kind].has_field)
		return "count takes no field";
	p = skip_blanks(p + 1);
	end = strchr(p, ')');
	if (!end)
		return "an unclosed parenthesis";
	*at = end + 1;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (end == p)
		return "no field between the parentheses";
	a->field = text_of(p, (size_t)(end - p));
	return NULL;
}

/* One of the list: [NAME=]KIND[(FIELD)]. */
static const char *read_one(struct aggregate *a, const char **at)
{
	const char *p = skip_blanks(*at), *why;
	size_t len = name_len(p);
	const char *behind = skip_blanks(p + len);

	if (len && *behind == '=') {
		a->name = text_of(p, len);
		p = skip_blanks(behind + 1);
		len = name_len(p);
	}
	if (!kind_of(p, len, &a->kind))
		return "not one of count, sum, avg, min, max";
	*at = p + len;
	why = read_field(a, at);
	if (!why && !a->name)
		a->name = default_name(a);
	return why;
}

static const char *place(struct aggregates *all, struct aggregate *a)
{
	for (struct aggregate *other = all->list; other < a; other++)
		if (strcmp(other->name, a->name) == 0)
			return "two aggregates of one name; NAME=... tells them apart";
	a->at = all->state_bytes;
	all->state_bytes += kinds[a->kind].state_bytes;
	return NULL;
}

const char *aggregates_read(struct aggregates *a, const char *list)
{
	const char *p = list, *why = NULL;

	*a = (struct aggregates){0};
	for (;;) {
		struct aggregate *one = &a->list[a->count];

		if (a->count == AGGREGATES_MAX)
			return "more than 64 aggregates";
		a->count++;
		why = read_one(one, &p);
		if (!why)
			why = place(a, one);
		p = skip_blanks(p);
		if (why || !*p)
			return why;
		if (*p++ != ',')
			return "no comma between two aggregates";
	}
}

void aggregates_release(struct aggregates *a)
{
	for (size_t i = 0; i < a->count; i++) {
		free(a->list[i].name);
		free(a->list[i].field);
	}
	*a = (struct aggregates){0};
}

static void add_sum(struct sum_state *s, const struct decimal *value)
{
	if (!s->count++)
		decimal_sum_init(&s->sum);
	decimal_sum_add(&s->sum, value);
}

/* sign is 1 for the largest, -1 for the smallest; of equal ones the first stays. */
static void add_extreme(struct extreme_state *s, const struct decimal *value, int sign)
{
	if (!s->count++ || decimal_compare(value, &s->value) * sign > 0)
		s->value = *value;
}

void aggregates_add(const struct aggregates *a, void *state, const struct decimal *const *values)
{
	for (size_t i = 0; i < a->count; i++) {
		void *at = (char *)state + a->list[i].at;

		if (a->list[i].kind == AGGREGATE_COUNT)
			++*(uint64_t *)at;
		else if (!values[i])
			continue;
		else if (a->list[i].kind == AGGREGATE_MIN)
			add_extreme(at, values[i], -1);
		else if (a->list[i].kind == AGGREGATE_MAX)
			add_extreme(at, values[i], 1);
		else
			add_sum(at, values[i]);
	}
}

static const char *value_of(enum aggregate_kind kind, const void *state, struct decimal *value)
{
	const struct sum_state *s = state;

	if (kind == AGGREGATE_MIN || kind == AGGREGATE_MAX) {
		*value = ((const struct extreme_state *)state)->value;
		return NULL;
	}
	return kind == AGGREGATE_SUM ? decimal_sum_value(&s->sum, value)
				     : decimal_sum_average(&s->sum, s->count, value);
}

const char *aggregate_print(const struct aggregates *a, size_t i, const void *state, struct buf *to)
{
	const void *at = (const char *)state + a->list[i].at;
	uint64_t count;
	struct decimal value;
	const char *why;

	/* each state begins with how many values it has */
	memcpy(&count, at, sizeof(count));
	if (a->list[i].kind == AGGREGATE_COUNT) {
		buf_format(to, "%llu", (unsigned long long)count);
		return NULL;
	}
	if (!count) {
		buf_text(to, "null");
		return NULL;
	}
	why = value_of(a->list[i].kind, at, &value);
	if (!why)
		to->len += decimal_print(buf_reserve(to, DECIMAL_TEXT_MAX), &value);
	return why;
}
