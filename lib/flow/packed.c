#include "flow/packed.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/hash.h"

enum { CHECK_BYTES = 4 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Of the content, the lowest byte first. */
static void add_check(struct buf *to, const char *content, size_t len)
{
	uint64_t check = hash_bytes(content, len);

	for (int i = 0; i < CHECK_BYTES; i++)
		buf_char(to, (char)(check >> (8 * i)));
}

static void encode(struct buf *text, const struct buf *bytes)
{
	for (size_t i = 0; i < bytes->len; i += 3) {
		size_t left = bytes->len - i < 3 ? bytes->len - i : 3;
		uint32_t group = 0;

		for (size_t j = 0; j < 3; j++)
			group = group << 8 | (j < left ? (unsigned char)bytes->data[i + j] : 0);
		for (size_t j = 0; j <= left; j++)
			buf_char(text, digits[group >> (18 - 6 * j) & 63]);
	}
}

/* What is left over of the last digit must be zero, so that no two texts mean the same. */
static bool decode(struct buf *bytes, const char *text, size_t len)
{
	uint32_t bits = 0;
	int held = 0;

	for (size_t i = 0; i < len; i++) {
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

		if (!digit)
			return false;
		bits = bits << 6 | (uint32_t)(digit - digits);
		held += 6;
		if (held >= 8) {
			held -= 8;
			buf_char(bytes, (char)(bits >> held));
			bits &= (1u << held) - 1;
		}
	}
	return held < 6 && bits == 0;
}

void packed_seal(const struct buf *content, const char *kind, struct buf *text)
{
	struct buf all;

	buf_init(&all);
	buf_add(&all, content->data, content->len);
	add_check(&all, content->data, content->len);
	buf_text(text, kind);
	buf_char(text, '.');
	encode(text, &all);
	buf_release(&all);
}

/* Takes the check off the end. */
static bool is_whole(struct buf *bytes)
{
	struct buf check;
	bool whole;

	if (bytes->len < CHECK_BYTES)
		return false;
	bytes->len -= CHECK_BYTES;
	buf_init(&check);
	add_check(&check, bytes->data, bytes->len);
	whole = memcmp(check.data, bytes->data + bytes->len, CHECK_BYTES) == 0;
	buf_release(&check);
	return whole;
}

const char *packed_open(struct buf *content, const char *kind, const char *text, size_t len)
{
	size_t skip = strlen(kind) + 1;

	if (len < skip || memcmp(text, kind, skip - 1) != 0 || text[skip - 1] != '.')
		return "not a sketch of this kind and version";
	if (!decode(content, text + skip, len - skip) || !is_whole(content))
		return "damaged sketch";
	return NULL;
}
