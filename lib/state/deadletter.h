/*
 * The dead-letter store: a directory in which each stage of each run appends to a segment of its
 * own, STAGE.RUN.ndjson, one envelope a line. A segment has one writer and is never written again;
 * a reader takes whole lines only, so a torn last line of a crash is not there.
 *
 * Under a checkpoint each epoch has a segment of its own, STAGE.RUN.EPOCH.ndjson. Until the epoch
 * is committed its name is .INCARNATION.STAGE.RUN.EPOCH.partial, which readers pass over.
 *
 * What the receiver of a spool refuses stands in a segment for each of its batches,
 * STAGE.spool.RUN.NUMBER.OFFSET.ndjson, with a hidden name until the batch is done with.
 */
#ifndef DEADLETTER_H
#define DEADLETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/out.h"
#include "record/scan.h"

/* What is filed; borrows all that it points to. */
struct letter {
	const char *reason;
	const char *detail; /* NULL: none */
	const char *source; /* the input's name */
	uint64_t line;      /* its number there, from 1 */
	uint64_t offset;    /* of its first byte there */
	const char *bytes;  /* the line, or the kept beginning of one that is too long */
	size_t len;
	uint64_t length; /* of the whole line, in bytes */
	uint64_t hash;   /* XXH3-64 of the whole line */
};

struct deadletters {
	const char *dir; /* borrowed, as are the next two */
	const char *pipeline;
	const char *stage;
	uint64_t run;
	const char *incarnation; /* under a checkpoint; else NULL */
	uint64_t epoch;          /* the one in hand */
	const char *batch;       /* in place of run and epoch: of the spool, borrowed */
	char *path;              /* of the segment; NULL until its first letter */
	struct out segment;
	uint64_t filed;     /* into it */
	struct paths paths; /* to read back what is written */
	int record;
	struct buf line;
};

/* Makes the directory if it is not there. The segment is made by the first letter. */
void deadletters_init(struct deadletters *d, const char *dir, const char *pipeline,
	const char *stage, uint64_t run);
void deadletters_release(struct deadletters *d);

/* From now on letters are of an epoch of a run, and stand in the store once that is committed. */
void deadletters_begin_epoch(
	struct deadletters *d, const char *incarnation, uint64_t run, uint64_t epoch);

/* Makes the epoch's letters durable; the next epoch begins. */
void deadletters_seal(struct deadletters *d);

/* The run has come to a committed epoch: what is of it and not beyond it is published. */
void deadletters_publish(const struct deadletters *d, uint64_t run, uint64_t epoch);

/* The same for another stage, which is there no more to do it itself. Durable when it returns. */
void deadletters_publish_for(
	const struct deadletters *d, const char *stage, uint64_t run, uint64_t epoch);

/* Makes durable what was published by whoever died before he could: to be called before anything is
 * made that a commit of another run may follow. */
void deadletters_adopt(const struct deadletters *d);

/* Deletes what other runs than this one and `spared` left, which can't be committed any more. */
void deadletters_sweep(const struct deadletters *d, uint64_t spared);

/*
 * The same for the batches of a spool: letters are of a batch from now on, which is named
 * spool.RUN.NUMBER.OFFSET; they stand in the store once it is published. recover does that for what
 * a crash left of batches that are done with, and deletes the letters of the others.
 */
void deadletters_begin_batch(struct deadletters *d, const char *incarnation, const char *batch);
void deadletters_publish_batch(const struct deadletters *d, const char *batch);
void deadletters_recover_batches(const struct deadletters *d,
	bool (*is_done)(void *context, const char *batch), void *context);

/* Files a letter: it is in the segment at the next flush. */
void deadletters_file(struct deadletters *d, const struct letter *l);
void deadletters_flush(struct deadletters *d);

/* Makes durable what was filed. */
void deadletters_sync(struct deadletters *d);

#endif
