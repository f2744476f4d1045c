#include "flow/moments.h"

#include <assert.h>
#include <math.h>

#include "base/compact.h"
#include "base/exact.h"
#include "base/wide.h"

enum { SCALE_MAX = 19, PACKED_DOUBLE = SCALE_MAX + 1 };

/* The largest sum of squares is exact_most; a sum of integers is not larger than that of their
 * squares. */

static uint64_t ten_to(int power)
{
	uint64_t value = 1;

	while (power-- > 0)
		value *= 10;
	return value;
}

static bool raise_magnitude(uint128 *value, uint64_t by)
{
	if (by > 1 && *value > exact_most / by)
		return false;
	*value *= by;
	return true;
}

/* To a scale that is not smaller; fails, with nothing changed, if the squares would not fit. */
static bool raise_to(struct moments *m, uint8_t scale)
{
	uint128 squares = (uint128)m->squares;
	uint64_t by;

	if (scale == m->scale)
		return true;
	if (scale > SCALE_MAX)
		return false;
	by = ten_to(scale - m->scale);
	if (!raise_magnitude(&squares, by) || !raise_magnitude(&squares, by))
		return false;
	m->squares = (int128)squares;
	m->sum *= by;
	m->scale = scale;
	return true;
}

static bool add_exact(struct moments *m, const struct decimal *value)
{
	uint128 size;
	struct moments raised = *m;

	if (value->is_double || m->is_double)
		return false;
	if (value->scale > m->scale && !raise_to(&raised, value->scale))
		return false;
	size = exact_magnitude(value->coefficient);
	if (!raise_magnitude(&size, ten_to(raised.scale - value->scale)) || size > UINT64_MAX ||
		size * size > exact_most - (uint128)raised.squares)
		return false;
	raised.squares += (int128)(size * size);
	raised.sum += value->coefficient < 0 ? -(int128)size : (int128)size;
	raised.count++;
	*m = raised;
	return true;
}

static bool merge_exact(struct moments *m, const struct moments *from)
{
	struct moments a = *m, b = *from;

	if (a.is_double || b.is_double)
		return false;
	if (a.scale < b.scale ? !raise_to(&a, b.scale) : !raise_to(&b, a.scale))
		return false;
	if ((uint128)b.squares > exact_most - (uint128)a.squares)
		return false;
	a.squares += b.squares;
	a.sum += b.sum;
	a.count += b.count;
	*m = a;
	return true;
}

static struct wide square(uint128 value)
{
	struct wide low = wide_from(value), high = low;

	wide_multiply(&low, (uint64_t)value);
	wide_multiply(&high, (uint64_t)(value >> 64));
	wide_shift_left(&high, 64);
	wide_add(&low, &high);
	return low;
}

/* count * squares - sum^2, which is count * sum of (value - mean)^2, and not negative. */
static struct wide spread(const struct moments *m)
{
	struct wide all = wide_from((uint128)m->squares);
	struct wide least = square(exact_magnitude(m->sum));

	wide_multiply(&all, m->count);
	wide_subtract(&all, &least);
	return all;
}

/* spread / (count * by), scaled. */
static double spread_over(const struct moments *m, uint64_t by)
{
	struct wide n = spread(m), d = wide_from((uint128)m->count * by);

	wide_multiply(&d, ten_to(m->scale));
	wide_multiply(&d, ten_to(m->scale));
	return wide_ratio(&n, &d);
}

static void go_over_to_doubles(struct moments *m)
{
	struct wide sum = wide_from(exact_magnitude(m->sum)), by = wide_from(m->count);
	double mean = 0, distance = 0;

	if (m->is_double)
		return;
	if (m->count) {
		wide_multiply(&by, ten_to(m->scale));
		mean = wide_ratio(&sum, &by);
		mean = m->sum < 0 ? -mean : mean;
		distance = spread_over(m, 1);
	}
	*m = (struct moments){
		.count = m->count,
		.mean = mean,
		.distance = distance,
		.is_double = true,
	};
}

void moments_add(struct moments *m, const struct decimal *value)
{
	double number, delta;

	if (add_exact(m, value))
		return;
	go_over_to_doubles(m);
	number = decimal_to_double(value);
	delta = number - m->mean;
	m->count++;
	m->mean += delta / (double)m->count;
	m->distance += delta * (number - m->mean);
}

void moments_merge(struct moments *m, const struct moments *from)
{
	struct moments other = *from;
	double ours = (double)m->count, theirs = (double)from->count, delta;

	if (from->count == 0 || merge_exact(m, from))
		return;
	go_over_to_doubles(m);
	go_over_to_doubles(&other);
	delta = other.mean - m->mean;
	m->count += other.count;
	m->mean += delta * (theirs / (ours + theirs));
	m->distance += other.distance + delta * delta * (ours * theirs / (ours + theirs));
}

const char *moments_stddev(const struct moments *m, double *stddev)
{
	assert(m->count > 1);
	*stddev = sqrt(
		m->is_double ? m->distance / (double)(m->count - 1) : spread_over(m, m->count - 1));
	return isfinite(*stddev) ? NULL : "number out of range";
}

void moments_pack(const struct moments *m, struct buf *to)
{
	compact_add(to, m->count);
	if (!m->count)
		return;
	buf_char(to, (char)(m->is_double ? PACKED_DOUBLE : m->scale));
	if (m->is_double) {
		compact_add_double(to, m->mean);
		compact_add_double(to, m->distance);
	} else {
		compact_add_signed_128(to, m->sum);
		compact_add_128(to, (uint128)m->squares);
	}
}

/* What no values can give would break the arithmetic. */
static bool is_possible(const struct moments *m)
{
	struct wide all = wide_from((uint128)m->squares);
	struct wide least = square(exact_magnitude(m->sum));

	wide_multiply(&all, m->count);
	return m->squares >= 0 && exact_magnitude(m->sum) <= (uint128)m->squares &&
	       wide_compare(&all, &least) >= 0;
}

static bool unpack_exact(struct moments *m, const char **at, const char *end)
{
	int128 sum;
	uint128 squares;

	if (!compact_take_signed_128(at, end, &sum) || !compact_take_128(at, end, &squares))
		return false;
	m->sum = sum;
	m->squares = (int128)squares;
	return is_possible(m);
}

bool moments_unpack(struct moments *m, const char **at, const char *end)
{
	uint64_t count, head;

	*m = (struct moments){0};
	if (!compact_take(at, end, &count))
		return false;
	if (!count)
		return true;
	m->count = count;
	if (!compact_take(at, end, &head) || head > PACKED_DOUBLE)
		return false;
	m->is_double = head == PACKED_DOUBLE;
	if (m->is_double)
		return compact_take_double(at, end, &m->mean) &&
		       compact_take_double(at, end, &m->distance);
	m->scale = (uint8_t)head;
	return unpack_exact(m, at, end);
}
