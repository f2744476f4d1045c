/*
 * The tokens of JSON inside a line, and their spans: what record/scan and record/shape read values
 * with.
 *
 * The newline that the contract of scan puts behind the line ends every loop: it is no white space
 * of ours, no part of a token, and stops a string. So nothing here compares with the end to stop.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>

#include "record/scan.h"
#include "record/utf8.h"
#include "record/vector.h"

struct tokens {
	const char *end;
	const char *why;   /* set once, by token_fail */
	const char *fault; /* where */
	bool escaped;      /* of the string read last */
};

static inline const char *token_fail(struct tokens *t, const char *at, const char *why)
{
	t->why = at >= t->end ? "the line ends too early" : why;
	t->fault = at >= t->end ? t->end : at;
	return NULL;
}

static inline const char *token_space(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

static inline bool token_is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

static inline bool token_is_hex4(const char *p)
{
	for (int i = 0; i < 4; i++)
		if (!token_is_digit(p[i]) && ((unsigned char)((p[i] | 0x20) - 'a') > 5))
			return false;
	return true;
}

/* p is at "\u"; a high surrogate must be followed by the escape of a low one. */
static inline const char *token_unicode_escape(struct tokens *t, const char *p)
{
	char second;

	if (!token_is_hex4(p + 2))
		return token_fail(t, p, "a bad \\u escape");
	if ((p[2] | 0x20) != 'd' || p[3] < '8')
		return p + 6;
	second = (char)(p[3] | 0x20);
	if (second >= 'c' && second <= 'f')
		return token_fail(t, p, "a lone surrogate in an escape");
	if (p[6] != '\\' || p[7] != 'u' || !token_is_hex4(p + 8) || (p[8] | 0x20) != 'd' ||
		(p[9] | 0x20) < 'c')
		return token_fail(t, p, "a lone surrogate in an escape");
	return p + 12;
}

static inline const char *token_escape(struct tokens *t, const char *p)
{
	t->escaped = true;
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return p + 2;
	case 'u':
		return token_unicode_escape(t, p);
	default:
		return token_fail(t, p + 1, "a bad escape");
	}
}

static inline const char *token_multibyte(struct tokens *t, const char *p)
{
	const char *why;

	do {
		const char *next = utf8_next(p, t->end, &why);

		if (!next) {
			t->why = why;
			t->fault = p;
			return NULL;
		}
		p = next;
	} while ((unsigned char)*p >= 0x80);
	return p;
}

/* From behind the opening quote to the closing one. */
static inline const char *token_string(struct tokens *t, const char *p)
{
	t->escaped = false;
	while (p) {
		p = vector_plain_end(p);
		if (*p == '"')
			return p;
		if (*p == '\\')
			p = token_escape(t, p);
		else if ((unsigned char)*p >= 0x80)
			p = token_multibyte(t, p);
		else
			p = token_fail(t, p, "a control character in a string");
	}
	return NULL;
}

static inline const char *token_digits(const char *p)
{
	while (token_is_digit(*p))
		p++;
	return p;
}

static inline const char *token_number(struct tokens *t, const char *p)
{
	if (*p == '-')
		p++;
	if (!token_is_digit(*p))
		return token_fail(t, p, "a bad number");
	if (*p == '0' && token_is_digit(p[1]))
		return token_fail(t, p, "a number with a leading zero");
	p = token_digits(p);
	if (*p == '.') {
		if (!token_is_digit(p[1]))
			return token_fail(t, p + 1, "a bad number");
		p = token_digits(p + 1);
	}
	if ((*p | 0x20) == 'e') {
		p += p[1] == '+' || p[1] == '-' ? 2 : 1;
		if (!token_is_digit(*p))
			return token_fail(t, p, "a bad number");
		p = token_digits(p);
	}
	return p;
}

/* The end of a number of digits and perhaps a fraction; NULL if it is long, wrong, or has more to
 * it: see token_number. A digit is at p. */
static inline const char *token_short_number(const char *p)
{
	uint32_t stops = vector_no_digits(p);
	const char *end;

	if (!stops || (*p == '0' && token_is_digit(p[1])))
		return NULL;
	end = p + (unsigned)__builtin_ctz(stops);
	if (*end == '.') {
		stops &= stops - 1;
		if (!stops || p + (unsigned)__builtin_ctz(stops) == end + 1)
			return NULL;
		end = p + (unsigned)__builtin_ctz(stops);
	}
	return (*end | 0x20) == 'e' ? NULL : end;
}

/* NULL: see token_word. */
static inline const char *token_short_word(const char *p)
{
	if (!memcmp(p, "null", 4) || !memcmp(p, "true", 4))
		return p + 4;
	return memcmp(p, "false", 5) ? NULL : p + 5;
}

static inline const char *token_word(struct tokens *t, const char *p, const char *want)
{
	size_t i = 0;

	while (want[i] && p[i] == want[i])
		i++;
	return want[i] ? token_fail(t, p + i, "an unexpected character") : p + i;
}

static inline const char *token_scalar(struct tokens *t, const char *p)
{
	const char *end;

	switch (*p) {
	case '"':
		p = token_string(t, p + 1);
		return p ? p + 1 : NULL;
	case 't':
		return token_word(t, p, "true");
	case 'f':
		return token_word(t, p, "false");
	case 'n':
		return token_word(t, p, "null");
	case '-':
		return token_number(t, p);
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		end = token_short_number(p);
		return end ? end : token_number(t, p);
	default:
		return token_fail(t, p, "an unexpected character");
	}
}

/* Of no string; by its first byte. */
static inline enum span_type token_type(char first)
{
	static const uint8_t types[256] = {
		['{'] = SPAN_OBJECT,
		['['] = SPAN_ARRAY,
		['t'] = SPAN_TRUE,
		['f'] = SPAN_FALSE,
		['n'] = SPAN_NULL,
		['-'] = SPAN_NUMBER,
		['0'] = SPAN_NUMBER,
		['1'] = SPAN_NUMBER,
		['2'] = SPAN_NUMBER,
		['3'] = SPAN_NUMBER,
		['4'] = SPAN_NUMBER,
		['5'] = SPAN_NUMBER,
		['6'] = SPAN_NUMBER,
		['7'] = SPAN_NUMBER,
		['8'] = SPAN_NUMBER,
		['9'] = SPAN_NUMBER,
	};

	return (enum span_type)types[(unsigned char)first];
}

static inline void token_give(struct span *v, const char *from, const char *to, bool escaped)
{
	if (*from == '"') {
		v->at = from + 1;
		v->len = (uint32_t)(to - from - 2);
		v->type = SPAN_STRING;
		v->escaped = escaped;
	} else {
		v->at = from;
		v->len = (uint32_t)(to - from);
		v->type = (uint8_t)token_type(*from);
		v->escaped = false;
	}
}

#endif
