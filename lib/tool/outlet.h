/*
 * Where a filter's lines go: on to the next stage, to a side file, to the dead letters. What passes
 * is written from the read buffer where it stands, neighbours in one run.
 */
#ifndef OUTLET_H
#define OUTLET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "io/out.h"
#include "state/deadletter.h"
#include "state/sidefile.h"

struct outlet {
	struct out out;
	const char *run_from; /* passed lines of the read buffer that are not in out yet */
	size_t run_len;
	struct buf after; /* lines to follow the record in hand */
	struct out side;  /* records taken out into a file of their own */
	bool has_side;
	bool side_is_file;     /* and no pipe or device */
	const char *side_path; /* where the side file is to be, and what it is for */
	const char *side_kind;
	struct sidefile segments; /* under a checkpoint in place of side */
	bool has_segments;
	bool is_checkpointed;
	struct deadletters letters;
};

/* Writes to the standard output, which it takes over; dead letters and side are opened apart. */
void outlet_init(struct outlet *o);
void outlet_release(struct outlet *o);

/* line[len] is '\n'. In place: line stays where it is until outlet_flush_passed. */
void outlet_pass_in_place(struct outlet *o, const char *line, size_t len);
void outlet_pass_copied(struct outlet *o, const char *line, size_t len);

/* What was passed goes to the output's own buffer. */
void outlet_flush_passed(struct outlet *o);

/* Writes the lines that were put into after. */
void outlet_send_after(struct outlet *o);

/* Opens the side file, to be appended to; it may be a pipe or a device. Once. kind is static and
 * says what is in it. */
void outlet_side_open(struct outlet *o, const char *path, const char *kind);
void outlet_side_add(struct outlet *o, const char *line, size_t len);

/*
 * Under a checkpoint: what goes to the side file and to the dead letters from now on is of an
 * epoch. seal makes it durable and goes on to the next epoch; publish makes it seen, up to an epoch
 * that is committed.
 */
void outlet_begin_epoch(struct outlet *o, const struct checkpoint *c, uint64_t epoch);
void outlet_seal(struct outlet *o);
void outlet_publish(struct outlet *o, struct epoch committed);

/* All is written, before a wait; the letters and the side file are durable, at a barrier or the
 * end. */
void outlet_flush(struct outlet *o);
void outlet_sync(struct outlet *o);

#endif
