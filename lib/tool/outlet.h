/*
 * Where a filter's lines go: on to the next stage, to side files, to the dead letters. What passes
 * is written from the read buffer where it stands, neighbours in one run, with what comes between
 * them.
 */
#ifndef OUTLET_H
#define OUTLET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "io/out.h"
#include "state/deadletter.h"
#include "tool/side.h"

enum { OUTLET_SIDES_MAX = 2 };

struct outlet {
	struct out out;
	const char *run_from; /* passed lines of the read buffer that are not in out yet */
	size_t run_len;
	struct buf after;                    /* lines to follow the record in hand */
	struct side sides[OUTLET_SIDES_MAX]; /* records taken out into files of their own */
	unsigned side_count;
	bool is_checkpointed;
	struct deadletters letters;
};

/* Writes to the standard output, which it takes over; dead letters and side are opened apart. */
void outlet_init(struct outlet *o);
void outlet_release(struct outlet *o);

/* What was passed in place is written, or goes to the output's own buffer. */
void outlet_flush_passed(struct outlet *o);

/* Something else comes behind the run of lines. */
void outlet_end_run(struct outlet *o);

/* line[len] is '\n'. In place: line stays where it is until outlet_flush_passed. */
static inline void outlet_pass_in_place(struct outlet *o, const char *line, size_t len)
{
	if (o->run_from + o->run_len != line) {
		outlet_end_run(o);
		o->run_from = line;
	}
	o->run_len += len + 1;
}

void outlet_pass_copied(struct outlet *o, const char *line, size_t len);

/* Writes the lines that were put into after. */
void outlet_send_lines_after(struct outlet *o);

static inline void outlet_send_after(struct outlet *o)
{
	if (o->after.len)
		outlet_send_lines_after(o);
}

/* One more side file, kept by the outlet; its lines go to side_add. At most OUTLET_SIDES_MAX,
 * before the first epoch. */
struct side *outlet_side(struct outlet *o, const char *path, const char *kind);

/*
 * Under a checkpoint: what goes to the side files and to the dead letters from now on is of an
 * epoch. seal makes it durable and goes on to the next epoch; publish makes it seen, up to an epoch
 * that is committed.
 */
void outlet_begin_epoch(struct outlet *o, const struct checkpoint *c, uint64_t epoch);
void outlet_seal(struct outlet *o);
void outlet_publish(struct outlet *o, struct epoch committed);

/* All is written, before a wait; the letters and the side files are durable, at a barrier or the
 * end. */
void outlet_flush(struct outlet *o);
void outlet_sync(struct outlet *o);

#endif
