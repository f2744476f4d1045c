#include "io/waits.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/die.h"

void waits_init(struct waits *w)
{
	w->fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->fd < 0)
		die_errno(EX_TEMPFAIL, "cannot wait for several inputs");
}

void waits_release(struct waits *w)
{
	close(w->fd);
	w->fd = -1;
}

void waits_add(struct waits *w, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(w->fd, EPOLL_CTL_ADD, fd, &event) != 0 && errno != EPERM && errno != EEXIST)
		die_errno(EX_TEMPFAIL, "cannot wait for several inputs");
}

void waits_remove(struct waits *w, int fd)
{
	epoll_ctl(w->fd, EPOLL_CTL_DEL, fd, NULL);
}
