#include "io/line.h"

#include <string.h>

#include "base/mem.h"
#include "io/turns.h"

enum { READ_BYTES = 256 << 10 };

static const char byte_order_mark[] = "\xef\xbb\xbf";

void lines_init(struct lines *l, size_t max_bytes)
{
	*l = (struct lines){
		.max_bytes = max_bytes,
		.read_bytes = READ_BYTES,
		.skipped_hash = XXH3_createState(),
	};
	buf_init(&l->data);
	buf_init(&l->kept);
}

void lines_release(struct lines *l)
{
	buf_release(&l->data);
	buf_release(&l->kept);
	XXH3_freeState(l->skipped_hash);
}

void lines_begin(struct lines *l, struct input *in)
{
	l->in = in;
	l->newline = NULL;
	buf_clear(&l->data);
	l->next = l->searched = 0;
	l->number = l->offset = 0;
	l->skipped = 0;
}

void lines_begin_at(struct lines *l, struct input *in, uint64_t offset, uint64_t number)
{
	lines_begin(l, in);
	l->offset = offset;
	l->number = number;
}

static void skip_byte_order_mark(struct lines *l)
{
	if (l->offset == 0 && l->next == 0 && !l->skipped && l->data.len >= 3 &&
		memcmp(l->data.data, byte_order_mark, 3) == 0)
		l->next = l->searched = l->offset = 3;
}

/* Takes the bytes up to searched out of data: they belong to a line that is too long. */
static void skip(struct lines *l)
{
	const char *at = l->data.data + l->next;
	size_t len = l->searched - l->next;

	if (!l->skipped) {
		XXH3_64bits_reset(l->skipped_hash);
		buf_clear(&l->kept);
	}
	if (l->kept.len < LINE_KEPT_BYTES) {
		size_t room = LINE_KEPT_BYTES - l->kept.len;

		buf_add(&l->kept, at, len < room ? len : room);
	}
	XXH3_64bits_update(l->skipped_hash, at, len);
	l->skipped += len;
	l->next = l->searched;
}

static void give_too_long(struct lines *l, struct line *line)
{
	skip(l);
	memset(buf_reserve(&l->kept, 1 + LINE_PAD), 0, 1 + LINE_PAD);
	l->kept.data[l->kept.len] = '\n';
	line->at = l->kept.data;
	line->len = l->kept.len;
	line->length = l->skipped;
	line->hash = XXH3_64bits_digest(l->skipped_hash);
	line->too_long = true;
	l->skipped = 0;
}

/* The line from next to searched, where its newline stands or would stand. */
static void give(struct lines *l, struct line *line, bool ended)
{
	size_t len = l->searched - l->next;

	*line = (struct line){
		.at = l->data.data + l->next,
		.len = len,
		.length = len,
		.number = ++l->number,
		.offset = l->offset,
		.ended = ended,
	};
	if (l->skipped || len > l->max_bytes)
		give_too_long(l, line);
	l->offset += line->length + ended;
	l->next = l->searched = l->searched + ended;
}

/* Nothing more to look at before the next read. */
static void starve(struct lines *l)
{
	l->searched = l->data.len;
	if (l->skipped || l->searched - l->next > l->max_bytes)
		skip(l);
}

const char *lines_find(struct lines *l)
{
	const char *newline = NULL;

	if (l->searched != l->data.len)
		newline = memchr(l->data.data + l->searched, '\n', l->data.len - l->searched);
	if (!newline)
		starve(l);
	return newline;
}

void lines_give_odd(struct lines *l, struct line *line, const char *newline)
{
	l->searched = (size_t)(newline - l->data.data);
	give(l, line, true);
}

bool lines_fill(struct lines *l)
{
	size_t left = l->data.len - l->next, n;

	if (l->next && left)
		memmove(l->data.data, l->data.data + l->next, left);
	l->data.len = left;
	l->searched -= l->next;
	l->next = 0;
	l->newline = NULL;
	buf_reserve(&l->data, l->read_bytes + 1 + LINE_PAD);
	n = input_read(l->in, l->data.data + left, l->read_bytes);
	turns_adapt(n);
	l->data.len += n;
	memset(l->data.data + l->data.len, 0, LINE_PAD);
	skip_byte_order_mark(l);
	return n != 0;
}

bool lines_tail(struct lines *l, struct line *line)
{
	if (l->next == l->data.len && !l->skipped)
		return false;
	l->searched = l->data.len;
	l->data.data[l->data.len] = '\n';
	give(l, line, false);
	return true;
}
