/*
 * Runs a pipeline and says what each of its programs took.
 *
 * usage: launch [@CPUS] [<FILE] [>FILE] PROGRAM [ARG...] [| [@CPUS] ... PROGRAM [ARG...]]...
 *
 * `|`, `@1`, `@0,1`, `<FILE` and `>FILE` are words of their own, quoted from the shell. The first
 * program reads /dev/null where it has no FILE, the last one writes there. Prints the seconds from
 * the start until all have ended, and a line a program: its status, user and system seconds, and
 * largest resident set in KiB, as wait4(2) has them. This program is small because that set begins
 * with its own: what a fork takes over counts until exec(3), so a large caller would be measured.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { STAGES_MAX = 16 };

struct stage {
	char **words;
	pid_t pid;
	int status;
	struct rusage usage;
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "launch: %s: %s\n", what, strerror(errno));
	_exit(127);
}

static void pin(const char *list)
{
	cpu_set_t set;
	char *end;

	CPU_ZERO(&set);
	do {
		CPU_SET(strtoul(list, &end, 10), &set);
		list = end + 1;
	} while (*end == ',');
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		fail("sched_setaffinity");
}

static void become(int from, int to)
{
	if (from == to)
		return;
	if (dup2(from, to) < 0)
		fail("dup2");
	close(from);
}

static void redirect(const char *path, int flags, int to)
{
	int fd = open(path, flags, 0600);

	if (fd < 0)
		fail(path);
	become(fd, to);
}

static _Noreturn void child(char **words, int in, int out)
{
	become(in, STDIN_FILENO);
	become(out, STDOUT_FILENO);
	for (; *words && strchr("@<>", **words) && **words; words++) {
		if (**words == '@')
			pin(*words + 1);
		else if (**words == '<')
			redirect(*words + 1, O_RDONLY, STDIN_FILENO);
		else
			redirect(*words + 1, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
	}
	if (!*words) {
		fprintf(stderr, "launch: a program is missing\n");
		_exit(EX_USAGE);
	}
	execvp(*words, words);
	fail(*words);
}

/* Splits the words at each "|", which becomes a NULL. */
static int split(char **words, struct stage *stages)
{
	int count = 0;

	stages[count++].words = words;
	for (; *words; words++) {
		if (strcmp(*words, "|") != 0)
			continue;
		*words = NULL;
		if (count == STAGES_MAX)
			return 0;
		stages[count++].words = words + 1;
	}
	return count;
}

static void start(struct stage *stages, int count)
{
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (int i = 0; i < count; i++) {
		int ends[2] = {-1, -1};

		if (i + 1 < count) {
			if (pipe2(ends, O_CLOEXEC) != 0)
				fail("pipe");
		} else {
			ends[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
		}
		stages[i].pid = fork();
		if (stages[i].pid < 0)
			fail("fork");
		if (stages[i].pid == 0)
			child(stages[i].words, in, ends[1]);
		close(in);
		close(ends[1]);
		in = ends[0];
	}
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static struct stage stages[STAGES_MAX];
	int count = split(argv + 1, stages);
	double from;

	if (argc < 2 || count == 0) {
		fprintf(stderr, "usage: launch [@CPUS] [<FILE] [>FILE] PROGRAM [ARG...] [| ...]\n");
		return EX_USAGE;
	}
	from = now_s();
	start(stages, count);
	for (int i = 0; i < count; i++)
		if (wait4(stages[i].pid, &stages[i].status, 0, &stages[i].usage) < 0)
			fail("wait4");
	printf("%.6f\n", now_s() - from);
	for (int i = 0; i < count; i++) {
		int status = stages[i].status;

		printf("%d %.6f %.6f %ld\n",
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
			seconds(stages[i].usage.ru_utime), seconds(stages[i].usage.ru_stime),
			stages[i].usage.ru_maxrss);
	}
	return 0;
}
