/* The command line of dd-window: what it asks for, and what of it goes together. */
#ifndef WINDOWARGS_H
#define WINDOWARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "tool/fields.h"
#include "tool/filter.h"
#include "tool/results.h"
#include "tool/windower.h"

enum windowargs_kind {
	WINDOWARGS_NONE,
	WINDOWARGS_HOPPING, /* and tumbling */
	WINDOWARGS_SESSION,
	WINDOWARGS_COUNT,
	WINDOWARGS_CALENDAR,
	WINDOWARGS_ALL,
};

struct windowargs {
	enum windowargs_kind kind;
	bool kind_twice;
	bool wants_all;
	int64_t early_ns;       /* 0: not */
	const char *late;       /* a file, or "drop"; NULL: neither */
	const char *aggregates; /* the list */
	bool is_lenient;
	bool gives_watermarks;
	bool gives_sketches;
	struct key_fields key;
	/* where the rest of it goes; borrowed */
	struct filter *filter;
	struct time_field *time;
	struct results *results;
	struct windower *windower;
	struct opt kind_options[10];
	struct opt result_options[6];
};

/* Reads the command line into *a and what it points to. Dies with EX_USAGE. */
void windowargs_parse(struct windowargs *a, int argc, char **argv);

/* Says which of the options shape what is kept under a checkpoint. */
void windowargs_shape(const struct windowargs *a);

/* Whether the windows end with event time. */
bool windowargs_end_with_time(const struct windowargs *a);

#endif
