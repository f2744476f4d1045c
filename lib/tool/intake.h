/*
 * What becomes of a line that comes in: a control line is obeyed, a record is counted, judged,
 * given to the command and settled as it says.
 */
#ifndef INTAKE_H
#define INTAKE_H

#include "io/line.h"
#include "tool/filter.h"

/* A line of the input, which lines gave last; all lines that are there. */
void intake_line(struct filter *f, struct lines *lines, const struct line *l);
void intake_lines(struct filter *f, struct lines *lines);

/* Handles what was prepared and waits: before anything that comes behind it is done, and before the
 * lines that were given are not valid any more. */
void intake_drain(struct filter *f);

/* A record that a source made out of an input's own format; borrows r, whose bytes end in '\n'. */
void intake_record(struct filter *f, struct record *r);

/* Counts in what never became a record, with a verdict of DROPPED or BAD. */
void intake_refuse(struct filter *f, struct record *r, struct verdict v);

#endif
