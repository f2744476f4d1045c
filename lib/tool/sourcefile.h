/*
 * One file that a source reads: which one it is, how far it is read, and how it is found again. A
 * name under which another file stands after a rotation is two of these, one behind the other; so
 * are the bytes that two runs have of one pipe.
 *
 * A file is known by its identity (io/identity). What has become of it since it was read last is
 * found out before its bytes are relied on; where bytes are lost the source stops.
 */
#ifndef SOURCEFILE_H
#define SOURCEFILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "io/identity.h"
#include "io/input.h"
#include "state/sourcelog.h"
#include "tool/feed.h"

struct source_file {
	struct filter *filter;
	char *name;                    /* as it was given or found; in letters and in the record */
	char *path;                    /* where it stands now */
	size_t operand;                /* which one it belongs to */
	uint64_t sequence;             /* its place among all */
	struct source_file *continues; /* it begins where that one's log ends; NULL: none */
	bool is_from_glob;             /* found by a pattern: it may go when it was read */
	bool is_stdin;
	bool is_seekable; /* a regular file */
	bool is_packed;   /* .gz, .zst: its places are those of what is unpacked */
	bool is_known;    /* read before: id and tail are to be found again */
	bool is_done;     /* nothing will come any more */
	bool is_past;     /* done, and its name is another's: known so that it isn't read again */
	bool is_away;     /* another file has its name, or none */
	bool is_open;
	bool is_parked;
	bool is_logged;   /* its bytes go through the log */
	bool is_standing; /* its next record waits to be merged */
	bool is_cut;      /* it shrank; what is there now is another file's */
	bool has_order;   /* the time of its last record is known */
	int64_t order_ns;

	struct identity id;
	struct tail tail;  /* before the feed's offset, as of the last note */
	uint64_t size;     /* as last seen */
	uint64_t read_end; /* how far it was read when nothing more was there */

	struct feed feed;
	struct input input;
	struct input below;  /* what is copied into the log */
	struct piece *piece; /* NULL: it is read without a log */
	bool is_old_piece;   /* of an earlier run */
	uint64_t log_number; /* of its first file, as the record says; 0: none */
	bool is_at_end;      /* of a pipe: nobody writes to it any more */
	bool ends_lines;     /* at its end a line needs no newline */
};

/* Takes name; path is copied. */
struct source_file *source_file_new(struct filter *f, char *name, const struct feed_format *format);
void source_file_free(struct source_file *s);

/* It stands at path now, which is copied. */
void source_file_move(struct source_file *s, const char *path);

/*
 * Opens it where it was read to, having seen that it is the same; dies with EX_IOERR if bytes are
 * lost. With a log it is read through that: what the log has not goes into it from here. False if
 * another file stands at its path now, or none.
 */
bool source_file_open(struct source_file *s, struct sourcelog *log);

/* Frees what reading takes; its place is kept. */
void source_file_close(struct source_file *s);

/* Whether a read would give something or the end, without waiting. */
bool source_file_is_ready(struct source_file *s);

/* What to wait on until it is; -1: nothing can be waited on. */
int source_file_waits_on(const struct source_file *s);

/* Reads once more; false at the end for now. */
bool source_file_fill(struct source_file *s);

/* It was read to its end for now: its buffers are freed if it can be entered again. */
void source_file_park(struct source_file *s);

/* Counts what was cut off an old piece's end as taken out: it will never be whole. */
void source_file_drop_debris(struct source_file *s);

/* Notes who it is and how far it is read, for the record. */
void source_file_note(struct source_file *s);

/* Whether the file at path, which stat says st of, is this one, though its device may have got
 * another number. */
bool source_file_is(const struct source_file *s, const char *path, const struct stat *st);

/* Whether what was read of this one is in the file at path, which is another one by its inode. */
bool source_file_is_copy(const struct source_file *s, const char *path, const struct stat *st);

/* In the record. */
json_t *source_file_json(struct source_file *s, json_t *files);
bool source_file_read(struct source_file *s, const json_t *from);

#endif
