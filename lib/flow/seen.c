#include "flow/seen.h"

#include <assert.h>
#include <string.h>

#include "base/instant.h"
#include "base/pages.h"
#include "flow/seenlayout.h"

enum {
	SWEEPS_PER_TTL = 8,
	PIECES = 1024,        /* of the array: so much is swept at once, */
	PIECE_MIN = 2048,     /* but at least so many places */
	PIECES_PER_CLOCK = 4, /* when the clock moves */
	SWEEP_KEYS = 64,      /* and one each so many keys */
	PLACES_A_MOVE = 256,  /* of a piece: so it moves, in their place, twice as fast */
};

void seen_init(struct seen *s, int64_t ttl_ns, size_t value_bytes, size_t max_bytes)
{
	assert(value_bytes % sizeof(uint64_t) == 0);
	*s = (struct seen){.ttl_ns = ttl_ns,
		.clock_ns = INT64_MIN,
		.value_bytes = value_bytes,
		.max_bytes = max_bytes,
		.sweep_due_ns = INT64_MAX,
		.until_sweep = SWEEP_KEYS,
		.until_move = 1};
	s->slot_bytes =
		sizeof(struct seen_slot) + (seen_is_timed(s) ? sizeof(int64_t) : 0) + value_bytes;
	seenlayout_init(s);
}

void seen_release(struct seen *s)
{
	seenlayout_release(s);
}

void seen_reserve(struct seen *s, size_t keys)
{
	size_t bytes = seenlayout_bytes_for(s, keys);

	if (bytes > s->max_bytes)
		bytes = s->max_bytes - s->max_bytes % pages_round(1);
	seenlayout_reserve(s, bytes);
}

static void finish_moving(struct seen *s)
{
	while (s->motion != SEEN_STILL)
		seenlayout_move(s);
}

/* Sweeping */

static size_t piece(const struct seen *s)
{
	size_t share = s->high_groups * SEEN_GROUP / PIECES;

	return share > PIECE_MIN ? share : PIECE_MIN;
}

/* The share of a round that so many places have. */
static int64_t time_of(const struct seen *s, size_t places)
{
	size_t all = s->high_groups * SEEN_GROUP;
	int128 round_ns = s->ttl_ns / SWEEPS_PER_TTL + 1;

	return (int64_t)(places < all ? round_ns * (int128)places / (int128)all : round_ns);
}

/* When the next piece is due: as the clock comes to its end. */
static void set_sweep_due(struct seen *s)
{
	size_t end = seen_home(s, s->swept) + piece(s);

	s->sweep_due_ns = time_plus(s->sweep_from_ns, time_of(s, end));
}

/* A round begins. */
static void sweep_from(struct seen *s, int64_t clock_ns)
{
	s->swept = 0;
	s->sweep_from_ns = clock_ns;
	set_sweep_due(s);
}

/* A few places less are not worth the trouble. */
static void shrink(struct seen *s)
{
	size_t bytes = seenlayout_bytes_for(s, s->count + s->count / 8 + 1);

	if (bytes < s->bytes - s->bytes / 4)
		seenlayout_shrink(s, bytes);
}

/* The next piece. False if it was the last. */
static bool sweep_piece(struct seen *s)
{
	size_t end = seenlayout_tidy(s, seen_home(s, s->swept), piece(s), s->clock_ns);

	s->swept = seenlayout_key_of(s->high_groups, end);
	return end < s->high_groups * SEEN_GROUP;
}

static void sweep_or_move(struct seen *s)
{
	if (s->motion != SEEN_STILL) {
		size_t moves = piece(s) / PLACES_A_MOVE;

		for (; moves && s->motion != SEEN_STILL; moves--)
			seenlayout_move(s);
		s->sweep_due_ns = time_plus(s->clock_ns, time_of(s, piece(s)));
	} else if (sweep_piece(s)) {
		set_sweep_due(s);
	} else {
		shrink(s);
		sweep_from(s, s->clock_ns);
	}
}

/* What grows is moved by the keys that come, and else when a piece would be due. */
static void sweep_some(struct seen *s, unsigned most)
{
	for (; most && (s->motion == SEEN_SHRINKING || s->clock_ns >= s->sweep_due_ns); most--)
		sweep_or_move(s);
}

void seen_sweep(struct seen *s, int64_t clock_ns)
{
	finish_moving(s);
	seenlayout_tidy(s, 0, s->last, clock_ns);
	shrink(s);
	finish_moving(s);
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
	sweep_some(s, PIECES_PER_CLOCK);
}

/* Entering */

static bool is_less(const struct seen_slot *slot, uint64_t high)
{
	/* free places are not */
	return slot->key.high - 1 < high - 1;
}

static inline struct seen_slot *after(struct seen_slot *slot, size_t bytes)
{
	return (struct seen_slot *)(void *)((char *)slot + bytes);
}

/* The first that is not less than a key. No jump depends on how many of a group are, as that can't
 * be foretold. */
__attribute__((always_inline)) static inline struct seen_slot *skip_less(
	struct seen_slot *slot, size_t slot_bytes, uint64_t high)
{
	size_t rank;

	do {
		rank = (size_t)is_less(slot, high) + is_less(after(slot, slot_bytes), high) +
		       is_less(after(slot, 2 * slot_bytes), high) +
		       is_less(after(slot, 3 * slot_bytes), high);
		slot = after(slot, rank * slot_bytes);
	} while (rank == SEEN_GROUP);
	return slot;
}

/* Where a key stands, or else belongs. A large slot is fetched by itself, so no more of them are
 * looked at than have to. */
static struct seen_slot *find(const struct seen *s, struct fingerprint key)
{
	struct seen_slot *slot = seen_slot_at(s, seen_home(s, key.high));

	if (s->slot_bytes == SEEN_BARE)
		slot = skip_less(slot, SEEN_BARE, key.high);
	else if (s->slot_bytes == SEEN_TIMED)
		slot = skip_less(slot, SEEN_TIMED, key.high);
	else
		while (is_less(slot, key.high))
			slot = seen_behind(s, slot);
	while (slot->key.high == key.high && slot->key.low != key.low)
		slot = seen_behind(s, slot);
	return slot;
}

/* Of a full table: takes away what has run out until that is something, going on where it was. */
static bool sweep_for_room(struct seen *s)
{
	for (int rounds = 0; rounds < 2 && s->count >= s->limit && seen_is_timed(s);)
		if (!sweep_piece(s)) {
			s->swept = 0;
			rounds++;
		}
	return s->count < s->limit;
}

static bool make_room(struct seen *s)
{
	finish_moving(s);
	return s->count < s->limit || seenlayout_grow(s) || sweep_for_room(s);
}

/* A key is found as fast while the array grows: all that hurry would do is to keep those that come,
 * and who waits for them. */
static bool is_to_move(struct seen *s)
{
	if (s->motion == SEEN_STILL || --s->until_move)
		return false;
	s->until_move = seenlayout_keys_a_move(s);
	return true;
}

/* Enters a key where it belongs; NULL if there is no room. */
static struct seen_slot *insert(struct seen *s, struct fingerprint key, struct seen_slot *slot)
{
	if (s->count >= s->limit || is_to_move(s)) {
		if (s->count >= s->limit && !make_room(s))
			return NULL;
		if (s->motion != SEEN_STILL)
			seenlayout_move(s);
		slot = find(s, key);
	}
	while (!seenlayout_open(s, slot)) {
		if (!seenlayout_widen(s))
			return NULL;
		slot = find(s, key);
	}
	slot->key = key;
	s->count++;
	return slot;
}

enum seen_answer seen_enter(
	struct seen *s, struct fingerprint key, int64_t time_ns, struct seen_slot **slot)
{
	struct seen_slot *at;
	bool stands;

	if (seen_is_timed(s) && !--s->until_sweep) {
		s->until_sweep = SWEEP_KEYS;
		sweep_some(s, 1);
	}
	/* 0 is a free place, and the greatest is above all borders */
	key.high += !key.high;
	key.high -= key.high == UINT64_MAX;
	at = find(s, key);
	stands = at->key.high == key.high;
	if (stands && seen_counts(s, at, s->clock_ns)) {
		*slot = at;
		return SEEN_BEFORE;
	}
	*slot = NULL;
	if (seen_has_run_out(s, time_ns, s->clock_ns))
		return SEEN_NEW;
	if (!stands && !(at = insert(s, key, at)))
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

/* The least key whose home is behind a gap. */
static uint64_t key_behind(const struct seen *s, size_t gap)
{
	uint64_t key = seenlayout_key_of(s->low_groups, gap);

	if (key < s->border)
		return key;
	key = seenlayout_key_of(s->high_groups, gap);
	return key > s->border ? key : s->border;
}

bool seen_walk(const struct seen *s, uint64_t *from, seen_visitor *visit, void *context)
{
	size_t place = seen_home(s, *from), count = 0;

	for (; place < s->last; place++) {
		const struct seen_slot *slot = seen_slot_at(s, place);

		if (!slot->key.high && count >= SEEN_WALK_KEYS)
			break;
		if (slot->key.high < *from || !seen_counts(s, slot, s->clock_ns))
			continue;
		visit(context, slot);
		count++;
	}
	*from = key_behind(s, place);
	return place < s->last;
}
