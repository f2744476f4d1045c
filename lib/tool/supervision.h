/*
 * What control lines do to a filter: a source says them, a stage obeys them and passes them on, a
 * sink consumes them; and what a filter says to its neighbours when it stops.
 */
#ifndef SUPERVISION_H
#define SUPERVISION_H

#include <jansson.h>

#include "io/line.h"
#include "tool/filter.h"

/* A source's first and last line, and the end of an epoch between them. */
void supervision_open(struct filter *f, uint64_t run);
void supervision_last(struct filter *f);
void supervision_epoch(struct filter *f);

/* What became of the records since the last barrier: gives a new reference. */
json_t *supervision_balance(struct filter *f);

/*
 * Takes a line that begins as a control line does. False if it is none of this stream: then it is a
 * malformed record. Dies with EX_CONFIG if the stream is out of order. Does not return from an
 * abort.
 */
bool supervision_line(struct filter *f, const struct line *l);

/* Under a checkpoint a stream without `open` is refused: dies with EX_CONFIG. */
void supervision_demand_open(const struct filter *f);

/* The input has ended: dies with EX_TEMPFAIL if that was not said. */
void supervision_end_of_input(struct filter *f);

/*
 * From now on a death of this process is told to the stages behind it, also one before the first
 * line, so that a mistake on a command line is not taken for empty input.
 */
void supervision_speak_for(struct filter *f);
void supervision_hush(void);

#endif
