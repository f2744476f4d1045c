#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/mem.h"

enum { SMALLEST = 64 };

void buf_init(struct buf *b)
{
	*b = (struct buf){0};
}

void buf_release(struct buf *b)
{
	free(b->data);
	buf_init(b);
}

char *buf_grow(struct buf *b, size_t more)
{
	size_t cap = b->cap < SMALLEST ? SMALLEST : b->cap * 2;

	if (cap < b->len + more)
		cap = b->len + more;
	b->data = mem_resize(b->data, cap);
	b->cap = cap;
	return b->data + b->len;
}

void buf_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_number(struct buf *b, uint64_t number)
{
	char *to = buf_reserve(b, DIGITS_MAX);

	b->len += (size_t)(digits_put(to, number, 1) - to);
}

void buf_format(struct buf *b, const char *format, ...)
{
	va_list args, again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(len >= 0);
	vsnprintf(buf_reserve(b, (size_t)len + 1), (size_t)len + 1, format, again);
	va_end(again);
	b->len += (size_t)len;
}

const char *buf_string(struct buf *b)
{
	*buf_reserve(b, 1) = '\0';
	return b->data;
}
