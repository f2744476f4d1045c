/*
 * Which letters of a store are resolved: STORE/resolved.ndjson, a line for each resolution,
 *
 *   {"id":…,"segment":…,"at":…,"by":…,"xxh3":…}
 *
 * only ever appended to, by one writer at a time, who holds a lock of the file and first cuts off
 * a last line without its newline: a crash has left it. Of several lines for a letter the last
 * counts. `by` is {"pipeline","incarnation","epoch","run"} or {"uid"}. A line with "open":true
 * takes a resolution back, whose epoch the pipeline has gone back behind. The hash is XXH3-64 of
 * the line up to the comma before it. A letter is told by its ID and the name of its file, as
 * pipelines that share a store, and one that was begun anew, give the same IDs.
 *
 * Memory: about 50 bytes a resolved letter, as a fingerprint (SipHash-2-4-128 under a random key).
 */
#ifndef RESOLUTIONS_H
#define RESOLUTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/table.h"
#include "io/line.h"
#include "io/out.h"
#include "record/path.h"
#include "record/scan.h"

enum { RESOLUTION_FIELDS = 6, RESOLUTION_SECRET_BYTES = 16 };

/* A pipeline's past: what it resolved in later epochs than this is not so. */
struct resolutions_past {
	const char *incarnation; /* borrowed; NULL: nothing is void */
	uint64_t epoch;
};

struct resolutions {
	char *path;
	struct resolutions_past past;
	struct table letters; /* a byte of what is said last of each */
	bool has_void;        /* some are void by the past */
	unsigned char secret[RESOLUTION_SECRET_BYTES];
	uint64_t read_bytes; /* of the file */
	uint64_t read_lines;
	struct paths paths;
	int fields[RESOLUTION_FIELDS];
	struct span *values;
	struct buf id; /* of the line in hand, and its segment */
	struct buf segment;
	struct buf key;
	int lock; /* while it is written; -1 */
	struct out out;
};

/*
 * Reads what the store has. A line that is damaged ends the process with EX_IOERR, as letters may
 * be open that are not; the file can't be locked for five seconds: EX_TEMPFAIL.
 */
void resolutions_open(
	struct resolutions *r, const char *store, const struct resolutions_past *past);
void resolutions_close(struct resolutions *r);

bool resolutions_has(struct resolutions *r, const char *segment, const struct buf *id);

/* Appends the line, with its newline, that resolves a letter, now, by what `by` says. */
void resolution_print(
	struct buf *line, const char *segment, const struct buf *id, const json_t *by);

/*
 * To write: begin takes the lock and reads what has come; add appends a line, printed before,
 * unless its letter is resolved, and says whether it did; end makes all durable that the file
 * holds, others' lines too, and lets go.
 */
void resolutions_begin(struct resolutions *r);
bool resolutions_add(struct resolutions *r, const char *line, size_t len);
void resolutions_end(struct resolutions *r);

/* In between: adds all lines of a file that such lines were printed to; it must be whole. */
void resolutions_add_file(struct resolutions *r, const char *path);

/* Takes back what is void by the past: it stays open for everybody. Not in between. */
void resolutions_reopen(struct resolutions *r);

#endif
