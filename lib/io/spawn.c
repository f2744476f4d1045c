#include "io/spawn.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "io/libexec.h"

enum { READ_END, WRITE_END, PIPES = 3 };

enum { TO, FROM, TROUBLE }; /* the child's stdin, its stdout, and its errno when exec fails */

static void close_open(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void pipes_close(int pipes[PIPES][2])
{
	int error = errno;

	for (int i = 0; i < PIPES; i++) {
		close_open(&pipes[i][READ_END]);
		close_open(&pipes[i][WRITE_END]);
	}
	errno = error;
}

static bool pipes_open(int pipes[PIPES][2])
{
	for (int i = 0; i < PIPES; i++)
		if (pipe2(pipes[i], O_CLOEXEC) < 0)
			return false;
		else
			assert(pipes[i][READ_END] > STDERR_FILENO &&
				pipes[i][WRITE_END] > STDERR_FILENO);
	return true;
}

/* What a signal does is kept by exec only where it is ignored or the default. */
static void signals_set(void)
{
	sigset_t none;

	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: becomes the program, or says why not. */
static void become(const char *path, int pipes[PIPES][2], pid_t parent)
{
	char *argv[] = {(char *)(size_t)path, NULL};
	int error;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The parent may have died before the kernel was asked. */
	if (getppid() != parent)
		_exit(EX_TEMPFAIL);
	signals_set();
	if (dup2(pipes[TO][READ_END], STDIN_FILENO) >= 0 &&
		dup2(pipes[FROM][WRITE_END], STDOUT_FILENO) >= 0)
		execv(path, argv);
	error = errno;
	/* When this can't be written, the parent sees an end without a hello. */
	if (write(pipes[TROUBLE][WRITE_END], &error, sizeof(error)) < 0)
		_exit(EX_TEMPFAIL);
	_exit(EX_UNAVAILABLE);
}

/* True if exec closed the pipe of trouble without a word; else errno is the child's. */
static bool started(int trouble)
{
	int error;
	ssize_t got;

	do
		got = read(trouble, &error, sizeof(error));
	while (got < 0 && errno == EINTR);
	if (got == (ssize_t)sizeof(error))
		errno = error;
	return got == 0;
}

bool spawn(struct child *child, const char *path)
{
	int pipes[PIPES][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
	pid_t self = getpid();
	int error;

	if (!pipes_open(pipes))
		goto fail;
	child->pid = fork();
	if (child->pid < 0)
		goto fail;
	if (child->pid == 0)
		become(path, pipes, self);
	child->to = pipes[TO][WRITE_END];
	child->from = pipes[FROM][READ_END];
	pipes[TO][WRITE_END] = pipes[FROM][READ_END] = -1;
	close_open(&pipes[TROUBLE][WRITE_END]);
	if (started(pipes[TROUBLE][READ_END])) {
		pipes_close(pipes);
		return true;
	}
	error = errno;
	spawn_reap(child);
	errno = error;
fail:
	pipes_close(pipes);
	return false;
}

int spawn_reap(struct child *child)
{
	int status = 0;

	close_open(&child->to);
	close_open(&child->from);
	while (waitpid(child->pid, &status, 0) < 0)
		assert(errno == EINTR);
	return status;
}

static bool is_scheme(const char *scheme, size_t len)
{
	if (len == 0 || !isalpha((unsigned char)scheme[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)scheme[i]) && !strchr("+.-", scheme[i]))
			return false;
	return true;
}

const char *spawn_helper_path(const char *scheme, size_t len, struct buf *path)
{
	struct buf name;
	const char *why;

	if (!is_scheme(scheme, len))
		return "not the scheme of a URL";
	buf_init(&name);
	buf_text(&name, "sink-");
	for (size_t i = 0; i < len; i++)
		buf_char(&name, (char)tolower((unsigned char)scheme[i]));
	why = libexec_path(buf_string(&name), X_OK, path);
	buf_release(&name);
	return why && path->len ? "no helper for this scheme" : why;
}
