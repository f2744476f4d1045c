#include "io/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

/* A shell does what its stdin says, and so can tell what it was given. */
static char said[4096];

static int shell(const char *script)
{
	struct child sh;
	size_t len = 0;
	ssize_t got;

	check(spawn(&sh, "/bin/sh"));
	check(write(sh.to, script, strlen(script)) == (ssize_t)strlen(script));
	close(sh.to);
	sh.to = -1;
	while ((got = read(sh.from, said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)got;
	said[len] = '\0';
	return spawn_reap(&sh);
}

void test_two_pipes_and_a_status(void)
{
	int status = shell("echo one; exit 3");

	check(WIFEXITED(status));
	check_int(WEXITSTATUS(status), 3);
	check_text(said, "one\n");
}

void test_no_such_program(void)
{
	struct child none;

	errno = 0;
	check(!spawn(&none, "/nonexistent/program"));
	check_int(errno, ENOENT);
	check(!spawn(&none, "/etc/passwd"));
	check_int(errno, EACCES);
	check_int(waitpid(-1, NULL, 0), -1);
	check_int(errno, ECHILD);
}

/* Those that were open before this program are not its to close. */
void test_no_other_descriptors(void)
{
	struct child cat;
	char path[64];
	struct dirent *e;
	DIR *fds;

	check(spawn(&cat, "/bin/cat"));
	/* once it answers, the descriptors that exec closes are closed, all of them */
	check_int(write(cat.to, "x", 1), 1);
	check_int(read(cat.from, path, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)cat.pid);
	fds = opendir(path);
	check(fds);
	while ((e = readdir(fds)) != NULL) {
		int fd = atoi(e->d_name);

		check(fd <= STDERR_FILENO || (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0);
	}
	closedir(fds);
	check_int(fcntl(cat.to, F_GETFD), FD_CLOEXEC);
	check_int(fcntl(cat.from, F_GETFD), FD_CLOEXEC);
	check_int(spawn_reap(&cat), 0);
}

static unsigned long long signals(const char *field)
{
	const char *line = strstr(said, field);

	check(line);
	return strtoull(line + strlen(field), NULL, 16);
}

static bool has(unsigned long long set, int signal_number)
{
	return set >> (signal_number - 1) & 1;
}

/* Looked at from outside, since a shell has handlers of its own. */
void test_signals(void)
{
	struct child cat;
	char path[64];
	sigset_t all;
	ssize_t got;
	int status;

	signal(SIGPIPE, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	check(spawn(&cat, "/bin/cat"));
	snprintf(path, sizeof(path), "/proc/%d/status", (int)cat.pid);
	status = open(path, O_RDONLY);
	got = read(status, said, sizeof(said) - 1);
	check(got > 0);
	said[got] = '\0';
	check_int(signals("SigBlk:"), 0);
	check(has(signals("SigIgn:"), SIGINT));
	check(has(signals("SigIgn:"), SIGTERM));
	check(!has(signals("SigIgn:"), SIGPIPE));
	check_int(spawn_reap(&cat), 0);
}

/* The middle process dies; what it has spawned must not outlive it, though its stdin stays open. */
void test_dies_with_its_parent(void)
{
	int note[2];
	pid_t middle, child, holder;
	int status;

	check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	check(pipe(note) == 0);
	middle = fork();
	if (middle == 0) {
		struct child cat;

		check(spawn(&cat, "/bin/cat"));
		/* A third process holds the pipe, so that only the signal can end the child. */
		holder = fork();
		while (holder == 0)
			pause();
		check(write(note[1], &cat.pid, sizeof(cat.pid)) == (ssize_t)sizeof(cat.pid));
		check(write(note[1], &holder, sizeof(holder)) == (ssize_t)sizeof(holder));
		raise(SIGKILL);
	}
	check(read(note[0], &child, sizeof(child)) == (ssize_t)sizeof(child));
	check(read(note[0], &holder, sizeof(holder)) == (ssize_t)sizeof(holder));
	check(waitpid(middle, NULL, 0) == middle);
	check(waitpid(child, &status, 0) == child);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	kill(holder, SIGKILL);
	check(waitpid(holder, NULL, 0) == holder);
}

void test_helper_path(void)
{
	struct buf path;
	char want[4096];
	ssize_t len = readlink("/proc/self/exe", want, sizeof(want) - 64);
	char *name;

	buf_init(&path);
	check(len > 0);
	want[len] = '\0';
	name = strrchr(want, '/') + 1;
	strcpy(name, "sink-test+1");
	check_text(spawn_helper_path("Test+1", 6, &path), "no helper for this scheme");
	close(open(want, O_CREAT | O_WRONLY, 0755));
	check(!spawn_helper_path("Test+1://", 6, &path));
	check_text(buf_string(&path), want);
	unlink(want);
	check_text(spawn_helper_path("../x", 4, &path), "not the scheme of a URL");
	check_text(spawn_helper_path("", 0, &path), "not the scheme of a URL");
	check_text(spawn_helper_path("1a", 2, &path), "not the scheme of a URL");
	buf_release(&path);
}
