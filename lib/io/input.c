#include "io/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/pipe.h"

enum { GZIP_BUFFER_BYTES = 128 << 10 };

struct input_codec {
	gzFile gzip; /* NULL for zstd */
	ZSTD_DStream *zstd;
	ZSTD_inBuffer packed;
	char *packed_bytes;
	bool frame_open;   /* inside a zstd frame: the file may not end here */
	uint64_t unpacked; /* bytes given so far */
};

static bool ends_with(const char *text, const char *ending)
{
	size_t len = strlen(text), ending_len = strlen(ending);

	return len > ending_len && strcmp(text + len - ending_len, ending) == 0;
}

bool input_is_packed(const char *path)
{
	return ends_with(path, ".gz") || ends_with(path, ".zst");
}

static struct input_codec *gzip_new(struct input *in)
{
	struct input_codec *c = mem_zero(1, sizeof(*c));

	c->gzip = gzdopen(in->fd, "rb");
	if (!c->gzip)
		die(EX_TEMPFAIL, "out of memory to read '%s'", in->name);
	gzbuffer(c->gzip, GZIP_BUFFER_BYTES);
	return c;
}

static struct input_codec *zstd_new(void)
{
	struct input_codec *c = mem_zero(1, sizeof(*c));

	c->zstd = ZSTD_createDStream();
	if (!c->zstd)
		die(EX_TEMPFAIL, "out of memory to decompress");
	c->packed_bytes = mem_alloc(ZSTD_DStreamInSize());
	c->packed.src = c->packed_bytes;
	return c;
}

void input_take(struct input *in, int fd, const char *name)
{
	*in = (struct input){.fd = fd, .name = name};
	pipe_enlarge(fd);
	if (ends_with(name, ".gz"))
		in->codec = gzip_new(in);
	else if (ends_with(name, ".zst"))
		in->codec = zstd_new();
}

void input_open(struct input *in, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die_errno(EX_IOERR, "cannot open '%s'", path);
	input_take(in, fd, is_stdin ? "stdin" : path);
}

void input_begin(struct input *in, const char *name, input_reader *reader, void *from)
{
	*in = (struct input){.fd = -1, .name = name, .reader = reader, .from = from};
}

void input_close(struct input *in)
{
	struct input_codec *c = in->codec;

	if (c && c->gzip)
		gzclose_r(c->gzip);
	else if (in->fd >= 0)
		close(in->fd);
	if (c) {
		ZSTD_freeDStream(c->zstd);
		free(c->packed_bytes);
		free(c);
	}
	*in = (struct input){.fd = -1};
}

static size_t plain_read(struct input *in, char *to, size_t size)
{
	ssize_t n;

	while ((n = read(in->fd, to, size)) < 0 && (errno == EINTR || errno == EAGAIN))
		if (errno == EAGAIN)
			pipe_wait_readable(in->fd);
	if (n < 0)
		die_errno(EX_IOERR, "cannot read '%s'", in->name);
	return (size_t)n;
}

static void die_damaged(const struct input *in, const char *why) __attribute__((noreturn));

static void die_damaged(const struct input *in, const char *why)
{
	die(EX_DATAERR, "'%s' is damaged or cut off behind %llu unpacked bytes (%s)", in->name,
		(unsigned long long)in->codec->unpacked, why);
}

static size_t gzip_read(struct input *in, char *to, size_t size)
{
	int n = gzread(in->codec->gzip, to, (unsigned)size);
	int code = Z_OK;
	const char *why = gzerror(in->codec->gzip, &code), *colon = strstr(why, ": ");

	if (n < 0 || code == Z_BUF_ERROR) {
		if (code == Z_ERRNO)
			die_errno(EX_IOERR, "cannot read '%s'", in->name);
		/* zlib puts a name of its own before it */
		die_damaged(in, colon ? colon + 2 : why);
	}
	if (n && gzdirect(in->codec->gzip))
		die(EX_DATAERR, "'%s' is not gzip data, though its name says so", in->name);
	return (size_t)n;
}

static size_t zstd_read(struct input *in, char *to, size_t size)
{
	struct input_codec *c = in->codec;
	ZSTD_outBuffer plain = {.dst = to, .size = size};

	while (!plain.pos) {
		size_t left;

		if (c->packed.pos == c->packed.size) {
			c->packed.size = plain_read(in, c->packed_bytes, ZSTD_DStreamInSize());
			c->packed.pos = 0;
			if (!c->packed.size && c->frame_open)
				die_damaged(in, "unexpected end of file");
			if (!c->packed.size)
				return 0;
		}
		left = ZSTD_decompressStream(c->zstd, &plain, &c->packed);
		if (ZSTD_isError(left))
			die_damaged(in, ZSTD_getErrorName(left));
		c->frame_open = left != 0;
	}
	return plain.pos;
}

size_t input_read(struct input *in, char *to, size_t size)
{
	size_t n;

	if (in->reader)
		return in->reader(in->from, to, size);
	if (!in->codec)
		return plain_read(in, to, size);
	n = in->codec->gzip ? gzip_read(in, to, size) : zstd_read(in, to, size);
	in->codec->unpacked += n;
	return n;
}

/* Compressed data can't be entered in the middle. */
static bool read_over(struct input *in, uint64_t bytes)
{
	char *nowhere = mem_alloc(GZIP_BUFFER_BYTES);
	size_t n = 1;

	for (; bytes && n; bytes -= n)
		n = input_read(
			in, nowhere, bytes < GZIP_BUFFER_BYTES ? (size_t)bytes : GZIP_BUFFER_BYTES);
	free(nowhere);
	return !bytes;
}

bool input_seek(struct input *in, uint64_t offset)
{
	struct stat st;

	if (in->codec || in->reader)
		return read_over(in, offset);
	if (fstat(in->fd, &st) != 0 || lseek(in->fd, (off_t)offset, SEEK_SET) < 0)
		die_errno(EX_IOERR, "cannot go to byte %llu of '%s'", (unsigned long long)offset,
			in->name);
	return (uint64_t)st.st_size >= offset;
}

int input_waits_on(const struct input *in)
{
	return in->codec ? -1 : in->fd;
}
