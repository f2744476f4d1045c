/* Locks of files (flock(2)), which are held for as long as the descriptor or a copy of it is open.
 */
#ifndef LOCK_H
#define LOCK_H

#include <stdbool.h>

/*
 * Takes the lock of a file, waiting up to five seconds for the one who has it: a process that is
 * ending lets it go by itself. False if it is held even then. name is for messages.
 */
bool lock_wait(int fd, const char *name);

#endif
