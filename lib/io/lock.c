#include "io/lock.h"

#include <errno.h>
#include <sys/file.h>

#include "base/die.h"
#include "base/instant.h"
#include "io/loop.h"

enum { WAIT_S = 5, LOOK_MS = 20 };

bool lock_wait(int fd, const char *name)
{
	int64_t until_ns = loop_now_ns() + (int64_t)WAIT_S * NS_PER_S;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			die_errno(EX_IOERR, "cannot lock '%s'", name);
		if (loop_now_ns() > until_ns)
			return false;
		loop_wait(-1, -1, loop_now_ns() + (int64_t)LOOK_MS * NS_PER_MS);
	}
	return true;
}
