/*
 * A source's own log of what can't be read a second time: the bytes of an input in files
 * log.RUN.NUMBER in the stage's directory, written before anything is made of them. Numbers go on
 * from run to run, so that they say the order. Each file begins with a line that says what it
 * holds:
 *
 *   {"log":1,"input":"-","dev":…,"ino":…,"from":0,"line":0}
 *
 * A piece is what one run has of one input without a gap, in one or several files; what it holds
 * ends at its last newline, once nobody writes to it any more. A pipe's bytes are moved into the
 * log by splice(2), so that at no time they are nowhere.
 */
#ifndef SOURCELOG_H
#define SOURCELOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/checkpoint.h"

struct sourcelog {
	const struct checkpoint *checkpoint; /* borrowed */
	uint64_t next_number;
};

/* What a piece is of; a pipe has no device and inode. */
struct piece_origin {
	char *input; /* its name */
	uint64_t dev;
	uint64_t ino;
	uint64_t line; /* lines before the first byte */
};

struct piece_part {
	uint64_t run;
	uint64_t number;
	uint64_t head_bytes; /* of its first line, with the newline */
	uint64_t from;       /* the offset of its first byte in the input */
	uint64_t bytes;      /* of the input */
};

struct piece {
	struct sourcelog *log;
	struct piece_origin origin;
	struct piece_part *parts;
	size_t count;
	size_t cap;
	uint64_t at;     /* the offset that is read next */
	int read_fd;     /* of the part that has it; -1: none */
	size_t reads;    /* which part */
	int write_fd;    /* -1: nobody writes to it any more */
	uint64_t debris; /* bytes behind its last newline that were cut off then */
	bool is_synced;
};

/* since: the number that the record says is next; files that no record names are left from it on.
 * Nothing is made yet. */
void sourcelog_init(struct sourcelog *l, const struct checkpoint *c, uint64_t since);

/*
 * What there is from number `since` on, and what `named` lists ([{"name":…}…]; may be NULL): an
 * array of pieces, whole lines only, in their order; nobody writes to them. The caller releases
 * each, and frees the array. A file whose first line is cut off holds nothing.
 */
struct piece *sourcelog_find(
	struct sourcelog *l, uint64_t since, const json_t *named, size_t *count);

/* A piece to be written, from an offset of its input on. Takes origin's name. */
void piece_begin(struct piece *p, struct sourcelog *l, struct piece_origin origin, uint64_t from);
void piece_release(struct piece *p);

/* Up to where it goes. */
uint64_t piece_end(const struct piece *p);

/* Moves up to max bytes from a pipe or a file to its end; returns how many, 0 at the end of fd. May
 * block. */
size_t piece_move(struct piece *p, int fd, const char *name, size_t max);

/* Ends a last line that has no newline: nothing will come behind it. */
void piece_end_line(struct piece *p);

/* Reads go on at an offset; reading gives up to size bytes, 0 at the end for now. */
void piece_seek(struct piece *p, uint64_t offset);
size_t piece_read(struct piece *p, char *to, size_t size);

/* Makes durable what is in it. */
void piece_sync(struct piece *p);

/* Appends its files to a record's list; those that end before an offset are left out, and no longer
 * belong to it. */
void piece_list(struct piece *p, uint64_t offset, json_t *files);

#endif
