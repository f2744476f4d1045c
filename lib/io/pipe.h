/* What every program of a pipeline does with the descriptors it was started with. */
#ifndef PIPE_H
#define PIPE_H

#include <stdbool.h>

/*
 * Sees to it that descriptors 0, 1 and 2 are open, so that no file that is opened later gets one of
 * them. One that was closed fails with EBADF when it is read or written, as it did before.
 */
void pipe_guard_standard(void);

/* Makes a pipe as large as the system allows, up to 1 MiB. Of other kinds of files it does nothing.
 */
void pipe_enlarge(int fd);

/*
 * Waits until fd can be read, or written: for one that was made non-blocking by a program that
 * shares it, which is not ours to undo.
 */
void pipe_wait_readable(int fd);
void pipe_wait_writable(int fd);

/* True if fd is a pipe or a socket: something that another program reads. */
bool pipe_has_reader(int fd);

#endif
