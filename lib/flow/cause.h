/*
 * What stopped a pipeline, of all that the ends of its programs say. A crash makes its neighbours
 * stop with "try again", and a program whose reader is gone dies of SIGPIPE: those are
 * consequences.
 */
#ifndef CAUSE_H
#define CAUSE_H

#include <stdbool.h>
#include <stddef.h>

enum { CAUSE_TRY_AGAIN = 75 }; /* EX_TEMPFAIL */

struct ending {
	bool by_signal;
	int number;   /* the exit status, or the signal's */
	bool excused; /* a signal that says nothing: SIGPIPE, or one that we sent */
};

/*
 * The exit status of the pipeline; the ends stand in the order of time. That of the first program
 * that failed with another status than "try again"; else "try again" if one did so or was killed;
 * else 0.
 */
int cause_of(const struct ending *ends, size_t count);

/* Whether the same pipeline, started again, may come further: not where data, the command line, the
 * configuration or a file is at fault. */
bool cause_may_pass(int status);

#endif
