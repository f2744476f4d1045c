/*
 * What the sender does: it works through the frames of the spool, one after the other, and writes
 * down each answer before it acts on it. What a crash cuts short goes on with the very piece that
 * was on its way, under the same key. It blocks; it runs in a process of its own (tool/sender).
 *
 * The key of a piece is INCARNATION-RUN.NUMBER-OFFSET-LENGTH: the segment, where in it the piece's
 * first record begins, and how long its lines are; where records between the first and the last are
 * not in it, -HASH follows, the XXH3-64 of the lines.
 */
#ifndef SENDING_H
#define SENDING_H

#include "state/acked.h"
#include "state/spool.h"
#include "tool/desthelper.h"
#include "tool/sender.h"

struct sending {
	struct desthelper *destination; /* borrowed; its helper is opened here */
	const struct checkpoint *checkpoint;
	struct spool_chain *chain;
	struct journal *journal;
	const struct acked *acked; /* what was known at the start */
	uint64_t position;         /* all before it is done with */
	uint64_t records;          /* behind it */
};

/* Never returns. */
void sending_run(void *sending, const struct sender_work *w) __attribute__((noreturn));

#endif
