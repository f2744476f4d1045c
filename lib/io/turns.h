/*
 * Whether the process may push others off a processor when it wakes. A stage that waits for input
 * would, each time that the one before it has written a block, and the two would take turns by
 * blocks; as SCHED_BATCH (sched(7)) it waits for its turn, and finds a full pipe. For a record that
 * somebody waits for the ordinary policy is the right one. How much a read gives tells which of
 * the two is the case.
 */
#ifndef TURNS_H
#define TURNS_H

#include <stddef.h>

enum {
	TURNS_LONG_BYTES = 64 << 10, /* in one read: SCHED_BATCH */
	TURNS_SHORT_READS = 4        /* in a row that gave less: SCHED_OTHER */
};

/* A read gave so many bytes. A system call only where that changes the policy. A process that was
 * started with any other policy than SCHED_OTHER keeps it; what it starts has its policy. */
void turns_adapt(size_t bytes);

#endif
