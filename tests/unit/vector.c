#include "record/vector.h"

#include <stdlib.h>

#include "random.h"
#include "test.h"

/* Random bytes, where the ends of what is looked at come anywhere, against loops over bytes. */

enum { ROUNDS = 100000, LEN_MAX = 100, ROOM = LEN_MAX + 64 };

static void fill(char *bytes, size_t count)
{
	static const char some[] = "0123456789\"\"\\/: \n\x1f\x7f\x80\xff,a";

	for (size_t i = 0; i < count; i++)
		bytes[i] = random_below(3)    ? 'x'
			   : random_below(16) ? some[random_below(sizeof(some) - 1)]
					      : (char)random_below(256);
}

void test_plain_end(void)
{
	char bytes[ROOM];

	random_seed();
	for (int i = 0; i < ROUNDS; i++) {
		const char *end = bytes;

		fill(bytes, ROOM);
		bytes[LEN_MAX] = '\n';
		while (*end != '"' && *end != '\\' && (unsigned char)*end >= ' ' &&
			(unsigned char)*end < 0x80)
			end++;
		check(vector_plain_end(bytes) == end);
	}
}

void test_is_plain(void)
{
	random_seed();
	for (int i = 0; i < ROUNDS; i++) {
		char bytes[16];
		bool want = true;
		uint64_t words[2];

		memset(bytes, (int)(' ' + random_below('"' - ' ')), sizeof(bytes));
		for (uint64_t n = random_below(3); n; n--)
			bytes[random_below(16)] = (char)random_below(256);
		for (int k = 0; k < 16; k++)
			want &= bytes[k] != '"' && bytes[k] != '\\' &&
				(unsigned char)bytes[k] >= ' ' && (unsigned char)bytes[k] < 0x80;
		memcpy(words, bytes, sizeof(words));
		check_int(vector_is_plain(words[0], words[1]), want);
	}
}

void test_newline(void)
{
	static const char near[] = "\n\v\x8a\x09";
	char bytes[ROOM];

	random_seed();
	for (int i = 0; i < ROUNDS; i++) {
		const char *want;

		fill(bytes, ROOM);
		for (uint64_t n = random_below(4); n; n--)
			bytes[random_below(VECTOR_BYTES + 2)] = near[random_below(4)];
		want = memchr(bytes, '\n', VECTOR_BYTES);
		check(vector_newline(bytes) == want);
	}
}

void test_put_behind(void)
{
	char text[ROOM], to[VECTOR_BYTES + 1];

	random_seed();
	for (int i = 0; i < ROUNDS; i++) {
		size_t len = random_below(VECTOR_BYTES);
		char first = (char)random_below(256), want[VECTOR_BYTES + 1] = {0};

		fill(text, ROOM);
		want[0] = first;
		memcpy(want + 1, text, len);
		want[VECTOR_BYTES] = to[VECTOR_BYTES] = '!';
		vector_put_behind(to, first, text, len);
		check(memcmp(to, want, sizeof(to)) == 0);
	}
}

void test_no_digits(void)
{
	char bytes[ROOM];

	random_seed();
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t got, want = 0;

		fill(bytes, ROOM);
		memset(bytes, '5', (size_t)random_below(16));
		bytes[random_below(16)] = (char)random_below(256);
		for (int k = 0; k < 16; k++)
			want |= (uint32_t)(bytes[k] < '0' || bytes[k] > '9') << k;
		got = vector_no_digits(bytes);
		check(got == want || got == (want & 0xff));
	}
}

void test_same(void)
{
	char a[ROOM], b[ROOM];

	random_seed();
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t len = 1 + (uint32_t)random_below(LEN_MAX);

		fill(a, ROOM);
		memcpy(b, a, len);
		fill(b + len, ROOM - len);
		if (random_below(2))
			b[random_below(len)] ^= (char)(1 << random_below(8));
		check_int(vector_same(a, b, len), !memcmp(a, b, len));
	}
}

void test_begins(void)
{
	_Alignas(VECTOR_BYTES) char head[VECTOR_BYTES];
	char bytes[ROOM];

	random_seed();
	for (int i = 0; i < ROUNDS; i++) {
		size_t len = 1 + (size_t)random_below(VECTOR_BYTES);

		fill(bytes, ROOM);
		memset(head, 0, sizeof(head));
		memcpy(head, bytes, len);
		if (random_below(2))
			bytes[random_below(VECTOR_BYTES)] ^= (char)(1 << random_below(8));
		check_int(vector_begins(bytes, head, (1u << len) - 1), !memcmp(bytes, head, len));
	}
}

typedef char *double_quotes(char *to, const char *from, size_t len);

static void check_double_quotes(double_quotes *way)
{
	char from[ROOM], got[2 * (LEN_MAX + VECTOR_BYTES)], want[2 * LEN_MAX];

	random_seed();
	for (int i = 0; i < ROUNDS; i++) {
		size_t len = (size_t)random_below(LEN_MAX + 1), count = 0;
		unsigned one_in = 1 + (unsigned)random_below(8);
		char *end;

		fill(from, ROOM);
		for (size_t k = 0; k < len; k++) {
			if (!random_below(one_in))
				from[k] = '"';
			want[count++] = from[k];
			if (from[k] == '"')
				want[count++] = '"';
		}
		memset(got, 'g', sizeof(got));
		end = way(got, from, len);
		check_int(end - got, count);
		check(!memcmp(got, want, count));
		for (size_t k = 2 * (len + VECTOR_BYTES); k < sizeof(got); k++)
			check(got[k] == 'g');
	}
}

void test_double_quotes(void)
{
	check_double_quotes(vector_double_quotes);
	check_double_quotes(vector_double_quotes_plain);
}

void test_copy_has(void)
{
	char from[ROOM], to[ROOM];

	random_seed();
	for (int i = 0; i < ROUNDS; i++) {
		size_t len = 1 + (size_t)random_below(LEN_MAX);
		bool has = false;

		fill(from, ROOM);
		for (size_t k = 0; k < len; k++)
			has |= from[k] == ',';
		check_int(vector_copy_has(to, from, len, ','), has);
		check(has || !memcmp(to, from, len));
	}
}
