#include "io/line.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "random.h"
#include "test.h"

/* Lines out of a pipe, filled piece by piece, so that reads end where the test says. */
struct feed {
	struct input in;
	struct lines lines;
	int to;
};

static void feed_init(struct feed *f, size_t max_bytes)
{
	int fds[2];

	check(pipe(fds) == 0);
	*f = (struct feed){.in = {.fd = fds[0], .name = "pipe"}, .to = fds[1]};
	lines_init(&f->lines, max_bytes);
	lines_begin(&f->lines, &f->in);
}

static void feed_release(struct feed *f)
{
	lines_release(&f->lines);
	close(f->in.fd);
}

static void feed_piece(struct feed *f, const char *bytes, size_t len)
{
	if (!len)
		return;
	check(write(f->to, bytes, len) == (ssize_t)len);
	check(lines_fill(&f->lines));
}

static void feed_end(struct feed *f)
{
	close(f->to);
	check(!lines_fill(&f->lines));
}

/* What the lines of some bytes must be, worked out the plain way. */
struct expected {
	const char *bytes;
	size_t len;
	size_t at;
	uint64_t number;
	size_t max_bytes;
};

static void expect_init(struct expected *e, const char *bytes, size_t len, size_t max_bytes)
{
	bool marked = len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0;

	*e = (struct expected){bytes, len, marked ? 3 : 0, 0, max_bytes};
}

static bool is_padded(const struct line *l)
{
	volatile char all = 0;

	for (size_t i = 0; i <= LINE_PAD; i++)
		all ^= l->at[l->len + i];
	(void)all;
	return l->at[l->len] == '\n';
}

static void check_next(struct expected *e, const struct line *l)
{
	const char *from = e->bytes + e->at;
	const char *newline = memchr(from, '\n', e->len - e->at);
	size_t len = newline ? (size_t)(newline - from) : e->len - e->at;
	bool too_long = len > e->max_bytes;
	size_t kept = too_long && len > LINE_KEPT_BYTES ? LINE_KEPT_BYTES : len;

	check(e->at < e->len);
	check_int(l->number, ++e->number);
	check_int(l->offset, e->at);
	check_int(l->length, len);
	check_int(l->len, kept);
	check(memcmp(l->at, from, kept) == 0);
	check(is_padded(l));
	check_int(l->ended, newline != NULL);
	check_int(l->too_long, too_long);
	if (too_long)
		check(l->hash == hash_bytes(from, len));
	e->at += len + (newline != NULL);
}

/* What is behind the line that was given last. */
static const char *check_rest(
	const struct expected *e, const struct lines *lines, const struct line *l, size_t *len)
{
	const char *end, *rest = lines_rest(lines, &end);

	*len = (size_t)(end - rest);
	check(l->too_long || rest == l->at + l->len + 1);
	check(*len <= e->len - e->at && !memcmp(rest, e->bytes + e->at, *len));
	return rest;
}

static void take_all(struct feed *f, struct expected *e)
{
	struct line l;

	while (lines_next(&f->lines, &l)) {
		const char *rest;
		size_t len;

		check_next(e, &l);
		rest = check_rest(e, &f->lines, &l, &len);
		if (e->number % 3)
			lines_expect(&f->lines, memchr(rest, '\n', len));
	}
}

static void check_cuts(
	const char *bytes, size_t len, size_t max_bytes, const size_t *cuts, size_t count)
{
	struct expected e;
	struct feed f;
	struct line l;
	size_t from = 0;

	feed_init(&f, max_bytes);
	expect_init(&e, bytes, len, max_bytes);
	for (size_t i = 0; i <= count; i++) {
		size_t to = i < count ? cuts[i] : len;

		feed_piece(&f, bytes + from, to - from);
		take_all(&f, &e);
		from = to;
	}
	feed_end(&f);
	check(!lines_next(&f.lines, &l));
	if (lines_tail(&f.lines, &l)) {
		check_next(&e, &l);
		check(!l.ended);
	}
	check_int(e.at, len);
	check(!lines_tail(&f.lines, &l));
	feed_release(&f);
}

/* Cut at each pair of places. */
static void check_everywhere(const char *bytes, size_t len, size_t max_bytes)
{
	for (size_t a = 0; a <= len; a++)
		for (size_t b = a; b <= len; b++)
			check_cuts(bytes, len, max_bytes, (size_t[]){a, b}, 2);
}

#define EVERYWHERE(text, max_bytes) check_everywhere(text, sizeof(text) - 1, max_bytes)

void test_lines_at_every_split(void)
{
	EVERYWHERE("{\"a\":1}\n\n[2]\r\n3\n", 100);
	EVERYWHERE("no newline at the end\nlast", 100);
	EVERYWHERE("\n\n\n", 100);
	EVERYWHERE("a", 100);
	EVERYWHERE("a\0b\n\0\n\0", 100);
}

void test_byte_order_mark_at_every_split(void)
{
	EVERYWHERE("\xef\xbb\xbf{}\nab\n", 100);
	EVERYWHERE("\xef\xbb\xbf", 100);
	EVERYWHERE("\xef\xbb\xbf\n\xef\xbb\xbf\n", 100);
	EVERYWHERE("\xef\xbb\xbf\xef\xbb\xbf"
		   "a\n",
		100);
	EVERYWHERE("\xef\xbb", 100);
	EVERYWHERE("\xef\xbb\nx\n", 100);
	EVERYWHERE("\xef\xbb"
		   "a\xbf\n",
		100);
	EVERYWHERE("\n\xef\xbb\xbf\n", 100);
	EVERYWHERE("a\xef\xbb\xbf\n", 100);
}

void test_limit_at_every_split(void)
{
	EVERYWHERE("1234\n12345\n123456\n1234567890\n12345", 5);
	EVERYWHERE("123456\n12345", 5);
	EVERYWHERE("1\n123456789", 5);
	EVERYWHERE("123456789\n\n1\n123456789\n123456789\n", 5);
	EVERYWHERE("\xef\xbb\xbf"
		   "12345\n123456\n",
		5);
	EVERYWHERE("\xef\xbb\xbf"
		   "123456\n12345\n",
		5);
}

/* The bytes of a byte-order mark in a line that is too long, at the beginning of a read. */
void test_mark_inside_of_a_long_first_line(void)
{
	EVERYWHERE("123456\xef\xbb\xbf"
		   "789\nab\n",
		5);
	EVERYWHERE("1234567\xef\xbb\xbf", 5);
}

/* Longer than a read and than what is kept. */
void test_long_lines(void)
{
	enum { LIMIT = 300 << 10, SIZE = 3 << 20 };
	static const size_t lengths[] = {LIMIT - 1, LIMIT, LIMIT + 1, 256 << 10, (256 << 10) - 1,
		(256 << 10) + 1, (1 << 20), 0, LINE_KEPT_BYTES, LINE_KEPT_BYTES + 1, 7};
	static char bytes[SIZE];
	size_t len = 0;
	struct expected e;
	struct lines lines;
	struct input in = {.fd = memfd_create("lines", 0), .name = "memory"};
	struct line l;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		for (size_t k = 0; k < lengths[i]; k++)
			bytes[len++] = (char)('a' + (k * 7 + i) % 26);
		bytes[len++] = '\n';
	}
	check(write(in.fd, bytes, len) == (ssize_t)len && lseek(in.fd, 0, SEEK_SET) == 0);
	lines_init(&lines, LIMIT);
	lines_begin(&lines, &in);
	expect_init(&e, bytes, len, LIMIT);
	do
		while (lines_next(&lines, &l))
			check_next(&e, &l);
	while (lines_fill(&lines));
	check(!lines_tail(&lines, &l));
	check_int(e.at, len);
	check_int(e.number, sizeof(lengths) / sizeof(*lengths));
	lines_release(&lines);
	close(in.fd);
}

/* Beyond the kept beginning the hash goes on over many reads. */
void test_long_last_line(void)
{
	enum { SIZE = 1 << 20, PIECE = 10007 };
	static char bytes[SIZE];
	size_t cuts[SIZE / PIECE];

	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (char)(i % 251 == '\n' ? 'n' : i % 251);
	for (size_t i = 0; i < SIZE / PIECE; i++)
		cuts[i] = (i + 1) * PIECE;
	check_cuts(bytes, SIZE, 1000, cuts, SIZE / PIECE);
	check_cuts(bytes, SIZE, LINE_KEPT_BYTES, cuts, SIZE / PIECE);
}

/* Numbers, offsets and the mark begin anew with each input. */
void test_a_second_input(void)
{
	struct feed first, second;
	struct expected e;

	feed_init(&first, 10);
	feed_init(&second, 10);
	feed_piece(&first, "a\nfar too long a line", 21);
	expect_init(&e, "a\nfar too long a line", 21, 10);
	take_all(&first, &e);
	lines_begin(&first.lines, &second.in);
	check(write(second.to,
		      "\xef\xbb\xbf"
		      "b\nc\n",
		      7) == 7);
	check(lines_fill(&first.lines));
	expect_init(&e,
		"\xef\xbb\xbf"
		"b\nc\n",
		7, 10);
	take_all(&first, &e);
	check_int(e.at, 7);
	close(first.to);
	close(second.to);
	feed_release(&first);
	feed_release(&second);
}

static void random_round(void)
{
	static const char alphabet[] = "\n\n\xef\xbb\xbf"
				       "abc\0\r";
	char bytes[200];
	size_t cuts[8], len = random_below(sizeof(bytes) + 1);

	for (size_t i = 0; i < len; i++)
		bytes[i] = alphabet[random_below(sizeof(alphabet) - 1)];
	for (size_t i = 0; i < 8; i++)
		cuts[i] = len * i / 8 + random_below(len / 8 + 1);
	/* below 3 bytes a mark in pieces is too long before it is whole */
	check_cuts(bytes, len, 3 + random_below(20), cuts, 8);
}

void test_random_lines(void)
{
	random_seed();
	for (int i = 0; i < 20000; i++)
		random_round();
}
