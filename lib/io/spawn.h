/* A program at the other end of two pipes. */
#ifndef SPAWN_H
#define SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

struct child {
	pid_t pid;
	int to;   /* its stdin; close-on-exec */
	int from; /* its stdout; close-on-exec */
};

/*
 * Starts the program at path, without arguments. It keeps the caller's stderr and environment; no
 * signal is blocked in it and SIGPIPE kills it. It ignores SIGINT and SIGTERM, which a terminal or
 * a service manager sends to every process at once: its orders come by its stdin. The kernel kills
 * it when the calling thread dies.
 *
 * Descriptors 0, 1 and 2 must be open, and those that the child must not have close-on-exec.
 * False, with errno, when it can't be started; also when the file can't be executed.
 */
bool spawn(struct child *child, const char *path);

/* Closes both pipes, those already closed being -1, waits, and returns the status of waitpid(2). */
int spawn_reap(struct child *child);

/*
 * Where the sink helper of a URL's scheme is, relative to the running program's directory D:
 * D/../libexec/ddpipe/sink-SCHEME, or D/sink-SCHEME in a build tree. A scheme is [a-z][a-z0-9+.-]*
 * in either case. Returns NULL with the path in `path`, or a static reason.
 */
const char *spawn_helper_path(const char *scheme, size_t len, struct buf *path);

#endif
