/* Reads a list of aggregates, as --agg has it. */
#ifndef AGGPARSE_H
#define AGGPARSE_H

#include "record/aggregate.h"

/* Fills list and count of a, which is zeros; otherwise as aggregates_compile. */
const char *aggparse_list(
	struct aggregates *a, const char *list, struct paths *paths, size_t *column);

#endif
