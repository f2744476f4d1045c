#include "tool/handshake.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/die.h"
#include "io/loop.h"
#include "state/checkpoint.h"

static const char ready_byte = 'r';

static int ready_descriptor(const char *text)
{
	char *end;
	long fd = strtol(text, &end, 10);

	if (!*text || *end || fd <= STDERR_FILENO || fd > INT16_MAX)
		die(EX_USAGE, "DDPIPE_READY_FD is '%s', which is no descriptor", text);
	/* what this program starts has no business with it */
	if (fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0)
		return -1;
	return (int)fd;
}

void handshake_init(struct handshake *h)
{
	const char *run = getenv("DDPIPE_RUN"), *ready = getenv("DDPIPE_READY_FD");

	*h = (struct handshake){.ready = -1};
	if (!run)
		return;
	if (!run_read(run, &h->run))
		die(EX_USAGE, "DDPIPE_RUN is '%s', which is not 16 hexadecimal digits", run);
	h->has_run = true;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ready)
		h->ready = ready_descriptor(ready);
}

void handshake_await(struct handshake *h)
{
	ssize_t n;
	char byte;

	if (h->ready < 0)
		return;
	while (loop_wait(h->ready, -1, LOOP_NEVER) != LOOP_READABLE)
		if (loop_stop_asked())
			die(EX_TEMPFAIL, "interrupted before the sink was ready");
	while ((n = read(h->ready, &byte, 1)) < 0 && errno == EINTR)
		;
	handshake_close(h);
	if (n != 1)
		die(EX_TEMPFAIL, "the sink ended before it was ready");
}

bool handshake_is_awaited(const struct handshake *h)
{
	return h->ready >= 0;
}

void handshake_ready(struct handshake *h)
{
	/* nobody may be there to read it, who is then about to tell so */
	if (h->ready >= 0 && write(h->ready, &ready_byte, 1) < 0 && errno != EPIPE)
		warn("cannot tell that the sink is ready");
	handshake_close(h);
}

void handshake_close(struct handshake *h)
{
	if (h->ready >= 0)
		close(h->ready);
	h->ready = -1;
}
