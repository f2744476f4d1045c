#include "flow/seenlayout.h"

#include <assert.h>
#include <string.h>

#include "base/pages.h"

enum {
	TAIL_PLACES = 64,       /* behind the homes: with keys spread evenly it hardly runs over */
	MOVE_PLACES = 512,      /* looked at in a step */
	AHEAD_BYTES = 512,      /* fetched, before keys move there */
	SLOT_WORDS = 16,        /* of a slot at most */
	SMALL_BYTES = 16 << 20, /* below, an array doubles; beyond it grows by a third */
};

/* What an array without memory looks at: a group of free places. */
static uint64_t nothing[SEEN_GROUP * SLOT_WORDS];

static void resize(struct seen *s, size_t bytes)
{
	s->slots = pages_resize(s->bytes ? s->slots : NULL, s->bytes, bytes);
	s->bytes = bytes;
	s->last = bytes ? bytes / s->slot_bytes - SEEN_GROUP : 0;
	if (!bytes)
		s->slots = (char *)nothing;
}

void seenlayout_init(struct seen *s)
{
	assert(SEEN_GROUP * s->slot_bytes <= sizeof(nothing));
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
	return places / (s->slot_bytes == SEEN_BARE ? 4 : 6);
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

	return places ? (places - SEEN_GROUP - tail) / SEEN_GROUP : 0;
}

size_t seenlayout_bytes_for(const struct seen *s, size_t count)
{
	size_t places = count + 2 * count / (s->slot_bytes == SEEN_BARE ? 5 : 8);

	places += places / 7 < TAIL_PLACES ? places / 7 : TAIL_PLACES;
	return count ? pages_round((places + SEEN_GROUP + 1) * s->slot_bytes) : 0;
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
static inline void copy_slot(struct seen_slot *to, const struct seen_slot *from, size_t slot_bytes)
{
	to->key = from->key;
	for (size_t at = sizeof(*to); at < slot_bytes; at += sizeof(uint64_t))
		memcpy((char *)to + at, (const char *)from + at, sizeof(uint64_t));
}

/* Whether all are taken from a slot on to the last place, which stays free. */
static bool is_full_behind(const struct seen *s, struct seen_slot *slot)
{
	struct seen_slot *last = seen_slot_at(s, s->last);

	if (!seen_slot_at(s, s->last - 1)->key.high)
		return false;
	while (slot != last && slot->key.high)
		slot = seen_behind(s, slot);
	return slot == last;
}

/* Slots from a rank of a group on move by one, and what would leave it is lost. */
__attribute__((always_inline)) static inline void shift_group(
	char *group, size_t rank, size_t slot_bytes)
{
	for (size_t to = SEEN_GROUP - 1; to > 0; to--)
		copy_slot((void *)(group + to * slot_bytes),
			(const void *)(group + (to - (rank < to)) * slot_bytes), slot_bytes);
}

/* Up to the first group that has a gap. No jump depends on how many of a group move, as that can't
 * be foretold. */
__attribute__((always_inline)) static inline void shift(
	struct seen *s, struct seen_slot *slot, size_t slot_bytes)
{
	const size_t group_bytes = SEEN_GROUP * slot_bytes;
	size_t offset = (size_t)((char *)slot - s->slots);
	char *first = s->slots + offset / group_bytes * group_bytes, *group = first;

	while (((struct seen_slot *)(void *)(group + group_bytes - slot_bytes))->key.high)
		group += group_bytes;
	for (; group != first; group -= group_bytes) {
		shift_group(group, 0, slot_bytes);
		copy_slot((void *)group, (const void *)(group - slot_bytes), slot_bytes);
	}
	shift_group(group, offset % group_bytes / slot_bytes, slot_bytes);
}

/* Large slots: no more than have to. */
static void shift_large(struct seen *s, struct seen_slot *slot)
{
	struct seen_slot *gap = slot;

	while (gap->key.high)
		gap = seen_behind(s, gap);
	memmove(seen_behind(s, slot), slot, (size_t)((char *)gap - (char *)slot));
}

bool seenlayout_open(struct seen *s, struct seen_slot *slot)
{
	if (is_full_behind(s, slot))
		return false;
	if (s->slot_bytes == SEEN_BARE)
		shift(s, slot, SEEN_BARE);
	else if (s->slot_bytes == SEEN_TIMED)
		shift(s, slot, SEEN_TIMED);
	else
		shift_large(s, slot);
	return true;
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
	copy_slot(seen_slot_at(s, place), slot, s->slot_bytes);
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

/* Copies the slots that are taken, and gives the end of the copies. Which are free can't be
 * foretold, so that no jump depends on it. */
__attribute__((always_inline)) static inline char *gather(
	char *to, const char *from, const char *until, size_t slot_bytes)
{
	for (; from != until; from += slot_bytes) {
		const struct seen_slot *slot = (const void *)from;

		copy_slot((struct seen_slot *)(void *)to, slot, slot_bytes);
		to += slot->key.high ? slot_bytes : 0;
	}
	return to;
}

/* Takes the keys from begin to end out of the array. */
static void set_aside(struct seen *s, size_t begin, size_t end)
{
	const char *from = (const char *)seen_slot_at(s, begin);
	const char *until = (const char *)seen_slot_at(s, end);
	char *to;

	buf_clear(&s->aside);
	to = buf_reserve(&s->aside, (size_t)(until - from));
	if (s->slot_bytes == SEEN_BARE)
		to = gather(to, from, until, SEEN_BARE);
	else
		to = gather(to, from, until, s->slot_bytes);
	s->aside.len = (size_t)(to - s->aside.data);
	memset(seen_slot_at(s, begin), 0, (end - begin) * s->slot_bytes);
}

/* At a place that is behind all lesser keys, in front of greater ones. */
static void put_among(struct seen *s, size_t place, const struct seen_slot *slot)
{
	while ((place == s->last || seen_slot_at(s, place)->key.high) &&
		!seenlayout_open(s, seen_slot_at(s, place)))
		resize(s, s->bytes + pages_round(1));
	copy_slot(seen_slot_at(s, place), slot, s->slot_bytes);
}

/* In front of the wall all is free: there nothing is looked at before it is written. */
__attribute__((always_inline)) static inline void put_back(
	struct seen *s, size_t wall, size_t slot_bytes)
{
	size_t next = 0;

	for (size_t at = 0; at < s->aside.len; at += slot_bytes) {
		const struct seen_slot *slot = (const void *)(s->aside.data + at);
		size_t home = home_among(slot->key.high, s->high_groups);
		char *to;

		if (!seen_counts(s, slot, s->clock_ns)) {
			s->count--;
			continue;
		}
		next = home > next ? home : next;
		to = s->slots + next * slot_bytes;
		__builtin_prefetch(to + AHEAD_BYTES, 1);
		if (next < wall)
			copy_slot((struct seen_slot *)(void *)to, slot, slot_bytes);
		else
			put_among(s, next, slot);
		next++;
	}
}

/* All keys below the border stand in front of the first gap from its home on. Those that move stand
 * between two gaps: all whose home is behind the first, and no others. What has run out is gone. */
static void grow_some(struct seen *s)
{
	size_t end = next_gap(s, home_among(s->border, s->low_groups));
	size_t begin = end > MOVE_PLACES ? end - MOVE_PLACES : 0;
	size_t wall = home_among(s->border, s->high_groups);

	while (begin && seen_slot_at(s, begin - 1)->key.high)
		begin--;
	s->border = seenlayout_key_of(s->low_groups, begin);
	set_aside(s, begin, end);
	if (s->slot_bytes == SEEN_BARE)
		put_back(s, wall, SEEN_BARE);
	else
		put_back(s, wall, s->slot_bytes);
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
	places = next_gap(s, seen_home(s, UINT64_MAX));
	if (places < s->high_groups * SEEN_GROUP + TAIL_PLACES)
		places = s->high_groups * SEEN_GROUP + TAIL_PLACES;
	places += SEEN_GROUP;
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
