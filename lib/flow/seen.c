#include "flow/seen.h"

#include <stdlib.h>

#include "base/mem.h"

enum { SLOTS_MIN = 1024 };

void seen_init(struct seen *s, int64_t ttl_ns, size_t max_bytes)
{
	*s = (struct seen){.ttl_ns = ttl_ns, .clock_ns = INT64_MIN, .max_bytes = max_bytes};
}

void seen_release(struct seen *s)
{
	free(s->keys);
	free(s->times_ns);
}

static bool is_free(const struct fingerprint *k)
{
	return !(k->low | k->high);
}

static bool has_run_out(const struct seen *s, int64_t time_ns)
{
	int64_t end_ns;

	return s->times_ns && !__builtin_add_overflow(time_ns, s->ttl_ns, &end_ns) &&
	       end_ns <= s->clock_ns;
}

void seen_set_clock(struct seen *s, int64_t clock_ns)
{
	s->clock_ns = clock_ns;
}

static size_t slot_of(const struct seen *s, struct fingerprint key)
{
	size_t at = key.low & s->mask;

	while (!is_free(&s->keys[at]) &&
		(s->keys[at].low != key.low || s->keys[at].high != key.high))
		at = (at + 1) & s->mask;
	return at;
}

static size_t bytes_of(const struct seen *s, size_t slots)
{
	bool timed = s->ttl_ns != SEEN_FOREVER;

	return slots * (sizeof(*s->keys) + (timed ? sizeof(*s->times_ns) : 0));
}

static void rebuild(struct seen *s, size_t slots)
{
	struct seen old = *s;

	s->keys = mem_zero(slots, sizeof(*s->keys));
	s->times_ns = NULL;
	if (s->ttl_ns != SEEN_FOREVER)
		s->times_ns = mem_zero(slots, sizeof(*s->times_ns));
	s->mask = slots - 1;
	s->count = 0;
	s->builds++;
	for (size_t i = 0; old.keys && i <= old.mask; i++) {
		size_t at;

		if (is_free(&old.keys[i]) || (old.times_ns && has_run_out(&old, old.times_ns[i])))
			continue;
		at = slot_of(s, old.keys[i]);
		s->keys[at] = old.keys[i];
		if (s->times_ns)
			s->times_ns[at] = old.times_ns[i];
		s->count++;
	}
	seen_release(&old);
}

static size_t alive(const struct seen *s)
{
	size_t count = 0;

	for (size_t i = 0; i <= s->mask; i++)
		if (!is_free(&s->keys[i]) && !(s->times_ns && has_run_out(s, s->times_ns[i])))
			count++;
	return count;
}

/* Makes room for one more; keeps the table at most three quarters full. */
static bool make_room(struct seen *s)
{
	size_t slots = s->keys ? s->mask + 1 : 0;
	size_t wanted = SLOTS_MIN;

	if (s->keys && s->count < slots - slots / 4)
		return true;
	if (s->keys)
		wanted = alive(s) < slots / 2 ? slots : slots * 2;
	if (bytes_of(s, slots) + bytes_of(s, wanted) > s->max_bytes)
		return false;
	rebuild(s, wanted);
	return true;
}

static struct fingerprint entered_as(struct fingerprint key)
{
	if (is_free(&key))
		key.low = 1;
	return key;
}

/* Enters a key that stands at `at`, or would, as one of that time. */
static bool enter(struct seen *s, struct fingerprint key, size_t at, int64_t time_ns)
{
	if (!s->keys || is_free(&s->keys[at])) {
		if (!make_room(s))
			return false;
		at = slot_of(s, key);
		s->keys[at] = key;
		s->count++;
	}
	if (s->times_ns)
		s->times_ns[at] = time_ns;
	return true;
}

enum seen_answer seen_add(struct seen *s, struct fingerprint key, int64_t time_ns)
{
	size_t at;

	key = entered_as(key);
	at = s->keys ? slot_of(s, key) : 0;
	if (s->keys && !is_free(&s->keys[at]) && !(s->times_ns && has_run_out(s, s->times_ns[at])))
		return SEEN_BEFORE;
	return enter(s, key, at, time_ns) ? SEEN_NEW : SEEN_FULL;
}

bool seen_knows(const struct seen *s, struct fingerprint key)
{
	return s->keys && !is_free(&s->keys[slot_of(s, entered_as(key))]);
}

bool seen_put(struct seen *s, struct fingerprint key, int64_t time_ns)
{
	key = entered_as(key);
	return enter(s, key, s->keys ? slot_of(s, key) : 0, time_ns);
}

void seen_reserve(struct seen *s, size_t places)
{
	while (places > SLOTS_MIN && bytes_of(s, places) > s->max_bytes)
		places /= 2;
	if (places && !s->keys && bytes_of(s, places) <= s->max_bytes)
		rebuild(s, places);
}

void seen_sweep(struct seen *s)
{
	if (s->keys)
		rebuild(s, s->mask + 1);
}

bool seen_next(const struct seen *s, enum seen_which which, size_t *at, size_t *steps,
	struct fingerprint *key, int64_t *time_ns)
{
	while (*at < seen_places(s) && *steps) {
		size_t i = (*at)++;

		--*steps;
		*time_ns = s->times_ns ? s->times_ns[i] : 0;
		if (is_free(&s->keys[i]) || (which == SEEN_ALIVE && has_run_out(s, *time_ns)))
			continue;
		*key = s->keys[i];
		return true;
	}
	return false;
}
