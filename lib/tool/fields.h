/* The options that name the fields a command works on, --time and --key, and what they read. */
#ifndef FIELDS_H
#define FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "record/key.h"
#include "record/time.h"
#include "tool/filter.h"
#include "tool/opt.h"

/* Where a record's event time stands and how it is written. */
struct time_field {
	const char *name; /* NULL: --time was not given */
	const char *format;
	const char *zone;
	struct opt options[4];
	int field;
	struct time_format reader;
	bool unit_told;
};

void time_field_init(struct time_field *t);
void time_field_release(struct time_field *t);

/* The rows of --time, --time-format and --tz; valid while t is. */
const struct opt *time_field_options(struct time_field *t);

/* After parsing: asks f for the field. Dies with EX_USAGE or, for a zone, EX_CONFIG. */
void time_field_ask(struct time_field *t, struct filter *f);

const char *time_field_read_any(
	struct time_field *t, struct filter *f, const struct record *r, int64_t *time_ns);

/* The record's event time. NULL, or the verdict's reason, its detail said to f. */
static inline const char *time_field_read(
	struct time_field *t, struct filter *f, const struct record *r, int64_t *time_ns)
{
	return time_read_few(&t->reader, &r->fields[t->field], time_ns)
		       ? NULL
		       : time_field_read_any(t, f, r, time_ns);
}

/* Under a checkpoint: another --time is another state; the unit that auto decided is kept. */
void time_field_shape(const struct time_field *t, struct filter *f);
void time_field_snapshot(const struct time_field *t, json_t *state);
void time_field_restore(struct time_field *t, const json_t *state);

/* The reader of --key, for a struct key_fields; and asking for its fields. */
opt_reader fields_key;
void fields_ask(struct key_fields *k, struct filter *f);

/* Under a checkpoint: others, or in another order, are another state. */
void fields_shape(const struct key_fields *k, struct filter *f, const char *option);

#endif
