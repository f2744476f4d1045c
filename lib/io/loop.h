/*
 * The one place where a program waits: for input, for a time, for a signal. The only reader of the
 * clocks.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

#define LOOP_NEVER INT64_MAX

/* The monotonic clock, and the time of day since 1970, in nanoseconds. */
int64_t loop_now_ns(void);
int64_t loop_wall_ns(void);

/* Ignores SIGPIPE and takes SIGUSR1 as the question for figures. Once, at the start. */
void loop_init(void);

/*
 * From now on SIGTERM and SIGINT are only noted; but a third one exits with EX_TEMPFAIL at once.
 * Without it they end the process, as they end any filter.
 */
void loop_catch_stop(void);
bool loop_stop_asked(void);

/* True from the second of them on. */
bool loop_stop_insisted(void);

/* From now on the end of a child ends a wait, as any signal does. */
void loop_catch_child(void);

/* True once for each SIGUSR1. */
bool loop_figures_asked(void);

/* True if a read of fd would not block. A descriptor of -1 never blocks. */
bool loop_ready(int fd);

/* What ended a wait. */
enum loop_event { LOOP_NOTHING, LOOP_READABLE, LOOP_READER_GONE };

/*
 * Waits until fd can be read (-1: none), until nobody reads the pipe out_fd any more (-1: none),
 * until the monotonic clock says until_ns, or until a signal came.
 */
enum loop_event loop_wait(int fd, int out_fd, int64_t until_ns);

enum { LOOP_FDS_MAX = 8 };

/* Waits until one of count descriptors (-1: none; at most LOOP_FDS_MAX) can be read, the time has
 * come or a signal came. */
void loop_wait_any(const int *fds, int count, int64_t until_ns);

#endif
