#include "record/utf8.h"

#include <stdbool.h>

#include "test.h"

/*
 * The syntax of RFC 3629, section 4, row by row: the first byte's range, the second one's, and how
 * many more follow. It shares nothing with the decoder.
 */
static const struct row {
	unsigned char first[2], second[2];
	size_t more;
} rows[] = {
	{{0xc2, 0xdf}, {0x80, 0xbf}, 0},
	{{0xe0, 0xe0}, {0xa0, 0xbf}, 1},
	{{0xe1, 0xec}, {0x80, 0xbf}, 1},
	{{0xed, 0xed}, {0x80, 0x9f}, 1},
	{{0xee, 0xef}, {0x80, 0xbf}, 1},
	{{0xf0, 0xf0}, {0x90, 0xbf}, 2},
	{{0xf1, 0xf3}, {0x80, 0xbf}, 2},
	{{0xf4, 0xf4}, {0x80, 0x8f}, 2},
};

static bool is_in(unsigned char byte, const unsigned char range[2])
{
	return byte >= range[0] && byte <= range[1];
}

/* The length of the character at p, or 0. */
static size_t length(const unsigned char *p, size_t len)
{
	static const unsigned char tail[] = {0x80, 0xbf};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t n = rows[i].more + 2;

		if (!is_in(p[0], rows[i].first))
			continue;
		if (n > len || !is_in(p[1], rows[i].second))
			return 0;
		for (size_t k = 2; k < n; k++)
			if (!is_in(p[k], tail))
				return 0;
		return n;
	}
	return 0;
}

static void check_bytes(const unsigned char *bytes, size_t len)
{
	char *text = malloc(len);
	const char *why = NULL, *next;
	size_t want = length(bytes, len);

	memcpy(text, bytes, len);
	next = utf8_next(text, text + len, &why);
	check_int(next ? next - text : 0, want);
	check(next || why);
	free(text);
}

/* All first and second bytes, with the interesting ones behind them, also cut off. */
void test_all_beginnings(void)
{
	static const unsigned char tails[] = {0x00, 0x22, 0x7f, 0x80, 0x8f, 0xbf, 0xc0, 0xff};

	for (unsigned first = 0x80; first < 0x100; first++)
		for (unsigned second = 0; second < 0x100; second++)
			for (unsigned i = 0; i < 64; i++) {
				const unsigned char bytes[] = {(unsigned char)first,
					(unsigned char)second, tails[i / 8], tails[i % 8]};

				for (size_t len = 1; len <= sizeof(bytes); len++)
					check_bytes(bytes, len);
			}
}

void test_every_code_point(void)
{
	for (unsigned code = 0; code <= 0x10ffff; code++) {
		unsigned char bytes[4];
		const char *why;
		size_t n = utf8_encode(code, (char *)bytes);
		unsigned back = bytes[0];

		if (code < 0x80) {
			check(n == 1 && bytes[0] == code);
			continue;
		}
		back = bytes[0] & (0xffu >> (n + 1));
		for (size_t i = 1; i < n; i++)
			back = back << 6 | (bytes[i] & 0x3f);
		check_int(back, code);
		check_int(n, 2 + (code > 0x7ff) + (code > 0xffff));
		check((code >> 11 == 0x1b) == !utf8_next((char *)bytes, (char *)bytes + n, &why));
	}
}
