/* What a function does to its process: it is run in a child, whose end is looked at. */
#ifndef CHILD_H
#define CHILD_H

#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

struct child {
	int status; /* the exit status, or 128 + the signal's number, as in a shell */
	char out[8192];
	char err[8192]; /* both with a NUL behind them */
};

static inline void child_drain(int fd, char *to, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size - 1 && (n = read(fd, to + len, size - 1 - len)) > 0)
		len += (size_t)n;
	to[len] = '\0';
	close(fd);
}

/* Runs run(context); if it returns, the status is 0. */
static inline void child_run(struct child *c, void (*run)(void *context), void *context)
{
	int out[2], err[2], status;
	pid_t pid;

	check(pipe(out) == 0 && pipe(err) == 0);
	fflush(NULL);
	pid = fork();
	check(pid >= 0);
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		close(out[0]);
		close(out[1]);
		close(err[0]);
		close(err[1]);
		run(context);
		exit(0);
	}
	close(out[1]);
	close(err[1]);
	child_drain(out[0], c->out, sizeof(c->out));
	child_drain(err[0], c->err, sizeof(c->err));
	check(waitpid(pid, &status, 0) == pid);
	c->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

#endif
