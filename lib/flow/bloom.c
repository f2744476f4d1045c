#include "flow/bloom.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/wide.h"

enum {
	BLOCK_BITS = 64 * BLOOM_WORDS,
	LINE = BLOCK_BITS / 8,
	SLICES = 8, /* of the time to live, each a filter */
	HASHES_MAX = 24,
	LOAD_MAX = 256, /* keys in a block that rates are worked out for */
};

/* What the working out below leaves out makes at most a few percent of the rate. */
static const double MARGIN = 0.9;

/*
 * The probability that a key's bits are all set where so many others are in the block. Of n bits
 * set by chance, not all different, X are set; a new key is found with (X / 512)^hashes. Its mean
 * is that of X and, by the second moment of X, a little more; what the exponential says of that
 * is at most the true value of what is left out.
 */
static double block_rate(unsigned hashes, unsigned keys)
{
	const double m = BLOCK_BITS, n = (double)hashes * keys, h = hashes;
	double empty = pow(1 - 1 / m, n), mean = m * (1 - empty);
	double variance = m * (m - 1) * pow(1 - 2 / m, n) + m * empty - m * m * empty * empty;

	if (!keys)
		return 0;
	return fmin(1, pow(mean / m, h) * exp(h * (h - 1) / 2 * variance / (mean * mean)));
}

/* The same of a filter with that many keys a block on average: how many are in one is a matter of
 * chance (Poisson). */
static double filter_rate(const double *of_block, double load)
{
	double chance = exp(-load), rate = 0;

	for (unsigned keys = 0; keys < LOAD_MAX; keys++) {
		rate += chance * of_block[keys];
		chance *= load / (keys + 1);
	}
	return rate;
}

/* The most keys a block that keep the rate. */
static double load_for(double rate, unsigned hashes)
{
	double of_block[LOAD_MAX], low = 0, high = LOAD_MAX / 2;

	for (unsigned keys = 0; keys < LOAD_MAX; keys++)
		of_block[keys] = block_rate(hashes, keys);
	for (int step = 0; step < 40; step++) {
		double load = (low + high) / 2;

		if (filter_rate(of_block, load) <= rate)
			low = load;
		else
			high = load;
	}
	return low;
}

void bloom_init(struct bloom *b, double rate, int64_t ttl_ns, size_t max_bytes)
{
	double most = 0;

	*b = (struct bloom){
		.filter_count = ttl_ns == SEEN_FOREVER ? 1 : BLOOM_FILTERS,
		.ttl_ns = ttl_ns,
		.clock_ns = INT64_MIN,
		.sweep_ns = INT64_MAX,
	};
	rate *= MARGIN / (double)b->filter_count;
	for (unsigned hashes = 1; hashes <= HASHES_MAX; hashes++) {
		double load = load_for(rate, hashes);

		if (load <= most)
			continue;
		most = load;
		b->hashes = hashes;
	}
	b->blocks = max_bytes / b->filter_count / LINE;
	b->blocks -= b->blocks > 0; /* for the alignment */
	b->keys = (uint64_t)(most * (double)b->blocks);
}

static void clear(struct bloom_filter *f)
{
	free(f->memory);
	*f = (struct bloom_filter){.memory = NULL};
}

void bloom_release(struct bloom *b)
{
	for (size_t i = 0; i < b->filter_count; i++)
		clear(&b->filters[i]);
}

uint64_t bloom_count(const struct bloom *b)
{
	uint64_t count = 0;

	for (size_t i = 0; i < b->filter_count; i++)
		count += b->filters[i].count;
	return count;
}

size_t bloom_bytes(const struct bloom *b)
{
	size_t bytes = 0;

	for (size_t i = 0; i < b->filter_count; i++)
		if (b->filters[i].memory)
			bytes += (size_t)(b->blocks + 1) * LINE;
	return bytes;
}

/* Where the bits of a key are, the same in every filter. */
struct bits {
	uint64_t block;
	uint64_t words[BLOOM_WORDS];
};

/* The finisher of SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint64_t block_of(const struct bloom *b, struct fingerprint key)
{
	return (uint64_t)((uint128)key.low * b->blocks >> 64);
}

/*
 * The low word gives the block, the high one the bits in it. Double hashing (Kirsch, Mitzenmacher
 * 2006) is too poor for that: among 512 bits it has 2^17 patterns, and the smaller rates want more.
 * So the bits are nine each of as many words as it takes.
 */
static struct bits bits_of(const struct bloom *b, struct fingerprint key)
{
	enum { NINES = 7 };
	struct bits bits = {.block = block_of(b, key)};
	uint64_t word = 0;

	for (unsigned i = 0; i < b->hashes; i++) {
		if (i % NINES == 0)
			word = mix(key.high + i * 0x9e3779b97f4a7c15u);
		bits.words[word >> 6 & (BLOOM_WORDS - 1)] |= UINT64_C(1) << (word & 63);
		word >>= 9;
	}
	return bits;
}

static bool has(const struct bloom_filter *f, const struct bits *bits)
{
	const uint64_t *block = f->blocks + bits->block * BLOOM_WORDS;
	uint64_t missing = 0;

	for (int i = 0; i < BLOOM_WORDS; i++)
		missing |= bits->words[i] & ~block[i];
	return !missing;
}

void bloom_prefetch(const struct bloom *b, struct fingerprint key)
{
	uint64_t block = block_of(b, key);

	for (size_t i = 0; i < b->filter_count; i++)
		if (b->filters[i].memory)
			__builtin_prefetch(b->filters[i].blocks + block * BLOOM_WORDS);
}

bool bloom_has(const struct bloom *b, struct fingerprint key)
{
	struct bits bits = bits_of(b, key);

	for (size_t i = 0; i < b->filter_count; i++)
		if (b->filters[i].memory && has(&b->filters[i], &bits))
			return true;
	return false;
}

/* When keys of that time run out; false: never. */
static bool ends(const struct bloom *b, int64_t newest_ns, int64_t *end_ns)
{
	return b->ttl_ns != SEEN_FOREVER && !__builtin_add_overflow(newest_ns, b->ttl_ns, end_ns);
}

void bloom_set_clock(struct bloom *b, int64_t clock_ns)
{
	b->clock_ns = clock_ns;
	if (clock_ns < b->sweep_ns)
		return;
	b->sweep_ns = INT64_MAX;
	for (size_t i = 0; i < b->filter_count; i++) {
		struct bloom_filter *f = &b->filters[i];
		int64_t end_ns;

		if (!f->memory || !ends(b, f->newest_ns, &end_ns))
			continue;
		if (end_ns <= clock_ns)
			clear(f);
		else if (end_ns < b->sweep_ns)
			b->sweep_ns = end_ns;
	}
}

void bloom_set_newest(struct bloom *b, int which, int64_t newest_ns)
{
	int64_t end_ns;

	b->filters[which].newest_ns = newest_ns;
	if (ends(b, newest_ns, &end_ns) && end_ns < b->sweep_ns)
		b->sweep_ns = end_ns;
}

/* The last nanosecond of the slice that a time is in. */
static int64_t slice_end(const struct bloom *b, int64_t time_ns)
{
	int64_t width = b->ttl_ns / SLICES, behind;

	if (b->ttl_ns == SEEN_FOREVER)
		return INT64_MAX;
	if (width < 2)
		return time_ns;
	behind = time_ns % width;
	behind += behind < 0 ? width : 0;
	return time_ns > INT64_MAX - width ? INT64_MAX : time_ns + (width - 1 - behind);
}

/* The filter for keys of a slice: its own, a free one, or that of the nearest later slice, where
 * they are kept for longer; else the latest there is, all of which is then. NULL: all are full. */
static struct bloom_filter *filter_for(struct bloom *b, int64_t newest_ns)
{
	struct bloom_filter *unused = NULL, *later = NULL, *earlier = NULL;

	for (size_t i = 0; i < b->filter_count; i++) {
		struct bloom_filter *f = &b->filters[i];

		if (!f->memory)
			unused = unused ? unused : f;
		else if (f->count >= b->keys)
			continue;
		else if (f->newest_ns == newest_ns)
			return f;
		else if (f->newest_ns > newest_ns)
			later = later && later->newest_ns < f->newest_ns ? later : f;
		else
			earlier = earlier && earlier->newest_ns > f->newest_ns ? earlier : f;
	}
	if (unused || later)
		return unused ? unused : later;
	return earlier;
}

static void begin(struct bloom *b, struct bloom_filter *f)
{
	size_t bytes = (size_t)(b->blocks + 1) * LINE;
	uintptr_t at;

	f->memory = mem_zero(1, bytes);
	at = (uintptr_t)f->memory;
	f->blocks = (uint64_t *)(void *)((char *)f->memory + (LINE - at % LINE) % LINE);
}

bool bloom_enter_in(struct bloom *b, struct fingerprint key, int which)
{
	struct bloom_filter *f = &b->filters[which];
	struct bits bits = bits_of(b, key);

	if (f->count >= b->keys)
		return false;
	if (!f->memory)
		begin(b, f);
	for (int i = 0; i < BLOOM_WORDS; i++)
		f->blocks[bits.block * BLOOM_WORDS + (unsigned)i] |= bits.words[i];
	f->count++;
	return true;
}

int bloom_enter(struct bloom *b, struct fingerprint key, int64_t time_ns)
{
	int64_t newest_ns = slice_end(b, time_ns), end_ns;
	struct bloom_filter *f;
	int which;

	if (ends(b, newest_ns, &end_ns) && end_ns <= b->clock_ns)
		return BLOOM_NONE;
	f = filter_for(b, newest_ns);
	if (!f || !b->keys)
		return BLOOM_FULL;
	which = (int)(f - b->filters);
	if (!f->memory || f->newest_ns < newest_ns)
		bloom_set_newest(b, which, newest_ns);
	bloom_enter_in(b, key, which);
	return which;
}
