#include "io/frame.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "io/parts.h"

enum { READ_BYTES = 64 << 10, CRC_DIGITS = 8, LENGTH_DIGITS_MAX = 18 };

struct header {
	size_t kind_len;
	size_t payload_len;
	uint32_t crc;
};

const char frame_end[] = "end of input";
const char frame_cut[] = "end of input within a frame";

static const char malformed[] = "malformed frame header";

void frame_in_init(struct frame_in *in, int fd, size_t max_bytes)
{
	*in = (struct frame_in){.fd = fd, .max_bytes = max_bytes};
	buf_init(&in->bytes);
}

void frame_in_release(struct frame_in *in)
{
	buf_release(&in->bytes);
}

static size_t unread(const struct frame_in *in)
{
	return in->bytes.len - in->at;
}

/* Reads once, so that `missing` more bytes may have come; the unread ones move to the front. */
static const char *fill(struct frame_in *in, size_t missing)
{
	struct buf *b = &in->bytes;
	size_t room = missing < READ_BYTES ? READ_BYTES : missing;
	ssize_t got;

	if (in->at) {
		memmove(b->data, b->data + in->at, unread(in));
		b->len -= in->at;
		in->at = 0;
	}
	buf_reserve(b, room + FRAME_PAD);
	do
		got = read(in->fd, b->data + b->len, room);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return "cannot read";
	if (got == 0)
		return b->len ? frame_cut : frame_end;
	b->len += (size_t)got;
	memset(b->data + b->len, 0, FRAME_PAD);
	return NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly eight lower-case digits. */
static bool crc_parse(const char *digits, uint32_t *crc)
{
	*crc = 0;
	for (int i = 0; i < CRC_DIGITS; i++) {
		char c = digits[i];

		if (!is_digit(c) && !(c >= 'a' && c <= 'f'))
			return false;
		*crc = *crc << 4 | (uint32_t)(is_digit(c) ? c - '0' : c - 'a' + 10);
	}
	return true;
}

static const char *header_parse(const char *text, size_t len, struct header *h)
{
	size_t i = 0, digits;

	while (i < len && text[i] >= 'a' && text[i] <= 'z')
		i++;
	h->kind_len = i;
	if (i == 0 || i > FRAME_KIND_MAX || i == len || text[i++] != ' ')
		return malformed;
	h->payload_len = 0;
	for (digits = 0; i < len && is_digit(text[i]); digits++)
		h->payload_len = h->payload_len * 10 + (size_t)(text[i++] - '0');
	if (digits == 0 || digits > LENGTH_DIGITS_MAX || (digits > 1 && text[i - digits] == '0'))
		return malformed;
	if (len - i != 1 + CRC_DIGITS || text[i] != ' ' || !crc_parse(text + i + 1, &h->crc))
		return malformed;
	return NULL;
}

/* Reads on until a header line stands at the front. */
static const char *header_read(struct frame_in *in, size_t *len)
{
	for (;;) {
		size_t have = unread(in);
		const char *text = have ? in->bytes.data + in->at : "";
		const char *end, *reason;

		if (have > FRAME_HEADER_MAX)
			have = FRAME_HEADER_MAX;
		end = memchr(text, '\n', have);
		if (end) {
			*len = (size_t)(end - text);
			return NULL;
		}
		if (have == FRAME_HEADER_MAX)
			return malformed;
		reason = fill(in, 1);
		if (reason)
			return reason;
	}
}

const char *frame_read(struct frame_in *in, struct frame *frame)
{
	struct header h;
	size_t header_len, whole;
	const char *reason = header_read(in, &header_len);

	if (reason)
		return reason;
	reason = header_parse(in->bytes.data + in->at, header_len, &h);
	if (reason)
		return reason;
	if (h.payload_len > in->max_bytes)
		return "frame too large";
	whole = header_len + 1 + h.payload_len;
	while (unread(in) < whole) {
		reason = fill(in, whole - unread(in));
		if (reason)
			return reason;
	}
	memcpy(frame->kind, in->bytes.data + in->at, h.kind_len);
	frame->kind[h.kind_len] = '\0';
	frame->payload = in->bytes.data + in->at + header_len + 1;
	frame->len = h.payload_len;
	in->at += whole;
	if (crc32_z(0, (const unsigned char *)frame->payload, frame->len) != h.crc)
		return "frame with a wrong checksum";
	return NULL;
}

static bool write_all(int fd, struct iovec *parts, int count)
{
	while (count) {
		ssize_t put = writev(fd, parts, count);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		count = parts_take(&parts, count, (size_t)put);
	}
	return true;
}

bool frame_write(int fd, const char *kind, const void *payload, size_t len)
{
	char header[FRAME_HEADER_MAX + 1];
	int header_len;

	assert(strlen(kind) <= FRAME_KIND_MAX);
	header_len = snprintf(header, sizeof(header), "%s %zu %08" PRIx32 "\n", kind, len,
		(uint32_t)crc32_z(0, payload, len));
	struct iovec parts[2] = {parts_of(header, (size_t)header_len), parts_of(payload, len)};

	return write_all(fd, parts, 2);
}
