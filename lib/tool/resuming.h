/*
 * How a source goes on from its record: each file of the record is found again, or missed, before a
 * byte is read. The files belong to the inputs; what is worked out on the way dies here.
 */
#ifndef RESUMING_H
#define RESUMING_H

struct findings;
struct inputs;
struct snapshot;

/*
 * Fills the inputs, which are empty, with what the record and the log of earlier runs have; marks
 * the findings that are among them. from may be NULL: there is no record. Dies with EX_IOERR where
 * a file with unread bytes is not there any more, EX_CONFIG where these inputs don't fit the
 * record.
 */
void resuming_start(struct inputs *in, const struct snapshot *from, struct findings *f);

#endif
