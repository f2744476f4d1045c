/* The command line of dd-dedupe: what it asks for, and what of it goes together. */
#ifndef DEDUPEARGS_H
#define DEDUPEARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "state/keyset.h"
#include "tool/fields.h"
#include "tool/filter.h"

struct dedupeargs {
	struct key_fields key; /* of no parts: the whole record */
	bool is_whole;
	bool is_canonical;
	const char *newest; /* the field of the version; NULL: versions do not matter */
	const char *doubt;  /* the rate, as it was written */
	struct keyset_conf keys;
	int64_t lateness_ns;
	bool has_lateness;
	const char *late;       /* a file, or "drop"; NULL: neither */
	const char *duplicates; /* a file; NULL: none */
	bool wants_report;
	/* where the rest of it goes; borrowed */
	struct filter *filter;
	struct time_field *time;
	struct opt key_options[5];
	struct opt state_options[5];
};

/* Reads the command line into *a and what it points to. Dies with EX_USAGE. */
void dedupeargs_parse(struct dedupeargs *a, int argc, char **argv);

/* Says which of the options shape what is kept under a checkpoint. */
void dedupeargs_shape(const struct dedupeargs *a);

/* Keys live for --ttl of event time; of the time of arrival. At most one is true. */
bool dedupeargs_by_event(const struct dedupeargs *a);
bool dedupeargs_by_arrival(const struct dedupeargs *a);

#endif
