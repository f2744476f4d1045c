#include "flow/distinct.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/compact.h"
#include "base/hash.h"
#include "base/mem.h"
#include "flow/packed.h"

enum {
	SLOTS_MIN = 2,
	INDEX_BITS = 14,
	RANK_MAX = 64 - INDEX_BITS + 1,
	RANK_BITS = 6,
	RANKS_IN_WORD = 10,
	FORM_SET = 0,
	FORM_REGISTERS = 1,
};

static const char kind[] = "distinct.1";

struct distinct_set {
	uint32_t count;
	uint32_t mask;
	XXH128_hash_t slots[]; /* open addressing, linear probing; zeros: free */
};

static bool is_free(const XXH128_hash_t *h)
{
	return h->low64 == 0 && h->high64 == 0;
}

static struct distinct_set *set_new(size_t slots)
{
	struct distinct_set *s = mem_zero(1, sizeof(*s) + slots * sizeof(*s->slots));

	s->mask = (uint32_t)(slots - 1);
	return s;
}

/* Where the hash stands or would stand. */
static XXH128_hash_t *slot_of(struct distinct_set *s, XXH128_hash_t h)
{
	uint32_t at = (uint32_t)h.high64 & s->mask;

	while (!is_free(&s->slots[at]) && !XXH128_isEqual(s->slots[at], h))
		at = (at + 1) & s->mask;
	return &s->slots[at];
}

static void set_grow(struct distinct *d)
{
	struct distinct_set *old = d->set;

	d->set = set_new(old ? 2 * ((size_t)old->mask + 1) : SLOTS_MIN);
	if (!old)
		return;
	d->set->count = old->count;
	for (uint32_t i = 0; i <= old->mask; i++)
		if (!is_free(&old->slots[i]))
			*slot_of(d->set, old->slots[i]) = old->slots[i];
	free(old);
}

/* The first bits choose a register, which keeps the largest rank of the first 1 in the rest. */
static void register_add(unsigned char *registers, XXH128_hash_t h)
{
	uint64_t rest = h.low64 << INDEX_BITS;
	unsigned char *r = &registers[h.low64 >> (64 - INDEX_BITS)];
	int rank = rest ? __builtin_clzll(rest) + 1 : RANK_MAX;

	if (rank > *r)
		*r = (unsigned char)rank;
}

static void set_into_registers(const struct distinct_set *s, unsigned char *registers)
{
	for (uint32_t i = 0; s && i <= s->mask; i++)
		if (!is_free(&s->slots[i]))
			register_add(registers, s->slots[i]);
}

static void go_over_to_registers(struct distinct *d)
{
	d->registers = mem_zero(DISTINCT_REGISTERS, 1);
	set_into_registers(d->set, d->registers);
	free(d->set);
	d->set = NULL;
}

static void add_hash(struct distinct *d, XXH128_hash_t h)
{
	XXH128_hash_t *slot;

	if (d->registers) {
		register_add(d->registers, h);
		return;
	}
	if (!d->set)
		set_grow(d);
	slot = slot_of(d->set, h);
	if (!is_free(slot))
		return;
	if (d->set->count == DISTINCT_EXACT_MAX) {
		go_over_to_registers(d);
		register_add(d->registers, h);
		return;
	}
	if (d->set->count + 1 > d->set->mask - d->set->mask / 4) {
		set_grow(d);
		slot = slot_of(d->set, h);
	}
	*slot = h;
	d->set->count++;
}

void distinct_release(struct distinct *d)
{
	free(d->set);
	free(d->registers);
	*d = (struct distinct){0};
}

size_t distinct_bytes(const struct distinct *d)
{
	if (d->registers)
		return DISTINCT_REGISTERS;
	return d->set ? sizeof(*d->set) + ((size_t)d->set->mask + 1) * sizeof(*d->set->slots) : 0;
}

void distinct_add(struct distinct *d, const void *bytes, size_t len)
{
	XXH128_hash_t h = XXH3_128bits(bytes, len);

	/* zeros mean a free slot */
	h.low64 |= is_free(&h);
	add_hash(d, h);
}

void distinct_merge(struct distinct *d, const struct distinct *from)
{
	assert(d != from);
	if (from->registers) {
		if (!d->registers)
			go_over_to_registers(d);
		for (size_t i = 0; i < DISTINCT_REGISTERS; i++)
			if (from->registers[i] > d->registers[i])
				d->registers[i] = from->registers[i];
		return;
	}
	for (uint32_t i = 0; from->set && i <= from->set->mask; i++)
		if (!is_free(&from->set->slots[i]))
			add_hash(d, from->set->slots[i]);
}

/* x + sum of x^(2^k) * 2^(k-1), to the last bit. */
static double sigma(double x)
{
	double y = 1, z = x, before;

	if (x >= 1)
		return HUGE_VAL;
	do {
		x *= x;
		before = z;
		z += x * y;
		y += y;
	} while (z > before);
	return z;
}

/* (1 - x - sum of (1 - x^(2^-k))^2 * 2^-k) / 3, to the last bit. */
static double tau(double x)
{
	double y = 1, z = 1 - x, before;

	if (x <= 0 || x >= 1)
		return 0;
	do {
		x = sqrt(x);
		before = z;
		y /= 2;
		z -= (1 - x) * (1 - x) * y;
	} while (z < before);
	return z / 3;
}

static uint64_t estimate(const unsigned char *registers)
{
	const double m = DISTINCT_REGISTERS, alpha = 0.721347520444481703680; /* 1 / (2 ln 2) */
	unsigned of_rank[RANK_MAX + 1] = {0};
	double z, count;

	for (size_t i = 0; i < DISTINCT_REGISTERS; i++)
		of_rank[registers[i]]++;
	z = m * tau(1 - of_rank[RANK_MAX] / m);
	for (int k = RANK_MAX - 1; k >= 1; k--)
		z = (z + of_rank[k]) / 2;
	z += m * sigma(of_rank[0] / m);
	/* a text made up can have all registers full, and then z is 0 */
	count = alpha * m * m / z;
	return count < 0x1p63 ? (uint64_t)llround(count) : UINT64_MAX;
}

uint64_t distinct_count(const struct distinct *d)
{
	if (d->registers)
		return estimate(d->registers);
	return d->set ? d->set->count : 0;
}

static int by_hash(const void *a, const void *b)
{
	const XXH128_hash_t *x = a, *y = b;

	if (x->high64 != y->high64)
		return x->high64 < y->high64 ? -1 : 1;
	return (x->low64 > y->low64) - (x->low64 < y->low64);
}

/* In order, so that a set has one text; state on disk has no need of that. */
static void pack_set(const struct distinct_set *s, bool in_order, struct buf *to)
{
	XXH128_hash_t *hashes;
	size_t count = 0;

	compact_add(to, s ? s->count : 0);
	if (!s)
		return;
	hashes = mem_alloc(s->count * sizeof(*hashes));
	for (uint32_t i = 0; i <= s->mask; i++)
		if (!is_free(&s->slots[i]))
			hashes[count++] = s->slots[i];
	if (in_order)
		qsort(hashes, count, sizeof(*hashes), by_hash);
	for (size_t i = 0; i < count; i++) {
		compact_add_word(to, hashes[i].high64);
		compact_add_word(to, hashes[i].low64);
	}
	free(hashes);
}

static void pack_registers(const unsigned char *registers, struct buf *to)
{
	for (size_t i = 0; i < DISTINCT_REGISTERS; i += RANKS_IN_WORD) {
		uint64_t word = 0;

		for (size_t j = 0; j < RANKS_IN_WORD && i + j < DISTINCT_REGISTERS; j++)
			word |= (uint64_t)registers[i + j] << (RANK_BITS * j);
		compact_add_word(to, word);
	}
}

static void pack(const struct distinct *d, bool in_order, struct buf *to)
{
	compact_add(to, d->registers ? FORM_REGISTERS : FORM_SET);
	if (d->registers)
		pack_registers(d->registers, to);
	else
		pack_set(d->set, in_order, to);
}

void distinct_pack(const struct distinct *d, struct buf *to)
{
	pack(d, false, to);
}

void distinct_print(const struct distinct *d, struct buf *to)
{
	struct buf content;

	buf_init(&content);
	pack(d, true, &content);
	packed_seal(&content, kind, to);
	buf_release(&content);
}

static bool take_set(struct distinct *d, bool in_order, const char **at, const char *end)
{
	XXH128_hash_t before = {0}, h;
	uint64_t count;

	if (!compact_take(at, end, &count) || count > DISTINCT_EXACT_MAX)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (!compact_take_word(at, end, &h.high64) ||
			!compact_take_word(at, end, &h.low64) || is_free(&h) ||
			(in_order && by_hash(&before, &h) >= 0))
			return false;
		add_hash(d, h);
		before = h;
	}
	return distinct_count(d) == count;
}

static bool take_registers(struct distinct *d, const char **at, const char *end)
{
	go_over_to_registers(d);
	for (size_t i = 0; i < DISTINCT_REGISTERS; i += RANKS_IN_WORD) {
		uint64_t word;

		if (!compact_take_word(at, end, &word))
			return false;
		for (size_t j = 0; j < RANKS_IN_WORD && i + j < DISTINCT_REGISTERS; j++) {
			d->registers[i + j] = word & ((1 << RANK_BITS) - 1);
			if (d->registers[i + j] > RANK_MAX)
				return false;
			word >>= RANK_BITS;
		}
		if (word)
			return false;
	}
	return true;
}

static bool unpack(struct distinct *d, bool in_order, const char **at, const char *end)
{
	uint64_t form;

	if (compact_take(at, end, &form) && form <= FORM_REGISTERS &&
		(form == FORM_SET ? take_set(d, in_order, at, end) : take_registers(d, at, end)))
		return true;
	distinct_release(d);
	return false;
}

bool distinct_unpack(struct distinct *d, const char **at, const char *end)
{
	return unpack(d, false, at, end);
}

const char *distinct_parse(struct distinct *d, const char *text, size_t len)
{
	struct buf content;
	const char *why, *at;

	buf_init(&content);
	why = packed_open(&content, kind, text, len);
	at = content.data;
	if (!why && (!unpack(d, true, &at, content.data + content.len) ||
			    at != content.data + content.len))
		why = "damaged sketch";
	if (why)
		distinct_release(d);
	buf_release(&content);
	return why;
}
