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

/* A share of fewer records than this says nothing. */
enum { REJECTS_PERCENT_FROM = 100 };

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

/*
 * Dies with EX_DATAERR if too many of so many records were bad. A share comes to be too large with
 * a bad record, or when there are enough of all to judge it.
 */
void rejects_judge(const struct rejects *r, const char *source, uint64_t line, uint64_t records);

#endif
