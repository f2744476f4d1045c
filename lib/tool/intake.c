#include "tool/intake.h"

#include "base/die.h"
#include "record/control.h"
#include "tool/supervision.h"

/*
 * What each record goes through is inline, by order where it is used more than once: calls took a
 * twentieth of the time of a filter that lets all pass.
 */

/* How a record that passes is written. */
typedef void pass_line(struct outlet *o, const char *line, size_t len);

/* What stands against a line as a record, in the detail; NULL if nothing does. Finds its fields. */
static inline const char *fault(struct filter *f, struct record *r, struct span *fields)
{
	const struct shape_line line = {.at = r->bytes, .len = r->len, .values = fields};
	size_t column;
	const char *why;

	buf_clear(&f->detail);
	if (r->too_long) {
		buf_format(&f->detail, "longer than --max-record (%llu bytes)",
			(unsigned long long)f->max_record_bytes);
		shape_forget_ahead(&f->shape);
		return "malformed";
	}
	r->fields = fields;
	why = shape_scan(&f->shape, &line, &r->root, &column);
	if (why)
		buf_format(&f->detail, "%s at column %zu", why, column + 1);
	else if (fields[f->reserved_key].type != SPAN_MISSING)
		buf_text(&f->detail, "the key $dd is reserved for control lines");
	else if (f->wants_object && r->root.type != SPAN_OBJECT)
		buf_text(&f->detail, "not an object");
	else
		return NULL;
	return "malformed";
}

static inline void count_in(struct filter *f, struct record *r)
{
	f->balance.in++;
	if (!stream_is_supervised(&f->stream))
		return;
	if (!r->too_long)
		r->hash = hash_bytes(r->bytes, r->len);
	f->balance.hash_in += r->hash;
}

static inline void count_out(
	struct filter *f, const struct record *r, struct verdict v, pass_line *pass)
{
	switch (v.outcome) {
	case PASSED:
		f->balance.passed++;
		f->balance.hash_out += r->hash;
		pass(&f->outlet, r->bytes, r->len);
		break;
	case ABSORBED:
		f->balance.absorbed++;
		break;
	case HELD:
		break;
	case DROPPED:
		balance_reason(&f->balance, v.reason);
		break;
	case BAD:
		filter_reject(f, r, v.reason, f->detail.len ? buf_string(&f->detail) : NULL);
		break;
	}
}

static inline void settle(
	struct filter *f, const struct record *r, struct verdict v, pass_line *pass)
{
	count_out(f, r, v, pass);
	outlet_send_after(&f->outlet);
	if (f->balance.in == REJECTS_PERCENT_FROM)
		rejects_judge(&f->rejects, r->source, r->line, f->balance.in);
}

static bool is_chosen(const struct filter *f, const struct record *r)
{
	return !f->where || expr_true(f->where, r->fields);
}

static inline struct verdict judge(struct filter *f, const struct record *r, bool chosen)
{
	if (!chosen)
		return f->where_passes ? verdict(PASSED) : dropped("filtered");
	return f->handlers->record ? f->handlers->record(f->state, r) : verdict(PASSED);
}

static inline void admit(struct filter *f, const struct record *r)
{
	if (stream_record(&f->stream) != STREAM_FINE)
		die(EX_CONFIG, "%s: line %llu: %s", r->source, (unsigned long long)r->line,
			f->stream.why);
	if (f->epochs.is_open && !f->epochs.has_joined)
		supervision_demand_open(f);
}

static inline __attribute__((always_inline)) void handle(
	struct filter *f, struct record *r, pass_line *pass)
{
	struct verdict v = {.outcome = BAD};
	struct span *fields = f->next_fields;

	f->next_fields = f->fields;
	f->fields = fields;
	admit(f, r);
	count_in(f, r);
	v.reason = fault(f, r, fields);
	if (!v.reason)
		v = judge(f, r, is_chosen(f, r));
	settle(f, r, v, pass);
}

void intake_drain(struct filter *f)
{
	struct ahead *a = &f->ahead;
	unsigned count = a->count;

	a->count = 0;
	for (unsigned i = 0; i < count; i++) {
		struct record *r = &a->records[i];

		count_in(f, r);
		buf_clear(&f->detail);
		settle(f, r, judge(f, r, a->is_chosen[i]), outlet_pass_in_place);
	}
}

/* Of a record in its slot. What is wrong with a record is said of one at a time, so such a one is
 * handled by itself. */
static void prepare(struct filter *f, struct record *r)
{
	struct ahead *a = &f->ahead;
	struct span *fields = a->fields + a->count * f->paths.count;

	admit(f, r);
	if (fault(f, r, fields)) {
		intake_drain(f);
		handle(f, r, outlet_pass_in_place);
		return;
	}
	a->is_chosen[a->count] = is_chosen(f, r);
	if (a->is_chosen[a->count])
		f->handlers->prepare(f->state, r);
	if (++a->count == FILTER_AHEAD)
		intake_drain(f);
}

void intake_record(struct filter *f, struct record *r)
{
	handle(f, r, outlet_pass_copied);
}

void intake_refuse(struct filter *f, struct record *r, struct verdict v)
{
	count_in(f, r);
	settle(f, r, v, outlet_pass_copied);
}

static bool is_blank(const struct line *l)
{
	size_t i = 0;

	while (i < l->len && (l->at[i] == ' ' || l->at[i] == '\t' || l->at[i] == '\r'))
		i++;
	return i == l->len;
}

/* The reader's own limit is higher where a control line needs it. */
static void cut_too_long(struct record *r)
{
	if (!r->too_long)
		r->hash = hash_bytes(r->bytes, r->len);
	r->too_long = true;
	if (r->len > LINE_KEPT_BYTES)
		r->len = LINE_KEPT_BYTES;
}

static inline void take_line(struct filter *f, struct record *r, const struct line *l)
{
	r->bytes = l->at;
	r->len = l->len;
	r->source = f->input.name;
	r->line = l->number;
	r->offset = l->offset;
	r->length = l->length;
	r->too_long = l->too_long;
	r->hash = l->hash;
	r->slot = f->ahead.count;
	if (l->len > f->max_record_bytes)
		cut_too_long(r);
}

/* Whether the line is a record, or what is wrong with it is to be said of one. */
static inline bool is_record(struct filter *f, const struct line *l)
{
	if (*l->at != '{' && is_blank(l)) {
		f->balance.empty++;
		return false;
	}
	if (f->role != FILTER_SOURCE && control_begins(l->at, l->len)) {
		struct line control = *l; /* see lines_next */

		intake_drain(f);
		if (supervision_line(f, &control))
			return false;
	}
	/* what a stage that died left of its last line is no record */
	return l->ended || !stream_is_supervised(&f->stream) || f->role == FILTER_SOURCE;
}

static inline __attribute__((always_inline)) void take(struct filter *f, const struct line *l)
{
	struct record alone;

	if (!is_record(f, l)) {
		shape_forget_ahead(&f->shape);
	} else if (f->ahead.fields) {
		take_line(f, &f->ahead.records[f->ahead.count], l);
		prepare(f, &f->ahead.records[f->ahead.count]);
	} else {
		take_line(f, &alone, l);
		handle(f, &alone, outlet_pass_in_place);
	}
}

/* Looks at the lines behind the one that was handled last. */
static void look_ahead(struct filter *f, const struct lines *lines)
{
	const struct ahead *a = &f->ahead;
	struct shape_view v = {.values = f->next_fields, .next_values = f->fields};

	v.at = lines_rest(lines, &v.end);
	if (a->fields) {
		v.values = a->fields + a->count * f->paths.count;
		/* behind the last there is the first, which has yet to be handled then */
		v.next_values = a->count < FILTER_AHEAD - 1 ? v.values + f->paths.count : NULL;
	}
	shape_look(&f->shape, &v);
}

static inline void expect(struct filter *f, struct lines *lines)
{
	if (!shape_next_newline(&f->shape))
		look_ahead(f, lines);
	lines_expect(lines, shape_next_newline(&f->shape));
}

void intake_line(struct filter *f, struct lines *lines, const struct line *l)
{
	take(f, l);
	expect(f, lines);
}

void intake_lines(struct filter *f, struct lines *lines)
{
	struct line l;

	while (lines_next(lines, &l)) {
		take(f, &l);
		expect(f, lines);
	}
}
