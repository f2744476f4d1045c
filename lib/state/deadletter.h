/*
 * The dead-letter store: a directory in which each stage of each run appends to a segment of its
 * own, STAGE.RUN.ndjson, one envelope a line. A segment has one writer and is never written again;
 * a reader takes whole lines only, so a torn last line of a crash is not there.
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
	char *path; /* of the segment; NULL until the first letter */
	struct out segment;
	uint64_t filed;
	struct paths paths; /* to read back what is written */
	int record;
	struct buf line;
};

/* Makes the directory if it is not there. The segment is made by the first letter. */
void deadletters_init(struct deadletters *d, const char *dir, const char *pipeline,
	const char *stage, uint64_t run);
void deadletters_release(struct deadletters *d);

/* Files a letter: it is in the segment at the next flush. */
void deadletters_file(struct deadletters *d, const struct letter *l);
void deadletters_flush(struct deadletters *d);

/* Makes durable what was filed. */
void deadletters_sync(struct deadletters *d);

#endif
