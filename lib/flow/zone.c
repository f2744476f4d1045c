#include "flow/zone.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/mem.h"
#include "flow/zonerule.h"

enum {
	HEADER_BYTES = 44,
	TYPE_BYTES = 6,
	CYCLE_YEARS = 400,
	RULE_FIRST_YEAR = 1600,
	UNROLLED_YEARS = CYCLE_YEARS + 5, /* with a margin, see unroll */
};

static const int64_t cycle_s = (int64_t)CIVIL_CYCLE_DAYS * CIVIL_DAY_S;
static const int64_t last_transition_s = INT64_C(1) << 40; /* in the year 36812 */

struct tzif {
	int version;
	uint32_t ut_count, std_count, leap_count, time_count, type_count, char_count;
	size_t time_bytes; /* of a transition time */
	const uint8_t *data;
};

static uint32_t big32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t big64(const uint8_t *b)
{
	return (int64_t)((uint64_t)big32(b) << 32 | big32(b + 4));
}

/* Makes an offset hold from an instant on, whatever was to come later. */
static void push(struct zone *z, int64_t from_s, int32_t offset_s)
{
	while (z->count > 1 && z->segments[z->count - 1].from_s >= from_s)
		z->count--;
	if (z->segments[z->count - 1].offset_s != offset_s)
		z->segments[z->count++] = (struct zone_segment){from_s, offset_s};
}

static void begin(struct zone *z, size_t segments_max, int32_t offset_s)
{
	z->segments = mem_alloc((segments_max + 1) * sizeof(*z->segments));
	z->segments[0] = (struct zone_segment){INT64_MIN, offset_s};
	z->count = 1;
	z->fold_s = INT64_MAX;
	z->hit = 0;
}

static void finish(struct zone *z)
{
	z->segments[z->count] = (struct zone_segment){.from_s = INT64_MAX};
}

void zone_fixed(struct zone *z, int32_t offset_s)
{
	begin(z, 1, offset_s);
	finish(z);
}

void zone_release(struct zone *z)
{
	free(z->segments);
	*z = (struct zone){0};
}

/*
 * The changes by the rule, from the last transition on. A change may be a week out of its year, so
 * the years on both sides of the cycle are needed: what is folded back falls into the years
 * first + 2 .. first + 402, all of whose changes come from the rule.
 */
static void unroll(struct zone *z, const struct zone_rule *r)
{
	int64_t known_s = z->segments[z->count - 1].from_s;
	int64_t first = RULE_FIRST_YEAR;

	if (known_s / CIVIL_DAY_S > civil_days(first, 1, 1))
		first = civil_from_days(known_s / CIVIL_DAY_S).year;
	for (int64_t year = first - 1; year < first - 1 + UNROLLED_YEARS; year++) {
		int64_t start_s = zone_rule_start(r, year);
		int64_t end_s = zone_rule_end(r, year);

		if (end_s < start_s && end_s > known_s)
			push(z, end_s, r->standard_s);
		if (start_s > known_s)
			push(z, start_s, r->dst_s);
		if (end_s >= start_s && end_s > known_s)
			push(z, end_s, r->standard_s);
	}
	z->fold_s = civil_days(first + CYCLE_YEARS + 2, 1, 1) * CIVIL_DAY_S;
}

static uint64_t data_bytes(const struct tzif *t)
{
	return (uint64_t)t->time_count * (t->time_bytes + 1) +
	       (uint64_t)t->type_count * TYPE_BYTES + t->char_count +
	       (uint64_t)t->leap_count * (t->time_bytes + 4) + t->std_count + t->ut_count;
}

/* Reads a header and moves *at behind the data that it announces. */
static const char *read_block(
	struct tzif *t, const uint8_t **at, const uint8_t *end, size_t time_bytes)
{
	const uint8_t *b = *at;

	if (end - b < HEADER_BYTES || memcmp(b, "TZif", 4) != 0)
		return "not a time zone file";
	*t = (struct tzif){
		.version = b[4],
		.ut_count = big32(b + 20),
		.std_count = big32(b + 24),
		.leap_count = big32(b + 28),
		.time_count = big32(b + 32),
		.type_count = big32(b + 36),
		.char_count = big32(b + 40),
		.time_bytes = time_bytes,
		.data = b + HEADER_BYTES,
	};
	if (data_bytes(t) > (uint64_t)(end - t->data))
		return "the time zone file is cut short";
	*at = t->data + data_bytes(t);
	return NULL;
}

static const char *check_types(const struct tzif *t)
{
	const uint8_t *types = t->data + (size_t)t->time_count * (t->time_bytes + 1);

	if (t->type_count == 0)
		return "the time zone file has no offset";
	for (uint32_t i = 0; i < t->type_count; i++) {
		int32_t offset_s = (int32_t)big32(types + (size_t)i * TYPE_BYTES);

		if (offset_s <= -ZONE_OFFSET_MAX_S || offset_s >= ZONE_OFFSET_MAX_S)
			return "the time zone file has an offset of more than a day";
	}
	return NULL;
}

static int64_t transition_s(const struct tzif *t, uint32_t i)
{
	const uint8_t *at = t->data + i * t->time_bytes;

	return t->time_bytes == 8 ? big64(at) : (int32_t)big32(at);
}

static const char *check_transitions(const struct tzif *t)
{
	const uint8_t *types = t->data + t->time_count * t->time_bytes;

	for (uint32_t i = 0; i < t->time_count; i++) {
		if (types[i] >= t->type_count)
			return "the time zone file names an offset that it does not have";
		if (i > 0 && transition_s(t, i) <= transition_s(t, i - 1))
			return "the time zone file's transitions are out of order";
		if (transition_s(t, i) > last_transition_s)
			return "the time zone file has a transition out of range";
	}
	return NULL;
}

static int32_t type_offset_s(const struct tzif *t, uint8_t type)
{
	size_t types = (size_t)t->time_count * (t->time_bytes + 1);

	return (int32_t)big32(t->data + types + (size_t)type * TYPE_BYTES);
}

/* The footer is the rule between two newlines; it may be empty. */
static const char *read_footer(
	const uint8_t *at, const uint8_t *end, struct zone_rule *r, bool *has)
{
	const uint8_t *newline = NULL;

	if (at < end && *at == '\n')
		newline = memchr(at + 1, '\n', (size_t)(end - at - 1));
	*has = newline && newline > at + 1;
	if (!newline || (*has && !zone_rule_read(r, (const char *)at + 1, (const char *)newline)))
		return "the time zone's rule for later times is damaged";
	return NULL;
}

static void build(struct zone *z, const struct tzif *t, const struct zone_rule *r)
{
	const uint8_t *types = t->data + t->time_count * t->time_bytes;
	int32_t first_s = r && t->time_count == 0 ? r->standard_s : type_offset_s(t, 0);

	begin(z, (size_t)t->time_count + 1 + 2 * UNROLLED_YEARS, first_s);
	for (uint32_t i = 0; i < t->time_count; i++)
		push(z, transition_s(t, i), type_offset_s(t, types[i]));
	if (r && r->has_dst)
		unroll(z, r);
	finish(z);
}

const char *zone_parse(struct zone *z, const void *tzif, size_t len)
{
	const uint8_t *at = tzif, *end = at + len;
	struct tzif t;
	struct zone_rule r = {0};
	bool has_rule = false;
	const char *reason;

	*z = (struct zone){0};
	reason = read_block(&t, &at, end, 4);
	if (!reason && t.version >= '2') {
		/* What came first is for readers that know no 64-bit times. */
		reason = read_block(&t, &at, end, 8);
		if (!reason)
			reason = read_footer(at, end, &r, &has_rule);
	}
	if (reason)
		return reason;
	if (t.leap_count > 0)
		return "the time zone counts leap seconds, which UTC times here do not";
	reason = check_types(&t);
	if (!reason)
		reason = check_transitions(&t);
	if (!reason)
		build(z, &t, has_rule ? &r : NULL);
	return reason;
}

/* How far a time lies beyond the table, in whole cycles. */
static int64_t folded_s(const struct zone *z, int64_t s)
{
	return s < z->fold_s ? 0 : ((s - z->fold_s) / cycle_s + 1) * cycle_s;
}

static size_t find(struct zone *z, int64_t utc_s)
{
	const struct zone_segment *hit = &z->segments[z->hit];
	size_t low = 0, high = z->count;

	if (hit[0].from_s <= utc_s && utc_s < hit[1].from_s)
		return z->hit;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (z->segments[middle].from_s <= utc_s)
			low = middle;
		else
			high = middle;
	}
	return z->hit = low;
}

int32_t zone_offset(struct zone *z, int64_t utc_s)
{
	return z->segments[find(z, utc_s - folded_s(z, utc_s))].offset_s;
}

/*
 * The first of all instants with this local time is looked for among the segments near it. If there
 * is none, a change of the clock upwards skipped it, and the offset before that change moves it
 * forward by what was skipped.
 */
static int64_t search_utc(struct zone *z, int64_t local_s)
{
	size_t i = find(z, local_s - ZONE_OFFSET_MAX_S);
	const struct zone_segment *s = &z->segments[i];
	bool is_skipped = false;
	int64_t moved_s = local_s;

	for (; i < z->count && s->from_s <= local_s + ZONE_OFFSET_MAX_S; i++, s++) {
		int64_t utc_s = local_s - s->offset_s;

		if (utc_s < s[0].from_s)
			continue;
		if (utc_s < s[1].from_s) {
			z->hit = i;
			return utc_s;
		}
		if (!is_skipped && i + 1 < z->count && local_s - s[1].offset_s < s[1].from_s) {
			is_skipped = true;
			moved_s = utc_s;
		}
	}
	return moved_s;
}

int64_t zone_to_utc(struct zone *z, int64_t local_s)
{
	int64_t fold_s = folded_s(z, local_s);
	const struct zone_segment *hit = &z->segments[z->hit];
	int64_t utc_s = local_s - fold_s - hit->offset_s;

	/* So far behind the segment's beginning no earlier one can have this local time. */
	if (utc_s < hit[1].from_s && utc_s - 2 * ZONE_OFFSET_MAX_S >= hit[0].from_s)
		return utc_s + fold_s;
	return search_utc(z, local_s - fold_s) + fold_s;
}
