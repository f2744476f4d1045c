/*
 * The balance of a stage: every record that went in was passed, absorbed into a result, taken out
 * for a named reason, or is unfinished as yet; what the stage made is counted apart.
 */
#ifndef BALANCE_H
#define BALANCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { BALANCE_REASONS_MAX = 64 };

struct balance_reason {
	const char *name; /* static */
	uint64_t count;
};

struct balance {
	uint64_t in;
	uint64_t passed;
	uint64_t absorbed;
	uint64_t made;
	uint64_t empty;   /* empty lines are no records and stand apart */
	uint64_t hash_in; /* sums of XXH3-64 of the lines, modulo 2^64 */
	uint64_t hash_out;
	struct balance_reason reasons[BALANCE_REASONS_MAX];
	unsigned reason_count;
};

/* Counts a record under a reason, a static name. At most BALANCE_REASONS_MAX names. */
void balance_reason(struct balance *b, const char *reason);

/* Records of which nothing became yet: 0 at the end of a run. */
uint64_t balance_unfinished(const struct balance *b);

/* Appends "in 12 = passed 10 + duplicate 2; out 10". passed_word is what passing means here. */
void balance_text(struct buf *to, const struct balance *b, const char *passed_word);

/* What came since an earlier state of it, as it stands in a barrier; gives a new reference. */
json_t *balance_json(const struct balance *b, const struct balance *since, const char *stage);

#endif
