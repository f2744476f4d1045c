#include "flow/lateness.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/tablesort.h"
#include "base/units.h"

enum { KEY_BYTES = 8, FINE_BITS = 7 };

void lateness_init(struct lateness *l)
{
	*l = (struct lateness){.is_exact = true};
	table_init(&l->exact, sizeof(uint64_t));
	l->ranges = mem_zero(LATENESS_RANGES, sizeof(*l->ranges));
}

void lateness_release(struct lateness *l)
{
	if (l->is_exact)
		table_release(&l->exact);
	free(l->ranges);
	free(l->sorted);
}

/* Of a value its highest FINE_BITS + 1 bits count. */
static size_t range_of(int64_t behind_ns)
{
	uint64_t value = (uint64_t)behind_ns;
	int shift = value < (2 << FINE_BITS) ? 0 : 63 - __builtin_clzll(value) - FINE_BITS;

	return ((size_t)shift << FINE_BITS) + (size_t)(value >> shift);
}

static void write_key(unsigned char key[KEY_BYTES], int64_t behind_ns)
{
	for (int i = 0; i < KEY_BYTES; i++)
		key[i] = (unsigned char)((uint64_t)behind_ns >> (56 - 8 * i));
}

static int64_t read_key(const char *key)
{
	uint64_t value = 0;

	for (int i = 0; i < KEY_BYTES; i++)
		value = value << 8 | (unsigned char)key[i];
	return (int64_t)value;
}

static void count_exactly(struct lateness *l, int64_t behind_ns)
{
	unsigned char key[KEY_BYTES];
	bool added;
	uint64_t *count;

	write_key(key, behind_ns);
	count = table_add(&l->exact, key, sizeof(key), &added);
	++*count;
	if (l->exact.count > LATENESS_VALUES_MAX) {
		table_release(&l->exact);
		l->is_exact = false;
	}
}

void lateness_add(struct lateness *l, int64_t behind_ns)
{
	struct lateness_count *range = &l->ranges[range_of(behind_ns)];

	l->count++;
	range->count++;
	if (behind_ns > range->behind_ns)
		range->behind_ns = behind_ns;
	if (l->is_exact)
		count_exactly(l, behind_ns);
}

static void sort_exact(struct lateness *l)
{
	struct table_entry **entries = table_sorted(&l->exact);

	l->sorted_count = l->exact.count;
	for (size_t i = 0; i < l->sorted_count; i++)
		l->sorted[i] = (struct lateness_count){
			read_key(table_key(&l->exact, entries[i])),
			*(const uint64_t *)(const void *)entries[i]->value,
		};
	free(entries);
}

void lateness_sort(struct lateness *l)
{
	size_t room = l->is_exact ? l->exact.count : LATENESS_RANGES;

	l->sorted = mem_zero(room + 1, sizeof(*l->sorted));
	if (l->is_exact) {
		sort_exact(l);
		return;
	}
	for (size_t i = 0; i < LATENESS_RANGES; i++)
		if (l->ranges[i].count)
			l->sorted[l->sorted_count++] = l->ranges[i];
}

int64_t lateness_bound(const struct lateness *l, uint64_t late_max)
{
	uint64_t late = 0;

	for (size_t i = l->sorted_count; i > 0; i--) {
		late += l->sorted[i - 1].count;
		if (late > late_max)
			return l->sorted[i - 1].behind_ns;
	}
	return 0;
}

uint64_t lateness_beyond(const struct lateness *l, int64_t behind_ns)
{
	uint64_t beyond = 0;

	for (size_t i = l->sorted_count; i > 0 && l->sorted[i - 1].behind_ns > behind_ns; i--)
		beyond += l->sorted[i - 1].count;
	return beyond;
}

static const struct {
	int64_t upto_ns;
	const char *label;
} rows[] = {
	{0, "not"},
	{1000000, "up to 1ms"},
	{10000000, "up to 10ms"},
	{100000000, "up to 100ms"},
	{1000000000, "up to 1s"},
	{2000000000, "up to 2s"},
	{5000000000, "up to 5s"},
	{10000000000, "up to 10s"},
	{30000000000, "up to 30s"},
	{60000000000, "up to 1m"},
	{120000000000, "up to 2m"},
	{300000000000, "up to 5m"},
	{600000000000, "up to 10m"},
	{1800000000000, "up to 30m"},
	{3600000000000, "up to 1h"},
	{21600000000000, "up to 6h"},
	{86400000000000, "up to 1d"},
	{604800000000000, "up to 1w"},
	{INT64_MAX, "more"},
};

static void print_distribution(const struct lateness *l, struct buf *to)
{
	uint64_t before = l->count;

	buf_format(to, "%-12s  %12s  %9s\n", "behind", "records", "share");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t beyond = lateness_beyond(l, rows[i].upto_ns);

		if (before != beyond)
			buf_format(to, "%-12s  %12llu  %7.3f %%\n", rows[i].label,
				(unsigned long long)(before - beyond),
				100.0 * (double)(before - beyond) / (double)l->count);
		before = beyond;
	}
}

/* One record of so many may be late; 0: none. */
static const struct {
	const char *share;
	uint64_t one_of;
} shares[] = {{"99 %", 100}, {"99.9 %", 1000}, {"99.99 %", 10000}, {"100 %", 0}};

void lateness_print(const struct lateness *l, struct buf *to)
{
	print_distribution(l, to);
	buf_format(to, "\n%-12s  %12s  %9s\n", "to keep", "--bound", "too late");
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		uint64_t late_max = shares[i].one_of ? l->count / shares[i].one_of : 0;
		int64_t bound_ns = lateness_bound(l, late_max);
		char bound[UNITS_DURATION_TEXT_MAX];

		units_duration_text(bound_ns, bound);
		buf_format(to, "%-12s  %12s  %9llu\n", shares[i].share, bound,
			(unsigned long long)lateness_beyond(l, bound_ns));
	}
	if (!l->is_exact)
		buf_format(to,
			"(more than %d different values: bounds are up to 0.8 %% larger than need "
			"be)\n",
			LATENESS_VALUES_MAX);
}
