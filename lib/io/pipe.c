#include "io/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"

enum { PIPE_BYTES = 1 << 20, PIPE_BYTES_MIN = 128 << 10 };

void pipe_guard_standard(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		/* the wrong way round on purpose: reading 0 and writing 1 and 2 must fail */
		int wrong_way = fd == 0 ? O_WRONLY : O_RDONLY;

		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", wrong_way) != fd)
			_exit(EX_TEMPFAIL);
	}
}

void pipe_enlarge(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISFIFO(st.st_mode))
		return;
	/* an unprivileged user's share may be used up: then less will do */
	for (int bytes = PIPE_BYTES; bytes >= PIPE_BYTES_MIN; bytes /= 2)
		if (fcntl(fd, F_GETPIPE_SZ) >= bytes || fcntl(fd, F_SETPIPE_SZ, bytes) >= 0)
			return;
}

static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	if (poll(&p, 1, -1) < 0 && errno != EINTR)
		die_errno(EX_TEMPFAIL, "cannot wait for input or output");
}

void pipe_wait_readable(int fd)
{
	wait_for(fd, POLLIN);
}

void pipe_wait_writable(int fd)
{
	wait_for(fd, POLLOUT);
}

bool pipe_has_reader(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}
