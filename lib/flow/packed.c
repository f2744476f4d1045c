#include "flow/packed.h"

#include <string.h>

#include "base/hash.h"

enum { CHECK_BYTES = 4, WORD_BYTES = 8 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void packed_init(struct packed *p)
{
	*p = (struct packed){0};
}

void packed_release(struct packed *p)
{
	buf_release(&p->content);
	p->at = 0;
}

void packed_add(struct packed *p, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		buf_char(&p->content, (char)(value | 0x80));
	buf_char(&p->content, (char)value);
}

static void add_low_bytes(struct buf *to, uint64_t word, int count)
{
	for (int i = 0; i < count; i++)
		buf_char(to, (char)(word >> (8 * i)));
}

void packed_add_word(struct packed *p, uint64_t word)
{
	add_low_bytes(&p->content, word, WORD_BYTES);
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

void packed_seal(const struct packed *p, const char *kind, struct buf *text)
{
	struct buf all;

	buf_init(&all);
	buf_add(&all, p->content.data, p->content.len);
	add_low_bytes(&all, hash_bytes(all.data, all.len), CHECK_BYTES);
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
	add_low_bytes(&check, hash_bytes(bytes->data, bytes->len), CHECK_BYTES);
	whole = memcmp(check.data, bytes->data + bytes->len, CHECK_BYTES) == 0;
	buf_release(&check);
	return whole;
}

const char *packed_open(struct packed *p, const char *kind, const char *text, size_t len)
{
	size_t skip = strlen(kind) + 1;

	packed_init(p);
	if (len < skip || memcmp(text, kind, skip - 1) != 0 || text[skip - 1] != '.')
		return "not a sketch of this kind and version";
	if (!decode(&p->content, text + skip, len - skip) || !is_whole(&p->content))
		return "damaged sketch";
	return NULL;
}

bool packed_take(struct packed *p, uint64_t *value)
{
	*value = 0;
	for (int shift = 0; shift < 64 && p->at < p->content.len; shift += 7) {
		unsigned char byte = (unsigned char)p->content.data[p->at++];

		if (shift == 63 && byte > 1)
			return false;
		*value |= (uint64_t)(byte & 0x7f) << shift;
		/* a last byte of zero would be a longer form of the same value */
		if (byte < 0x80)
			return byte || shift == 0;
	}
	return false;
}

bool packed_take_word(struct packed *p, uint64_t *word)
{
	if (p->content.len - p->at < WORD_BYTES)
		return false;
	*word = 0;
	for (int i = 0; i < WORD_BYTES; i++)
		*word |= (uint64_t)(unsigned char)p->content.data[p->at++] << (8 * i);
	return true;
}
