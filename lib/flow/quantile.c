#include "flow/quantile.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/compact.h"
#include "base/mem.h"
#include "flow/packed.h"

/* For an error of alpha, gamma is (1 + alpha) / (1 - alpha); 1.02 leaves 1 % some room for what
 * log and pow round. */
#define GAMMA     1.02
#define LOG_GAMMA 0.01980262729617973

enum {
	BUCKETS_FIRST = 4,
	/* Of normal doubles the powers are from -35773 to 35844, so biased they keep their sign and
	 * are farther from 0 than QUANTILE_BUCKETS_MAX. */
	BIAS = 40000,
	KEY_MAX = BIAS + 35844,
	KEY_MIN = BIAS - 35774,
	/* One more than is kept comes in before it is collapsed. */
	CAP_MAX = 2 * (2 * QUANTILE_BUCKETS_MAX + 1),
};

/* What a text may claim, so that no number of merges makes counts wrap. */
#define COUNT_MAX (UINT64_C(1) << 48)

static const char kind[] = "quantile.1";

/* The key of values in (gamma^(i-1), gamma^i] is i + BIAS, of their negatives -(i + BIAS), of zero
 * 0: keys are ordered as the values are. */
struct bucket {
	int64_t key;
	uint64_t count;
};

struct quantile_sketch {
	uint64_t count;
	double least;
	double most;
	uint32_t used;
	uint32_t cap;
	struct bucket buckets[]; /* by key */
};

static int64_t key_of(double value)
{
	double magnitude = fabs(value);
	int64_t key;

	if (magnitude < DBL_MIN)
		return 0;
	key = (int64_t)ceil(log(magnitude) / LOG_GAMMA) + BIAS;
	return value < 0 ? -key : key;
}

/* The value that is at most alpha away from all of its bucket: 2 gamma^i / (gamma + 1). */
static double value_of(int64_t key)
{
	double magnitude;

	if (key == 0)
		return 0;
	/* in this order nothing overflows on the way */
	magnitude = pow(GAMMA, (double)(llabs(key) - BIAS - 1)) * (2 * GAMMA / (GAMMA + 1));
	return key < 0 ? -magnitude : magnitude;
}

/* The first bucket whose key is not less. */
static uint32_t find(const struct quantile_sketch *s, int64_t key)
{
	uint32_t low = 0, high = s->used;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (s->buckets[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct quantile_sketch *sketch_resize(struct quantile_sketch *s, uint32_t cap)
{
	s = mem_resize(s, sizeof(*s) + cap * sizeof(*s->buckets));
	s->cap = cap;
	return s;
}

static struct quantile_sketch *sketch_new(uint32_t cap)
{
	struct quantile_sketch *s = sketch_resize(NULL, cap);

	*s = (struct quantile_sketch){.cap = cap};
	return s;
}

static void count_in(struct quantile *q, int64_t key, uint64_t count)
{
	uint32_t at = find(q->sketch, key);
	struct quantile_sketch *s = q->sketch;

	if (at < s->used && s->buckets[at].key == key) {
		s->buckets[at].count += count;
		return;
	}
	if (s->used == s->cap)
		s = q->sketch = sketch_resize(s, s->cap * 2);
	memmove(&s->buckets[at + 1], &s->buckets[at], (s->used - at) * sizeof(*s->buckets));
	s->buckets[at] = (struct bucket){key, count};
	s->used++;
}

/* The smallest magnitudes that are kept apart: keys between them are all but zero's too small. */
static int64_t smallest_positive(const struct quantile_sketch *s)
{
	int64_t last = s->used ? s->buckets[s->used - 1].key : 0;

	return last > 0 ? last - QUANTILE_BUCKETS_MAX + 1 : 0;
}

static int64_t smallest_negative(const struct quantile_sketch *s)
{
	int64_t first = s->used ? s->buckets[0].key : 0;

	return first < 0 ? first + QUANTILE_BUCKETS_MAX - 1 : 0;
}

/* The buckets from begin to before end become part of the one of the key. */
static void fold(struct quantile *q, uint32_t begin, uint32_t end, int64_t key)
{
	struct quantile_sketch *s = q->sketch;
	uint64_t count = 0;

	if (begin >= end)
		return;
	for (uint32_t i = begin; i < end; i++)
		count += s->buckets[i].count;
	memmove(&s->buckets[begin], &s->buckets[end], (s->used - end) * sizeof(*s->buckets));
	s->used -= end - begin;
	count_in(q, key, count);
}

/* After this there are at most QUANTILE_BUCKETS_MAX of each sign, whatever came in which order. */
static void collapse(struct quantile *q)
{
	int64_t positive = smallest_positive(q->sketch), negative = smallest_negative(q->sketch);

	fold(q, find(q->sketch, 1), find(q->sketch, positive), positive);
	fold(q, find(q->sketch, negative + 1), find(q->sketch, 0), negative);
}

void quantile_release(struct quantile *q)
{
	free(q->sketch);
	q->sketch = NULL;
}

static size_t sketch_bytes(uint32_t cap)
{
	return sizeof(struct quantile_sketch) + cap * sizeof(struct bucket);
}

size_t quantile_bytes(const struct quantile *q)
{
	return q->sketch ? sketch_bytes(q->sketch->cap) : 0;
}

void quantile_add(struct quantile *q, double value)
{
	int64_t key = key_of(value);
	struct quantile_sketch *s = q->sketch;
	uint32_t used;

	assert(isfinite(value));
	value += 0.0; /* no -0 */
	if (!s) {
		s = q->sketch = sketch_new(BUCKETS_FIRST);
		s->least = s->most = value;
	}
	s->count++;
	s->least = value < s->least ? value : s->least;
	s->most = value > s->most ? value : s->most;
	used = s->used;
	count_in(q, key, 1);
	if (q->sketch->used > used)
		collapse(q);
}

/* The buckets of both, in order. */
static struct quantile_sketch *united(
	const struct quantile_sketch *a, const struct quantile_sketch *b)
{
	struct quantile_sketch *s = sketch_new(a->used + b->used);
	uint32_t i = 0, j = 0;

	while (i < a->used || j < b->used) {
		struct bucket *to = &s->buckets[s->used++];

		if (j == b->used || (i < a->used && a->buckets[i].key < b->buckets[j].key)) {
			*to = a->buckets[i++];
			continue;
		}
		*to = b->buckets[j++];
		if (i < a->used && a->buckets[i].key == to->key)
			to->count += a->buckets[i++].count;
	}
	s->count = a->count + b->count;
	s->least = a->least < b->least ? a->least : b->least;
	s->most = a->most > b->most ? a->most : b->most;
	return s;
}

void quantile_merge(struct quantile *q, const struct quantile *from)
{
	struct quantile_sketch *both;

	assert(q != from);
	if (!from->sketch)
		return;
	if (!q->sketch) {
		q->sketch = mem_copy(from->sketch, sketch_bytes(from->sketch->cap));
		return;
	}
	both = united(q->sketch, from->sketch);
	free(q->sketch);
	q->sketch = both;
	collapse(q);
	q->sketch = sketch_resize(q->sketch, q->sketch->used);
}

uint64_t quantile_count(const struct quantile *q)
{
	return q->sketch ? q->sketch->count : 0;
}

/* floor(at * (count - 1)), exactly: 0.29 * 100 is 29, though not in doubles. */
static uint64_t rank_of(uint64_t count, const struct decimal *at)
{
	struct decimal rank = decimal_from_integer((int64_t)(count - 1)), rest;
	struct decimal one = decimal_from_integer(1);

	/* none can fail: all is within [0, count) */
	decimal_multiply(&rank, &rank, at);
	decimal_modulo(&rest, &rank, &one);
	decimal_subtract(&rank, &rank, &rest);
	decimal_divide(&rank, &rank, &one);
	return rank.is_double ? (uint64_t)rank.number : (uint64_t)rank.coefficient;
}

double quantile_at(const struct quantile *q, const struct decimal *at)
{
	const struct quantile_sketch *s = q->sketch;
	const struct bucket *b = s->buckets, *last = b + s->used - 1;
	uint64_t rank = rank_of(s->count, at), before = 0;
	double value;

	if (rank == 0)
		return s->least;
	if (rank >= s->count - 1)
		return s->most;
	while (b < last && before + b->count <= rank)
		before += b++->count;
	value = value_of(b->key);
	value = value < s->least ? s->least : value;
	return value > s->most ? s->most : value;
}

static void pack(const struct quantile_sketch *s, struct buf *to)
{
	int64_t before = -KEY_MAX;

	compact_add(to, s ? s->used : 0);
	if (!s)
		return;
	compact_add_double(to, s->least);
	compact_add_double(to, s->most);
	for (uint32_t i = 0; i < s->used; i++) {
		compact_add(to, (uint64_t)(s->buckets[i].key - before));
		compact_add(to, s->buckets[i].count);
		before = s->buckets[i].key;
	}
}

void quantile_pack(const struct quantile *q, struct buf *to)
{
	pack(q->sketch, to);
	if (q->sketch)
		compact_add(to, q->sketch->cap);
}

void quantile_print(const struct quantile *q, struct buf *to)
{
	struct buf content;

	buf_init(&content);
	pack(q->sketch, &content);
	packed_seal(&content, kind, to);
	buf_release(&content);
}

static bool take_number(double *value, const char **at, const char *end)
{
	return compact_take_double(at, end, value) && isfinite(*value);
}

static bool take_buckets(struct quantile_sketch *s, uint64_t used, const char **at, const char *end)
{
	int64_t key = -KEY_MAX;

	for (; used; used--) {
		struct bucket *b = &s->buckets[s->used];
		uint64_t distance;

		if (!compact_take(at, end, &distance) || distance > 2 * KEY_MAX ||
			(distance == 0 && s->used) || !compact_take(at, end, &b->count) ||
			!b->count || b->count > UINT64_MAX - s->count)
			return false;
		b->key = key += (int64_t)distance;
		if (key > KEY_MAX || (key && llabs(key) < KEY_MIN))
			return false;
		s->count += b->count;
		s->used++;
	}
	return true;
}

/* Whether the bucket can have counted the value, which another machine's log may round into its
 * neighbour, and which may have been collapsed into one of a larger magnitude. */
static bool may_hold(const struct quantile_sketch *s, const struct bucket *b, double value)
{
	int64_t key = key_of(value);

	if (key > 0 && key < smallest_positive(s))
		key = smallest_positive(s);
	if (key < 0 && key > smallest_negative(s))
		key = smallest_negative(s);
	return llabs(key - b->key) <= 1;
}

static bool is_sound(const struct quantile_sketch *s)
{
	uint32_t positive = find(s, 1), zero = find(s, 0);

	return s->least <= s->most && may_hold(s, &s->buckets[0], s->least) &&
	       may_hold(s, &s->buckets[s->used - 1], s->most) &&
	       (positive == s->used || s->buckets[positive].key >= smallest_positive(s)) &&
	       (zero == 0 || s->buckets[zero - 1].key <= smallest_negative(s));
}

/* The sketch stays where it is if it fails. */
static bool take_sketch(struct quantile *q, const char **at, const char *end)
{
	uint64_t used;

	if (!compact_take(at, end, &used) || used > 2 * QUANTILE_BUCKETS_MAX + 1)
		return false;
	if (used == 0)
		return true;
	q->sketch = sketch_new((uint32_t)used);
	return take_number(&q->sketch->least, at, end) && take_number(&q->sketch->most, at, end) &&
	       take_buckets(q->sketch, used, at, end) && is_sound(q->sketch);
}

const char *quantile_parse(struct quantile *q, const char *text, size_t len)
{
	struct buf content;
	const char *why, *at;

	buf_init(&content);
	why = packed_open(&content, kind, text, len);
	at = content.data;
	if (!why && (!take_sketch(q, &at, content.data + content.len) ||
			    at != content.data + content.len || quantile_count(q) > COUNT_MAX))
		why = "damaged sketch";
	if (why)
		quantile_release(q);
	buf_release(&content);
	return why;
}

/* What is allocated is taken over too, so that it goes on growing as it would have. */
static bool take_cap(struct quantile *q, const char **at, const char *end)
{
	uint64_t cap;

	if (!q->sketch)
		return true;
	if (!compact_take(at, end, &cap) || cap < q->sketch->used || cap > CAP_MAX)
		return false;
	q->sketch = sketch_resize(q->sketch, (uint32_t)cap);
	return true;
}

bool quantile_unpack(struct quantile *q, const char **at, const char *end)
{
	if (take_sketch(q, at, end) && take_cap(q, at, end))
		return true;
	quantile_release(q);
	return false;
}
