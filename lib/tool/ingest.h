/*
 * A source at work: reads its inputs one after the other, or merged by the time of their records,
 * ends epochs, keeps to a rate, and stops when asked to, always behind a whole record.
 */
#ifndef INGEST_H
#define INGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/merge.h"
#include "io/waits.h"
#include "io/watch.h"
#include "tool/fields.h"
#include "tool/filter.h"
#include "tool/inputs.h"
#include "tool/pace.h"

struct ingest_rules {
	struct inputs_rules inputs;
	struct pace_rules pace;
	bool merges;
	uint64_t read_ahead_bytes; /* for all inputs that are merged */
};

struct ingest {
	struct filter *filter;
	const struct ingest_rules *rules;
	struct time_field *time; /* of merging; borrowed */
	struct inputs inputs;
	struct pace pace;
	struct merge merge;
	struct span *fields; /* of a record that is put in order */
	struct waits waits;
	struct watch watch;
	bool is_complete;  /* all is read, and said */
	int64_t looked_ns; /* when the directories were looked at last */
};

/* Borrows all. */
void ingest_init(struct ingest *g, struct filter *f, const struct ingest_rules *rules,
	struct time_field *time, char **operands, int count);
void ingest_release(struct ingest *g);

/* For the handlers of the same names. */
void ingest_begin(struct ingest *g);
void ingest_restore(struct ingest *g, const struct snapshot *from);
void ingest_snapshot(struct ingest *g, struct snapshot *to);

/* Between filter_begin and filter_end. */
void ingest_run(struct ingest *g);

#endif
