/*
 * What becomes of bad records: with a dead-letter store they are filed and the filter goes on, up
 * to a limit; without one the first of them ends it. It says which input, line and byte, and what
 * to do.
 */
#ifndef REJECTS_H
#define REJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/deadletter.h"
#include "tool/opt.h"

struct rejects {
	const char *dlq; /* the store's directory; NULL: none */
	struct rejects_limit {
		bool is_set;
		bool is_percent;
		double most;
	} limit;
	uint64_t count;
};

/* Reads --max-bad, N or P%, into a struct rejects_limit. */
opt_reader rejects_read_limit;

/* Takes one more, of so many records up to now. Dies with EX_DATAERR as said above. */
void rejects_take(
	struct rejects *r, struct deadletters *store, const struct letter *l, uint64_t records);

#endif
