/*
 * Control lines: what the programs of a pipeline tell each other between the records. A control
 * line begins with the bytes {"$dd": and is an object with that one key.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

enum control_kind {
	CONTROL_OPEN,
	CONTROL_WATERMARK,
	CONTROL_BARRIER,
	CONTROL_ABORT,
	CONTROL_UNKNOWN, /* of a later version: to be passed on */
};

struct control {
	enum control_kind kind;
	bool has_run;
	uint64_t run;
	int64_t watermark_ns;
	int64_t version;         /* of open */
	uint64_t epoch;          /* of open and barrier */
	bool is_last;            /* barrier: nothing comes behind it */
	bool is_end;             /* barrier: and the input is complete */
	bool is_once;            /* barrier: a pause, as all that is there now has been read */
	bool is_new;             /* open: other inputs, so stages begin empty */
	uint64_t of;             /* open: the run that made the epoch */
	const char *incarnation; /* open: of the checkpoint directory; NULL: there is none */
	int exit;                /* abort */
	const char *text;        /* open: the pipeline's name; abort: why; borrows document */
	const char *stage;       /* abort: whose; borrows document */
	json_t *document;        /* NULL for watermarks, which are read without a tree */
};

static inline bool control_begins(const char *line, size_t len)
{
	static const char head[] = "{\"$dd\":";

	return len >= sizeof(head) - 1 && memcmp(line, head, sizeof(head) - 1) == 0;
}

enum { CONTROL_VERSION = 1 };

/* Reads a control line; the contract of scan (record/scan.h) for line. Returns NULL, or a static
 * reason why it is none. The caller releases it in either case. */
const char *control_read(struct control *c, const char *line, size_t len);
void control_release(struct control *c);

/* Where a run begins, under a checkpoint. */
struct control_start {
	const char *incarnation; /* NULL: there is no checkpoint, and of and is_new say nothing */
	uint64_t epoch;
	uint64_t of;
	bool is_new;
};

/* Each appends one line, newline included. A run of NULL leaves it out. */
void control_open(
	struct buf *to, uint64_t run, const char *pipeline, const struct control_start *s);
void control_watermark(struct buf *to, const uint64_t *run, int64_t watermark_ns);
void control_abort(struct buf *to, uint64_t run, const char *stage, int exit, const char *why);
/* last is NULL, "end", or what a pause is made by: "once" or "signal"; takes stage_balance, the
 * first stage's. */
void control_barrier(
	struct buf *to, uint64_t run, uint64_t epoch, const char *last, json_t *stage_balance);

/* Appends the barrier c as it was read, with one stage's balance (taken) added to its stages. */
void control_barrier_joined(struct buf *to, const struct control *c, json_t *stage_balance);

#endif
