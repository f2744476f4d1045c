#include "io/frame.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

/* Known from elsewhere: the CRC-32 of "123456789" is cbf43926 in every list of check values. */
static const char known[] = "batch 9 cbf43926\n123456789";

static struct frame_in reader;
static struct frame got;

/* What frame_read says of these bytes, then an end. */
static const char *read_text(const char *bytes, size_t len, size_t max_bytes)
{
	int ends[2];

	check(pipe(ends) == 0);
	check(write(ends[1], bytes, len) == (ssize_t)len);
	close(ends[1]);
	frame_in_release(&reader);
	frame_in_init(&reader, ends[0], max_bytes);
	return frame_read(&reader, &got);
}

#define read_frame(text) read_text(text, strlen(text), 1000)

static void check_known(void)
{
	check_text(got.kind, "batch");
	check_int(got.len, 9);
	check(memcmp(got.payload, "123456789", 9) == 0);
}

void test_reads_what_the_manual_says(void)
{
	check(!read_frame(known));
	check_known();
	for (int i = 0; i < FRAME_PAD; i++)
		check_int(got.payload[9 + i], 0);
	check(frame_read(&reader, &got) == frame_end);
	frame_in_release(&reader);
}

void test_writes_what_the_manual_says(void)
{
	char bytes[100];
	int ends[2];

	check(pipe(ends) == 0);
	check(frame_write(ends[1], "batch", "123456789", 9));
	check_int(read(ends[0], bytes, sizeof(bytes)), sizeof(known) - 1);
	check(memcmp(bytes, known, sizeof(known) - 1) == 0);
	check(frame_write(ends[1], "end", NULL, 0));
	check_int(read(ends[0], bytes, sizeof(bytes)), strlen("end 0 00000000\n"));
	check(memcmp(bytes, "end 0 00000000\n", strlen("end 0 00000000\n")) == 0);
}

void test_ends_are_told_apart(void)
{
	check(read_frame("") == frame_end);
	for (size_t len = 1; len < sizeof(known) - 1; len++)
		check(read_text(known, len, 1000) == frame_cut);
	frame_in_release(&reader);
}

void test_breaches(void)
{
	static const char *const headers[] = {
		"\n",
		" 9 cbf43926\n",
		"batch\n",
		"batch 9\n",
		"batch  9 cbf43926\n",
		"batch 9 cbf43926 \n",
		"batch 9 CBF43926\n",
		"batch 9 cbf4392\n",
		"batch 9 cbf439260\n",
		"batch 9 cbf4392g\n",
		"batch 9 0xf43926\n",
		"batch -9 cbf43926\n",
		"batch 09 cbf43926\n",
		"batch 9x cbf43926\n",
		"batch 9999999999999999999 cbf43926\n",
		"Batch 9 cbf43926\n",
		"abcdefghijklmnop 9 cbf43926\n",
		"batch 9 cbf43926\r\n",
		"batchbatchbatchbatchbatchbatchbatchbatchbatchbatchbatchbatchbatchb",
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		check_text(read_frame(headers[i]), "malformed frame header");
	check_text(read_frame("batch 9 cbf43927\n123456789"), "frame with a wrong checksum");
	check_text(read_frame("batch 9 cbf43926\n123456780"), "frame with a wrong checksum");
	frame_in_release(&reader);
}

void test_bound(void)
{
	check(!read_text(known, sizeof(known) - 1, 9));
	check_text(read_text(known, sizeof(known) - 1, 8), "frame too large");
	check_text(
		read_text("batch 999999999999999999 00000000\n", 34, 1 << 30), "frame too large");
	frame_in_release(&reader);
}

void test_read_error(void)
{
	frame_in_init(&reader, -1, 9);
	check_text(frame_read(&reader, &got), "cannot read");
	frame_in_release(&reader);
}

void test_nobody_reads(void)
{
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	check(pipe(ends) == 0);
	close(ends[0]);
	check(!frame_write(ends[1], "end", NULL, 0));
}

static void handle(int signal_number)
{
	(void)signal_number;
}

static unsigned char pattern(size_t frame, size_t i)
{
	return (unsigned char)((i * 31 + frame * 7 + i / 251) & 0xff);
}

enum { FRAMES = 60, LARGEST = 3 << 20 };

static size_t size_of(size_t frame)
{
	return frame % 3 == 2 ? LARGEST / (frame + 1) : frame * 13;
}

static void write_many(int fd)
{
	char *bytes = malloc(LARGEST);

	for (size_t n = 0; n < FRAMES; n++) {
		for (size_t i = 0; i < size_of(n); i++)
			bytes[i] = (char)pattern(n, i);
		if (!frame_write(fd, "batch", bytes, size_of(n)))
			_exit(1);
	}
	_exit(0);
}

static pid_t pest_start(pid_t one, pid_t other)
{
	pid_t pest = fork();

	if (pest)
		return pest;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == one && kill(one, SIGUSR1) == 0)
		kill(other, SIGUSR1);
	_exit(0);
}

/* Frames larger and smaller than the pipe and the buffer, both sides interrupted all the time. */
void test_short_and_interrupted(void)
{
	struct sigaction act = {.sa_handler = handle};
	int ends[2], status;
	pid_t writer, pest;

	sigaction(SIGUSR1, &act, NULL);
	check(pipe(ends) == 0);
	check(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
	writer = fork();
	if (writer == 0)
		write_many(ends[1]);
	close(ends[1]);
	pest = pest_start(getpid(), writer);
	frame_in_init(&reader, ends[0], LARGEST);
	for (size_t n = 0; n < FRAMES; n++) {
		check(!frame_read(&reader, &got));
		check_int(got.len, size_of(n));
		for (size_t i = 0; i < got.len; i++)
			if ((unsigned char)got.payload[i] != pattern(n, i))
				check_int(i, -1);
	}
	check(frame_read(&reader, &got) == frame_end);
	kill(pest, SIGKILL);
	while (waitpid(writer, &status, 0) < 0)
		continue;
	check_int(status, 0);
	while (waitpid(pest, NULL, 0) < 0)
		continue;
	frame_in_release(&reader);
}
