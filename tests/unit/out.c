#include "io/out.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "base/die.h"
#include "child.h"
#include "random.h"
#include "test.h"

static size_t size_of(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);

	check(end >= 0);
	return (size_t)end;
}

static void check_content(int fd, const struct buf *want)
{
	char *got = malloc(want->len + 1);

	check_int(size_of(fd), want->len);
	check(pread(fd, got, want->len, 0) == (ssize_t)want->len);
	check(memcmp(got, want->data, want->len) == 0);
	free(got);
}

/* An output, and what it was given. */
struct written {
	struct out out;
	struct buf want;
	int fd;
};

static void written_init(struct written *w)
{
	w->fd = memfd_create("out", 0);
	buf_init(&w->want);
	out_init(&w->out, w->fd, "memory");
}

static void written_release(struct written *w)
{
	out_release(&w->out);
	buf_release(&w->want);
	close(w->fd);
}

static void check_written(const struct written *w)
{
	check_int(w->out.bytes, w->want.len);
	check_int(size_of(w->fd) + w->out.pending.len + w->out.lent_bytes, w->want.len);
}

/* Runs of all sizes around those at which it batches and at which it writes at once. */
void test_bytes_come_in_order(void)
{
	static const size_t sizes[] = {1, 100, 65535, 65536, 65537, 262144, 262143, 1, 0, 300000, 3,
		262145, 200000, 62144, 1};
	static char bytes[300000];
	struct written w;

	written_init(&w);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		memset(bytes, (int)('a' + i), sizes[i]);
		out_add(&w.out, bytes, sizes[i]);
		buf_add(&w.want, bytes, sizes[i]);
		check_written(&w);
	}
	out_flush(&w.out);
	check_content(w.fd, &w.want);
	out_flush(&w.out);
	check_content(w.fd, &w.want);
	written_release(&w);
}

/* Bytes that are made in place, some of them more than is ever pending, between others. */
void test_what_is_made_in_place_comes_in_order(void)
{
	static const size_t sizes[] = {1, 0, 100000, 162142, 1, 300000, 262143, 1, 7};
	static char bytes[300000];
	struct written w;

	written_init(&w);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		memset(bytes, (int)('a' + i), sizes[i]);
		buf_add(out_make(&w.out), bytes, sizes[i]);
		out_made(&w.out);
		out_add(&w.out, "x", 1);
		buf_add(&w.want, bytes, sizes[i]);
		buf_text(&w.want, "x");
		check_written(&w);
		check(w.out.pending.len < 262144);
	}
	out_flush(&w.out);
	check_content(w.fd, &w.want);
	w.out.broken = true;
	buf_text(out_make(&w.out), "x");
	out_made(&w.out);
	check_int(w.out.pending.len, 0);
	check_int(w.out.bytes, w.want.len);
	written_release(&w);
}

/* What is half made, and then is not to be, was never there. */
void test_what_is_dropped_is_not_written(void)
{
	static char bytes[300000];
	struct written w;

	written_init(&w);
	for (int i = 0; i < 20; i++) {
		size_t len = 1 + 20000 * (size_t)i % 70001, made;

		memset(bytes, 'a' + i, sizeof(bytes));
		buf_add(out_make(&w.out), bytes, sizeof(bytes));
		check(out_making(&w.out, &made)[0] == 'a' + i);
		check_int(made, sizeof(bytes));
		out_drop(&w.out);
		out_drop(&w.out);
		check_written(&w);
		buf_add(out_make(&w.out), bytes, len);
		out_made(&w.out);
		out_drop(&w.out);
		buf_add(&w.want, bytes, len);
		check_written(&w);
	}
	buf_text(out_make(&w.out), "and this is half");
	out_drop(&w.out);
	out_flush(&w.out);
	check_content(w.fd, &w.want);
	written_release(&w);
}

/* In one of the ways there are. */
static void give(struct written *w, const char *bytes, size_t len)
{
	switch (random_below(4)) {
	case 0:
		out_add(&w->out, bytes, len);
		break;
	case 1:
		buf_add(out_make(&w->out), bytes, len);
		out_made(&w->out);
		break;
	default:
		out_lend(&w->out, bytes, len);
		break;
	}
	buf_add(&w->want, bytes, len);
	check(w->out.pending.len + w->out.lent_bytes < 262144);
	check_written(w);
}

static size_t some_length(size_t most)
{
	static const size_t edges[] = {1, 2047, 2048, 2049, 65535, 65536, 70000, 262144};
	size_t len = random_below(10) ? random_below(5000) : edges[random_below(8)];

	return len < most ? len : most;
}

/* As a reader's buffer has them: lines of it are lent, others made or copied between them, then it
 * is filled with others. */
void test_what_was_lent_comes_in_order(void)
{
	enum { BUFFERS = 100, WORDS = 40000 };
	static uint64_t words[WORDS];
	const char *bytes = (const char *)words;
	struct written w;

	random_seed();
	written_init(&w);
	for (int i = 0; i < BUFFERS; i++) {
		for (size_t j = 0; j < WORDS; j++)
			words[j] = random_next();
		for (size_t at = 0, len; at < sizeof(words) && random_below(200); at += len) {
			len = some_length(sizeof(words) - at);
			give(&w, bytes + at, len);
		}
		if (random_below(5))
			out_settle(&w.out);
		else
			out_flush(&w.out);
		check(!w.out.lent_bytes);
		check_written(&w);
	}
	out_flush(&w.out);
	check_content(w.fd, &w.want);
	written_release(&w);
}

/* Many short runs, each with a byte before it: more parts than one call takes. */
void test_more_is_lent_than_a_call_takes(void)
{
	enum { RUNS = 3000, RUN_BYTES = 2048 };
	static char bytes[RUNS + RUN_BYTES];
	struct written w;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i % 251);
	written_init(&w);
	for (int i = 0; i < RUNS; i++) {
		out_add(&w.out, "\n", 1);
		out_lend(&w.out, bytes + i, RUN_BYTES);
		buf_text(&w.want, "\n");
		buf_add(&w.want, bytes + i, RUN_BYTES);
	}
	out_flush(&w.out);
	check_content(w.fd, &w.want);
	written_release(&w);
}

/* Little that was lent is copied and waits for more; much is written from where it is. */
void test_what_is_lent_is_settled(void)
{
	static char bytes[65536];
	struct written w;

	written_init(&w);
	out_add(&w.out, "x", 1);
	out_lend(&w.out, bytes, 65535);
	check_int(w.out.pending.len, 1);
	out_settle(&w.out);
	check_int(w.out.pending.len, 65536);
	check_int(size_of(w.fd), 0);
	out_lend(&w.out, bytes, 65536);
	check_int(w.out.pending.len, 65536);
	out_settle(&w.out);
	check_int(w.out.pending.len, 0);
	check_int(size_of(w.fd), 131072);
	w.out.broken = true;
	out_lend(&w.out, bytes, 65536);
	check_int(w.out.lent_bytes, 0);
	check_int(w.out.bytes, 131072);
	written_release(&w);
}

void test_nothing_is_written_before_the_flush(void)
{
	int fd = memfd_create("out", 0);
	struct out o;

	out_init(&o, fd, "memory");
	for (int i = 0; i < 1000; i++)
		out_add(&o, "0123456789\n", 11);
	check_int(size_of(fd), 0);
	out_flush(&o);
	check_int(size_of(fd), 11000);
	out_close(&o);
	check(close(fd) != 0);
	out_release(&o);
}

void test_a_pipe_is_enlarged(void)
{
	int fds[2];
	struct out o;

	check(pipe(fds) == 0);
	out_init(&o, fds[1], "pipe");
	check(fcntl(fds[1], F_GETPIPE_SZ) >= 128 << 10);
	out_close(&o);
	out_release(&o);
	close(fds[0]);
}

static void write_to(void *context)
{
	struct out *o = context;

	program_name_set("dd-test");
	out_add(o, "x\n", 2);
	out_flush(o);
}

void test_a_full_disk(void)
{
	struct child c;
	struct out o;
	int fd = open("/dev/full", O_WRONLY);

	check(fd >= 0);
	out_init(&o, fd, "stdout");
	child_run(&c, write_to, &o);
	check_int(c.status, EX_IOERR);
	check_text(c.err, "dd-test: cannot write to stdout: No space left on device\n");
	out_release(&o);
	close(fd);
}

static void write_ignoring_sigpipe(void *context)
{
	signal(SIGPIPE, SIG_IGN);
	write_to(context);
}

void test_a_reader_that_is_gone(void)
{
	struct child c;
	struct out o;
	int fds[2];

	check(pipe(fds) == 0);
	close(fds[0]);
	out_init(&o, fds[1], "stdout");
	child_run(&c, write_ignoring_sigpipe, &o);
	check_int(c.status, 128 + SIGPIPE);
	check_text(c.err, "");
	o.supervised = true;
	child_run(&c, write_ignoring_sigpipe, &o);
	check_int(c.status, EX_TEMPFAIL);
	check_text(c.err, "dd-test: the reader of stdout is gone\n");
	out_release(&o);
	close(fds[1]);
}

void test_a_descriptor_that_is_closed(void)
{
	struct child c;
	struct out o;
	int fd = memfd_create("out", 0);

	close(fd);
	out_init(&o, fd, "stdout");
	child_run(&c, write_to, &o);
	check_int(c.status, EX_IOERR);
	check_text(c.err, "dd-test: cannot write to stdout: Bad file descriptor\n");
	out_release(&o);
}

/* A small socket takes a large write in pieces, and signals come in between. */
static void on_alarm(int number)
{
	(void)number;
}

static void write_much(void *context)
{
	static char bytes[1 << 20];
	struct sigaction action = {.sa_handler = on_alarm}; /* and no SA_RESTART */
	struct out *o = context;

	sigaction(SIGALRM, &action, NULL);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i % 253);
	/* the signals that the reader sends come while writes wait for it; a part of one is short
	 */
	for (size_t at = 0, len = 1; at < sizeof(bytes); at += len, len = len * 3 % 10007) {
		if (len > sizeof(bytes) - at)
			len = sizeof(bytes) - at;
		out_lend(o, bytes + at, len);
	}
	out_flush(o);
}

void test_short_and_interrupted_writes(void)
{
	char piece[1009];
	int fds[2], status, small = 4096;
	size_t len = 0;
	ssize_t n;
	struct out o;
	pid_t pid;

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	check(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)) == 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		out_init(&o, fds[1], "socket");
		write_much(&o);
		out_release(&o);
		exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], piece, sizeof(piece))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			check_int((unsigned char)piece[i], (len + (size_t)i) % 253);
		len += (size_t)n;
		/* bytes have come, so the handler stands */
		if (len < 1 << 19)
			kill(pid, SIGALRM);
	}
	check_int(len, 1 << 20);
	check(waitpid(pid, &status, 0) == pid && status == 0);
	close(fds[0]);
}
