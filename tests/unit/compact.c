#include "base/compact.h"

#include <math.h>

#include "test.h"

static const uint64_t values[] = {
	0,
	1,
	127,
	128,
	16383,
	16384,
	UINT64_C(1) << 63,
	UINT64_MAX - 1,
	UINT64_MAX,
};

enum { VALUES = sizeof(values) / sizeof(*values) };

void test_what_is_added_is_taken(void)
{
	struct buf b = {0};
	const char *at, *end, *bytes;
	uint64_t value;
	int64_t number;
	size_t len;
	double real;

	for (size_t i = 0; i < VALUES; i++) {
		compact_add(&b, values[i]);
		compact_add_word(&b, values[i]);
		compact_add_signed(&b, (int64_t)values[i]);
		compact_add_signed(&b, -(int64_t)values[i] / 2);
		compact_add_bytes(&b, "text", i % 5);
		compact_add_double(&b, ldexp(-1.5, (int)i * 100));
	}
	at = b.data;
	end = b.data + b.len;
	for (size_t i = 0; i < VALUES; i++) {
		check(compact_take(&at, end, &value) && value == values[i]);
		check(compact_take_word(&at, end, &value) && value == values[i]);
		check(compact_take_signed(&at, end, &number) && number == (int64_t)values[i]);
		check(compact_take_signed(&at, end, &number) && number == -(int64_t)values[i] / 2);
		check(compact_take_bytes(&at, end, &bytes, &len) && len == i % 5);
		check(memcmp(bytes, "text", len) == 0);
		check(compact_take_double(&at, end, &real) && real == ldexp(-1.5, (int)i * 100));
	}
	check(at == end);
	check(!compact_take(&at, end, &value) && !compact_take_word(&at, end, &value));
	check(!compact_take_signed(&at, end, &number) && !compact_take_double(&at, end, &real));
	check(!compact_take_bytes(&at, end, &bytes, &len));
	buf_release(&b);
}

/* Both signs, each power of two and its neighbours. */
void test_128_bits(void)
{
	for (int power = 0; power < 128; power++)
		for (int off = -1; off <= 1; off++) {
			uint128 value = ((uint128)1 << power) + (uint128)off, got;
			int128 number;
			struct buf b = {0};
			const char *at;

			compact_add_128(&b, value);
			check(b.len <= 19);
			compact_add_signed_128(&b, (int128)value);
			compact_add_signed_128(&b, (int128)-value);
			at = b.data;
			check(compact_take_128(&at, b.data + b.len, &got) && got == value);
			check(compact_take_signed_128(&at, b.data + b.len, &number));
			check(number == (int128)value);
			check(compact_take_signed_128(&at, b.data + b.len, &number));
			check(number == (int128)-value);
			check(at == b.data + b.len);
			buf_release(&b);
		}
}

void test_small_ones_are_short(void)
{
	static const struct {
		int64_t value;
		size_t len;
	} cases[] = {{0, 1}, {-1, 1}, {63, 1}, {-64, 1}, {64, 2}, {-65, 2}, {8191, 2}, {8192, 3},
		{INT64_MAX, 10}, {INT64_MIN, 10}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf b = {0};

		compact_add_signed(&b, cases[i].value);
		check_int(b.len, cases[i].len);
		compact_add_signed_128(&b, cases[i].value);
		check_int(b.len, 2 * cases[i].len);
		buf_release(&b);
	}
}

/* Longer than need be, or beyond 64 bits; each with the NUL, as a last byte of no bits. */
static const char *const wrong[] = {
	"\x80",
	"\x81\x80\x80",
	"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
	"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01",
};

void test_one_value_has_one_form(void)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const char *at = wrong[i];
		uint64_t value;
		uint128 large;

		check(!compact_take(&at, wrong[i] + strlen(wrong[i]) + (i < 2), &value));
		at = wrong[i];
		if (i < 2)
			check(!compact_take_128(&at, wrong[i] + strlen(wrong[i]) + 1, &large));
	}
}

void test_beyond_128_bits(void)
{
	char bytes[20];
	const char *at = bytes;
	uint128 value;

	memset(bytes, 0xff, sizeof(bytes));
	bytes[18] = 3;
	check(compact_take_128(&at, bytes + sizeof(bytes), &value) && value == ~(uint128)0);
	for (int last = 4; last < 256; last++) {
		bytes[18] = (char)last;
		at = bytes;
		check(!compact_take_128(&at, bytes + sizeof(bytes), &value));
	}
}

/* What is cut off anywhere is not there. */
void test_cut(void)
{
	struct buf b = {0};

	compact_add_bytes(&b, "0123456789", 10);
	for (size_t len = 0; len <= b.len; len++) {
		const char *at = b.data, *bytes;
		size_t got;

		check(compact_take_bytes(&at, b.data + len, &bytes, &got) == (len == b.len));
	}
	buf_release(&b);
}
