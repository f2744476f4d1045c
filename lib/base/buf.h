/* A growing run of bytes, reused from record to record. */
#ifndef BUF_H
#define BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char *data; /* NULL while cap is 0 */
	size_t len;
	size_t cap;
};

void buf_init(struct buf *b);
void buf_release(struct buf *b);

static inline void buf_clear(struct buf *b)
{
	b->len = 0;
}

char *buf_grow(struct buf *b, size_t more);

/* Makes room for at least more bytes behind len and returns where they begin. Amortised O(1). */
static inline char *buf_reserve(struct buf *b, size_t more)
{
	return b->cap - b->len < more ? buf_grow(b, more) : b->data + b->len;
}

static inline void buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (len) {
		memcpy(buf_reserve(b, len), bytes, len);
		b->len += len;
	}
}

static inline void buf_char(struct buf *b, char c)
{
	*buf_reserve(b, 1) = c;
	b->len++;
}

void buf_text(struct buf *b, const char *text);

/* Appends its decimal digits. */
void buf_number(struct buf *b, uint64_t number);

void buf_format(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The content as a C string: a NUL stands behind it and is not counted. Valid until the next
 * change. */
const char *buf_string(struct buf *b);

#endif
