#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/die.h"
#include "base/instant.h"

static volatile sig_atomic_t stops, figures;

/* A signal that comes between a look at the flags and poll would be slept through, were it not for
 * a byte in this pipe. */
static int wake[2] = {-1, -1};

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t loop_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t loop_wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/* What a supervisor passes on by sigqueue(3) may have come by itself as well: it insists on
 * nothing. */
static void on_signal(int number, siginfo_t *info, void *context)
{
	int error = errno;

	(void)context;
	if (number == SIGUSR1)
		figures = 1;
	else if (info->si_code == SI_QUEUE && stops)
		return;
	else if (number != SIGCHLD && ++stops > 2)
		_exit(EX_TEMPFAIL);
	if (write(wake[1], "", 1) < 0) {
		/* the pipe is full, so the loop wakes up as it is */
	}
	errno = error;
}

static void catch (int number)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

void loop_init(void)
{
	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
		die_errno(EX_TEMPFAIL, "cannot make a pipe");
	signal(SIGPIPE, SIG_IGN);
	catch (SIGUSR1);
}

void loop_catch_stop(void)
{
	catch (SIGTERM);
	catch (SIGINT);
}

void loop_catch_child(void)
{
	catch (SIGCHLD);
}

bool loop_stop_asked(void)
{
	return stops != 0;
}

bool loop_stop_insisted(void)
{
	return stops > 1;
}

bool loop_figures_asked(void)
{
	if (!figures)
		return false;
	figures = 0;
	return true;
}

bool loop_ready(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return fd < 0 || poll(&p, 1, 0) > 0;
}

static int wait_ms(int64_t until_ns)
{
	int64_t left_ns;

	if (until_ns == LOOP_NEVER)
		return -1;
	left_ns = until_ns - loop_now_ns();
	if (left_ns <= 0)
		return 0;
	if (left_ns > (int64_t)60 * NS_PER_S)
		return 60 * 1000;
	return (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
}

static void drain_wake(void)
{
	char bytes[64];

	while (read(wake[0], bytes, sizeof(bytes)) > 0)
		;
}

enum loop_event loop_wait(int fd, int out_fd, int64_t until_ns)
{
	struct pollfd p[] = {
		{.fd = wake[0], .events = POLLIN}, {.fd = fd, .events = POLLIN},
		{.fd = out_fd}, /* errors are told unasked */
	};
	int n = poll(p, 3, wait_ms(until_ns));

	if (n < 0 && errno != EINTR)
		die_errno(EX_TEMPFAIL, "cannot wait for input");
	if (n <= 0)
		return LOOP_NOTHING;
	if (p[0].revents)
		drain_wake();
	if (p[1].revents)
		return LOOP_READABLE;
	return p[2].revents ? LOOP_READER_GONE : LOOP_NOTHING;
}

void loop_wait_any(const int *fds, int count, int64_t until_ns)
{
	struct pollfd p[1 + LOOP_FDS_MAX] = {{.fd = wake[0], .events = POLLIN}};
	int n;

	assert(count <= LOOP_FDS_MAX);
	for (int i = 0; i < count; i++)
		p[1 + i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	n = poll(p, (nfds_t)count + 1, wait_ms(until_ns));
	if (n < 0 && errno != EINTR)
		die_errno(EX_TEMPFAIL, "cannot wait");
	if (n > 0 && p[0].revents)
		drain_wake();
}
