/*
 * Processes that must not outlive this one. What it starts is killed by the kernel when it dies;
 * what those have started and left behind becomes its own child, and is found here.
 */
#ifndef FAMILY_H
#define FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Orphans among the descendants become children of this process. */
void family_adopt(void);

/* How a program begins. Descriptors but 0, 1 and 2 that it must not have are close-on-exec. */
struct member {
	const char *command;    /* for /bin/sh -c */
	int in;                 /* becomes its stdin, unless it is 0 already */
	int out;                /* its stdout, unless it is 1 */
	int extra;              /* a descriptor that it keeps; -1: none */
	const char *extra_name; /* the variable that tells its number */
	bool ends_on_stop;      /* SIGTERM and SIGINT end it; else it ignores them at first */
};

/*
 * Starts it: with no signal blocked, SIGPIPE as at a process's birth, and a SIGKILL when the
 * calling thread dies. -1 with errno if it can't be.
 */
pid_t family_start(const struct member *m);

/* Kills the children that are not among these: adopted ones. They are yet to be reaped. */
void family_kill_others(const pid_t *children, size_t count);

/* Kills and reaps all children, also adopted ones, until there is none. */
void family_end(void);

#endif
