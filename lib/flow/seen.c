#include "flow/seen.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pages.h"
#include "flow/seensegment.h"

enum {
	SPLIT_BITS = 5,
	BITS_MAX = 10,
	SPLIT_BYTES = 512 << 10, /* a segment of so much becomes 32, while there are few */
	SWEEPS_PER_TTL = 8,
	SWEEP_AT_CLOCK = 4, /* segments, when the clock moves */
	SWEEP_KEYS = 64,    /* and one each so many keys */
};

void seen_init(struct seen *s, int64_t ttl_ns, size_t value_bytes, size_t max_bytes)
{
	assert(value_bytes % sizeof(uint64_t) == 0);
	*s = (struct seen){.ttl_ns = ttl_ns,
		.clock_ns = INT64_MIN,
		.value_bytes = value_bytes,
		.max_bytes = max_bytes,
		.sweep_due_ns = INT64_MAX,
		.until_sweep = SWEEP_KEYS};
	s->slot_bytes =
		sizeof(struct seen_slot) + (seen_is_timed(s) ? sizeof(int64_t) : 0) + value_bytes;
	s->segments = mem_copy(&seensegment_empty, sizeof(seensegment_empty));
	s->bytes = sizeof(seensegment_empty);
}

void seen_release(struct seen *s)
{
	for (size_t i = 0; i < seen_segments(s); i++)
		if (s->segments[i].bytes)
			pages_resize(s->segments[i].slots, s->segments[i].bytes, 0);
	free(s->segments);
}

/* Growing */

/* Takes `count` keys off the end of what stands at the front of a segment, without gaps. */
static void take_end(
	struct seen *s, struct seen_segment *g, size_t *rest, size_t count, struct seen_segment *to)
{
	size_t left = *rest - count;

	*to = seensegment_empty;
	if (count) {
		seensegment_resize(s, to, seensegment_bytes_for(s, count));
		memcpy(to->slots, g->slots + left * s->slot_bytes, count * s->slot_bytes);
		to->count = count;
		seensegment_lay_out(s, to, count, to->bytes);
	}
	if (pages_round(left * s->slot_bytes) < g->bytes)
		seensegment_resize(s, g, pages_round(left * s->slot_bytes));
	*rest = left;
}

/* Of what stands at the front of the segment i of old, the last come first, so that memory is given
 * back as it is taken. */
static void split_segment(struct seen *s, struct seen_segment *g, size_t i, size_t rest)
{
	for (size_t part = (size_t)1 << SPLIT_BITS; part-- > 0;) {
		struct seen_segment *to = &s->segments[(i << SPLIT_BITS) + part];
		size_t count = 0;

		while (count < rest) {
			size_t place = rest - count - 1;
			const char *at = g->slots + place * s->slot_bytes;

			if (seen_segment_of(s,
				    ((const struct seen_slot *)(const void *)at)->key.high) != to)
				break;
			count++;
		}
		take_end(s, g, &rest, count, to);
	}
}

/* When the next segment is due. */
static void set_sweep_due(struct seen *s)
{
	int128 round_ns = s->ttl_ns / SWEEPS_PER_TTL + 1;
	int128 due_ns = s->sweep_from_ns + round_ns * (int128)(s->swept + 1) / seen_segments(s);

	s->sweep_due_ns = due_ns < INT64_MAX ? (int64_t)due_ns : INT64_MAX;
}

/* Makes 32 segments of each. */
static void split(struct seen *s)
{
	struct seen_segment *old = s->segments;
	size_t had = seen_segments(s), table;

	s->bits += SPLIT_BITS;
	s->swept <<= SPLIT_BITS;
	table = seen_segments(s) * sizeof(*old);
	s->segments = mem_alloc(table);
	s->bytes += table;
	for (size_t i = 0; i < had; i++) {
		size_t rest = seensegment_gather(s, &old[i], s->clock_ns);

		s->count -= old[i].count - rest;
		split_segment(s, &old[i], i, rest);
	}
	s->bytes -= had * sizeof(*old);
	free(old);
	if (seen_is_timed(s))
		set_sweep_due(s);
}

static bool may_split(const struct seen *s, const struct seen_segment *g)
{
	size_t pages = pages_round(1) << (s->bits + SPLIT_BITS);

	return g->bytes >= SPLIT_BYTES && s->bits < BITS_MAX &&
	       s->bytes + s->bytes / 2 + pages <= s->max_bytes;
}

/* The memory that a segment has next; what it has, where there is no more. */
static size_t grown(const struct seen *s, const struct seen_segment *g)
{
	size_t page = pages_round(1), more = pages_round(g->bytes / 4 + 1);
	size_t left = s->bytes < s->max_bytes ? s->max_bytes - s->bytes : 0;

	return g->bytes + (more < left ? more : left / page * page);
}

/* Sees that a segment has room for one more; is_crowded: near its end. False if there is none. */
static bool make_room(struct seen *s, struct seen_segment *g, bool is_crowded)
{
	size_t had = g->bytes, bytes = had, count;

	if (may_split(s, g)) {
		split(s);
		return true;
	}
	count = seensegment_gather(s, g, s->clock_ns);
	if (is_crowded || count >= g->limit - g->limit / 8)
		bytes = grown(s, g);
	if (count || bytes)
		seensegment_lay_out(s, g, count, bytes);
	return g->count < g->limit && (!is_crowded || g->bytes > had);
}

void seen_reserve(struct seen *s, size_t keys)
{
	size_t most = s->max_bytes / s->slot_bytes;
	size_t each;

	assert(!s->count);
	keys = keys < most - most / 4 ? keys : most - most / 4;
	while (keys * s->slot_bytes >> s->bits > SPLIT_BYTES && s->bits < BITS_MAX)
		split(s);
	/* some more: segments are not all the same */
	each = keys >> s->bits;
	each += each / 32 + 1;
	for (size_t i = 0; keys && i < seen_segments(s); i++)
		seensegment_lay_out(s, &s->segments[i], 0, seensegment_bytes_for(s, each));
}

/* Sweeping */

static size_t count_alive(const struct seen *s, const struct seen_segment *g, int64_t clock_ns)
{
	size_t count = 0;

	for (size_t i = 0; i < g->last; i++)
		count += seen_counts(s, seen_slot_at(s, g, i), clock_ns);
	return count;
}

/* A few are not worth the trouble, unless all must go. */
static void sweep_segment(struct seen *s, struct seen_segment *g, int64_t clock_ns, bool all)
{
	size_t count = count_alive(s, g, clock_ns), bytes;

	if (g->count - count <= (all ? 0 : g->count / 16))
		return;
	count = seensegment_gather(s, g, clock_ns);
	bytes = seensegment_bytes_for(s, count + count / 8);
	seensegment_lay_out(s, g, count, bytes < g->bytes - g->bytes / 4 ? bytes : g->bytes);
}

void seen_sweep(struct seen *s, int64_t clock_ns)
{
	for (size_t i = 0; i < seen_segments(s); i++)
		sweep_segment(s, &s->segments[i], clock_ns, true);
}

/* A round begins. */
static void sweep_from(struct seen *s, int64_t clock_ns)
{
	s->swept = 0;
	s->sweep_from_ns = clock_ns;
	set_sweep_due(s);
}

static void sweep_some(struct seen *s, unsigned most)
{
	for (; most && s->clock_ns >= s->sweep_due_ns; most--) {
		sweep_segment(s, &s->segments[s->swept++], s->clock_ns, false);
		if (s->swept < seen_segments(s))
			set_sweep_due(s);
		else
			sweep_from(s, s->clock_ns);
	}
}

void seen_set_clock(struct seen *s, int64_t clock_ns)
{
	bool is_first = s->clock_ns == INT64_MIN, is_back = clock_ns < s->clock_ns;

	if (!seen_is_timed(s)) {
		s->clock_ns = clock_ns;
		return;
	}
	if (is_back)
		seen_sweep(s, s->clock_ns);
	s->clock_ns = clock_ns;
	if (is_first || is_back)
		sweep_from(s, clock_ns);
	sweep_some(s, SWEEP_AT_CLOCK);
}

/* Entering */

/* Where a key stands, or else would. */
static struct seen_slot *find(
	const struct seen *s, const struct seen_segment *g, struct fingerprint key)
{
	struct seen_slot *slot = seen_slot_at(s, g, seen_home(s, g, key.high));

	/* less 1, so that a free one, 0, is above all */
	while (slot->key.high - 1 < key.high - 1)
		slot = seen_behind(s, slot);
	while (slot->key.high == key.high && slot->key.low != key.low)
		slot = seen_behind(s, slot);
	return slot;
}

/* Makes a gap where a key would stand: what is there and behind, up to the next gap, moves on. */
static struct seen_slot *open_gap(struct seen *s, struct fingerprint key, struct seen_slot *slot)
{
	struct seen_segment *g = seen_segment_of(s, key.high);

	while (true) {
		struct seen_slot *gap = slot;

		while (gap->key.high)
			gap = seen_behind(s, gap);
		if (g->count < g->limit && gap != seen_slot_at(s, g, g->last)) {
			if (gap != slot)
				memmove(seen_behind(s, slot), slot,
					(size_t)((char *)gap - (char *)slot));
			return slot;
		}
		if (!make_room(s, g, g->count < g->limit))
			return NULL;
		g = seen_segment_of(s, key.high);
		slot = find(s, g, key);
	}
}

/* As slot is where it would stand; NULL if there is no room. */
static struct seen_slot *insert(struct seen *s, struct fingerprint key, struct seen_slot *slot)
{
	slot = open_gap(s, key, slot);
	if (slot) {
		slot->key = key;
		s->count++;
		seen_segment_of(s, key.high)->count++;
	}
	return slot;
}

enum seen_answer seen_enter(
	struct seen *s, struct fingerprint key, int64_t time_ns, struct seen_slot **slot)
{
	struct seen_slot *at;

	if (seen_is_timed(s) && !--s->until_sweep) {
		s->until_sweep = SWEEP_KEYS;
		sweep_some(s, 1);
	}
	key.high += !key.high; /* 0 is a free place */
	at = find(s, seen_segment_of(s, key.high), key);
	if (at->key.high == key.high && seen_counts(s, at, s->clock_ns)) {
		*slot = at;
		return SEEN_BEFORE;
	}
	*slot = NULL;
	if (seen_has_run_out(s, time_ns, s->clock_ns))
		return SEEN_NEW;
	if (at->key.high != key.high && !(at = insert(s, key, at)))
		return SEEN_FULL;
	if (seen_is_timed(s))
		*seen_time(at) = time_ns;
	if (s->value_bytes)
		memset(seen_value(s, at), 0, s->value_bytes);
	*slot = at;
	return SEEN_NEW;
}

enum seen_answer seen_add(struct seen *s, struct fingerprint key, int64_t time_ns)
{
	struct seen_slot *slot;

	return seen_enter(s, key, time_ns, &slot);
}

bool seen_walk(const struct seen *s, uint64_t *from, seen_visitor *visit, void *context)
{
	const struct seen_segment *g = seen_segment_of(s, *from);
	size_t next = (size_t)(g - s->segments) + 1;

	for (size_t i = 0; i < g->last; i++)
		if (seen_counts(s, seen_slot_at(s, g, i), s->clock_ns))
			visit(context, seen_slot_at(s, g, i));
	if (next == seen_segments(s))
		return false;
	*from = (uint64_t)next << (64 - s->bits);
	return true;
}
