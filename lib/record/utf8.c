#include "record/utf8.h"

static int is_continuation(const char *p, const char *end)
{
	return p < end && ((unsigned char)*p & 0xc0) == 0x80;
}

/* What the second byte must not be behind these first ones: table 3-7 of the Unicode standard. */
static const char *second_byte_fault(unsigned char first, unsigned char second)
{
	if ((first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90))
		return "overlong UTF-8";
	if (first == 0xed && second >= 0xa0)
		return "a surrogate in UTF-8";
	if (first == 0xf4 && second >= 0x90)
		return "UTF-8 beyond U+10FFFF";
	return NULL;
}

const char *utf8_next(const char *p, const char *end, const char **why)
{
	unsigned char first = (unsigned char)*p;
	int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;

	*why = "bad UTF-8";
	if (first < 0xc0)
		return NULL;
	if (first < 0xc2) {
		*why = "overlong UTF-8";
		return NULL;
	}
	if (first > 0xf4) {
		*why = first < 0xf8 ? "UTF-8 beyond U+10FFFF" : "bad UTF-8";
		return NULL;
	}
	if (!is_continuation(p + 1, end))
		return NULL;
	if (second_byte_fault(first, (unsigned char)p[1])) {
		*why = second_byte_fault(first, (unsigned char)p[1]);
		return NULL;
	}
	for (int i = 2; i <= more; i++)
		if (!is_continuation(p + i, end))
			return NULL;
	return p + more + 1;
}

size_t utf8_encode(unsigned code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}
