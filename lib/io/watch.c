#include "io/watch.h"

#include <sys/inotify.h>
#include <unistd.h>

enum { EVENTS_BYTES = 4096 };

void watch_init(struct watch *w)
{
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
}

void watch_release(struct watch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

bool watch_add(struct watch *w, const char *dir)
{
	return w->fd >= 0 && inotify_add_watch(w->fd, dir,
				     IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
					     IN_MODIFY | IN_ATTRIB | IN_ONLYDIR) >= 0;
}

void watch_clear(struct watch *w)
{
	char events[EVENTS_BYTES];

	while (w->fd >= 0 && read(w->fd, events, sizeof(events)) > 0)
		;
}
