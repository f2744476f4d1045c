/* Tells that something has changed in a directory, by inotify(7). Only a hint: what it can't see
 * (network file systems, too many watches) is found by looking again now and then. */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>

struct watch {
	int fd; /* to be waited on; -1 where there is no inotify */
};

void watch_init(struct watch *w);
void watch_release(struct watch *w);

/* From now on fd is readable when a name comes, goes or is replaced in the directory, or a file in
 * it is written to. False if it can't be watched. */
bool watch_add(struct watch *w, const char *dir);

/* Takes what was told; fd is no longer readable. */
void watch_clear(struct watch *w);

#endif
