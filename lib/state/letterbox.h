/*
 * Reads a dead-letter store (state/deadletter.h): its letters in order, that is the segments by the
 * time of their first letter, then by name, and in a segment line by line. Only whole lines count:
 * a last line without its newline is what a crash left, or is being written. Memory: one letter,
 * and the segments' names.
 */
#ifndef LETTERBOX_H
#define LETTERBOX_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/input.h"
#include "io/line.h"
#include "record/expr.h"
#include "record/path.h"
#include "record/scan.h"
#include "record/time.h"

enum { LETTERBOX_FIELDS = 11 };

/* A letter as it stands in the store. */
struct envelope {
	const char *line; /* borrows; line[len] is '\n', with SCAN_PAD bytes behind it */
	size_t len;
	const char *segment; /* the name of its file; borrows */
	struct span id;
	struct span stage;
	struct span reason;
	struct span source_name;
	uint64_t source_line;
	uint64_t source_offset;
	bool truncated;         /* only the beginning of its bytes was kept */
	struct span record;     /* one of the three holds the bytes */
	struct span raw;        /* as a string */
	struct span raw_base64; /* as a string */
};

/* Before a letter; it means something for one set of segments. */
struct place {
	size_t segment;
	uint64_t offset; /* in it */
	uint64_t number; /* of lines before it */
};

struct letterbox {
	const char *dir; /* borrowed */
	struct segment {
		char *path;
		int64_t first_ns; /* of its first letter */
		uint64_t bytes;   /* that count; 0: it is not there */
	} * segments;
	size_t count;
	struct place place;            /* where the next letter is looked for */
	const struct segment *reading; /* NULL: none */
	struct input input;
	struct lines lines;
	struct paths paths;
	int fields[LETTERBOX_FIELDS];
	struct span *values;
	struct expr *where; /* which letters; NULL: all */
	struct time_format time;
	uint64_t damaged; /* lines that are no letter; each was named on stderr */
	bool is_quiet;    /* they are not named */
};

/* What there is now: what comes later is not seen. Dies with EX_IOERR if there is no such
 * directory. */
void letterbox_open(struct letterbox *b, const char *dir);
void letterbox_close(struct letterbox *b);

/* What there was when letterbox_set gave this: [{"name","bytes"}…], one a segment, in order. A
 * segment that is gone since is named and counted. */
void letterbox_open_set(struct letterbox *b, const char *dir, const json_t *set);
json_t *letterbox_set(const struct letterbox *b);

/* Goes to a place, as b->place was behind the letter that came last; zero is before the first. */
void letterbox_go(struct letterbox *b, struct place place);

/* From now on gives only letters whose envelope this expression is true for. Before the first.
 * NULL, or a static reason with *column. */
const char *letterbox_choose(struct letterbox *b, const char *where, size_t *column);

/* The next letter, valid until the next call; false at the end. Damaged ones are skipped. */
bool letterbox_next(struct letterbox *b, struct envelope *e);

/* Appends the very bytes that were filed. */
void letter_bytes(const struct envelope *e, struct buf *to);

/* Appends the envelope without those bytes, as one JSON object. */
void letter_summary(const struct envelope *e, struct buf *to);

#endif
