/* Numbers that nobody can guess: names of runs, jitter. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

/* 64 random bits from the kernel. Dies with EX_TEMPFAIL when there are none. */
uint64_t random_number(void);

#endif
