/*
 * Signals as input: they are blocked and read from a descriptor, so that a program that waits for
 * several things meets them in the same wait, and learns where each came from.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>

struct signal_told {
	int number;
	bool from_terminal; /* the kernel sent it, to the whole process group */
};

/*
 * From now on the signals of the list, which ends with 0, are read from the descriptor that is
 * returned (close-on-exec). One that was ignored stays so. What is started must unblock them.
 */
int signals_open(const int *numbers);

/* Takes the next one; false if none is there. */
bool signals_next(int fd, struct signal_told *told);

#endif
