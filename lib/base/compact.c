#include "base/compact.h"

#include <string.h>

void compact_add(struct buf *to, uint64_t value)
{
	to->len = (size_t)(compact_write(buf_reserve(to, COMPACT_MAX), value) - to->data);
}

void compact_add_word(struct buf *to, uint64_t word)
{
	to->len = (size_t)(compact_write_word(buf_reserve(to, COMPACT_WORD), word) - to->data);
}

/* 0, -1, 1, -2, … are 0, 1, 2, 3, … */
void compact_add_signed(struct buf *to, int64_t value)
{
	compact_add(to, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void compact_add_128(struct buf *to, uint128 value)
{
	for (; value > 0x7f; value >>= 7)
		buf_char(to, (char)(value | 0x80));
	buf_char(to, (char)value);
}

void compact_add_signed_128(struct buf *to, int128 value)
{
	compact_add_128(to, (uint128)value << 1 ^ (value < 0 ? ~(uint128)0 : 0));
}

void compact_add_double(struct buf *to, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	compact_add_word(to, bits);
}

void compact_add_bytes(struct buf *to, const void *bytes, size_t len)
{
	compact_add(to, len);
	buf_add(to, bytes, len);
}

bool compact_take_long(const char **at, const char *end, uint64_t *value)
{
	*value = 0;
	for (int shift = 0; shift < 64 && *at < end; shift += 7) {
		unsigned char byte = (unsigned char)*(*at)++;

		if (shift == 63 && byte > 1)
			return false;
		*value |= (uint64_t)(byte & 0x7f) << shift;
		/* a last byte of zero would be a longer form of the same value */
		if (byte < 0x80)
			return byte || shift == 0;
	}
	return false;
}

bool compact_take_word(const char **at, const char *end, uint64_t *word)
{
	if (end - *at < COMPACT_WORD)
		return false;
	*word = compact_read_word(*at);
	*at += COMPACT_WORD;
	return true;
}

bool compact_take_signed(const char **at, const char *end, int64_t *value)
{
	uint64_t folded;

	if (!compact_take(at, end, &folded))
		return false;
	*value = (int64_t)(folded >> 1 ^ (folded & 1 ? UINT64_MAX : 0));
	return true;
}

bool compact_take_128(const char **at, const char *end, uint128 *value)
{
	*value = 0;
	for (int shift = 0; shift < 128 && *at < end; shift += 7) {
		unsigned char byte = (unsigned char)*(*at)++;

		if (shift == 126 && byte > 3)
			return false;
		*value |= (uint128)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return byte || shift == 0;
	}
	return false;
}

bool compact_take_signed_128(const char **at, const char *end, int128 *value)
{
	uint128 folded;

	if (!compact_take_128(at, end, &folded))
		return false;
	*value = (int128)(folded >> 1 ^ (folded & 1 ? ~(uint128)0 : 0));
	return true;
}

bool compact_take_double(const char **at, const char *end, double *value)
{
	uint64_t bits;

	if (!compact_take_word(at, end, &bits))
		return false;
	memcpy(value, &bits, sizeof(*value));
	return true;
}

bool compact_take_bytes(const char **at, const char *end, const char **bytes, size_t *len)
{
	uint64_t claimed;

	if (!compact_take(at, end, &claimed) || claimed > (uint64_t)(end - *at))
		return false;
	*bytes = *at;
	*len = (size_t)claimed;
	*at += claimed;
	return true;
}
