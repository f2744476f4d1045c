#include "io/family.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"

enum { CANNOT_RUN = 126, STAT_BYTES = 512 };

void family_adopt(void)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		die_errno(EX_OSERR, "cannot become the parent of orphans");
}

static void signals_set(const struct member *m)
{
	void (*stop)(int) = m->ends_on_stop ? SIG_DFL : SIG_IGN;
	sigset_t none;

	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void extra_keep(const struct member *m)
{
	char number[16];

	if (m->extra < 0)
		return;
	snprintf(number, sizeof(number), "%d", m->extra);
	setenv(m->extra_name, number, 1);
	fcntl(m->extra, F_SETFD, 0);
}

static void become(const struct member *m, pid_t parent) __attribute__((noreturn));

static void become(const struct member *m, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The parent may have died before the kernel was asked. */
	if (getppid() != parent)
		_exit(EX_TEMPFAIL);
	extra_keep(m);
	if (dup2(m->in, STDIN_FILENO) >= 0 && dup2(m->out, STDOUT_FILENO) >= 0) {
		signals_set(m);
		execl("/bin/sh", "sh", "-c", m->command, (char *)NULL);
	}
	warn("cannot run /bin/sh: %s", strerror(errno));
	_exit(CANNOT_RUN);
}

pid_t family_start(const struct member *m)
{
	pid_t self = getpid(), child;

	fflush(NULL);
	child = fork();
	if (child == 0)
		become(m, self);
	return child;
}

/* The parent of a process, as /proc/PID/stat says behind its name; 0 if it is gone. */
static pid_t parent_of(const char *pid)
{
	char path[64], text[STAT_BYTES];
	const char *name_end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	name_end = strrchr(text, ')');
	return name_end && strlen(name_end) > 4 ? (pid_t)strtol(name_end + 4, NULL, 10) : 0;
}

static bool is_among(pid_t pid, const pid_t *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == pid)
			return true;
	return false;
}

void family_kill_others(const pid_t *children, size_t count)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		die_errno(EX_OSERR, "cannot look for what is left of the pipeline in /proc");
	while ((entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && parent_of(entry->d_name) == getpid() &&
			!is_among(pid, children, count))
			kill(pid, SIGKILL);
	}
	closedir(proc);
}

static bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* The children of what is killed here become ours in their turn. */
void family_end(void)
{
	while (has_children()) {
		family_kill_others(NULL, 0);
		while (waitpid(-1, NULL, 0) < 0 && errno == EINTR)
			;
	}
}
