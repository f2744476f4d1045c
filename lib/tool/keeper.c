#include "tool/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "io/family.h"
#include "io/loop.h"
#include "io/signals.h"
#include "tool/pipeline.h"

static void send_byte(int socket, char byte)
{
	/* Who is gone does not need it. */
	if (send(socket, &byte, 1, MSG_NOSIGNAL) != 1 && errno != EPIPE && errno != ECONNRESET)
		die_errno(EX_OSERR, "cannot talk to the keeper of the pipeline");
}

/* False if there is nothing to hear; 0 at the end. */
static bool receive_byte(int socket, char *byte)
{
	ssize_t n = recv(socket, byte, 1, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n != 1)
		*byte = 0;
	return true;
}

/* The keeper's side */

static void obey(struct pipeline *p, char order)
{
	switch (order) {
	case ORDER_STOP:
	case ORDER_STOP_KNOWN:
		pipeline_stop(p, order == ORDER_STOP_KNOWN, loop_now_ns());
		break;
	case ORDER_STOP_NOW:
		pipeline_signal(p, SIGTERM, false);
		break;
	case ORDER_FIGURES:
		pipeline_signal(p, SIGUSR1, true);
		break;
	case ORDER_KILL:
		pipeline_signal(p, SIGKILL, false);
		break;
	default: /* dd-run has died */
		family_end();
		_exit(EX_TEMPFAIL);
	}
}

static void keep(struct pipeline *p, int socket, int children)
{
	bool said_ready = false;
	struct signal_told told;
	int64_t until_ns;
	char order;

	while (!pipeline_has_ended(p)) {
		if (p->is_ready && !said_ready)
			send_byte(socket, KEEPER_READY);
		said_ready = p->is_ready;
		until_ns = pipeline_attend(p, loop_now_ns());
		loop_wait_any((const int[]){socket, p->from_sink, children}, 3, until_ns);
		if (receive_byte(socket, &order))
			obey(p, order);
		pipeline_hear(p);
		while (signals_next(children, &told))
			;
		pipeline_reap(p, loop_now_ns());
	}
}

static void keeper_run(const struct shell_parts *parts, bool under_checkpoint, int socket)
	__attribute__((noreturn));

static void keeper_run(const struct shell_parts *parts, bool under_checkpoint, int socket)
{
	/* Orders come over the socket; what a terminal says to all of us is not one. */
	int children = signals_open((const int[]){SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, 0});
	struct pipeline p;
	int status;

	family_adopt();
	pipeline_start(&p, parts, under_checkpoint);
	keep(&p, socket, children);
	family_end();
	status = cause_of(p.ends, p.ended);
	pipeline_release(&p);
	exit(status);
}

/* dd-run's side */

void keeper_start(struct keeper *k, const struct shell_parts *parts, bool under_checkpoint)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		die_errno(EX_TEMPFAIL, "cannot make a socket");
	family_adopt();
	k->socket = ends[0];
	k->pid = fork();
	if (k->pid < 0)
		die_errno(EX_TEMPFAIL, "cannot start a process");
	if (k->pid == 0) {
		close(ends[0]);
		keeper_run(parts, under_checkpoint, ends[1]);
	}
	close(ends[1]);
}

void keeper_order(const struct keeper *k, enum order order)
{
	send_byte(k->socket, (char)order);
}

enum keeper_news keeper_hear(const struct keeper *k)
{
	char news;

	if (!receive_byte(k->socket, &news))
		return KEEPER_SILENT;
	return news == KEEPER_READY ? KEEPER_READY : KEEPER_GONE;
}

int keeper_end(struct keeper *k)
{
	int status = 0;

	while (waitpid(k->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(k->socket);
	family_end();
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	warn("the keeper of the pipeline was killed by signal %d", WTERMSIG(status));
	return EX_TEMPFAIL;
}
