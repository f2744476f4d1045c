#include "tool/sender.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "io/loop.h"
#include "io/spawn.h"

void sender_init(struct sender *s)
{
	void *shared = mmap(NULL, sizeof(struct sender_progress), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		die_errno(EX_TEMPFAIL, "cannot share memory with the sender");
	*s = (struct sender){.pid = -1, .progress = shared};
}

/* Whose last words are kept for the parent, which exits as this process does. */
static struct sender_progress *testament;

static void last_words(int status, const char *why)
{
	size_t len = strlen(why);

	(void)status;
	if (len >= SENDER_WHY_MAX)
		len = SENDER_WHY_MAX - 1;
	memcpy(testament->why, why, len);
	testament->why[len] = '\0';
}

/* Neighbours must not wait for this process, nor read what it says. */
static void let_go(struct filter *f)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		die_errno(EX_OSERR, "cannot open /dev/null");
	close(null);
	handshake_close(&f->handshake);
	f->outlet.out.supervised = false;
}

static void become_sender(struct filter *f, const struct sender_work *w, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* the parent may have died before the kernel was asked */
	if (getppid() != parent)
		_exit(EX_TEMPFAIL);
	loop_init();
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	testament = w->progress;
	die_last_words(last_words);
	let_go(f);
}

static void pipe_make(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) != 0)
		die_errno(EX_TEMPFAIL, "cannot make a pipe");
}

void sender_start(struct sender *s, struct filter *f,
	void (*run)(void *context, const struct sender_work *w), void *context)
{
	struct sender_work w = {.progress = s->progress};
	pid_t parent = getpid();
	int orders[2], news[2];

	pipe_make(orders);
	pipe_make(news);
	fcntl(news[0], F_SETFL, O_NONBLOCK);
	fcntl(news[1], F_SETFL, O_NONBLOCK);
	outlet_flush(&f->outlet);
	loop_catch_child();
	s->pid = fork();
	if (s->pid < 0)
		die_errno(EX_TEMPFAIL, "cannot start the sender");
	if (s->pid == 0) {
		close(orders[1]);
		close(news[0]);
		w.orders = orders[0];
		w.news = news[1];
		become_sender(f, &w, parent);
		run(context, &w);
		_exit(EX_SOFTWARE);
	}
	close(orders[0]);
	close(news[1]);
	s->orders = orders[1];
	s->news = news[0];
}

bool sender_order(const struct sender *s, const struct sender_order *order)
{
	ssize_t n;

	/* less than PIPE_BUF: all or nothing */
	do
		n = write(s->orders, order, sizeof(*order));
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EPIPE)
		die_errno(EX_OSERR, "cannot write to the sender");
	return n > 0;
}

bool sender_hear(const struct sender *s)
{
	char bytes[4096];
	ssize_t n;

	do
		n = read(s->news, bytes, sizeof(bytes));
	while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0;
}

int sender_reap(struct sender *s)
{
	int status = 0;

	close(s->orders);
	close(s->news);
	while (waitpid(s->pid, &status, 0) < 0)
		if (errno != EINTR)
			die_errno(EX_OSERR, "cannot wait for the sender");
	return status;
}

bool sender_next_order(const struct sender_work *w, struct sender_order *order)
{
	ssize_t n;

	if (!loop_ready(w->orders))
		return false;
	do
		n = read(w->orders, order, sizeof(*order));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(*order))
		_exit(EX_TEMPFAIL);
	return true;
}

/* Where the pipe is full there is news enough in it. */
void sender_tell(const struct sender_work *w)
{
	while (write(w->news, "", 1) < 0 && errno == EINTR)
		;
}
