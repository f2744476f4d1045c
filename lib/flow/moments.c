#include "flow/moments.h"

#include <assert.h>
#include <math.h>

#include "base/exact.h"
#include "base/wide.h"

enum { SCALE_MAX = 19 };

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

/* count * squares - sum^2, which is count * sum of (value - mean)^2, and not negative. */
static struct wide spread(const struct moments *m)
{
	struct wide all = wide_from((uint128)m->squares), low, high;
	uint128 sum = exact_magnitude(m->sum);

	low = high = wide_from(sum);
	wide_multiply(&all, m->count);
	wide_multiply(&low, (uint64_t)sum);
	wide_multiply(&high, (uint64_t)(sum >> 64));
	wide_shift_left(&high, 64);
	wide_add(&low, &high);
	wide_subtract(&all, &low);
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
