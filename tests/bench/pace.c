/*
 * Writes records at a steady pace to standard output, where a pipeline begins, and says when they
 * come out of it on standard input, where it ends.
 *
 * usage: pace RECORDS-A-SECOND SECONDS
 *
 * Each record is a write of its own. Every GROUP records event time goes on by a second, so that
 * the first record of a group is what completes the second before: behind dd-window
 * --tumbling 1s a row's latency is from the write of that record to its own read. What has no
 * window_end is the record itself. Prints to standard error: records or rows seen, their latencies
 * (median, 99th and 99.9th percentile, largest) and the 99th percentile of how late the writes
 * themselves were, all in microseconds, and the rate that was had. What comes after the end of the
 * input is not counted.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { GROUP = 500, USERS = 10, BLOCK = 1 << 18 };

struct plan {
	uint64_t count;
	int64_t start_ns, period_ns;
	int64_t *sent_ns;    /* of each record; shared by the two processes */
	int64_t *latency_ns; /* of what was seen */
	int64_t *behind_ns;  /* of each write */
	uint64_t seen;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "pace: %s: %s\n", what, strerror(errno));
	exit(EX_OSERR);
}

static int64_t *shared(uint64_t count)
{
	void *p = mmap(NULL, (count + 1) * sizeof(int64_t), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		fail("mmap");
	return p;
}

static void sleep_until(int64_t ns)
{
	struct timespec t = {ns / 1000000000, ns % 1000000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static int record(char *line, size_t room, uint64_t i)
{
	uint64_t s = i / GROUP;

	return snprintf(line, room,
		"{\"id\":\"%016llx\",\"time\":\"2026-05-01T%02u:%02u:%02uZ\",\"user\":\"u%07u\","
		"\"type\":\"purchase\",\"amount\":%u.25,\"status\":200,\"page\":\"/articles/"
		"12345\"}\n",
		(unsigned long long)i, (unsigned)(s / 3600 % 24), (unsigned)(s / 60 % 60),
		(unsigned)(s % 60), (unsigned)(i % USERS), (unsigned)(i % 1000));
}

static void write_all(struct plan *p)
{
	prctl(PR_SET_TIMERSLACK, 1);
	for (uint64_t i = 0; i < p->count; i++) {
		char line[256];
		int len = record(line, sizeof(line), i);
		int64_t due_ns = p->start_ns + (int64_t)i * p->period_ns, at_ns = now_ns();

		if (at_ns < due_ns) {
			sleep_until(due_ns);
			at_ns = now_ns();
		}
		p->behind_ns[i] = at_ns - due_ns;
		p->sent_ns[i] = at_ns;
		if (write(STDOUT_FILENO, line, (size_t)len) != len)
			fail("write");
	}
	p->sent_ns[p->count] = now_ns(); /* the end */
}

/* Which record's write the line was waiting for; none of them where the end of the input was. */
static uint64_t cause(const char *line)
{
	const char *end = strstr(line, "\"window_end\":\""), *id = strstr(line, "\"id\":\"");
	unsigned h, m, s;

	if (end && sscanf(end + 14, "2026-05-01T%2u:%2u:%2uZ", &h, &m, &s) == 3)
		return ((uint64_t)h * 3600 + m * 60 + s) * GROUP;
	if (!end && id)
		return strtoull(id + 6, NULL, 16);
	fprintf(stderr, "pace: what is this: %s\n", line);
	exit(EX_DATAERR);
}

static void read_all(struct plan *p)
{
	static char block[BLOCK + 1];
	size_t have = 0;
	ssize_t n;

	while ((n = read(STDIN_FILENO, block + have, BLOCK - have)) > 0) {
		int64_t at_ns = now_ns();
		char *line = block, *newline;

		have += (size_t)n;
		while ((newline = memchr(line, '\n', have - (size_t)(line - block)))) {
			uint64_t i;

			*newline = '\0';
			i = cause(line);
			if (i < p->count)
				p->latency_ns[p->seen++] = at_ns - p->sent_ns[i];
			line = newline + 1;
		}
		have -= (size_t)(line - block);
		memmove(block, line, have);
	}
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double share_us(const int64_t *sorted, uint64_t count, double share)
{
	return (double)sorted[(uint64_t)(share * (double)(count - 1))] / 1000;
}

static void tell(struct plan *p)
{
	int64_t took_ns = p->sent_ns[p->count] - p->start_ns;

	if (p->seen == 0) {
		fprintf(stderr, "pace: nothing came out\n");
		exit(EX_DATAERR);
	}
	qsort(p->latency_ns, p->seen, sizeof(*p->latency_ns), ascending);
	qsort(p->behind_ns, p->count, sizeof(*p->behind_ns), ascending);
	fprintf(stderr, "%llu %.1f %.1f %.1f %.1f %.1f %.0f\n", (unsigned long long)p->seen,
		share_us(p->latency_ns, p->seen, 0.5), share_us(p->latency_ns, p->seen, 0.99),
		share_us(p->latency_ns, p->seen, 0.999), share_us(p->latency_ns, p->seen, 1),
		share_us(p->behind_ns, p->count, 0.99), (double)p->count * 1e9 / (double)took_ns);
}

int main(int argc, char **argv)
{
	struct plan p = {0};
	unsigned long rate = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	pid_t writer;
	int status;

	if (rate == 0 || rate > 1000000000) {
		fprintf(stderr, "usage: pace RECORDS-A-SECOND SECONDS\n");
		return EX_USAGE;
	}
	p.count = rate * strtoul(argv[2], NULL, 10);
	p.period_ns = (int64_t)(1000000000 / rate);
	p.sent_ns = shared(p.count);
	p.latency_ns = shared(p.count * USERS);
	p.behind_ns = shared(p.count);
	p.start_ns = now_ns() + 100000000; /* the programs have been started by then */
	writer = fork();
	if (writer < 0)
		fail("fork");
	if (writer == 0) {
		close(STDIN_FILENO);
		write_all(&p);
		return 0;
	}
	close(STDOUT_FILENO);
	read_all(&p);
	if (waitpid(writer, &status, 0) < 0 || status != 0)
		return EX_SOFTWARE;
	tell(&p);
	return 0;
}
