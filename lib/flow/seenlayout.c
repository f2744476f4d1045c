#include "flow/seenlayout.h"

#include <assert.h>
#include <string.h>

#include "base/pages.h"

enum {
	TAIL_PLACES = 64,       /* behind the homes: with keys spread evenly it hardly runs over */
	MOVE_PLACES = 512,      /* looked at in a step */
	AHEAD_BYTES = 512,      /* fetched, before keys move there */
	SMALL_BYTES = 16 << 20, /* below, an array doubles; beyond it grows by a third */
};

/* What an array without memory looks at: one free place. */
static uint64_t nothing[16];

static void resize(struct seen *s, size_t bytes)
{
	s->slots = pages_resize(s->bytes ? s->slots : NULL, s->bytes, bytes);
	s->bytes = bytes;
	s->last = bytes / s->slot_bytes;
	s->last -= s->last > 0;
	if (!bytes)
		s->slots = (char *)nothing;
}

/* No more than a key in a slot. */
static bool is_bare(const struct seen *s)
{
	return s->slot_bytes == sizeof(struct seen_slot);
}

void seenlayout_init(struct seen *s)
{
	s->slots = (char *)nothing;
	buf_init(&s->aside);
}

void seenlayout_release(struct seen *s)
{
	resize(s, 0);
	buf_release(&s->aside);
}

/* At most three quarters are full, as beyond that gaps are far away; five sixths where slots are
 * large. */
static size_t least_free(const struct seen *s, size_t places)
{
	return places / (is_bare(s) ? 4 : 6);
}

static size_t limit_of(const struct seen *s, size_t groups)
{
	size_t places = groups * SEEN_GROUP;

	return places - least_free(s, places);
}

/* Keys that come while others move make what has not moved fuller. With so many to a step it is
 * seven eighths full at the end. */
size_t seenlayout_keys_a_move(const struct seen *s)
{
	return least_free(s, MOVE_PLACES) - MOVE_PLACES / 8;
}

static void set_groups(struct seen *s, size_t groups)
{
	s->high_groups = groups;
	s->limit = limit_of(s, groups);
}

static size_t groups_in(const struct seen *s, size_t bytes)
{
	size_t places = bytes / s->slot_bytes;
	size_t tail = places / 8 < TAIL_PLACES ? places / 8 : TAIL_PLACES;

	return places ? (places - 1 - tail) / SEEN_GROUP : 0;
}

size_t seenlayout_bytes_for(const struct seen *s, size_t count)
{
	size_t places = count + 2 * count / (is_bare(s) ? 5 : 8);

	places += places / 7 < TAIL_PLACES ? places / 7 : TAIL_PLACES;
	return count ? pages_round((places + 2) * s->slot_bytes) : 0;
}

void seenlayout_reserve(struct seen *s, size_t bytes)
{
	assert(!s->count && s->motion == SEEN_STILL);
	resize(s, bytes);
	set_groups(s, groups_in(s, bytes));
}

uint64_t seenlayout_key_of(size_t groups, size_t place)
{
	size_t group = (place + SEEN_GROUP - 1) / SEEN_GROUP;

	return group < groups ? (uint64_t)((((uint128)group << 64) + groups - 1) / groups)
			      : UINT64_MAX;
}

static size_t home_among(uint64_t high, size_t groups)
{
	return (size_t)((uint128)high * groups >> 64) * SEEN_GROUP;
}

static size_t next_gap(const struct seen *s, size_t place)
{
	while (seen_slot_at(s, place)->key.high)
		place++;
	return place;
}

/* Word by word: it is a few only. */
static void copy_slot(const struct seen *s, struct seen_slot *to, const struct seen_slot *from)
{
	to->key = from->key;
	for (size_t at = sizeof(*to); at < s->slot_bytes; at += sizeof(uint64_t))
		memcpy((char *)to + at, (const char *)from + at, sizeof(uint64_t));
}

bool seenlayout_widen(struct seen *s)
{
	size_t bytes = s->bytes + pages_round(1);

	if (bytes > s->max_bytes)
		return false;
	resize(s, bytes);
	return true;
}

/* A key that stands at a place goes to the first gap from its home on: it is not behind that. */
static void replace(struct seen *s, size_t from)
{
	struct seen_slot *slot = seen_slot_at(s, from);
	size_t place = seen_home(s, slot->key.high);

	while (place != from && seen_slot_at(s, place)->key.high)
		place++;
	if (place == from)
		return;
	copy_slot(s, seen_slot_at(s, place), slot);
	slot->key.high = 0;
}

size_t seenlayout_tidy(struct seen *s, size_t from, size_t places, int64_t clock_ns)
{
	size_t end = from + places;

	for (;; from++) {
		struct seen_slot *slot = seen_slot_at(s, from);

		if (seen_counts(s, slot, clock_ns)) {
			replace(s, from);
		} else if (slot->key.high) {
			slot->key.high = 0;
			s->count--;
		} else if (from >= end || from == s->last) {
			return from;
		}
	}
}

/* Growing */

/* The memory that it has next; what it has, where there is no more. */
static size_t grown(const struct seen *s)
{
	size_t most = s->max_bytes > s->bytes ? s->max_bytes : s->bytes;
	size_t bytes = s->bytes < SMALL_BYTES ? 2 * s->bytes : s->bytes + s->bytes / 3;

	bytes = pages_suitable(bytes ? bytes : pages_round(1));
	return bytes < most ? bytes : most / pages_round(1) * pages_round(1);
}

bool seenlayout_grow(struct seen *s)
{
	size_t bytes = grown(s), groups = groups_in(s, bytes);

	assert(s->motion == SEEN_STILL);
	if (groups <= s->high_groups)
		return false;
	resize(s, bytes);
	s->low_groups = s->high_groups;
	set_groups(s, groups);
	if (s->count) {
		s->border = UINT64_MAX;
		s->motion = SEEN_GROWING;
	}
	return true;
}

static void come_to_rest(struct seen *s)
{
	s->border = 0;
	s->motion = SEEN_STILL;
}

/* Takes the keys from begin to end out of the array. Which places are free nobody can foretell, so
 * that no jump depends on it. */
static void set_aside(struct seen *s, size_t begin, size_t end)
{
	const char *from = (const char *)seen_slot_at(s, begin);
	const char *until = (const char *)seen_slot_at(s, end);
	char *to;

	buf_clear(&s->aside);
	to = buf_reserve(&s->aside, (size_t)(until - from));
	for (; from != until; from += s->slot_bytes) {
		const struct seen_slot *slot = (const void *)from;

		copy_slot(s, (struct seen_slot *)(void *)to, slot);
		to += slot->key.high ? s->slot_bytes : 0;
	}
	s->aside.len = (size_t)(to - s->aside.data);
	memset(seen_slot_at(s, begin), 0, (end - begin) * s->slot_bytes);
}

/* What has run out is gone. */
static void put_back(struct seen *s)
{
	for (size_t at = 0; at < s->aside.len; at += s->slot_bytes) {
		const struct seen_slot *slot = (const void *)(s->aside.data + at);
		size_t place;

		if (!seen_counts(s, slot, s->clock_ns)) {
			s->count--;
			continue;
		}
		place = home_among(slot->key.high, s->high_groups);
		__builtin_prefetch(s->slots + place * s->slot_bytes + AHEAD_BYTES, 1);
		place = next_gap(s, place);
		if (place == s->last)
			resize(s, s->bytes + pages_round(1));
		copy_slot(s, seen_slot_at(s, place), slot);
	}
}

/* All keys below the border stand in front of the first gap from its home on. Those that move stand
 * between two gaps: all whose home is behind the first, and no others. */
static void grow_some(struct seen *s)
{
	size_t end = next_gap(s, home_among(s->border, s->low_groups));
	size_t begin = end > MOVE_PLACES ? end - MOVE_PLACES : 0;

	while (begin && seen_slot_at(s, begin - 1)->key.high)
		begin--;
	s->border = seenlayout_key_of(s->low_groups, begin);
	set_aside(s, begin, end);
	put_back(s);
	if (!begin)
		come_to_rest(s);
}

/* Shrinking */

void seenlayout_shrink(struct seen *s, size_t bytes)
{
	size_t groups = groups_in(s, bytes);

	assert(s->motion == SEEN_STILL);
	if (groups >= s->high_groups)
		return;
	s->low_groups = groups;
	s->limit = limit_of(s, groups);
	s->border = 0;
	s->motion = SEEN_SHRINKING;
}

/* All are in front of the first gap from the last home on. */
static void cut_down(struct seen *s)
{
	size_t places;

	set_groups(s, s->low_groups);
	come_to_rest(s);
	places = next_gap(s, seen_home(s, UINT64_MAX)) + 1;
	if (places < s->high_groups * SEEN_GROUP + TAIL_PLACES + 1)
		places = s->high_groups * SEEN_GROUP + TAIL_PLACES + 1;
	if (pages_round(places * s->slot_bytes) < s->bytes)
		resize(s, pages_round(places * s->slot_bytes));
}

/* While keys move, all are below the border. */
static void shrink_some(struct seen *s)
{
	size_t from = home_among(s->border, s->high_groups);

	s->border = UINT64_MAX;
	from = seenlayout_tidy(s, from, MOVE_PLACES, s->clock_ns);
	s->border = seenlayout_key_of(s->high_groups, from);
	if (from >= s->high_groups * SEEN_GROUP)
		cut_down(s);
}

void seenlayout_move(struct seen *s)
{
	assert(s->motion != SEEN_STILL);
	if (s->motion == SEEN_GROWING)
		grow_some(s);
	else
		shrink_some(s);
}
