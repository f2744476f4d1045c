/*
 * What of the spool (state/spool) the destination has answered for: journals acked.RUN.NUMBER in
 * the stage's directory, which a run appends to and syncs entry by entry. An entry is a line: 16
 * hexadecimal digits, XXH3-64 of the JSON object behind the blank that follows them.
 *
 *     {"segment":S,"end":OFFSET}                    all of it before OFFSET is done with
 *     {"segment":S,"frame":OFFSET,"step":N,…}       the N-th answer to that frame, from 1, which
 * was not the last; what else it says is the sender's
 *
 * Frames are answered for one after the other, so the answer to one covers all those before it. The
 * first entries of a journal say again what was known when it was begun, so each stands for itself;
 * and as an entry is a fact, all journals that are there are read, also those of runs that never
 * committed anything. A torn last line is what a crash left: it is not there.
 */
#ifndef ACKED_H
#define ACKED_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/out.h"
#include "state/spool.h"

/* What journals say. */
struct acked {
	json_t *ends;  /* segment -> offset */
	json_t *steps; /* "segment frame" -> [step…], of frames that are not done with */
};

void acked_init(struct acked *a);
void acked_release(struct acked *a);

/* Takes what all journals in a stage's directory say. Dies with EX_IOERR if one is damaged. */
void acked_read(struct acked *a, const char *dir);

/* Whether a frame is done with. */
bool acked_is_done(const struct acked *a, const char *segment, uint64_t offset);

/* Where the sending of a chain stands: the position behind all that is done with. */
uint64_t acked_position(const struct acked *a, const struct spool_chain *c);

/* The steps of a frame, an array, borrowed; NULL: none. */
json_t *acked_steps(const struct acked *a, const char *segment, uint64_t frame);

/* Writes the journals of a run. */
struct journal {
	const char *dir; /* borrowed */
	uint64_t run;
	uint64_t number; /* of the journal in hand */
	char *path;
	struct out out; /* all in it is synced */
	struct buf line;
	char *segment; /* what was done with last; NULL: nothing yet */
	uint64_t end;
	json_t *steps; /* of the frame behind it: [step…] */
};

/* Begins the first journal of a run. */
void journal_init(struct journal *j, const char *dir, uint64_t run);
void journal_release(struct journal *j);

/* All before an offset of a segment is done with. Durable when it returns, as is the next. */
void journal_end(struct journal *j, const char *segment, uint64_t offset);

/* Another step of the frame there; takes the object. */
void journal_step(struct journal *j, const char *segment, uint64_t frame, json_t *step);

/* Which journal says what is known, and how much of it: number << 32 | bytes. */
static inline uint64_t journal_place(const struct journal *j)
{
	return j->number << 32 | j->out.bytes;
}

/* Whether so much of a journal, or all of it with UINT64_MAX, is whole entries (and a torn line
 * behind them, at its end): NULL, or a static reason with the offset. Changes nothing. */
const char *acked_check(const char *path, uint64_t bytes, uint64_t *offset);

#endif
